"""A controlled experiment in the page, the terminal, `summary.md` and the tables."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from faceparity.harness.results import (
    Evaluation,
    Paired,
    PairedCondition,
    PairedDifference,
    PairedFactor,
    PairedPoint,
    Rate,
    canonical,
)
from faceparity.reports.formats.csv_tables import write_tables
from faceparity.reports.formats.html import render
from faceparity.reports.formats.markdown import summary
from faceparity.reports.formats.terminal import render as terminal
from faceparity.reports.topics.paired import paired_sections
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.headline import finest
from faceparity.reports.wording.narrative import forbidden
from faceparity.reports.wording.paired_words import compact, places, sentences, signed
from tests.reports import report_page

TONES, LIGHTS = ["1", "2", "5"], ["dim", "lit"]
CROSS = " × "


def difference(measure: str, factor: str | None, level: str, **more: Any) -> PairedDifference:
    reference = {"tone": "1", "light": "lit", None: "1 × lit"}[factor]
    base: dict[str, Any] = {
        "measure": measure,
        "factor": factor,
        "level": level,
        "reference": reference,
        "subjects": 60,
        "dropped": 2,
    }
    return PairedDifference(**{**base, "comparisons": 7080, **more})


def told(value: float, reference: float, half: float, verdict: str, **more: Any) -> dict[str, Any]:
    d = value - reference
    return {
        "value": value, "reference_value": reference, "difference": d, "interval": (d - half, d + half), "df": 59, "p": 0.001,
        "p_holm": 0.003, "verdict": verdict, **more,
    }  # fmt: skip


def paired(builder: ModuleType, e: Evaluation, names: tuple[str, str] = ("tone", "light")) -> Paired:
    """Tone 5 has fewer false matches, tone 2 nothing to speak of; light has too few errors; nobody fails but under 5 × dim."""
    sign = e.model.score.sign
    conditions = [(t, x) for t in TONES for x in LIGHTS]
    sides: list[tuple[str | None, str]] = [("tone", "2"), ("tone", "5"), ("light", "dim")]
    sides += [(None, CROSS.join(c)) for c in conditions if c != ("1", "lit")]
    scores, ftx, rates = [], [], []
    for factor, level in sides:
        dark = level.startswith("5")
        base = -0.4 if sign == -1 else 0.5
        scores.append(
            difference(
                "non_mated_score", factor, level, **told(base - 0.1 * dark, base, 0.02, "lower" if dark else "inconclusive")
            )
        )
        scores.append(difference("mated_score", factor, level, **told(base + 0.3, base + 0.29, 0.02, "inconclusive")))
        ftx.append(
            difference(
                "ftx",
                factor,
                level,
                errors=0,
                reference_errors=0,
                bound=0.1,
                reason="zero_errors",
            )
            if not dark
            else difference(
                "ftx",
                factor,
                level,
                **told(0.05, 0.01, 0.03, "higher"),
                errors=6,
                reference_errors=1,
                only_here=6,
                only_reference=1,
            )
        )
        rate = (
            told(0.003, 0.0183, 0.009, "lower", errors=63, reference_errors=388, ratio=0.16, ratio_interval=(0.08, 0.34))
            if dark
            else None
        )
        rate = rate or told(0.018, 0.0183, 0.009, "inconclusive", errors=380, reference_errors=388, ratio=0.98)
        rates.append(difference("fmr", factor, level, **rate))
        none = {"errors": 0, "reference_errors": 0, "bound": 0.1, "reason": "zero_errors"}
        rates.append(difference("fnmr", factor, level, **none))
    fmr = [builder.rate(CROSS.join(c), 60, 7080, 140 - 20 * i) for i, c in enumerate(conditions)]
    fnmr = [builder.rate(CROSS.join(c), 60, 60, 0) for c in conditions]
    across = [builder.rate("1 × dim", 60, 240, 12, "cross").model_copy(update={"group_b": "1 × lit"})]
    points = []
    for p in finest(e).operating_points:
        of: dict[str, Any] = {"fmr": fmr, "fnmr": fnmr, "across": across, "differences": rates} if p.threshold is not None else {}
        points.append(
            PairedPoint(
                origin=p.origin, target_fmr=p.target_fmr, threshold=p.threshold, native_threshold=p.native_threshold, **of
            )
        )
    return Paired(
        unit="subject",
        captures=2,
        factors=[
            PairedFactor(factor=names[0], levels=TONES, reference="1"),
            PairedFactor(factor=names[1], levels=LIGHTS, reference="lit"),
        ],
        reference="1 × lit",
        subjects=62,
        same_subjects=60,
        conditions=[
            PairedCondition(
                condition=CROSS.join(c), values=list(c), subjects=62, complete=60, images=124, failed=3 * (c == ("5", "dim")),
                non_mated_score=0.5 * sign, mated_score=0.8 * sign, compared=60,
            )
            for c in conditions
        ],
        differences=scores + ftx,
        operating_points=points,
    )  # fmt: skip


def with_paired(builder: ModuleType, e: Evaluation) -> Evaluation:
    return canonical(e.model_copy(update={"paired": [paired(builder, e)]}))


@pytest.fixture(scope="module", params=["plain", "distance", "synthetic", "hostile"])
def e(request: pytest.FixtureRequest, builder: ModuleType, variants: dict[str, Evaluation]) -> Evaluation:
    return with_paired(builder, variants[request.param])


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of this section alone, which are drawn sooner."""
    monkeypatch.setattr("faceparity.reports.formats.html.measured", lambda e, key, lead: paired_sections(e, key))
    monkeypatch.setattr("faceparity.reports.formats.html.about", lambda e, key: [])


@pytest.mark.usefixtures("alone")
def test_every_difference_is_in_the_page_as_the_record_has_it(e: Evaluation) -> None:
    page = report_page.read(render([e]))
    x = e.paired[0]
    n = next(i for i, p in enumerate(x.operating_points) if p.threshold is not None)
    header, *rows = page.tables[f"e1-paired-{n}-fmr"]
    want = [d for d in x.operating_points[n].differences if d.measure == "fmr" and d.factor]
    for row, d in zip(rows, want, strict=True):
        cells = dict(zip(header, row, strict=True))
        assert cells["Level"] == f"{d.factor} {d.level}"
        assert d.difference is not None
        assert float(cells["Difference, percentage points"].replace("−", "-")) == pytest.approx(100 * d.difference, abs=0.006)
        assert d.interval is not None
        ends = [float(t.replace("−", "-")) for t in cells["95 % interval"].strip("[]").split(", ")]
        assert ends == pytest.approx([100 * end for end in d.interval], abs=0.006)
        assert cells["Verdict"] == d.verdict
        assert cells["Errors"] == f"{d.reference_errors} → {d.errors}"
        assert (cells["Left out"], cells["Comparisons each"]) == ("2", "7,080")
    header, *rows = page.tables["e1-paired-score-table"]
    scores = [d for d in x.differences if d.measure.endswith("score") and d.factor]
    for row, d in zip(rows, scores, strict=True):
        cells = dict(zip(header, row, strict=True))
        assert d.difference is not None
        shown = float(cells["Difference"].replace("−", "-"))
        assert shown == pytest.approx(e.model.score.sign * d.difference, abs=0.0006), "in the model's own unit"
        assert cells["Verdict"] == {"lower": "less alike", "inconclusive": "inconclusive"}[d.verdict]
    assert "no errors seen under any condition; none is above 10" in "".join(page.text).replace(f.NBSP, " ")


def test_the_section_comes_right_after_the_finding_and_only_for_such_sets(
    builder: ModuleType, variants: dict[str, Evaluation]
) -> None:
    text = render([with_paired(builder, variants["plain"])])
    sections = re.findall(r'<h3 id="e1-([a-z]+)"', text)
    assert sections[:2] == ["finding", "paired"]
    assert "What tone and light alone do to this model" in text
    assert paired_sections(variants["plain"], "e1") == []


@pytest.mark.usefixtures("alone")
def test_words_name_units_direction_and_verdict(builder: ModuleType, variants: dict[str, Evaluation]) -> None:
    plain = with_paired(builder, variants["plain"])
    first = sentences(plain, plain.paired[0])[0]
    assert first.startswith("The same 60 people, only tone changed, 5 against 1: ")
    assert "of two different people falls by 0.100 on average (95 % interval 0.080 to 0.120), from 0.500 to 0.400" in first
    distance = with_paired(builder, variants["distance"])
    first = sentences(distance, distance.paired[0])[0]
    assert "of two different people rises by 0.100 on average (95 % interval 0.080 to 0.120), from 0.400 to 0.500" in first
    synthetic = with_paired(builder, variants["synthetic"])
    assert sentences(synthetic, synthetic.paired[0])[0].startswith("The same 60 heads, only tone changed")
    assert "not of people" in render([synthetic])
    rates = sentences(plain, plain.paired[0])[1].replace(f.NBSP, " ")
    assert "FMR 1.83 % → 0.300 %, −1.53 percentage points [−2.43, −0.63], lower" in rates
    assert "FNMR: no errors seen (neither is above 10 %)" in rates
    assert "without a template 6 of 7,080 images against 1" in rates


def test_no_sentence_claims_more_than_it_may(e: Evaluation) -> None:
    for sentence in sentences(e, e.paired[0]):
        assert not forbidden(sentence)


def test_marks_follow_the_number_shown(builder: ModuleType, variants: dict[str, Evaluation]) -> None:
    for kind, mark in (("plain", "▼"), ("distance", "▲")):
        x = with_paired(builder, variants[kind])
        header, rows = compact(x, x.paired[0])
        by = {row[0]: dict(zip(header, row, strict=True)) for row in rows}
        assert list(by) == ["tone 2 – 1", "tone 5 – 1", "light dim – lit"]
        score, fmr = by["tone 5 – 1"][header[1]], by["tone 5 – 1"][header[3]]
        assert score.endswith(mark)
        assert fmr.endswith("▼"), "FMR is lower in either unit"
        assert "▲" not in by["tone 2 – 1"][header[1]] + by["tone 2 – 1"][header[3]]


def test_terminal_and_summary_tell_it(e: Evaluation) -> None:
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(terminal([e]))
    text = console.export_text()
    assert "What tone and light alone do to this model" in text
    assert "tone 5 – 1" in text
    assert max(cell_len(line.rstrip()) for line in text.splitlines()) <= 80
    table = [line for line in summary([e]).splitlines() if line.startswith("| tone 5 – 1")]
    assert len(table) == 1
    assert table[0].count("|") == 4 + sum(p.threshold is not None for p in e.paired[0].operating_points)


def test_tables_hold_every_difference_exactly(e: Evaluation, variants: dict[str, Evaluation], tmp_path: Path) -> None:
    write_tables(e, tmp_path)
    with (tmp_path / "paired.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    x = e.paired[0]
    want = x.differences + [d for p in x.operating_points for d in p.differences]
    assert len(rows) == len(want)
    for row, d in zip(rows, want, strict=True):
        assert (row["measure"], row["verdict"], row["reason"]) == (d.measure, d.verdict, d.reason or "")
        assert (float(row["difference"]) if row["difference"] else None) == d.difference
        assert (float(row["lo"]) if row["lo"] else None) == (d.interval[0] if d.interval else None)
    with (tmp_path / "paired_rates.csv").open(encoding="utf-8", newline="") as file:
        got = [(r["measure"], r["group"], int(r["errors"])) for r in csv.DictReader(file)]
    assert ("across", "1 × dim", 12) in got
    assert len((tmp_path / "paired_conditions.csv").read_text("utf-8").splitlines()) == 7
    write_tables(variants["plain"], tmp_path / "other")
    assert not list((tmp_path / "other").glob("paired*"))


@pytest.mark.usefixtures("alone")
def test_too_few_people_is_said_and_nothing_else(builder: ModuleType, variants: dict[str, Evaluation]) -> None:
    x = paired(builder, variants["plain"])
    bare = {"subjects": 12, "reason": "too_few_subjects", "verdict": "none"}
    keep = {"measure", "factor", "level", "reference", "dropped", "comparisons"}

    def strip(ds: list[PairedDifference]) -> list[PairedDifference]:
        return [PairedDifference(**d.model_dump(include=keep), **bare) for d in ds]

    small = [Rate(**r.model_dump(include={"group", "design"}), subjects=12, comparisons=9, errors=None, rate=None, status="suppressed",
                  reason="too_few_subjects") for r in x.operating_points[0].fmr]  # fmt: skip
    points = [
        p.model_copy(update={"differences": strip(p.differences), "fmr": small, "fnmr": small, "across": []})
        for p in x.operating_points
    ]
    conditions = [c.model_copy(update={"complete": 12, "non_mated_score": None, "mated_score": None}) for c in x.conditions]
    x = x.model_copy(
        update={"differences": strip(x.differences), "operating_points": points, "conditions": conditions, "same_subjects": None}
    )
    e = canonical(variants["plain"].model_copy(update={"paired": [x]}))
    page = report_page.read(render([e]))
    text = "".join(page.text)
    assert "Nothing can be said: at most 12 people have a template from every image" in text
    assert {row[4] for row in page.tables["e1-paired-score-table"][1:]} == {"–"}
    assert "fewer than 30 people" in text


@pytest.mark.usefixtures("alone")
def test_one_factor_and_three_factors_have_a_page(builder: ModuleType, variants: dict[str, Evaluation]) -> None:
    x = paired(builder, variants["plain"])
    third = PairedFactor(factor="lens", levels=["a"], reference="a")
    for factors in (x.factors[:1], [*x.factors, third]):
        e = canonical(variants["plain"].model_copy(update={"paired": [x.model_copy(update={"factors": factors})]}))
        title = {1: "What tone alone does to this model", 3: "What tone, light and lens alone do to this model"}[len(factors)]
        assert title in render([e])


@pytest.mark.parametrize(
    ("interval", "value", "decimals", "text"),
    [
        ((-0.0235, -0.0171), -0.0203, 4, "−0.0203"),
        ((0.099, 0.128), 0.1135, 3, "+0.114"),
        ((-2.41, -0.65), -1.53, 2, "−1.53"),
        ((-30.2, -10.0), -20.1, 0, "−20"),
        (None, 0.5, 3, "+0.500"),
        ((0.0, 0.0), 0.0, 2, "0.00"),
        ((-0.3, 0.3), -0.0001, 2, "0.00"),
    ],
)
def test_decimals_follow_the_interval(interval: tuple[float, float] | None, value: float, decimals: int, text: str) -> None:
    assert places(interval, value) == decimals
    assert signed(value, decimals) == text
