"""Open an ONNX graph on the CPU, one thread, so that a template never depends on how many cores there are.

Or, where that is asked for, on a GPU: its templates are not the same bit for bit, so they belong to a pipeline of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.errors import UserError
from faceparity.harness.models.base.card import NetworkInput
from faceparity.harness.models.base.model import Image

CUDA = "CUDAExecutionProvider"
NO_CUDA = (
    "device=cuda: onnxruntime can't use a GPU here: `pip install --force-reinstall --no-deps onnxruntime-gpu`, with the CUDA and cuDNN "
    "that it wants; or leave the device out"
)


@lru_cache(maxsize=1)
def load_onnxruntime() -> Any:
    """Import onnxruntime with its events switched off.

    The package's own import has set the environment (`datasets.telemetry`), which is what counts off Windows; this call is what
    counts for builds that write to Windows' own tracing, and where another program loaded onnxruntime before us.
    """
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    return onnxruntime


def open_session(model: Path | bytes, device: str = "cpu") -> Any:
    """Open an onnxruntime.InferenceSession of a file or serialised graph.

    One thread, silent; on the CPU, or on a GPU (cuda). Raises UserError if there is no GPU that onnxruntime can use.
    """
    ort = load_onnxruntime()
    if device == "cuda" and CUDA not in ort.get_available_providers():
        raise UserError(NO_CUDA)
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    options.use_deterministic_compute = True
    # What a GPU can't do stays on the CPU. No TF32: its ten-bit mantissa would change more than the last digits.
    on_gpu = [(CUDA, {"use_tf32": "0", "cudnn_conv_algo_search": "DEFAULT"})] if device == "cuda" else []
    session = ort.InferenceSession(
        str(model) if isinstance(model, Path) else model, options, providers=[*on_gpu, "CPUExecutionProvider"]
    )
    if device == "cuda" and CUDA not in session.get_providers():  # onnxruntime falls back to the CPU silently
        raise UserError(NO_CUDA)
    return session


class OnnxEmbedder:
    """An embedder that runs aligned faces, one at a time, through a graph with one image input.

    One at a time, because kernels are chosen by the size of the batch: a template must not depend on its neighbours. A graph
    whose batch is fixed at a larger number gets the same face in every position, and its first answer counts.
    feeding: how a face becomes the input; default: RGB planes, 0–255, any scaling that the network wants being in its graph.
    """

    def __init__(
        self, model: Path | bytes, feeding: NetworkInput | None = None, normalise: bool = False, session: Any = None
    ) -> None:
        self._session = open_session(model) if session is None else session
        graph_input = self._session.get_inputs()[0]
        self._input = graph_input.name
        self._feeding = feeding or NetworkInput()
        self._normalise = normalise
        self._repeat = graph_input.shape[0] if graph_input.shape and isinstance(graph_input.shape[0], int) else 1
        outputs = {out.name: out for out in self._session.get_outputs()}
        self._output = self._feeding.output or next(iter(outputs))
        shape = outputs[self._output].shape if self._output in outputs else ()
        self.dimensions = int(shape[-1]) if shape and isinstance(shape[-1], int) else 0
        mean, std = (np.array(values, np.float32) for values in (self._feeding.mean, self._feeding.std))
        self._plain = bool((mean == 0).all() and (std == 1).all())
        self._unscaled = bool((std == 1).all())
        self._mean, self._std = mean, std

    def fed(self, chip: Image) -> NDArray[np.float32]:
        """Return the network's input for an aligned face.

        float32[batch, 3, size, size], or channels last.
        """
        pixels: NDArray[Any] = chip[..., ::-1] if self._feeding.colour == "BGR" else chip
        if not self._plain:
            pixels = pixels.astype(np.float32)
            pixels -= self._mean
            if not self._unscaled:
                pixels /= self._std
        if self._feeding.layout == "NCHW":
            pixels = pixels.transpose(2, 0, 1)
        batch = np.ascontiguousarray(pixels[None], np.float32)
        return batch if self._repeat == 1 else np.repeat(batch, self._repeat, axis=0)

    def embed(self, chips: Sequence[Image]) -> NDArray[np.float32]:
        """Return the templates of aligned faces.

        float32[len(chips), dimensions].
        """
        rows = [self._session.run([self._output], {self._input: self.fed(chip)})[0][0].ravel() for chip in chips]
        # Beyond 32 bits a number becomes infinite, and a row of zeros NaN: that image's failure, found by `answer_check`.
        with np.errstate(over="ignore", invalid="ignore"):
            templates = np.stack(rows).astype(np.float32) if rows else np.empty((0, self.dimensions), np.float32)
            if self._normalise:
                for row in templates:
                    row /= _length(row)
        return templates


def _length(row: NDArray[np.float32]) -> float | np.floating[Any]:
    """Return a row's Euclidean length.

    In 64 bits where the squares of 32-bit numbers overflow or vanish.
    """
    length = np.linalg.norm(row)
    return length if 1e-15 < length < np.inf else np.linalg.norm(row.astype(np.float64))


def check_fits(session: Any, feeding: NetworkInput, name: str) -> None:
    """Check a graph's input and output against the card.

    Raises UserError if it does not take what the card says it takes, or has no such output.
    """
    inputs = session.get_inputs()
    if len(inputs) != 1:
        raise UserError(f"{name}: the ONNX file wants {len(inputs)} inputs ({_shapes(inputs)}); a face model takes one image")
    graph_input = inputs[0]
    if graph_input.type != "tensor(float)":
        raise UserError(
            f"{name}: the ONNX file's input {graph_input.name} is a {graph_input.type}; only 32-bit floats are supported"
        )
    side = feeding.size
    wanted = (3, side, side) if feeding.layout == "NCHW" else (side, side, 3)
    shape = graph_input.shape
    if len(shape) != 4 or any(
        isinstance(actual, int) and actual != expected for actual, expected in zip(shape[1:], wanted, strict=True)
    ):
        expected_shape = "×".join(map(str, wanted))
        raise UserError(
            f"{name}: the ONNX file's input {graph_input.name} has the shape {_shape(shape)}, but the card says batch×{expected_shape} "
            f"({feeding.layout}, size {side}): correct size or layout in the card"
        )
    outputs = [out.name for out in session.get_outputs()]
    if feeding.output and feeding.output not in outputs:
        raise UserError(f"{name}: the ONNX file has no output {feeding.output}; it has {', '.join(outputs)}")


def _shape(shape: Sequence[object]) -> str:
    return (
        "×".join(str(side) if isinstance(side, int) else "batch" if i == 0 else "any" for i, side in enumerate(shape))
        or "of nothing"
    )


def _shapes(values: Sequence[Any]) -> str:
    return ", ".join(f"{value.name} {_shape(value.shape)}" for value in values[:5]) + (", …" if len(values) > 5 else "")
