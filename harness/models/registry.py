"""Which models there are: those that faceparity brings and those that other packages add by the entry point `faceparity.models`.

An entry point names a function without arguments that returns a Model. Its module also has `card()`, a function that returns
the ModelCard without loading weights, and may have ARTEFACTS, what `faceparity fetch` gets for it.
"""

from __future__ import annotations

import difflib
import importlib
from importlib import metadata
from types import ModuleType

from faceparity.datasets.errors import UserError
from faceparity.datasets.fetch import Artefact

from .card import ModelCard
from .model import Model

GROUP = "faceparity.models"

BUILT_IN = {
    "face_recognition": "faceparity.harness.models.face_recognition:model",
    "sface": "faceparity.harness.models.sface:model",
}
"""Known even where the installed metadata is older than the code; they also win over others of the same name."""


def _known() -> dict[str, str]:
    """Name → "module:function"."""
    return {entry.name: entry.value for entry in metadata.entry_points(group=GROUP)} | BUILT_IN


def model_names() -> list[str]:
    """Every name that `open_model` takes, sorted. Imports no model."""
    return sorted(_known())


def _module(name: str) -> tuple[ModuleType, str]:
    """The module and the function of a model. Raises UserError for an unknown name or a module that can't be imported."""
    known = _known()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise UserError(f"there is no model called {name!r}: {hint}known are {', '.join(sorted(known))}")
    module, _, function = known[name].partition(":")
    try:
        return importlib.import_module(module), function
    except ImportError as error:
        raise UserError(f"the model {name} can't be used: {error}; install what it needs") from error


def load_model_card(name: str) -> ModelCard:
    """A model's card; loads no weights. Raises UserError for an unknown name."""
    module, _ = _module(name)
    card = module.card()
    if not isinstance(card, ModelCard):
        raise UserError(f"the model {name} has no card: {module.__name__}.card() must return a ModelCard")
    return card


def open_model(name: str) -> Model:
    """The model, ready to extract. Raises UserError for an unknown name or weights that are not there."""
    module, function = _module(name)
    try:
        model = getattr(module, function)()
    except ImportError as error:
        raise UserError(f"the model {name} can't be used: {error}; install what it needs") from error
    if not isinstance(model, Model):
        raise UserError(f"the model {name} is not usable: {module.__name__}.{function}() does not return a Model")
    return model


def artefacts_of(name: str) -> tuple[Artefact, ...]:
    """What `faceparity fetch NAME` gets for a model; empty if all it needs comes with installed packages."""
    module, _ = _module(name)
    return tuple(getattr(module, "ARTEFACTS", ()))
