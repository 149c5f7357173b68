"""Everything in a record that others have worded: `lint.forbidden` judges our sentences, not these."""

from __future__ import annotations

from collections.abc import Iterator

from faceparity.harness.results import Evaluation
from faceparity.reports.topics.registry import topics


def names_of(e: Evaluation) -> set[str]:
    """Return names, cards' texts, claims and quotations, warnings, problems: what others have worded."""
    return {text for text in _texts(e) if len(text) > 1}


def _texts(e: Evaluation) -> Iterator[str]:
    d, m = e.dataset, e.model
    yield from (d.name, d.title, d.version, d.home, d.licence, d.consent, d.withdrawn, d.citation, *d.known_defects, *d.problems)
    yield from (
        m.name,
        m.title,
        m.version,
        m.licence,
        m.training_data,
        m.training_overlap_note,
        m.conditions,
        m.detector,
        m.alignment,
    )
    yield from (m.input, m.published_threshold_source, m.score.unit, *m.known_weaknesses)
    yield from (x for label in d.labels for x in (label.attribute, label.column, label.provenance, label.note, *label.values))
    yield from (x for g in e.groupings for x in (*g.attributes, *(group.group for group in g.groups)))
    yield from (p.detail for g in e.groupings for p in g.operating_points)
    yield from (e.extraction.faces_policy, *e.warnings)
    for topic in topics():
        yield from topic.names(e)
