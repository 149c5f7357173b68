"""What is measured on: cards, readers, download, the embedded control set.

`load_dataset` reads a data set as `-d` names it; `dataset_names` and `load_card` give the sets and what is known of
each. They are imported on first use, so that importing this package stays light.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from faceparity.datasets.common.telemetry_off import switch_off_telemetry

if TYPE_CHECKING:
    from faceparity.datasets.common.errors import UserError
    from faceparity.datasets.schema.card import DatasetCard, load_card
    from faceparity.datasets.schema.dataset import Attribute, Dataset, Problem

    from .registry import dataset_names, load_dataset

switch_off_telemetry()

__all__ = ["Attribute", "Dataset", "DatasetCard", "Problem", "UserError", "dataset_names", "load_card", "load_dataset"]

_FROM = {
    "Attribute": "schema.dataset",
    "Dataset": "schema.dataset",
    "DatasetCard": "schema.card",
    "Problem": "schema.dataset",
    "UserError": "common.errors",
    "dataset_names": "registry",
    "load_card": "schema.card",
    "load_dataset": "registry",
}


def __getattr__(name: str) -> Any:
    """Import a public name from its module on first use."""
    if name not in _FROM:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_FROM[name]}"), name)
