"""The comparisons of a run that a person should look at: which are kept in its private part, and why."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from faceparity.harness.comparisons.tally import Pairs
from faceparity.harness.evaluation.evaluate import Evaluated
from faceparity.harness.verification.rates.verdict_rules import CARRIES_FROM
from faceparity.harness.verification.threshold.pool_errors import Carriers, carriers
from faceparity.harness.verification.threshold.target_threshold import find_threshold

SUSPECTS = 200
"""Number of the most alike non-mated comparisons, and of the least alike mated ones, kept for a person to look at."""
MOST_ALIKE = 5000
"""Number of non-mated comparisons kept that look like one person."""
CARRIES_SOME = 0.05
"""Share of a pool's errors from which a pair of people is among the suspects."""
MOST_PAIRS = 20


class Suspects(NamedTuple):
    """Comparisons for a person to look at, as samples of the tally.

    share: float64, of the pool's errors at a target, what those two people carry in all; 0 for others.
    """

    pairs: Pairs
    share: NDArray[np.float64]


def choose_suspects(evaluated: Evaluated) -> Suspects:
    """Return the comparisons of a run that a person should look at.

    The errors of pairs of people that carry the pool's; the most alike non-mated comparisons, and all that look like one person; and
    the least alike mated ones. Relatives, look-alikes, wrong labels and one person under two ids are among them.
    """
    tally = evaluated.evidence.tally
    share = _shares_of_errors(evaluated)
    order = np.argsort(-tally.ledger.score, kind="stable")
    high = np.union1d(order[: max(SUSPECTS, min(MOST_ALIKE, _alike(evaluated)))], np.flatnonzero(share))
    low = np.sort(np.argsort(tally.mated_pairs.score, kind="stable")[:SUSPECTS])
    pairs = Pairs(
        *(
            np.concatenate([column[high], mated[low]])
            for column, mated in zip(tally.ledger.columns(), tally.mated_pairs.columns(), strict=True)
        )
    )
    return Suspects(pairs, np.concatenate([share[high], np.zeros(low.size)]))


def _alike(evaluated: Evaluated) -> int:
    """Count the ledger's comparisons that look like one person."""
    model, ledger = evaluated.evaluation.model, evaluated.evidence.tally.ledger
    if model.likely_same_person is None or evaluated.evaluation.dataset.synthetic:
        return 0
    exact = evaluated.evidence.tally.grid.exact
    return int((ledger.score >= exact(model.score.sign * model.likely_same_person)).sum())


def _targets(evaluated: Evaluated) -> list[float]:
    """Return the targets whose threshold was found, be it refused for who carries its errors."""
    points = evaluated.evaluation.groupings[-1].operating_points if evaluated.evaluation.groupings else []
    return [point.target_fmr for point in points if point.pool_errors is not None and point.target_fmr is not None]


def _carry_much(carrying: Carriers) -> NDArray[np.bool_]:
    """Return which pairs of people carry much of a pool's errors.

    With several errors each, or more than a third: where errors are few, any single one is much of them.
    """
    return ((carrying.errors > 1) & (carrying.share >= CARRIES_SOME)) | (carrying.share > CARRIES_FROM)


def _shares_of_errors(evaluated: Evaluated) -> NDArray[np.float64]:
    """Return for each comparison of the ledger what its two people carry.

    float64: their share of the pool's errors at the target where it is largest, for errors of pairs that carry much; else 0.
    """
    evidence, pool = evaluated.evidence, evaluated.pool
    ledger = evidence.tally.ledger
    share = np.zeros(len(ledger))
    people = np.sort(np.stack([evidence.subjects[ledger.a], evidence.subjects[ledger.b]]), axis=0)
    cells = evidence.cells.of_sample
    in_pool = pool.stratum[cells[ledger.a], cells[ledger.b]] >= 0
    for target in _targets(evaluated):
        threshold = find_threshold(pool, evidence, target, asked=True, effective=False).threshold
        if threshold is None:
            continue
        wrong = in_pool & (ledger.score >= evidence.tally.grid.exact(threshold))
        carrying = carriers(pool, evidence, threshold)
        much = np.flatnonzero(_carry_much(carrying)[:MOST_PAIRS])
        for first, second, carried in zip(carrying.first[much], carrying.second[much], carrying.share[much], strict=True):
            theirs = wrong & (people[0] == first) & (people[1] == second)
            share[theirs] = np.maximum(share[theirs], carried)
    return share
