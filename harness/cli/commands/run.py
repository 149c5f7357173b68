"""`faceparity run`: load data sets, run models on them, show the results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from faceparity.datasets.common import paths
from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.sanitise import safe_name
from faceparity.datasets.registry import load_dataset
from faceparity.datasets.schema.dataset import Dataset
from faceparity.harness.cli.support import console
from faceparity.harness.cli.support.published_command import published_command
from faceparity.harness.evaluation.exclusion_file import read_exclusions
from faceparity.harness.evaluation.resolved_options import resolve
from faceparity.harness.execution.gpu import check_device, with_device
from faceparity.harness.models.registry import load_model_card
from faceparity.harness.options import Options
from faceparity.harness.runs.choose_backend import check_dask, chosen_backend
from faceparity.harness.runs.output_folder import default_timed
from faceparity.harness.runs.rerender import requested, write_requested
from faceparity.harness.runs.result_files import TERMINAL, report_writers
from faceparity.harness.runs.run_folder import check_folder
from faceparity.harness.runs.runner import Request, run
from faceparity.harness.runs.transferred_thresholds import thresholds_of
from faceparity.harness.templates.extract import cores
from faceparity.harness.templates.private_files import make_folder

CONTROL = "control"
"""What is run if no data set is named: faces of nobody, which come with the package."""


def run_command(asked: Mapping[str, Any], datasets: list[str], models: list[str], formats: list[str], out: Path | None) -> None:
    """Load, run, show.

    asked: the options that were typed, by name. Raises UserError.
    """
    options = Options.of(asked)
    check_dask(options.dask, options.workers)
    resolved = resolve(options, command=command_of(options, datasets, models, formats, out), workers=options.workers or cores())
    resolved = replace(resolved, device=check_device(options.device))
    specs = [with_device(model, options.device) for model in models]
    requested(formats)
    out = out or default_timed("run")
    check_folder(out)
    if not options.ephemeral:
        make_folder(paths.keys())
    if options.threshold_from is not None:
        names = [load_model_card(spec).name for spec in specs]
        resolved = replace(resolved, fixed=thresholds_of(options.threshold_from, names))
    with console.Screen() as screen, chosen_backend(resolved.workers, options.device, options.dask, screen.line) as backend:
        loaded = [_load(spec, options, screen) for spec in dict.fromkeys(datasets or [CONTROL])]
        _check_names(loaded)
        exclusions = read_exclusions(options.exclude, loaded) if options.exclude else {}
        results = run(Request(loaded, specs, replace(resolved, backend=backend), out, exclusions), screen)
    further = write_requested(results, out, formats)
    report_writers()[TERMINAL](results, out)
    console.say("\n".join([f"Report: {out / 'report.html'}", *further]))


def command_of(options: Options, datasets: list[str], models: list[str], formats: list[str], out: Path | None) -> str:
    """Return the command, for the record."""
    written = [("-d", datasets or [CONTROL]), ("-m", models), *options.published().as_flags()]
    return published_command("run", [*written, *((f"--{name}", True) for name in formats), ("--out", out)])


def _load(spec: str, options: Options, screen: console.Screen) -> Dataset:
    """Load a data set and show its size."""
    dataset = load_dataset(spec, include_minors=options.include_minors, keep_unread_ages=options.keep_unread_ages)
    screen.loaded(dataset)
    return dataset


def _check_names(datasets: list[Dataset]) -> None:
    """Check that each data set gets an output folder.

    Raises UserError where two have one name.
    """
    names = [safe_name(dataset.name) for dataset in datasets]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"two data sets are called {name}: rename one folder, or run them apart")
