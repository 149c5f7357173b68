"""Ages as sets and spreadsheets write them: a year, a range, a word for children; and the groups that they fall in."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from faceparity.datasets.common.sanitise import one_spelling
from faceparity.datasets.loading.label_vocabulary import is_missing
from faceparity.datasets.loading.month_names import MONTHS

AGE = "age_group"
"""The concept's name."""
_STANDARD_AGES = ((0, 17), (18, 29), (30, 44), (45, 59), (60, None))
_MINORS = {"children", "teenage", "babies"} | {
    word + end
    for word in ("baby", "infant", "newborn", "toddler", "child", "kid", "minor", "preteen", "teen", "teenager", "adolescent")
    for end in ("", "s")
}
_OLDEST = 125


@dataclass(frozen=True, slots=True)
class Ages:
    """An age or a range of ages, in whole years, both ends included; high None: open."""

    low: int
    high: int | None

    @property
    def minor(self) -> bool:
        """Return whether the range reaches below 18."""
        return self.low < 18

    @property
    def name(self) -> str:
        """Return the name shown: `20–29` (en dash), `70+`, `24`."""
        if self.high is None:
            return f"{self.low}+"
        return str(self.low) if self.low == self.high else f"{self.low}–{self.high}"


_AGE = r"(\d{1,3})(?:[.,]\d+)?"
_TO = r" ?(?:-|~|to|_|bis|through|thru) ?"
_YEARS = r"(?: ?-?(?:(?:years?|yrs?|y)\.?(?:[ -]?(?:old|of age|o)\.?|/o)?|jahre?|ans|años|anos|anni|jaar|år|лет))?"
"""As in `13 years`, `13 yrs`, `13yo`, `13 y/o`, `13-year-old`, `13 years of age`, `13 Jahre`."""
_MINUS = re.compile("[\u2010-\u2015\u2212\ufe63\uff0d]")
_TILDE = re.compile("[\u301c\uff5e\u223c]")
_ONE = re.compile(rf"(?:age[d:]? ?)?{_AGE}{_YEARS}")
_RANGE = re.compile(rf"(?:(?:ages?|aged|from|between) )?{_AGE}{_YEARS}(?:{_TO}| and ){_AGE}{_YEARS}")
_SPAN = re.compile(rf"([\[(]) ?{_AGE} ?[,;-] ?{_AGE} ?([\])])")
_DECADE = re.compile(r"(\d{0,2}0)'?s")
_FROM = re.compile(
    rf"(?:more than|over|above|older than|>=?|=>|≥) ?{_AGE}{_YEARS}"
    rf"|{_AGE}{_YEARS} ?(?:\+|plus|(?:and|&) (?:over|above|older|up)|or (?:older|over|above|more))"
)
_BELOW = re.compile(rf"(?:less than|under|below|younger than|<|u)[ -]?{_AGE}(?:'?s)?{_YEARS}")
_UP_TO = re.compile(rf"(?:<=|=<|≤|up to|at most) ?{_AGE}{_YEARS}|{_AGE}{_YEARS} ?(?:and|&|or) (?:under|below|younger|less)")
_BABIES = re.compile(rf"{_AGE} ?-?(?:(months?|mths?|mos?)|(?:weeks?|wks?|days?))\.?(?:[ -]?(?:old|of age)\.?)?")

_WORD = r"([^\W\d_]{1,12})\.?"
_SEPARATOR = r"[-/ .]{1,2}"
_DAY_FIRST, _MONTH_FIRST = re.compile(rf"(\d{{1,2}}){_SEPARATOR}{_WORD}"), re.compile(rf"{_WORD}{_SEPARATOR}(\d{{1,2}})\.?")
_DAY_AND_MONTH_AS_NUMBERS = re.compile(r"(\d{1,2})(?:/|月 ?|월 ?)(\d{1,2})[日일]?")
_DATE = re.compile(r"(?=.*\d)(?:\d{1,4}[-/. ]+(?:\d{1,2}|[^\W\d_]+\.?)[-/. ]+\d{1,4}.*|\d{4}年.*|\d{4}[-/.]\d{1,2})")
_LAST_DAY = 31
"""A higher number beside a month is a year: `Mar-95` is a date of birth, not a range."""
_SERIAL = re.compile(r"\d{5}(?:\.\d+)?")
"""Days since 1900: what a spreadsheet stores for a date of 1927 to 2173."""


def _age_from_date(text: str) -> Ages | None:
    """Return a range that became a day and month.

    Such are `03-Sep`, `9-Mar`, `03. Sep`, `09.Mrz` (3–9), `Oct-19`, `19-Oct` (10–19); None for any other text: of a full
    date and a serial number several ranges could have been made.
    """
    if found := _DAY_FIRST.fullmatch(text):
        number, month = int(found[1]), MONTHS.get(found[2])
    elif found := _MONTH_FIRST.fullmatch(text):
        number, month = int(found[2]), MONTHS.get(found[1])
    elif found := _DAY_AND_MONTH_AS_NUMBERS.fullmatch(text):
        number, month = int(found[1]), int(found[2])
    else:
        return None
    return None if month is None or number > _LAST_DAY else Ages(*sorted((number, month)))


@lru_cache(4096)
def parse_age(raw: str) -> Ages | None:
    """Return the age or range of ages in a cell.

    Understands `24`, `24.0`, `13,5`, `13yo`, `8 months`, `20-29`, `0~2`, `20 to 29`, `[18,30)`, `(8, 12)` (both
    included), `10s`, `70+`, `more than 70`, `>= 60`, `<18`, `<=17`, `U18`, `under 30`, `child`, and ranges of which a
    spreadsheet left day and month. None for any other text, and for ages above 125.
    """
    text = _TILDE.sub("~", _MINUS.sub("-", one_spelling(raw).casefold()))
    if text in _MINORS:
        return Ages(0, 17)
    if found := _ONE.fullmatch(text):
        return _plausible_ages(int(found[1]), int(found[1]))
    if found := _RANGE.fullmatch(text):
        return _plausible_ages(int(found[1]), int(found[2]))
    if found := _SPAN.fullmatch(text):
        opened = found[1] + found[4] == "(]"  # (17, 30] is 18 to 30; (8, 12) is how Adience writes 8 to 12
        return _plausible_ages(int(found[2]) + opened, int(found[3]) - (found[1] + found[4] == "[)"))
    if found := _DECADE.fullmatch(text):
        return _plausible_ages(int(found[1]), int(found[1]) + 9)
    if found := _FROM.fullmatch(text):
        return _plausible_ages(int(found[1] or found[2]), None)
    if found := _BELOW.fullmatch(text):
        return _plausible_ages(0, int(found[1]) - 1)
    if found := _UP_TO.fullmatch(text):
        return _plausible_ages(0, int(found[1] or found[2]))
    if found := _BABIES.fullmatch(text):
        years = int(found[1]) // 12 if found[2] else 0
        return Ages(years, years)
    return _age_from_date(text)


def is_unread_age(word: str) -> bool:
    """Return whether a cell's age cannot be read.

    Such a cell has a digit; a word without one is a bin of the set's own.
    """
    return any(character.isdigit() for character in word) and not is_missing(word, AGE) and parse_age(word) is None


def likely_damage(word: str) -> str:
    """Return what has probably spoilt an unread age.

    Empty where nothing is known.
    """
    text = one_spelling(word).casefold()
    if _DATE.fullmatch(text) or _SERIAL.fullmatch(text):
        return "a spreadsheet has probably turned a range such as 3-9 or 10-19 into a date"
    return ""


def _plausible_ages(low: int, high: int | None) -> Ages | None:
    return Ages(low, high) if low <= (low if high is None else high) and max(low, high or 0) <= _OLDEST else None


def _standard_name(ages: Ages) -> str | None:
    for low, high in _STANDARD_AGES:
        if ages.low >= low and (high is None or (ages.high is not None and ages.high <= high)):
            return Ages(low, high).name
    return None


def age_group_names(ages: Sequence[Ages | None], own_bins: bool = False) -> list[str | None]:
    """Return the age group of each sample.

    The groups are 18–29, 30–44, 45–59, 60+ (and 0–17), or the set's own bins where those don't nest in them.

    own_bins: keep the set's own bins in any case, so that a part of a set is grouped as all of it is. A single age among
    own bins falls in the one bin that holds it, and is None if none or several do.
    """
    known = {span for span in ages if span is not None}
    standard = {span: _standard_name(span) for span in known}
    if not own_bins and None not in standard.values():
        return [None if span is None else standard[span] for span in ages]
    bins = [span for span in known if span.low != span.high]

    def own_bin(age: Ages) -> str | None:
        if age.low != age.high:
            return age.name
        around = [other for other in bins if other.low <= age.low and (other.high is None or age.low <= other.high)]
        return around[0].name if len(around) == 1 else None

    return [None if span is None else own_bin(span) for span in ages]
