from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceparity.datasets.loading.label_values import names_of_words, one_name_each


@pytest.mark.parametrize(
    ("attribute", "values", "names"),
    [
        ("skin_tone", ["4", "IV", "V"], ["4", "4", "5"]),
        ("skin_tone", ["IV", "V"], ["IV", "V"]),
        ("skin_tone", ["4", "10"], ["4", "10"]),
        ("region", ["4", "4.0", "5.0", "4.5"], ["4", "4", "5", "4.5"]),
        ("region", ["4.0", "5.0"], ["4.0", "5.0"]),
        ("region", ["1", "-1", "01"], ["1", "-1", "01"]),
        ("region", ["IV", "4"], ["IV", "4"]),
        ("glasses", ["True", "TRUE", "true", "False"], ["true", "true", "true", "false"]),
        ("glasses", ["True", "False"], ["True", "False"]),
        ("glasses", ["TRUE", "1", "0", "0.0"], ["true", "true", "false", "false"]),
        ("glasses", ["yes", "Yes", "no", "1"], ["yes", "yes", "no", "yes"]),
        ("glasses", ["1", "0"], ["1", "0"]),
        ("glasses", ["True", "TRUE", "1", "2"], ["true", "true", "1", "2"]),
        ("glasses", ["True", "1", "sun"], ["True", "1", "sun"]),
    ],
)
def test_one_value_has_one_name(attribute: str, values: list[str], names: list[str]) -> None:
    assert one_name_each(attribute, values) == dict(zip(values, names, strict=True))


NUMBERS = st.sets(st.integers(-20, 20), min_size=1)


@given(NUMBERS, NUMBERS)
def test_numbers_are_as_many_groups_as_they_are_numbers(whole: set[int], floats: set[int]) -> None:
    values = [*(str(n) for n in whole), *(f"{n}.0" for n in floats)]
    assert len(set(one_name_each("region", values).values())) == len(whole | floats)


@pytest.mark.parametrize(
    ("column", "words", "names"),
    [
        ("gender", ["M", "F"], ["M", "F"]),
        ("gender", ["M", "male", "F", "nan", "None", "-1"], ["male", "male", "female", "", "", ""]),
        ("race", ["Black", "black ", "B\u200black", "White"], ["Black", "Black", "Black", "White"]),
        ("skin_tone", ["Type IV", "4.0", "V", "#N/A"], ["4", "4", "5", ""]),
        ("hat", ["none", "cap", "-1", "NA"], ["none", "cap", "-1", ""]),
        ("hat", ["none", " cap", "cap\u00a0"], ["none", "cap", "cap"]),
        ("region", ["north", "North"], ["north", "North"]),
    ],
)
def test_words_of_a_score_file(column: str, words: list[str], names: list[str]) -> None:
    assert names_of_words(column, words) == dict(zip(words, names, strict=True))
