"""One way of opening an ONNX graph: on the CPU, one thread, so that a template never depends on how many cores there are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .model import Image


def open_session(model: Path | bytes) -> Any:
    """An onnxruntime.InferenceSession of a file or of a serialised graph: CPU, one thread, silent."""
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    options.use_deterministic_compute = True
    return ort.InferenceSession(str(model) if isinstance(model, Path) else model, options, providers=["CPUExecutionProvider"])


class OnnxEmbedder:
    """Runs aligned faces through a graph with one image input and one output, one at a time.

    One at a time, because kernels are chosen by the size of the batch: a template must not depend on its neighbours.
    Input: f32[1, 3, rows, columns], RGB, 0–255; whatever scaling the network wants is in its graph.
    """

    def __init__(self, model: Path | bytes) -> None:
        self._session = open_session(model)
        self._input = self._session.get_inputs()[0].name
        self._dimensions = int(self._session.get_outputs()[0].shape[-1])

    def embed(self, chips: Sequence[Image]) -> NDArray[np.float32]:
        """float32[len(chips), dimensions]."""
        templates = np.empty((len(chips), self._dimensions), np.float32)
        for row, chip in zip(templates, chips, strict=True):
            planes = np.ascontiguousarray(chip.transpose(2, 0, 1)[None], np.float32)
            row[:] = self._session.run(None, {self._input: planes})[0][0]
        return templates
