"""The private part of a result: codes, ledger, suspects, labels and exclusions, encrypted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from faceparity.datasets.schema.dataset import Dataset
from faceparity.harness.comparisons.tally import Pairs
from faceparity.harness.evaluation.evaluate import Evaluated
from faceparity.harness.evaluation.exclusion_file import Excluded
from faceparity.harness.templates import private_tables
from faceparity.harness.templates.extract import Templates
from faceparity.harness.templates.store import Store

SUSPECTS = 200
"""So many of the most alike non-mated and least alike mated comparisons are kept for a person to look at."""


def write_private(folder: Path, dataset: Dataset, templates: Templates, evaluated: Evaluated, store: Store) -> None:
    """The private part: codes, ledger, suspects, rejects, problems; encrypted with the store's keys."""
    keys, tally = store.keys, evaluated.evidence.tally
    codes = private_tables.sample_codes(dataset, keys)
    subjects = private_tables.subject_codes(dataset, keys)
    files, chosen = np.asarray(dataset.files), templates.samples
    ledger = tally.ledger + tally.mated_pairs
    mated = evaluated.evidence.subjects[ledger.a] == evaluated.evidence.subjects[ledger.b]
    private_tables.write_table(
        folder,
        "ledger",
        {
            "code_a": private_tables.Coded(chosen[ledger.a], codes),
            "code_b": private_tables.Coded(chosen[ledger.b], codes),
            "score": ledger.score,
            "mated": mated,
        },
        keys=keys,
    )
    doubtful = suspects(tally.ledger, tally.mated_pairs)
    a, b = chosen[doubtful.a], chosen[doubtful.b]
    private_tables.write_table(
        folder,
        "suspects",
        {"code_a": codes[a], "code_b": codes[b], "score": doubtful.score, "file_a": files[a], "file_b": files[b]},
        keys=keys,
    )
    bad = np.flatnonzero(templates.status != "ok")
    private_tables.write_table(
        folder,
        "rejects",
        {"file": files[bad], "status": templates.status[bad], "reason": [templates.reasons[i] for i in bad]},
        keys=keys,
    )
    private_tables.write_table(
        folder,
        "problems",
        {
            "kind": [p.kind for p in dataset.problems],
            "where": [p.where for p in dataset.problems],
            "detail": [p.detail for p in dataset.problems],
        },
        keys=keys,
    )
    private_tables.write_table(folder, "codes", {"code": codes, "file": files, "subject": subjects}, keys=keys)
    names = [g.attributes[0] for g in evaluated.evaluation.groupings if len(g.attributes) == 1]
    private_tables.write_table(folder, "labels", {"code": codes, "values": labels_of(dataset, names)}, keys=keys)
    out = tally.left_out_non_mated + tally.left_out_mated
    a, b = chosen[out.a], chosen[out.b]
    private_tables.write_table(folder, "left_out", {"code_a": codes[a], "code_b": codes[b]}, keys=keys)


def labels_of(dataset: Dataset, names: Sequence[str]) -> list[str]:
    """Of each sample its value of each attribute named, as a JSON object; null where unlabelled."""
    columns = {name: [*dataset.attributes[name].values, None] for name in names}
    table = np.stack([dataset.attributes[name].codes for name in names] or [np.zeros(dataset.n_samples, np.int32)], axis=1)
    rows, of_sample = np.unique(table, axis=0, return_inverse=True)
    texts = [
        json.dumps({name: columns[name][code] for name, code in zip(names, row, strict=False)}, ensure_ascii=False)
        for row in rows
    ]
    return [texts[i] for i in of_sample.reshape(-1)]


def write_exclusions(folder: Path, dataset: Dataset, excluded: Excluded, store: Store) -> None:
    """What a person left out, by name and with the reasons as written."""
    files, (a, b) = np.asarray(dataset.files), excluded.pairs.T
    private_tables.write_table(
        folder,
        "exclusions",
        {
            "file_a": [*files[excluded.samples], *files[a]],
            "file_b": [*[""] * excluded.samples.size, *files[b]],
            "reason": [*excluded.sample_texts, *excluded.pair_texts],
        },
        keys=store.keys,
    )


def suspects(ledger: Pairs, mated: Pairs) -> Pairs:
    """The most alike non-mated and the least alike mated comparisons: label errors and hidden repeats are among them."""
    high = np.sort(np.argsort(-ledger.score, kind="stable")[:SUSPECTS])
    low = np.sort(np.argsort(mated.score, kind="stable")[:SUSPECTS])
    return Pairs(*(np.concatenate([x[high], y[low]]) for x, y in zip(ledger.columns(), mated.columns(), strict=True)))
