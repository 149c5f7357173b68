"""Named concepts: which columns are gender, ethnicity, age group or skin tone, and which words mean the same.

Nothing here guesses anything about a person: words that sets already use for a label are only mapped to one common
word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

CONCEPTS = ("gender", "ethnicity", "age_group", "skin_tone")
"""The attributes that have a name of their own, in the order in which they are shown."""

_COLUMNS = {
    "gender": {"gender", "sex"},
    "ethnicity": {"ethnicity", "ethnic", "eth", "ethnic_group", "race", "racial_group", "race_ethnicity", "ethnicity_race"},
    "age_group": {"age_group", "agegroup", "age", "age_band", "age_range", "age_bin", "age_bracket", "age_category", "age_years"},
    "skin_tone": {"skin_tone", "skintone", "skin_type", "fitzpatrick", "fitzpatrick_type", "monk_skin_tone", "monk", "skin"},
}
_COLUMN_PREFIXES = ("face_", "subject_", "person_", "perceived_", "apparent_", "self_reported_", "annotated_")
_MISSING = {"", "na", "n/a", "n.a.", "nan", "null", "unknown", "?", "-", "not stated", "prefer not to say"}

_WORDS: dict[str, dict[str, str]] = {
    "gender": {
        "male": "m males man men",
        "female": "f females woman women",
        "non-binary": "nonbinary enby",
    },
    "ethnicity": {
        "White": "w white_american caucasian european_american whites",
        "Black": "b african african_american afro_american black_american black_or_african_american blacks",
        "Hispanic": "h l latino latina latinx latino_hispanic hispanic_latino hispanic_american hispanic_or_latino",
        "Asian": "a asian_american",
        "East Asian": "eastasian",
        "Southeast Asian": "south_east_asian southeastasian",
        "South Asian": "southasian",
        "West Asian": "westasian",
        "Central Asian": "",
        "Indian": "",
        "Middle Eastern": "middle_eastern_american middle_east",
        "Native American": "american_indian american_indian_or_alaska_native indigenous_american",
        "Pacific Islander": "native_hawaiian_or_pacific_islander",
        "Multiracial": "mixed mixed_race biracial multi_racial multi_racial_american multiracial_american two_or_more_races",
        "Other": "o others",
    },
    "skin_tone": {
        "lighter": "light",
        "darker": "dark",
        **dict.fromkeys(("I", "II", "III", "IV", "V", "VI"), ""),
        **{str(step): "" for step in range(1, 11)},
    },
}

_STANDARD_AGES = ((0, 17), (18, 29), (30, 44), (45, 59), (60, None))
_MONTHS = {"JanFebMarAprMayJunJulAugSepOctNovDec".casefold()[3 * i : 3 * i + 3]: 1 + i for i in range(12)}
_MINORS = {"baby", "infant", "toddler", "child", "children", "kid", "minor", "teen", "teenager"}
_OLDEST = 125


def _normalised(word: str) -> str:
    return re.sub(r"[\s_\-]+", "_", word.strip().casefold()).strip("_")


_SYNONYMS = {
    attribute: {_normalised(word): value for value, words in table.items() for word in [value, *words.split()]}
    for attribute, table in _WORDS.items()
}


def concept_owner(attribute: str) -> Literal["subject", "sample"]:
    """Return whether a concept belongs to the person or picture.

    Age and skin tone (as photographed) belong to the picture, "sample".
    """
    return "sample" if attribute in ("age_group", "skin_tone") else "subject"


def concept_of_column(column: str) -> str | None:
    """Return the concept that a column's name stands for.

    `sex` and `Gender` are gender; None for a name that stands for none, such as `region`.
    """
    name = _normalised(column)
    for prefix in _COLUMN_PREFIXES:
        name = name.removeprefix(prefix)
    name = name.removesuffix("_label")
    return next((concept for concept, names in _COLUMNS.items() if name in names), None)


def is_missing(raw: str) -> bool:
    """Return whether a cell says that there is no label.

    Such are an empty cell, NA, unknown, ? and others, in any case of letters.
    """
    return raw.strip().casefold() in _MISSING


def concept_value(attribute: str, raw: str, overrides: Mapping[str, str] | None = None) -> str | None:
    """Return the named value that a word stands for.

    None if nothing maps it. overrides: a card's own words, tried first, as written and then without regard to case,
    blanks, hyphens and underscores. "Black/African American" is Black, because both parts are; "East Asian/White" is
    None: what it means, the card must say. Ages are not words: see `parse_age`.
    """
    if overrides:
        plain = {_normalised(word): value for word, value in overrides.items()}
        found = overrides.get(raw.strip(), plain.get(_normalised(raw)))
        if found is not None:
            return found
    table = _SYNONYMS.get(attribute, {})
    if (value := table.get(_normalised(raw))) is not None:
        return value
    parts = {table.get(_normalised(part)) for part in raw.split("/")}
    return parts.pop() if len(parts) == 1 else None


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


def _age_from_date(text: str) -> Ages | None:
    """Return a range that a spreadsheet took for a date.

    Such are `03-Sep`, `9-Mar` (3–9), `Oct-19`, `19-Oct` (10–19), `2019-10-01 00:00:00`; None for any other text.
    """
    if found := re.fullmatch(r"(?:(\d{1,2})[-/ ]([a-z]{3})|([a-z]{3})[-/ ](\d{1,2}))", text):
        day, month = (found[1], found[2]) if found[1] else (found[4], found[3])
        if month not in _MONTHS:
            return None
        low, high = sorted((int(day), _MONTHS[month]))
        return Ages(low, high)
    if found := re.fullmatch(r"(\d{2})(\d{2})-(\d{2})-(\d{2})(?:[ t][\d:.]+)?", text):
        month, day = int(found[3]), int(found[4])
        low, high = sorted((month, int(found[2]) if day == 1 else day))
        return Ages(low, high)
    return None


def parse_age(raw: str) -> Ages | None:
    """Return the age or range of ages in a cell.

    Understands `24`, `24.0`, `20-29`, `20–29`, `20 to 29`, `[18,30)`, `70+`, `more than 70`, `>= 60`, `<18`, `under 30`,
    `child`, and ranges that a spreadsheet turned into dates. None for any other text, and for ages above 125.
    """
    text = " ".join(raw.strip().casefold().split())
    if text in _MINORS:
        return Ages(0, 17)
    if found := re.fullmatch(r"(\d{1,3})(?:\.\d+)?(?: years?(?: old)?)?", text):
        low, high = int(found[1]), int(found[1])
    elif found := re.fullmatch(r"(\d{1,3}) ?(?:-|–|—|to|_) ?(\d{1,3})(?: years?)?", text):
        low, high = int(found[1]), int(found[2])
    elif found := re.fullmatch(r"\[(\d{1,3}), ?(\d{1,3})\)", text):
        low, high = int(found[1]), int(found[2]) - 1
    elif found := re.fullmatch(
        r"(?:more than|over|above|older than|>=?|≥) ?(\d{1,3})|(\d{1,3}) ?(?:\+|and (?:over|above|older|up)|or older)", text
    ):
        return _plausible_ages(int(found[1] or found[2]), None)
    elif found := re.fullmatch(r"(?:less than|under|below|younger than|<) ?(\d{1,3})", text):
        low, high = 0, int(found[1]) - 1
    else:
        return _age_from_date(text)
    return _plausible_ages(low, high)


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
