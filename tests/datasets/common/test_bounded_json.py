"""JSON is looked over before it is parsed: what would fill the memory is refused, what any record holds is not."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from faceparity.datasets.common.bounded_json import JsonLimits, TooMuchError, check_json

LIMITS = JsonLimits(
    size=100_000, entries=100, keys=50, text=1000, depth=8, values=1000, names=frozenset({b"a", b"b"}), other_names=60
)


def many(n: int) -> dict[str, int]:
    """An object of n keys of other names."""
    return {f"k{k}": 0 for k in range(n)}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (json.dumps([0] * 101), "a list has more than 100 entries"),
        (json.dumps({"a": [{"b": [""] * 101}]}), "a list has more than 100 entries"),
        (json.dumps([[1]] * 101), "a list has more than 100 entries"),
        (json.dumps(many(51)), "an object has more than 50 keys"),
        (json.dumps([many(40)] * 2), "more than 60 keys of other names"),
        (json.dumps([many(40)] * 2, separators=(",", " \n:")), "more than 60 keys of other names"),
        (json.dumps("x" * 1001), "a text of more than 1,000 bytes"),
        ("[" * 9 + "]" * 9, "nests deeper than 8 levels"),
        ('{"a":' * 9 + "0" + "}" * 9, "nests deeper than 8 levels"),
        (json.dumps([[0] * 99] * 30), "more than 1,8"),
        (" " * 100_001, "larger than"),
    ],
)
def test_too_much_is_refused(text: str, told: str) -> None:
    with pytest.raises(TooMuchError, match=told):
        check_json(text.encode(), LIMITS)


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([0] * 100),
        json.dumps([{"a": "[" * 50 + "{" * 50 + '",,,"' * 100 + "\\"}] * 20),
        json.dumps({f"k{k}": 0 for k in range(20)}),
        json.dumps("\\" * 400 + '"'),
        "[[[[[[[[]]]]]]]]",
        "",
        '"never ends \\"',
        "]]]}}}",
        "nonsense",
        "[0,",
    ],
)
def test_anything_else_is_the_parsers_business(text: str) -> None:
    check_json(text.encode(), LIMITS)


def test_more_values_may_stand_in_more_bytes() -> None:
    text = json.dumps([[0] * 99] * 30, separators=(",", ":      "))
    check_json((text + " " * 20_000).encode(), LIMITS)
    with pytest.raises(TooMuchError):
        check_json(text.encode(), replace(LIMITS, values=100))
