"""The report says in how many images it depends on the policy whose face was measured, and nothing where it is none."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from faceparity.harness.results import Evaluation, ExtractionCounts
from faceparity.reports.formats.terminal import render
from faceparity.reports.layout.elements import Fold, Table, Text
from faceparity.reports.sections.rates import failures
from tests.reports.report_builder import evaluation


def with_extraction(**changes: object) -> Evaluation:
    made = evaluation()
    extraction = ExtractionCounts.model_validate({**made.extraction.model_dump(), **changes})
    return made.model_copy(update={"extraction": extraction})


def said(made: Evaluation) -> str:
    return " ".join(item.text for item in failures(made, "m") if isinstance(item, Text))


@pytest.mark.parametrize(
    ("origin", "words"), [("card", "it comes from the data set’s card"), ("option", "from the option --faces")]
)
def test_the_count_and_who_chose_are_said(origin: str, words: str) -> None:
    made = with_extraction(faces_from=origin)
    assert "In 3 images the largest face is not the one nearest to the middle." in said(made)
    assert words in said(made)


def test_each_grouping_has_its_counts() -> None:
    folds = [item for item in failures(with_extraction(), "m") if isinstance(item, Fold) and "Whose face" in item.summary]
    assert len(folds) == 3
    table = next(item for item in folds[0].items if isinstance(item, Table))
    assert table.columns[-1] == "Rule decides"
    assert len(table.rows) > 1


def test_where_nothing_differs_nothing_is_said() -> None:
    made = evaluation()
    assert made.extraction.faces_differ is not None
    none = with_extraction(faces_differ=made.extraction.faces_differ.model_copy(update={"errors": 0}).model_dump())
    unknown = with_extraction(faces=None, faces_from=None, faces_differ=None, faces_differ_by_group=[])
    for one in (none, unknown):
        assert "nearest to the middle" not in said(one)
        assert "nearest to the middle" not in on_terminal(one)


@pytest.mark.parametrize(
    ("faces", "used"), [("largest", "the largest was used"), ("centre", "the one nearest to the middle was used")]
)
def test_the_terminal_says_it_too(faces: str, used: str) -> None:
    text = on_terminal(with_extraction(faces=faces))
    assert "In 3 images the largest face is not the one nearest to the middle" in text
    assert used in text


def on_terminal(made: Evaluation) -> str:
    out = io.StringIO()
    console = Console(file=out, width=200)
    console.print(render([made]))
    return out.getvalue()
