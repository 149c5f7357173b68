"""The private part of a run: who resembles whom, which files failed and why.

It is encrypted, and unreadable once its keys are gone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.regular_files import open_regular, read_regular
from faceparity.datasets.schema.dataset import Dataset
from faceparity.harness.templates import encryption, private_files

__all__ = [
    "COLUMNS",
    "Coded",
    "Table",
    "read_private",
    "read_table",
    "sample_codes",
    "subject_codes",
    "write_private",
    "write_table",
]

CODE_LENGTH = 12
README = "README.txt"
_SUFFIX = ".sealed"

Table = Literal["ledger", "suspects", "rejects", "problems", "codes", "exclusions", "labels", "left_out", "faces"]

COLUMNS: Mapping[Table, Mapping[str, type]] = MappingProxyType(
    {
        "ledger": {"code_a": str, "code_b": str, "score": float, "mated": bool},
        "suspects": {"code_a": str, "code_b": str, "score": float, "file_a": str, "file_b": str, "share": float},
        "rejects": {"file": str, "status": str, "reason": str},
        "problems": {"kind": str, "where": str, "detail": str},
        "codes": {"code": str, "file": str, "subject": str},
        "exclusions": {"file_a": str, "file_b": str, "reason": str},
        "labels": {"code": str, "values": str},
        "left_out": {"code_a": str, "code_b": str},
        "faces": {"code": str, "file": str, "faces": int},
    }
)
"""The columns of each table; `exclusions` is there only if a person excluded something (file_b empty: an image).
A ledger's score is a similarity, float32; codes are those of `sample_codes` and `subject_codes`. `labels`: of every sample the
value of each attribute of the run, a JSON object, null where unlabelled. `left_out`: pairs that were not compared, mated or not.
`suspects`: share is what the two people carry of a pool's errors, 0 for most; runs before this was kept have no such column.
`faces`: images in which the policies choose different faces, and how many were found; runs before this was kept have none."""

_README = """\
What lies here is the private part of a faceparity run: which samples resemble which, what became of each file, and which code
stands for which file. It is biometric data. It is encrypted; the keys lie apart from it, in faceparity's configuration folder
(or under FACEPARITY_HOME, where that is set).

Made on {made} (UTC). After {last} faceparity refuses to read it, and whatever uses keys next destroys its key for good.
To destroy its key and these files at once: faceparity purge with this run's folder; to destroy all keys and templates: faceparity purge
It may be deleted at any time. Do not publish it; results.json, tables/ and report.html need none of it.
"""


def write_private(folder: Path, name: str, payload: bytes, *, keys: encryption.Keyring | None = None) -> Path:
    """Write bytes, sealed, into a run's private folder.

    folder: a run's `private/`, made (0700) with the README in it. name: letters, digits, `_` and `-`. keys: by default those on this
    machine. Keep the run's `Store` entered while writing: its lock keeps a purge from passing in between.
    Raises UserError if it cannot be written, or if `keys` are in memory only.
    """
    keys = keys or encryption.Keyring()
    if keys.folder is None:
        raise UserError(f"{folder}: an ephemeral run keeps no private part; run without --ephemeral to have one")
    path = _path(folder, name)
    private_files.make_folder(folder)
    made = keys.day()
    private_files.write_private(path, keys.seal(payload, _context(name), _unit(folder, made)))
    text = _README.format(made=made, last=encryption.last_day(made))
    private_files.write_private(folder / README, text.encode())
    return path


def _unit(folder: Path, day: date) -> bytes:
    """Return the name of the folder's own key.

    That of what was sealed in it on that day, or a new one.
    """
    for path in sorted(folder.glob(f"*{_SUFFIX}")):
        with open_regular(path) as file:
            if unit := encryption.unit_of(file.read(64), day):
                return unit
    return encryption.new_unit()


def read_private(folder: Path, name: str, *, keys: encryption.Keyring | None = None) -> bytes:
    """Read what `write_private` sealed.

    Raises UserError, with what to do, where it is missing, damaged, past its retention, or its key is gone.
    """
    path = _path(folder, name)
    try:
        sealed = read_regular(path)
    except OSError as error:
        raise UserError(
            f"{path}: no private part ({error.strerror}): deleted, or an ephemeral run's; run again to have one"
        ) from error
    try:
        return (keys or encryption.Keyring()).open(sealed, _context(name))
    except encryption.KeyExpiredError as error:
        raise UserError(
            f"{path}: this private part is past its retention date ({error.until}) and was destroyed; run again for a new one"
        ) from None
    except encryption.ClockDoubtError as error:
        raise UserError(f"{path}: {error}") from None
    except encryption.KeyGoneError:
        raise UserError(f"{path}: its key is gone (purged, or on another machine); run again for a new one") from None
    except encryption.DamagedError:
        raise UserError(f"{path}: damaged, or changed since it was written; run again for a new one") from None


class Coded(NamedTuple):
    """A column of texts given as indices into `words`: a ledger names each sample thousands of times."""

    indices: NDArray[np.integer[Any]]
    words: Sequence[str] | NDArray[np.str_]


Column: TypeAlias = ArrayLike | Coded


def write_table(folder: Path, table: Table, columns: Mapping[str, Column], *, keys: encryption.Keyring | None = None) -> Path:
    """Write one of the private tables, sealed.

    columns: those of `COLUMNS`, all of one length. Raises ValueError for other columns or lengths, and UserError as `write_private`
    does.
    """
    if set(columns) != set(COLUMNS[table]):
        raise ValueError(f"{table} has the columns {', '.join(COLUMNS[table])}, not {', '.join(columns)}")
    typed = {name: _typed(columns[name], kind) for name, kind in COLUMNS[table].items()}
    return write_private(folder, table, pack(typed), keys=keys)


_STORED: Mapping[type, type] = MappingProxyType({float: np.float32, bool: np.bool_, str: np.str_, int: np.int32})


def _typed(column: Column, kind: type) -> Column:
    """Convert a column to the type that its table declares."""
    return column if isinstance(column, Coded) else np.asarray(column, _STORED[kind])


def has_table(folder: Path, table: Table) -> bool:
    """Return whether a private part has a table.

    Some are written only where there is something to say, or by newer versions.
    """
    return _path(folder, table).exists()


def read_table(folder: Path, table: Table, *, keys: encryption.Keyring | None = None) -> dict[str, NDArray[Any]]:
    """Read the columns of a private table.

    str as object arrays, score as float32, mated as bool. Raises UserError.
    """
    return unpack(read_private(folder, table, keys=keys))


def pack(columns: Mapping[str, Column]) -> bytes:
    """Return columns of one length as Arrow IPC bytes.

    Each text is stored once. Raises ValueError for several lengths.
    """
    import pyarrow as pa

    arrays = {name: _arrow(column) for name, column in columns.items()}
    if len({len(array) for array in arrays.values()}) > 1:
        raise ValueError(f"columns of several lengths: {', '.join(f'{name} {len(array)}' for name, array in arrays.items())}")
    table = pa.table(arrays)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="zstd")) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue().to_pybytes())


def _arrow(column: Column) -> Any:
    import pyarrow as pa

    if isinstance(column, Coded):
        words = pa.array([str(word) for word in column.words], pa.string())
        return pa.DictionaryArray.from_arrays(pa.array(np.asarray(column.indices, np.int32)), words)
    array = np.asarray(column)
    if array.dtype.kind in "USO":
        return pa.array(array.tolist(), pa.string()).dictionary_encode()
    return pa.array(array)


def unpack(payload: bytes) -> dict[str, NDArray[Any]]:
    """Return the columns that `pack` packed.

    Texts are object arrays.
    """
    import pyarrow as pa

    with pa.ipc.open_stream(payload) as reader:
        table = reader.read_all()
    return {name: _numpy(table.column(name).combine_chunks()) for name in table.column_names}


def _numpy(column: Any) -> NDArray[Any]:
    import pyarrow as pa

    if isinstance(column, pa.ChunkedArray):
        column = column.chunk(0) if column.num_chunks else pa.array([], column.type)
    if isinstance(column, pa.DictionaryArray):
        words = np.array(column.dictionary.to_pylist() or [""], object)
        return np.asarray(words[column.indices.to_numpy(zero_copy_only=False)], object)
    return np.asarray(column.to_numpy(zero_copy_only=False))


def sample_codes(dataset: Dataset, keys: encryption.Keyring | None = None) -> NDArray[np.str_]:
    """Return a code for each sample.

    str[n] of 12 hex digits: nobody without the secret can tie it to a file. Stable until purge.
    """
    return _codes("sample", dataset.digest, dataset.files, keys or encryption.Keyring())


def subject_codes(dataset: Dataset, keys: encryption.Keyring | None = None) -> NDArray[np.str_]:
    """Return the code of each sample's subject.

    str[n] of 12 hex digits. Stable until purge.
    """
    people, sample_to_person = np.unique(dataset.subjects, return_inverse=True)
    return _codes("subject", dataset.digest, [str(person) for person in people], keys or encryption.Keyring())[sample_to_person]


def _codes(kind: str, digest: str, names: Sequence[str], keys: encryption.Keyring) -> NDArray[np.str_]:
    """Return a code of CODE_LENGTH hex digits for each name.

    Raises RuntimeError where two names have one code.
    """
    codes = np.array([keys.digest(kind, digest, name).hex()[:CODE_LENGTH] for name in names], f"U{CODE_LENGTH}")
    if np.unique(codes).size != len(set(names)):
        # 48 bits: once in ten million runs of 10,000 samples.
        raise RuntimeError(f"two {kind}s have the same code; run faceparity purge to draw a new secret")
    return codes


def _path(folder: Path, name: str) -> Path:
    """Return the file of a name in a private folder.

    Raises ValueError for what is no such name.
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name):
        raise ValueError(f"not a name for a private file: {name!r}")
    return folder / f"{name}{_SUFFIX}"


def _context(name: str) -> str:
    return f"faceparity private 1\0{name}"


def tables() -> tuple[Table, ...]:
    """Return the names of the private tables."""
    return get_args(Table)
