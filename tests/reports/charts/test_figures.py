from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator

import numpy as np
import pytest

from faceparity.harness.results import Curve, Evaluation
from faceparity.reports.charts.curves import det, histograms, rates_by_threshold, tails, thin
from faceparity.reports.charts.figures import heat_map, rate_chart, ratio_forest
from faceparity.reports.layout.svg import Figure
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.headline import finest, headline

KINDS = ["plain", "contaminated", "distance", "refused", "hostile"]


def all_figures(e: Evaluation) -> Iterator[Figure]:
    g = finest(e)
    n = headline(g)
    assert n is not None
    p = g.operating_points[n]
    for x in (
        rate_chart(e, p, "fmr", "a"),
        rate_chart(e, p, "fnmr", "b"),
        ratio_forest(e, p, "fmr", "c"),
        heat_map(e, g, p, "d"),
        histograms(e, g, "e"),
        det(e, g, "f"),
        tails(e, g, "g"),
    ):
        if x is not None:
            yield x


def parse(svg: str) -> ET.Element:
    return ET.fromstring(svg)


def texts(svg: str) -> list[str]:
    return ["".join(x.itertext()).replace(f.NBSP, " ") for x in parse(svg).iter("text")]


@pytest.mark.parametrize("kind", KINDS)
def test_figures_are_well_formed_named_and_the_same_twice(variants: dict[str, Evaluation], kind: str) -> None:
    first, second = list(all_figures(variants[kind])), list(all_figures(variants[kind]))
    assert first == second
    assert len(first) >= 4
    ids: list[str] = []
    for x in first:
        root = parse(x.svg)
        assert root.attrib["role"] == "img"
        assert [c.tag for c in root][:2] == ["title", "desc"]
        assert len(x.alt) > 40
        assert len(x.caption) > 80
        mine = [el.attrib["id"] for el in root.iter() if "id" in el.attrib]
        used = re.findall(r"url\(#([^)]+)\)", x.svg) + [v[1:] for v in re.findall(r'href="([^"]+)"', x.svg)]
        assert set(used) <= set(mine)
        assert all(i.startswith(f"{x.key}-") for i in mine)
        ids += mine
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("kind", KINDS)
def test_figures_bring_nothing_from_elsewhere(variants: dict[str, Evaluation], kind: str) -> None:
    for x in all_figures(variants[kind]):
        assert not re.search(r"<script|<style|<image|http|\bon\w+=", x.svg)
        assert not re.search("#101010(?!\\))|#fefefe(?!\\))", x.svg), "a colour that does not follow the page"


def test_a_chart_says_each_rate_as_the_table_does(variants: dict[str, Evaluation]) -> None:
    e = variants["plain"]
    p = finest(e).operating_points[0]
    chart = rate_chart(e, p, "fmr", "k")
    assert chart is not None
    got = texts(chart.svg)
    for r in p.fmr:
        assert r.status != "ok" or f.rate(r).replace(f.NBSP, " ") in got
        assert any(t.startswith(r.group) for t in got) == (r.status != "suppressed")
    assert "Not drawn: 1 group without a number" in chart.caption


def test_zero_errors_and_few_errors_are_arrows_without_a_dot(variants: dict[str, Evaluation]) -> None:
    e = variants["plain"].model_copy(deep=True)
    p = finest(e).operating_points[0]
    p.fmr = [r for r in p.fmr if r.status == "bound"]
    p.achieved_fmr = None
    chart = rate_chart(e, p, "fmr", "k")
    assert chart is not None
    assert "≤ " in " ".join(texts(chart.svg))
    assert "C " not in chart.svg, "no circle: a bound has no point"


def test_no_chart_without_rates_and_no_matrix_of_too_many_groups(variants: dict[str, Evaluation]) -> None:
    e = variants["no_mated"]
    g = finest(e)
    assert rate_chart(e, g.operating_points[0], "fnmr", "k") is None
    assert det(e, g, "k") is None
    assert tails(e, g, "k") is not None
    wide = g.model_copy(update={"groups": [g.groups[0].model_copy(update={"group": str(i)}) for i in range(21)]})
    assert heat_map(e, wide, g.operating_points[0], "k") is None


def test_curves_count_a_score_at_the_threshold_as_a_match() -> None:
    c = Curve(group="A", edges=[0.0, 0.25, 0.5, 0.75], non_mated=[6, 3, 1], mated=[0, 1, 3])
    t, fmr, fnmr = rates_by_threshold(c)
    assert t.tolist() == [0.0, 0.25, 0.5]
    assert fmr.tolist() == [1.0, 0.4, 0.1]
    assert fnmr.tolist() == [0.0, 0.0, 0.25]


def test_thinning_keeps_the_ends_and_the_steps() -> None:
    x = np.linspace(0, 1, 1001)
    a, b = thin(x, (x > 0.5).astype(float), 0.05)
    assert (a[0], a[-1]) == (0.0, 1.0)
    assert len(a) < 30
    assert 0.5 <= a[np.argmax(b)] < 0.502


def test_matplotlib_is_left_as_it_was(variants: dict[str, Evaluation]) -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    list(all_figures(variants["plain"]))
    assert dict(matplotlib.rcParams) == before
