"""`faceparity score`: report on the scores in a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from faceparity.harness.cli.support import console
from faceparity.harness.cli.support.published_command import published_command
from faceparity.harness.evaluation.resolved_options import resolve
from faceparity.harness.options import Options
from faceparity.harness.results.stored import Result
from faceparity.harness.runs.output_folder import default_timed
from faceparity.harness.runs.result_files import TERMINAL, report_writers, write_reports, write_results
from faceparity.harness.runs.run_folder import LOG, check_folder, prepare_folder
from faceparity.harness.score_files.evaluate import evaluate_scores


def score_command(
    asked: Mapping[str, Any], scores: Path, failures: Path | None, out: Path | None, *, distance: bool, repeated: str | None
) -> None:
    """Read, measure, write, show.

    asked: the options that were typed, by name. Raises UserError.
    """
    options = Options.of(asked)
    given = [
        ("--failures", failures),
        ("--repeated", repeated),
        ("--distance", distance),
        *options.published().as_flags(),
        ("--out", out),
    ]
    resolved = resolve(options, command=published_command("score", given, files=1))
    folder = out or default_timed("run")
    check_folder(folder)
    with console.working(f"{scores.name}: comparisons"):
        evaluation = evaluate_scores(scores, resolved, failures=failures, distance=distance, repeated=repeated)
    prepare_folder(folder)
    (folder / LOG).write_text(f"score file, {evaluation.comparisons.non_mated} non-mated comparisons\n", "utf-8")
    write_results(evaluation, folder)
    results = [Result(evaluation, folder)]
    write_reports(results, folder)
    report_writers()[TERMINAL](results, folder)
    console.say(f"Report: {folder / 'report.html'}")
