from __future__ import annotations

import pytest

from faceparity.datasets.loading.label_vocabulary import concept_of_column, concept_value, is_missing


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
        *(("skin_tone", word, "4") for word in ("4", "4.0", "4.", "Type 4", "MST 4", " 4\u200b")),
        *(("skin_tone", word, "IV") for word in ("IV", "iv", "Type IV", "type-iv", "Fitzpatrick IV", "Fitzpatrick type IV")),
        *(("skin_tone", word, None) for word in ("-1", "−1", "-4", "4.5", "XI", "Type", "VII")),
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


def test_a_number_keeps_its_sign() -> None:
    words = {"1": "male", "2": "female"}
    assert [concept_value("gender", word, words) for word in ("1", "1.0", "2", "-1", "−1", "-2", "–1", "1.5")] == [
        *("male", "male", "female"), *[None] * 5
    ]  # fmt: skip
    assert concept_value("gender", "-1", {"-1": "male", "1": "female"}) == "male"
    assert concept_value("gender", "−1.0", {"-1": "male", "1": "female"}) == "male"


EVERYWHERE = ("", "  ", "NA", "n/a", "NaN", "unknown", "?", "<NA>", "#N/A", "\u200b", "\u00a0NA\u2060", "1.#IND")
OF_PEOPLE = ("none", "None", "-1", "-1.0", "−1")


def test_missing_is_not_a_value() -> None:
    assert all(is_missing(cell) for cell in EVERYWHERE)
    assert not any(is_missing(cell) for cell in ("0", "Namibia", *OF_PEOPLE))
    for column in ("subject", "gender", "ethnicity", "age_group", "skin_tone"):
        assert all(is_missing(cell, column) for cell in (*EVERYWHERE, *OF_PEOPLE))
        assert not any(is_missing(cell, column) for cell in ("0", "Namibia", "1", "-2", "nobody"))
