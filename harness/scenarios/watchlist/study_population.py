"""The people of a watchlist study, and which of their images match at a threshold."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from faceparity.harness.comparisons.tally import Pairs, Tally
from faceparity.harness.groups.groupings import Cells, SampleGrouping
from faceparity.harness.scenarios.watchlist.expected_alerts import F64, I32, I64, CrowdSearches

MOST_SETS = 32
"""Sets of frames of one person that are searched at most; where there are more, this number drawn with the run's seed."""


@dataclass(frozen=True)
class Study:
    """The people of a scenario: those with images in one group only. P people, n templates.

    person: int32[n], of each template, -1 for those that are left out. group: int32[P]. images: int64[P], templates of each.
    attempted: int64[P], images of each, failed ones too. people_failed: int64[G], people of whom no image gave a template.
    unlabelled: samples in no group. several: people with images in several groups, who are left out.
    """

    person: I32
    group: I32
    images: I64
    attempted: I64
    people_failed: I64
    unlabelled: int
    several: int
    n_groups: int

    @property
    def people(self) -> I64:
        """Count the people of each group, int64[G].

        They can be on a list or in a crowd.
        """
        return np.bincount(self.group, minlength=self.n_groups).astype(np.int64)


def make_study(grouping: SampleGrouping, cells: Cells, subjects: NDArray[np.integer], has_template: NDArray[np.bool_]) -> Study:
    """Collect the people of a study.

    cells, subjects, has_template: of all samples; templates are those samples that have one, in their order.
    """
    group = grouping.of(cells.of_sample)
    known = group >= 0
    n_subjects = int(subjects.max(initial=-1)) + 1
    low, high = np.full(n_subjects, grouping.n, np.int64), np.full(n_subjects, -1, np.int64)
    np.minimum.at(low, subjects[known], group[known])
    np.maximum.at(high, subjects[known], group[known])
    in_one_group = (low == high) & (high >= 0)
    measured = known & has_template
    images = np.bincount(subjects[measured], minlength=n_subjects)
    usable = in_one_group & (images > 0)
    number = np.full(n_subjects, -1, np.int32)
    number[usable] = np.arange(int(usable.sum()), dtype=np.int32)
    person = np.where(known, number[subjects], -1)[has_template].astype(np.int32)
    return Study(
        person,
        high[usable].astype(np.int32),
        images[usable].astype(np.int64),
        np.bincount(subjects[known], minlength=n_subjects)[usable].astype(np.int64),
        np.bincount(high[in_one_group & (images == 0)], minlength=grouping.n).astype(np.int64),
        int((~known).sum()),
        int(((high >= 0) & ~in_one_group).sum()),
        grouping.n,
    )


def matches(study: Study, tally: Tally, threshold: float, below: float | None = None) -> Pairs:
    """Return the non-mated comparisons at or above the threshold.

    Those between people of the study. below: only those under this score too. Raises ValueError where the ledger does not hold
    them all.
    """
    if np.float32(threshold) < np.float32(tally.floor):
        raise ValueError("the threshold lies below the ledger")
    ledger = tally.ledger
    keep = (ledger.score >= np.float32(threshold)) & (study.person[ledger.a] >= 0) & (study.person[ledger.b] >= 0)
    if below is not None:
        keep &= ledger.score < np.float32(below)
    return ledger.where(keep)


def searches_of_images(study: Study, found: Pairs, every_image: bool) -> CrowdSearches:
    """Return each image that matches anybody as a search.

    every_image: people are listed with all their images, not with one of them.
    """
    probe, other = np.concatenate([found.a, found.b]), np.concatenate([found.b, found.a])
    chosen, unit = np.unique(probe, return_inverse=True)
    person = study.person[chosen]
    return _searches(study, person, 1.0 / study.images[person], unit.reshape(-1), other, every_image)


def searches_of_frames(study: Study, found: Pairs, frames: int, every_image: bool, seed: int) -> CrowdSearches:
    """Return each set of a person's frames as a search.

    A set has `frames` images and matches whom any of them matches. Only people with at least that many
    images have searches; without a match there is none.
    """
    probe, other = np.concatenate([found.a, found.b]), np.concatenate([found.b, found.a])
    order = np.argsort(probe, kind="stable")
    probe, other = probe[order], other[order]
    rng = np.random.default_rng(seed)
    person: list[int] = []
    weight: list[float] = []
    unit: list[NDArray[np.integer]] = []
    whom: list[NDArray[np.integer]] = []
    images = np.argsort(study.person, kind="stable")
    starts = np.searchsorted(study.person[images], np.arange(study.group.size + 1))
    for index in np.unique(study.person[probe]):
        mine = images[starts[index] : starts[index + 1]]
        sets = _sets(mine, frames, rng)
        for chosen in sets:
            hit = np.concatenate([other[slice(*np.searchsorted(probe, (image, image + 1)))] for image in chosen])
            if hit.size:
                hit = np.unique(hit)
                unit.append(np.full(hit.size, len(person)))
                whom.append(hit)
                person.append(int(index))
                weight.append(1 / len(sets))
    none = np.empty(0, np.int64)
    return _searches(
        study,
        np.asarray(person, np.int32),
        np.asarray(weight, np.float64),
        np.concatenate([none, *unit]),
        np.concatenate([none, *whom]),
        every_image,
    )


def _sets(mine: NDArray[np.integer], frames: int, rng: np.random.Generator) -> list[NDArray[np.integer]]:
    if comb(mine.size, frames) <= MOST_SETS:
        return [np.asarray(chosen) for chosen in combinations(mine, frames)]
    return [rng.choice(mine, frames, replace=False) for _ in range(MOST_SETS)]


def _searches(
    study: Study, person: I32, weight: F64, unit: NDArray[np.integer], other: NDArray[np.integer], every_image: bool
) -> CrowdSearches:
    """Return searches sorted by group and person matched.

    unit, other: each match's search, and the image matched.
    """
    target = study.person[other]
    key = (unit.astype(np.int64) * study.n_groups + study.group[target]) * study.group.size + target
    keys, count = np.unique(key, return_counts=True)
    whom = (keys % study.group.size).astype(np.int32)
    starts = np.searchsorted(keys // (study.n_groups * max(1, study.group.size)), np.arange(person.size + 1))
    chance = np.ones(whom.size) if every_image else count / study.images[whom]
    return CrowdSearches(
        person.astype(np.int32), weight.astype(np.float64), starts.astype(np.int64), whom, chance.astype(np.float64)
    )


def with_frames(study: Study, frames: int) -> Study:
    """Keep the people who have at least `frames` images."""
    kept = study.images >= frames
    number = np.where(kept, np.cumsum(kept) - 1, -1).astype(np.int32)
    person = np.where(study.person >= 0, number[study.person], -1).astype(np.int32)
    return Study(
        person, study.group[kept], study.images[kept], study.attempted[kept], study.people_failed, study.unlabelled,
        study.several, study.n_groups,
    )  # fmt: skip


def missed(study: Study, mated: Pairs, threshold: float, frames: int, every_image: bool) -> tuple[F64, F64, I64]:
    """Return each listed person's chance to pass unnoticed, float64[P].

    nan where they have too few images. One image, drawn, is listed and `frames` others are searched; or with every_image all but the
    one that is searched are listed.
    Second: with an image searched that gave no template counted as a miss (one frame, one image listed; nan in other designs).
    Third: int64[P], misses among each person's mated comparisons.
    """
    person_a, person_b = study.person[mated.a], study.person[mated.b]
    inside = (person_a >= 0) & (person_a == person_b)
    first, second, alike = mated.a[inside], mated.b[inside], mated.score[inside] >= np.float32(threshold)
    both = np.concatenate([first, second])
    templates = study.person.size
    made = np.bincount(both, minlength=templates)
    hit = np.bincount(both, np.concatenate([alike, alike]), templates).astype(np.int64)
    chance = (hit == 0).astype(float) if every_image else _all_miss(made, hit, frames)
    able = (made >= (1 if every_image else frames)) & (study.person >= 0)
    whose = study.person[able]
    count = np.bincount(whose, minlength=study.group.size)
    total = np.bincount(whose, chance[able], study.group.size)
    pairs = np.bincount(person_a[inside], minlength=study.group.size)
    wrong = np.bincount(person_a[inside], ~alike, study.group.size).astype(np.int64)
    tried = study.images * (study.attempted - 1) - (study.images * (study.images - 1) - 2 * pairs)
    with np.errstate(invalid="ignore", divide="ignore"):
        rate = np.where(count > 0, total / count, np.nan)
        with_failures = np.where(tried > 0, 1 - 2 * (pairs - wrong) / tried, np.nan)
    if frames > 1 or every_image:
        with_failures = np.full(rate.size, np.nan)
    return rate, with_failures, wrong


def _all_miss(made: I64, hit: I64, frames: int) -> F64:
    """Return the chance that none of `frames` comparisons matches.

    C(n - h, F)/C(n, F): F = frames, drawn of n = made comparisons, of which h = hit match.
    """
    chance = np.ones(made.size)
    for i in range(frames):
        left = np.maximum(1, made - i)
        chance *= np.clip((made - hit - i) / left, 0, None)
    return chance
