"""The page in a browser: no serious or critical finding of axe-core in light and dark, nothing wider than a phone, tables that sort."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from faceparity.harness.results import Evaluation
from faceparity.reports.formats import html as report_html
from faceparity.reports.formats.html import render


@pytest.fixture(scope="module")
def pages_at(
    variants: dict[str, Evaluation], builder: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], str]:
    """The address of a variant's page."""
    folder, of = tmp_path_factory.mktemp("pages"), builder.Setup
    two = {
        "ethnicities": ("Black", "White"),
        "sizes": (140, 20, 130, 90),
        "means": (0.16, 0.12, 0.02, 0.0),
        "failed": (9, 1, 0, 12),
    }
    small = builder.evaluation(of(**two, targets=(1e-2, 1e-3)))
    odd = builder.evaluation(
        of(**two, targets=(1e-2,), mated=False, repeats=5, synthetic=True, dataset="<b>&", model="\u202eعرب")
    )

    def get(kind: str) -> str:
        path = folder / f"{kind}.html"
        if not path.exists():
            es = {"small": [small], "two": [small, odd]}.get(kind) or [variants[kind]]
            path.write_text(render(es), "utf-8")
        return path.as_uri()

    return get


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["small", "two"])
def test_axe_finds_nothing(look: Callable[..., list[str]], pages_at: Callable[[str], str], kind: str, scheme: str) -> None:
    # Colours on every cell take minutes: here where they differ, and below as a table.
    assert look(pages_at(kind), scheme, coloured=("header", ".finding", "section:nth-of-type(2)")) == []


@pytest.mark.parametrize("kind", ["hostile", "two"])
@pytest.mark.parametrize("width", [320, 360])
def test_nothing_is_wider_than_the_screen(browser: Any, pages_at: Callable[[str], str], kind: str, width: int) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto(pages_at(kind))
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    wide = page.evaluate("document.documentElement.scrollWidth")
    page.close()
    assert wide <= width


def test_all_tables_are_there_without_scripts(browser: Any, pages_at: Callable[[str], str]) -> None:
    counts = []
    for on in (True, False):
        context = browser.new_context(java_script_enabled=on)
        page = context.new_page()
        page.goto(pages_at("small"))
        counts.append(page.locator("table[data-table] tbody tr").count())
        context.close()
    assert counts[0] == counts[1] > 60


def test_tables_sort_and_filter_by_keyboard(browser: Any, pages_at: Callable[[str], str]) -> None:
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda x: errors.append(str(x)))
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.goto(pages_at("plain"))
    table = page.locator("table.sortable[data-table$='-matrix']").nth(0)
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    before = table.locator("tbody tr").all_inner_texts()
    button = table.locator("thead button", has_text="Comparisons")
    button.focus()
    page.keyboard.press("Enter")
    counts = [int(t.replace(",", "")) for t in table.locator("tbody tr td:nth-child(6)").all_inner_texts()]
    assert counts == sorted(counts, reverse=True)
    assert table.locator("th[aria-sort=descending]").count() == 1
    page.keyboard.press("Enter")
    counts = [int(t.replace(",", "")) for t in table.locator("tbody tr td:nth-child(6)").all_inner_texts()]
    assert counts == sorted(counts)
    assert sorted(table.locator("tbody tr").all_inner_texts()) == sorted(before)
    box = page.locator("p.filter:has(+ .scroll table[data-table$='-matrix']) input").nth(0)
    box.fill("male south")
    seen = table.locator("tbody tr:visible").all_inner_texts()
    assert 0 < len(seen) < len(before)
    assert all("Male" in t and "South" in t for t in seen)
    assert errors == [], "the page's policy lets its own scripts run"
    page.close()


def test_the_first_thing_that_tab_reaches_leads_to_the_findings(browser: Any, pages_at: Callable[[str], str]) -> None:
    page = browser.new_page()
    page.goto(pages_at("small"))
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#main"
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#main"
    page.close()


def test_text_stands_out_from_its_ground_and_lines_from_paper() -> None:
    css = (report_html.TEMPLATES / "report.css").read_text("utf-8")
    for block in re.findall(r":root\{([^}]*)\}", css):
        colour = dict(re.findall(r"--([\w]+):(#[0-9a-f]{3,6})(?=[;\s]|$)", block.replace("\n", "")))
        grounds = [colour[x] for x in ("paper", "panel", "flagbg")]
        for text in ("ink", "muted", "link"):
            assert min(contrast(colour[text], g) for g in grounds) >= 4.5, (text, block[:20])
        assert contrast(colour["flag"], colour["flagbg"]) >= 3
        assert min(contrast(colour[f"s{i}"], colour["paper"]) for i in range(1, 9)) >= 3


def contrast(a: str, b: str) -> float:
    """WCAG 2's contrast ratio of two colours."""
    x, y = sorted((luminance(a), luminance(b)))
    return (y + 0.05) / (x + 0.05)


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * c for c in colour[1:])
    parts = [int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
