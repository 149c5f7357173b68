"""The indices of spread: range and weakness beside each, the lesser ones folded; EER and d′ as descriptions only."""

from __future__ import annotations

import csv
import io

import pytest

from faceparity.harness.metrics.differential import MEASURES
from faceparity.harness.results import Evaluation, Separation
from faceparity.reports.formats.csv_tables import tables
from faceparity.reports.layout.elements import Fold, Item, Table, Text
from faceparity.reports.sections.indices import index_items, index_range, index_weakness, separation_items
from faceparity.reports.wording.csv_rows import named_indices, to_csv
from faceparity.reports.wording.headline import finest
from faceparity.reports.wording.narrative import forbidden


@pytest.fixture
def told(variants: dict[str, Evaluation]) -> tuple[Evaluation, list[Item]]:
    e = variants["plain"]
    i = e.groupings.index(finest(e))
    return e, index_items(e, i, 0, "k")


def rows_of(items: list[Item]) -> list[list[str]]:
    return [list(row) for x in items if isinstance(x, Table) for row in x.rows]


def test_range_and_weakness_stand_beside_every_index(told: tuple[Evaluation, list[Item]]) -> None:
    e, items = told
    folded = [inner for x in items if isinstance(x, Fold) for inner in x.items]
    rows = rows_of(items) + rows_of(folded)
    point = finest(e).operating_points[0]
    every = list(named_indices(point.differential))
    assert len(rows) == len(every) > 5
    said = {(row[3], row[8]) for row in rows}
    assert said == {(MEASURES[name].range, MEASURES[name].weakness) for _, name, _, _ in every}


def test_the_main_indices_are_open_and_those_for_other_work_folded(told: tuple[Evaluation, list[Item]]) -> None:
    _, items = told
    fold = next(x for x in items if isinstance(x, Fold))
    assert {row[1] for row in rows_of(items)} <= {"FMR", "FNMR"}
    inside = {row[0] for row in rows_of(list(fold.items))}
    assert {"GARBE, α 0.5", "GARBE, α 0.75", "standard deviation of accuracies"} <= inside
    assert any("Nominal FMR" in x.text for x in fold.items if isinstance(x, Text))


def test_an_index_of_another_version_is_shown_without_what_is_not_known_of_it() -> None:
    assert (index_range("unheard_of"), index_weakness("unheard_of")) == ("–", "–")


def test_indices_csv_has_range_direction_weakness_and_alpha(variants: dict[str, Evaluation]) -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(*tables(variants["plain"])["indices"]))))
    assert rows
    for row in rows:
        m = MEASURES[row["index"]]
        assert (row["range"].lstrip("'"), row["worse"], row["weakness"]) == (m.range, m.worse, m.weakness)
        assert bool(row["alpha"]) == ("alpha" in m.given)
    assert {row["alpha"] for row in rows if row["index"] == "garbe"} == {"0.5", "0.75"}


def test_eer_is_told_as_a_description_and_never_without_saying_so(variants: dict[str, Evaluation]) -> None:
    g = finest(variants["plain"]).model_copy(deep=True)
    assert list(separation_items(g, "k")) == []
    figures = {"mated_mean": 0.6, "mated_sd": 0.1, "non_mated_mean": 0.1, "non_mated_sd": 0.1, "bin_width": 0.002, "d_prime": 5.0}
    g.separation = [
        Separation(group="a", mated=900, non_mated=9000, eer=0.02, eer_within=(0.019, 0.021), eer_threshold=0.3, **figures),
        Separation(group="b", mated=90, non_mated=9000, reason="too_few_errors", **figures),
        Separation(group="c", mated=0, non_mated=9000, reason="no_mated_pairs"),
    ]
    (fold,) = separation_items(g, "k")
    assert isinstance(fold, Fold)
    assert "descriptions only" in fold.summary
    text = next(x.text for x in fold.items if isinstance(x, Text))
    assert "not an operating point" in text
    assert forbidden(text) == []
    first, second = rows_of(list(fold.items))
    assert first[:4] == ["a", "2.00\N{NO-BREAK SPACE}%", "[1.9,\N{NO-BREAK SPACE}2.1]", "5.00"]
    assert second[0] == "b"
    assert "%" not in second[1]


def test_separation_csv_has_a_row_for_every_group(variants: dict[str, Evaluation]) -> None:
    e = variants["distance"].model_copy(deep=True)
    g = finest(e)
    g.separation = [
        Separation(
            group=x.group, mated=40, non_mated=100, eer=0.1, eer_within=(0.0, 0.2), eer_threshold=-0.5, d_prime=2.0, cllr=0.5
        )
        for x in g.groups
    ]
    rows = list(csv.DictReader(io.StringIO(to_csv(*tables(e)["separation"]))))
    assert [r["group"] for r in rows] == [x.group for x in g.groups]
    assert {(r["eer_threshold"], r["eer_native_threshold"], r["eer_lo"]) for r in rows} == {("-0.5", "0.5", "0.0")}
    assert {(r["cllr"], r["min_cllr"], r["miscalibration"]) for r in rows} == {("0.5", "", "")}


def test_calibration_is_told_in_plain_words_and_only_of_groups_that_have_it(variants: dict[str, Evaluation]) -> None:
    g = finest(variants["plain"]).model_copy(deep=True)
    g.separation = [
        Separation(group="a", mated=9, non_mated=9, d_prime=2, eer=0.1, cllr=0.31, min_cllr=0.3, miscalibration=0.01),
        Separation(group="b", mated=9, non_mated=9, d_prime=2, eer=0.1, cllr=1.2, min_cllr=0.3, miscalibration=0.9),
        Separation(group="c", mated=9, non_mated=9, d_prime=2, reason="too_few_errors"),
    ]
    (fold,) = separation_items(g, "k")
    assert isinstance(fold, Fold)
    table = [x for x in fold.items if isinstance(x, Table)][-1]
    assert (table.key, [*map(list, table.rows)]) == (
        "k-calibration",
        [["a", "0.310", "0.300", "0.0100"], ["b", "1.20", "0.300", "0.900"]],
    )
    text = [x.text for x in fold.items if isinstance(x, Text)][-1]
    assert "0 is perfect, 1 is worthless" in text
    assert "chance alone" in text
    assert forbidden(text) == []
    g.separation = [x.model_copy(update={"cllr": None}) for x in g.separation]
    (fold,) = separation_items(g, "k")
    assert isinstance(fold, Fold)
    assert [x.key for x in fold.items if isinstance(x, Table)] == ["k-separation"]
