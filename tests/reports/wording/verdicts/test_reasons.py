"""Every status, reason and verdict that a record can hold has words, in one place."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel

from faceparity.harness.results import ClaimReason, Evaluation, Reason, RecordedOptions
from faceparity.harness.results.comparison import Comparison
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.verdicts.reasons import (
    BY_FIELD,
    BY_RECORD,
    OF_CONTRASTS,
    OF_MATED,
    OF_MODELS,
    OF_PAIRED,
    REASONS,
    words_of,
)

NO_STATUS = {
    "schema_", "kind", "origin", "measure", "design", "of", "unit", "images", "quantity", "identity", "threshold", "reading",
    "about", "known", "expects", "mean_over", "faces", "faces_from", "test",
}  # fmt: skip
"""Fields of a few fixed words that are neither a status nor a reason nor a verdict: names of things, which are worded where they stand."""


def models() -> list[type[BaseModel]]:
    """Every model that a result or a comparison of results is made of."""
    found: list[type[BaseModel]] = [Evaluation, Comparison]
    for model in found:
        found += [part for field in model.model_fields.values() for part in _parts(field.annotation) if part not in found]
    return [model for model in found if model is not RecordedOptions]  # options are what somebody asked for, not what came of it


def _parts(annotation: Any) -> Iterator[type[BaseModel]]:
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _parts(argument)


def _words(annotation: Any) -> set[str]:
    """The texts of all Literals in an annotation."""
    if str(get_origin(annotation)) == "typing.Literal":
        return {value for value in get_args(annotation) if isinstance(value, str)}
    return set[str]().union(*(_words(argument) for argument in get_args(annotation)))


FIELDS = [
    (model, name, sorted(values))
    for model in models()
    for name, field in model.model_fields.items()
    if (values := _words(field.annotation))
]


def test_the_walk_reaches_every_part_of_a_record() -> None:
    reached = {model.__name__ for model in models()}
    assert {"Contrast", "ClaimTest", "WatchlistAt", "PairedDifference", "LeagueTest", "SearchPoint", "LineupGroup"} <= reached
    assert len(FIELDS) > 60


@pytest.mark.parametrize(("model", "name", "values"), [(m, n, v) for m, n, v in FIELDS if n not in NO_STATUS])
def test_every_status_that_a_record_can_hold_has_words(model: type[BaseModel], name: str, values: list[str]) -> None:
    words = words_of(model.__name__, name)
    assert words is not None, f"{model.__name__}.{name} is neither in reports/wording/verdicts/reasons.py nor no status at all"
    assert [value for value in values if not words.get(value)] == []


def test_no_words_are_for_what_no_record_can_hold() -> None:
    known = {value for _, name, values in FIELDS if name not in NO_STATUS for value in values}
    every = [REASONS, OF_MATED, OF_CONTRASTS, OF_MODELS, OF_PAIRED, *BY_RECORD.values(), *BY_FIELD.values()]
    assert {code for words in every for code in words} == known
    assert {(model.__name__, name) for model, name, _ in FIELDS} >= set(BY_RECORD)
    assert not {name for _, name, _ in FIELDS if name in NO_STATUS} ^ NO_STATUS


def test_no_two_reasons_of_one_kind_read_the_same() -> None:
    """A reader can tell them apart; the old word for a contrast's two readings aside, which stands for the new one."""
    for words in (REASONS, OF_CONTRASTS, OF_MODELS):
        texts = [text for code, text in words.items() if code != "contaminated"]
        assert len(texts) == len(set(texts))


def test_no_reason_sends_the_reader_to_warnings() -> None:
    assert [text for words in (REASONS, *BY_RECORD.values()) for text in words.values() if "warning" in text] == []


@pytest.mark.parametrize(
    "code", sorted({*get_args(Reason), *(value for part in get_args(ClaimReason) for value in get_args(part))})
)
def test_no_code_reaches_a_reader(code: str) -> None:
    words = words_of("ClaimTest", "reason") or {}
    assert "_" not in words[code]
    assert "_" not in f.contrast_reason(code)


def test_what_versions_to_come_may_write_is_still_readable() -> None:
    assert f.reason("a_new_reason") == "a new reason"
    assert f.reason(None) == f.contrast_reason(None) == ""
    assert f.reason("too_few_subjects", mated=True) == "fewer than 30 people with two images"
