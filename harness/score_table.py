"""A score file as arrays: read in batches, texts as numbers, every row checked. No Python object is made for a row."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.dataset import Attribute
from faceparity.datasets.errors import UserError
from faceparity.datasets.tables import delimiter_of

from .table_columns import I32, Scores, Truths, Words, renumber

NEEDED = ("subject_a", "subject_b", "mated", "score")
BATCH_ROWS = 1 << 18
BLOCK_BYTES = 8 << 20
"""Of a text file, read at a time."""


@dataclass(frozen=True)
class ScoreTable:
    """A score file in memory. a, b: index of the sample of each row; score: nan where the comparison failed.

    subjects, attributes: per sample. left_out: kind → rows that were not used.
    """

    subjects: I32
    attributes: tuple[Attribute, ...]
    a: I32
    b: I32
    score: NDArray[np.float32]
    left_out: dict[str, int]
    digest: str


def is_parquet(path: Path) -> bool:
    """By its name."""
    return path.suffix.lower() in (".parquet", ".pq")


def row_name(path: Path, index: int) -> str:
    """How a row is named to a person: by its line in a text file (empty lines apart), by its number in a Parquet file."""
    return f"{path}, row {index + (1 if is_parquet(path) else 2)}"


def column_names(path: Path) -> dict[str, str]:
    """Lower-case name → name in the file, of a CSV (parted by comma, semicolon, tab or bar) or Parquet file.

    Raises UserError if it can't be read, or two columns have one name.
    """
    import pyarrow as pa
    import pyarrow.csv as pc
    import pyarrow.parquet as pq

    if not path.is_file():
        raise UserError(f"{path}: {'a folder' if path.is_dir() else 'no such file'}; name a CSV or Parquet file")
    try:
        if is_parquet(path):
            found = list(pq.read_schema(path).names)
        else:
            with pc.open_csv(path, parse_options=_cut(path)) as reader:
                found = list(reader.schema.names)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise unreadable(path, error) from error
    names = [name.strip().lower() for name in found]
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise UserError(f"{path}: two columns called {twice[0]!r}; rename one of them")
    return {name: original for name, original in zip(names, found, strict=True) if name}


def unreadable(path: Path, error: Exception) -> UserError:
    """What to tell of a file that isn't a table."""
    return UserError(f"{path}: can't be read as a table ({str(error).splitlines()[0]})")


def _cut(path: Path) -> Any:
    """How the cells of a text file are told apart."""
    import pyarrow.csv as pc

    with path.open("rb") as file:
        first = file.readline(1 << 16).decode("utf-8", "replace")
    return pc.ParseOptions(delimiter=delimiter_of(first), ignore_empty_lines=True)


def batches(path: Path, names: Sequence[str], numbers: Sequence[str] = ()) -> Iterator[Any]:
    """Record batches of the columns called so in the file, in order; those of a text file hold texts, but for `numbers`.

    Raises UserError if the file can't be read; pyarrow.ArrowInvalid if `numbers` are asked for and some aren't.
    """
    import pyarrow as pa
    import pyarrow.csv as pc
    import pyarrow.parquet as pq

    try:
        if is_parquet(path):
            schema = pq.read_schema(path)
            texts = [
                n for n in names if pa.types.is_string(schema.field(n).type) or pa.types.is_large_string(schema.field(n).type)
            ]
            with pq.ParquetFile(path, read_dictionary=texts, pre_buffer=False) as file:
                yield from file.iter_batches(BATCH_ROWS, columns=list(names))
            return
        kinds = {n: pa.float64() if n in numbers else pa.dictionary(pa.int32(), pa.string()) for n in names}
        convert = pc.ConvertOptions(column_types=kinds, include_columns=names, strings_can_be_null=False, null_values=[""])
        with pc.open_csv(path, pc.ReadOptions(block_size=BLOCK_BYTES), _cut(path), convert) as reader:
            yield from reader
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        if numbers and isinstance(error, pa.ArrowInvalid):
            raise
        raise unreadable(path, error) from error


def read_scores(path: Path) -> ScoreTable:
    """The comparisons of a score file. Raises UserError with the row for what is no score, no truth value, or contradicts itself."""
    names = column_names(path)
    labels = _attribute_names(path, names)
    has_samples = "sample_a" in names and "sample_b" in names
    texts, score, mated = _read(path, names, ["subject", *(["sample"] if has_samples else []), *labels])
    n = score.size
    if not n:
        raise UserError(f"{path}: holds no rows")
    subject, people = texts.pop("subject")
    if people and people[0] == "":
        row = int(np.argmin(subject)) % n
        raise UserError(f"{row_name(path, row)}: no subject; every comparison needs subject_a and subject_b")
    wrong = np.flatnonzero(mated != (subject[:n] == subject[n:]))
    sample = subject.copy()
    if has_samples:
        first = _distinct(sample, [texts.pop("sample")[0]])
        _check_labels(path, texts, first, sample)
    else:
        first = _distinct(sample, [codes for codes, _ in texts.values()])
    if wrong.size:
        raise UserError(f"{row_name(path, int(wrong[0]))}: mated contradicts subject_a and subject_b ({wrong.size:,} such rows)")
    subjects = subject[first]
    attributes = tuple(attribute(name, codes[first], words, subjects) for name, (codes, words) in texts.items())
    del subject, texts, mated
    a, b = sample[:n], sample[n:]
    left_out: dict[str, int] = {}
    if has_samples:
        keep, left_out = _usable(a, b)
        if any(left_out.values()):
            a, b, score = a[keep], b[keep], score[keep]
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return ScoreTable(subjects, attributes, a, b, score, left_out, digest)


def _attribute_names(path: Path, names: Mapping[str, str]) -> list[str]:
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise UserError(f"{path}: no column {', '.join(missing)}; it has {', '.join(names)}: rename its columns to these")
    labels = sorted(name[:-2] for name in names if name.endswith("_a") and name not in ("subject_a", "sample_a"))
    lonely = [n for n in labels if f"{n}_b" not in names]
    if lonely:
        raise UserError(f"{path}: column {lonely[0]}_a without {lonely[0]}_b; an attribute needs both")
    return labels


def _read(
    path: Path, names: Mapping[str, str], texts: Sequence[str]
) -> tuple[dict[str, tuple[I32, list[str]]], NDArray[np.float32], NDArray[np.bool_]]:
    """Codes and words of the text columns (side a, then side b), scores and truths.

    The scores of a text file are read as numbers, and only if some are none as texts, to say which.
    """
    import pyarrow as pa

    try:
        found = _gather(path, names, texts, plain=True)
    except pa.ArrowInvalid:
        found = None
    if found is None or (found[1].bad is not None and not is_parquet(path)):
        found = _gather(path, names, texts, plain=False)
    words, scores, truths = found
    scores.check(lambda row: row_name(path, row))
    truths.check(lambda row: row_name(path, row))
    joined = {}
    for name in texts:
        joined[name] = words[name].joined()
        del words[name]
    return joined, scores.joined(), truths.joined()


def _gather(
    path: Path, names: Mapping[str, str], texts: Sequence[str], *, plain: bool
) -> tuple[dict[str, Words], Scores, Truths]:
    sides = {f"{name}_{side}": (name, "ab".index(side)) for name in texts for side in "ab"}
    columns = {column: names[column] for column in ("score", "mated", *sides)}
    words, scores, truths = {name: Words() for name in texts}, Scores(), Truths()
    for batch in batches(path, list(columns.values()), [names["score"]] if plain else []):
        for column, original in columns.items():
            cells = batch.column(batch.schema.get_field_index(original))
            if column == "score":
                scores.add(cells, path)
            elif column == "mated":
                truths.add(cells, path)
            else:
                name, side = sides[column]
                words[name].add(side, cells, path)
    return words, scores, truths


def read_texts(path: Path, wanted: Sequence[str]) -> dict[str, tuple[I32, list[str]]]:
    """Code of each row and the words, rising, of some columns of a table of whatever length. Raises UserError."""
    names = column_names(path)
    missing = [c for c in wanted if c not in names]
    if missing:
        raise UserError(f"{path}: no column {', '.join(missing)}; it has {', '.join(names)}")
    columns = {name: Words() for name in wanted}
    for batch in batches(path, [names[name] for name in columns]):
        for name, column in columns.items():
            column.add(0, batch.column(batch.schema.get_field_index(names[name])), path)
    found = {name: column.joined() for name, column in columns.items()}
    if any(not codes.size for codes, _ in found.values()):
        raise UserError(f"{path}: holds no rows")
    return found


def _check_labels(path: Path, labels: Mapping[str, tuple[I32, list[str]]], first: NDArray[np.int64], sample: I32) -> None:
    """Raises UserError, with the row, if one sample has two labels."""
    n = sample.size // 2
    for name, (codes, words) in labels.items():
        row = _first_other(codes, codes[first], sample)
        if row >= 0:
            earlier = int(first[sample[row]])
            here, there = (words[codes[i]] or "empty" for i in (row, earlier))
            raise UserError(
                f"{row_name(path, row % n)}: {name} of this sample is {here!r}, but {there!r} in row "
                f"{row_name(path, earlier % n).rpartition(' ')[2]}; a sample has one label"
            )


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def _first_other(codes: I32, expected: I32, number: I32) -> int:
    """The first place where `codes` is not what is expected of its number; -1 if there is none."""
    for k in range(codes.size):
        if codes[k] != expected[number[k]]:
            return k
    return -1


def _distinct(number: I32, parts: Sequence[I32]) -> NDArray[np.int64]:
    """Number the distinct combinations of `number` and the codes of all parts in their order, in place; returns the first place of each."""
    for codes in parts:
        keys = _join(number, codes)
        rank = np.empty(keys.size, np.int32)
        rank[np.argsort(keys)] = np.arange(keys.size, dtype=np.int32)
        renumber(number, rank)
    first: NDArray[np.int64] = _firsts(number, int(number.max(initial=-1)) + 1)
    return first


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def _join(number: I32, codes: I32) -> NDArray[np.int64]:
    """Number the distinct (number, code) as they come, in place; returns their keys. A hash table with open addresses."""
    bits = 12
    table = np.full(1 << bits, -1, np.int32)
    keys = np.empty(1 << (bits - 1), np.int64)
    n = 0
    for k in range(number.size):
        key = (np.int64(number[k]) << 32) | np.int64(codes[k])
        place = _hash(key) >> np.uint64(64 - bits)
        while table[place] >= 0 and keys[table[place]] != key:
            place = (place + np.uint64(1)) & np.uint64((1 << bits) - 1)
        if table[place] < 0:
            if n == keys.size:
                bits += 1
                keys = np.append(keys, np.empty(n, np.int64))
                table = np.full(1 << bits, -1, np.int32)
                for old in range(n):
                    free = _hash(keys[old]) >> np.uint64(64 - bits)
                    while table[free] >= 0:
                        free = (free + np.uint64(1)) & np.uint64((1 << bits) - 1)
                    table[free] = old
                place = _hash(key) >> np.uint64(64 - bits)
                while table[place] >= 0:
                    place = (place + np.uint64(1)) & np.uint64((1 << bits) - 1)
            table[place] = n
            keys[n] = key
            n += 1
        number[k] = table[place]
    return keys[:n].copy()


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def _hash(key: np.int64) -> np.uint64:
    return np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def _firsts(number: I32, n: int) -> NDArray[np.int64]:
    first = np.full(n, -1, np.int64)
    for k in range(number.size):
        if first[number[k]] < 0:
            first[number[k]] = k
    return first


def attribute(name: str, codes: I32, words: Sequence[str], subjects: I32) -> Attribute:
    """A label per sample; the empty text is none. It belongs to the sample if some subject has two values.

    codes: int32[samples], indices of the words, which rise.
    """
    unlabelled = int(bool(words) and words[0] == "")
    used = np.unique(codes[codes >= unlabelled])
    renumber = np.full(len(words) + 1, -1, np.int32)
    renumber[used] = np.arange(used.size)
    mapped = renumber[codes]
    known = mapped >= 0
    pairs = np.unique(subjects[known].astype(np.int64) * max(1, used.size) + mapped[known])
    several = np.unique(pairs // max(1, used.size)).size < pairs.size
    return Attribute(name, tuple(words[u] for u in used), mapped, "sample" if several else "subject")


def _usable(a: I32, b: I32) -> tuple[NDArray[np.bool_], dict[str, int]]:
    """Rows to use: no sample with itself, and of a pair of samples only the first."""
    samples = int(max(a.max(), b.max())) + 1
    keep = np.ones(a.size, bool)
    if samples**2 * a.size < 2**63:
        keys = _pairs_with_rows(a, b, samples)
        keys.sort()
        _drop_repeated(keys, a.size, keep)
    else:
        pairs = np.minimum(a, b).astype(np.int64) * samples + np.maximum(a, b)
        keep[:] = False
        keep[np.unique(pairs, return_index=True)[1]] = True
    repeated = int((~keep).sum())
    itself = a == b
    keep &= ~itself
    return keep, {"with_itself": int(itself.sum()), "repeated": repeated}


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def _pairs_with_rows(a: I32, b: I32, samples: int) -> NDArray[np.int64]:
    """The pair of samples and the row in one number, so that sorting needs no second array."""
    keys = np.empty(a.size, np.int64)
    for k in range(a.size):
        keys[k] = (np.int64(min(a[k], b[k])) * samples + max(a[k], b[k])) * a.size + k
    return keys


@numba.njit(cache=True)  # type: ignore[untyped-decorator]
def _drop_repeated(keys: NDArray[np.int64], rows: int, keep: NDArray[np.bool_]) -> None:
    for k in range(1, keys.size):
        if keys[k] // rows == keys[k - 1] // rows:
            keep[keys[k] % rows] = False
