"""`faceparity suite`: check, plan, run and compare what a file declares."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceparity.datasets.common.sanitise import printable, safe_name
from faceparity.harness.cli.commands import compare
from faceparity.harness.cli.support import console
from faceparity.harness.cli.support.published_command import published_command
from faceparity.harness.execution.backend import Backend
from faceparity.harness.options import Options
from faceparity.harness.results.stored import Result
from faceparity.harness.runs.choose_backend import check_dask, chosen_backend
from faceparity.harness.runs.output_folder import default_folder
from faceparity.harness.runs.rerender import requested, write_requested
from faceparity.harness.runs.result_files import TERMINAL, report_writers, write_reports
from faceparity.harness.suite.manifest import Record, read_record, results_digest, write_record
from faceparity.harness.suite.plan import Step, SuitePlan, make_plan
from faceparity.harness.suite.preflight import Checked, SuiteJob, check_suite
from faceparity.harness.suite.runner import Finished, check_out, exclusive_folder, refuse_mixing, run_suite
from faceparity.harness.suite.suite_file import Suite, read_suite
from faceparity.harness.templates.extract import cores
from faceparity.harness.templates.store import Store

if TYPE_CHECKING:
    from faceparity.harness.results.comparison import Comparison

COMPARISON = "comparison"
"""The leaderboard's folder, beside the data sets'."""
REPORT_SECONDS, PAIR_SECONDS = 1.0, 0.6
"""About how long the report takes for an evaluation, and the comparison for two models of a data set."""


class SuiteScreen(console.Screen):
    """Shows a person how a suite goes on.

    A line for each evaluation, and on a terminal a bar over all of them with the time left.
    """

    def begins(self, step: Step, number: int, of: int, seconds_left: float) -> None:
        """Show that an evaluation begins."""
        self.overall("all evaluations", number - 1, of, seconds_left)
        self.line(f"[{number}/{of}] {printable(step.job.label)}; {_time(seconds_left)} left")

    def failed(self, job: SuiteJob, why: str) -> None:
        """Show that an evaluation could not be made."""
        self.line(f"  {printable(job.label)} could not be made: {printable(why)}")


def suite_command(asked: Mapping[str, Any], name: str, plan_only: bool, again: bool, pdf: bool, out: Path | None) -> int:
    """Check, plan, run, compare, show; return the exit status.

    asked: options of the machine, as typed. Raises UserError.
    """
    typed = Options.of(asked)
    formats = ["pdf"] if pdf else []
    requested(formats)
    suite = read_suite(name).on(typed)
    declared = suite.declared
    check_dask(declared.dask, declared.workers)
    workers, device = declared.workers or cores(), declared.device
    folder = out or default_folder(f"faceparity-suite-{safe_name(suite.name)}")
    command = published_command("suite", [*typed.published().as_flags(), ("--pdf", pdf), ("--out", out)], files=1).replace(
        "<file>", _published_name(suite, name), 1
    )
    check_out(folder)
    with SuiteScreen() as screen, chosen_backend(workers, device, None if plan_only else declared.dask, screen.line) as backend:
        checked = _on_backend(backend, check_suite(suite, workers, command, screen.loaded))
        for line in checked.left_out:
            screen.line(f"left out: {printable(line)}")
        with Store(ephemeral=declared.ephemeral) as store:
            if plan_only:
                print(_plan_text(make_plan(checked, read_record(folder, suite.name), folder, store)))
                return 0
            with exclusive_folder(folder):
                record = read_record(folder, suite.name)
                plan = make_plan(checked, record, folder, store)
                refuse_mixing(plan, again)
                screen.line(_summary(plan))
                finished = run_suite(plan, record, checked.jobs, folder, store, screen)
                screen.over()
                return _finish(finished, checked, folder, command, formats)


def _on_backend(backend: Backend | None, checked: Checked) -> Checked:
    """Return the same evaluations, made on a backend."""
    return replace(checked, jobs=tuple(replace(job, resolved=replace(job.resolved, backend=backend)) for job in checked.jobs))


def _published_name(suite: Suite, name: str) -> str:
    """Return the suite's name for the record.

    A file's name could tell whose it is.
    """
    return "<file>" if name.endswith(".toml") else suite.name


def _finish(finished: Finished, checked: Checked, out: Path, command: str, formats: Sequence[str]) -> int:
    """Write what is missing, then show where it lies.

    Reports and leaderboard are written unless they are there and show these very results. Returns the exit status.
    """
    results, record = finished.results, finished.record
    if results:
        told = results_digest([entry for job in checked.jobs if (entry := record.entry(*job.place)) is not None])
        _write(results, record, out, command, told)
    places = [f"Report: {out / 'report.html'}"] if results else []
    if results and formats:
        with console.working("writing the PDF"):
            places += write_requested(results, out, formats)
    if len(results) > 1:
        places.append(f"Leaderboard: {out / COMPARISON / 'compare.html'}")
    failed = f"; {finished.failed} could not be made: the same command tries again" if finished.failed else ""
    console.say("\n".join([*places, f"{len(results)} of {len(checked.jobs)} evaluations are there{failed}"]))
    return 1 if finished.failed else 0


def _write(results: Sequence[Result], record: Record, out: Path, command: str, told: str) -> None:
    """Write reports and comparison; show tables in the terminal."""
    from faceparity.harness.model_comparison.compare_runs import compare_runs

    folder = out / COMPARISON
    pages = [out / "report.html", *([folder / compare.RECORD, folder / "compare.html"] if len(results) > 1 else [])]
    outdated = record.told != told or not all(page.is_file() for page in pages)
    if outdated:
        console.say(_ending(results))
        with console.working("writing the report"):
            (out / "report.pdf").unlink(missing_ok=True)  # it shows the results before these
            write_reports(results, out)
    if len(results) < 2:
        report_writers()[TERMINAL](results, out)
    else:
        comparison = None if outdated else _kept(folder)
        if comparison is None:
            with console.working("comparing"):
                comparison = compare_runs([results], command, record_seed(results), cores())
                compare.write(comparison, folder)
        import_module(compare.WRITER).show(comparison)
    write_record(record.model_copy(update={"told": told}), out)


def _kept(folder: Path) -> Comparison | None:
    """Read the comparison as it was written.

    None where it can't be read or was altered, so that it is made again.
    """
    from faceparity.datasets.common.bounded_json import read_json
    from faceparity.harness.results import limits
    from faceparity.harness.results.comparison import comparison_from_json

    try:
        return comparison_from_json(read_json(folder / compare.RECORD, limits()))
    except (OSError, ValueError):
        return None


def _ending(results: Sequence[Result]) -> str:
    """Describe what is left once every evaluation is there.

    And about how long it takes.
    """
    models = Counter(result.evaluation.dataset.name for result in results)
    pairs = sum(count * (count - 1) // 2 for count in models.values())
    comparing = f" and comparing {pairs:,} pair{'s' * (pairs > 1)} of models" if pairs else ""
    return f"writing the report{comparing}: {_time(len(results) * REPORT_SECONDS + pairs * PAIR_SECONDS)}"


def record_seed(results: Sequence[Result]) -> int:
    """Return the suite's seed, as its results have it."""
    return results[0].evaluation.provenance.seed


def _summary(plan: SuitePlan) -> str:
    """Return one line on the plan, before it begins."""
    if not plan.steps:
        return f"all {len(plan.done)} evaluations are there"
    images = sum(step.images for step in plan.steps)
    return (
        f"{len(plan.steps)} evaluations to make, {len(plan.done)} there already; {images:,} images to extract; "
        f"{_time(plan.seconds)} and {_size(plan.bytes)} of disk"
    )


def _plan_text(plan: SuitePlan) -> str:
    """Describe the plan, a line for each evaluation."""
    lines = [
        f"{printable(step.job.label)}: {step.images:,} images to extract, {step.comparisons:,} comparisons, "
        f"{_time(step.seconds)}, {_size(step.bytes)}"
        f"{'' if step.measured else ' (speed not measured here yet)'}"
        for step in plan.steps
    ]
    lines += [f"{printable(job.label)}: there already" for job in plan.done]
    lines += [f"{printable(job.label)}: there, but made otherwise (before: {why}); needs --again" for job, why in plan.stale]
    lines += [f"{printable(str(place))}: a result that the suite does not name; move it away first" for place in plan.foreign]
    return "\n".join([*lines, _summary(plan)])


def _time(seconds: float) -> str:
    """Return about how long, for a person."""
    for limit, unit, name in ((90, 1, "s"), (90 * 60, 60, "min")):
        if seconds < limit:
            return f"about {max(1, round(seconds / unit))} {name}"
    return f"about {seconds / 3600:.1f} h"


def _size(size: int) -> str:
    """Return about how large, for a person."""
    return f"about {max(1, round(size / 1e6)):,} MB" if size < 1e10 else f"about {size / 1e9:.0f} GB"
