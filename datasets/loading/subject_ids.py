"""Ids of people: one for all spellings of it, none for the words that stand for a missing one."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

from faceparity.datasets.common.sanitise import one_spelling
from faceparity.datasets.loading.label_vocabulary import SUBJECT, is_missing

_WHOLE = re.compile(r"[0-9]+\.0")
"""What a spreadsheet or a DataFrame makes of a whole number beside an empty cell."""
_LEADING_ZEROS = re.compile(r"(?<![0-9])0+(?=[0-9])")
_FRACTION = re.compile(r"[+-]?[0-9]*[.,][0-9]+")


def one_id_each(words: Iterable[str]) -> dict[str, str]:
    """Return the id that each spelling stands for.

    words: the different cells of all columns that hold these ids. Spellings of one id differ in white space, format
    characters and composition only, or in the `.0` of a whole number where no id is another fraction. Others, such as
    `001` and `1`, are two ids: see `count_similar`.
    """
    ids = {word: one_spelling(word) for word in words}
    whole = [word for word, id_ in ids.items() if id_.endswith(".0") and _WHOLE.fullmatch(id_)]
    if whole and not any(_FRACTION.fullmatch(id_) and not _WHOLE.fullmatch(id_) for id_ in ids.values()):
        ids |= {word: ids[word].removesuffix(".0") for word in whole}
    return ids


def one_subject_each(words: Iterable[str]) -> dict[str, str]:
    """Return the person's id of each spelling, as by `one_id_each`.

    It is empty for a word that says that the person is not known.
    """
    return {word: "" if is_missing(id_, SUBJECT) else id_ for word, id_ in one_id_each(words).items()}


def count_similar(ids: Iterable[str]) -> int:
    """Count the ids that may be another one's second spelling.

    Such differ from it in capitals, leading zeros, the `.0` of a whole number or the width of their characters only.
    """
    classes = Counter(_similar(id_) for id_ in set(ids))
    return sum(count for count in classes.values() if count > 1)


def similar_note(count: int) -> str:
    """Return the report of similar ids, naming none."""
    return (
        f"{count:,} subject ids differ from another only in capitals, leading zeros or .0, as 001 and 1 do. They are kept as "
        "different people. If two are one person, write that person's id in one way."
    )


def _similar(id_: str) -> str:
    plain = (id_ if id_.isascii() else unicodedata.normalize("NFKC", id_)).casefold()
    if plain.endswith(".0") and _WHOLE.fullmatch(plain):
        plain = plain.removesuffix(".0")
    return _LEADING_ZEROS.sub("", plain) if "0" in plain else plain
