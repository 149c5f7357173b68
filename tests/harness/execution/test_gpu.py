"""`--device`: chosen by name, part of the model's pipeline, and one line where it can't be had."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import onnxruntime
import pytest

from faceparity.datasets.common.errors import UserError
from faceparity.harness.execution import gpu
from faceparity.harness.models.onnx.session import open_session
from faceparity.harness.models.registry import load_model_card, open_model


def test_only_what_is_asked_for_runs_on_a_gpu() -> None:
    assert gpu.check_device("cpu") == "cpu"
    assert gpu.with_device("sface", "cpu") == "sface"
    assert gpu.with_device("sface:alignment=box", "cuda") == "sface:alignment=box,device=cuda"
    assert gpu.with_device("cards/own.toml", "cuda") == "cards/own.toml:device=cuda"
    assert gpu.with_device("sface:device=cpu", "cuda") == "sface:device=cpu"


@pytest.mark.parametrize(
    ("torch", "says"),
    [
        (None, "--device cuda needs torch: pip install 'faceparity[gpu]'"),
        (
            SimpleNamespace(__version__="9.9", __spec__=object(), cuda=SimpleNamespace(is_available=lambda: False)),
            "torch 9.9 finds no GPU",
        ),
    ],
)
def test_no_torch_and_no_gpu_are_one_line(torch: object, says: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", torch)  # type: ignore[arg-type]
    if torch is None:
        monkeypatch.setattr(gpu.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UserError) as error:
        gpu.check_device("cuda")
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_unknown_devices_are_refused() -> None:
    with pytest.raises(UserError, match="known are cpu and cuda"):
        gpu.check_device("tpu")
    with pytest.raises(UserError, match="device=tpu is not possible"):
        open_model("face_recognition:device=tpu")


def test_the_card_of_a_model_on_a_gpu_says_so() -> None:
    card = load_model_card("face_recognition:device=cuda")
    assert card.name == "face_recognition:device=cuda"
    assert "ran on a GPU" in card.known_weaknesses[-1]
    assert "otherwise than its authors" not in " ".join(card.known_weaknesses)


@pytest.mark.skipif("CUDAExecutionProvider" in onnxruntime.get_available_providers(), reason="this onnxruntime can use a GPU")
def test_onnxruntime_without_a_gpu_is_one_line() -> None:
    with pytest.raises(UserError, match="onnxruntime can't use a GPU here: `pip install") as error:
        open_model("face_recognition:device=cuda")
    assert "\n" not in str(error.value)


def test_a_session_that_fell_back_to_the_processor_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """onnxruntime does so without a word where CUDA's libraries are missing; and the settings must ask for no TF32."""
    asked: dict[str, object] = {}

    def session(model: object, options: object, providers: list[object]) -> object:
        asked["providers"] = providers
        return SimpleNamespace(get_providers=lambda: held)

    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider", "CPUExecutionProvider"])
    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    held = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    open_session(b"", "cuda")
    assert asked["providers"][0][1]["use_tf32"] == "0"  # type: ignore[index]
    held = ["CPUExecutionProvider"]
    with pytest.raises(UserError, match="can't use a GPU"):
        open_session(b"", "cuda")
    open_session(b"")
    assert asked["providers"] == ["CPUExecutionProvider"]


def test_a_device_whose_memory_is_too_small_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    from faceparity.harness.comparisons import gpu_tiles as made

    def full(*_: object) -> None:
        raise RuntimeError("CUDA out of memory. Tried to allocate 3.00 GiB")

    monkeypatch.setattr(made, "tally_on", full)
    job = SimpleNamespace(prepared=SimpleNamespace(x=SimpleNamespace(nbytes=5 << 30)))
    with pytest.raises(UserError, match=r"too small for 5\.0 GiB of templates"):
        gpu.GpuBackend(1, "cuda").tally(job, [], 0.0, None)  # type: ignore[arg-type]
