from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from faceparity.harness.results import Evaluation
from faceparity.reports.formats.csv_tables import tables, write_tables
from faceparity.reports.wording.csv_rows import cell


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx", " =1", "\n=1", "\u00a0=1", "\ufeff=1", "＝1", "-", "＠x"]
)
def test_text_that_a_spreadsheet_would_run_is_disarmed(text: str) -> None:
    assert cell(text).startswith("'")


@pytest.mark.parametrize("text", ["a;=1+1", "a;  @x", "a\t=1", "a\n-1", "a\r\n+1"])
def test_so_is_text_that_another_separator_would_split(text: str) -> None:
    """Where the comma is the decimal sign, spreadsheets split at semicolons, whatever is quoted."""
    for part in re.split("[;\t\r\n]", cell(text)):
        assert not part.lstrip().startswith(("=", "+", "-", "@"))


@pytest.mark.parametrize("text", ["30-44", "Black", "a, b", "x = y", "female × East Asian", "é", "", "60+", "a;b", "don't"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert cell(text) == text


def test_numbers_are_not_text_and_stay_exact() -> None:
    assert cell(-1.5) == "-1.5"
    assert cell(-3) == "-3"
    assert cell(-1e-7) == "-1e-07"
    assert float(cell(0.1 + 0.2)) == 0.1 + 0.2
    assert cell(None) == ""
    assert cell(True) == "true"


def test_no_cell_of_hostile_names_is_a_formula(variants: dict[str, Evaluation], tmp_path: Path) -> None:
    for path in write_tables(variants["hostile"], tmp_path):
        for row in read(path):
            for value in row.values():
                assert not value.startswith(("=", "+", "@", "\t", "\r"))
                assert not value.startswith("-") or float(value) < 0


def test_every_rate_of_the_record_is_in_rates_csv_exactly(variants: dict[str, Evaluation], tmp_path: Path) -> None:
    e = variants["contaminated"]
    write_tables(e, tmp_path)
    rows = read(tmp_path / "rates.csv")
    want = []
    for g in e.groupings:
        for outer in g.operating_points:
            for reading, p in (("all", outer), ("without_likely_same_person", outer.without_likely_same_person)):
                if p is not None:
                    for measure, rates in (("fmr", p.fmr), ("fnmr", p.fnmr), ("fmr_matrix", p.fmr_matrix)):
                        want += [(reading, measure, r.group, r.group_b or "", r.design, r.comparisons, r.rate) for r in rates]
    got = [
        (
            r["reading"],
            r["measure"],
            r["group"],
            r["group_b"],
            r["design"],
            int(r["comparisons"]),
            float(r["rate"]) if r["rate"] else None,
        )
        for r in rows
        if not r["measure"].endswith("_overall")
    ]
    assert got == want
    assert all(r["reason"] for r in rows if not r["rate"])


def test_rows_are_as_long_as_their_header_and_bytes_are_the_same_twice(variants: dict[str, Evaluation], tmp_path: Path) -> None:
    for e in variants.values():
        for header, rows in tables(e).values():
            assert all(len(row) == len(header) for row in rows)
    first = [p.read_bytes() for p in write_tables(variants["plain"], tmp_path / "a")]
    assert first == [p.read_bytes() for p in write_tables(variants["plain"], tmp_path / "b")]
    assert all(b"\r" not in x and x.endswith(b"\n") for x in first)


def test_curves_hold_every_count(variants: dict[str, Evaluation], tmp_path: Path) -> None:
    e = variants["distance"]
    write_tables(e, tmp_path)
    rows = read(tmp_path / "curves.csv")
    assert sum(int(r["non_mated"]) for r in rows) == sum(sum(c.non_mated) for g in e.groupings for c in g.curves)
    assert all(float(r["native_score"]) == -float(r["score"]) for r in rows)
