"""Read the weights in a file that torch.save wrote of a state dict, without torch and without running anything that is in it.

Such a file is a pickle, which can call any function of Python; here it can call nothing but what rebuilds a tensor. Both forms
are read: the older one, pickles one after the other and then the storages, and the newer one, a .zip.
"""

from __future__ import annotations

import io
import math
import pickle
import struct
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.formats.safe_pickle import numbers_too_high

MAGIC = 0x1950A86A20F9469CFC6C
_DTYPES = {"FloatStorage": "<f4", "HalfStorage": "<f2", "DoubleStorage": "<f8", "LongStorage": "<i8", "IntStorage": "<i4"}


class TorchFormatError(ValueError):
    """The file is not a state dict that torch.save wrote."""


class _Storage(NamedTuple):
    """The storage that holds the numbers of a tensor: their type, its key in the file, and how many there are."""

    dtype: np.dtype[Any]
    key: str
    length: int


class _Tensor(NamedTuple):
    """A part of a storage: where it starts, its shape, and how far apart its numbers lie, all in numbers."""

    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def _rebuild_tensor(storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object) -> _Tensor:
    return _Tensor(storage, offset, tuple(shape), tuple(strides))


class _StateUnpickler(pickle.Unpickler):
    """An unpickler that knows tensors, ordered dicts and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        """Return what a name stands for.

        Raises TorchFormatError for any that does not belong to a state dict.
        """
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild_tensor
        if module == "torch" and name in _DTYPES:
            return np.dtype(_DTYPES[name])
        raise TorchFormatError(f"it asks for {module}.{name}, which is no part of a state dict")

    def persistent_load(self, pid: Any) -> _Storage:
        """Return the storage that a reference names.

        Raises TorchFormatError for another kind of reference.
        """
        kind, dtype, key, _, count = pid[:5]
        if kind != "storage" or not isinstance(dtype, np.dtype):
            raise TorchFormatError("it refers to something that is no storage")
        return _Storage(dtype, str(key), int(count))


def read_state(data: bytes) -> dict[str, NDArray[Any]]:
    """Return every tensor by name.

    Raises TorchFormatError for a file that is no state dict.
    """
    try:
        if data[:2] == b"PK":
            tensors, numbers = _read_zip(data)
        else:
            tensors, numbers = _read_legacy(data)
        if not isinstance(tensors, dict):
            raise TorchFormatError("it holds no dict of tensors")
        return {str(name): _array(tensor, numbers) for name, tensor in tensors.items() if isinstance(tensor, _Tensor)}
    except TorchFormatError:
        raise
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise TorchFormatError(f"it can't be read ({type(error).__name__})") from error


_Numbers = Callable[[_Storage], NDArray[Any]]


def _unpickle(stream: io.BytesIO) -> Any:
    """Load the object of the pickle that begins here.

    Raises TorchFormatError where it is not as torch.save writes it.
    """
    if numbers_too_high(stream):
        raise TorchFormatError("its pickle numbers its parts as no program writes them")
    return _StateUnpickler(stream).load()


def _read_zip(data: bytes) -> tuple[Any, _Numbers]:
    archive = zipfile.ZipFile(io.BytesIO(data))
    (index,) = [name for name in archive.namelist() if name.endswith("/data.pkl") or name == "data.pkl"]
    folder = index.removesuffix("data.pkl")

    def numbers(storage: _Storage) -> NDArray[Any]:
        return np.frombuffer(archive.read(f"{folder}data/{storage.key}"), storage.dtype, storage.length)

    return _unpickle(io.BytesIO(archive.read(index))), numbers


def _read_legacy(data: bytes) -> tuple[Any, _Numbers]:
    stream = io.BytesIO(data)
    if _unpickle(stream) != MAGIC:
        raise TorchFormatError("it was not written by torch.save")
    _unpickle(stream)  # the protocol's number
    _unpickle(stream)  # sizes of integers on the machine that wrote it
    tensors = _unpickle(stream)
    dtypes = {tensor.storage.key: tensor.storage.dtype for tensor in tensors.values() if isinstance(tensor, _Tensor)}
    storages: dict[str, NDArray[Any]] = {}
    for key in _unpickle(stream):
        (count,) = struct.unpack("<q", stream.read(8))
        dtype = dtypes[str(key)]
        storages[str(key)] = np.frombuffer(stream.read(count * dtype.itemsize), dtype, count)
    return tensors, lambda storage: storages[storage.key]


def _array(tensor: _Tensor, numbers: _Numbers) -> NDArray[Any]:
    if tensor.offset < 0 or math.prod(tensor.shape) > tensor.storage.length:
        raise TorchFormatError("a tensor is larger than its storage")
    flat = numbers(tensor.storage)[tensor.offset :]
    steps = tuple(step * flat.itemsize for step in tensor.strides)
    reach = sum((side - 1) * step for side, step in zip(tensor.shape, tensor.strides, strict=True)) if all(tensor.shape) else -1
    if reach >= flat.size or min((0, *tensor.strides)) < 0:
        raise TorchFormatError("a tensor reaches beyond its storage")
    return np.lib.stride_tricks.as_strided(flat, tensor.shape, steps, writeable=False).copy()
