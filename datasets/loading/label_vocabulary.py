"""Named concepts: which columns are gender, ethnicity, age group or skin tone, and which words mean the same.

Nothing here guesses anything about a person: words that sets already use for a label are only mapped to one common
word.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from faceparity.datasets.common.sanitise import one_spelling

CONCEPTS = ("gender", "ethnicity", "age_group", "skin_tone")
"""The attributes that have a name of their own, in the order in which they are shown."""

_COLUMNS = {
    "gender": {"gender", "sex"},
    "ethnicity": {"ethnicity", "ethnic", "eth", "ethnic_group", "race", "racial_group", "race_ethnicity", "ethnicity_race"},
    "age_group": {"age_group", "agegroup", "age", "age_band", "age_range", "age_bin", "age_bracket", "age_category", "age_years"},
    "skin_tone": {"skin_tone", "skintone", "skin_type", "fitzpatrick", "fitzpatrick_type", "monk_skin_tone", "monk", "skin"},
}
_COLUMN_PREFIXES = ("face_", "subject_", "person_", "perceived_", "apparent_", "self_reported_", "annotated_")
SUBJECT = "subject"
"""The column of people's ids, which is no attribute."""
_MISSING = {"", "na", "n/a", "n.a.", "nan", "null", "unknown", "?", "-", "not stated", "prefer not to say"} | {
    *("<na>", "-nan", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan"),
    *("#n/a", "#n/a n/a", "#na", "#n/d", "#nv", "#ref!", "#value!", "#name?", "#null!", "#num!", "#div/0!"),
}
"""In any column: no set's own word for a value; what programs and spreadsheets write where they have none."""
_MISSING_OF_PEOPLE = _MISSING | {"none", "-1"}
"""In the columns of subjects and concepts; elsewhere `none` and -1 may be values, as in hats=none."""

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

_MINUS = re.compile(r"[-\u2010-\u2015\u2212\ufe63\uff0d] ?(?=[0-9.])")
_NUMBER = re.compile(r"(-?[0-9]+)\.0*")
_TONE = re.compile(r"^(?:(?:fitzpatrick|fst|monk|mst)_?)?(?:skin_?)?(?:type|tone|scale)?_?")
"""What people write before the number of a skin type."""


def without_zeros(word: str) -> str:
    """Return a word, without the `.0` of a whole number."""
    found = _NUMBER.fullmatch(word)
    return found[1] if found else word


def _normalised(word: str) -> str:
    word = one_spelling(word).casefold()
    sign = "-" if _MINUS.match(word) else ""  # of a number: elsewhere hyphens are blanks
    return sign + without_zeros(re.sub(r"[\s_\-\u2010-\u2015\u2212\ufe63\uff0d]+", "_", word).strip("_"))


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


def is_missing(raw: str, column: str = "") -> bool:
    """Return whether a cell says that there is no value.

    Such are an empty cell, NA, unknown, ? and others, in any case of letters; of subjects and concepts also `none` and
    -1. column: a concept, `SUBJECT`, or any other attribute.
    """
    word = one_spelling(raw).casefold()
    if column != SUBJECT and column not in CONCEPTS:
        return word in _MISSING
    return word in _MISSING_OF_PEOPLE or (_MINUS.match(word) is not None and _normalised(word) == "-1")


def mapped_word(raw: str, words: Mapping[str, str]) -> str | None:
    """Return what a card's own words map a cell to.

    They are compared as written, then without regard to case, blanks, hyphens, underscores and the `.0` of a whole
    number, but with a number's sign; None if there is no such word.
    """
    if not words:
        return None
    if (exact := words.get(raw.strip())) is not None:
        return exact
    return {_normalised(word): value for word, value in words.items()}.get(_normalised(raw))


def concept_value(attribute: str, raw: str, overrides: Mapping[str, str] | None = None) -> str | None:
    """Return the named value that a word stands for.

    None if nothing maps it. overrides: a card's own words, tried first, see `mapped_word`. "Black/African American" is
    Black, because both parts are; "East Asian/White" is None: what it means, the card must say. Ages are not words: see
    `parse_age` in `ages`.
    """
    if overrides and (found := mapped_word(raw, overrides)) is not None:
        return found
    table = _SYNONYMS.get(attribute, {})
    word = _normalised(raw)
    if (value := table.get(word)) is not None:
        return value
    if attribute == "skin_tone" and (found := table.get(_TONE.sub("", word, count=1))) is not None:
        return found
    parts = {table.get(_normalised(part)) for part in raw.split("/")}
    return parts.pop() if len(parts) == 1 else None
