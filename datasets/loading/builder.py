"""From rows to a `Dataset`, for all readers: find files, leave out minors, name labels, record what was lost."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.sanitise import one_spelling, printable
from faceparity.datasets.loading.age_rules import check_no_codes, unread_ages
from faceparity.datasets.loading.ages import AGE, age_group_names, parse_age
from faceparity.datasets.loading.image_files import Locator, OutsideRoot, list_images, sha256_of_files
from faceparity.datasets.loading.label_values import one_name_each
from faceparity.datasets.loading.label_vocabulary import concept_value, is_missing, mapped_word
from faceparity.datasets.loading.subject_ids import count_similar, one_subject_each, similar_note
from faceparity.datasets.schema.card import AttributeCard, DatasetCard
from faceparity.datasets.schema.dataset import Attribute, Dataset, Problem

ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz")


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """One image as a set's label file gives it.

    file: as written there. where: `labels.csv:12`. subject: empty where the set has none. labels: attribute → the set's own
    word. age: what to read the age from, if not labels["age_group"]. year: when the picture was taken, nan if not said.
    """

    file: str
    where: str
    subject: str = ""
    labels: dict[str, str] = field(default_factory=dict)
    age: str | None = None
    year: float = float("nan")


@dataclass(frozen=True, slots=True)
class Rules:
    """How to take a reader's rows.

    any_value: a word that no concept knows is a value of its own; else it is counted and the sample unlabelled.
    own_age_bins: never regroup ages. within: the folders in which an image without a row is reported (all, if empty).
    with_years: the set says when pictures were taken. aside: images left out for a reason that the reader has reported.
    """

    any_value: bool = False
    own_age_bins: bool = False
    within: tuple[str, ...] = ()
    include_minors: bool = False
    with_years: bool = False
    aside: frozenset[str] = frozenset()


def folder_of(root: Path) -> Path:
    """Return `root` if it is a folder that isn't empty.

    Raises UserError if not.
    """
    try:
        if not root.is_dir():
            if root.is_file() and root.name.casefold().endswith(ARCHIVES):
                raise UserError(f"{root} is an archive: unpack it into a folder of its own, and give that folder")
            what = "is not a folder" if root.exists() else "does not exist"
            raise UserError(f"{root} {what}: give the folder that holds the images and their label file")
        if next(iter(root.iterdir()), None) is None:
            raise UserError(f"{root} is empty: put the images and their label file there")
    except OSError as error:
        raise UserError(f"{root} cannot be read ({error.strerror}): check the path and its permissions") from None
    return root


def build(
    card: DatasetCard,
    root: Path,
    rows: Sequence[LabelledImage],
    problems: Iterable[Problem] = (),
    *,
    name: str | None = None,
    rules: Rules = Rules(),
    same_photo: Iterable[tuple[str, str, str]] = (),
) -> Dataset:
    """Build the data set of a reader's rows.

    problems: what the reader has already found. same_photo: pairs (where, file, file) that show one photograph. Samples
    come sorted by file name, subjects numbered in the order of their sorted names. Raises UserError if nothing is left.
    """
    found = list(problems)
    placed = _match_files(root, rows, card.identity, rules, found)
    placed = _without_left_out_ages(card, placed, rules, found)
    files = sorted(placed)
    digests = sha256_of_files(root, files)
    found += [Problem("missing_file", file, "cannot be read") for file, sha in zip(files, digests, strict=True) if sha is None]
    kept = [(file, sha) for file, sha in zip(files, digests, strict=True) if sha is not None]
    if not kept:
        raise _nothing_left(root, rows, found)
    files, content = [file for file, _ in kept], [sha for _, sha in kept]
    taken = [placed[file] for file in files]
    found += _duplicates(files, content)
    if card.identity == "labelled" and (similar := count_similar(row.subject for row in taken)):
        found.append(Problem("similar_subjects", "", similar_note(similar)))
    subjects = _subjects([row.subject for row in taken], card.identity)
    attributes = {
        attribute: _attribute(attribute, about, files, taken, subjects, rules, found)
        for attribute, about in card.attributes.items()
    }
    pairs = _pairs(files, same_photo, placed.keys() | _named(rows), found)
    years = np.array([row.year for row in taken], np.float64) if rules.with_years else None
    return Dataset(
        name=name or card.name,
        card=card,
        root=root,
        files=tuple(files),
        content=tuple(content),
        subjects=subjects,
        identity=card.identity,
        attributes=attributes,
        same_photo=pairs,
        capture_year=years,
        problems=tuple(found),
        digest=_digest(files, content, taken, card, pairs, rules),
    )


def _named(rows: Sequence[LabelledImage]) -> set[str]:
    return {row.file for row in rows}


def _match_files(
    root: Path, rows: Sequence[LabelledImage], identity: str, rules: Rules, found: list[Problem]
) -> dict[str, LabelledImage]:
    """Return the rows whose file is there, by its path.

    Each subject has one spelling in them. Other rows, and images that no row names, become problems in `found`.
    """
    listed = list_images(root, rules.within)
    locator = Locator(root, listed)
    alike = _by_stem(listed)
    ids = one_subject_each({row.subject for row in rows}) if identity == "labelled" else {}
    placed: dict[str, LabelledImage] = {}
    for row, written in ((_with_subject(row, ids), row.subject) for row in rows):
        try:
            file = locator.find(row.file)
        except OutsideRoot:
            found.append(Problem("outside_root", row.where, f"{row.file!r} leaves the folder"))
            continue
        if not row.file:
            found.append(Problem("bad_row", row.where, "no image is named"))
        elif file is None:
            found.append(Problem("missing_file", row.where, _missing_file_detail(row.file, alike)))
        elif file in placed:
            same = (row.subject, row.labels) == (placed[file].subject, placed[file].labels)
            detail = f"{file!r} again, after {placed[file].where}" + ("" if same else ", with other labels: those are not used")
            found.append(Problem("duplicate_row", row.where, detail))
        elif identity == "labelled" and not row.subject:
            placed[file] = row  # so that it counts as named
            said = f": {written!r} says that it is not known" if written else ""
            found.append(Problem("missing_subject", row.where, f"{file!r} has no subject{said}"))
        else:
            placed[file] = row
    found += [
        Problem("extra_file", printable(file), "no row names it")
        for file in listed
        if file not in placed and file not in rules.aside
    ]
    return {file: row for file, row in placed.items() if row.subject or identity == "none"}


def _with_subject(row: LabelledImage, ids: Mapping[str, str]) -> LabelledImage:
    subject = ids.get(row.subject, row.subject)
    return row if subject == row.subject else replace(row, subject=subject)


def _stem(file: str) -> str:
    return PurePosixPath(file.replace("\\", "/")).stem.casefold()


def _by_stem(listed: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for file in listed:
        found.setdefault(_stem(file), []).append(file)
    return found


def _missing_file_detail(file: str, alike: dict[str, list[str]]) -> str:
    """Explain that a file isn't there, with a likely alternative.

    The alternative differs in case, suffix or folder, and is given only if it is the only one.
    """
    near = alike.get(_stem(file)) or alike.get(PurePosixPath(file).name.casefold()) or []
    return f"{file!r} is not there, or not an ordinary file" + (f"; {near[0]!r} is" if len(near) == 1 else "")


def _age_word(row: LabelledImage, about: AttributeCard) -> str:
    """Return the age's cell, or what the card maps it to."""
    word = row.labels.get(AGE, "") if row.age is None else row.age
    return word if (mapped := mapped_word(word, about.values)) is None else mapped


def _without_left_out_ages(
    card: DatasetCard, placed: dict[str, LabelledImage], rules: Rules, found: list[Problem]
) -> dict[str, LabelledImage]:
    """Return the rows without unread ages and children.

    Children stay if they are asked for. Each row that goes becomes a problem in `found`.
    """
    if (about := card.attributes.get(AGE)) is None:
        return placed
    words = {file: _age_word(row, about) for file, row in placed.items()}
    where = {file: row.where for file, row in placed.items()}
    unread = unread_ages(words, where)
    found += [Problem("unread_age", file, why) for file, why in unread.items()]
    words = {file: word for file, word in words.items() if file not in unread}
    minors: set[str] = set()
    if not rules.include_minors:
        check_no_codes(words, where)
        minors = {file for file, word in words.items() if (age := parse_age(word)) is not None and age.minor}
        found += [Problem("under_18", file, f"age {placed[file].labels.get(AGE, '')!r}") for file in sorted(minors)]
    return {file: placed[file] for file in words if file not in minors}


def _nothing_left(root: Path, rows: Sequence[LabelledImage], found: Sequence[Problem]) -> UserError:
    counts = Counter(problem.kind for problem in found if problem.kind != "extra_file")
    reasons = ", ".join(f"{count} {kind}" for kind, count in counts.most_common()) or "there are none"
    first = next((f"; first: {fault.where}: {fault.detail}" for fault in found if fault.kind != "extra_file"), "")
    return UserError(
        f"{root}: no image can be used of {len(rows)} rows ({reasons}{first}): image paths must be relative to this folder"
    )


def _duplicates(files: Sequence[str], content: Sequence[str]) -> list[Problem]:
    first: dict[str, str] = {}
    return [
        Problem("duplicate_image", file, f"the same bytes as {first[sha]!r}")
        for file, sha in zip(files, content, strict=True)
        if first.setdefault(sha, file) != file
    ]


def _subjects(names: Sequence[str], identity: str) -> NDArray[np.int32]:
    if identity == "none":
        return np.arange(len(names), dtype=np.int32)
    code = {name: i for i, name in enumerate(sorted(set(names)))}
    return np.array([code[name] for name in names], np.int32)


def _attribute(
    name: str,
    about: AttributeCard,
    files: Sequence[str],
    rows: Sequence[LabelledImage],
    subjects: NDArray[np.int32],
    rules: Rules,
    found: list[Problem],
) -> Attribute:
    raw = tuple(row.labels.get(name, "") for row in rows)
    words = raw if name != AGE else tuple(_age_word(row, about) for row in rows)
    values = _age_values(words, rules) if name == AGE else _values(name, about, words, rules)
    unknown = [mapped is None and not is_missing(word, name) for mapped, word in zip(values, words, strict=True)]
    found += [
        Problem("unknown_label", file, f"{name} {word!r}") for file, word, bad in zip(files, words, unknown, strict=True) if bad
    ]
    if about.of == "subject":
        values = _one_per_subject(name, values, rows, subjects, found)
    found += [
        Problem("missing_label", file, name)
        for file, value, word in zip(files, values, words, strict=True)
        if value is None and is_missing(word, name)
    ]
    names = tuple(sorted({value for value in values if value is not None}))
    code = {value: i for i, value in enumerate(names)}
    codes = np.array([-1 if value is None else code[value] for value in values], np.int32)
    return Attribute(name, names, codes, about.of, raw)


def _values(name: str, about: AttributeCard, words: Sequence[str], rules: Rules) -> list[str | None]:
    value_of = {word: _value(name, about, word, rules) for word in set(words)}
    names = one_name_each(name, (value for value in value_of.values() if value is not None))
    return [None if (value := value_of[word]) is None else names[value] for word in words]


def _value(name: str, about: AttributeCard, word: str, rules: Rules) -> str | None:
    if (value := concept_value(name, word, about.values)) is not None:
        return value
    return one_spelling(word) if rules.any_value and not is_missing(word, name) else None


def _age_values(words: Sequence[str], rules: Rules) -> list[str | None]:
    values = age_group_names([parse_age(word) for word in words], rules.own_age_bins)
    if not rules.any_value:
        return values
    # A set may say "young", but a number that is no age is a mistake.
    return [
        one_spelling(word)
        if value is None and not is_missing(word, AGE) and not any(character.isdigit() for character in word)
        else value
        for value, word in zip(values, words, strict=True)
    ]


def _one_per_subject(
    name: str, values: list[str | None], rows: Sequence[LabelledImage], subjects: NDArray[np.int32], found: list[Problem]
) -> list[str | None]:
    """Return a person's label for each of their samples.

    Samples whose own cell is empty have it too. Where a person's samples disagree, none has one, and a problem is added
    to `found`.
    """
    values_of: dict[int, set[str]] = {}
    for subject, value in zip(subjects.tolist(), values, strict=True):
        if value is not None:
            values_of.setdefault(subject, set()).add(value)
    where = {subject: row.where for subject, row in zip(subjects.tolist()[::-1], rows[::-1], strict=True)}
    found += [
        Problem("conflicting_label", where[subject], f"{name} of one subject is {' and '.join(sorted(words))}")
        for subject, words in sorted(values_of.items())
        if len(words) > 1
    ]
    agreed = {subject: next(iter(words)) for subject, words in values_of.items() if len(words) == 1}
    return [agreed.get(subject) for subject in subjects.tolist()]


def _pairs(
    files: Sequence[str], same_photo: Iterable[tuple[str, str, str]], named: set[str], found: list[Problem]
) -> NDArray[np.int32]:
    """Return the listed pairs as indices of samples.

    int32[n, 2], the smaller index first, sorted, each pair once. A pair with a file that was left out is dropped; one
    that names no two images of the set becomes a problem in `found`.
    """
    index = {file: i for i, file in enumerate(files)}
    pairs = set()
    for where, first, second in same_photo:
        if first in index and second in index and first != second:
            pairs.add((min(index[first], index[second]), max(index[first], index[second])))
        elif first not in named or second not in named or first == second:
            found.append(Problem("bad_row", where, f"{first!r} and {second!r} are not two images of this set"))
    return np.array(sorted(pairs), np.int32).reshape(-1, 2)


def _digest(
    files: Sequence[str],
    content: Sequence[str],
    rows: Sequence[LabelledImage],
    card: DatasetCard,
    pairs: NDArray[np.int32],
    rules: Rules,
) -> str:
    """Return the digest of a data set, in hex.

    It is the sha256 over each sample's file, bytes, subject, the set's own labels and year, and the pairs listed as one
    photograph.
    """
    digest = hashlib.sha256()
    for file, sha, row in zip(files, content, rows, strict=True):
        labels = sorted((attribute, row.labels.get(attribute, "")) for attribute in card.attributes)
        year = None if not rules.with_years or np.isnan(row.year) else row.year
        subject = row.subject if card.identity == "labelled" else ""
        digest.update(json.dumps([file, sha, subject, labels, year]).encode() + b"\n")
    for first, second in pairs.tolist():
        digest.update(json.dumps([files[first], files[second]]).encode() + b"\n")
    return digest.hexdigest()
