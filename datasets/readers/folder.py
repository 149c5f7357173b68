"""A user's own pictures: a folder of images and one CSV, with an optional `faceparity.toml` beside it that describes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

from pydantic import Field

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.paths import real_path
from faceparity.datasets.common.toml_files import read_toml, validate_fields
from faceparity.datasets.loading.builder import LabelledImage, Rules, build, folder_of
from faceparity.datasets.loading.image_files import IMAGE_SUFFIXES
from faceparity.datasets.loading.label_table import LabelTable, plain, read_table
from faceparity.datasets.loading.label_values import names_of_words
from faceparity.datasets.loading.label_vocabulary import CONCEPTS, concept_of_column, concept_owner
from faceparity.datasets.loading.subject_ids import one_subject_each
from faceparity.datasets.schema.card import AttributeCard, DatasetCard, PairedCard, Strict, load_card
from faceparity.datasets.schema.dataset import Dataset

CONFIG = "faceparity.toml"
_IMAGE = "file image path filename filepath imagepath imagefile imagename img imgpath photo picture"
IMAGE_COLUMNS = tuple(_IMAGE.split())
_WHO = ("subject", "identity", "person", "individual", "participant")
SUBJECT_COLUMNS = (*(who + end for who in _WHO for end in ("", "id", "code", "name")), "id", "faceid")
"""Both without regard to case, blanks, hyphens and underscores."""
_VAGUE = {"id", "faceid"}
"""A column of this name is the subject's only if some value occurs twice in it: else it may number the images."""
_PERHAPS_WHO = {"name", "names", "fullname", "celebrity", "who"}
"""May say who is shown: asked about, and no attribute, where no column is the subject's."""
MAX_VALUES = 30
"""A column that is no known concept is an attribute if it has 2 to this many values, and at most one for every two people."""

_EXAMPLE = "for example a first line file,subject,gender,ethnicity and then a/1.jpg,P001,female,Black"


class FolderConfig(Strict):
    """`faceparity.toml`: all of it optional."""

    title: str | None = None
    csv: str | None = None
    """The label file, if there are several."""
    images: str = ""
    """The folder that image paths are relative to, if not the one of this file."""
    image: str | None = None
    """The column of image paths."""
    subject: str | None = None
    """The column of subjects; an empty string: there is none."""
    attributes: dict[str, AttributeCard] | None = None
    """If given, these columns and no others."""
    default_by: list[str] = Field(default_factory=list)
    licence: str = "unknown"
    licence_note: str = ""
    consent: str = "unknown"
    home: str = ""
    version: str = ""
    citation: str = ""
    synthetic: bool = False
    labels_public: bool = False
    known_defects: list[str] = Field(default_factory=list)
    paired: PairedCard | None = None
    """A controlled experiment: factors (attributes), captures, reference."""


def read(root: Path, *, name: str | None = None, include_minors: bool = False) -> Dataset:
    """Read the images and labels of a user's folder.

    Words that no concept knows are values of their own. Raises UserError.
    """
    folder_of(root)
    config = _config(root)
    table = read_table(_csv(root, config))
    image = _image_column(table, config)
    subject = _subject_column(table, config, {image})
    attributes = _attributes(table, config, image, subject)
    _check_paired(root, config.paired, attributes, subject)
    card = _card(name or real_path(root).name, config, "labelled" if subject else "none", attributes)
    prefix = config.images.strip("/") + "/" if config.images.strip("/") not in ("", ".") else ""
    labels_of: dict[tuple[str, ...], dict[str, str]] = {}  # equal labels are stored once
    rows = []
    for line in table.lines:
        words = tuple(line.cells[about.column] for about in attributes.values())
        labels = labels_of.setdefault(words, dict(zip(attributes, words, strict=True)))
        file = prefix + line.cells[image] if line.cells[image] else ""
        rows.append(LabelledImage(file, line.where, line.cells[subject] if subject else "", labels))
    rules = Rules(any_value=True, include_minors=include_minors)
    data = build(card, root, rows, table.problems, name=card.name, rules=rules)
    used = {image, subject, *(about.column for about in attributes.values())}
    return replace(data, unused={column: _why_unused(table, column, subject) for column in table.header if column not in used})


def _config(root: Path) -> FolderConfig:
    path = root / CONFIG
    if not path.is_file():
        return FolderConfig()
    return validate_fields(FolderConfig, read_toml(path), str(path))


def _check_paired(root: Path, paired: PairedCard | None, attributes: Mapping[str, AttributeCard], subject: str | None) -> None:
    """Refuse a controlled experiment that the labels can't describe.

    Raises UserError if it is declared without a column of subjects, or with a factor that is no attribute.
    """
    if paired is None:
        return
    if subject is None:
        raise UserError(
            f"{root / CONFIG}: [paired] needs a column of subjects, to know which pictures are of one: subject = 'COLUMN'"
        )
    if missing := [name for name in paired.factors if name not in attributes]:
        has = ", ".join(attributes) or "none"
        raise UserError(
            f"{root / CONFIG}: [paired] names the factor {missing[0]!r}, which is no attribute here; there are: {has}"
        )


def _csv(root: Path, config: FolderConfig) -> Path:
    if config.csv is not None:
        path = root / config.csv
        if not real_path(path).is_relative_to(real_path(root)) or not path.is_file():
            raise UserError(f"{root / CONFIG} names csv = {config.csv!r}, which is not a file in that folder")
        return path
    found = sorted(
        file for file in root.iterdir() if file.suffix.casefold() in (".csv", ".tsv") and not file.name.startswith(".")
    )
    if not found:
        raise UserError(
            f"{root} has no CSV: add one with a column of image paths and, if known, subject, gender, ethnicity, age; {_EXAMPLE}"
        )
    if len(found) > 1:
        names = ", ".join(file.name for file in found)
        raise UserError(
            f"{root} has several CSV files ({names}): name the label file in {CONFIG} beside them: csv = {found[0].name!r}"
        )
    return found[0]


def _named(table: LabelTable, key: str, column: str) -> str:
    return table.need(column, f"{CONFIG} says {key} = {column!r}; name one of these there")


def _image_column(table: LabelTable, config: FolderConfig) -> str:
    if config.image is not None:
        return _named(table, "image", config.image)
    if (column := table.column(IMAGE_COLUMNS)) is not None:
        return column
    likely = [
        name
        for name in table.header
        if any(Path(line.cells[name]).suffix.casefold() in IMAGE_SUFFIXES for line in table.lines[:20])
    ]
    guess = (likely or ["COLUMN"])[0]
    raise UserError(
        f"{table.path} has no column of image paths that is known by its name, only {', '.join(table.header)}: "
        f"call it file, or name it in {CONFIG} beside it: image = {guess!r}"
    )


def _subject_column(table: LabelTable, config: FolderConfig, used: set[str]) -> str | None:
    if config.subject is not None:
        return _named(table, "subject", config.subject) if config.subject else None
    column = table.column([name for name in SUBJECT_COLUMNS if name not in used])
    if column is None or column in used:
        return None
    if plain(column) in _VAGUE:
        ids = one_subject_each(table.lines.distinct(column))
        n_filled = sum(ids[cell] != "" for cell in table.lines.texts(column))
        return column if len(set(ids.values()) - {""}) < n_filled else None
    return column


def _attributes(table: LabelTable, config: FolderConfig, image: str, subject: str | None) -> dict[str, AttributeCard]:
    if config.attributes is not None:
        return {
            name: about.model_copy(update={"column": _named(table, f"attributes.{name}.column", about.column)})
            for name, about in config.attributes.items()
        }
    free = [column for column in table.header if column not in (image, subject)]
    named: dict[str, str] = {}
    for column in sorted(free, key=lambda item: (item.casefold() not in CONCEPTS, table.header.index(item))):
        if (concept := concept_of_column(column)) is not None:
            named.setdefault(concept, column)
    found = {
        item: AttributeCard(column=named[item], of=concept_owner(item))
        for item in CONCEPTS
        if item in named and _distinct(table, named[item])
    }
    for column in free:
        perhaps_who = subject is None and plain(column) in _PERHAPS_WHO
        if column not in named.values() and not perhaps_who and _divides(table, column, subject):
            found[column] = AttributeCard(column=column, of=_owner_of(table, column, subject))
    return found


def _divides(table: LabelTable, column: str, subject: str | None) -> bool:
    """Return whether a column divides people into groups.

    Names don't: they are different for each. A column that is no concept divides if it has 2 to `MAX_VALUES` values, and
    at most one for every two that could have one.
    """
    return 2 <= len(_distinct(table, column)) <= min(MAX_VALUES, max(2, _n_bearers(table, column, subject) // 2))


def _n_bearers(table: LabelTable, column: str, subject: str | None) -> int:
    """Return the number of those who could have a value.

    They are people if the column is of the subject, else pictures.
    """
    if subject and _owner_of(table, column, subject) == "subject":
        return len(set(one_subject_each(table.lines.distinct(subject)).values()) - {""})
    return len(table.lines)


def _why_unused(table: LabelTable, column: str, subject: str | None) -> str:
    """Explain in few words why a column is no attribute."""
    values = len(_distinct(table, column))
    if not values:
        return "empty"
    if subject is None and plain(column) in _PERHAPS_WHO:
        return f"if it says who is shown, call it subject, or write subject = {column!r} in {CONFIG} beside it"
    if values == 1:
        return "one value only"
    if values > MAX_VALUES:
        return f"{values:,} values, more than {MAX_VALUES}"
    if not _divides(table, column, subject):
        return f"{values:,} values, hardly two people to each"
    return f"not named in {CONFIG}"


def _owner_of(table: LabelTable, column: str, subject: str | None) -> Literal["subject", "sample"]:
    """Return whether a column is of the subject or sample.

    A column that is no concept is of the subject if it is the same on all their images, as far as it is filled in.
    """
    if subject is None:
        return "sample"
    ids, names = one_subject_each(table.lines.distinct(subject)), names_of_words(column, table.lines.distinct(column))
    first: dict[str, str] = {}
    for cell, word in zip(table.lines.texts(subject), table.lines.texts(column), strict=True):
        person, value = ids[cell], names[word]
        if person and value and first.setdefault(person, value) != value:
            return "sample"
    return "subject"


def _distinct(table: LabelTable, column: str) -> set[str]:
    """Return the different values of one column, each by one name."""
    return set(names_of_words(column, table.lines.distinct(column)).values()) - {""}


def _card(
    name: str, config: FolderConfig, identity: Literal["labelled", "none"], attributes: Mapping[str, AttributeCard]
) -> DatasetCard:
    settings = config.model_dump(exclude={"title", "csv", "images", "image", "subject", "attributes", "paired"})
    changes = {
        "name": name,
        "title": config.title or name,
        "identity": identity,
        "attributes": dict(attributes),
        "paired": config.paired,
        **settings,
    }
    return load_card("folder").model_copy(update=changes)
