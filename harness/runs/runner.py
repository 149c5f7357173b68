"""`faceparity run`: data sets × models, each extracted, compared, measured and written into one folder."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.sanitise import safe_name
from faceparity.datasets.schema.dataset import Dataset
from faceparity.harness.evaluation.exclusion_file import Excluded
from faceparity.harness.evaluation.preflight import GroupedSamples, group_samples, preflight
from faceparity.harness.evaluation.resolved_options import Resolved
from faceparity.harness.evaluation.with_exclusions import evaluate_without
from faceparity.harness.models.base.card import ModelCard
from faceparity.harness.models.base.model import Model
from faceparity.harness.models.registry import load_model_card, open_model
from faceparity.harness.results.stored import Result
from faceparity.harness.runs.listener import Listener, Silent
from faceparity.harness.runs.private_part import write_exclusions, write_private
from faceparity.harness.runs.result_files import report_writers, write_reports, write_results
from faceparity.harness.runs.run_folder import LOG, exclusive_folder, open_log
from faceparity.harness.templates.extract import extract
from faceparity.harness.templates.store import Store
from faceparity.harness.verification.sampling_report import scores_to_make


@dataclass(frozen=True)
class PreparedRun:
    """What checking a request made already, so that it is made once.

    grouped: samples by data set's name. models: by what was typed after -m.
    """

    grouped: Mapping[str, GroupedSamples] = field(default_factory=dict)
    models: Mapping[str, Model] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """What to run.

    datasets: loaded already; naming one twice is an error of the caller. exclusions: by data set's name. prepared: what is there of it
    already; `run` prepares all of it.
    """

    datasets: Sequence[Dataset]
    models: Sequence[str]
    resolved: Resolved
    out: Path
    exclusions: Mapping[str, Excluded] = field(default_factory=dict)
    prepared: PreparedRun = field(default_factory=PreparedRun)


def run(request: Request, listener: Listener | None = None) -> list[Result]:
    """Evaluate every model on every data set.

    Writes results.json, tables, the private part and the reports; returns the results. All that can be checked is checked before the
    first image is read. Raises UserError.
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
    with exclusive_folder(request.out) as out, Store(ephemeral=request.resolved.options.ephemeral) as store:
        log = open_log(out / LOG)
        for dataset in request.datasets:
            measured = prepared.grouped[dataset.name].dataset.n_samples
            log.info("%s: %d samples, problems %s", dataset.name, measured, _counts(dataset))
            for spec, card in cards.items():
                at = replace(request, resolved=replace(request.resolved, position=len(results)))
                results.append(run_one(at, dataset, spec, card, store, out, tell, log))
        write_reports(results, out)
        log.info("done")
    return results


def checked_cards(specs: Sequence[str]) -> dict[str, ModelCard]:
    """Return the card of each model spec, once.

    specs: what was typed after -m. Raises UserError for two that would write into the same folder.
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
    """Evaluate one model on one data set.

    spec: what was typed after -m. People of small groups leave before templates are made. Writes results.json and the private part, no
    reports. Raises UserError.
    """
    resolved = request.resolved
    grouped = request.prepared.grouped.get(dataset.name) or group_samples(dataset, resolved.options.by)
    dataset, excluded = grouped.dataset, request.exclusions.get(dataset.name, Excluded()).renumbered(grouped.number)
    step = tell.stage(f"{dataset.name} · {card.name} · templates", dataset.n_samples)
    templates = extract(
        dataset, spec, store=store, workers=resolved.workers, progress=lambda done, total: step(done), backend=resolved.backend,
        model=request.prepared.models.get(spec), faces=resolved.options.faces,
    )  # fmt: skip
    tell.extracted(dataset, card, templates)
    n_templates = templates.samples.size
    log.info(
        "%s, %s: %d templates, %d extracted now, %d failed",
        dataset.name,
        card.name,
        n_templates,
        templates.extracted,
        dataset.n_samples - n_templates,
    )
    compare = _Sum(tell.stage(f"{dataset.name} · {card.name} · comparisons", scores_to_make(n_templates, resolved.share)))
    outcome = evaluate_without(dataset, card, templates, _own_thresholds(resolved, card), excluded, compare, grouped)
    evaluated = outcome.evaluated
    folder = out / safe_name(dataset.name) / safe_name(card.name)
    folder.mkdir(parents=True, exist_ok=True)
    write_results(evaluated.evaluation, folder)
    if not resolved.options.ephemeral:
        write_private(folder / "private", outcome.dataset, outcome.templates, evaluated, store)
        if excluded:
            write_exclusions(folder / "private", dataset, excluded, store)
    comparisons = evaluated.evaluation.comparisons
    log.info(
        "%s, %s: %d non-mated and %d mated comparisons, %d pass(es)",
        dataset.name,
        card.name,
        comparisons.non_mated,
        comparisons.mated,
        comparisons.passes,
    )
    return Result(evaluated.evaluation, folder)


class _Sum:
    """Adds up steps and reports the total."""

    def __init__(self, tell: Callable[[int], None]) -> None:
        self._tell, self._done = tell, 0

    def __call__(self, step: int) -> None:
        self._done += step
        self._tell(self._done)


def _own_thresholds(resolved: Resolved, card: ModelCard) -> Resolved:
    """Keep the fixed thresholds that apply to this model.

    Thresholds of another run apply to the model they were set for.
    """
    return replace(resolved, fixed=tuple(fixed for fixed in resolved.fixed if fixed.model in (None, card.name)))


def _counts(dataset: Dataset) -> str:
    """Count a data set's problems by kind, in words."""
    kinds, counts = np.unique([problem.kind for problem in dataset.problems], return_counts=True)
    return ", ".join(f"{kind} {count}" for kind, count in zip(kinds, counts, strict=True)) or "none"
