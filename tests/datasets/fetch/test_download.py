"""Downloads from a server that drops connections, stalls, lies, redirects and ignores what it is asked: whole and right, or not at all."""

from __future__ import annotations

import contextlib
import hashlib
import re
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.fetch.artefacts import Artefact, Url, fetch
from faceparity.datasets.fetch.download import NotOnServerError, Patience, check_redirect, download

CONTENT = bytes((i * 7 + i // 256) % 256 for i in range(300_000))
SHA = hashlib.sha256(CONTENT).hexdigest()
QUICK = Patience(seconds=0.4, tries=3, pause=0.01)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.0"

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers.get("Range"), self.headers.get("If-Range")))  # type: ignore[attr-defined]
        with contextlib.suppress(ConnectionError):
            self.server.play(self)  # type: ignore[attr-defined]

    def log_message(self, *_: object) -> None:
        pass


Server = ThreadingHTTPServer


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.asked = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()


def send(
    to: Handler, *, upto: int | None = None, content: bytes = CONTENT, tag: str = '"one"', ranges: bool = True, stall: float = 0.0
) -> None:
    """The content as it should be sent, but perhaps only the first `upto` bytes of what was asked for."""
    asked = re.fullmatch(r"bytes=(\d+)-", to.headers.get("Range", ""))
    same = to.headers.get("If-Range") in (None, tag)
    begin = int(asked[1]) if asked and ranges and same else 0
    if begin >= len(content) and begin:
        to.send_response(416)
        to.send_header("Content-Range", f"bytes */{len(content)}")
        to.end_headers()
        return
    to.send_response(206 if begin else 200)
    if begin:
        to.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
    to.send_header("Content-Length", str(len(content) - begin))
    if tag:
        to.send_header("ETag", tag)
    to.end_headers()
    to.wfile.write(content[begin:] if upto is None else content[begin : begin + upto])
    to.wfile.flush()
    time.sleep(stall)


def play(server: Server, how: Callable[[Handler], None]) -> str:
    server.play = how  # type: ignore[attr-defined]
    return f"http://127.0.0.1:{server.server_port}/set.zip"


def left(folder: Path) -> set[str]:
    return {p.name for p in folder.iterdir()}


def test_a_plain_file(server: Server, tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    got = download(play(server, send), tmp_path / "set.zip", sha256=SHA, progress=lambda a, b: steps.append((a, b)))
    assert got.path.read_bytes() == CONTENT
    assert (got.sha256, got.size, got.verified, got.resumed) == (SHA, len(CONTENT), True, 0)
    assert left(tmp_path) == {"set.zip"}
    assert steps[-1] == (len(CONTENT), len(CONTENT))


def test_dropped_connections_are_taken_up_where_they_broke(server: Server, tmp_path: Path) -> None:
    got = download(play(server, lambda to: send(to, upto=70_000)), tmp_path / "set.zip", patience=QUICK)
    assert got.path.read_bytes() == CONTENT
    assert not got.verified
    assert [r for _, r, _ in server.asked] == [None, *(f"bytes={n}-" for n in (70_000, 140_000, 210_000, 280_000))]  # type: ignore[attr-defined]
    assert {i for _, r, i in server.asked if r} == {'"one"'}  # type: ignore[attr-defined]


def test_stalls_are_broken_off_and_taken_up(server: Server, tmp_path: Path) -> None:
    sent: list[int] = []

    def stalling(to: Handler) -> None:
        sent.append(1)
        send(to, upto=100_000, stall=2.0) if len(sent) == 1 else send(to)

    begun = time.monotonic()
    got = download(play(server, stalling), tmp_path / "set.zip", sha256=SHA, patience=QUICK)
    assert got.path.read_bytes() == CONTENT
    assert server.asked[1][1] == "bytes=100000-"  # type: ignore[attr-defined]
    assert time.monotonic() - begun < 1.9, "it did not wait for the server"


def test_a_later_call_goes_on_and_nothing_half_has_the_final_name(server: Server, tmp_path: Path) -> None:
    first: list[int] = []

    def dies(to: Handler) -> None:
        first.append(1)
        send(to, upto=100_000 if len(first) == 1 else 0)

    address = play(server, dies)
    with pytest.raises(UserError, match="100,000 bytes are kept, and the same command goes on from there"):
        download(address, tmp_path / "set.zip", patience=QUICK)
    assert left(tmp_path) == {"set.zip.part", "set.zip.part.json"}
    play(server, send)
    server.asked.clear()  # type: ignore[attr-defined]
    got = download(address, tmp_path / "set.zip", patience=QUICK)
    assert got.path.read_bytes() == CONTENT
    assert got.resumed == 100_000
    assert server.asked == [("/set.zip", "bytes=100000-", '"one"')]  # type: ignore[attr-defined]


def test_a_server_that_ignores_range_is_read_from_the_start(server: Server, tmp_path: Path) -> None:
    (tmp_path / "set.zip.part").write_bytes(CONTENT[:5000])
    address = play(server, lambda to: send(to, ranges=False))
    (tmp_path / "set.zip.part.json").write_text(f'{{"address": "{address}", "validator": "\\"one\\""}}')
    got = download(address, tmp_path / "set.zip", sha256=SHA, patience=QUICK)
    assert got.path.read_bytes() == CONTENT
    assert got.resumed == 0


def test_a_file_that_changed_meanwhile_is_not_pieced_together(server: Server, tmp_path: Path) -> None:
    other = CONTENT[::-1]
    turns: list[int] = []

    def changes(to: Handler) -> None:
        turns.append(1)
        send(to, upto=60_000) if len(turns) == 1 else send(to, content=other, tag='"two"')

    got = download(play(server, changes), tmp_path / "set.zip", patience=QUICK)
    assert got.path.read_bytes() == other


def test_without_any_mark_of_version_it_begins_anew(server: Server, tmp_path: Path) -> None:
    address = play(server, lambda to: send(to, tag=""))
    (tmp_path / "set.zip.part").write_bytes(b"x" * 5000)
    (tmp_path / "set.zip.part.json").write_text(f'{{"address": "{address}", "validator": ""}}')
    assert download(address, tmp_path / "set.zip", patience=QUICK).path.read_bytes() == CONTENT
    assert server.asked[0][1] is None  # type: ignore[attr-defined]


def test_wrong_bytes_are_not_kept(server: Server, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not what it should be"):
        download(play(server, lambda to: send(to, content=b"y" * 999)), tmp_path / "set.zip", sha256=SHA, patience=QUICK)
    assert left(tmp_path) == set()


def test_a_spoilt_beginning_from_before_is_fetched_anew(server: Server, tmp_path: Path) -> None:
    address = play(server, send)
    (tmp_path / "set.zip.part").write_bytes(b"z" * 1000)
    (tmp_path / "set.zip.part.json").write_text(f'{{"address": "{address}", "validator": "\\"one\\""}}')
    assert download(address, tmp_path / "set.zip", sha256=SHA, patience=QUICK).path.read_bytes() == CONTENT


def test_all_of_it_was_there_already(server: Server, tmp_path: Path) -> None:
    address = play(server, send)
    (tmp_path / "set.zip.part").write_bytes(CONTENT)
    (tmp_path / "set.zip.part.json").write_text(f'{{"address": "{address}", "validator": "\\"one\\""}}')
    assert download(address, tmp_path / "set.zip", sha256=SHA, patience=QUICK).size == len(CONTENT)


def test_more_bytes_than_foreseen_are_refused(server: Server, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="more than the 1,000 that were foreseen"):
        download(play(server, send), tmp_path / "set.zip", at_most=1000, patience=QUICK)
    assert "set.zip" not in left(tmp_path)


def test_redirects_are_followed_but_not_to_the_file_system(server: Server, tmp_path: Path) -> None:
    def elsewhere(to: Handler) -> None:
        if to.path == "/set.zip":
            to.send_response(302)
            to.send_header("Location", "/real.zip")
            to.end_headers()
        else:
            send(to, upto=200_000)

    got = download(play(server, elsewhere), tmp_path / "set.zip", sha256=SHA, patience=QUICK)
    assert got.path.read_bytes() == CONTENT
    assert ("/real.zip", "bytes=200000-", '"one"') in server.asked  # type: ignore[attr-defined]

    def inside(to: Handler) -> None:
        to.send_response(302)
        to.send_header("Location", "file:///etc/passwd")
        to.end_headers()

    with pytest.raises(UserError):
        download(play(server, inside), tmp_path / "other.zip", patience=QUICK)
    assert "other.zip" not in left(tmp_path)


def test_a_page_instead_of_the_file_is_told(server: Server, tmp_path: Path) -> None:
    def page(to: Handler) -> None:
        to.send_response(200)
        to.send_header("Content-Type", "text/html; charset=utf-8")
        to.send_header("Content-Length", "5")
        to.end_headers()
        to.wfile.write(b"<html")

    with pytest.raises(UserError, match="sent a web page, not the file"):
        download(play(server, page), tmp_path / "set.zip", patience=QUICK)
    assert "set.zip" not in left(tmp_path)


@pytest.mark.parametrize(("code", "kind", "times"), [(404, NotOnServerError, 1), (403, UserError, 1), (503, UserError, 3)])
def test_refusals(server: Server, tmp_path: Path, code: int, kind: type[Exception], times: int) -> None:
    with pytest.raises(kind, match=str(code)):
        download(play(server, lambda to: to.send_error(code)), tmp_path / "set.zip", patience=QUICK)
    assert len(server.asked) == times  # type: ignore[attr-defined]
    assert "set.zip" not in left(tmp_path)


def test_a_length_that_nobody_tells_is_not_trusted(server: Server, tmp_path: Path) -> None:
    def endless(to: Handler) -> None:
        to.send_response(200)
        to.end_headers()
        to.wfile.write(CONTENT)

    address = play(server, endless)
    with pytest.raises(UserError, match="does not say how long"):
        download(address, tmp_path / "set.zip", patience=QUICK)
    assert download(address, tmp_path / "set.zip", sha256=SHA, patience=QUICK).path.read_bytes() == CONTENT


def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="refused"):
        download("http://127.0.0.1:9/set.zip", tmp_path / "set.zip", patience=QUICK)


@pytest.mark.parametrize(
    "address", ["http://example.org/set.zip", "http://127.0.0.1.example.org/set.zip", "ftp://example.org/set.zip"]
)
def test_what_is_not_encrypted_is_not_asked_for(address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("urllib.request.build_opener", lambda *_: pytest.fail("the network was touched"))
    with pytest.raises(UserError, match="is not encrypted: only https:// addresses are fetched"):
        download(address, tmp_path / "set.zip", patience=QUICK)
    with pytest.raises(UserError, match="is not encrypted: only https:// addresses are fetched"):
        fetch(Artefact("net", "net.onnx", "0" * 64, 1, "CC0", (Url(address),)))
    assert not (tmp_path / "set.zip").exists()


@pytest.mark.parametrize("address", ["https://example.org/a", "http://127.0.0.1/a"])
@pytest.mark.parametrize("leads_to", ["http://example.org/b", "ftp://example.org/b", "file:///etc/passwd"])
def test_redirects_to_what_is_not_encrypted_are_not_followed(address: str, leads_to: str) -> None:
    with pytest.raises(UserError, match="leads on to an unsafe address"):
        check_redirect(address, leads_to)


def test_redirects_from_https_do_not_lead_to_http_on_this_machine() -> None:
    check_redirect("https://example.org/a", "https://example.net/b")
    check_redirect("http://127.0.0.1/a", "http://localhost/b")
    with pytest.raises(UserError, match="leads on to an unsafe address"):
        check_redirect("https://example.org/a", "http://127.0.0.1/b")
