"""Galleries and probes that a data set publishes (as IJB-C does): templates of several images each."""

from __future__ import annotations

import numpy as np

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.schema.dataset import Dataset, SearchProtocol, TemplateSets
from faceparity.harness.comparisons.similarity import prepare
from faceparity.harness.protocols.template_pooling import averaged, usual_cells
from faceparity.harness.scenarios.base.context import ScenarioContext
from faceparity.harness.scenarios.search.enrolment import Enrolled, SearchTemplates


def published_gallery(dataset: Dataset, name: str) -> tuple[SearchProtocol, TemplateSets]:
    """Return the search and the gallery of that name.

    Raises UserError if the data set publishes no such gallery.
    """
    found = [
        (protocol, gallery) for protocol in dataset.search_protocols for gallery in protocol.galleries if gallery.name == name
    ]
    if not found:
        has = ", ".join(gallery.name for protocol in dataset.search_protocols for gallery in protocol.galleries)
        raise UserError(
            f"gallery.published = {name!r}: the data set publishes {'no such gallery; it has ' + has if has else 'no gallery'}"
        )
    return found[0]


def published_sides(context: ScenarioContext, name: str) -> Enrolled:
    """Return a published gallery's templates and probes.

    Of a person with several templates in the gallery the first is kept.
    """
    protocol, gallery = published_gallery(context.dataset, name)
    kind = context.card.score.kind
    prepared = prepare(context.templates.vectors, kind)

    def side(sets: TemplateSets) -> SearchTemplates:
        vectors, has_template = averaged(sets, context.dataset.n_samples, context.templates, prepared, kind)
        none = np.full(sets.subjects.size, -1, np.int64)
        return SearchTemplates(
            vectors[has_template], np.flatnonzero(has_template), sets.subjects, usual_cells(sets, context.cells), none
        )

    first = np.zeros(gallery.subjects.size, bool)
    first[np.unique(gallery.subjects, return_index=True)[1]] = True
    probes = side(protocol.probes)
    return Enrolled(side(gallery).only(first), probes, np.zeros(probes.tried, bool))
