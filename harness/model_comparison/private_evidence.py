"""What the private parts of several runs on one data set say together: the same samples, and every model's evidence on them."""

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
from faceparity.harness.comparisons.pair_counts import AllPairs
from faceparity.harness.comparisons.tally import I32, I64, Pairs, ScoreBins, Tally
from faceparity.harness.groups.groupings import Cells, make_cells, shares_subjects
from faceparity.harness.templates import private_tables

MADE_BEFORE = "it was made by a version that did not keep what a paired comparison needs; run again"


@dataclass(frozen=True)
class Private:
    """One result's private part. codes: str[n]; subjects: str[n]; labels: the JSON text of each; failed: bool[n].

    Samples are in the order of the data set, by file name: codes depend on the secret, and no figure may.
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
    """The private part in a result's folder `private/`. Raises UserError where it is missing, unreadable or of another make."""
    if (folder / "codes.sealed").is_file() and not (folder / "labels.sealed").is_file():
        raise UserError(f"{folder}: {MADE_BEFORE}")
    table = private_tables.read_table(folder, "codes")
    order = np.argsort(table["file"].astype(str), kind="stable")
    codes = table["code"].astype(str)[order]
    labels = private_tables.read_table(folder, "labels")
    if not np.array_equal(labels["code"].astype(str)[order], codes):
        raise UserError(f"{folder}: its tables do not belong together; run again for new ones")
    rejected = private_tables.read_table(folder, "rejects")["file"].astype(str)
    ledger, out = _coded(folder, "ledger"), _coded(folder, "left_out")
    a, b = (_places(ledger[c], codes, folder) for c in ("code_a", "code_b"))
    left = np.stack([_places(out[c], codes, folder) for c in ("code_a", "code_b")], axis=1)
    excluded: frozenset[tuple[str, str]] = frozenset()
    if (folder / "exclusions.sealed").is_file():
        named = private_tables.read_table(folder, "exclusions")
        rows = (tuple(sorted((str(x), str(y)))) for x, y in zip(named["file_a"], named["file_b"], strict=True))
        excluded = frozenset((x, y) for x, y in rows)
    return Private(
        codes, table["subject"].astype(str)[order], labels["values"].astype(str)[order],
        np.isin(table["file"].astype(str)[order], rejected), a, b,
        np.asarray(ledger["score"], np.float32), np.asarray(ledger["mated"], bool), left, excluded,
    )  # fmt: skip


def _coded(folder: Path, table: private_tables.Table) -> dict[str, private_tables.Coded | NDArray[Any]]:
    """As `private.read_table`, but texts as indices into their words: a ledger has millions of rows."""
    import pyarrow as pa

    with pa.ipc.open_stream(private_tables.read_private(folder, table)) as reader:
        found = reader.read_all().combine_chunks()
    out: dict[str, private_tables.Coded | NDArray[Any]] = {}
    for name in found.column_names:
        chunks = found.column(name).chunks
        if chunks and isinstance(chunks[0], pa.DictionaryArray):
            out[name] = private_tables.Coded(chunks[0].indices.to_numpy(zero_copy_only=False), chunks[0].dictionary.to_pylist())
        else:
            out[name] = np.asarray(found.column(name).to_numpy())
    return out


def _places(column: private_tables.Coded | NDArray[np.generic], codes: NDArray[np.str_], folder: Path) -> I64:
    """Each row's place in `codes`."""
    indices, words = column if isinstance(column, private_tables.Coded) else (np.arange(column.size), column)
    wanted = np.asarray(words, str)
    if not wanted.size:
        return np.empty(0, np.int64)
    used, rising = np.unique(indices), np.argsort(codes)
    place = rising[np.clip(np.searchsorted(codes, wanted, sorter=rising), 0, codes.size - 1)] if codes.size else rising
    if not codes.size or (codes[place[used]] != wanted[used]).any():
        raise UserError(f"{folder}: its tables do not belong together; run again for new ones")
    return place[indices].astype(np.int64)


@dataclass(frozen=True)
class JointEvidence:
    """Several results on the samples that they share.

    cells, subjects: of the n samples that all were given. failed: bool[results, n]. left_out: keys (low × n + high) of pairs of
    these that some result did not compare. has: bool[n], those that all have a template of. evidence: of each result, over those.
    """

    cells: Cells
    subjects: I32
    failed: NDArray[np.bool_]
    left_out: I64
    has: NDArray[np.bool_]
    evidence: list[Evidence]
    templates: tuple[int, ...]
    """Of each result, how many templates there were in all."""
    mated: tuple[tuple[I64, NDArray[np.float32]], ...]
    """Of each result, keys and scores of its mated comparisons of samples that all were given."""

    def low_mated(self, result: int, threshold: float) -> I64:
        """Keys of the mated comparisons in which one result's scores are below a threshold."""
        keys, score = self.mated[result]
        return keys[score < np.float32(threshold)]

    @property
    def template_cells(self) -> Cells:
        """The cells of the samples with a template of all."""
        return replace(self.cells, of_sample=self.cells.of_sample[self.has])

    @property
    def template_subjects(self) -> I32:
        """The subjects of the samples with a template of all."""
        return self.subjects[self.has]


def join_evidence(
    parts: Sequence[Private], evaluations: Sequence[results.Evaluation], same_person: Sequence[float | None]
) -> JointEvidence:
    """Everything on the samples that all results share. Raises UserError where they contradict each other on people or labels.

    same_person: of each result the score (as a similarity) from which a comparison of different subjects is taken for one person
    and left out of all; None: nothing is.
    """
    at = _shared(parts)
    _check_alike(parts, at)
    n = at[0].size
    subjects = _by_appearance(parts[0].subjects[at[0]])
    cells = make_cells(_attributes(parts[0].labels[at[0]], evaluations), n)
    failed = np.stack([p.failed[i] for p, i in zip(parts, at, strict=True)])
    has = np.asarray(~failed.any(axis=0), bool)
    place = [_new_numbers(p.codes.size, i) for p, i in zip(parts, at, strict=True)]
    gone = [_left_out(p, new, n, s) for p, new, s in zip(parts, place, same_person, strict=True)]
    left_out = np.unique(np.concatenate(gone))
    of_has = _new_numbers(n, np.flatnonzero(has))
    made = [
        _evidence(p, of_has[new], n, left_out, of_has, cells, subjects, has, e)
        for p, new, e in zip(parts, place, evaluations, strict=True)
    ]
    mated = tuple(_mated(p, new, n) for p, new in zip(parts, place, strict=True))
    return JointEvidence(cells, subjects, failed, left_out, has, made, tuple(int((~p.failed).sum()) for p in parts), mated)


def _shared(parts: Sequence[Private]) -> list[I64]:
    """Places in each part of the samples that all have, in the order of the data set."""
    codes = parts[0].codes
    for p in parts[1:]:
        codes = np.intersect1d(codes, p.codes, assume_unique=True)
    codes = parts[0].codes[np.isin(parts[0].codes, codes)]
    out = []
    for p in parts:
        rising = np.argsort(p.codes)
        out.append(rising[np.searchsorted(p.codes, codes, sorter=rising)].astype(np.int64))
    return out


def _by_appearance(names: NDArray[np.str_]) -> I32:
    """Number distinct names in the order in which they first occur: int32[n]."""
    _, first, number = np.unique(names, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[number.reshape(-1)].astype(np.int32)


def _mated(p: Private, new: I64, n: int) -> tuple[I64, NDArray[np.float32]]:
    a, b = new[p.a], new[p.b]
    both = p.mated & (a >= 0) & (b >= 0)
    return _keys(a[both], b[both], n), p.score[both]


def _check_alike(parts: Sequence[Private], at: Sequence[I64]) -> None:
    first, i = parts[0], at[0]
    for p, j in zip(parts[1:], at[1:], strict=True):
        if not np.array_equal(first.subjects[i], p.subjects[j]):
            raise UserError("they do not agree on which samples are of one person; run again with one version")
        if not np.array_equal(first.labels[i], p.labels[j]):
            raise UserError("they do not agree on the labels of the same samples; run again with one version and one --by")


def _attributes(labels: NDArray[np.str_], evaluations: Sequence[results.Evaluation]) -> list[Attribute]:
    """The attributes of the runs, values in the order of the results."""
    texts, of_sample = np.unique(labels, return_inverse=True)
    rows = [json.loads(t) for t in texts]
    out = []
    for info in evaluations[0].dataset.labels:
        name = info.attribute
        there = {row[name] for row in rows if row.get(name) is not None}
        values = [v for v in info.values if v in there]
        values += sorted(there - set(values))
        code = np.array([-1 if row.get(name) is None else values.index(row[name]) for row in rows], np.int32)
        out.append(Attribute(name, tuple(values), code[of_sample.reshape(-1)]))
    return out


def _new_numbers(n: int, kept: NDArray[np.integer]) -> I64:
    """int64[n]: the new number of each that is kept, -1 of the others."""
    out = np.full(n, -1, np.int64)
    out[kept] = np.arange(kept.size)
    return out


def _keys(a: I64, b: I64, n: int) -> I64:
    """One number for each unordered pair of which both are there."""
    both = (a >= 0) & (b >= 0)
    a, b = a[both], b[both]
    return np.minimum(a, b) * n + np.maximum(a, b)


def _left_out(p: Private, new: I64, n: int, same_person: float | None) -> I64:
    """Keys of shared pairs that one result did not compare, or took for one person."""
    out = _keys(new[p.left_out[:, 0]], new[p.left_out[:, 1]], n)
    if same_person is None:
        return out
    same = ~p.mated & (p.score >= np.float32(same_person))
    return np.concatenate([out, _keys(new[p.a[same]], new[p.b[same]], n)])


def _evidence(
    p: Private,
    number: I64,
    n: int,
    left_out: I64,
    of_has: I64,
    cells: Cells,
    subjects: I32,
    has: NDArray[np.bool_],
    e: results.Evaluation,
) -> Evidence:
    """One result on the samples with a template of all. number: of each of its samples, there or -1."""
    m = int(has.sum())
    a, b = number[p.a], number[p.b]
    both = (a >= 0) & (b >= 0)
    gone = _keys(of_has[left_out // max(1, n)], of_has[left_out % max(1, n)], m)
    key = np.minimum(a, b) * m + np.maximum(a, b)
    keep = both & ~np.isin(key, gone)
    own, people = cells.of_sample[has], subjects[has]
    of_mated = people[gone // max(1, m)] == people[gone % max(1, m)]
    pairs = [Pairs.of(a[k], b[k], p.score[k]) for k in (keep & ~p.mated, keep & p.mated)]
    out = [_none_scored(gone[x], m) for x in (~of_mated, of_mated)]
    non_mated, _ = count_comparisons(people, own, cells.n)
    mated = np.zeros_like(non_mated)
    _count(non_mated, own, out[0], -1)
    _count(mated, own, pairs[1], 1)
    floor = e.comparisons.ledger_floor
    tally = Tally(
        ScoreBins.uniform(-1.0, 1.0, 1), -np.inf if floor is None else floor, non_mated[..., None], mated[..., None],
        np.zeros((m, cells.n), np.int64), pairs[0], pairs[1], np.empty(0, np.float32), np.zeros((0, m, cells.n), np.int32),
        out[0], out[1], 0,
    )  # fmt: skip
    made = replace(cells, of_sample=own)
    return Evidence(tally, made, people, AllPairs(people, out[0]), None, None, shares_subjects(people, own))


def _none_scored(keys: I64, n: int) -> Pairs:
    """Pairs by their keys, without scores."""
    return Pairs.of(keys // max(1, n), keys % max(1, n), np.zeros(keys.size, np.float32))


def _count(table: NDArray[np.int64], cells: I32, pairs: Pairs, step: int) -> None:
    """Add `step` for each pair, at [lower cell, higher cell]."""
    a, b = cells[pairs.a], cells[pairs.b]
    np.add.at(table, (np.minimum(a, b), np.maximum(a, b)), step)
