"""`faceparity datasets`, `models`, `fetch` and `check`."""

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


def check_dataset(spec: str) -> int:
    """Print what is there and what is wrong, every file by name. 0 if nothing is, else 1."""
    from faceparity.datasets.check import check
    from faceparity.datasets.images import printable
    from faceparity.datasets.registry import load_dataset

    from .show import WORDS

    dataset = load_dataset(spec)
    found = check(dataset)
    people = "no subject labels" if found.identity == "none" else f"{found.subjects:,} people"
    print(f"{found.name}: {found.samples:,} images, {people}")
    print(
        f"digest {found.digest}"
        + (f" (known: {found.known_copy})" if found.known_copy else " (a copy that the card does not know)")
    )
    for row in found.counts:
        print(
            f"  {row.attribute}: {row.value if row.value is not None else '(no label)'}: {row.subjects:,} people, {row.samples:,} images"
        )
    for listed in dataset.protocols:
        folds = f", {listed.n_folds} folds" if listed.n_folds > 1 else ""
        missing = f", {listed.missing:,} more with an image that is not here" if listed.missing else ""
        mated = int(listed.mated.sum())
        print(f"  pairs, {listed.name}: {mated:,} mated, {listed.mated.size - mated:,} non-mated{folds}{missing}")
    for problem in dataset.problems:
        print(f"{WORDS.get(problem.kind, problem.kind)}: {printable(problem.where)} {printable(problem.detail)}".rstrip())
    for file, reason in found.unreadable:
        print(f"can't be read: {printable(file)}: {reason}")
    wrong = len(dataset.problems) + len(found.unreadable)
    print(f"{wrong:,} problem(s)" if wrong else "nothing wrong")
    return 1 if wrong else 0
