"""`--threshold-from RUN`: the target thresholds of another run.

Set on other people, which is the best practice.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from faceparity.datasets.common.errors import UserError
from faceparity.harness.runs.result_files import load_results
from faceparity.harness.verification.operating_points import Fixed
from faceparity.harness.verification.rates.verdict_rules import RESTS_ON_TOO_FEW


def thresholds_of(run_folder: Path, models: Sequence[str]) -> tuple[Fixed, ...]:
    """Return another run's target thresholds for these models.

    Each applies to the model it was set for. Raises UserError if one of `models` has none (another model, or targets that were refused),
    or there are several data sets to choose from.
    """
    found: dict[tuple[str, float], Fixed] = {}
    origin: dict[str, str] = {}
    for result in load_results(run_folder):
        evaluation = result.evaluation
        if evaluation.model.name not in models or not evaluation.groupings:
            continue
        if origin.setdefault(evaluation.model.name, evaluation.dataset.digest) != evaluation.dataset.digest:
            raise UserError(f"--threshold-from {run_folder}: holds several data sets; name RUN/DATASET or RUN/DATASET/MODEL")
        for point in evaluation.groupings[-1].operating_points:
            if point.origin == "target" and point.threshold is not None and point.target_fmr is not None:
                detail = f"set at FMR {point.target_fmr:g} on {evaluation.dataset.name} (digest {evaluation.dataset.digest[:12]})"
                detail += ", on a sample of its comparisons" if evaluation.comparisons.sampled is not None else ""
                detail += ", where it rests on too few errors for any verdict" if point.reason in RESTS_ON_TOO_FEW else ""
                found[evaluation.model.name, point.target_fmr] = Fixed("fixed", point.threshold, detail, evaluation.model.name)
    if missing := [name for name in models if not any(model == name for model, _ in found)]:
        raise UserError(
            f"--threshold-from {run_folder}: no threshold was set at a target for {', '.join(missing)}; name a run of the same models, "
            "with targets that its data could answer"
        )
    return tuple(found.values())
