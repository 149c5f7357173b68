"""How sections go through operating points: the headline's content open, the others' folded."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from faceparity.harness.results import Evaluation
from faceparity.reports.layout.elements import Fold, Heading, Item
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.headline import finest, headline


def per_point(evaluation: Evaluation, key: str, build: Callable[[Evaluation, int, int, str], list[Item]]) -> Iterator[Item]:
    """Yield content for each operating point.

    Over all groupings, finest first: the headline's open, the others' folded.
    """
    grouping = finest(evaluation)
    first = headline(grouping)
    order = sorted(range(len(evaluation.groupings)), key=lambda i: -len(evaluation.groupings[i].attributes))
    for position, point in enumerate(grouping.operating_points):
        if point.threshold is None:
            continue
        items = [
            item
            for i in order
            if position < len(evaluation.groupings[i].operating_points)
            for item in build(evaluation, i, position, f"{key}-{i}-{position}")
        ]
        if position == first and items:
            yield Heading(f.sentence(f.point_name(point)))
            yield from items
        elif items:
            yield Fold(f"{f.sentence(f.point_name(point))} ({f.threshold(evaluation.model, point.native_threshold)})", items)
