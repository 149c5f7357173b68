"""`report.html`: one file over every evaluation of a run, readable without a network, without JavaScript, on a phone and on paper."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from markupsafe import Markup

from faceparity.datasets.common.atomic_write import write_atomically
from faceparity.harness.results import Evaluation
from faceparity.harness.results.parts.notices import ALIKE, SAYS_NOTHING
from faceparity.reports.charts.svg import with_shared_styles
from faceparity.reports.layout.elements import Section, Table
from faceparity.reports.sections.about import GLOSSARY, about
from faceparity.reports.sections.outline import measured
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.csv_rows import grouping_name
from faceparity.reports.wording.finding import finding
from faceparity.reports.wording.headline import finest, headline, verdict

NAME = 100
"""So many characters of a row's name are shown; the whole name is in the CSV tables."""


class Script(NamedTuple):
    """A script of the page, and its hash as the page's policy names it."""

    text: str
    hash: Markup


TEMPLATES = Path(__file__).parents[1] / "templates"


class EvaluationChapter(NamedTuple):
    """One evaluation on the page."""

    key: str
    title: str
    sections: list[Section]
    lead: str
    """The finding in one sentence."""
    size: str
    """How many people and images, and what to mind, in a line."""


def write_report(evaluations: Sequence[Evaluation], path: Path) -> None:
    """Writes the report of all evaluations to `path`, whole or not at all. The same evaluations give the same bytes.

    Raises OSError where nothing can be written.
    """
    write_atomically(path, render(evaluations))


def render(evaluations: Sequence[Evaluation]) -> str:
    """The page as text. Everything that is not ours is escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        finalize=_cleaned,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters["short"] = lambda name: f.shorten(name, NAME)
    chapters = [chapter(e, f"e{i + 1}") for i, e in enumerate(evaluations)]
    css = "".join(path.read_text("utf-8") for path in sorted(TEMPLATES.glob("*.css")))
    text = env.get_template("report.html.j2").render(
        title=title(evaluations),
        css=css,
        overview=overview(evaluations),
        chapters=chapters,
        glossary=GLOSSARY,
        first=synthetic(evaluations),
        scripts=scripts(),
    )
    text, rules = with_shared_styles(text)
    return text.replace("</style>", f"{rules}\n</style>", 1)


def scripts() -> list[Script]:
    """The page's scripts, one for each `templates/*.js` in the order of their names. The page must say all that matters without."""
    out = []
    for path in sorted(TEMPLATES.glob("*.js")):
        text = path.read_text("utf-8")
        if "</script" in text.lower():
            raise ValueError(f"{path.name}: would end its own element")
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        out.append(Script(text, Markup(f"'sha256-{digest}'")))
    return out


def _cleaned(value: object) -> object:
    """What comes from names loses control characters; what is already markup is ours."""
    return f.clean(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def synthetic(evaluations: Sequence[Evaluation]) -> tuple[str, str] | None:
    """What comes first on the page if faces are nobody's, naming the data sets if others' are not: the warning, and why."""
    names = list(dict.fromkeys(f.shorten(e.dataset.name, 40) for e in evaluations if e.dataset.synthetic))
    if not names:
        return None
    return SAYS_NOTHING if all(e.dataset.synthetic for e in evaluations) else f"{', '.join(names)}: {SAYS_NOTHING}", ALIKE


def title(evaluations: Sequence[Evaluation]) -> str:
    """The page's title: the data sets and models in it."""
    data = list(dict.fromkeys(f.shorten(e.dataset.name, 40) for e in evaluations))
    models = list(dict.fromkeys(f.shorten(e.model.name, 40) for e in evaluations))
    return f"False matches by group: {f.joined_or_counted(models, 'model')} on {f.joined_or_counted(data, 'data set')}"


def chapter(e: Evaluation, key: str) -> EvaluationChapter:
    """All sections of one evaluation."""
    name = f"{f.shorten(e.dataset.title, 80)}, {f.shorten(e.model.title, 80)}"
    return EvaluationChapter(key, name, measured(e, key) + about(e, key), finding(e).main[0], size(e))


def size(e: Evaluation) -> str:
    """How much was measured, and what must not be overlooked, in a line."""
    told = [f.plural(e.dataset.subjects, "person", "people"), f.plural(e.dataset.samples, "image")]
    told += [f.compared(e.comparisons)]
    return f"{', '.join(told)}. Mind: {flags(e)}." if flags(e) != f.DASH else f"{', '.join(told)}."


def overview(evaluations: Sequence[Evaluation]) -> Table:
    """One row for each data set and model, at its headline operating point."""
    columns = [
        "Data set",
        "Model",
        "People",
        "Images",
        "FTX",
        "Threshold",
        "FMR of the pool",
        "FMR against the reference",
        "Mind",
    ]
    return Table(
        "overview", "Every data set and model of this run", columns, [_row(e) for e in evaluations], frozenset({1, 5, 7, 8})
    )


def _row(e: Evaluation) -> list[str]:
    g = finest(e)
    n = headline(g)
    p = None if n is None else g.operating_points[n]
    ftx = e.extraction.overall
    failed = (
        f"{f.count(ftx.errors)} of {f.count(ftx.comparisons)}" if ftx is not None and e.extraction.supplied else "not supplied"
    )
    point = (
        [f"{f.point_name(p)}: {f.threshold(e.model, p.native_threshold)}", f.percent(p.achieved_fmr)]
        if p
        else ["refused", f.DASH]
    )
    lead = finding(e).grouping
    q = lead.operating_points[n] if lead is not None and n is not None else None
    counts = Counter(verdict(q, "fmr", c.group) for c in q.contrasts if c.measure == "fmr") if q else Counter[str]()
    words = {"higher": "higher", "lower": "lower", "inconclusive": "inconclusive", "none": "without a ratio"}
    told = ", ".join(f"{counts[k]} {word}" for k, word in words.items() if counts[k])
    told = f"{grouping_name(lead)}: {told}" if lead is not None and told else f.DASH
    return [
        *(
            f.shorten(e.dataset.name, 40),
            f.shorten(e.model.name, 40),
            f.count(e.dataset.subjects),
            f.count(e.dataset.samples),
            failed,
        ),
        *(*point, told, flags(e)),
    ]


def flags(e: Evaluation) -> str:
    """What must not be overlooked, in a few words."""
    points = finest(e).operating_points
    told = ["synthetic faces"] * e.dataset.synthetic + ["people not labelled"] * (e.dataset.identity == "none")
    told += ["contaminated"] * any(p.status == "contaminated" for p in points)
    told += ["partial pool"] * any(p.pool is not None and p.pool.partial for p in points)
    told += ["targets refused"] * any(p.status == "refused" for p in points)
    told += ["training data overlaps"] * e.model.training_overlap
    told += [f.plural(len(e.warnings), "warning")] * bool(e.warnings)
    return ", ".join(told) or f.DASH
