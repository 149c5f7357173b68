"""`report.html`: one file over every evaluation of a run, for reading offline, without JavaScript, on a phone and on paper."""

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
from faceparity.reports.layout.elements import Section, Table
from faceparity.reports.layout.svg import with_shared_styles
from faceparity.reports.sections.about import GLOSSARY, about
from faceparity.reports.sections.outline import measured
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.csv_rows import grouping_name
from faceparity.reports.wording.finding import finding
from faceparity.reports.wording.headline import finest, headline
from faceparity.reports.wording.pool_words import pool_flags
from faceparity.reports.wording.verdicts.largest import common_leads
from faceparity.reports.wording.verdicts.outcomes import NO_DIFFERENCE, NOT_CALLED, short_words

NAME = 100
"""Characters of a row's name that are shown; the whole name is in the CSV tables."""


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
    """Write the report of all evaluations to `path`.

    In full or not at all. The same evaluations give the same bytes.

    Raises OSError where nothing can be written.
    """
    write_atomically(path, render(evaluations))


def render(evaluations: Sequence[Evaluation]) -> str:
    """Return the page as text.

    Everything that is not ours is escaped.
    """
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
    chapters = chapters_of(evaluations)
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
    """Return the page's scripts.

    One for each `templates/*.js` in the order of their names. The page must say all that matters without them.
    """
    out = []
    for path in sorted(TEMPLATES.glob("*.js")):
        text = path.read_text("utf-8")
        if "</script" in text.lower():
            raise ValueError(f"{path.name}: would end its own element")
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        out.append(Script(text, Markup(f"'sha256-{digest}'")))
    return out


def _cleaned(value: object) -> object:
    """Remove control characters from texts.

    What is already markup is ours, and stays.
    """
    return f.clean(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def synthetic(evaluations: Sequence[Evaluation]) -> tuple[str, str] | None:
    """Return the warning about synthetic faces, and its reason.

    It comes first on the page; it names the data sets if others' faces are real. None without synthetic faces.
    """
    names = list(
        dict.fromkeys(f.shorten(evaluation.dataset.name, 40) for evaluation in evaluations if evaluation.dataset.synthetic)
    )
    if not names:
        return None
    every = all(evaluation.dataset.synthetic for evaluation in evaluations)
    return SAYS_NOTHING if every else f"{', '.join(names)}: {SAYS_NOTHING}", ALIKE


def title(evaluations: Sequence[Evaluation]) -> str:
    """Return the page's title: its data sets and models."""
    data = list(dict.fromkeys(f.shorten(evaluation.dataset.name, 40) for evaluation in evaluations))
    models = list(dict.fromkeys(f.shorten(evaluation.model.name, 40) for evaluation in evaluations))
    return f"False matches by group: {f.joined_or_counted(models, 'model')} on {f.joined_or_counted(data, 'data set')}"


def chapters_of(evaluations: Sequence[Evaluation]) -> list[EvaluationChapter]:
    """Return every evaluation with all its sections.

    Headlines of one data set stand over the same grouping.
    """
    leads = common_leads(evaluations)
    return [chapter(evaluation, f"e{i + 1}", lead) for i, (evaluation, lead) in enumerate(zip(evaluations, leads, strict=True))]


def chapter(evaluation: Evaluation, key: str, lead: Sequence[str] | None = None) -> EvaluationChapter:
    """Return one evaluation with all its sections.

    lead: the attributes of its headline; None: those that suit it alone.
    """
    name = f"{f.shorten(evaluation.dataset.title, 80)}, {f.shorten(evaluation.model.title, 80)}"
    sections = measured(evaluation, key, lead) + about(evaluation, key)
    return EvaluationChapter(key, name, sections, finding(evaluation, lead).main[0], size(evaluation))


def size(evaluation: Evaluation) -> str:
    """Return what was measured, and what to mind, as text."""
    parts = [f.plural(evaluation.dataset.subjects, "person", "people"), f.plural(evaluation.dataset.samples, "image")]
    parts += [f.compared(evaluation.comparisons)]
    return f"{', '.join(parts)}. Mind: {flags(evaluation)}." if flags(evaluation) != f.DASH else f"{', '.join(parts)}."


def overview(evaluations: Sequence[Evaluation]) -> Table:
    """Return a table with one row per evaluation.

    Each row is at the evaluation's headline operating point.
    """
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
        "overview",
        "Every data set and model of this run",
        columns,
        [_row(evaluation, lead) for evaluation, lead in zip(evaluations, common_leads(evaluations), strict=True)],
        frozenset({1, 5, 7, 8}),
    )


def _row(evaluation: Evaluation, attributes: Sequence[str]) -> list[str]:
    """Return one evaluation's row. attributes: those of its headline."""
    grouping = finest(evaluation)
    position = headline(grouping)
    point = None if position is None else grouping.operating_points[position]
    ftx = evaluation.extraction.overall
    failed = (
        f"{f.count(ftx.errors)} of {f.count(ftx.comparisons)}"
        if ftx is not None and evaluation.extraction.supplied
        else "not supplied"
    )
    threshold_cells = (
        [f"{f.point_name(point)}: {f.threshold(evaluation.model, point.native_threshold)}", f.percent(point.achieved_fmr)]
        if point
        else ["refused", f.DASH]
    )
    lead = finding(evaluation, attributes).grouping
    lead_point = lead.operating_points[position] if lead is not None and position is not None else None
    counts = (
        Counter(short_words(lead_point, contrast) for contrast in lead_point.contrasts if contrast.measure == "fmr")
        if lead_point
        else Counter[str]()
    )
    verdicts = ", ".join(f"{counts[word]} {word}" for word in ("higher", "lower", NO_DIFFERENCE, NOT_CALLED) if counts[word])
    verdicts = f"{grouping_name(lead)}: {verdicts}" if lead is not None and verdicts else f.DASH
    return [
        *(
            f.shorten(evaluation.dataset.name, 40),
            f.shorten(evaluation.model.name, 40),
            f.count(evaluation.dataset.subjects),
            f.count(evaluation.dataset.samples),
            failed,
        ),
        *(*threshold_cells, verdicts, flags(evaluation)),
    ]


def flags(evaluation: Evaluation) -> str:
    """Return what must not be overlooked, in a few words."""
    points = finest(evaluation).operating_points
    cautions = ["synthetic faces"] * evaluation.dataset.synthetic
    cautions += ["people not labelled"] * (evaluation.dataset.identity == "none")
    cautions += ["contaminated"] * any(point.status == "contaminated" for point in points)
    cautions += pool_flags(points)
    cautions += ["partial pool"] * any(point.pool is not None and point.pool.partial for point in points)
    cautions += ["targets refused"] * any(point.status == "refused" for point in points)
    cautions += ["training data overlaps"] * evaluation.model.training_overlap
    cautions += [f.plural(len(evaluation.warnings), "warning")] * bool(evaluation.warnings)
    return ", ".join(cautions) or f.DASH
