"""The private part of a result: codes, ledger, suspects, labels and exclusions, encrypted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from faceparity.datasets.schema.dataset import Dataset
from faceparity.harness.evaluation.evaluate import Evaluated
from faceparity.harness.evaluation.exclusion_file import Excluded
from faceparity.harness.runs.suspects import choose_suspects
from faceparity.harness.templates import private_tables
from faceparity.harness.templates.extract import Templates
from faceparity.harness.templates.store import Store


def write_private(folder: Path, dataset: Dataset, templates: Templates, evaluated: Evaluated, store: Store) -> None:
    """Write the private part of one evaluation.

    Codes, ledger, suspects, rejects, problems, labels and pairs left out, encrypted with the store's keys.
    """
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
    doubtful = choose_suspects(evaluated)
    first, second = chosen[doubtful.pairs.a], chosen[doubtful.pairs.b]
    private_tables.write_table(
        folder,
        "suspects",
        {
            "code_a": codes[first],
            "code_b": codes[second],
            "score": doubtful.pairs.score,
            "file_a": files[first],
            "file_b": files[second],
            "share": doubtful.share,
        },
        keys=keys,
    )
    if templates.faces_differ is not None:
        unlike = np.flatnonzero(templates.faces_differ)
        table = {"code": codes[unlike], "file": files[unlike], "faces": templates.faces[unlike]}
        private_tables.write_table(folder, "faces", table, keys=keys)
    rejected = np.flatnonzero(templates.status != "ok")
    private_tables.write_table(
        folder,
        "rejects",
        {
            "file": files[rejected],
            "status": templates.status[rejected],
            "reason": [templates.reasons[sample] for sample in rejected],
        },
        keys=keys,
    )
    private_tables.write_table(
        folder,
        "problems",
        {
            "kind": [problem.kind for problem in dataset.problems],
            "where": [problem.where for problem in dataset.problems],
            "detail": [problem.detail for problem in dataset.problems],
        },
        keys=keys,
    )
    private_tables.write_table(folder, "codes", {"code": codes, "file": files, "subject": subjects}, keys=keys)
    names = [grouping.attributes[0] for grouping in evaluated.evaluation.groupings if len(grouping.attributes) == 1]
    private_tables.write_table(folder, "labels", {"code": codes, "values": labels_of(dataset, names)}, keys=keys)
    left_out = tally.left_out_non_mated + tally.left_out_mated
    first, second = chosen[left_out.a], chosen[left_out.b]
    private_tables.write_table(folder, "left_out", {"code_a": codes[first], "code_b": codes[second]}, keys=keys)


def labels_of(dataset: Dataset, names: Sequence[str]) -> list[str]:
    """Return each sample's values of the named attributes.

    JSON objects; null where unlabelled.
    """
    columns = {name: [*dataset.attributes[name].values, None] for name in names}
    table = np.stack([dataset.attributes[name].codes for name in names] or [np.zeros(dataset.n_samples, np.int32)], axis=1)
    rows, of_sample = np.unique(table, axis=0, return_inverse=True)
    objects = [
        json.dumps({name: columns[name][code] for name, code in zip(names, row, strict=False)}, ensure_ascii=False)
        for row in rows
    ]
    return [objects[row] for row in of_sample.reshape(-1)]


def write_exclusions(folder: Path, dataset: Dataset, excluded: Excluded, store: Store) -> None:
    """Write what a person excluded.

    By file name, with the reasons as written.
    """
    files, (first, second) = np.asarray(dataset.files), excluded.pairs.T
    private_tables.write_table(
        folder,
        "exclusions",
        {
            "file_a": [*files[excluded.samples], *files[first]],
            "file_b": [*[""] * excluded.samples.size, *files[second]],
            "reason": [*excluded.sample_texts, *excluded.pair_texts],
        },
        keys=store.keys,
    )
