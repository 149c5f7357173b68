from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceparity.datasets.common.sanitise import one_spelling
from faceparity.datasets.loading.subject_ids import count_similar, one_id_each, one_subject_each

INVISIBLE = "".join(chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) == "Cf")
WHITE = "".join(chr(c) for c in range(0x110000) if chr(c).isspace())
WORD = st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=4)


@st.composite
def spellings(draw: st.DrawFn) -> tuple[str, list[str]]:
    """An id of one to three words, and its spellings."""
    words = draw(st.lists(WORD, min_size=1, max_size=3))
    blank = st.text(WHITE, min_size=1, max_size=2)
    written = []
    for _ in range(draw(st.integers(1, 4))):
        form = draw(st.sampled_from(["NFC", "NFD"]))
        text = draw(blank).join(words)
        text = "".join(character + draw(st.text(INVISIBLE, max_size=1)) for character in text)
        written.append(draw(st.text(WHITE + INVISIBLE, max_size=2)) + unicodedata.normalize(form, text) + draw(blank))
    return " ".join(words), written


@given(spellings())
def test_all_spellings_of_one_id_are_one(case: tuple[str, list[str]]) -> None:
    id_, written = case
    assert set(one_id_each([id_, *written]).values()) == {one_spelling(id_)}


@given(st.text())
def test_one_spelling_is_the_end_of_it(text: str) -> None:
    found = one_spelling(text)
    assert one_spelling(found) == found
    assert found == found.strip()
    assert not set(found) & set(INVISIBLE)
    assert not set(found) & (set(WHITE) - {" "})


@given(st.sets(st.integers(0, 999), min_size=1), st.lists(st.integers(0, 999), min_size=1))
def test_whole_numbers_with_and_without_a_fraction_are_one(plain: set[int], floats: list[int]) -> None:
    words = [*(str(n) for n in plain), *(f"{n}.0" for n in floats)]
    assert set(one_id_each(words).values()) == {str(n) for n in plain | set(floats)}


@pytest.mark.parametrize("other", ["1.5", "2.25", "0,5", "3.00", "-1.5"])
def test_beside_other_fractions_a_whole_number_keeps_its_own(other: str) -> None:
    assert one_id_each(["1", "1.0", other]) == {"1": "1", "1.0": "1.0", other: other}


def test_what_is_no_whole_number_keeps_its_end() -> None:
    words = ["p1.0", "1.0.0", "-2.0", "v1.0", "٣.0"]
    assert one_id_each(words) == {word: word for word in words}


@pytest.mark.parametrize(
    "word", ["", " ", "nan", "NaN", "None", "NA", "N/A", "unknown", "-1", "-1.0", "<NA>", "#N/A", "null", "\u200bnan\u00a0", "−1"]
)
def test_a_word_for_missing_is_nobody(word: str) -> None:
    assert one_subject_each([word, "Nancy", "N", "1"]) == {word: "", "Nancy": "Nancy", "N": "N", "1": "1"}


def test_similar_ids_are_counted_and_kept_apart() -> None:
    ids = ["001", "1", "p", "P", "q7", "Q07", "ab", "10", "100", "１０"]
    assert one_subject_each(ids) == {id_: id_ for id_ in ids}
    assert count_similar(ids) == 8
    assert count_similar(["1", "1.0", "1.5"]) == 2
    assert count_similar(["a", "b", "10", "100", "0", "1000"]) == 0
