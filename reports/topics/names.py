"""Everything in a record that others have worded: `forbidden_words.forbidden` judges our sentences, not these."""

from __future__ import annotations

from collections.abc import Iterator

from faceparity.harness.results import Evaluation
from faceparity.reports.topics.registry import topics


def names_of(evaluation: Evaluation) -> set[str]:
    """Return all texts of a record that others have worded.

    Names, cards' texts, claims and quotations, warnings, problems. Texts of one character are left out.
    """
    return {text for text in _texts(evaluation) if len(text) > 1}


def _texts(evaluation: Evaluation) -> Iterator[str]:
    """Yield the texts that `names_of` collects."""
    dataset, model = evaluation.dataset, evaluation.model
    yield from (
        dataset.name,
        dataset.title,
        dataset.version,
        dataset.home,
        dataset.licence,
        dataset.consent,
        dataset.withdrawn,
        dataset.citation,
        *dataset.known_defects,
        *dataset.problems,
    )
    yield from (
        model.name,
        model.title,
        model.version,
        model.licence,
        model.training_data,
        model.training_overlap_note,
        model.conditions,
        model.detector,
        model.alignment,
    )
    yield from (model.input, model.published_threshold_source, model.score.unit, *model.known_weaknesses)
    yield from (
        text for label in dataset.labels for text in (label.attribute, label.column, label.provenance, label.note, *label.values)
    )
    yield from (
        text for grouping in evaluation.groupings for text in (*grouping.attributes, *(group.group for group in grouping.groups))
    )
    yield from (point.detail for grouping in evaluation.groupings for point in grouping.operating_points)
    yield from (evaluation.extraction.faces_policy, *evaluation.warnings)
    for topic in topics():
        yield from topic.names(evaluation)
