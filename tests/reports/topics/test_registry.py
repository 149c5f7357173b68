"""Every optional topic of a record stands on the page, in the terminal, in summary.md, in CSV tables and in the PDF."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from faceparity.harness.results import Evaluation, Part
from faceparity.reports import topics as package_of_topics
from faceparity.reports.exports.document import document
from faceparity.reports.exports.iso_19795_10 import CHECKS, SCOPE, parts_of
from faceparity.reports.formats import html, markdown, terminal
from faceparity.reports.formats.csv_tables import tables, to_csv
from faceparity.reports.topics.names import names_of
from faceparity.reports.topics.registry import topics

TOPICS = {topic.name: topic for topic in topics()}
by_topic = pytest.mark.parametrize("name", list(TOPICS))


def bare(text: str) -> str:
    """Without white space, markup and what escapes it: the same sentence in every format."""
    return re.sub(r"<[^>]*>|[\s\\\u00a0\u2026]+", "", text)


def texts_of(data: Any) -> str:
    """Every text of a document's data, one after another."""
    if isinstance(data, dict):
        return " ".join(texts_of(x) for x in data.values())
    return " ".join(texts_of(x) for x in data) if isinstance(data, list | tuple) else str(data)


def channels(e: Evaluation) -> dict[str, str]:
    """What each format says of an evaluation."""
    console = Console(file=io.StringIO(), width=200)
    console.print(terminal.render([e]))
    return {
        "page": html.render([e]),
        "terminal": console.file.getvalue(),  # type: ignore[attr-defined]
        "markdown": markdown.summary([e]),
        "csv": "".join(f"{name}\n{to_csv(header, rows)}" for name, (header, rows) in tables(e).items()),
        "pdf": texts_of(document([e])),
    }


def test_every_optional_part_of_the_record_is_a_topic(topical: dict[str, Evaluation]) -> None:
    lists = {name for name, field in Evaluation.model_fields.items() if not field.is_required()} - {"schema_", "warnings"}
    assert set(TOPICS) == lists == set(topical)
    for name, e in topical.items():
        assert isinstance(getattr(e, name)[0], Part)


@by_topic
def test_it_implements_the_interface(name: str, topical: dict[str, Evaluation]) -> None:
    topic, e = TOPICS[name], topical[name]
    (section,) = topic.sections(e, "e1")
    assert section.key == f"e1-{name}"
    for wide in (True, False):
        entries = list(topic.entries(e, wide=wide))
        assert entries
        for small in (x for entry in entries for x in entry.tables):
            assert all(len(row) == len(small.header) for row in small.rows)
            assert small.rows
            assert small.caption or small.legend or wide
    for header, rows in topic.tables(e).values():
        assert all(len(row) == len(header) for row in rows)
    assert any(rows for _, rows in topic.tables(e).values())


@by_topic
def test_a_record_without_it_says_nothing_of_it(name: str, variants: dict[str, Evaluation]) -> None:
    topic, e = TOPICS[name], variants["plain"]
    told = [*topic.sections(e, "e1"), *topic.entries(e, wide=True), *topic.entries(e, wide=False), *topic.tables(e)]
    assert [*told, *topic.names(e)] == []


@by_topic
def test_a_record_with_it_shows_it_everywhere(name: str, topical: dict[str, Evaluation], variants: dict[str, Evaluation]) -> None:
    topic, e = TOPICS[name], topical[name]
    shown, without = channels(e), channels(variants["plain"])
    (section,) = topic.sections(e, "e1")
    assert f'id="e1-{name}"' in shown["page"]
    assert f'id="e1-{name}"' not in without["page"]
    for channel, wide in (("terminal", False), ("markdown", True)):
        for entry in topic.entries(e, wide=wide):
            said = [entry.title, *entry.sentences, *entry.flags, *(h for x in entry.tables for h in x.header)]
            for text in said:
                assert bare(text) in bare(shown[channel]), (channel, text)
            assert bare(entry.title) not in bare(without[channel])
    for file, (header, rows) in topic.tables(e).items():
        assert f"{file}\n{to_csv(header, rows)}" in shown["csv"]
        assert file not in tables(variants["plain"])
    assert section.title in shown["pdf"]
    assert section.title not in without["pdf"]
    assert {text for text in topic.names(e) if len(text) > 1} <= names_of(e)


@by_topic
def test_the_questions_that_it_answers_are_asked_and_lead_to_its_section(name: str, topical: dict[str, Evaluation]) -> None:
    questions = {q.name: q for q in (*SCOPE, *CHECKS)}
    asked = {q["name"]: q["places"] for part in document([topical[name]])["topics"] for q in part["topics"]}
    for answered in TOPICS[name].answers:
        assert name in parts_of(questions[answered])
        assert f"e1-{name}" in asked[answered][0]
    others = set(questions) - set(TOPICS[name].answers)
    assert [q for q in others if f"e1-{name}" in asked[q][0]] == []


def test_order_is_one_and_the_same_everywhere(topical: dict[str, Evaluation]) -> None:
    assert len({topic.order for topic in TOPICS.values()}) == len(TOPICS)
    e = topical["claims"].model_copy(update={name: getattr(other, name) for name, other in topical.items()})
    shown = channels(e)
    for channel, wide in (("terminal", False), ("markdown", True)):
        text = bare(shown[channel])
        places = [text.index(bare(next(iter(topic.entries(e, wide=wide))).title)) for topic in topics()]
        assert places == sorted(places), channel
    keys = [s["key"].partition("-")[2] for s in document([e])["chapters"][0]["sections"]]
    assert keys.index("paired") == keys.index("finding") + 1
    assert keys[keys.index("indices") + 1 :][:4] == ["exclusions", "protocols", "searches", "scenarios"]


MADE_UP = """
from faceparity.reports.layout.elements import Section, Text
from faceparity.reports.layout.topic import SmallTable, Topic, TopicEntry

HEADER = ["sighting", "letters"]


def rows(e):
    return [[w, len(w)] for w in e.warnings]


def sections(e, key):
    return [Section(f"{key}-made-up", "A made-up topic", [Text(f"Seen: {w}") for w in e.warnings])] if e.warnings else []


def entries(e, *, wide):
    if e.warnings:
        small = SmallTable("By letters", HEADER, [[w, str(n)] for w, n in rows(e)])
        yield TopicEntry("A made-up topic", tables=[small])


def tables(e):
    return {"sightings": (HEADER, rows(e))} if e.warnings else {}


def names(e):
    return ["a made-up name"]


TOPIC = Topic("warnings", 15, "finding", sections, entries, tables, names, answers=("Procurement",))
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose modules belong to reports too; what was found before is forgotten, before and after."""
    monkeypatch.setattr(package_of_topics, "__path__", [*package_of_topics.__path__, str(tmp_path)])
    topics.cache_clear()
    yield tmp_path
    topics.cache_clear()
    sys.modules.pop("faceparity.reports.topics.warnings", None)
    if "warnings" in vars(package_of_topics):
        del package_of_topics.warnings  # type: ignore[attr-defined]


def test_one_new_file_is_enough(package: Path, variants: dict[str, Evaluation]) -> None:
    e = variants["plain"].model_copy(update={"warnings": ["17 images had no face", "a|b"]})
    before = channels(e)
    assert [channel for channel, text in before.items() if "A made-up topic" in text or "sightings" in text] == []
    (package / "warnings.py").write_text(MADE_UP, "utf-8")
    topics.cache_clear()
    after = channels(e)
    assert [channel for channel in after if channel != "csv" and "A made-up topic" not in after[channel]] == []
    assert "sightings\nsighting,letters\n17 images had no face,21\n" in after["csv"]
    assert "| 17 images had no face | 21 |\n| a\\|b | 3 |" in after["markdown"]
    asked = {q["name"]: q["places"] for part in document([e])["topics"] for q in part["topics"]}
    assert asked["Procurement"] == [["e1-warnings"]]
    assert "a made-up name" in names_of(e)
    assert list(TOPICS) == [topic.name for topic in topics() if topic.name != "warnings"]


@pytest.mark.parametrize("text", ["", "TOPIC = 1", MADE_UP.replace('"warnings"', '"cautions"')])
def test_a_module_named_for_a_part_must_hold_its_topic(package: Path, text: str) -> None:
    (package / "warnings.py").write_text(text, "utf-8")
    with pytest.raises(TypeError, match=r"faceparity\.reports\.topics\.warnings.*no topic 'warnings'"):
        topics()
