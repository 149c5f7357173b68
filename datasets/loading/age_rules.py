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
    unread_words = {word for word in set(words.values()) if is_unread_age(word)}
    unread = [file for file, word in words.items() if word in unread_words]
    if not unread or _KEPT.get():
        return {}
    filled = _n_filled(words)
    if len(unread) > MOST_UNREAD * filled:
        damage = next((hint for file in unread if (hint := likely_damage(words[file]))), "")
        raise UserError(
            f"{len(unread):,} of {filled:,} ages cannot be read (first: {printable(where[unread[0]])}: {words[unread[0]]!r}"
            f"{f'; {damage}' if damage else ''}), so nobody knows who is under 18: write them as 24 or 20-29, or keep these "
            "people without an age by --keep-unread-ages"
        )
    return {file: _why(words[file]) for file in sorted(unread)}


def _n_filled(words: Mapping[str, str]) -> int:
    missing = {word for word in set(words.values()) if is_missing(word, AGE)}
    return sum(word not in missing for word in words.values())


def _why(word: str) -> str:
    damage = likely_damage(word)
    return f"age {word!r} cannot be read" + (f": {damage}" if damage else "")


def check_no_codes(words: Mapping[str, str], where: Mapping[str, str]) -> None:
    """Raise UserError if all ages are under 18.

    They are probably codes of age groups. Words for children are no codes, and nothing is asked where most cells are
    empty or the set has bins of its own.
    """
    written = {word for word in set(words.values()) if not is_missing(word, AGE)}
    has_digits = any(character.isdigit() for word in written for character in word)
    if not has_digits or not all((age := parse_age(word)) is not None and age.minor for word in written):
        return
    if 2 * (n_filled := _n_filled(words)) > len(words):
        first = next(file for file, word in words.items() if word in written)
        raise UserError(
            f"all {n_filled:,} ages are under 18 (first: {printable(where[first])}: {words[first]!r}): if they are codes of "
            "age groups, write the ages that they stand for, such as 20-29; if they are children, run with --include-minors"
        )
