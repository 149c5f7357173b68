"""Models whose weights lie on the network, fetched from a server of the test's own and run: every kind of source, and what goes wrong."""

from __future__ import annotations

import bz2
import hashlib
import io
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.fetch.artefacts import Artefact, NpmPackage, RegistryPackage, Url, fetch, is_here, path, pinned_sha256
from faceparity.harness.cli.catalogue import listing
from faceparity.harness.models import ModelCard, registry
from faceparity.harness.models.assembly.weight_sources import source
from faceparity.harness.models.base.model import Image
from faceparity.harness.models.cards import shipped_card, shipped_names
from faceparity.harness.models.registry import artefacts_of, load_model_card, open_model
from tests.harness.models_toy import embedder, scrfd

FILES: dict[str, bytes] = {}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        data = FILES.get(self.path)
        self.send_response(404 if data is None else 200)
        self.send_header("Content-Length", str(len(data or b"")))
        self.end_headers()
        self.wfile.write(data or b"")

    def log_message(self, format: str, *args: object) -> None:
        """Quiet."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{served.server_address[1]}"
        served.shutdown()


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FACEPARITY_HOME", str(tmp_path))
    FILES.clear()
    return tmp_path


def zipped(member: str, data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(member, data)
    return out.getvalue()


def taped(member: str, data: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tape:
        info = tarfile.TarInfo(member)
        info.size = len(data)
        tape.addfile(info, io.BytesIO(data))
    return out.getvalue()


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def made(address: str, member: str = "", sha256: str = "", size: int = 0) -> Artefact:
    return Artefact("weights", "weights.onnx", sha256, size, "MIT", (Url(address, member),), "mine")


@pytest.mark.parametrize("kind", ["plain", "bz2", "zip", "tgz"])
def test_every_kind_of_file_at_an_address(server: str, kind: str) -> None:
    data = bytes(range(256)) * 500
    packed = {"plain": data, "bz2": bz2.compress(data), "zip": zipped("in/w", data), "tgz": taped("in/w", data)}[kind]
    FILES[f"/w.{kind}"] = packed
    member = "in/w" if kind in ("zip", "tgz") else ""
    artefact = made(f"{server}/w.{kind}", member, digest(data), len(data))
    assert fetch(artefact).read_bytes() == data
    assert path(artefact).read_bytes() == data


@pytest.mark.parametrize(
    ("address", "member", "packed", "told"),
    [
        ("/w.zip", "other", zipped("in/w", b"x"), r"does not hold other"),
        ("/w.zip", "in/w", b"<html>not found</html>", r"does not hold in/w"),
        ("/w.tgz", "other", taped("in/w", b"x"), r"does not hold other"),
        ("/w.bz2", "", bz2.compress(b"abc" * 1000)[:-9], r"not a whole \.bz2"),
        ("/w.onnx", "", b"abcd", r"sends 4 bytes, more than the 3 that were foreseen"),
        ("/w.onnx", "", b"ab", r"2 bytes, not the 3"),
        ("/w.onnx", "", b"abd", r"other contents \(sha256 a52d159f262b…, not ba7816bf8f01…\)"),
        ("/gone.onnx", "", None, r"404"),
    ],
    ids=["no such member of a zip", "no zip", "no such member of a tar", "cut", "too long", "too short", "other", "gone"],
)
def test_what_is_wrong_with_a_file_is_told(server: str, address: str, member: str, packed: bytes | None, told: str) -> None:
    if packed is not None:
        FILES[address] = packed
    artefact = made(server + address, member, digest(b"abc"), 3)
    with pytest.raises(UserError, match=told) as caught:
        fetch(artefact)
    assert "\n" not in str(caught.value)
    assert not is_here(artefact)


def test_a_file_whose_sha256_nobody_states_is_pinned(server: str) -> None:
    FILES["/w.onnx"] = b"first"
    artefact = made(f"{server}/w.onnx")
    assert pinned_sha256(artefact) == ""
    assert not is_here(artefact)
    place = fetch(artefact)
    assert pinned_sha256(artefact) == digest(b"first")
    assert path(artefact) == place
    place.unlink()
    FILES["/w.onnx"] = b"second"
    with pytest.raises(UserError, match="other contents"):
        fetch(artefact)
    FILES["/w.onnx"] = b"first"
    fetch(artefact).write_bytes(b"first, changed")
    with pytest.raises(UserError, match=r"is damaged or another version .* run `faceparity fetch mine`"):
        path(artefact)


def test_sources_are_read_strictly() -> None:
    assert source("https://a/b.zip#c/d") == Url("https://a/b.zip", "c/d")
    assert source("pip:a==1#b/c") == RegistryPackage("a==1", "b/c")
    assert source("npm:@a/b@1.0#c") == NpmPackage("@a/b@1.0", "c")
    for wrong in ("ftp://a/b", "pip:a#b", "npm:@a/b#c", "npm:a@1", "a.onnx", ""):
        with pytest.raises(ValueError, match="is no source"):
            source(wrong)


def picture(seed: int) -> Image:
    noise = np.random.default_rng(seed).integers(0, 256, (20, 16, 3)).astype(np.uint8)
    return np.repeat(np.repeat(noise, 20, 0), 20, 1)


def served(card: ModelCard, server: str) -> ModelCard:
    """The card with toy networks of the same input on the test's server in place of its weights."""
    assert card.recipe is not None
    toys = []
    for weights in card.weights:
        if weights.role == "embedder":
            feeding = card.recipe.input
            data = embedder(card.dimensions, feeding.size, batch=1, last=feeding.layout == "NHWC")
        elif card.recipe.detector.startswith("scrfd"):
            data = scrfd()
        else:
            toys.append(weights)
            continue
        FILES[f"/{weights.file}"] = data
        told = digest(data) if weights.sha256 else ""
        toys.append(weights.model_copy(update={"sources": [f"{server}/{weights.file}"], "sha256": told, "size": 0}))
    return card.model_copy(update={"weights": toys})


def only_on_the_network(name: str) -> bool:
    """Whether an ONNX file of its is at an address alone, in no package."""
    card = shipped_card(name)
    assert card.recipe is not None
    sources = [line for weights in card.weights if weights.role == "embedder" for line in weights.sources]
    return card.recipe.network == "onnx" and all(line.startswith("https:") for line in sources)


NETWORK = [name for name in shipped_names() if only_on_the_network(name)]


@pytest.mark.parametrize("name", NETWORK)
def test_fetched_accepted_and_run(
    server: str, name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From its card to templates: refused without acceptance, fetched with it, run with the detector and input that it names."""
    card = served(shipped_card(name), server)
    if (
        card.recipe is not None and card.recipe.detector == "yunet"
    ):  # its own weights can't be made up: cross it with one that can
        card = served(
            card.model_copy(update={"recipe": card.recipe.model_copy(update={"detector": "none", "alignment": "whole"})}), server
        )
        card = card.model_copy(update={"weights": [w for w in card.weights if w.role == "embedder"]})
    monkeypatch.setattr(registry, "shipped_card", lambda wanted: card)
    if card.terms:
        with pytest.raises(UserError, match=f"run `faceparity fetch {name} --accept-licence`") as refused:
            listing.fetch_named([name])
        assert card.terms in str(refused.value)
    with pytest.raises(UserError, match=f"is not on this machine: run `faceparity fetch {name}`"):
        open_model(name)
    listing.fetch_named([name], accept_licence=bool(card.terms))
    told = capsys.readouterr().out
    assert card.conditions() in told
    listing.fetch_named([name])  # what is here already asks for nothing
    model = open_model(name)
    one, two = model.extract([picture(1), picture(2)])
    assert one.status == two.status == "ok"
    assert one.template is not None
    assert one.template.shape == (card.dimensions,)
    assert not np.array_equal(one.template, two.template)
    again = model.extract([picture(2)])[0]
    np.testing.assert_array_equal(again.template, two.template)
    for weights in load_model_card(name).weights:
        assert len(weights.sha256) == 64, "also where nobody states it: that of what came"
    for artefact in artefacts_of(name):
        path(artefact).write_bytes(path(artefact).read_bytes()[:100])
        with pytest.raises(UserError, match="is damaged or another version"):
            open_model(name)
        break


def test_network_models_that_the_cards_name() -> None:
    """So that none drops out of the test above unseen."""
    wanted = {
        "buffalo_l",
        "buffalo_s",
        "antelopev2",
        "arcface-r50",
        "arcface-mbf",
        "adaface-ir18",
        "adaface-ir101",
        "sphereface-20",
    }
    wanted |= {"sphereface-36", "edgeface-xxs", "edgeface-xs", "edgeface-s", "edgeface-base", "ghostfacenet"}
    assert wanted <= set(NETWORK)
