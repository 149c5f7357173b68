from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from faceparity.harness import results
from faceparity.harness.results import Bounds, Rate
from faceparity.reports.wording import numbers as f


def plain(text: str) -> str:
    return text.replace(f.NBSP, " ")


@pytest.mark.parametrize(
    ("fraction", "text"),
    [
        (0.0131, "1.31 %"),
        (0.000042, "0.00420 %"),
        (0.5, "50.0 %"),
        (1.0, "100 %"),
        (0.09996, "10.0 %"),
        (0.0, "0 %"),
        (None, "–"),
    ],
)
def test_percent_keeps_three_significant_digits(fraction: float | None, text: str) -> None:
    assert plain(f.percent(fraction)) == text


def test_percent_never_writes_a_small_rate_as_zero() -> None:
    assert all(set(f.percent(10.0**-k)) & set("123456789") for k in range(12))


@pytest.mark.parametrize(
    ("threshold", "text"), [(0.6, "0.6"), (0.43512034, "0.43512034"), (16_777_217.0, "16777217"), (-3.0, "-3")]
)
def test_a_threshold_is_printed_with_the_digits_that_name_it(threshold: float, text: str) -> None:
    assert f.native_number(threshold) == text
    assert float(text) == threshold


def test_short_count_fits_seven_characters_and_never_rounds_below_a_million() -> None:
    assert f.short_count(999_999) == "999,999"
    assert plain(f.short_count(1_234_567)) == "1.23 M"
    assert all(len(f.short_count(10**k)) <= 7 for k in range(12))


def test_every_reason_of_the_record_has_words() -> None:
    assert set(get_args(results.Reason)) == set(f.REASONS)


def rate(**more: object) -> Rate:
    base = {
        "group": "A",
        "design": "within",
        "subjects": 60,
        "comparisons": 1770,
        "errors": 20,
        "rate": 20 / 1770,
        "status": "ok",
    }
    return Rate.model_validate(base | more)


def test_rates_read_as_people_read_them() -> None:
    assert plain(f.rate(rate(rate=0.0131, interval=(0.009, 0.018)))) == "1.31 % [0.90, 1.8]"
    assert plain(f.rate(rate(errors=4, rate=4 / 1770, interval=(0, 0.032), status="bound"))) == "≤ 3.2 % (4 of 1,770)"
    hidden = rate(errors=None, rate=None, status="suppressed", reason="too_few_subjects")
    assert plain(f.rate(hidden)) == "<30 people"


def test_zero_errors_show_one_bound_and_never_zero_percent() -> None:
    zero = {
        "errors": 0,
        "rate": None,
        "status": "bound",
        "reason": "zero_errors",
        "bounds": Bounds(independent=0.0021, worst_case=0.1),
    }
    assert plain(f.rate(rate(**zero, interval=(0, 0.0052), design_effect=2.5))) == "≤ 0.52 % (0 of 1,770)"
    alone = rate(**zero, interval=(0, 0.0021))
    assert plain(f.rate(alone)) == "≤ 0.21 % (0 of 1,770) if comparisons were independent"
    assert plain(f.rate(rate(**zero))) == "≤ 10 % (0 of 1,770)", "a record of before has no other bound"


def test_counts_that_do_not_divide_to_their_rate_say_what_they_give() -> None:
    """The example of FairFace: women of seven groups, 2,888 of 231,774."""
    mean = rate(design="matched", mean_over="cells", parts=7, errors=2888, comparisons=231_774, rate=0.0140)
    assert plain(f.counts(mean)) == "7 groups weighted equally; pooled 2,888 of 231,774 = 1.25 %"
    assert plain(f.beside_counts(mean, f.rate(mean))) == "1.40 % (7 groups weighted equally; pooled 2,888 of 231,774 = 1.25 %)"
    few = rate(design="matched", errors=4, comparisons=400, rate=0.004, interval=(0, 0.009), status="bound")
    assert plain(f.rate(few)) == "≤ 0.90 % (groups weighted equally; pooled 4 of 400 = 1.00 %)"
    drawn = rate(design="all", mean_over="draws", errors=4, comparisons=200, rate=0.001)
    assert f.counts(drawn) == "mean over all that could be drawn; 4 of 200 in some draw"
    divides = rate(design="matched", mean_over="cells", parts=2)
    assert f.pooled(divides) is None
    assert f.beside_counts(divides, "x") == "x"


@given(st.integers(0, 500), st.integers(1, 10**6), st.floats(0, 1))
def test_a_rate_and_counts_always_divide_or_the_pooled_rate_is_given(errors: int, comparisons: int, share: float) -> None:
    one = rate(errors=min(errors, comparisons), comparisons=comparisons, rate=share)
    given = f.pooled(one)
    observed = one.errors / comparisons if one.errors is not None else 0.0
    if given is None:
        assert not one.errors or observed == pytest.approx(share, rel=2e-6)
    else:
        assert given == observed
        assert plain(f.percent(given)) in plain(f.counts(one))


def test_names_lose_control_characters_and_direction_overrides() -> None:
    assert f.clean("a\x1b[31m\u202eb\n") == "a [31m b "
    assert f.shorten("x" * 150 + "y" * 150, 10) == "xxxxx…yyyy"


def test_a_rate_of_few_errors_without_an_interval_has_them_beside_it() -> None:
    few = {"group": "g", "design": "within", "subjects": 33, "status": "ok", "reason": "too_few_subjects_for_interval"}
    assert (
        plain(f.rate(Rate.model_validate({**few, "comparisons": 1067, "errors": 2, "rate": 2 / 1067}))) == "0.187 % (2 of 1,067)"
    )
    assert plain(f.rate(Rate.model_validate({**few, "comparisons": 1067, "errors": 16, "rate": 16 / 1067}))) == "1.50 %"
