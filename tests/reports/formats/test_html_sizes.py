"""A page of 200 groups, of one group, of the longest names: it stays small, quick, whole and readable."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from itertools import combinations
from types import ModuleType
from typing import Any

import pytest

from faceparity.harness.results import Contrast, Curve, Evaluation, Group, Rate
from faceparity.reports.formats.html import render
from faceparity.reports.wording.finding import finding
from faceparity.reports.wording.headline import finest


def multiplied(e: Evaluation, times: int) -> Evaluation:
    """The evaluation with every group of its finest grouping that many times, under names of their own; all pairs."""
    e = e.model_copy(deep=True)
    g = finest(e)

    def name(group: str, k: int) -> str:
        return group if k == 0 else f"{group} {k}"

    def copies(rows: list[Any]) -> list[Any]:
        return [x.model_copy(update={"group": name(x.group, k)}) for k in range(times) for x in rows]

    groups: list[Group] = copies(g.groups)
    g.groups = groups
    curves: list[Curve] = copies(g.curves)
    g.curves = curves
    for c in g.covariates:
        c.by_group = copies(c.by_group)
    for p in g.operating_points:
        rates: tuple[list[Rate], list[Rate]] = copies(p.fmr), copies(p.fnmr)
        p.fmr, p.fnmr = rates
        contrasts: list[Contrast] = copies(p.contrasts)
        p.contrasts = contrasts
        if p.fmr_matrix:
            pair = p.fmr_matrix[-1]
            p.fmr_matrix = [pair.model_copy(update={"group": a.group, "group_b": b.group}) for a, b in combinations(g.groups, 2)]
    return e


@pytest.mark.slow
def test_two_hundred_groups_are_all_there_and_few_are_drawn(
    variants: dict[str, Evaluation], read_page: Callable[[list[Evaluation]], Any]
) -> None:
    e = multiplied(variants["plain"], 25)
    assert len(finest(e).groups) == 200
    page = read_page([e])
    assert len(page.source) < 2_500_000
    table = page.tables["e1-2-0-fmr"]
    shown = [r for r in finest(e).operating_points[0].fmr if r.status != "suppressed"]
    assert [row[0] for row in table[1:]] == [r.group for r in shown]
    assert "e1-2-0-matrix" not in page.tables
    assert "19,900 pairs of groups are too many for a page" in "".join(page.text)
    heights = [float(a["height"]) for a in page.attributes["svg"]]
    assert max(heights) < 1500
    assert sum(len(x) for x in finding(e).main) < 900, "two sentences, however many groups"


def test_one_group_has_rates_and_no_comparison(builder: ModuleType, read_page: Callable[[list[Evaluation]], Any]) -> None:
    e = builder.evaluation(builder.Setup(genders=("All",), ethnicities=("Any",), sizes=(140,), means=(0.1,), failed=(2,)))
    page = read_page([e])
    text = "".join(page.text)
    assert "with no comparison between groups" in finding(e).main[0]
    assert len(page.tables["e1-2-0-fmr"]) == 2
    assert not [k for k in page.tables if k.endswith("-ratios")]
    told = " ".join(page.text[: page.text.index("Glossary")] if "Glossary" in page.text else page.text)
    assert not re.search(r"\bnan\b|\bNone\b(?!\.)", told)
    assert len(text) > 1000


def test_fourteen_groups_take_less_than_a_megabyte(builder: ModuleType) -> None:
    names = tuple(f"Group {i}" for i in range(7))
    e = builder.evaluation(builder.Setup(ethnicities=names, sizes=(60,) * 14, means=(0.05,) * 14, failed=(1,) * 14))
    assert len(render([e]).encode()) < 700_000, "a slider's data take up to 200 kB more"


def test_a_page_is_made_in_less_processor_time_than_three_seconds(variants: dict[str, Evaluation]) -> None:
    render([variants["plain"]])
    start = time.process_time()
    render([variants["plain"]])
    assert time.process_time() - start < 3


@pytest.mark.parametrize("kind", ["hostile"])
def test_no_name_is_longer_than_a_line_can_bear(variants: dict[str, Evaluation], pages: Callable[[str], Any], kind: str) -> None:
    long = next(g.group for g in finest(variants[kind]).groups if len(g.group) > 300)
    assert long not in "".join(pages(kind).text)
    assert all(len(row[0]) <= 120 for key, table in pages(kind).tables.items() if "-fmr" in key for row in table)
