"""`faceparity datasets`, `models` and `fetch`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any


def show_datasets(name: str | None) -> None:
    """One line for each data set, or one card in words."""
    from faceparity.datasets.card import load_card
    from faceparity.datasets.errors import UserError
    from faceparity.datasets.registry import reader

    from .dataset_cards import in_words, listing

    if name is None:
        lines = listing()
    else:
        reader(name)
        try:
            lines = in_words(load_card(name))
        except FileNotFoundError:
            raise UserError(f"{name} comes from another package, which ships no card with faceparity: ask its makers") from None
    for line in lines:
        print(line)


def show_models(name: str | None) -> None:
    """One line for each model, or one card in full."""
    from faceparity.datasets.fetch import is_here

    from ..models.registry import artefacts_of, load_model_card, model_names

    if name is not None:
        _card(load_model_card(name).model_dump(exclude_defaults=True))
        return
    for known in model_names():
        card = load_model_card(known)
        here = all(is_here(a) for a in artefacts_of(known))
        state = "" if here else f" [weights not here: faceparity fetch {known}]"
        print(f"{known:<20} {card.title}. {card.licence}{state}")


def _card(fields: Mapping[str, Any], indent: str = "") -> None:
    """A card as indented text."""
    for key, value in fields.items():
        label = f"{indent}{key.replace('_', ' ')}:"
        if isinstance(value, Mapping):
            print(label)
            _card(value, indent + "  ")
        elif isinstance(value, list):
            print(label)
            for item in value:
                if isinstance(item, Mapping):
                    _card(item, indent + "  ")
                else:
                    print(f"{indent}  - {item}")
        else:
            print(f"{label} {value}")


def fetch_named(names: list[str]) -> None:
    """Get every artefact of the models named, or the meshes of the control set's generator; all names are checked first."""
    from faceparity.datasets.control.meshes import MESHES
    from faceparity.datasets.fetch import fetch, is_here

    from ..models.registry import artefacts_of, load_model_card

    wanted = {name: (MESHES,) if name == MESHES.fetch_name else artefacts_of(name) for name in names}
    for name, artefacts in wanted.items():
        print(f"{name}: {MESHES.licence if name == MESHES.fetch_name else load_model_card(name).licence}")
        if not artefacts:
            print("  nothing to fetch: its weights come with an installed package")
        for artefact in artefacts:
            state = "here already" if is_here(artefact) else "fetched"
            fetch(artefact, say=lambda line: print(f"  {line}", file=sys.stderr))
            print(f"  {artefact.file}: {state}, sha256 {artefact.sha256}, {artefact.licence}")
