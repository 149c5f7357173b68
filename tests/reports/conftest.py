from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from faceparity.harness.results import Evaluation, canonical
from tests.reports import report_builder, report_page
from tests.reports.topics import (
    test_claims,
    test_exclusions,
    test_paired,
    test_protocols,
    test_scenario_watchlist,
    test_searches,
)

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what opens a browser."""
    for item in items:
        if isinstance(item, pytest.Function) and "browser" in item.fixturenames:
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def builder() -> ModuleType:
    return report_builder


@pytest.fixture(scope="session")
def read_page() -> Callable[[list[Evaluation]], Any]:
    """Renders evaluations and reads the page."""
    from faceparity.reports.formats.html import render

    return lambda evaluations: report_page.read(render(evaluations))


@pytest.fixture(scope="session")
def variants(builder: ModuleType) -> dict[str, Evaluation]:
    """One evaluation of each kind that a report must tell apart."""
    setup: Any = builder.Setup
    return {
        "plain": builder.evaluation(setup()),
        "no_mated": builder.evaluation(setup(mated=False, dataset="set_b")),
        "contaminated": builder.evaluation(setup(mated=False, repeats=20, dataset="set_c")),
        "partial": builder.evaluation(setup(partial=True, model="model_b")),
        "distance": builder.evaluation(setup(distance=True, model="model_d", supplied=False)),
        "synthetic": builder.evaluation(setup(synthetic=True, means=(0.0,) * 8, sizes=(60,) * 8)),
        "refused": builder.evaluation(setup(mated=False, repeats=1500, sizes=(120,) * 8, dataset="set_r")),
        "hostile": builder.evaluation(builder.hostile()),
    }


@pytest.fixture(scope="session")
def topical(builder: ModuleType, variants: dict[str, Evaluation]) -> dict[str, Evaluation]:
    """By each optional topic, the plain evaluation with that topic alone."""
    e = variants["plain"]
    parts = {
        "claims": test_claims.one(test_claims.reading([test_claims.made(), test_claims.made("inconclusive", target_fmr=0.001)])),
        "exclusions": test_exclusions.one_target(builder),
        "protocols": test_protocols.protocol(builder, e),
        "searches": test_searches.search(builder),
        "scenarios": test_scenario_watchlist.watchlist(builder),
        "paired": test_paired.paired(builder, e),
    }
    return {name: canonical(e.model_copy(update={name: [part]})) for name, part in parts.items()}


@pytest.fixture(scope="session")
def pages(variants: dict[str, Evaluation], read_page: Callable[[list[Evaluation]], Any]) -> Callable[[str], Any]:
    """The page of one variant, read once."""
    made: dict[str, Any] = {}

    def get(kind: str) -> Any:
        if kind not in made:
            made[kind] = read_page([variants[kind]])
        return made[kind]

    return get


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    if CHROMIUM is None or find_spec("playwright") is None:
        print("skipped: no Chromium, or no playwright")
        pytest.skip("no Chromium, or no playwright: nothing is opened in a browser")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def look(browser: Any) -> Callable[..., list[str]]:
    """What axe-core finds on a page, everything unfolded; colours only in the parts named."""
    spec = find_spec("axe_core_python")
    if spec is None or spec.origin is None:
        print("skipped: axe-core-python is not installed")
        pytest.skip("axe-core-python is not installed: accessibility is not checked")
    axe = Path(spec.origin).with_name("axe.min.js").read_text("utf-8")

    def found(address: str, scheme: str, width: int = 1280, coloured: Sequence[str] = ()) -> list[str]:
        page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
        page.goto(address)
        page.add_style_tag(content=".scroll{background:none!important}")  # A shadow at the edge; axe cannot see through pictures.
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
        page.evaluate(axe)
        options = f"{{runOnly: {TAGS!r}, resultTypes: ['violations'], rules: {{'color-contrast': {{enabled: false}}}}}}"
        wrong = page.evaluate(f"axe.run({options})")["violations"]
        for part in coloured:
            options = "{runOnly: ['color-contrast'], resultTypes: ['violations']}"
            wrong += page.evaluate(f"axe.run('{part}', {options})")["violations"]
        page.close()
        return [f"{v['impact']}: {v['id']}: {v['nodes'][0]['html'][:200]}" for v in wrong]

    return found
