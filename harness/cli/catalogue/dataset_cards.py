"""`faceparity datasets`: a line for every known data set, and one card in words."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator, Sequence

from faceparity.datasets.schema.card import AttributeCard, DatasetCard
from faceparity.harness.models.base.descriptions import FACES

_SHORT = {
    "self-reported": "self-reported", "official record": "official", "perceived by annotators": "perceived",
    "machine-made": "machine-made", "curated by volunteers": "volunteers", "unknown": "unknown",
}  # fmt: skip
_HEADER = ("NAME", "HERE", "PEOPLE", "LABELS", "LICENCE", "WHAT IT IS")
_IDENTITY = {
    "labelled": "It says who is in each picture.",
    "none": "It does not say who is in which picture: each picture counts as a person, and there are no mated comparisons.",
}


def listing() -> Iterator[str]:
    """Yield a line for each known data set.

    Name, whether a copy is here, whether it says who is in each picture, who labelled it, licence, title.
    """
    from faceparity.datasets.registry import dataset_names, find_copy
    from faceparity.datasets.schema.card import load_card

    rows: list[tuple[str, ...]] = [_HEADER]
    for name in dataset_names():
        here = "yes" if find_copy(name) else "-"
        try:
            rows.append(_row(load_card(name), here))
        except FileNotFoundError:
            rows.append((name, here, "?", "?", "?", "of another package"))
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADER) - 1)]
    for row in rows:
        yield "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]])


def _row(card: DatasetCard, here: str) -> tuple[str, ...]:
    """Return a data set's row of the listing."""
    provenances = dict.fromkeys(_SHORT[about.provenance] for about in card.attributes.values())
    notes = [word for word, said in (("not a benchmark", card.not_a_benchmark), ("withdrawn", card.withdrawn)) if said]
    title = card.title + (f" [{', '.join(notes)}]" if notes else "")
    people = "-" if card.not_a_benchmark else "yes" if card.identity == "labelled" else "no"
    return card.name, here, people, ", ".join(provenances) or "-", card.licence, title


def in_words(card: DatasetCard) -> Iterator[str]:
    """Yield the whole card, folded to the terminal's width."""
    width = max(60, min(shutil.get_terminal_size((100, 24)).columns, 120))
    yield f"{card.name}: {card.title}"
    for label, texts in _facts(card):
        lines = [texts] if isinstance(texts, str) else list(texts)
        for number, line in enumerate(lines):
            start = f"  {label + ':' if number == 0 else '':<18}"
            yield from textwrap.wrap(
                line,
                width,
                initial_indent=start,
                subsequent_indent=" " * len(start),
                break_long_words=False,
                break_on_hyphens=False,
            )


def _facts(card: DatasetCard) -> list[tuple[str, str | Sequence[str]]]:
    """Return label and text, or texts, of a card.

    What it does not say is left out.
    """
    facts: list[tuple[str, str | Sequence[str]]] = [
        ("No benchmark", card.not_a_benchmark),
        ("Withdrawn", card.withdrawn),
        ("Home", card.home),
        ("How to get it", [*_fetch(card), card.obtain]),
        ("In the folder", card.layout),
        ("Copy here", _here(card)),
        ("Version", card.version),
        ("Versions", card.versions),
        ("Licence", " ".join(filter(None, (card.licence, f"({card.licence_note})" if card.licence_note else "")))),
        ("Its terms allow", ", ".join(f"{use}: {answer}" for use, answer in card.allows.items())),
        ("Consent", card.consent),
        ("Children", card.children),
        ("People", "" if card.not_a_benchmark else _IDENTITY[card.identity]),
        ("Of several faces", "" if card.not_a_benchmark else FACES[card.faces]),
        ("Labels", [_label(name, about) for name, about in card.attributes.items()]),
        ("Grouped by", " × ".join(card.default_by)),
        ("It can support", _supports(card)),
        ("Known defects", card.known_defects),
        ("Protocols", card.protocols),
        ("Training data", [f"{model}: {how}" for model, how in card.training_overlaps.items()]),
        ("Faces", "synthetic" if card.synthetic else ""),
        ("Experiment", _experiment(card)),
        ("Citation", card.citation),
        ("Known copies", [f"{copy}: {digest}" for copy, digest in card.digests.items()]),
    ]
    return [(label, said) for label, said in facts if said]


def _label(name: str, about: AttributeCard) -> str:
    """Describe an attribute's labels."""
    whose = "of the person" if about.of == "subject" else "of the picture"
    note = f"; {about.provenance_note}" if about.provenance_note else ""
    words = ", ".join(f"{word} → {value}" for word, value in about.values.items())
    return f"{name} ({about.column}): {about.provenance}, {whose}{note}" + (f"; {words}" if words else "")


def _supports(card: DatasetCard) -> list[str]:
    """Describe what the data set's groups can support."""
    from faceparity.datasets.audit.group_support import support_of_card

    found = support_of_card(card)
    note = [f"({card.group_sizes_note})"] if card.group_sizes_note else []
    return [*(found.lines if found else ()), *note]


def _experiment(card: DatasetCard) -> str:
    """Describe a controlled experiment; empty for other sets."""
    if card.paired is None:
        return ""
    return f"every {card.paired.unit} under every combination of {', '.join(card.paired.factors)}, {card.paired.captures} times"


def _fetch(card: DatasetCard) -> list[str]:
    """Return the command that fetches an open data set.

    Empty for a set that has to be asked for.
    """
    from faceparity.datasets.fetch.dataset_sources import PLANS

    return [f"faceparity fetch {card.name} --accept-licence, or by hand:"] if card.name in PLANS else []


def _here(card: DatasetCard) -> str:
    """Say where a copy lies on this machine."""
    from faceparity.datasets.registry import find_copy

    if card.not_a_benchmark or card.name == "folder":
        return ""
    found = find_copy(card.name)
    return str(found) if found else f"none found: write -d {card.name}=DIR, or put it at $FACEPARITY_DATA/{card.name}"
