"""Labels of LFW's people, for LFW and the sets made from it: lists of names by gender, and the machine-made lfw_attributes.txt."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from faceparity.datasets.loading.publisher_layout import find_path
from faceparity.datasets.readers.pair_lists import join_path, lines_of
from faceparity.datasets.schema.card import AttributeCard, DatasetCard
from faceparity.datasets.schema.dataset import Problem

ATTRIBUTES = "lfw_attributes.txt"
LISTS = {"female": ("female_names.txt", "lfw_female_names.txt"), "male": ("male_names.txt", "lfw_male_names.txt")}
ETHNICITIES = ("White", "Black", "Asian", "Indian")

NOTE = (
    "Made by a classifier (Kumar et al. 2009), which gives each image a score for each word: a person is what the mean of their "
    "images' scores says, of ethnicity the highest of White, Black, Asian and Indian."
)
BY_NAMES = AttributeCard(
    column="female_names.txt, male_names.txt",
    provenance="perceived by annotators",
    provenance_note="Lists of images by gender; a person with images in both has no label.",
)
BY_MACHINE = {
    "gender": AttributeCard(column="Male", provenance="machine-made", provenance_note=NOTE),
    "ethnicity": AttributeCard(column=", ".join(ETHNICITIES), provenance="machine-made", provenance_note=NOTE),
}

_IMAGE = re.compile(r"(.+)_(\d{4})(?:\.\w+)?", re.ASCII)


@dataclass(frozen=True)
class Labels:
    """Labels of people by their names. card: with the attributes that there are, and their provenance."""

    card: DatasetCard
    of: dict[str, dict[str, str]]
    problems: list[Problem]

    def get(self, person: str) -> dict[str, str]:
        """Return attribute → word of a person.

        Words are empty for somebody of whom nothing is known.
        """
        return {name: self.of.get(name, {}).get(person, "") for name in self.card.attributes}


def person_of(image: str) -> str | None:
    """Return the person in an image's name, or None.

    `Ada_Alpha_0001.jpg` gives `Ada_Alpha`; None for a name of another form.
    """
    found = _IMAGE.fullmatch(image)
    return found[1] if found else None


def read_labels(root: Path, card: DatasetCard, within: Iterable[str] = ("",)) -> Labels:
    """Read the labels of people.

    They lie in `root` or in these folders of it. The lists of names go before the machine-made labels of gender. Without any of
    these files there are no attributes. Raises UserError for a file that cannot be read.
    """
    folders = list(dict.fromkeys(("", *within)))
    words_of: dict[str, dict[str, str]] = {}
    cards: dict[str, AttributeCard] = {}
    problems: list[Problem] = []
    if machine := find_path(root, *(join_path(folder, ATTRIBUTES) for folder in folders)):
        for name, words in _machine_labels(root / machine, problems).items():
            words_of[name], cards[name] = words, BY_MACHINE[name]
    lists = {
        word: find_path(root, *(join_path(folder, name) for folder in folders for name in names)) for word, names in LISTS.items()
    }
    if any(lists.values()):
        words_of["gender"], cards["gender"] = _labels_by_lists(root, lists, problems), BY_NAMES
    ordered = {name: cards[name] for name in ("gender", "ethnicity") if name in cards}
    return Labels(card.model_copy(update={"attributes": ordered}), words_of, problems)


def _labels_by_lists(root: Path, lists: dict[str, str | None], problems: list[Problem]) -> dict[str, str]:
    lists_of: dict[str, set[str]] = {}
    for word, name in lists.items():
        if name is None:
            problems.append(Problem("missing_file", LISTS[word][0], f"without it nobody is labelled {word}"))
            continue
        for _, line in lines_of(root / name):
            lists_of.setdefault(person_of(line) or line.replace(" ", "_"), set()).add(word)
    for person, words in lists_of.items():
        if len(words) > 1:
            problems.append(Problem("conflicting_label", person, "in both lists of names"))
    return {person: next(iter(words)) for person, words in lists_of.items() if len(words) == 1}


def _machine_labels(path: Path, problems: list[Problem]) -> dict[str, dict[str, str]]:
    """Return the machine-made gender and ethnicity of each person.

    They come from the mean of the scores over a person's images; a tie gives no label.
    """
    header: list[str] = []
    sums: dict[str, list[float]] = {}
    wanted = ("Male", *ETHNICITIES)
    columns: list[int] = []
    for row, line in lines_of(path):
        cells = [cell.strip() for cell in line.lstrip("#").strip().split("\t")]
        if line.startswith("#") or cells[0] == "person":  # in some copies the header begins with #
            header = cells if "person" in cells else header
            columns = [header.index(name) for name in wanted] if set(wanted) <= set(header) else []
            continue
        try:
            scores = [float(cells[i]) for i in columns]
        except (ValueError, IndexError):
            scores = []
        if not scores or len(cells) < 2:
            problems.append(Problem("bad_row", f"{path.name}:{row}", "no scores, or no header line that names them"))
            continue
        total = sums.setdefault(cells[0].replace(" ", "_"), [0.0] * len(wanted))
        for i, score in enumerate(scores):
            total[i] += score
    gender = {person: "male" if total[0] > 0 else "female" for person, total in sums.items() if total[0] != 0}
    ethnicity = {
        person: ETHNICITIES[total[1:].index(max(total[1:]))]
        for person, total in sums.items()
        if total[1:].count(max(total[1:])) == 1
    }
    return {"gender": gender, "ethnicity": ethnicity}
