"""`--threshold-from RUN`: the target thresholds of another run, set on other people: the best practice."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from faceparity.datasets.common.errors import UserError
from faceparity.harness.runs.result_files import load_results
from faceparity.harness.verification.operating_points import Fixed


def thresholds_of(run_folder: Path, models: Sequence[str]) -> tuple[Fixed, ...]:
    """The target thresholds of another run, for the models they were set for: every one of `models` has some.

    Raises UserError if one has none (another model, or targets that were refused), or there are several data sets to choose from.
    """
    found: dict[tuple[str, float], Fixed] = {}
    origin: dict[str, str] = {}
    for result in load_results(run_folder):
        e = result.evaluation
        if e.model.name not in models or not e.groupings:
            continue
        if origin.setdefault(e.model.name, e.dataset.digest) != e.dataset.digest:
            raise UserError(f"--threshold-from {run_folder}: holds several data sets; name RUN/DATASET or RUN/DATASET/MODEL")
        for point in e.groupings[-1].operating_points:
            if point.origin == "target" and point.threshold is not None and point.target_fmr is not None:
                detail = f"set at FMR {point.target_fmr:g} on {e.dataset.name} (digest {e.dataset.digest[:12]})"
                detail += ", on a sample of its comparisons" if e.comparisons.sampled is not None else ""
                found[e.model.name, point.target_fmr] = Fixed("fixed", point.threshold, detail, e.model.name)
    if missing := [m for m in models if not any(model == m for model, _ in found)]:
        raise UserError(
            f"--threshold-from {run_folder}: no threshold was set at a target for {', '.join(missing)}; name a run of the same models, "
            "with targets that its data could answer"
        )
    return tuple(found.values())
