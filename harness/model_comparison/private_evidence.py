"""The private parts of several runs on one data set, joined: the samples that all share, and every model's evidence on them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.schema.dataset import Attribute
from faceparity.harness import results
from faceparity.harness.comparisons.evidence import Evidence, count_comparisons
from faceparity.harness.comparisons.few_mated import of_few_people
from faceparity.harness.comparisons.mated import mated_pairs
from faceparity.harness.comparisons.pair_counts import AllPairs
from faceparity.harness.comparisons.tally import I32, I64, Pairs, ScoreBins, Tally
from faceparity.harness.groups.groupings import Cells, make_cells, make_groupings, shares_subjects
from faceparity.harness.groups.small_groups import leaving_samples
from faceparity.harness.templates import private_tables

MADE_BEFORE = "it was made by a version that did not keep what a paired comparison needs; run again"


@dataclass(frozen=True)
class Private:
    """One result's private part.

    codes: str[n]; subjects: str[n]; labels: the JSON text of each; failed: bool[n]. Samples are in the order of the data set,
    by file name: codes depend on the secret, and no figure may.
    a, b, score, mated: the ledger, samples as places in `codes`. left_out: int64[m, 2], pairs not compared. excluded: what a
    person left out by name, images and comparisons.
    """

    codes: NDArray[np.str_]
    subjects: NDArray[np.str_]
    labels: NDArray[np.str_]
    failed: NDArray[np.bool_]
    a: I64
    b: I64
    score: NDArray[np.float32]
    mated: NDArray[np.bool_]
    left_out: I64
    excluded: frozenset[tuple[str, str]]


def read(folder: Path) -> Private:
    """Read a result's private part from its folder `private/`.

    Raises UserError where it is missing, unreadable or of another version.
    """
    if (folder / "codes.sealed").is_file() and not (folder / "labels.sealed").is_file():
        raise UserError(f"{folder}: {MADE_BEFORE}")
    table = private_tables.read_table(folder, "codes")
    order = np.argsort(table["file"].astype(str), kind="stable")
    codes = table["code"].astype(str)[order]
    labels = private_tables.read_table(folder, "labels")
    if not np.array_equal(labels["code"].astype(str)[order], codes):
        raise UserError(f"{folder}: its tables do not belong together; run again for new ones")
    rejected = private_tables.read_table(folder, "rejects")["file"].astype(str)
    ledger, not_compared = _coded(folder, "ledger"), _coded(folder, "left_out")
    first, second = (_places(ledger[column], codes, folder) for column in ("code_a", "code_b"))
    left_out = np.stack([_places(not_compared[column], codes, folder) for column in ("code_a", "code_b")], axis=1)
    excluded: frozenset[tuple[str, str]] = frozenset()
    if (folder / "exclusions.sealed").is_file():
        named = private_tables.read_table(folder, "exclusions")
        rows = (
            tuple(sorted((str(one_file), str(other_file))))
            for one_file, other_file in zip(named["file_a"], named["file_b"], strict=True)
        )
        excluded = frozenset((one_file, other_file) for one_file, other_file in rows)
    return Private(
        codes, table["subject"].astype(str)[order], labels["values"].astype(str)[order],
        np.isin(table["file"].astype(str)[order], rejected), first, second,
        np.asarray(ledger["score"], np.float32), np.asarray(ledger["mated"], bool), left_out, excluded,
    )  # fmt: skip


def _coded(folder: Path, table: private_tables.Table) -> dict[str, private_tables.Coded | NDArray[Any]]:
    """Read a private table, texts as indices into words.

    Like `private_tables.read_table` in all else: a ledger has millions of rows.
    """
    import pyarrow as pa

    with pa.ipc.open_stream(private_tables.read_private(folder, table)) as reader:
        batch = reader.read_all().combine_chunks()
    columns: dict[str, private_tables.Coded | NDArray[Any]] = {}
    for name in batch.column_names:
        chunks = batch.column(name).chunks
        if chunks and isinstance(chunks[0], pa.DictionaryArray):
            columns[name] = private_tables.Coded(
                chunks[0].indices.to_numpy(zero_copy_only=False), chunks[0].dictionary.to_pylist()
            )
        else:
            columns[name] = np.asarray(batch.column(name).to_numpy())
    return columns


def _places(column: private_tables.Coded | NDArray[np.generic], codes: NDArray[np.str_], folder: Path) -> I64:
    """Return the place of each row's code in `codes`.

    Raises UserError for a code that is not there.
    """
    indices, words = column if isinstance(column, private_tables.Coded) else (np.arange(column.size), column)
    wanted = np.asarray(words, str)
    if not wanted.size:
        return np.empty(0, np.int64)
    used, rising = np.unique(indices), np.argsort(codes)
    positions = rising[np.clip(np.searchsorted(codes, wanted, sorter=rising), 0, codes.size - 1)] if codes.size else rising
    if not codes.size or (codes[positions[used]] != wanted[used]).any():
        raise UserError(f"{folder}: its tables do not belong together; run again for new ones")
    return positions[indices].astype(np.int64)


@dataclass(frozen=True)
class JointEvidence:
    """Several results on the samples that they share.

    cells, subjects: of the n samples that all were given. failed: bool[results, n]. left_out: keys (low × n + high) of pairs of
    these that some result did not compare. has: bool[n], those of which all have a template. evidence: of each result, over
    those.
    """

    cells: Cells
    subjects: I32
    failed: NDArray[np.bool_]
    left_out: I64
    has: NDArray[np.bool_]
    evidence: list[Evidence]
    templates: tuple[int, ...]
    """Number of templates of each result, on all of its samples."""
    mated: tuple[tuple[I64, NDArray[np.float32]], ...]
    """Keys and scores of each result's mated comparisons of samples that all were given."""

    def low_mated(self, result: int, threshold: float) -> I64:
        """Return keys of one result's mated comparisons below a threshold."""
        keys, score = self.mated[result]
        return keys[score < np.float32(threshold)]

    @property
    def template_subjects(self) -> I32:
        """Return the subjects of samples with every result's template."""
        return self.subjects[self.has]


def join_evidence(
    parts: Sequence[Private], evaluations: Sequence[results.Evaluation], same_person: Sequence[float | None]
) -> JointEvidence:
    """Join several results on the samples that all share.

    same_person: of each result the score (as a similarity) from which a comparison of different subjects is taken for one person
    and left out of all; None: nothing is. People of groups that are small on the shared samples leave.
    Raises UserError where they contradict each other on people or labels.
    """
    places = _shared(parts)
    _check_alike(parts, places)
    if are_protected(evaluations):
        gone = leaving_samples(*_people(parts[0], places[0], evaluations))
        if gone.all():
            raise UserError("they share too few people for figures that name nobody")
        places = [kept[~gone] for kept in places]
    samples = places[0].size
    cells, subjects = _people(parts[0], places[0], evaluations)
    failed = np.stack([part.failed[kept] for part, kept in zip(parts, places, strict=True)])
    has = np.asarray(~failed.any(axis=0), bool)
    numbers = [_new_numbers(part.codes.size, kept) for part, kept in zip(parts, places, strict=True)]
    not_compared = [_left_out(part, new, samples, score) for part, new, score in zip(parts, numbers, same_person, strict=True)]
    if are_protected(evaluations):
        not_compared.append(_few_mated(subjects, cells))
    left_out = np.unique(np.concatenate(not_compared))
    of_has = _new_numbers(samples, np.flatnonzero(has))
    evidence = [
        _evidence(part, of_has[new], samples, left_out, of_has, cells, subjects, has, evaluation)
        for part, new, evaluation in zip(parts, numbers, evaluations, strict=True)
    ]
    mated = tuple(_mated(part, new, samples) for part, new in zip(parts, numbers, strict=True))
    return JointEvidence(
        cells, subjects, failed, left_out, has, evidence, tuple(int((~part.failed).sum()) for part in parts), mated
    )


def are_protected(evaluations: Sequence[results.Evaluation]) -> bool:
    """Return whether small groups are protected: some labels are not public."""
    return not all(evaluation.dataset.labels_public for evaluation in evaluations)


def _people(part: Private, places: I64, evaluations: Sequence[results.Evaluation]) -> tuple[Cells, I32]:
    """Return cells and subjects of the samples at some places."""
    return make_cells(_attributes(part.labels[places], evaluations), places.size), _by_appearance(part.subjects[places])


def _few_mated(subjects: I32, cells: Cells) -> I64:
    """Return keys of mated pairs of too few people."""
    first, second = mated_pairs(subjects)
    few = of_few_people(first, second, subjects, cells, make_groupings(cells))
    return _keys(first[few].astype(np.int64), second[few].astype(np.int64), subjects.size)


def _shared(parts: Sequence[Private]) -> list[I64]:
    """Return each part's places of the samples that all have.

    They are in the order of the data set.
    """
    codes = parts[0].codes
    for part in parts[1:]:
        codes = np.intersect1d(codes, part.codes, assume_unique=True)
    codes = parts[0].codes[np.isin(parts[0].codes, codes)]
    places = []
    for part in parts:
        rising = np.argsort(part.codes)
        places.append(rising[np.searchsorted(part.codes, codes, sorter=rising)].astype(np.int64))
    return places


def _by_appearance(names: NDArray[np.str_]) -> I32:
    """Give numbers to distinct names as they first occur: int32[n]."""
    _, first, number = np.unique(names, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[number.reshape(-1)].astype(np.int32)


def _mated(part: Private, new: I64, samples: int) -> tuple[I64, NDArray[np.float32]]:
    first, second = new[part.a], new[part.b]
    both = part.mated & (first >= 0) & (second >= 0)
    return _keys(first[both], second[both], samples), part.score[both]


def _check_alike(parts: Sequence[Private], at: Sequence[I64]) -> None:
    """Raise UserError unless all agree on subjects and labels."""
    first, first_places = parts[0], at[0]
    for part, places in zip(parts[1:], at[1:], strict=True):
        if not np.array_equal(first.subjects[first_places], part.subjects[places]):
            raise UserError("they do not agree on which samples are of one person; run again with one version")
        if not np.array_equal(first.labels[first_places], part.labels[places]):
            raise UserError("they do not agree on the labels of the same samples; run again with one version and one --by")


def _attributes(labels: NDArray[np.str_], evaluations: Sequence[results.Evaluation]) -> list[Attribute]:
    """Return the attributes of the runs.

    Values are in the order of the results, and any others after them.
    """
    texts, of_sample = np.unique(labels, return_inverse=True)
    rows = [json.loads(text) for text in texts]
    attributes = []
    for info in evaluations[0].dataset.labels:
        name = info.attribute
        present = {row[name] for row in rows if row.get(name) is not None}
        values = [value for value in info.values if value in present]
        values += sorted(present - set(values))
        code = np.array([-1 if row.get(name) is None else values.index(row[name]) for row in rows], np.int32)
        attributes.append(Attribute(name, tuple(values), code[of_sample.reshape(-1)]))
    return attributes


def _new_numbers(size: int, kept: NDArray[np.integer]) -> I64:
    """Return the new number of each that is kept.

    int64[size]; -1 for the others.
    """
    numbers = np.full(size, -1, np.int64)
    numbers[kept] = np.arange(kept.size)
    return numbers


def _keys(first: I64, second: I64, samples: int) -> I64:
    """Return a key for each unordered pair of kept samples.

    Pairs with a sample of number -1 are dropped.
    """
    both = (first >= 0) & (second >= 0)
    first, second = first[both], second[both]
    return np.minimum(first, second) * samples + np.maximum(first, second)


def _left_out(part: Private, new: I64, samples: int, same_person: float | None) -> I64:
    """Return keys of shared pairs that one result leaves out.

    It did not compare them, or they look like one person to it.
    """
    keys = _keys(new[part.left_out[:, 0]], new[part.left_out[:, 1]], samples)
    if same_person is None:
        return keys
    same = ~part.mated & (part.score >= np.float32(same_person))
    return np.concatenate([keys, _keys(new[part.a[same]], new[part.b[same]], samples)])


def _evidence(
    part: Private,
    number: I64,
    n: int,
    left_out: I64,
    of_has: I64,
    cells: Cells,
    subjects: I32,
    has: NDArray[np.bool_],
    evaluation: results.Evaluation,
) -> Evidence:
    """Return one result's evidence on the samples that all have.

    number: of each of its samples, its number among those with a template of all, or -1. n: samples that all were given.
    """
    templates = int(has.sum())
    first, second = number[part.a], number[part.b]
    both = (first >= 0) & (second >= 0)
    not_compared = _keys(of_has[left_out // max(1, n)], of_has[left_out % max(1, n)], templates)
    key = np.minimum(first, second) * templates + np.maximum(first, second)
    keep = both & ~np.isin(key, not_compared)
    sample_cells, people = cells.of_sample[has], subjects[has]
    of_mated = people[not_compared // max(1, templates)] == people[not_compared % max(1, templates)]
    pairs = [Pairs.of(first[chosen], second[chosen], part.score[chosen]) for chosen in (keep & ~part.mated, keep & part.mated)]
    left_out_pairs = [_none_scored(not_compared[of_kind], templates) for of_kind in (~of_mated, of_mated)]
    non_mated, _ = count_comparisons(people, sample_cells, cells.n)
    mated = np.zeros_like(non_mated)
    _count(non_mated, sample_cells, left_out_pairs[0], -1)
    _count(mated, sample_cells, pairs[1], 1)
    floor = evaluation.comparisons.ledger_floor
    tally = Tally(
        ScoreBins.uniform(-1.0, 1.0, 1), -np.inf if floor is None else floor, non_mated[..., None], mated[..., None],
        np.zeros((templates, cells.n), np.int64), pairs[0], pairs[1], np.empty(0, np.float32), np.zeros((0, templates, cells.n), np.int32),
        left_out_pairs[0], left_out_pairs[1], 0,
    )  # fmt: skip
    own_cells = replace(cells, of_sample=sample_cells)
    return Evidence(
        tally, own_cells, people, AllPairs(people, left_out_pairs[0]), None, None, shares_subjects(people, sample_cells)
    )


def _none_scored(keys: I64, samples: int) -> Pairs:
    """Return pairs by their keys, with scores of zero."""
    return Pairs.of(keys // max(1, samples), keys % max(1, samples), np.zeros(keys.size, np.float32))


def _count(table: NDArray[np.int64], cells: I32, pairs: Pairs, step: int) -> None:
    """Add `step` for each pair, at [lower cell, higher cell]."""
    first, second = cells[pairs.a], cells[pairs.b]
    np.add.at(table, (np.minimum(first, second), np.maximum(first, second)), step)
