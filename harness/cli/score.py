"""`faceparity score`."""

from __future__ import annotations

from pathlib import Path

from ..evaluation.options import Options
from ..out_folder import default_timed
from ..results import TERMINAL, Result, report_writers, write_reports, write_results
from ..run import check_folder, prepare_folder
from ..scores_file import evaluate_scores
from . import show
from .command import published_command
from .run import check_targets


def score_command(
    scores: Path,
    failures: Path | None,
    distance: bool,
    by: list[str],
    targets: list[float] | None,
    threshold: float | None,
    pool: str,
    references: list[str],
    seed: int,
    out: Path | None,
) -> None:
    """Read, measure, write, show. Raises UserError."""
    command = published_command(
        "score",
        [
            ("--failures", failures), ("--distance", distance), ("--by", by), ("--target-fmr", targets), ("--threshold", threshold),
            ("--pool", pool if pool != "balanced" else None), ("--reference", references), ("--seed", seed or None), ("--out", out),
        ],
        files=1,
    )  # fmt: skip
    options = Options(
        by=tuple(by), targets=check_targets(targets), threshold=threshold, pool=pool, references=tuple(references), seed=seed,
        command=command,
    )  # fmt: skip
    folder = out or default_timed("run")
    check_folder(folder)
    with show.working(f"{scores.name}: comparisons"):
        evaluation = evaluate_scores(scores, options, failures=failures, distance=distance)
    prepare_folder(folder)
    (folder / "run.log").write_text(f"score file, {evaluation.comparisons.non_mated} non-mated comparisons\n", "utf-8")
    write_results(evaluation, folder)
    results = [Result(evaluation, folder)]
    write_reports(results, folder)
    report_writers()[TERMINAL](results, folder)
    show.say(f"Report: {folder / 'report.html'}")
