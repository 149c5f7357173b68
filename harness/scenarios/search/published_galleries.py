"""Galleries and probes that a data set publishes (as IJB-C does), as a scenario's own: templates of several images each."""

from __future__ import annotations

import numpy as np

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.schema.dataset import Dataset, SearchProtocol, TemplateSets
from faceparity.harness.comparisons.similarity import prepare
from faceparity.harness.protocols.template_pooling import averaged, usual_cells
from faceparity.harness.scenarios.base.context import ScenarioContext
from faceparity.harness.scenarios.search.enrolment import Enrolled, SearchTemplates


def published_gallery(dataset: Dataset, name: str) -> tuple[SearchProtocol, TemplateSets]:
    """The gallery of that name and the search that it is of. Raises UserError."""
    found = [(p, g) for p in dataset.search_protocols for g in p.galleries if g.name == name]
    if not found:
        has = ", ".join(g.name for p in dataset.search_protocols for g in p.galleries)
        raise UserError(
            f"gallery.published = {name!r}: the data set publishes {'no such gallery; it has ' + has if has else 'no gallery'}"
        )
    return found[0]


def published_sides(setting: ScenarioContext, name: str) -> Enrolled:
    """Its templates and probes. Of a person with several templates in the gallery the first is kept."""
    protocol, gallery = published_gallery(setting.dataset, name)
    kind = setting.card.score.kind
    prepared = prepare(setting.templates.vectors, kind)

    def side(sets: TemplateSets) -> SearchTemplates:
        vectors, made = averaged(sets, setting.dataset.n_samples, setting.templates, prepared, kind)
        none = np.full(sets.subjects.size, -1, np.int64)
        return SearchTemplates(vectors[made], np.flatnonzero(made), sets.subjects, usual_cells(sets, setting.cells), none)

    first = np.zeros(gallery.subjects.size, bool)
    first[np.unique(gallery.subjects, return_index=True)[1]] = True
    probes = side(protocol.probes)
    return Enrolled(side(gallery).only(first), probes, np.zeros(probes.tried, bool))
