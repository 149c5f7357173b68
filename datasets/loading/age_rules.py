"""Whom a data set's ages leave out: children, and people whose age is written but cannot be read; and when to ask first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.sanitise import printable
from faceparity.datasets.loading.ages import AGE, is_unread_age, likely_damage, parse_age
from faceparity.datasets.loading.label_vocabulary import is_missing

MOST_UNREAD = 0.1
"""If a larger share of the ages cannot be read, the column is written in a way that a person must explain."""
_KEPT: ContextVar[bool] = ContextVar("unread ages are kept", default=False)


@contextmanager
def unread_ages_kept(kept: bool) -> Iterator[None]:
    """Keep people whose age cannot be read.

    It holds for every reader that is called inside, those of other packages too.
    """
    token = _KEPT.set(kept)
    try:
        yield
    finally:
        _KEPT.reset(token)


def unread_ages(words: Mapping[str, str], where: Mapping[str, str]) -> dict[str, str]:
    """Return the files left out for unread ages, and why.

    words: file → its age as written. where: file → its row. Empty where such people are kept. Raises UserError if they
    are more than `MOST_UNREAD` of the ages.
    """
    unread = [file for file, word in words.items() if is_unread_age(word)]
    if not unread or _KEPT.get():
        return {}
    filled = sum(not is_missing(word, AGE) for word in words.values())
    if len(unread) > MOST_UNREAD * filled:
        damage = next((hint for file in unread if (hint := likely_damage(words[file]))), "")
        raise UserError(
            f"{len(unread):,} of {filled:,} ages cannot be read (first: {printable(where[unread[0]])}: {words[unread[0]]!r}"
            f"{f'; {damage}' if damage else ''}), so nobody knows who is under 18: write them as 24 or 20-29, or keep these "
            "people without an age by --keep-unread-ages"
        )
    return {file: _why(words[file]) for file in sorted(unread)}


def _why(word: str) -> str:
    damage = likely_damage(word)
    return f"age {word!r} cannot be read" + (f": {damage}" if damage else "")


def check_no_codes(words: Mapping[str, str], where: Mapping[str, str]) -> None:
    """Raise UserError if all ages are under 18.

    They are probably codes of age groups. Words for children are no codes, and nothing is asked where most cells are
    empty or the set has bins of its own.
    """
    filled = [word for word in words.values() if not is_missing(word, AGE)]
    ages = [parse_age(word) for word in set(filled) if any(character.isdigit() for character in word)]
    others = [word for word in set(filled) if parse_age(word) is None]
    if ages and not others and 2 * len(filled) > len(words) and all(age is not None and age.minor for age in ages):
        first = next(file for file, word in words.items() if not is_missing(word, AGE))
        raise UserError(
            f"all {len(filled):,} ages are under 18 (first: {printable(where[first])}: {words[first]!r}): if they are codes of "
            "age groups, write the ages that they stand for, such as 20-29; if they are children, run with --include-minors"
        )
