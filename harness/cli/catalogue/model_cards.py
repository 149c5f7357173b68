"""`faceparity models`: a line for each model, one card in words, and the state of files of weights."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.fetch.artefacts import Artefact, is_here, pinned_sha256
from faceparity.harness.models.base.card import ModelCard, Weights
from faceparity.harness.models.base.descriptions import FACES, faces_words
from faceparity.harness.models.registry import artefacts_of, load_model_card, model_names

if TYPE_CHECKING:
    from faceparity.harness.models.assembly.components import Find


def listing() -> Iterator[str]:
    """Yield one line for each model.

    Name, whether its weights are here, what its terms allow, numbers in a template, and what it is.
    """
    rows = [("name", "weights", "allows", "numbers", "what it is")]
    for name in model_names():
        try:
            card = load_model_card(name)
            rows.append((name, _state(name, card), _allowed(card), str(card.dimensions), card.title))
        except UserError as error:  # of another package: it must not hide the rest
            rows.append((name, "?", "?", "?", str(error)))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        yield "  ".join([*(cell.ljust(width) for cell, width in zip(row[:4], widths, strict=True)), row[4]])


def _state(name: str, card: ModelCard) -> str:
    """Say whether a model's weights are here."""
    missing = [artefact for artefact in artefacts_of(name) if not is_here(artefact)]
    if not missing:
        return "here"
    return "fetch, accept terms" if card.terms else "fetch"


def _allowed(card: ModelCard) -> str:
    """List the uses that the terms clearly allow."""
    open_to = [use for use in ("research", "advocacy", "commercial") if card.allows.get(use) == "yes"]
    return "all" if len(open_to) == 3 else ", ".join(open_to) or "unclear"


def in_words(name: str) -> Iterator[str]:
    """Yield the whole card, folded to the terminal's width."""
    card = load_model_card(name)
    width = max(60, min(shutil.get_terminal_size((100, 24)).columns, 120))
    yield f"{card.name}: {card.title}"
    for label, texts in _facts(name, card):
        for number, line in enumerate([texts] if isinstance(texts, str) else texts):
            start = f"  {label + ':' if number == 0 else '':<18}"
            yield from textwrap.wrap(
                line, width, initial_indent=start, subsequent_indent=" " * len(start), break_long_words=False, break_on_hyphens=False
            )  # fmt: skip


def _facts(name: str, card: ModelCard) -> list[tuple[str, str | Sequence[str]]]:
    """Return label and text, or texts, of a card.

    What it does not say is left out.
    """
    published = card.published_threshold
    threshold = f"{published.native:g} ({published.source}{'; ' + published.note if published.note else ''})" if published else ""
    same = f"from {card.likely_same_person:g}. {card.likely_same_person_source}" if card.likely_same_person is not None else ""
    facts: list[tuple[str, str | Sequence[str]]] = [
        ("Version", card.version),
        ("Home", card.home),
        ("Licence", card.licence),
        ("Its terms allow", ", ".join(f"{use}: {answer}" for use, answer in card.allows.items()) or "not stated"),
        ("To be accepted", card.terms),
        ("Weights here", _state(name, card)),
        ("Training data", card.training_data),
        ("Overlaps", [f"{dataset}: {how}" for dataset, how in _overlaps(card).items()]),
        ("Detector", card.detector),
        ("Alignment", card.alignment),
        ("Of several faces", _faces(card)),
        ("Input", card.input),
        ("Template", f"{card.dimensions} numbers, compared by {card.score.unit}"),
        ("Threshold", threshold or "none published"),
        ("Accuracy", card.published_accuracy),
        ("Likely one person", same),
        ("Known weaknesses", card.known_weaknesses),
        ("Verified", card.verified or "nothing was checked yet"),
        ("Files", [_file(weights) for weights in card.weights]),
    ]
    return [(label, said) for label, said in facts if said]


def _faces(card: ModelCard) -> str:
    """Which of several faces is used; of a model that faceparity assembles, each data set's card says it."""
    if card.recipe is None or card.recipe.detector == "none":
        return faces_words(card, None)
    return f"as the data set's card says, or --faces: {'; or '.join(f'{name} ({words})' for name, words in FACES.items())}"


def _overlaps(card: ModelCard) -> dict[str, str]:
    """Return overlaps of training data, by data set.

    From this card and from the cards of data sets.
    """
    from faceparity.datasets.registry import dataset_names
    from faceparity.datasets.schema.card import load_card

    found = dict(card.training_overlaps)
    plain = card.name.partition(":")[0]
    for dataset in dataset_names():
        try:
            how = load_card(dataset).training_overlaps.get(plain)
        except FileNotFoundError:
            continue
        if how:
            found[dataset] = how
    return dict(sorted(found.items()))


def _file(weights: Weights) -> str:
    """Describe a file of weights."""
    size = f"{weights.size:,} bytes" if weights.size else "size not stated"
    sha256 = f"sha256 {weights.sha256}" if weights.sha256 else "sha256 not stated by anybody: the first that comes is pinned"
    return f"{weights.role}: {weights.file}, {size}, {sha256}, {weights.licence}"


def verify(name: str | None) -> tuple[list[str], bool]:
    """Check the files of weights of one model or all.

    Returns a line for each file, and whether all that are here are whole.
    """
    lines, whole = [], True
    for known in [name] if name else model_names():
        try:
            for file, state in _states(known):
                whole &= state in ("whole", NOT_HERE)
                lines.append(f"{known}: {file}: {state}")
        except UserError as error:
            if name:
                raise
            whole = False
            lines.append(f"{known}: {error}")
    return lines, whole


NOT_HERE = "not here"


def _states(name: str) -> Iterator[tuple[str, str]]:
    """Yield each file of a model and its state."""
    from faceparity.harness.models.assembly.builder import finder

    card = load_model_card(name)
    find = finder(name)
    files = list(_files(name, card, find))
    yield from files
    if all(state == "whole" for _, state in files):
        yield from _converted(card, find)


REPLACED = "damaged, or replaced by another network: it is made again from the weights when the model is next used"


def _converted(card: ModelCard, find: Find) -> Iterator[tuple[str, str]]:
    """Yield the file made of the weights, and its state.

    Only if it is here; it is whole if the weights give the same bytes once more.
    """
    from faceparity.harness.models.assembly.builder import converted_state

    try:
        file, state = converted_state(card, find)
    except UserError as error:
        yield "made from the weights", str(error)
        return
    if file and state != "absent":
        yield f"{file} (made from the weights)", REPLACED if state == "replaced" else "whole"


def _files(name: str, card: ModelCard, find: Find) -> Iterator[tuple[str, str]]:
    """Yield each file of weights, and its state."""
    from faceparity.harness.models.assembly.weight_sources import artefact

    for weights in card.weights:
        source = artefact(weights, name)
        if source is not None and not _there(source):
            yield weights.file, NOT_HERE
            continue
        if source is None and not weights.sources:
            yield weights.file, "whole" if name.endswith(".toml") else "of another package: not checked"
            continue
        try:
            find(weights)
            yield weights.file, "whole"
        except UserError as error:
            yield weights.file, str(error)


def _there(source: Artefact) -> bool:
    """Return whether an artefact's file is here and pinned."""
    from faceparity.datasets.fetch.artefacts import artefact_path

    return artefact_path(source).is_file() and bool(pinned_sha256(source))
