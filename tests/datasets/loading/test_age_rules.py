from __future__ import annotations

import pytest

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.loading.age_rules import check_no_codes, unread_ages, unread_ages_kept


def column(*words: str) -> tuple[dict[str, str], dict[str, str]]:
    """The files' ages, and their rows."""
    return {f"{i}.jpg": word for i, word in enumerate(words)}, {f"{i}.jpg": f"labels.csv:{i + 2}" for i in range(len(words))}


def test_up_to_a_tenth_of_the_ages_is_left_out_and_more_is_asked_about() -> None:
    tenth = ["999", *["30"] * 9, *["", "NA"] * 20]
    assert unread_ages(*column(*tenth)) == {"0.jpg": "age '999' cannot be read"}
    with pytest.raises(UserError, match=r"2 of 10 ages cannot be read \(first: labels\.csv:2: '999'\)"):
        unread_ages(*column("999", "998", *["30"] * 8, *[""] * 20))


def test_they_can_be_kept() -> None:
    with unread_ages_kept(True):
        assert unread_ages(*column("999", "998")) == {}
    with pytest.raises(UserError):
        unread_ages(*column("999", "998"))


@pytest.mark.parametrize("words", [["0", "1", "2"], ["5", "6", ""], ["0-2", "3-9", "NA"], ["1", "1"]])
def test_ages_that_may_be_codes_are_asked_about(words: list[str]) -> None:
    with pytest.raises(UserError, match=r"are under 18 .* codes .* --include-minors"):
        check_no_codes(*column(*words))


@pytest.mark.parametrize("words", [["0", "18"], ["child", "teens"], ["5", "adult"], ["5", "", ""], ["", ""], ["17-18", "30"]])
def test_others_are_no_codes(words: list[str]) -> None:
    check_no_codes(*column(*words))
