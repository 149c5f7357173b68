"""Download one file from the web, whole or not at all; a later call continues a transfer that broke off."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.regular_files import read_regular

LOOPBACK = ("127.0.0.1", "::1", "localhost")
_CHUNK = 1 << 16
_AGENT = "faceparity (dataset download)"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a server, and how often.

    seconds: without a byte before a connection counts as dead. tries: in a row without a single new byte. pause: before a
    further try, in seconds.
    """

    seconds: float = 30.0
    tries: int = 5
    pause: float = 2.0


@dataclass(frozen=True, slots=True)
class DownloadedFile:
    """A file that was fetched. verified: its sha256 was known beforehand. resumed: bytes that were there already."""

    path: Path
    sha256: str
    size: int
    verified: bool
    resumed: int = 0


class NotOnServerError(UserError):
    """The server answers, and says that it has no such file."""


class _BrokenOff(Exception):  # noqa: N818
    """A try that may be repeated."""


def check_address(address: str) -> None:
    """Refuse an address that is not encrypted.

    Others could read or change what is fetched, so only https is allowed, or http on this very machine. Raises UserError.
    """
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise UserError(f"{address} is not encrypted: only https:// addresses are fetched")


def check_redirect(address: str, leads_to: str) -> None:
    """Refuse a redirect to an unsafe address.

    That is one that `check_address` refuses, or one from https to http. Raises UserError.
    """
    old, new = urlsplit(address), urlsplit(leads_to)
    try:
        check_address(leads_to)
        safe = (old.scheme, new.scheme) != ("https", "http")
    except UserError:
        safe = False
    if not safe:
        raise UserError(f"{old.hostname} leads on to an unsafe address ({new.scheme}): not followed")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Redirects to safe addresses only."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        """Follow a redirect that `check_redirect` allows.

        See HTTPRedirectHandler; the request's headers are taken over.
        """
        check_redirect(req.full_url, newurl)
        redirected = super().redirect_request(req, fp, code, msg, headers, newurl)
        if redirected is not None:
            for name, value in req.header_items():
                redirected.add_unredirected_header(name, value)
        return redirected


Progress = Callable[[int, int], None]
"""Called with the bytes received so far and those in all (0: not known)."""


def download(
    address: str,
    target: Path,
    *,
    sha256: str = "",
    at_most: int = 50 * 2**30,
    page: bool = False,
    progress: Progress | None = None,
    patience: Patience = Patience(),
) -> DownloadedFile:
    """Download the file at an address to `target`.

    What came lies beside it (`.part`) until it is whole and right. sha256: what it must be; empty: not known. at_most:
    bytes. page: it may be a web page.

    A transfer that breaks off or stalls is continued where it stopped, in this call and in later ones, unless the file
    has changed at the server since. Raises NotOnServerError where the server has no such file, and UserError if the address is
    not https, or the file can't be fetched or is not what it should be.
    """
    check_address(address)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    started = resumed = _size(part)
    fruitless = 0
    while True:
        before = _size(part)
        try:
            restarted = _transfer(address, part, bool(sha256), at_most, page, progress, patience)
            resumed = 0 if restarted else resumed
            break
        except _BrokenOff as error:
            fruitless = fruitless + 1 if _size(part) <= before else 0
            if fruitless >= patience.tries:
                if not _size(part):
                    _forget(part)
                    raise UserError(f"no answer from {_host(address)} ({error})") from None
                raise UserError(
                    f"{_host(address)}: {error}; {_size(part):,} bytes are kept, and the same command goes on from there"
                ) from None
            time.sleep(patience.pause)
    found, size = _digest(part), _size(part)
    if sha256 and found != sha256:
        _forget(part)
        if started:  # the part that was there may be of another version
            return download(address, target, sha256=sha256, at_most=at_most, page=page, progress=progress, patience=patience)
        raise UserError(
            f"{target.name} from {_host(address)} is not what it should be (sha256 {found[:12]}…, not {sha256[:12]}…): not kept"
        )
    part.replace(target)
    _about(part).unlink(missing_ok=True)
    return DownloadedFile(target, found, size, bool(sha256), resumed)


def _transfer(
    address: str, part: Path, digest_known: bool, at_most: int, page: bool, progress: Progress | None, patience: Patience
) -> bool:
    """Try once to fetch what is missing of a file.

    Returns whether the transfer began at the first byte again, though a part was there. Raises _BrokenOff, UserError.
    """
    about = _read_about(part)
    have = _size(part)
    if have and (about.get("address") != address or not (digest_known or about.get("validator"))):
        _forget(part)
        have = 0
    request = urllib.request.Request(address, headers={"Accept-Encoding": "identity", "User-Agent": _AGENT})
    if have:
        request.add_header("Range", f"bytes={have}-")
        if about.get("validator"):
            request.add_header("If-Range", about["validator"])
    try:
        with urllib.request.build_opener(_Redirects).open(request, timeout=patience.seconds) as answer:
            begin, total = _offset_and_length(answer, have)
            _check_kind(answer, address, page)
            if total is not None and total > at_most:
                raise UserError(f"{_host(address)} sends {total:,} bytes, more than the {at_most:,} that were foreseen")
            if total is None and not digest_known and answer.headers.get("Transfer-Encoding", "").casefold() != "chunked":
                raise UserError(f"{_host(address)} does not say how long the file is, and its digest is not known: not fetched")
            _write_about(part, address, answer)
            with part.open("r+b" if begin else "wb") as out:
                out.seek(begin)
                _copy(answer, out, begin, total, at_most, progress, address)
            return bool(have) and not begin
    except urllib.error.HTTPError as error:
        return _handle_refusal(error, part, have, address)
    except (OSError, http.client.HTTPException) as error:
        raise _BrokenOff(_why(error)) from None


def _offset_and_length(answer: Any, have: int) -> tuple[int, int | None]:
    """Return an answer's offset and the file's length.

    The length is None where the server does not say it. Raises _BrokenOff if another part came than the one asked for.
    """
    if answer.status == 206:
        span = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", answer.headers.get("Content-Range", ""))
        if span is None or int(span[1]) != have:
            raise _BrokenOff("the server sent another part than the one asked for")
        return have, None if span[2] == "*" else int(span[2])
    length = answer.headers.get("Content-Length", "")
    return 0, int(length) if length.isdigit() else None


def _check_kind(answer: Any, address: str, page: bool) -> None:
    if not page and answer.headers.get_content_type() == "text/html":
        raise UserError(f"{_host(address)} sent a web page, not the file: open {address} in a browser and see what it says")


def _copy(
    answer: Any, out: IO[bytes], received: int, total: int | None, at_most: int, progress: Progress | None, address: str
) -> None:
    while piece := answer.read1(_CHUNK):
        received += len(piece)
        if received > (total or at_most):
            raise UserError(f"{_host(address)} sends more bytes than it should: not fetched")
        out.write(piece)
        if progress is not None:
            progress(received, total or 0)
    out.truncate()
    if total is not None and received < total:
        raise _BrokenOff(f"broke off after {received:,} of {total:,} bytes")


def _handle_refusal(error: urllib.error.HTTPError, part: Path, have: int, address: str) -> bool:
    """Handle an answer with an error status.

    Returns False if the part is already the whole file. Raises _BrokenOff for an error that may pass, NotOnServerError if the
    server has no such file, UserError for any other.
    """
    with error:
        if error.code == 416 and have:
            if error.headers.get("Content-Range", "").endswith(f"/{have}"):
                return False  # all of it is there
            _forget(part)
            raise _BrokenOff("the file has become shorter") from None
        if error.code in (404, 410):
            raise NotOnServerError(f"{address}: not there ({error.code}); its publisher may have moved it") from None
        if error.code == 429 or error.code >= 500:
            raise _BrokenOff(f"the server is busy ({error.code})") from None
        raise UserError(f"{address}: refused ({error.code} {error.reason})") from None


def _why(error: Exception) -> str:
    reason = getattr(error, "reason", None) or error
    if isinstance(reason, TimeoutError):
        return "no answer in time"
    return " ".join(str(reason).split())[:120] or type(reason).__name__


def _host(address: str) -> str:
    return urlsplit(address).hostname or address


def _size(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0


def _about(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _read_about(part: Path) -> dict[str, str]:
    try:
        found = json.loads(read_regular(_about(part), 1 << 16))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write_about(part: Path, address: str, answer: Any) -> None:
    """Write the address and the version of a partial file.

    The version is a strong ETag, else Last-Modified: only a part of the same version is continued.
    """
    tag = answer.headers.get("ETag", "")
    validator = tag if tag and not tag.startswith("W/") else answer.headers.get("Last-Modified", "")
    _about(part).write_text(json.dumps({"address": address, "validator": validator}), "utf-8")


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    _about(part).unlink(missing_ok=True)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        os.fsync(file.fileno())
        return hashlib.file_digest(file, "sha256").hexdigest()
