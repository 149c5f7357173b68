"""What a user is told stays one line, whatever names of a stranger's it quotes."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceparity.datasets.errors import UserError
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
