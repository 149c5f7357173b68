from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceparity.datasets.loading.label_vocabulary import (
    Ages,
    age_group_names,
    concept_of_column,
    concept_value,
    is_missing,
    parse_age,
)


@pytest.mark.parametrize(
    ("column", "concept"),
    [
        ("sex", "gender"),
        ("Gender", "gender"),
        ("face_gender", "gender"),
        ("race", "ethnicity"),
        ("face_eth", "ethnicity"),
        ("Perceived Race", "ethnicity"),
        ("Age", "age_group"),
        ("age-group", "age_group"),
        ("SKINTONE", "skin_tone"),
        ("region", None),
        ("country", None),
        ("language", None),
        ("image", None),
    ],
)
def test_columns_are_known_only_by_true_synonyms(column: str, concept: str | None) -> None:
    assert concept_of_column(column) == concept


@pytest.mark.parametrize(
    ("attribute", "raw", "value"),
    [
        *(("ethnicity", word, "Black") for word in ("African", "B", "black", "african-american", "african_american", "BLACK ")),
        *(("ethnicity", word, "White") for word in ("white", "white-american", "Caucasian", "W")),
        *(("ethnicity", word, "Hispanic") for word in ("Latino_Hispanic", "hispanic-american", "Hispanic/Latino")),
        *(("ethnicity", word, word) for word in ("East Asian", "Southeast Asian", "Indian", "Middle Eastern")),
        ("ethnicity", "west_asian", "West Asian"),
        ("ethnicity", "multi-racial-american", "Multiracial"),
        ("ethnicity", "Black/African American", "Black"),
        ("ethnicity", "east_asian/white", None),
        ("ethnicity", "Klingon", None),
        ("ethnicity", "male", None),
        *(("gender", word, "male") for word in ("male", "M", "man", "Male")),
        *(("gender", word, "female") for word in ("female", "F", "woman")),
        ("gender", "1", None),
        ("hair", "brown", None),
    ],
)
def test_words_come_to_one_name_or_to_none(attribute: str, raw: str, value: str | None) -> None:
    assert concept_value(attribute, raw) == value


def test_a_card_overrides_the_words() -> None:
    words = {"east_asian/white": "Multiracial", "I": "Indian"}
    assert concept_value("ethnicity", "East Asian/White", words) == "Multiracial"
    assert concept_value("ethnicity", "I", words) == "Indian"
    assert concept_value("ethnicity", "black", {"Black": "African diaspora"}) == "African diaspora"


def test_missing_is_not_a_value() -> None:
    assert all(is_missing(cell) for cell in ("", "  ", "NA", "n/a", "NaN", "unknown", "?"))
    assert not any(is_missing(cell) for cell in ("none", "0", "Namibia"))


@pytest.mark.parametrize(
    ("raw", "ages"),
    [
        ("24", Ages(24, 24)),
        ("24.0", Ages(24, 24)),
        ("20-29", Ages(20, 29)),
        ("20–29", Ages(20, 29)),
        ("[18, 30)", Ages(18, 29)),
        ("more than 70", Ages(70, None)),
        ("70+", Ages(70, None)),
        ("60 and over", Ages(60, None)),
        ("<18", Ages(0, 17)),
        ("under 30", Ages(0, 29)),
        ("child", Ages(0, 17)),
        *((word, Ages(3, 9)) for word in ("3-9", "03-Sep", "3-Sep", "9-Mar", "09-Mar", "Sep-03", "2019-03-09 00:00:00")),
        *((word, Ages(10, 19)) for word in ("10-19", "Oct-19", "19-Oct", "2019-10-01")),
        *((word, None) for word in ("", "NA", "young", "29-20", "999", "03-Foo", "-5", "1938")),
    ],
)
def test_ages_are_understood_however_written(raw: str, ages: Ages | None) -> None:
    assert parse_age(raw) == ages


@given(st.text(max_size=20))
def test_no_text_breaks_the_reading_of_ages_and_words(text: str) -> None:
    ages = parse_age(text)
    assert ages is None or 0 <= ages.low <= (125 if ages.high is None else ages.high) <= 125
    concept_value("ethnicity", text)
    concept_of_column(text)


@given(st.integers(0, 124), st.integers(0, 124))
def test_every_range_reads_back_as_it_is_shown(a: int, b: int) -> None:
    ages = Ages(min(a, b), max(a, b))
    assert parse_age(ages.name) == ages


def test_ages_nest_in_four_groups_with_en_dashes() -> None:
    ages = [Ages(a, a) for a in (18, 29, 30, 44, 45, 59, 60, 99, 17)]
    assert age_group_names(ages) == ["18–29", "18–29", "30–44", "30–44", "45–59", "45–59", "60+", "60+", "0–17"]
    assert age_group_names([Ages(18, 24), Ages(25, 29), Ages(65, None), None]) == ["18–29", "18–29", "60+", None]


def test_bins_that_do_not_nest_are_kept() -> None:
    assert age_group_names([Ages(20, 29), Ages(40, 49), Ages(70, None)]) == ["20–29", "40–49", "70+"]
    assert age_group_names([Ages(20, 29)]) == ["18–29"]
    assert age_group_names([Ages(20, 29)], own_bins=True) == ["20–29"]
    assert age_group_names([Ages(40, 49), Ages(43, 43), Ages(50, 50)]) == ["40–49", "40–49", None]


def test_whoever_may_be_under_18_is_a_minor() -> None:
    assert [parse_age(raw).minor for raw in ("0-2", "10-19", "17", "<30", "Oct-19")] == [True] * 5  # type: ignore[union-attr]
    assert [parse_age(raw).minor for raw in ("18", "18-24", "more than 70")] == [False] * 3  # type: ignore[union-attr]
