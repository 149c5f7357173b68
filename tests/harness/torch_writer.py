"""State dicts as torch.save writes them, made without torch."""

from __future__ import annotations

import collections
import io
import pickle
import struct
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from numpy.typing import NDArray

from faceparity.harness.models.converters.torch_state_dict import MAGIC


@contextmanager
def as_if_installed() -> Iterator[ModuleType]:
    """As much of torch as a pickle of a state dict names."""
    module, utils = ModuleType("torch"), ModuleType("torch._utils")
    for name in ("FloatStorage", "LongStorage", "ByteStorage"):
        setattr(module, name, type(name, (), {"__module__": "torch"}))

    def _rebuild_tensor_v2(*_: object) -> None:
        """Only its name is used."""

    _rebuild_tensor_v2.__module__ = "torch._utils"
    _rebuild_tensor_v2.__qualname__ = "_rebuild_tensor_v2"
    utils.__dict__["_rebuild_tensor_v2"] = _rebuild_tensor_v2
    before = {name: sys.modules.get(name) for name in ("torch", "torch._utils")}
    sys.modules.update({"torch": module, "torch._utils": utils})
    try:
        yield module
    finally:
        for name, held in before.items():
            if held is None:
                del sys.modules[name]
            else:
                sys.modules[name] = held


class Tensor:
    """An array that pickles as torch's tensors do."""

    def __init__(self, values: NDArray[Any], key: str) -> None:
        self.values, self.key = values, key

    def __reduce__(self) -> tuple[Any, ...]:
        strides = tuple(s // self.values.itemsize for s in self.values.strides)
        rebuild = sys.modules["torch._utils"]._rebuild_tensor_v2
        return rebuild, (Storage(self), 0, self.values.shape, strides, False, collections.OrderedDict())


class Storage:
    """What a tensor refers to by a persistent id."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor = tensor


class Pickler(pickle.Pickler):
    def persistent_id(self, obj: object) -> Any:
        if not isinstance(obj, Storage):
            return None
        values = obj.tensor.values
        kind = {"f": "FloatStorage", "i": "LongStorage", "u": "ByteStorage"}[values.dtype.kind]
        more = (None,) if not ZIPPED else ()
        return ("storage", getattr(sys.modules["torch"], kind), obj.tensor.key, "cpu", values.size, *more)


ZIPPED = False


def saved(state: dict[str, NDArray[Any]], in_a_zip: bool) -> bytes:
    """What torch.save would write."""
    global ZIPPED
    ZIPPED = in_a_zip
    tensors = collections.OrderedDict((name, Tensor(v, str(i))) for i, (name, v) in enumerate(state.items()))
    out = io.BytesIO()
    if in_a_zip:
        with zipfile.ZipFile(out, "w") as archive:
            inner = io.BytesIO()
            Pickler(inner, 2).dump(tensors)
            archive.writestr("archive/data.pkl", inner.getvalue())
            for tensor in tensors.values():
                archive.writestr(f"archive/data/{tensor.key}", tensor.values.tobytes())
        return out.getvalue()
    for head in (MAGIC, 1001, {"little_endian": True}):
        pickle.dump(head, out, 2)
    Pickler(out, 2).dump(tensors)
    pickle.dump([t.key for t in tensors.values()], out, 2)
    for tensor in tensors.values():
        out.write(struct.pack("<q", tensor.values.size) + tensor.values.tobytes())
    return out.getvalue()
