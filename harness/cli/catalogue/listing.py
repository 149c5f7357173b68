"""`faceparity datasets`, `models` and `fetch` of models."""

from __future__ import annotations

import sys

from faceparity.datasets.common.errors import UserError


def show_datasets(name: str | None) -> None:
    """Print one line per data set, or one card.

    Raises UserError for an unknown name.
    """
    from faceparity.datasets.registry import check_known
    from faceparity.datasets.schema.card import load_card
    from faceparity.harness.cli.catalogue.dataset_cards import in_words, listing

    if name is None:
        lines = listing()
    else:
        check_known(name)
        try:
            lines = in_words(load_card(name))
        except FileNotFoundError:
            raise UserError(f"{name} comes from another package, which ships no card with faceparity: ask its makers") from None
    for line in lines:
        print(line)


def show_models(name: str | None, verify: bool = False) -> int:
    """Print one line per model, or one card.

    verify: print whether files of weights are whole instead. Returns the exit status: 1 if one of them is not, else 0.
    """
    from faceparity.harness.cli.catalogue import model_cards

    if verify:
        lines, whole = model_cards.verify(name)
        for line in lines:
            print(line)
        return 0 if whole else 1
    for line in model_cards.listing() if name is None else model_cards.in_words(name):
        print(line)
    return 0


def fetch_named(names: list[str], accept_licence: bool = False) -> None:
    """Fetch every artefact of models, or the generator's meshes.

    The meshes are those of the control set's generator. All names and terms are checked first. Raises UserError for weights whose
    terms must be accepted first and are not.
    """
    from faceparity.datasets.control.head.mesh_source import MESHES
    from faceparity.datasets.fetch.artefacts import fetch, is_here, pinned_sha256, unchecked_warning
    from faceparity.harness.models.registry import artefacts_of, load_model_card

    wanted = {name: (MESHES,) if name == MESHES.fetch_name else artefacts_of(name) for name in names}
    cards = {name: load_model_card(name) for name in names if name != MESHES.fetch_name}
    for name, card in cards.items():
        if card.terms and not accept_licence and not all(is_here(artefact) for artefact in wanted[name]):
            raise UserError(f"{name}: {card.terms} If you accept that, run `faceparity fetch {name} --accept-licence`")
    for name, artefacts in wanted.items():
        print(f"{name}: {cards[name].licence if name in cards else MESHES.licence}")
        if name in cards and (conditions := cards[name].conditions()):
            print(f"  {conditions}")
        if not artefacts:
            print("  nothing to fetch: its weights come with an installed package")
        for artefact in artefacts:
            state = "here already" if is_here(artefact) else "fetched"
            fetch(artefact, say=lambda line: print(f"  {line}", file=sys.stderr))
            sha256 = pinned_sha256(artefact)
            print(f"  {artefact.file}: {state}, sha256 {sha256}, {artefact.licence}")
            if not artefact.sha256:
                print(f"  {unchecked_warning(artefact.file, sha256)}")
