"""faceparity.harness: how it is measured: models, templates, comparisons, metrics, uncertainty, evaluation.

`evaluate` is for notebooks and scripts; it is imported when first asked for, so that importing this package stays light.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .notebook import EvaluationResult, evaluate

__all__ = ["EvaluationResult", "evaluate"]


def __getattr__(name: str) -> Any:
    """Looked up in `notebook`, once it is wanted."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import notebook

    return getattr(notebook, name)
