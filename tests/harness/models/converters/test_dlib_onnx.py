"""dlib's network as ONNX: what is read from the file, that it gives dlib's descriptors, and what is refused."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import face_recognition_models
import numpy as np
import pytest

from faceparity.datasets.common.errors import UserError
from faceparity.harness.models.cards import shipped_card
from faceparity.harness.models.converters import dlib_onnx
from faceparity.harness.models.converters.dlib_format import (
    Affine,
    Convolution,
    DlibFormatError,
    FullyConnected,
    Network,
    Plain,
    PoolingLayer,
    read_network,
)
from faceparity.harness.models.converters.dlib_onnx import converted, largest_difference, synthetic_chips, to_onnx
from faceparity.harness.models.onnx.converted_cache import converted_file, known_digests, state_of, trust_digests
from faceparity.harness.models.onnx.session import OnnxEmbedder

WEIGHTS = Path(face_recognition_models.face_recognition_model_location())
SHA256 = next(w.sha256 for w in shipped_card("face_recognition").weights if w.role == "embedder")


@pytest.fixture(scope="module")
def network() -> Network:
    return read_network(WEIGHTS.read_bytes())


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FACEPARITY_HOME", str(tmp_path))
    return tmp_path


def kinds(network: Network, kind: type) -> int:
    return sum(isinstance(layer, kind) for layer in network.layers)


def test_what_is_in_the_file(network: Network) -> None:
    assert (kinds(network, Convolution), kinds(network, Affine), kinds(network, FullyConnected)) == (29, 29, 1)
    assert network.size == (150, 150)
    assert network.mean == pytest.approx((122.782, 117.001, 104.298), abs=1e-5)
    first, last = network.layers[0], network.layers[-1]
    assert isinstance(first, Convolution)
    assert first.filters.shape == (32, 3, 7, 7)
    assert (first.stride, first.padding) == ((2, 2), (0, 0))
    assert isinstance(last, FullyConnected)
    assert last.weights.shape == (256, 128)
    assert sum(layer == Plain("add_prev_") for layer in network.layers) == 14
    assert sum(layer == PoolingLayer("avg_pool_2", (2, 2), (2, 2), (0, 0)) for layer in network.layers) == 4


def test_same_descriptors_as_dlib(network: Network) -> None:
    graph = to_onnx(network).SerializeToString()
    assert largest_difference(graph, WEIGHTS) <= 1e-5


@pytest.mark.slow
def test_a_slightly_wrong_graph_is_seen(network: Network) -> None:
    """The check would notice one affine layer of 29 being left out."""
    i = max(i for i, layer in enumerate(network.layers) if isinstance(layer, Affine))
    affine = network.layers[i]
    assert isinstance(affine, Affine)
    neutral = replace(affine, beta=np.zeros_like(affine.beta))
    wrong = replace(network, layers=(*network.layers[:i], neutral, *network.layers[i + 1 :]))
    assert largest_difference(to_onnx(wrong).SerializeToString(), WEIGHTS) > 1e-3


def test_difference_from_dlib_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dlib_onnx, "largest_difference", lambda *_: 2e-5)
    with pytest.raises(UserError, match=r"differs from dlib by 2\.0e-05.*report"):
        converted(WEIGHTS, SHA256)
    assert not list(home.rglob("*.onnx"))


def test_not_a_number_is_refused(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dlib_onnx, "largest_difference", lambda *_: float("nan"))
    with pytest.raises(UserError, match="differs"):
        converted(WEIGHTS, SHA256)


@pytest.mark.slow
def test_converted_once_and_kept(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = converted(WEIGHTS, SHA256)
    assert made.parent == home / "artefacts"
    bytes_made = made.read_bytes()
    monkeypatch.setattr(dlib_onnx, "convert", lambda _: pytest.fail("converted again"))
    assert converted(WEIGHTS, SHA256) == made
    assert made.read_bytes() == bytes_made


def test_conversion_is_deterministic(network: Network) -> None:
    graphs = {to_onnx(network).SerializeToString(deterministic=True) for _ in range(2)}
    assert len(graphs) == 1


def test_a_copy_that_is_not_what_the_weights_give_is_made_again(home: Path) -> None:
    made = converted_file("x.onnx", lambda: b"right")
    made.write_bytes(b"wrong")
    assert state_of("x.onnx", lambda: b"right") == "replaced"
    assert converted_file("x.onnx", lambda: b"right").read_bytes() == b"right"
    assert state_of("x.onnx", lambda: b"right") == "whole"
    assert [f.name for f in home.rglob("x*")] == ["x.onnx"]


def test_no_digest_beside_a_file_makes_it_whole(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a process that has not made the file itself, both replaced is no better than one."""
    made = converted_file("x.onnx", lambda: b"right")
    made.write_bytes(b"wrong")
    made.with_name("x.onnx.sha256").write_text(hashlib.sha256(b"wrong").hexdigest())
    monkeypatch.setattr("faceparity.harness.models.onnx.converted_cache._known", {})
    checked: list[bytes] = []
    assert converted_file("x.onnx", lambda: b"right", checked.append).read_bytes() == b"right"
    assert checked == [b"right"]


def test_workers_take_their_parents_word(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never() -> bytes:
        raise AssertionError

    made = converted_file("x.onnx", lambda: b"right")
    parents = known_digests()
    monkeypatch.setattr("faceparity.harness.models.onnx.converted_cache._known", {})
    trust_digests(parents)
    assert converted_file("x.onnx", never) == made


def test_failed_making_leaves_nothing(home: Path) -> None:
    def fail() -> bytes:
        raise UserError("no")

    with pytest.raises(UserError):
        converted_file("y.onnx", fail)
    assert not list(home.rglob("y*"))


@pytest.mark.parametrize("cut", [0, 10, 400, 19_000, 1_000_000, -1, -40, -200_000])
def test_cut_files_are_refused(cut: int) -> None:
    data = WEIGHTS.read_bytes()
    with pytest.raises(DlibFormatError):
        read_network(data[:cut])


@pytest.mark.parametrize("at", [325, 340, 19_184, 19_290, 19_384, 57_234])
def test_bent_structure_is_refused(at: int) -> None:
    data = bytearray(WEIGHTS.read_bytes()[:100_000])
    data[at] ^= 0x70
    with pytest.raises(DlibFormatError):
        read_network(bytes(data))


NAMES = b"loss_metric_2" + bytes([1, 21]) + b"input_rgb_image_sized"
ONE = bytes([1, 1, 1, 0])
HEAD = NAMES + 3 * ONE + bytes([1, 150, 1, 150])
"""Means of 1, and 150 rows and columns."""


def test_numbers_that_are_none_are_refused() -> None:
    """Found by fuzzing: a mean of 2 to the power of 65,535. A number is a length with its sign, and that many bytes."""
    with pytest.raises(DlibFormatError, match="no finite number"):
        read_network(NAMES + bytes([1, 1, 2, 255, 255]) + 2 * ONE + bytes([1, 150, 1, 150]))


@pytest.mark.parametrize(
    "dimensions",
    [
        [b"\x81\x01", b"\x81\x01", b"\x01\x01", b"\x01\x01"],
        [b"\x08" + b"\xff" * 8, b"\x01\x02", b"\x01\x01", b"\x01\x01"],
        [b"\x08" + b"\xff" * 8] * 4,
    ],
    ids=["negative", "beyond 64 bits together", "beyond 64 bits each"],
)
def test_sizes_that_no_tensor_has_are_refused(dimensions: list[bytes]) -> None:
    tensor = b"\x01\x02" + b"".join(dimensions)
    with pytest.raises(DlibFormatError, match=r"negative dimension|in the middle of a value"):
        read_network(HEAD + b"\x01\x04fc_2" + bytes([1, 128, 1, 128]) + tensor)


def test_other_files_are_refused(tmp_path: Path, home: Path) -> None:
    for content in (b"", b"not a network", bytes(10_000)):
        file = tmp_path / "w.dat"
        file.write_bytes(content)
        with pytest.raises(UserError, match=r"w\.dat can't be converted"):
            converted(file, "0" * 64)


def test_graph_by_hand() -> None:
    """One block with a shortcut that is larger than the block's output and has fewer channels: dlib fills up with zeros."""
    one = np.ones((1, 3, 3, 3), np.float32)
    two = np.ones((2, 1, 1, 1), np.float32)
    layers = (
        Convolution(one, np.zeros(1, np.float32), (1, 1), (1, 1)),
        Affine(np.full(1, 2, np.float32), np.full(1, 5, np.float32)),
        Plain("relu_"),
        PoolingLayer("max_pool_2", (1, 1), (1, 1), (0, 0)),
        Convolution(two, np.array([1, 2], np.float32), (3, 3), (0, 0)),
        Affine(np.ones(2, np.float32), np.zeros(2, np.float32)),
        PoolingLayer("avg_pool_2", (2, 2), (2, 2), (0, 0)),
        Plain("add_prev_"),
        Plain("relu_"),
        PoolingLayer("avg_pool_2", (0, 0), (1, 1), (0, 0)),
        FullyConnected(np.array([[1, 10], [100, 1000]], np.float32)),
    )
    embedder = OnnxEmbedder(to_onnx(Network((1.0, 2.0, 3.0), (4, 4), layers)).SerializeToString())
    chip = np.random.default_rng(3).integers(0, 256, (4, 4, 3)).astype(np.uint8)

    x = (chip - np.array([1.0, 2.0, 3.0])) / 256
    padded = np.pad(x.sum(axis=2), 1)
    y = np.array([[padded[r : r + 3, c : c + 3].sum() for c in range(4)] for r in range(4)])
    y = np.maximum(2 * y + 5, 0)
    body = np.zeros((2, 2, 2))
    body[:, :2, :2] = y[::3, ::3][None] + np.array([1, 2])[:, None, None]
    short = np.zeros((2, 2, 2))
    short[0] = y.reshape(2, 2, 2, 2).mean(axis=(1, 3))
    features = np.maximum(body + short, 0).mean(axis=(1, 2))
    expected = features @ np.array([[1, 10], [100, 1000]])
    np.testing.assert_allclose(embedder.embed([chip])[0], expected, rtol=1e-5)


def test_growing_both_ways() -> None:
    """The block's output is 1 × 1, its shortcut 2 × 2: zeros after the last row and column."""
    layers = (
        Convolution(np.ones((1, 3, 1, 1), np.float32), np.zeros(1, np.float32), (1, 1), (0, 0)),
        Affine(np.ones(1, np.float32), np.zeros(1, np.float32)),
        Plain("relu_"),
        PoolingLayer("max_pool_2", (1, 1), (1, 1), (0, 0)),
        Convolution(np.ones((2, 1, 3, 3), np.float32), np.zeros(2, np.float32), (2, 2), (0, 0)),
        Affine(np.ones(2, np.float32), np.zeros(2, np.float32)),
        PoolingLayer("avg_pool_2", (2, 2), (2, 2), (0, 0)),
        Plain("add_prev_"),
        Plain("relu_"),
        PoolingLayer("avg_pool_2", (0, 0), (1, 1), (0, 0)),
        FullyConnected(np.eye(2, dtype=np.float32)),
    )
    embedder = OnnxEmbedder(to_onnx(Network((0.0, 0.0, 0.0), (4, 4), layers)).SerializeToString())
    chip = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    y = chip.astype(float).sum(axis=2) / 256
    body = np.zeros((2, 2, 2))
    body[:, 0, 0] = y[:3, :3].sum()
    body[0] += y.reshape(2, 2, 2, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(embedder.embed([chip])[0], body.mean(axis=(1, 2)), rtol=1e-5)


def test_synthetic_chips_never_change() -> None:
    chips = synthetic_chips()
    assert [c.shape for c in chips] == [(150, 150, 3)] * 6
    assert all(c.dtype == np.uint8 for c in chips)
    for a, b in zip(chips, synthetic_chips(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert len({c.tobytes() for c in chips}) == 6
