"""Names of models, and how each is opened.

There are those that faceparity ships, those that other packages add by the entry point `faceparity.models`, and those that a user
describes in a card.

An entry point names a function without arguments that returns a Model. Its module also has `card()`, a function that returns
the ModelCard without loading weights, and may have ARTEFACTS, what `faceparity fetch` gets for it.

Everything here takes what is typed after `-m`: NAME, NAME:OPTION=VALUE,… or the path of a card that ends in .toml.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

from pydantic import ValidationError

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.plugins import plugins
from faceparity.datasets.common.toml_files import first_fault
from faceparity.datasets.fetch.artefacts import Artefact
from faceparity.harness.models.assembly.builder import assemble, card_with_options, finder
from faceparity.harness.models.assembly.components import Find
from faceparity.harness.models.assembly.weight_sources import artefacts, pinned
from faceparity.harness.models.base.card import ModelCard
from faceparity.harness.models.base.model import Model
from faceparity.harness.models.base.plugin_guard import opening
from faceparity.harness.models.base.spec import Spec, parse
from faceparity.harness.models.custom.user_card import card_without_options, load_user_card, open_user_model, read_user_card

from .cards import shipped_card, shipped_names

GROUP = "faceparity.models"


def _plugins() -> dict[str, str]:
    """Return name → "module:function" of other packages' models.

    Names that faceparity ships can't be taken.
    """
    return {name: entry.value for name, entry in plugins(GROUP, shipped_names()).items()}


def model_names() -> list[str]:
    """Return every name that `open_model` takes, sorted.

    Imports no model.
    """
    return sorted({*shipped_names(), *_plugins()})


def _unknown(name: str) -> UserError:
    known = model_names()
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return UserError(f"there is no model called {name!r}: {hint}known are {', '.join(known)}")


def _module(spec: Spec) -> tuple[ModuleType, str]:
    """Import another package's model: return its module and function name.

    Raises UserError for an unknown name or a failed import.
    """
    known = _plugins()
    if spec.base not in known:
        raise _unknown(spec.base)
    if spec.options:
        raise UserError(f"the model {spec.base} takes no options: it comes with code of its own")
    module, _, function = known[spec.base].partition(":")
    with opening(spec.base):
        return importlib.import_module(module), function


def load_model_card(name: str) -> ModelCard:
    """Return a model's card without loading its weights.

    Raises UserError for an unknown name or option, or another package's faulty card.
    """
    spec = parse(name)
    if spec.is_file:
        return load_user_card(spec)
    if spec.base in shipped_names():
        return pinned(card_with_options(shipped_card(spec.base), spec.options))
    module, _ = _module(spec)
    with opening(name):
        try:
            card = module.card()
        except ValidationError as error:
            raise UserError(f"the card of the model {name} can't be used: {first_fault(error, ModelCard)}") from error
    if not isinstance(card, ModelCard):
        raise UserError(f"the model {name} has no card: {module.__name__}.card() must return a ModelCard")
    return card


def open_model(name: str) -> Model:
    """Open a model, ready to extract.

    Raises UserError for an unknown name or option, or weights that are not there.
    """
    spec = parse(name)
    if spec.is_file:
        return open_user_model(spec)
    if spec.base in shipped_names():
        return assemble(pinned(shipped_card(spec.base)), spec.options, finder(name))
    module, function = _module(spec)
    with opening(name):
        model: object = getattr(module, function)()
        if isinstance(model, Model) and isinstance(model.card, ModelCard):
            return model
    raise UserError(f"the model {name} is not usable: {module.__name__}.{function}() does not return a Model with a ModelCard")


class Assembly(NamedTuple):
    """Arguments of `assemble`."""

    card: ModelCard
    options: Mapping[str, str]
    find: Find


def assembly_of(name: str) -> Assembly | None:
    """Return what a model is assembled from, weights not loaded.

    None for a model that comes with code of its own, or has no weights. Raises UserError as `open_model` does.
    """
    spec = parse(name)
    if spec.is_file:
        path = Path(spec.base)
        user_card = read_user_card(path)
        return (
            Assembly(card_without_options(path, user_card), spec.options, finder(spec.base, path.parent))
            if user_card.onnx
            else None
        )
    if spec.base in shipped_names():
        return Assembly(pinned(shipped_card(spec.base)), spec.options, finder(name))
    return None


def artefacts_of(name: str) -> tuple[Artefact, ...]:
    """Return what `faceparity fetch NAME` gets for a model.

    Empty if all that it needs comes with installed packages. Raises UserError for an unknown name or option.
    """
    spec = parse(name)
    if spec.is_file or spec.base in shipped_names():
        return artefacts(load_model_card(name), name)
    module, _ = _module(spec)
    with opening(spec.base):
        return tuple(getattr(module, "ARTEFACTS", ()))
