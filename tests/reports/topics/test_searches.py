"""Published searches in the reports: every figure of the record, refusals and absences said, nothing unescaped."""

from __future__ import annotations

import csv
import io
from types import ModuleType

import pytest
from rich.console import Console

from faceparity.harness.results import Evaluation, Search, SearchGallery, SearchGroups, SearchPoint, SearchRank, canonical
from faceparity.reports.formats import terminal
from faceparity.reports.formats.csv_tables import tables
from faceparity.reports.formats.html import render
from faceparity.reports.formats.markdown import summary
from faceparity.reports.topics import searches
from faceparity.reports.wording.csv_rows import to_csv
from faceparity.reports.wording.narrative import forbidden


def gallery(builder: ModuleType, name: str, hit: float, **counts: int) -> SearchGallery:
    def groups(**rates: int) -> list[SearchGroups]:
        of = {k: [builder.rate("Female", 400, 800, n, "all")] for k, n in rates.items()}
        return [SearchGroups(attributes=["gender"], fpir=of.get("fpir", []), fnir=of["fnir"], unlabelled=33)]

    ranks = [
        SearchRank(
            rank=r, hit_rate=hit, hit_rate_including_failures=hit - 0.05, missed=builder.rate("all mated searches", 900, 3000, 30, "all"),
            groupings=groups(fnir=44),
        )
        for r in (1, 5)
    ]  # fmt: skip
    t = None if name == "mean" else 0.4321
    points = [
        SearchPoint(
            target_fpir=0.01, threshold=t, native_threshold=t, achieved_fpir=0.0097, selectivity=0.0123,
            fpir=builder.rate("all non-mated searches", 700, 3000, 29, "all"),
            fnir=builder.rate("all mated searches", 900, 3000, 60, "all"),
            fnir_rank_1=builder.rate("all mated searches", 900, 3000, 66, "all"), groupings=groups(fpir=17, fnir=55),
        ),
        SearchPoint(target_fpir=0.001, threshold=None, native_threshold=None, reason="too_few_comparisons_for_target",
                    needs_searches=10_000),
    ]  # fmt: skip
    return SearchGallery(name=name, ranks=ranks, points=points, **counts)


def search(builder: ModuleType, **more: object) -> Search:
    counts = {
        "templates": 1772, "failed_templates": 4, "absent_templates": 0, "mated": 3000, "non_mated": 3100, "failed_mated": 12,
        "failed_non_mated": 9, "left_out": 0,
    }  # fmt: skip
    galleries = [gallery(builder, "G1", 0.9712, **counts), gallery(builder, "G2", 0.9534, **counts)]
    values: dict[str, object] = {
        "name": "1:N (Test 4)", "source": "probes.csv", "probes": 6100, "failed_probes": 7, "absent_probes": 0, "subjects": 3531,
        "galleries": galleries, "mean": gallery(builder, "mean", 0.9623),
    }  # fmt: skip
    return Search(**{**values, **more})  # type: ignore[arg-type]


@pytest.fixture
def evaluation(builder: ModuleType, variants: dict[str, Evaluation]) -> Evaluation:
    return canonical(variants["plain"].model_copy(update={"searches": [search(builder)]}))


def shown(e: Evaluation, width: int = 80) -> str:
    out = io.StringIO()
    Console(file=out, width=width).print(terminal.render([e]))
    return out.getvalue()


def test_each_gallery_and_the_mean_are_told(evaluation: Evaluation) -> None:
    page = " ".join(render([evaluation]).split())
    for text in (page, " ".join(shown(evaluation, 200).split()), " ".join(summary([evaluation]).split())):
        for cell in (
            "97.1 %",
            "95.3 %",
            "96.2 %",
            "6,100 probes of 3,531 people, 7 of them without a template",
            "Gallery G2",
            "Mean of galleries",
        ):
            assert cell in text
        assert "refused: 10,000 searches needed" in text
        assert "gallery G1 of 1,772 templates (4 could not be made): 3,000 mated and 3,100 non-mated searches" in text
    for cell in ("92.1 %", "0.0123", "each its own", "FNIR at rank 1 at FPIR 1 %", "33 searches of an unlabelled probe"):
        assert cell in page


def test_the_terminals_table_fits_eighty_columns(evaluation: Evaluation) -> None:
    lines = shown(evaluation).splitlines()
    at = next(i for i, line in enumerate(lines) if "Failed searches left out" in line)
    assert all(len(line.rstrip()) <= 80 for line in lines[at : at + 20])
    assert "…" not in "".join(lines[at : at + 20])


def test_what_is_absent_is_flagged(builder: ModuleType, variants: dict[str, Evaluation]) -> None:
    assert searches.flags(search(builder)) == []
    bad = search(builder, absent_probes=12)
    bad.galleries[0].absent_templates, bad.galleries[0].left_out = 2, 5
    e = canonical(variants["plain"].model_copy(update={"searches": [bad]}))
    for text in (" ".join(render([e]).split()), " ".join(shown(e).split()), summary([e])):
        assert "Not the whole search: of 14 listed templates" in text
        assert "5 searches for somebody whose gallery template is absent are not made" in text


def test_one_gallery_has_no_mean(builder: ModuleType) -> None:
    one = search(builder)
    one = one.model_copy(update={"galleries": one.galleries[:1], "mean": None})
    assert searches.compact(one)[0] == ["Figure", "Gallery G1"]


def test_a_suppressed_hit_rate_says_why(builder: ModuleType) -> None:
    few = SearchRank(rank=1, hit_rate=None, hit_rate_including_failures=None, missed=builder.rate("x", 12, 40, 3, "all"))
    few.missed.status, few.missed.rate, few.missed.reason = "suppressed", None, "too_few_subjects"
    assert searches.hits(few) == "<30\N{NO-BREAK SPACE}people"


def test_nothing_is_claimed_and_nothing_unescaped(builder: ModuleType, variants: dict[str, Evaluation]) -> None:
    assert not forbidden(searches.WHAT)
    evil = search(builder, name="<script>x</script>\x1b[31m|", source="a|b<i>")
    e = canonical(variants["hostile"].model_copy(update={"searches": [evil]}))
    page = render([e])
    assert "<script>x" not in page
    assert "<i>" not in page
    assert "\x1b" not in page + summary([e]) + searches.contents(evil)


def test_tables_hold_every_number(evaluation: Evaluation) -> None:
    written = tables(evaluation)
    for name in ("searches", "search_rates"):
        assert all(len(r) == len(written[name][0]) for r in written[name][1])
    lists, rates = (list(csv.DictReader(io.StringIO(to_csv(*written[name])))) for name in ("searches", "search_rates"))
    assert [(r["gallery"], r["templates"], r["failed_mated"]) for r in lists] == [
        ("G1", "1772", "12"),
        ("G2", "1772", "12"),
        ("mean", "", ""),
    ]
    key = ("gallery", "measure", "rank", "target_fpir", "grouping")
    errors = {tuple(r[k] for k in key): r["errors"] for r in rates}
    assert errors["G1", "fnir", "1", "", ""] == "30"
    assert errors["G1", "fnir", "1", "0.01", ""] == "66"
    assert errors["mean", "fpir", "", "0.01", "gender"] == "17"
    refused = [r for r in rates if not r["measure"]]
    assert [(r["gallery"], r["needs_searches"]) for r in refused] == [("G1", "10000"), ("G2", "10000"), ("mean", "10000")]
