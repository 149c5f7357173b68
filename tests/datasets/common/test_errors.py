"""What a user is told stays one line, whatever names of a stranger's it quotes."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.sanitise import whole_number
from faceparity.datasets.registry import load_dataset


def test_a_line_stays_a_line() -> None:
    assert str(UserError("a\nb\r\x1b[2Jc\u2028d\u202ee")) == r"a\nb\r\x1b[2Jc\u2028d\u202ee"
    assert str(UserError(str(UserError("a\\b\n")))) == r"a\b\n"


def test_a_column_whose_name_has_lines(tmp_path: Path) -> None:
    """Found by spoiling a good table."""
    (tmp_path / "0.png").write_bytes(b"")
    (tmp_path / "labels.csv").write_text('"x\ny",gender\n0.png,F\n')
    with pytest.raises(UserError, match="no column of image paths") as caught:
        load_dataset(f"folder={tmp_path}")
    assert r"x\ny" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("text", "number"), [("0", 0), (" 17 ", 17), ("007", 7), ("999999999", 999_999_999)])
def test_a_whole_number(text: str, number: int) -> None:
    assert whole_number(text) == number


@pytest.mark.parametrize("text", ["", " ", "-1", "+1", "1.0", "1_000", "\u00b2", "\u0663", "1000000000", "9" * 5000, "one"])
def test_no_whole_number(text: str) -> None:
    assert whole_number(text) is None
