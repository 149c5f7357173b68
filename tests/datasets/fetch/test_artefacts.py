"""Fetching: any source will do if the bytes are right, and nothing else will."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import io
import ipaddress
import random
import shutil
import socket
import ssl
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from faceparity.datasets.common import paths
from faceparity.datasets.common.errors import UserError
from faceparity.datasets.fetch import artefacts as fetching
from faceparity.datasets.fetch.artefacts import Artefact, RegistryPackage, Url, fetch, is_here, path, verified

CONTENT = bytes(range(256)) * 800
MEMBER = "weightsbox/models/net.onnx"
PACKAGE = RegistryPackage("weightsbox==1.0", MEMBER)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Everything lies under a folder of its own; no proxy stands between the tests and their server."""
    monkeypatch.setenv("FACEPARITY_HOME", str(tmp_path / "home"))
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "home"


class Handler(BaseHTTPRequestHandler):
    """/good, /wrong (same length), /long, /short, /cut (fewer bytes than it says), /to/… leads to `leads_to`, anything else 404."""

    def do_GET(self) -> None:
        bodies = {
            "/good": CONTENT,
            "/wrong": b"x" * len(CONTENT),
            "/long": CONTENT * 50,
            "/short": CONTENT[:-1],
            "/cut": CONTENT[:1000],
        }
        body = bodies.get(self.path)
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        if self.path.startswith("/to/"):
            self.send_response(302)
            self.send_header("Location", self.server.leads_to + self.path.removeprefix("/to"))  # type: ignore[attr-defined]
            self.end_headers()
            return
        if body is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT) if self.path == "/cut" else len(body)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # the other side hangs up when it has had enough
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.asked, made.leads_to = [], ""  # type: ignore[attr-defined]
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()


def url(server: ThreadingHTTPServer, name: str) -> Url:
    return Url(f"http://127.0.0.1:{server.server_port}/{name}")


def dead() -> Url:
    """An address where nothing listens."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return Url(f"http://127.0.0.1:{s.getsockname()[1]}/net.onnx")


def artefact(*sources: Url | RegistryPackage, content: bytes = CONTENT) -> Artefact:
    digest = hashlib.sha256(content).hexdigest()
    return Artefact("net", "net.onnx", digest, len(content), "CC0", sources, fetch_name="thing")


def build_wheel(folder: Path, members: dict[str, bytes]) -> None:
    info = "weightsbox-1.0.dist-info"
    files = {
        **members,
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: weightsbox\nVersion: 1.0\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/RECORD": b"",
    }
    folder.mkdir()
    with zipfile.ZipFile(folder / "weightsbox-1.0-py3-none-any.whl", "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder from which alone pip takes packages."""
    folder = tmp_path / "registry"
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return folder


def leftovers(home: Path) -> list[str]:
    return sorted(f.name for f in (home / "artefacts").iterdir())


def test_absent_names_the_command() -> None:
    with pytest.raises(UserError, match=r"net\.onnx is not on this machine: run `faceparity fetch thing`"):
        path(artefact())


def test_from_an_address(server: ThreadingHTTPServer, home: Path) -> None:
    told: list[tuple[str, int, int]] = []
    wanted = artefact(url(server, "good"))
    assert not is_here(wanted)
    got = fetch(wanted, lambda *a: told.append(a))
    assert got.read_bytes() == CONTENT
    assert got == path(wanted) == home / "artefacts" / f"{wanted.sha256}.onnx"
    assert is_here(wanted)
    assert leftovers(home) == [got.name]
    assert told[-1] == ("net", len(CONTENT), len(CONTENT))
    assert [had for _, had, _ in told] == sorted(had for _, had, _ in told)


def test_what_is_here_is_not_asked_for_again(server: ThreadingHTTPServer) -> None:
    wanted = artefact(url(server, "good"))
    fetch(wanted)
    fetch(wanted)
    assert server.asked == ["/good"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("wrong", "other contents"),
        ("long", "more than the 204,800 "),
        ("short", "204,799 bytes, not the 204,800"),
        ("cut", "1000|1,000"),
        ("absent", "404"),
    ],
)
def test_bad_bytes_are_refused(server: ThreadingHTTPServer, home: Path, name: str, reason: str) -> None:
    with pytest.raises(UserError, match=reason) as caught:
        fetch(artefact(url(server, name)))
    assert "\n" not in str(caught.value)
    assert leftovers(home) == (["partial"] if name == "cut" else [])  # what broke off is kept for the next call


def test_next_source_after_a_failure(server: ThreadingHTTPServer) -> None:
    said: list[str] = []
    wanted = artefact(dead(), url(server, "wrong"), url(server, "good"))
    assert fetch(wanted, say=said.append).read_bytes() == CONTENT
    assert len(said) == 2
    assert "no answer from 127.0.0.1" in said[0]
    assert "other contents" in said[1]


def test_out_of_a_wheel(registry: Path) -> None:
    build_wheel(registry, {MEMBER: CONTENT})
    said: list[str] = []
    assert fetch(artefact(dead(), PACKAGE), say=said.append).read_bytes() == CONTENT
    assert len(said) == 1


def test_the_wheel_itself(registry: Path) -> None:
    build_wheel(registry, {MEMBER: CONTENT})
    whole = (registry / "weightsbox-1.0-py3-none-any.whl").read_bytes()
    assert fetch(artefact(RegistryPackage("weightsbox==1.0"), content=whole)).read_bytes() == whole


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({MEMBER: b"y" * len(CONTENT)}, "other contents"),
        ({MEMBER: CONTENT * 2}, "more than"),
        ({"weightsbox/other": CONTENT}, f"does not hold {MEMBER}"),
    ],
)
def test_wheel_without_the_right_file(registry: Path, home: Path, members: dict[str, bytes], reason: str) -> None:
    build_wheel(registry, members)
    with pytest.raises(UserError, match=reason):
        fetch(artefact(PACKAGE))
    assert leftovers(home) == []


def test_every_reason_when_nothing_helps(server: ThreadingHTTPServer, registry: Path) -> None:
    registry.mkdir()
    with pytest.raises(UserError) as caught:
        fetch(artefact(dead(), url(server, "wrong"), PACKAGE))
    message = str(caught.value)
    assert "no answer from" in message
    assert "other contents" in message
    assert "No matching distribution found for weightsbox==1.0" in message


def test_broken_archives_are_one_more_source_that_failed(tmp_path: Path) -> None:
    """zipfile, tarfile and zlib raise a dozen kinds of errors."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("net.onnx", CONTENT * 50)
    rng, path, kinds, told = random.Random(0), tmp_path / "packed", set(), []
    for _ in range(400):
        data = bytearray(made.getvalue())
        for _ in range(rng.randint(1, 3)):
            data[rng.randrange(len(data))] = rng.choice((0, 1, 99, 255))
        path.write_bytes(data)
        out = fetching._Counted(io.BytesIO(), artefact(), None)
        try:
            fetching._copy_member(path, "net.onnx", out, "w.whl")
        except fetching._SourceError as error:
            kinds.add(type(error.__cause__).__name__)
            told.append(str(error))
    assert "\n" not in "".join(told)
    assert {"error", "BadZipFile"} <= kinds, "a torn stream and a wrong checksum are among them"


def test_damaged_file_is_told_and_mended(server: ThreadingHTTPServer) -> None:
    wanted = artefact(url(server, "good"))
    place = fetch(wanted)
    place.write_bytes(CONTENT[:-1] + b"!")
    with pytest.raises(UserError, match=r"damaged.*run `faceparity fetch thing`"):
        path(wanted)
    assert not is_here(wanted)
    assert fetch(wanted).read_bytes() == CONTENT


def test_reading_never_asks_the_network(server: ThreadingHTTPServer) -> None:
    with pytest.raises(UserError):
        path(artefact(url(server, "good")))
    assert server.asked == []  # type: ignore[attr-defined]


def test_folder_that_cannot_be_written(server: ThreadingHTTPServer, home: Path) -> None:
    home.parent.mkdir(exist_ok=True)
    home.write_text("a file where the folder should be")
    with pytest.raises(UserError, match="FACEPARITY_HOME"):
        fetch(artefact(url(server, "good")))


def test_verified_names_the_remedy(tmp_path: Path) -> None:
    file = tmp_path / "f"
    file.write_bytes(b"abc")
    digest = hashlib.sha256(b"abc").hexdigest()
    assert verified(file, digest, "do this") == file
    with pytest.raises(UserError, match="do this"):
        verified(file, "0" * 64, "do this")
    with pytest.raises(UserError, match="do this"):
        verified(tmp_path / "none", digest, "do this")


def test_places_are_apart() -> None:
    assert len({paths.artefacts(), paths.store(), paths.keys()}) == 3


def test_a_redirect_is_followed(server: ThreadingHTTPServer) -> None:
    assert fetch(artefact(url(server, "to/good"))).read_bytes() == CONTENT


class BreaksOff(BaseHTTPRequestHandler):
    """Sends a quarter of what is asked for, then hangs up."""

    def do_GET(self) -> None:
        begin = int((self.headers.get("Range") or "bytes=0-")[6:-1])
        self.server.asked.append(begin)  # type: ignore[attr-defined]
        self.send_response(206 if begin else 200)
        self.send_header("ETag", '"one"')
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.send_header("Content-Length", str(len(CONTENT) - begin))
        self.end_headers()
        self.wfile.write(CONTENT[begin : begin + len(CONTENT) // 4 + 1])

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def test_a_transfer_that_breaks_off_is_taken_up_where_it_stopped(home: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), BreaksOff)
    server.asked = []  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    told: list[int] = []
    found = fetch(artefact(Url(f"http://127.0.0.1:{server.server_port}/x")), progress=lambda name, had, size: told.append(had))
    assert found.read_bytes() == CONTENT
    piece = len(CONTENT) // 4 + 1
    assert server.asked == [0, piece, 2 * piece, 3 * piece]  # type: ignore[attr-defined]
    assert told == sorted(told)
    assert told[-1] == len(CONTENT)
    assert leftovers(home) == [found.name]
    server.shutdown()
    server.server_close()


def test_no_redirect_is_followed_from_https_to_http(
    server: ThreadingHTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever listens in on http would know what is fetched, and could send something else first."""
    sealed = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    sealed.asked, sealed.leads_to = [], f"http://127.0.0.1:{server.server_port}"  # type: ignore[attr-defined]
    certificate = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    sealed.socket = context.wrap_socket(sealed.socket, server_side=True)
    threading.Thread(target=sealed.serve_forever, daemon=True).start()
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    address = f"https://127.0.0.1:{sealed.server_port}"
    assert fetch(artefact(Url(f"{address}/good"))).read_bytes() == CONTENT
    shutil.rmtree(paths.artefacts())
    with pytest.raises(UserError, match="leads on to an unsafe address"):
        fetch(artefact(Url(f"{address}/to/good")))
    assert server.asked == []  # type: ignore[attr-defined]
    sealed.shutdown()
    sealed.server_close()


def self_signed(folder: Path) -> Path:
    """A certificate of 127.0.0.1 with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "certificate.pem"
    path.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
    return path
