"""The threshold slider in a real browser: every number it shows against plain sums over every comparison."""

from __future__ import annotations

import csv
import re
from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from faceparity.harness.evaluation.evaluate import evaluate
from faceparity.harness.options import Options
from faceparity.harness.results import Rate
from faceparity.harness.score_files.evaluate import evaluate_scores
from faceparity.reports.formats.html import TEMPLATES, render
from faceparity.reports.sections.slider import slider_data
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.headline import finest, primary
from faceparity.reports.wording.verdicts.outcomes import compared
from tests.harness import sweep_brute as brute
from tests.harness import toy

GENDERS = ("<script>document.title='gone'</script>", 'M "q" & </script><img src=x onerror=alert(1)>')
ETHNICITIES = ("B'); alert(1)//", "evil", "😀 " + "long " * 29 + "name")
TURNED = "\u202eevil"
"""As the file has the second: a character that turns the direction of text is no part of a label."""
SIZES = (60, 70, 35, 55, 64, 20)
BY = ("gender", "ethnicity")


@pytest.fixture(scope="module")
def scores():
    """Negated distances of all pairs of some 300 people, a few equal, and mated ones; some people resemble many."""
    rng = np.random.default_rng(11)
    cell = np.repeat(np.arange(6), SIZES)
    look = rng.normal(0, 0.03, cell.size)
    a, b = (np.array(x) for x in zip(*combinations(range(cell.size), 2), strict=True))
    distance = 0.9 - 0.03 * np.array([4, 2, 3, 1, 0, 2])[cell[a]] + look[a] + look[b] + rng.normal(0, 0.09, a.size)
    mated = np.repeat(np.arange(cell.size), rng.integers(0, 4, cell.size))
    distance = np.concatenate([distance, 0.35 + rng.normal(0, 0.09, mated.size)])
    labels = {"gender": [GENDERS[c // 3] for c in cell], "ethnicity": [ETHNICITIES[c % 3] for c in cell]}
    a, b = np.concatenate([a, mated]), np.concatenate([b, mated])
    return brute.Scores(a, b, -np.round(distance, 3).astype(np.float32), labels)


@pytest.fixture(scope="module")
def evaluation(scores, tmp_path_factory):
    path = tmp_path_factory.mktemp("slider") / "scores.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(["subject_a", "subject_b", "mated", "score", *(f"{x}_{s}" for x in BY for s in "ab")])
        for a, b, s in zip(scores.a, scores.b, scores.score, strict=True):
            labels = [scores.labels[x][i].replace("evil", TURNED) for x in BY for i in (a, b)]
            out.writerow([f"p{a}", f"p{b}", int(a == b), f"{-s:.3f}", *labels])
    return evaluate_scores(path, Options(targets=(1e-2, 1e-3), threshold=0.6), distance=True)


@pytest.fixture(scope="module")
def html(evaluation, tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("page") / "report.html"
    path.write_text(render([evaluation]), encoding="utf-8")
    return path.as_uri()


class Page:
    """A page and what went wrong on it."""

    def __init__(self, browser, address, **options) -> None:
        self.page = browser.new_context(**options).new_page()
        self.page.set_default_timeout(240_000)  # a busy machine is not a wrong page
        self.wrong: list[str] = []
        self.page.on("console", lambda m: self.wrong.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda e: self.wrong.append(str(e)))
        self.page.on("dialog", lambda d: (self.wrong.append("dialog"), d.dismiss()))
        self.page.goto(address)
        self.box = self.page.locator(".slider").first
        self.range = self.box.locator("input[type=range]")

    @property
    def position(self) -> int:
        return int(self.box.get_attribute("data-position"))

    def rows(self) -> dict[str, list[dict[str, str]]]:
        """By group's name the cells after the chart: text, value, low, high."""
        read = """box => Array.from(box.querySelectorAll("tbody tr")).map(tr => [tr.querySelector("bdi").textContent,
            Array.from(tr.querySelectorAll("td")).slice(1).map(td => ({text: td.textContent, value: td.dataset.value,
            low: td.dataset.low, high: td.dataset.high}))])"""
        return dict(self.box.evaluate(read))

    def choose(self, n: int, option: int) -> None:
        self.box.locator("select").nth(n).select_option(index=option)


@pytest.fixture
def page(browser, html):
    opened = Page(browser, html)
    yield opened
    opened.page.context.close()
    assert opened.wrong == []


def swept(evaluation, attributes, measure, group):
    """The record's row of a group, whose bounds `test_threshold_sweep` holds."""
    sweep = next(g for g in evaluation.groupings if set(g.attributes) == set(attributes)).sweep
    return next(r for r in sweep.rates if (r.measure, r.group) == (measure, group))


def ends(found, row, k) -> tuple[float, float]:
    """Both ends of an interval at a position."""
    low, high = (0.0, 1.0) if found.errors < 10 else found.interval
    return low, high if row.upper[k] is None else row.upper[k]


def expected(found, *, counted: bool, group: str, design: str, row, k: int, parts: int) -> str:
    """As the tables write it, from brute force; bounds from the record."""
    base = {
        "group": group,
        "design": design,
        "subjects": found.subjects,
        "comparisons": found.comparisons,
        "errors": found.errors,
        **({"mean_over": "cells", "parts": parts} if design == "matched" else {}),
    }
    if found.subjects < 30:
        return f"<30{f.NBSP}people"
    if not found.errors or (found.errors < 10 and counted):
        rate, alike = found.rate or None, row.design_effect[k]
        return f.rate(Rate(**base, rate=rate, interval=ends(found, row, k), design_effect=alike, status="bound"))
    if found.subjects < 50:
        return f"{f.percent(found.rate)} (fewer than 50 people: no interval)"
    if not counted:
        return f"{f.percent(found.rate)} (below the ledger: no interval)"
    return f.rate(Rate(**base, rate=found.rate, interval=ends(found, row, k), status="ok"))


def check(page: Page, scores, evaluation, attributes=BY) -> None:
    """All that the table shows at the slider's position, against plain sums over every comparison."""
    g, by = next(g for g in evaluation.groupings if set(g.attributes) == set(attributes)), finest(evaluation).attributes
    k, rows = page.position, page.rows()
    threshold = np.float32(g.sweep.thresholds[k])
    at = [by.index(name) for name in g.attributes]
    cells_of = Counter(tuple(x.values[i] for i in at) for x in finest(evaluation).groups)
    parts = {x.group: cells_of[tuple(x.values)] for x in g.groups}
    for group in (x.group for x in g.groups):
        cells = rows.get(f.shorten(group, 100))
        found = {m: brute.group_at(m, scores, g.attributes, group, by, threshold) for m in ("fmr", "fnmr")}
        if cells is None:
            assert all(x is None or x.subjects < 30 for _, x in found.values())
            continue
        fmr, million, fmr_ratio, fnmr, fnmr_ratio = cells
        for measure, cell, ratio in (("fmr", fmr, fmr_ratio), ("fnmr", fnmr, fnmr_ratio)):
            design, one = found[measure]
            counted = measure == "fnmr" or k >= g.sweep.first_with_uncertainty
            row = swept(evaluation, attributes, measure, group)
            wanted = expected(one, counted=counted, group=group, design=design, row=row, k=k, parts=parts[group])
            assert cell["text"] == wanted, (k, group, measure)
            check_values(cell, one, counted, row, k)
            other_design, other = brute.group_at(measure, scores, g.attributes, g.reference, by, threshold)
            told = brute.ratio(one, other) if counted and design == other_design != "as_sampled" else None
            least = None if row.ratio_at_least is None else row.ratio_at_least[k]
            check_ratio(ratio, told, group == g.reference, least)
        check_million(million, found["fmr"][1], swept(evaluation, attributes, "fmr", group), k)


def check_values(cell, one, counted, row, k) -> None:
    if one.subjects < 30:
        assert cell.get("value") is None
    elif one.errors:
        assert float(cell["value"]) == pytest.approx(one.rate, rel=1e-6)
        if counted and (one.subjects >= 50 or one.errors < 10):
            assert [float(cell["low"]), float(cell["high"])] == pytest.approx(list(ends(one, row, k)), rel=1e-5)
        else:
            assert cell.get("low") is None


def check_ratio(cell, told, is_reference, least) -> None:
    if is_reference:
        assert cell["text"] == "reference"
    elif least is not None and least > 1:
        assert re.match(rf"(the reference )?at least {f.ratio(least)}", cell["text"]) or "repeats" in cell["text"]
        assert cell.get("value") is None, "never a point"
    elif told is None:
        assert cell.get("value") is None
        assert "×" not in cell["text"] or "not called" in cell["text"], "no ratio on so few errors, but where the tables have one"
    else:
        assert cell["text"].startswith(f"{f.ratio(told[0])} {f.ratio_interval(told[1:])}")
        assert [float(cell[x]) for x in ("value", "low", "high")] == pytest.approx(list(told), rel=1e-5)


def check_million(cell, one, row, k) -> None:
    if one.subjects >= 30:
        few = one.errors < 10 and row.upper[k] is not None
        top = row.upper[k]
        if few and cell["text"].startswith("≤"):
            assert cell["text"] == f"≤{f.NBSP}{f.significant(1e6 * top, 2)}"
        else:
            assert cell["text"] == f.significant(1e6 * one.rate)


def test_arrow_keys_through_every_position(page, scores, evaluation) -> None:
    positions = len(finest(evaluation).sweep.thresholds)
    assert 100 < positions <= 128
    page.range.focus()
    page.page.keyboard.press("Home")
    seen = set()
    for k in range(positions):
        assert page.position == k
        check(page, scores, evaluation)
        seen |= {c["text"] for cells in page.rows().values() for c in cells}
        page.page.keyboard.press("ArrowRight")
    assert page.position == positions - 1
    said = " ".join(seen)
    words = (f.contrast_reason("too_few_errors"), f"no ratio: {f.contrast_reason('below_ledger')}")
    for each in (*words, "×", "if comparisons were independent", "below the ledger"):
        assert each in said, f"the data were made to show {each!r} somewhere"


@pytest.mark.parametrize("attributes", [("gender",), ("ethnicity",)])
def test_single_attributes_have_the_tables_design(page, scores, evaluation, attributes) -> None:
    names = page.box.locator("select option").all_text_contents()
    page.choose(0, names.index(attributes[0]))
    page.range.focus()
    page.page.keyboard.press("Home")
    last = len(finest(evaluation).sweep.thresholds) - 1
    while page.position < last:
        check(page, scores, evaluation, attributes)
        for _ in range(7):
            page.page.keyboard.press("ArrowRight")


def test_dragged(page, scores, evaluation) -> None:
    page.range.scroll_into_view_if_needed()
    place = page.range.bounding_box()
    middle = place["y"] + place["height"] / 2
    thumb = place["x"] + 8 + (place["width"] - 16) * page.position / (len(finest(evaluation).sweep.thresholds) - 1)
    page.page.mouse.move(thumb, middle)
    page.page.mouse.down()
    seen = []
    for share in (0.05, 0.9, 0.35, 0.6, 0.999, 0.2):
        page.page.mouse.move(place["x"] + share * place["width"], middle, steps=4)
        seen.append(page.position)
        check(page, scores, evaluation)
    page.page.mouse.up()
    assert len(set(seen)) == len(seen), "it moved each time"


def test_typed_thresholds_snap_and_say_so(page, scores, evaluation) -> None:
    sweep, typed = finest(evaluation).sweep, page.box.locator("input[type=text]")
    said, native = page.box.locator("[role=status]"), [-t for t in sweep.thresholds]

    def enter(text):
        typed.fill(text)
        typed.press("Enter")

    enter("0.6")
    assert native[page.position] == 0.6, "the threshold asked for is a position"
    assert said.text_content() == ""
    check(page, scores, evaluation)
    for text in ("0.571", "0,5432", "0.4", ".61"):
        enter(text)
        x = float(text.replace(",", "."))
        assert abs(native[page.position] - x) == min(abs(n - x) for n in native)
        assert f"the nearest is {f.native_number(native[page.position])}" in said.text_content() or native[page.position] == x
        check(page, scores, evaluation)
    before = page.position
    enter("nonsense")
    assert page.position == before
    assert said.text_content() == "Not a number."
    enter("-5")
    assert "beyond the last position" in said.text_content()
    assert page.position == len(native) - 1, "of a distance, small is strict"
    page.page.keyboard.press("Tab")
    assert page.position == len(native) - 1


def test_marked_thresholds_show_what_the_tables_show(page, scores, evaluation) -> None:
    g, words = finest(evaluation), set()
    buttons = page.box.locator("button")
    points = {f.point_name(p): p for p in g.operating_points if p.threshold is not None}
    assert buttons.count() == len(points) >= 2
    assert g.sweep.thresholds[page.position] == next(iter(points.values())).threshold, "it starts where the report's finding is"
    for n in range(buttons.count()):
        text = buttons.nth(n).text_content()
        p = next(p for name, p in points.items() if text.startswith(f"{name} ("))
        buttons.nth(n).click()
        assert g.sweep.thresholds[page.position] == p.threshold
        assert f.point_name(p) in page.range.get_attribute("aria-valuetext")
        check(page, scores, evaluation)
        rows = page.rows()
        for measure, column in (("fmr", 0), ("fnmr", 3)):
            for r in primary(getattr(p, measure)):
                cells = rows.get(f.shorten(r.group, 100))
                if cells is not None and not (r.status == "ok" and r.interval is None):
                    assert cells[column]["text"] == f.rate(r)
        for c in p.contrasts:
            cells = rows.get(f.shorten(c.group, 100))
            if cells is not None and "×" in cells[2 if c.measure == "fmr" else 4]["text"]:
                assert cells[2 if c.measure == "fmr" else 4]["text"] == compared(c, c.verdict)
                words.add(c.verdict)
    assert "higher" in words
    page.range.focus()
    page.page.keyboard.press("ArrowLeft")
    said = " ".join(c["text"] for cells in page.rows().values() for c in cells)
    assert not re.search(r"\] (higher|lower|not called|no difference)", said), (
        "no verdict where nobody set a threshold beforehand"
    )


def test_hostile_names_are_text(page, html) -> None:
    assert page.page.title().startswith("False matches by group")
    shown = page.box.locator("tbody bdi").all_text_contents()
    assert any(GENDERS[0] in x for x in shown)
    assert any("</script><img src=x onerror=alert(1)>" in x for x in shown)
    assert page.page.locator("img").count() == 0
    assert not any("\u202e" in x for x in shown)


def test_said_to_those_who_do_not_see_it(page) -> None:
    assert page.box.locator("output").get_attribute("aria-live") == "polite"
    page.range.focus()
    page.page.keyboard.press("End")
    said = page.range.get_attribute("aria-valuetext")
    assert said.startswith("supplied distance ≤")
    assert said in page.box.locator("output").text_content()
    label = page.page.locator(f"label[for='{page.range.get_attribute('id')}']")
    assert "Threshold" in label.text_content()
    assert page.box.get_by_role("table").count() == 1
    assert page.box.get_by_role("rowheader").count() == page.box.locator("tbody tr").count()


def test_it_says_where_the_data_end(page, evaluation) -> None:
    g = finest(evaluation)
    shown = [r for r in g.sweep.rates if r.measure == "fmr" and r.errors]
    native = [f.native_number(-t) for t in g.sweep.thresholds]
    some = next(k for k in range(len(native)) if any(r.errors[k] < 10 for r in shown))
    none = next(k for k in range(len(native)) if not any(r.errors[k] for r in shown))
    said = " ".join(page.box.locator("p.note").all_text_contents())
    assert f"At {native[some]} and stricter some group has fewer than 10 false matches" in said
    assert f"At {native[none]} there are none" in said
    assert f"Laxer than {native[g.sweep.first_with_uncertainty]}" in said


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_nothing_runs_off_the_side(browser, html, scheme) -> None:
    phone = Page(browser, html, viewport={"width": 360, "height": 740}, color_scheme=scheme)
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 360
    wide = phone.box.evaluate(
        "box => Math.max(...Array.from(box.querySelectorAll('tbody td')).map(x => x.getBoundingClientRect().right))"
    )
    assert wide <= 360
    assert phone.box.get_by_role("rowheader").count() > 3, "rows are still rows where they are drawn as cards"
    assert phone.wrong == []
    phone.page.context.close()


def test_without_scripts_the_operating_points_stand_there(browser, html, evaluation) -> None:
    plain = Page(browser, html, java_script_enabled=False)
    section = plain.page.locator("section[aria-labelledby$='-slider']")
    assert not plain.box.is_visible()
    text = section.inner_text()
    for p in finest(evaluation).operating_points:
        if p.threshold is not None:
            assert f.threshold(evaluation.model, p.native_threshold) in text
            for r in primary(p.fmr):
                assert r.status == "suppressed" or f.rate(r) in text
    plain.page.context.close()


def test_numbers_are_written_as_elsewhere_on_the_page(browser) -> None:
    source = (TEMPLATES / "slider.js").read_text("utf-8")
    functions = source[source.index("  function significant") : source.index("  function percent")]
    rng = np.random.default_rng(5)
    numbers = [
        *(10 ** rng.uniform(-9, 9, 3000)),
        *(rng.integers(1, 2000, 300) / 8),
        0.0,
        0.5,
        2.5,
        0.125,
        9.995,
        99.95,
        999.5,
        1e6,
        1e21,
    ]
    page = browser.new_context().new_page()
    for digits in (1, 2, 3):
        written = page.evaluate(
            f"([xs, n]) => {{ {functions} return xs.map(x => significant(x, n)); }}", [[float(x) for x in numbers], digits]
        )
        assert written == [f.significant(float(x), digits) for x in numbers]
    page.context.close()


@pytest.fixture(scope="module")
def repeated():
    """A set that does not say who is pictured, with some people in it twice."""
    dataset = toy.make_dataset(4, 300, 1, identity="none")
    templates = toy.make_templates(dataset, 5)
    templates.vectors[1:60:2] = templates.vectors[0:60:2] * 1.5
    return evaluate(dataset, toy.make_card(published=0.5, same_person=0.9), templates, Options(targets=(1e-2,))).evaluation


def test_probable_repeats_both_readings(browser, repeated, tmp_path) -> None:
    (tmp_path / "report.html").write_text(render([repeated]), encoding="utf-8")
    page = Page(browser, (tmp_path / "report.html").as_uri())
    first = finest(repeated).sweep
    second, told = first.without_likely_same_person, set()
    page.range.focus()
    page.page.keyboard.press("Home")
    for k in range(0, len(first.thresholds), 4):
        page.range.evaluate("(x, k) => { x.value = k; x.dispatchEvent(new Event('input')); }", k)
        for reading, sweep in enumerate((first, second)):
            page.choose(1, reading)
            rows = page.rows()
            for r in (r for r in sweep.rates if r.errors):
                cell, alike = rows[r.group][0], next(x for x in first.rates if x.group == r.group).errors[k]
                if r.errors[k]:
                    assert float(cell["value"]) == pytest.approx(r.errors[k] / r.comparisons)
                alike -= next(x for x in second.rates if x.group == r.group).errors[k]
                many = reading == 0 and r.errors[k] and alike / r.errors[k] > 0.05
                assert ("probably one person" in cell["text"]) == bool(many)
                told.add(rows[r.group][2]["text"] if len(rows[r.group]) > 2 else "")
    assert page.wrong == []
    page.page.context.close()
    assert any("×" in x for x in told)


def test_the_data_are_small_and_the_same_each_time(evaluation) -> None:
    from faceparity.reports.layout.elements import for_script

    text = for_script(slider_data(evaluation))
    assert text == for_script(slider_data(evaluation))
    assert "<" not in text
    assert len(text) < 60_000, "six groups"
