"""A run on a fixed sample of the comparisons: what it requires, and the warnings that it needs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from faceparity.datasets.common.errors import UserError
from faceparity.harness import results
from faceparity.harness.comparisons.evidence import Evidence, count_comparisons, sum_over_groups
from faceparity.harness.comparisons.pair_counts import DealtPairs
from faceparity.harness.comparisons.subsampling import Deal, as_fraction, deal
from faceparity.harness.groups.groupings import Cells, SampleGrouping, subjects_per_group
from faceparity.harness.verification.rates.verdict_rules import SHOWN_FROM
from faceparity.harness.verification.threshold.threshold_pool import LEAST_EXPECTED_ERRORS

MOST_TILES = 4_000_000
NAMED = 3
"""Groups that a warning names; of more it gives the number."""
WHY_UNPAIRED = "it was made from a sample of the comparisons"


def check_share(share: float | None, *, scenarios: bool, excluded: bool) -> None:
    """Refuse a sample of comparisons where others need all.

    Raises UserError with scenarios or exclusions.
    """
    if share is None or share == 1:
        return
    if scenarios:
        raise UserError("--comparisons with --scenario: a watchlist or a search needs every comparison; leave one of the two out")
    if excluded:
        raise UserError(
            "--comparisons with --exclude: with and without must differ by what was left out alone; leave one of the two out"
        )


def scores_to_make(templates: int, share: float | None) -> int:
    """Return about how many comparisons a progress bar waits for.

    Samples with themselves are half of a few; mated ones are among them.
    """
    if share is None:
        return templates * templates // 2
    parts, rounds = as_fraction(share)
    return templates * templates * rounds // (2 * parts)


def deal_share(cells: Cells, share: float | None, seed: int) -> Deal | None:
    """Return the comparisons to make of a data set's samples.

    Failed samples too; None for all comparisons. Raises UserError for very many tiny pieces.
    """
    if share is None:
        return None
    sample = deal(cells.of_sample, share, seed)
    if sample.parts * sample.rounds * cells.n**2 / 2 > MOST_TILES:
        raise UserError(
            f"--comparisons {share:g}: so small a share of {cells.n} groups would be cut into too many pieces; ask for a larger one, or "
            "name fewer attributes with --by"
        )
    return sample


def sampled_info(evidence: Evidence) -> results.SampledComparisons | None:
    """Return what the record says of the sample.

    None if all comparisons were made.
    """
    if not isinstance(evidence.pairs, DealtPairs):
        return None
    sample, tally = evidence.pairs.dealt, evidence.tally
    complete, _ = count_comparisons(evidence.subjects, evidence.cells.of_sample, evidence.cells.n)
    available = int(complete.sum()) - len(tally.left_out_non_mated)
    return results.SampledComparisons(
        asked=sample.asked, made=tally.n_non_mated, of=available, share=tally.n_non_mated / max(1, available), parts=sample.parts,
        rounds=sample.rounds, seed=sample.seed,
    )  # fmt: skip


def sampled_warnings(evidence: Evidence, finest: SampleGrouping, targets: Sequence[float]) -> Iterator[str]:
    """Yield warnings of a sampled run for the first screen.

    That not all comparisons were made, and for which groups that is too few.
    """
    info = sampled_info(evidence)
    if info is None:
        return
    yield (
        f"A sample of the comparisons: {info.made:,} of {info.of:,} non-mated ones ({info.share:.2%}) were made, drawn with seed "
        f"{info.seed}, about the same share within and between all groups; all mated ones were."
    )
    remedy = "though all comparisons would do: ask for a larger share with --comparisons."
    if few := too_few(evidence, finest, min(targets, default=0.0)):
        yield f"In the sample are too few comparisons to tell a false match rate of {min(targets):g} of {_first_names(few)}, {remedy}"
    if few := too_few_people(evidence, finest):
        yield f"In the sample fewer than {SHOWN_FROM} people are compared with others of their group in {_first_names(few)}, {remedy}"


def _first_names(names: Sequence[str]) -> str:
    """Return the first of the names, and how many more."""
    more = len(names) - NAMED
    listed = names if more <= 0 else [*names[:NAMED], f"{more} more group{'s' if more > 1 else ''}"]
    return f"{', '.join(listed[:-1])} and {listed[-1]}" if len(listed) > 1 else listed[0]


def too_few(evidence: Evidence, finest: SampleGrouping, target: float) -> list[str]:
    """Return groups with too few comparisons in the sample.

    Groups large enough to be shown for which the sample has fewer than ten errors to expect at a target, and all comparisons would
    have ten.
    """
    people = subjects_per_group(finest, evidence.cells, evidence.subjects)
    complete, _ = count_comparisons(evidence.subjects, evidence.cells.of_sample, evidence.cells.n)
    available, sampled = (
        np.diag(sum_over_groups(table, finest.of_cell, finest.n)) for table in (complete, evidence.tally.non_mated.sum(axis=2))
    )
    lost = (people >= SHOWN_FROM) & (available * target >= LEAST_EXPECTED_ERRORS) & (sampled * target < LEAST_EXPECTED_ERRORS)
    return [name for name, is_lost in zip(finest.names, lost, strict=True) if is_lost]


def too_few_people(evidence: Evidence, finest: SampleGrouping) -> list[str]:
    """Return groups with too few compared people in the sample.

    Groups of 30 people or more, of whom the sample has fewer than 30 with a comparison in the group.
    """
    people = subjects_per_group(finest, evidence.cells, evidence.subjects)
    group = finest.of(evidence.cells.of_sample)
    out = []
    for index in np.flatnonzero(people >= SHOWN_FROM):
        mine = np.flatnonzero(group == index)
        compared = evidence.tally.comparisons[np.ix_(mine, np.flatnonzero(finest.of_cell == index))].any(axis=1)
        if np.unique(evidence.subjects[mine[compared]]).size < SHOWN_FROM:
            out.append(finest.names[index])
    return out
