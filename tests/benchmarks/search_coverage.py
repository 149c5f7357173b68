"""How often the intervals of searches cover what they are about: `python -m tests.benchmarks.search_coverage`.

People of two groups are drawn anew from one endless population, some of whom look like many others; of each draw the rates and shares are
measured with their intervals. What they are about is the mean over all draws, as every estimate is a mean without bias. Fewer than
ten errors have no interval. One JSON line per figure: nominal coverage is 0.95.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator

import numpy as np

from faceparity.harness.groups.groupings import SampleGrouping
from faceparity.harness.scenarios.search import candidate_lists as c
from faceparity.harness.scenarios.search import random_galleries as d
from faceparity.harness.scenarios.search import search as s
from faceparity.harness.scenarios.search.enrolment import Enrolled, SearchTemplates
from faceparity.harness.verification.rates import estimates
from faceparity.harness.verification.rates.verdict_rules import BOUND_BELOW

DIMENSIONS = 24
GALLERY = 40
THRESHOLD = 0.66
Figure = tuple[float, tuple[float, float] | None]


def population(rng: np.random.Generator, people: int) -> Enrolled:
    """Half of them of each group, which has a common part; people differ in how much of it they have. One image enrolled, two searched."""
    group = np.arange(people, dtype=np.int32) % 2
    common = np.random.default_rng(0).standard_normal((2, DIMENSIONS))
    likeness = rng.gamma(4.0, 0.2, people)[:, None]
    centre = rng.standard_normal((people, DIMENSIONS)) + likeness * common[group]
    who = np.arange(people, dtype=np.int32)

    def side(of: np.ndarray) -> SearchTemplates:
        x = (centre[of] + 0.7 * rng.standard_normal((of.size, DIMENSIONS))).astype(np.float32)
        return SearchTemplates(x, np.arange(of.size), of, group[of], np.full(of.size, -1))

    probes = side(np.repeat(who, 2))
    return Enrolled(side(who), probes, np.zeros(probes.tried, bool))


def figures(enrolled: Enrolled) -> Iterator[tuple[str, Figure]]:
    """Each figure of one draw with its interval."""
    two = SampleGrouping(("group",), ("a", "b"), (("a",), ("b",)), np.array([0, 1], np.int32))
    lists = c.make_lists(enrolled, np.zeros(enrolled.gallery.tried, np.int32), np.array([GALLERY]), "cosine")
    first = d.first_of_list(lists.stratum, lists.others, lists.drawn)
    group = c.groups_of(lists.probes, two.of_cell)
    run = s._Run(lists, two, group, c.groups_of(lists.gallery, two.of_cell), first, 1)
    alarms = s.false_alarms(lists, THRESHOLD)
    outcomes = {
        "fpir": alarms,
        "fnir": s.misses(lists, 1, THRESHOLD),
        "not_first": s.misses(lists, 1),
        "own_group": s.of_own_group(run),
    }
    for name, outcome in outcomes.items():
        for who, members in (("everybody", np.ones(group.size, bool)), ("a", group == 0)):
            found = c.estimate(lists, outcome, members)
            if found.rate is not None:
                told = found.errors >= BOUND_BELOW
                yield f"{name}, {who}", (found.rate, estimates.interval_of(found) if told else None)
    part, whole = (c.sums(lists, alarms, x) for x in (group == 0, np.ones(group.size, bool)))
    share, interval = c.share_of(part, whole, part.ids.size - 1)
    if share is not None:
        yield "share of false alarms, a", (share, interval)


def main() -> None:
    """One line for each number of people and figure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, nargs="+", default=[120, 300])
    parser.add_argument("--draws", type=int, default=300)
    asked = parser.parse_args()
    for people in asked.people:
        seen: dict[str, list[Figure]] = {}
        for draw in range(asked.draws):
            for name, figure in figures(population(np.random.default_rng([people, draw]), people)):
                seen.setdefault(name, []).append(figure)
        for name, of in seen.items():
            truth = float(np.mean([value for value, _ in of]))
            told = [interval for _, interval in of if interval is not None]
            covered = np.mean([low <= truth <= high for low, high in told]) if told else np.nan
            width = np.mean([high - low for low, high in told]) if told else np.nan
            sd = np.std([value for value, _ in of])
            line = {
                "figure": name, "people": people, "gallery": GALLERY, "draws": len(of), "intervals": len(told), "truth": round(truth, 4),
                "covered": round(float(covered), 3), "mean_width": round(float(width), 4), "width_of_4_sd": round(4 * float(sd), 4),
            }  # fmt: skip
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
