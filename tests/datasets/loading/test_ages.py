from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceparity.datasets.loading.ages import Ages, age_group_names, is_unread_age, likely_damage, parse_age

THREE_TO_NINE = (
    *(
        "3-9",
        "3–9",
        "3\u20119",
        "3−9",
        "3~9",
        "3〜9",
        "(3, 9)",
        "[3, 9]",
        "[3,10)",
        "(2, 9]",
        "3-9 years old",
        "3 to 9",
        "3 bis 9",
    ),
    *("between 3 and 9", "aged 3-9", "3-9yo", "3-9 yrs", "\u200b3 -\u00a09 "),
    *("03-Sep", "3-Sep", "9-Mar", "09-Mar", "Sep-03", "03. Sep", "03.Sep", "3. September", "09.Mrz", "09. Mär", "9-mars"),
    *("03-sept", "03-sept.", "03/set", "03/Sep", "03-set", "03-sep", "09.mar", "03.сен", "03.Eyl", "3.syys"),
    *("03-wrz", "3月9日", "3/9", "03/09", "3.IX"),
)
TEN_TO_NINETEEN = (
    *(
        "10-19",
        "10s",
        "10's",
        "Oct-19",
        "19-Oct",
        "Okt 19",
        "Okt. 19",
        "oct.-19",
        "ott-19",
        "out/19",
        "okt-19",
        "окт.19",
        "paź.19",
    ),
    *("Eki.19", "loka.19", "Οκτ-19"),
)


@pytest.mark.parametrize(
    ("raw", "ages"),
    [
        ("24", Ages(24, 24)),
        ("24.0", Ages(24, 24)),
        ("20-29", Ages(20, 29)),
        ("20–29", Ages(20, 29)),
        ("20s", Ages(20, 29)),
        ("[18, 30)", Ages(18, 29)),
        ("(17, 30]", Ages(18, 30)),
        ("(17.0, 30.0]", Ages(18, 30)),
        *(
            (word, Ages(70, None))
            for word in ("more than 70", "70+", "70 and over", "70 plus", "≥70", ">= 70 years", "70 or more")
        ),
        *(
            (word, Ages(0, 17))
            for word in ("<18", "under 18", "U18", "u-18", "under-18", "<=17", "≤17", "17 and under", "up to 17")
        ),
        ("under 30", Ages(0, 29)),
        *((word, Ages(0, 17)) for word in ("child", "Teens", "minor", "minors", "babies", "teen\u200bs")),
        *(
            (word, Ages(13, 13))
            for word in ("13yo", "13 yrs", "13,5", "13.5", "13 y/o", "13 y.o.", "13-year-old", "age 13", "１３")
        ),
        *((word, Ages(0, 0)) for word in ("8 months", "3 weeks", "11 mo", "5 days old")),
        ("18 months", Ages(1, 1)),
        ("0~2", Ages(0, 2)),
        ("(8, 12)", Ages(8, 12)),
        ("[8, 12]", Ages(8, 12)),
        *((word, Ages(3, 9)) for word in THREE_TO_NINE),
        *((word, Ages(10, 19)) for word in TEN_TO_NINETEEN),
        *((word, None) for word in ("", "NA", "young", "29-20", "999", "03-Foo", "-5", "1938", "Mar-95", "20-29-30", "13 ducks")),
    ],
)
def test_ages_are_understood_however_written(raw: str, ages: Ages | None) -> None:
    assert parse_age(raw) == ages


DATES = (
    *("2019-03-09 00:00:00", "2019-10-01", "01.10.2019", "10/19/2019", "1-Oct-19", "03. Sep 2019", "2019年10月1日", "2019-10"),
    *("43739", "43739.0", "45178"),
)


@pytest.mark.parametrize("raw", DATES)
def test_full_dates_and_serial_numbers_are_never_guessed(raw: str) -> None:
    assert parse_age(raw) is None
    assert is_unread_age(raw)
    assert "turned a range such as 3-9 or 10-19 into a date" in likely_damage(raw)


def test_unread_are_cells_with_digits_only() -> None:
    assert all(is_unread_age(word) for word in ("999", "-5", "1938", "13 ducks", "03-Foo", "group 2", "3rd", "٩٩٩"))
    assert not any(
        is_unread_age(word) for word in ("", "NA", "-1", "-1.0", "1.#IND", "young", "middle aged", "senior", "24", "child")
    )
    assert not any(likely_damage(word) for word in ("999", "-5", "1938", "13 ducks", "group 2"))


@pytest.mark.slow
@given(st.text(max_size=20) | st.text("0123456789-–.,()[]<> /yoJanMärz年月", max_size=12))
def test_no_text_breaks_the_reading_of_ages(text: str) -> None:
    ages = parse_age(text)
    assert ages is None or 0 <= ages.low <= (125 if ages.high is None else ages.high) <= 125
    likely_damage(text)


WRITTEN = (
    "{a}-{b}",
    "({a}, {b})",
    "[{a}, {b}]",
    "{a}~{b}",
    "{a} – {b}",
    "{a} to {b} years old",
    "{a}\u200b-\u00a0{b}yo",
    "{a}.5-{b}",
)


@given(st.integers(0, 124), st.integers(0, 124), st.sampled_from(WRITTEN))
def test_every_range_reads_back_however_written(a: int, b: int, written: str) -> None:
    ages = Ages(min(a, b), max(a, b))
    assert parse_age(ages.name) == ages
    assert parse_age(written.format(a=ages.low, b=ages.high)) == ages


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
