"""FaceNet's weights without torch: what the file may hold, and the network against plain numpy on weights made up here."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from faceparity.harness.models.converters import torch_state_dict
from faceparity.harness.models.converters.facenet_onnx import facenet_to_onnx
from faceparity.harness.models.converters.torch_state_dict import MAGIC, TorchFormatError, read_state
from faceparity.harness.models.onnx.session import open_session
from tests.harness.torch_writer import as_if_installed, saved


@pytest.fixture
def torch() -> Iterator[ModuleType]:
    """As much of torch as a pickle of a state dict names."""
    with as_if_installed() as module:
        yield module


@pytest.mark.parametrize("in_a_zip", [False, True])
def test_tensors_come_back(torch: ModuleType, in_a_zip: bool) -> None:
    state = {
        "a.weight": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
        "n": np.array(7, np.int64),
        "b": np.ones(3, np.float32),
    }
    found = read_state(saved(state, in_a_zip))
    assert list(found) == list(state)
    for name, values in state.items():
        assert found[name].dtype == values.dtype
        np.testing.assert_array_equal(found[name], values)


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return exec, ("raise SystemExit('run by a pickle')",)


@pytest.mark.parametrize("in_a_zip", [False, True])
def test_nothing_in_the_file_is_run(torch: ModuleType, in_a_zip: bool) -> None:
    bad = io.BytesIO()
    pickle.dump({"a": Evil()}, bad, 2)
    if in_a_zip:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("archive/data.pkl", bad.getvalue())
        data = out.getvalue()
    else:
        data = b"".join(pickle.dumps(head, 2) for head in (MAGIC, 1001, {})) + bad.getvalue()
    with pytest.raises(TorchFormatError, match=r"asks for .*exec, which is no part of a state dict"):
        read_state(data)


def test_other_files_are_refused(torch: ModuleType) -> None:
    whole = saved({"a": np.ones(1000, np.float32)}, False)
    for data in (b"", b"<html>", b"PK\x03\x04", pickle.dumps(3), whole[:-100], whole[:60]):
        with pytest.raises(TorchFormatError):
            read_state(data)
    with pytest.raises(TorchFormatError, match="ByteStorage"):
        read_state(saved({"a": np.ones(3, np.uint8)}, False))


def test_a_tensor_can_not_reach_beyond_its_storage(torch: ModuleType) -> None:
    data = saved({"a": np.ones(6, np.float32)}, True)
    assert read_state(data)["a"].shape == (6,)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(out, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name)[:8] if name.endswith("/0") else old.read(name))
    with pytest.raises(TorchFormatError):
        read_state(out.getvalue())


def _layers() -> dict[str, tuple[int, int, int, int]]:
    """Name → outputs, inputs, rows, columns, narrowed to about a sixteenth of FaceNet's channels."""
    n = {"conv2d_1a": (2, 3, 3, 3), "conv2d_2a": (2, 2, 3, 3), "conv2d_2b": (4, 2, 3, 3), "conv2d_3b": (5, 4, 1, 1)}
    n |= {"conv2d_4a": (12, 5, 3, 3), "conv2d_4b": (16, 12, 3, 3)}
    for i in range(5):
        b = f"repeat_1.{i}"
        n |= {f"{b}.branch0": (2, 16, 1, 1), f"{b}.branch1.0": (2, 16, 1, 1), f"{b}.branch1.1": (2, 2, 3, 3)}
        n |= {f"{b}.branch2.0": (2, 16, 1, 1), f"{b}.branch2.1": (2, 2, 3, 3), f"{b}.branch2.2": (2, 2, 3, 3)}
    n |= {"mixed_6a.branch0": (24, 16, 3, 3), "mixed_6a.branch1.0": (12, 16, 1, 1), "mixed_6a.branch1.1": (12, 12, 3, 3)}
    n |= {"mixed_6a.branch1.2": (16, 12, 3, 3)}
    for i in range(10):
        b = f"repeat_2.{i}"
        n |= {f"{b}.branch0": (8, 56, 1, 1), f"{b}.branch1.0": (8, 56, 1, 1)}
        n |= {f"{b}.branch1.1": (8, 8, 1, 7), f"{b}.branch1.2": (8, 8, 7, 1)}
    n |= {"mixed_7a.branch0.0": (16, 56, 1, 1), "mixed_7a.branch0.1": (24, 16, 3, 3), "mixed_7a.branch1.0": (16, 56, 1, 1)}
    n |= {"mixed_7a.branch1.1": (16, 16, 3, 3), "mixed_7a.branch2.0": (16, 56, 1, 1), "mixed_7a.branch2.1": (16, 16, 3, 3)}
    n |= {"mixed_7a.branch2.2": (16, 16, 3, 3)}
    for b in [*(f"repeat_3.{i}" for i in range(5)), "block8"]:
        n |= {f"{b}.branch0": (12, 112, 1, 1), f"{b}.branch1.0": (12, 112, 1, 1)}
        n |= {f"{b}.branch1.1": (12, 12, 1, 3), f"{b}.branch1.2": (12, 12, 3, 1)}
    return n


def made_up() -> dict[str, NDArray[Any]]:
    """A state dict of the narrowed network."""
    rng = np.random.default_rng(11)
    state: dict[str, NDArray[Any]] = {}
    for name, shape in _layers().items():
        state[f"{name}.conv.weight"] = rng.normal(size=shape) * np.sqrt(2 / np.prod(shape[1:]))
        state[f"{name}.bn.weight"] = rng.uniform(0.5, 1.5, shape[0])
        state[f"{name}.bn.bias"] = rng.normal(size=shape[0]) * 0.1
        state[f"{name}.bn.running_mean"] = rng.normal(size=shape[0]) * 0.1
        state[f"{name}.bn.running_var"] = rng.uniform(0.5, 1.5, shape[0])
    blocks = {**{f"repeat_1.{i}": (16, 6) for i in range(5)}, **{f"repeat_2.{i}": (56, 16) for i in range(10)}}
    blocks |= {**{f"repeat_3.{i}": (112, 24) for i in range(5)}, "block8": (112, 24)}
    for name, (outs, ins) in blocks.items():
        state[f"{name}.conv2d.weight"] = rng.normal(size=(outs, ins, 1, 1)) * np.sqrt(1 / ins)
        state[f"{name}.conv2d.bias"] = rng.normal(size=outs) * 0.1
    state["last_linear.weight"] = rng.normal(size=(9, 112)) / 10
    for key, low, high in (("weight", 0.5, 1.5), ("bias", -0.1, 0.1), ("running_mean", -0.1, 0.1), ("running_var", 0.5, 1.5)):
        state[f"last_bn.{key}"] = rng.uniform(low, high, 9)
    made = {name: np.ascontiguousarray(values, np.float32) for name, values in state.items()}
    made["conv2d_1a.bn.num_batches_tracked"] = np.array(5, np.int64)
    return made


class Plain:
    """The network as its authors wrote it, in numpy and f64, on [channels, rows, columns]."""

    def __init__(self, state: dict[str, NDArray[Any]]) -> None:
        self.s = {name: values.astype(np.float64) for name, values in state.items()}

    def windows(self, x: Any, high: int, wide: int, stride: int) -> Any:
        return sliding_window_view(x, (high, wide), axis=(1, 2))[:, ::stride, ::stride]

    def basic(self, x: Any, name: str, stride: int = 1, pad: tuple[int, int] = (0, 0)) -> Any:
        kernel = self.s[f"{name}.conv.weight"]
        x = np.pad(x, ((0, 0), (pad[0],) * 2, (pad[1],) * 2))
        y = np.einsum("chwij,ocij->ohw", self.windows(x, *kernel.shape[2:], stride), kernel, optimize=True)
        mean, var = self.s[f"{name}.bn.running_mean"], self.s[f"{name}.bn.running_var"]
        y = (y - mean[:, None, None]) / np.sqrt(var + 1e-3)[:, None, None]
        return np.maximum(y * self.s[f"{name}.bn.weight"][:, None, None] + self.s[f"{name}.bn.bias"][:, None, None], 0)

    def pool(self, x: Any) -> Any:
        return self.windows(x, 3, 3, 2).max(axis=(3, 4))

    def chain(self, x: Any, name: str, *steps: tuple[int, tuple[int, int]]) -> Any:
        for i, (stride, pad) in enumerate(steps):
            x = self.basic(x, f"{name}.{i}", stride, pad)
        return x

    def add(self, x: Any, name: str, branches: list[Any], scale: float, relu: bool = True) -> Any:
        y = np.einsum("chw,oc->ohw", np.concatenate(branches), self.s[f"{name}.conv2d.weight"][:, :, 0, 0])
        y = (y + self.s[f"{name}.conv2d.bias"][:, None, None]) * scale + x
        return np.maximum(y, 0) if relu else y

    def crossed(self, x: Any, name: str, reach: int, scale: float, relu: bool = True) -> Any:
        one = self.chain(x, f"{name}.branch1", (1, (0, 0)), (1, (0, reach)), (1, (reach, 0)))
        return self.add(x, name, [self.basic(x, f"{name}.branch0"), one], scale, relu)

    def __call__(self, x: Any) -> Any:
        none, one = (0, 0), (1, 1)
        x = self.basic(self.basic(x, "conv2d_1a", 2), "conv2d_2a")
        x = self.pool(self.basic(x, "conv2d_2b", 1, one))
        x = self.basic(self.basic(self.basic(x, "conv2d_3b"), "conv2d_4a"), "conv2d_4b", 2)
        for i in range(5):
            b = f"repeat_1.{i}"
            first, second = (
                self.chain(x, f"{b}.branch1", (1, none), (1, one)),
                self.chain(x, f"{b}.branch2", (1, none), (1, one), (1, one)),
            )
            x = self.add(x, b, [self.basic(x, f"{b}.branch0"), first, second], 0.17)
        second = self.chain(x, "mixed_6a.branch1", (1, none), (1, one), (2, none))
        x = np.concatenate([self.basic(x, "mixed_6a.branch0", 2), second, self.pool(x)])
        for i in range(10):
            x = self.crossed(x, f"repeat_2.{i}", 3, 0.10)
        branches = [self.chain(x, f"mixed_7a.branch{i}", *s) for i, s in enumerate(
            [((1, none), (2, none)), ((1, none), (2, none)), ((1, none), (1, one), (2, none))])]  # fmt: skip
        x = np.concatenate([*branches, self.pool(x)])
        for i in range(5):
            x = self.crossed(x, f"repeat_3.{i}", 1, 0.20)
        x = self.crossed(x, "block8", 1, 1.0, relu=False).mean(axis=(1, 2))
        y = self.s["last_linear.weight"] @ x
        y = (y - self.s["last_bn.running_mean"]) / np.sqrt(self.s["last_bn.running_var"] + 1e-3)
        return y * self.s["last_bn.weight"] + self.s["last_bn.bias"]


@pytest.mark.parametrize("in_a_zip", [False, True])
def test_the_network_equals_plain_numpy(torch: ModuleType, in_a_zip: bool) -> None:
    state = made_up()
    images = np.random.default_rng(12).normal(size=(2, 3, 160, 160)).astype(np.float32)
    session = open_session(facenet_to_onnx(saved(state, in_a_zip)))
    given = session.run(None, {"image": images})[0]
    plain = Plain(state)
    for image, row in zip(images, given, strict=True):
        expected = plain(image.astype(np.float64))
        assert np.abs(expected).max() > 0.1
        np.testing.assert_allclose(row, expected, atol=1e-4 * np.abs(expected).max())


def test_another_network_is_refused(torch: ModuleType) -> None:
    with pytest.raises(KeyError):
        facenet_to_onnx(saved({"layer.weight": np.ones(3, np.float32)}, False))


@pytest.mark.parametrize(
    ("shape", "strides", "offset"),
    [((1 << 40,), (0,), 0), ((3, 3), (1, 1), 0), ((2,), (1,), -1), ((1 << 20, 1 << 20), (0, 0), 0)],
)
def test_a_tensor_cannot_be_larger_than_what_it_is_made_of(shape: tuple[int, ...], strides: tuple[int, ...], offset: int) -> None:
    """A view that repeats four numbers would fill the memory."""
    storage = torch_state_dict._Storage(np.dtype("<f4"), "0", 4)
    with pytest.raises(torch_state_dict.TorchFormatError, match=r"larger than its storage|beyond its storage"):
        torch_state_dict._array(torch_state_dict._Tensor(storage, offset, shape, strides), lambda _: np.zeros(4, np.float32))


def test_a_pickle_cannot_ask_for_room_for_two_billion_parts() -> None:
    with pytest.raises(torch_state_dict.TorchFormatError, match="numbers its parts"):
        torch_state_dict.read_state(b"\x80\x02K\x01r\xff\xff\xff\x7f.")
