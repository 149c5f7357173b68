"""Every table of rates, failures, ratios, indices and pairs of groups on the page, recomputed from the record without the report's code."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from faceparity.harness.results import Contrast, Evaluation, Grouping, Index, OperatingPoint, Rate

KINDS = ["plain", "no_mated", "contaminated", "partial", "distance", "synthetic", "refused", "hostile"]
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def shown(x: float, digits: int) -> str:
    """`x` to so many significant digits, half to even on its exact binary value, as decimal arithmetic gives it."""
    if x == 0:
        return "0"
    from decimal import Context, Decimal

    d = Decimal(x).normalize(Context(prec=digits))
    places = max(digits - 1 - d.adjusted(), 0)
    return f"{d:,.{places}f}"


def percent(x: float | None, digits: int = 3) -> str:
    return "–" if x is None else shown(100 * x, digits) + " %"


def name(group: str) -> str:
    """A group's name as a row has it: at most 100 characters, its middle cut."""
    text = CONTROL.sub(" ", group)
    return text if len(text) <= 100 else text[:50] + "…" + text[-49:]


def close(a: str, b: str) -> bool:
    """Equal, but for the last digit of a number, where binary and decimal rounding may part."""
    if a == b:
        return True
    x, y = NUMBER.findall(a), NUMBER.findall(b)
    if NUMBER.sub("#", a) != NUMBER.sub("#", b) or len(x) != len(y):
        return False
    units = [10.0 ** -len(v.partition(".")[2]) for v in y]
    return all(
        abs(float(p.replace(",", "")) - float(q.replace(",", ""))) <= u * 1.0001 for p, q, u in zip(x, y, units, strict=True)
    )


def has_number(r: Rate) -> bool:
    return r.status != "suppressed" and r.errors is not None


def rate_cells(r: Rate, measure: str) -> dict[str, str]:
    """What the cells of a row must say; the interval's words are left out."""
    want = {"Group": name(r.group), "People": f"{r.subjects:,}", "Comparisons": f"{r.comparisons:,}", "Errors": f"{r.errors:,}"}
    if r.status == "bound":
        want[measure] = f"≤ {percent(r.interval[1] if r.interval else None, 2)}"
        want["95 % interval"] = "upper bound"
        want["Mean over people"] = "–"
        return want
    want[measure] = percent(r.rate)
    if r.interval:
        want["95 % interval"] = f"[{shown(100 * r.interval[0], 2)}, {shown(100 * r.interval[1], 2)}] %"
    want["Mean over people"] = percent(r.subject_weighted_rate)
    return want


def check(page: Any, key: str, wanted: list[dict[str, str]]) -> int:
    """Compares a table with what it must say; a table must be missing if there is nothing to say."""
    if not wanted:
        assert key not in page.tables
        return 0
    header, *rows = page.tables[key]
    assert len(rows) == len(wanted), key
    for row, want in zip(rows, wanted, strict=True):
        cells = dict(zip(header, row, strict=True))
        for column, text in want.items():
            if column in cells:
                assert close(cells[column], text), (key, column, cells[column], text)
    return len(rows)


def points(e: Evaluation) -> Iterable[tuple[str, Grouping, OperatingPoint]]:
    for i, g in enumerate(e.groupings):
        for n, p in enumerate(g.operating_points):
            if p.threshold is not None:
                yield f"e1-{i}-{n}", g, p


@pytest.mark.parametrize("kind", KINDS)
def test_every_rate_is_that_of_the_record(variants: dict[str, Evaluation], pages: Callable[[str], Any], kind: str) -> None:
    seen = 0
    for key, _, p in points(variants[kind]):
        second = p.without_likely_same_person
        for end, measure, rates in (
            ("fmr", "FMR", p.fmr),
            ("fnmr", "FNMR", p.fnmr),
            ("fmr-second", "FMR", second.fmr if second else []),
        ):
            seen += check(pages(kind), f"{key}-{end}", [rate_cells(r, measure) for r in rates if has_number(r)])
        if p.overall and (end := f"{key}-fmr-overall") in pages(kind).tables:
            want = [r for r in (p.overall.fmr, p.overall.fmr_all_pairs) if r is not None]
            check(pages(kind), end, [{k: v for k, v in rate_cells(r, "FMR").items() if k != "Group"} for r in want])
    assert seen >= 12


@pytest.mark.parametrize("kind", KINDS)
def test_every_group_without_a_number_is_named_with_its_reason(
    variants: dict[str, Evaluation], pages: Callable[[str], Any], kind: str
) -> None:
    text = " ".join(pages(kind).text).replace("\u00a0", " ")
    for _, _, p in points(variants[kind]):
        for r in [*p.fmr, *p.fnmr]:
            if not has_number(r) and len(r.group) <= 60:
                assert f"{CONTROL.sub(' ', r.group)} ({r.subjects:,} " in text


@pytest.mark.parametrize("kind", KINDS)
def test_failures_to_extract_are_those_of_the_record(
    variants: dict[str, Evaluation], pages: Callable[[str], Any], kind: str
) -> None:
    for i, by in enumerate(variants[kind].extraction.by_group):
        want = []
        for r in by.rates:
            if has_number(r):
                cells = rate_cells(r, "FTX")
                want.append({**cells, "Images": cells["Comparisons"], "Failed": cells["Errors"]})
        check(pages(kind), f"e1-{i}-ftx", want)


def ratio(x: float | None) -> str:
    return "–" if x is None else shown(x, 3 if x >= 10 else 2) + "×"


def span(x: tuple[float, float] | None) -> str:
    return "–" if x is None else f"[{shown(x[0], 2)}, {shown(x[1], 2)}]"


def contrast_cells(c: Contrast) -> dict[str, str]:
    p = "–" if c.p_holm is None else "< 0.001" if c.p_holm < 0.001 else shown(c.p_holm, 2)
    return {
        "Group": name(c.group),
        "Ratio": ratio(c.ratio),
        "95 % interval": span(c.interval),
        "with the threshold found anew": span(c.interval_reestimated),
        "Holm-adjusted p": p,
        "Could have detected": ratio(c.detectable_ratio),
        "People needed for this ratio": "–" if c.needed_subjects is None else f"{c.needed_subjects:,}",
        "People needed for 2×": "–" if c.needed_subjects_for_double is None else f"{c.needed_subjects_for_double:,}",
    }


def told_verdict(p: OperatingPoint, c: Contrast) -> str:
    """Contract 5: at a contaminated point a verdict needs both readings."""
    second = p.without_likely_same_person
    if p.status != "contaminated" or c.verdict not in ("higher", "lower"):
        return c.verdict
    same = second is not None and any(
        (x.measure, x.group, x.verdict) == (c.measure, c.group, c.verdict) for x in second.contrasts
    )
    return c.verdict if same else "inconclusive"


@pytest.mark.parametrize("kind", KINDS)
def test_every_ratio_and_verdict_is_that_of_the_record(
    variants: dict[str, Evaluation], pages: Callable[[str], Any], kind: str
) -> None:
    seen = 0
    for key, _, p in points(variants[kind]):
        for measure in ("fmr", "fnmr"):
            of = [c for c in p.contrasts if c.measure == measure and (c.ratio or c.needed_subjects_for_double)]
            seen += check(pages(kind), f"{key}-{measure}-ratios", [contrast_cells(c) for c in of])
            for row, c in zip(pages(kind).tables.get(f"{key}-{measure}-ratios", [[]])[1:], of, strict=True):
                said = told_verdict(p, c)
                uncalled = (
                    "no difference beyond chance" if said == c.verdict == "inconclusive" and c.reason is None else "not called"
                )
                assert row[5].startswith(said if said in ("higher", "lower") else uncalled)
    assert seen >= 7


def index_cells(x: Index) -> dict[str, str]:
    def plain(v: float | None) -> str:
        return "–" if v is None else shown(v, 3)

    p = "–" if x.null_p is None else "< 0.001" if x.null_p < 0.001 else shown(x.null_p, 2)
    return {
        "Value": plain(x.value),
        "Median under equal rates": plain(x.null_median),
        "95th percentile": plain(x.null_p95),
        "p": p,
    }


SECONDARY = {"fdr", "garbe", "inequity_rate", "std_accuracy", "ser", "mape", "mean_abs_log10", "max_arithmetic_mean"}


@pytest.mark.parametrize("kind", ["plain", "no_mated", "contaminated"])
def test_every_index_is_that_of_the_record(variants: dict[str, Evaluation], pages: Callable[[str], Any], kind: str) -> None:
    seen = 0
    for key, _, p in points(variants[kind]):
        d = p.differential
        assert d is not None
        every = [
            *d.fmr.values(),
            *d.fnmr.values(),
            *d.combined.values(),
            *(x for at in d.combined_at for x in at.combined.values()),
        ]
        got = [row for end in ("indices", "more-indices") for row in pages(kind).tables.get(f"{key}-{end}", [[]])[1:]]
        header = pages(kind).tables[f"{key}-indices"][0]
        cells = [dict(zip(header, row, strict=True)) for row in got]
        assert len(cells) == len(every)
        left = [{k: c[k] for k in index_cells(every[0])} for c in cells]
        for x in every:
            want = index_cells(x)
            match = next((c for c in left if all(close(c[k], v) for k, v in want.items())), None)
            assert match is not None, (key, want)
            left.remove(match)
            seen += 1
    assert seen >= 9


@pytest.mark.parametrize("kind", ["plain", "contaminated", "hostile"])
def test_every_pair_of_groups_is_that_of_the_record(
    variants: dict[str, Evaluation], pages: Callable[[str], Any], kind: str
) -> None:
    seen = 0
    for key, _, p in points(variants[kind]):
        if f"{key}-matrix" not in pages(kind).tables:
            continue
        header, *rows = pages(kind).tables[f"{key}-matrix"]
        got = {frozenset((row[0], row[1])): dict(zip(header, row, strict=True)) for row in rows}
        for r in p.fmr_matrix:
            cells = got[frozenset((name(r.group), name(r.group_b or r.group)))]
            assert cells["Comparisons"] == f"{r.comparisons:,}"
            if has_number(r):
                want = rate_cells(r, "FMR")
                assert all(close(cells[k], want[k]) for k in ("FMR", "95 % interval", "Errors") if k in want)
            else:
                assert (cells["FMR"], cells["Errors"]) in (("<30 people", "–"), ("–", "–"))
            seen += 1
    assert seen >= 30


@pytest.mark.parametrize(
    ("x", "digits", "want"),
    [(0.131, 3, "0.131"), (13.05, 3, "13.1"), (9.996, 3, "10.0"), (123456.0, 3, "123,000"), (1e-7, 2, "0.00000010")],
)
def test_this_files_own_rounding(x: float, digits: int, want: str) -> None:
    assert close(shown(x, digits), want)
    assert math.isclose(float(shown(x, digits).replace(",", "")), x, rel_tol=0.05)
