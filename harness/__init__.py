"""How it is measured: models, templates, comparisons, metrics, uncertainty, evaluation.

For notebooks and scripts: `evaluate` a model on a data set, `evaluate_scores` of any system, `load_results` of a run; each gives
an `EvaluationResult`. They are imported when first asked for, so that importing this package stays light.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faceparity.datasets.common.telemetry_off import switch_off_telemetry

if TYPE_CHECKING:
    from faceparity.harness.api.evaluate import EvaluationResult, evaluate, evaluate_scores, load_results

switch_off_telemetry()

__all__ = ["EvaluationResult", "evaluate", "evaluate_scores", "load_results"]


def __getattr__(name: str) -> Any:
    """Return an exported name from `api.evaluate`, on first use."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from faceparity.harness.api import evaluate as notebook

    return getattr(notebook, name)
