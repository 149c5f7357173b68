"""`faceparity run`: data sets × models, each extracted, compared, measured and written into one folder."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import numpy as np

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.schema.dataset import Dataset
from faceparity.harness.comparisons.tally import Pairs
from faceparity.harness.evaluation.evaluate import Evaluated
from faceparity.harness.evaluation.exclusion_file import Excluded
from faceparity.harness.evaluation.preflight import GroupedSamples, preflight
from faceparity.harness.evaluation.resolved_options import Resolved
from faceparity.harness.evaluation.with_exclusions import evaluate_without
from faceparity.harness.models.base.card import ModelCard
from faceparity.harness.models.base.model import Model
from faceparity.harness.models.registry import load_model_card, open_model
from faceparity.harness.runs import output_folder
from faceparity.harness.runs.result_files import RESULTS, Result, report_writers, safe_name, write_reports, write_results
from faceparity.harness.templates import private_tables
from faceparity.harness.templates.extract import Templates, extract
from faceparity.harness.templates.store import Store
from faceparity.harness.verification.sampling_report import scores_to_make

LOG = "run.log"
SUSPECTS = 200
"""So many of the most alike non-mated and least alike mated comparisons are kept for a person to look at."""


class Listener(Protocol):
    """Is told how a run goes on: the command line shows it, tests need not."""

    def loaded(self, dataset: Dataset) -> None:
        """A data set was read."""
        ...

    def stage(self, text: str, total: int) -> Callable[[int], None]:
        """Something begins that takes `total` steps; the callable takes how many are done."""
        ...

    def extracted(self, dataset: Dataset, card: ModelCard, templates: Templates) -> None:
        """Templates are there."""
        ...


class Silent:
    """Tells nobody."""

    def loaded(self, dataset: Dataset) -> None:
        """See Listener."""

    def stage(self, text: str, total: int) -> Callable[[int], None]:
        """See Listener."""
        return lambda done: None

    def extracted(self, dataset: Dataset, card: ModelCard, templates: Templates) -> None:
        """See Listener."""


@dataclass(frozen=True)
class PreparedRun:
    """What was made to check a request, so that it is made once: samples by data set's name, models by what was typed."""

    grouped: Mapping[str, GroupedSamples] = field(default_factory=dict)
    models: Mapping[str, Model] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """What to run. datasets are loaded already; a data set named twice is an error of the caller. exclusions: by data set's name.

    prepared: what is there of it already; `run` makes all of it.
    """

    datasets: Sequence[Dataset]
    models: Sequence[str]
    resolved: Resolved
    out: Path
    exclusions: Mapping[str, Excluded] = field(default_factory=dict)
    prepared: PreparedRun = field(default_factory=PreparedRun)


def run(request: Request, listener: Listener | None = None) -> list[Result]:
    """Every model on every data set; writes results.json, tables, the private part and the reports. Returns what was found.

    All that can be checked is checked before the first image is read. Raises UserError.
    """
    tell = listener or Silent()
    cards = checked_cards(request.models)
    prepared = PreparedRun(
        models={spec: open_model(spec) for spec in cards},
        grouped={dataset.name: preflight(dataset, request.resolved) for dataset in request.datasets},
    )
    request = replace(request, prepared=prepared)
    report_writers()
    results: list[Result] = []
    with alone_in(request.out) as out, Store(ephemeral=request.resolved.options.ephemeral) as store:
        log = open_log(out / LOG)
        for dataset in request.datasets:
            log.info("%s: %d samples, problems %s", dataset.name, dataset.n_samples, _counts(dataset))
            for spec, card in cards.items():
                at = replace(request, resolved=replace(request.resolved, position=len(results)))
                results.append(run_one(at, dataset, spec, card, store, out, tell, log))
        write_reports(results, out)
        log.info("done")
    return results


def checked_cards(specs: Sequence[str]) -> dict[str, ModelCard]:
    """Return the card of everything that was typed after `-m`, each once.

    Raises UserError for two that would write into the same folder.
    """
    cards = {spec: load_model_card(spec) for spec in dict.fromkeys(specs)}
    folders: dict[str, str] = {}
    for spec, card in cards.items():
        if other := folders.get(safe_name(card.name)):
            raise UserError(f"-m {spec} and -m {other} are both called {card.name}: give one another name in its card")
        folders[safe_name(card.name)] = spec
    return cards


def run_one(
    request: Request, dataset: Dataset, spec: str, card: ModelCard, store: Store, out: Path, tell: Listener, log: logging.Logger
) -> Result:
    """One model, opened by what was typed, on one data set: results.json and the private part, no reports. Raises UserError."""
    resolved = request.resolved
    step = tell.stage(f"{dataset.name} · {card.name} · templates", dataset.n_samples)
    templates = extract(
        dataset, spec, store=store, workers=resolved.workers, progress=lambda done, total: step(done), place=resolved.place,
        model=request.prepared.models.get(spec),
    )  # fmt: skip
    tell.extracted(dataset, card, templates)
    n = templates.samples.size
    log.info(
        "%s, %s: %d templates, %d extracted now, %d failed",
        dataset.name,
        card.name,
        n,
        templates.extracted,
        dataset.n_samples - n,
    )
    compare = _Sum(tell.stage(f"{dataset.name} · {card.name} · comparisons", scores_to_make(n, resolved.share)))
    excluded = request.exclusions.get(dataset.name, Excluded())
    grouped = request.prepared.grouped.get(dataset.name)
    outcome = evaluate_without(dataset, card, templates, _own_thresholds(resolved, card), excluded, compare, grouped)
    evaluated = outcome.evaluated
    folder = out / safe_name(dataset.name) / safe_name(card.name)
    folder.mkdir(parents=True, exist_ok=True)
    write_results(evaluated.evaluation, folder)
    if not resolved.options.ephemeral:
        write_private(folder / "private", outcome.dataset, outcome.templates, evaluated, store)
        if excluded:
            write_exclusions(folder / "private", dataset, excluded, store)
    c = evaluated.evaluation.comparisons
    log.info(
        "%s, %s: %d non-mated and %d mated comparisons, %d pass(es)", dataset.name, card.name, c.non_mated, c.mated, c.passes
    )
    return Result(evaluated.evaluation, folder)


class _Sum:
    """Turns steps into a total."""

    def __init__(self, tell: Callable[[int], None]) -> None:
        self._tell, self._done = tell, 0

    def __call__(self, step: int) -> None:
        self._done += step
        self._tell(self._done)


def _own_thresholds(resolved: Resolved, card: ModelCard) -> Resolved:
    """Thresholds of another run apply to the model they were set for."""
    return replace(resolved, fixed=tuple(f for f in resolved.fixed if f.model in (None, card.name)))


def check_folder(out: Path) -> None:
    """Raises UserError if a run's results can't go there."""
    output_folder.check_folder(out, lambda: (out / LOG).is_file())


def prepare_folder(out: Path) -> Path:
    """The run's folder, made. A folder of an earlier run is emptied of its results; any other that holds files is refused."""
    check_folder(out)
    try:
        for old in (*out.glob(f"*/*/{RESULTS}"), *out.glob(RESULTS)):
            for part in ("tables", "figures", "private"):
                shutil.rmtree(old.parent / part, ignore_errors=True)
            old.unlink()
        for name in ("report.html", "report.pdf"):  # they tell of the results that have just gone
            (out / name).unlink(missing_ok=True)
        out.mkdir(parents=True, exist_ok=True)
        (out / LOG).touch()
    except OSError as error:
        raise UserError(f"--out {out}: {error.strerror}; {output_folder.WRITABLE}") from error
    return out


@contextmanager
def alone_in(out: Path) -> Iterator[Path]:
    """The run's folder, prepared, which no other run writes into meanwhile. Raises UserError where one does."""
    check_folder(out)
    with output_folder.held(out / LOG, "another run is writing there"):
        yield prepare_folder(out)


def open_log(file: Path, mode: str = "w") -> logging.Logger:
    """The run's log: counts and stages, no file names, no paths, no people."""
    log = logging.getLogger("faceparity.run")
    for handler in list(log.handlers):
        log.removeHandler(handler)
        handler.close()
    handler = logging.FileHandler(file, mode, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
    return log


def _counts(dataset: Dataset) -> str:
    kinds, counts = np.unique([p.kind for p in dataset.problems], return_counts=True)
    return ", ".join(f"{k} {n}" for k, n in zip(kinds, counts, strict=True)) or "none"


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
