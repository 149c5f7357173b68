"""How sections go through operating points: the headline's content open, the others' folded."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from faceparity.harness.results import Evaluation
from faceparity.reports.layout.elements import Fold, Heading, Item
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.headline import finest, headline


def per_point(e: Evaluation, key: str, build: Callable[[Evaluation, int, int, str], list[Item]]) -> Iterator[Item]:
    """Content for each operating point over all groupings, finest first: the headline's open, the others' folded."""
    g = finest(e)
    first = headline(g)
    order = sorted(range(len(e.groupings)), key=lambda i: -len(e.groupings[i].attributes))
    for n, p in enumerate(g.operating_points):
        if p.threshold is None:
            continue
        items = [x for i in order if n < len(e.groupings[i].operating_points) for x in build(e, i, n, f"{key}-{i}-{n}")]
        if n == first and items:
            yield Heading(f.sentence(f.point_name(p)))
            yield from items
        elif items:
            yield Fold(f"{f.sentence(f.point_name(p))} ({f.threshold(e.model, p.native_threshold)})", items)
