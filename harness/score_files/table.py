"""A table of scores as arrays: read in batches, texts as numbers, every row checked. No row becomes a Python object."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.numba_cache import njit
from faceparity.datasets.loading.label_values import names_of_words
from faceparity.datasets.loading.subject_ids import count_similar, one_id_each, one_subject_each, similar_note
from faceparity.datasets.schema.dataset import Attribute
from faceparity.harness.score_files.columns import I32, Scores, Truths, Words, renamed, renumber
from faceparity.harness.score_files.precision import written_alike
from faceparity.harness.score_files.repeated_pairs import Rule, one_row_a_pair
from faceparity.harness.score_files.source import Source

NO_MATED_ROW = (
    "No row compares two samples of one person, so there is no false non-match rate. If people have several samples, subject_a and "
    "subject_b number the samples instead."
)
NEEDED = ("subject_a", "subject_b", "mated", "score")


@dataclass(frozen=True)
class ScoreTable:
    """A score file in memory.

    a, b: index of the sample of each row; score: nan where the comparison failed. subjects, attributes: per sample.
    left_out: kind → rows that were not used. single: the scores came in single precision.
    """

    subjects: I32
    attributes: tuple[Attribute, ...]
    a: I32
    b: I32
    score: NDArray[np.float64]
    left_out: dict[str, int]
    digest: str
    single: bool
    notes: tuple[str, ...] = ()
    """What the first screen must say of the ids."""
    people: tuple[str, ...] = ()
    """Whose each number in `subjects` is, by id."""


def read_scores(source: Source, repeated: Rule | None = None, *, distance: bool = False) -> ScoreTable:
    """Read the comparisons of a score file.

    repeated: the score of samples that were compared several times with different scores. distance: lower is more alike.
    Raises UserError with the row for what is no score, no truth value, or contradicts itself.
    """
    names = source.columns()
    labels = _attribute_names(source, names)
    has_samples = "sample_a" in names and "sample_b" in names
    texts, scores, mated = _read(source, names, ["subject", *(["sample"] if has_samples else []), *labels])
    score = scores.joined()
    rows = score.size
    if not rows:
        raise UserError(f"{source}: holds no rows")
    subject, people = texts["subject"]
    digest = source.digest() or _digest(texts, scores.single, score, mated)
    _check_subjects(source, subject, people)
    texts = {name: renamed(codes, words, names_in(name, words)) for name, (codes, words) in texts.items()}
    subject, people = texts.pop("subject")
    similar = count_similar(people)
    wrong = np.flatnonzero(mated != (subject[:rows] == subject[rows:]))
    sample = subject.copy()
    if has_samples:
        first = _distinct(sample, [texts.pop("sample")[0]])
        _check_labels(source, texts, first, sample)
    else:
        first = _distinct(sample, [codes for codes, _ in texts.values()])
    if wrong.size:
        raise UserError(f"{source.row(int(wrong[0]))}: mated contradicts subject_a and subject_b ({wrong.size:,} such rows)")
    subjects = subject[first]
    attributes = tuple(attribute(name, codes[first], words, subjects) for name, (codes, words) in texts.items())
    mated_rows = int(mated.sum())
    del subject, texts, mated
    a, b = sample[:rows], sample[rows:]
    left_out: dict[str, int] = {}
    single = scores.single
    if has_samples:
        keep, score, left_out = one_row_a_pair(source, a, b, score, repeated, distance=distance)
        if any(left_out.values()):
            a, b, score = a[keep], b[keep], score[keep]
        if repeated == "mean" and single:
            single = np.array_equal(score, score.astype(np.float32), equal_nan=True)
    notes = [NO_MATED_ROW] * (not mated_rows) + [similar_note(similar)] * (similar > 0)
    return ScoreTable(subjects, attributes, a, b, score, left_out, digest, single, tuple(notes), tuple(people))


def _check_subjects(source: Source, subject: I32, people: Sequence[str]) -> None:
    """Raise UserError, with the row, where a person is missing."""
    ids = one_subject_each(people)
    nobody = np.array([not ids[word] for word in people], bool)[subject]
    if nobody.any():
        n = subject.size // 2
        lacking = nobody[:n] | nobody[n:]
        row = int(np.argmax(lacking))
        word = people[subject[row if nobody[row] else row + n]]
        said = f" ({word!r} says that it is not known)" if word else ""
        raise UserError(
            f"{source.row(row)}: no subject{said} ({lacking.sum():,} such rows); every comparison needs subject_a and subject_b: leave "
            "these rows out"
        )


def names_in(column: str, words: Sequence[str]) -> dict[str, str]:
    """Return the id or name that each word means."""
    return one_id_each(words) if column in ("subject", "sample") else names_of_words(column, words)


def _digest(
    texts: Mapping[str, tuple[I32, list[str]]], single: bool, score: NDArray[np.float64], mated: NDArray[np.bool_]
) -> str:
    """Return a sha256 of what was read, row by row.

    It is the same for the same content, in any file or library.
    """
    digest = hashlib.sha256()
    for name, (codes, words) in sorted(texts.items()):
        digest.update(json.dumps([name, words]).encode() + codes.astype("<i4", copy=False).tobytes())
    kind = "<f4" if single or written_alike(score) else "<f8"
    digest.update(score.astype(kind, copy=False).tobytes() + mated.tobytes())
    return digest.hexdigest()


def _attribute_names(source: Source, names: Mapping[str, str]) -> list[str]:
    missing = [name for name in NEEDED if name not in names]
    if missing:
        raise UserError(f"{source}: no column {', '.join(missing)}; it has {', '.join(names)}: rename its columns to these")
    labels = sorted(name[:-2] for name in names if name.endswith("_a") and name not in ("subject_a", "sample_a"))
    lonely = [label for label in labels if f"{label}_b" not in names]
    if lonely:
        raise UserError(f"{source}: column {lonely[0]}_a without {lonely[0]}_b; an attribute needs both")
    return labels


def _read(
    source: Source, names: Mapping[str, str], texts: Sequence[str]
) -> tuple[dict[str, tuple[I32, list[str]]], Scores, NDArray[np.bool_]]:
    """Read text columns, scores and truth values.

    Text columns as codes (side a, then side b) and words. The scores of a text file are read as numbers, and as texts only
    if some are none, to say which.
    """
    import pyarrow as pa

    try:
        gathered = _gather(source, names, texts, plain=True)
    except pa.ArrowInvalid:
        gathered = None
    if gathered is None or (gathered[1].bad is not None and not source.typed):
        gathered = _gather(source, names, texts, plain=False)
    words, scores, truths = gathered
    scores.check(source.row)
    truths.check(source.row)
    joined = {}
    for name in texts:
        joined[name] = words[name].joined()
        del words[name]
    return joined, scores, truths.joined()


def _gather(
    source: Source, names: Mapping[str, str], texts: Sequence[str], *, plain: bool
) -> tuple[dict[str, Words], Scores, Truths]:
    sides = {f"{name}_{side}": (name, "ab".index(side)) for name in texts for side in "ab"}
    columns = {column: names[column] for column in ("score", "mated", *sides)}
    words, scores, truths = {name: Words() for name in texts}, Scores(), Truths()
    for batch in source.batches(list(columns.values()), [names["score"]] if plain else []):
        for column, original in columns.items():
            cells = batch.column(batch.schema.get_field_index(original))
            if column == "score":
                scores.add(cells, source)
            elif column == "mated":
                truths.add(cells, source)
            else:
                name, side = sides[column]
                words[name].add(side, cells, source)
    return words, scores, truths


def read_texts(source: Source, wanted: Sequence[str]) -> dict[str, tuple[I32, list[str]]]:
    """Read the text columns of a table of any length.

    Of each the code of every row, and the words in rising order. Raises UserError for a missing column and without rows.
    """
    names = source.columns()
    missing = [column_name for column_name in wanted if column_name not in names]
    if missing:
        raise UserError(f"{source}: no column {', '.join(missing)}; it has {', '.join(names)}")
    columns = {name: Words() for name in wanted}
    for batch in source.batches([names[name] for name in columns]):
        for name, column in columns.items():
            column.add(0, batch.column(batch.schema.get_field_index(names[name])), source)
    texts = {name: column.joined() for name, column in columns.items()}
    if any(not codes.size for codes, _ in texts.values()):
        raise UserError(f"{source}: holds no rows")
    return texts


def _check_labels(source: Source, labels: Mapping[str, tuple[I32, list[str]]], first: NDArray[np.int64], sample: I32) -> None:
    """Raise UserError if one sample has two labels.

    Its text names the row.
    """
    rows = sample.size // 2
    for name, (codes, words) in labels.items():
        row = _first_other(codes, codes[first], sample)
        if row >= 0:
            earlier = int(first[sample[row]])
            here, there = (words[codes[place]] or "empty" for place in (row, earlier))
            raise UserError(
                f"{source.row(row % rows)}: {name} of this sample is {here!r}, but {there!r} in row "
                f"{source.number(earlier % rows)}; a sample has one label"
            )


@njit()
def _first_other(codes: I32, expected: I32, number: I32) -> int:
    """Return the first place with an unexpected code.

    expected: by number. -1 if there is none.
    """
    for k in range(codes.size):
        if codes[k] != expected[number[k]]:
            return k
    return -1


def _distinct(number: I32, parts: Sequence[I32]) -> NDArray[np.int64]:
    """Give numbers to distinct combinations in their order, in place.

    They are of `number` and the codes of all parts. Returns the first place of each.
    """
    for codes in parts:
        keys = _join(number, codes)
        rank = np.empty(keys.size, np.int32)
        rank[np.argsort(keys)] = np.arange(keys.size, dtype=np.int32)
        renumber(number, rank)
    first: NDArray[np.int64] = _firsts(number, int(number.max(initial=-1)) + 1)
    return first


@njit()
def _join(number: I32, codes: I32) -> NDArray[np.int64]:
    """Give numbers to each distinct (number, code) as they come, in place.

    Returns their keys. A hash table with open addresses.
    """
    bits = 12
    table = np.full(1 << bits, -1, np.int32)
    keys = np.empty(1 << (bits - 1), np.int64)
    count = 0
    for k in range(number.size):
        key = (np.int64(number[k]) << 32) | np.int64(codes[k])
        slot = _hash(key) >> np.uint64(64 - bits)
        while table[slot] >= 0 and keys[table[slot]] != key:
            slot = (slot + np.uint64(1)) & np.uint64((1 << bits) - 1)
        if table[slot] < 0:
            if count == keys.size:
                bits += 1
                keys = np.append(keys, np.empty(count, np.int64))
                table = np.full(1 << bits, -1, np.int32)
                for old in range(count):
                    free_slot = _hash(keys[old]) >> np.uint64(64 - bits)
                    while table[free_slot] >= 0:
                        free_slot = (free_slot + np.uint64(1)) & np.uint64((1 << bits) - 1)
                    table[free_slot] = old
                slot = _hash(key) >> np.uint64(64 - bits)
                while table[slot] >= 0:
                    slot = (slot + np.uint64(1)) & np.uint64((1 << bits) - 1)
            table[slot] = count
            keys[count] = key
            count += 1
        number[k] = table[slot]
    return keys[:count].copy()


@njit()
def _hash(key: np.int64) -> np.uint64:
    return np.uint64(key) * np.uint64(0x9E3779B97F4A7C15)


@njit()
def _firsts(number: I32, count: int) -> NDArray[np.int64]:
    first = np.full(count, -1, np.int64)
    for k in range(number.size):
        if first[number[k]] < 0:
            first[number[k]] = k
    return first


def attribute(name: str, codes: I32, words: Sequence[str], subjects: I32) -> Attribute:
    """Return an attribute with a label per sample.

    codes: int32[samples], indices of the words, which are in rising order; the empty text is no label.
    It belongs to the sample if some subject has two values.
    """
    unlabelled = int(bool(words) and words[0] == "")
    used = np.unique(codes[codes >= unlabelled])
    renumber = np.full(len(words) + 1, -1, np.int32)
    renumber[used] = np.arange(used.size)
    mapped = renumber[codes]
    known = mapped >= 0
    pairs = np.unique(subjects[known].astype(np.int64) * max(1, used.size) + mapped[known])
    several = np.unique(pairs // max(1, used.size)).size < pairs.size
    return Attribute(name, tuple(words[word] for word in used), mapped, "sample" if several else "subject")
