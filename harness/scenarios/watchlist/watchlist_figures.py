"""The figures of a watchlist at one threshold: of every group, and of everybody."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from faceparity.harness import results
from faceparity.harness.comparisons.tally import Pairs
from faceparity.harness.groups.groupings import SampleGrouping
from faceparity.harness.metrics.watchlist import expected_alerts, precision, predicted_fpir
from faceparity.harness.scenarios.base.schema import Watchlist
from faceparity.harness.scenarios.watchlist.estimates import compare, estimate_fnir, estimate_fpir, interval_of_share
from faceparity.harness.scenarios.watchlist.expected_alerts import F64, I64, CrowdSearches, Expected, expected
from faceparity.harness.scenarios.watchlist.list_composition import ListComposition
from faceparity.harness.scenarios.watchlist.simulate import draws, spread
from faceparity.harness.scenarios.watchlist.study_population import Study, missed
from faceparity.harness.verification.rates import estimates as rates
from faceparity.harness.verification.rates.estimate import Estimate

EVERYBODY = "everybody"


@dataclass(frozen=True)
class WatchlistQuestion:
    """A watchlist to be measured on a study's people. frames: as many as are measured."""

    scenario: Watchlist
    grouping: SampleGrouping
    study: Study
    lists: ListComposition
    frames: int
    seed: int
    references: tuple[str, ...] = ()

    @property
    def every_image(self) -> bool:
        """Return whether people are listed with all their images."""
        return self.scenario.watchlist.images == "all"

    @property
    def images_per_listed(self) -> F64:
        """Return the mean images per listed person, float64[G]."""
        if not self.every_image:
            return np.ones(self.study.n_groups)
        total = np.bincount(self.study.group, self.study.images, self.study.n_groups)
        return np.asarray(total / np.maximum(1, self.study.people), np.float64)

    @property
    def images_listed(self) -> F64:
        """Return the images of each group on the list, float64[G]."""
        return np.asarray(self.lists.listed * self.images_per_listed, np.float64)

    @property
    def listed_images(self) -> float:
        """Return the expected number of images on the list."""
        return float(self.images_listed.sum())

    def rates(self, found: Pairs, searches: CrowdSearches, conditional: bool = False) -> list[tuple[str, results.Rate]]:
        """Return the FPIR of every group, then of everybody."""
        fpir = Fpir(self, found, searches)
        names = [*self.grouping.names, EVERYBODY]
        return [
            (name, rates.to_rate(estimate, name, "all", conditional=conditional))
            for name, estimate in zip(names, fpir.estimates, strict=True)
        ]

    @property
    def reference(self) -> int | None:
        """Return the reference group that others are compared with.

        The one with the named values, of several the one with most people (ties: by name); never chosen by its rate. None if there is
        none in the crowd.
        """
        wanted = dict(reference.split("=", 1) for reference in self.references)
        people = self.study.people

        def fits(g: int) -> bool:
            values = zip(self.grouping.attributes, self.grouping.values[g], strict=True)
            return all(wanted.get(name, value) == value for name, value in values)

        names = self.grouping.names
        chosen = [g for g in range(len(names)) if fits(g) and self.lists.crowd[g] > 0]
        return min(chosen, key=lambda g: (-people[g], names[g])) if chosen else None


class Fpir:
    """FPIR of every group and of everybody, with each person left out. estimates: of the groups, then of everybody."""

    def __init__(self, question: WatchlistQuestion, found: Pairs, searches: CrowdSearches) -> None:
        study, lists = question.study, question.lists
        self.expected: Expected = expected(searches, study.group, lists.listed)
        with_failures = _with_failures(question, searches)
        person = np.unique(searches.person[_searching(searches, study, lists)])
        ever = np.bincount(study.group[person], minlength=study.n_groups)
        pairs, everybody = _pairs(study, lists, found)
        means = self.expected
        self.estimates = [
            estimate_fpir(
                float(means.fpir[g]), means.without[g], int(study.people[g]), int(ever[g]), int(pairs[g]), float(with_failures[g]),
                int(study.people_failed[g]),
            )
            for g in range(study.n_groups)
        ]  # fmt: skip
        chosen = lists.crowd > 0
        self.overall = float(lists.crowd[chosen] @ means.fpir[chosen])
        filled = np.where(np.isnan(means.without), np.nan_to_num(means.fpir)[:, None], means.without)
        self.without = filled
        self.estimates.append(
            estimate_fpir(
                self.overall,
                lists.crowd[chosen] @ filled[chosen],
                int(study.people[chosen].sum()),
                int(ever[chosen].sum()),
                everybody,
                float(lists.crowd[chosen] @ with_failures[chosen]),
                int(study.people_failed[chosen].sum()),
            )
        )


def _searching(searches: CrowdSearches, study: Study, lists: ListComposition) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return whether each search matches anybody listable, bool[searches].

    Listable: their group has people on the list.
    """
    listable = lists.listed[study.group[searches.target]] > 0
    of = np.repeat(np.arange(searches.person.size), np.diff(searches.starts))
    return np.bincount(of, listable, searches.person.size) > 0


def _with_failures(question: WatchlistQuestion, searches: CrowdSearches) -> F64:
    """Return FPIR including people without a template, float64[G].

    Their images stop nobody.
    """
    study = question.study
    share = (study.images / np.maximum(1, study.attempted))[searches.person]
    means = expected(replace(searches, weight=searches.weight * share), study.group, question.lists.listed, jackknife=False).fpir
    everybody = study.people + study.people_failed
    return np.asarray(np.where(study.people > 0, means * study.people / np.maximum(1, everybody), np.nan), np.float64)


def _pairs(study: Study, lists: ListComposition, found: Pairs) -> tuple[I64, int]:
    """Count the pairs of people who match, by group.

    int64[G] and their number in all. By the group of the one who walks past; the other can be on the list.
    """
    person_a, person_b = study.person[found.a].astype(np.int64), study.person[found.b].astype(np.int64)
    keys = (
        np.unique(np.minimum(person_a, person_b) * study.group.size + np.maximum(person_a, person_b))
        if person_a.size
        else np.empty(0, np.int64)
    )
    low, high = study.group[keys // max(1, study.group.size)], study.group[keys % max(1, study.group.size)]
    by_group = np.zeros(study.n_groups, np.int64)
    listed = lists.listed > 0
    np.add.at(by_group, low[listed[high]], 1)
    np.add.at(by_group, high[listed[low] & (low != high)], 1)
    walking = lists.crowd > 0
    return by_group, int(((listed[high] & walking[low]) | (listed[low] & walking[high])).sum())


def fmr_between(study: Study, found: Pairs) -> F64:
    """Return the FMR between every two groups, float64[G, G].

    Between images of their people; nan without a comparison.
    """
    n_groups, groups = study.n_groups, study.group
    known = study.person >= 0
    size = np.bincount(groups[study.person[known]], minlength=n_groups).astype(np.float64)
    square = np.bincount(groups, study.images.astype(np.float64) ** 2, n_groups)
    made = np.outer(size, size)
    made[np.diag_indices(n_groups)] = (size**2 - square) / 2
    ga, gb = groups[study.person[found.a]], groups[study.person[found.b]]
    wrong = np.zeros((n_groups, n_groups))
    np.add.at(wrong, (ga, gb), 1)
    both = wrong + wrong.T
    both[np.diag_indices(n_groups)] = np.diag(wrong)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(made > 0, both / made, np.nan)


@dataclass
class _Mated:
    """FNIR of every group, then of everybody, with each person left out."""

    estimates: list[Estimate]
    rate: F64
    without: F64
    overall: float | None = None
    overall_without: F64 = field(default_factory=lambda: np.empty(0))


def _mated(question: WatchlistQuestion, mated: Pairs, threshold: float) -> _Mated:
    study, listed = question.study, question.lists.listed
    chance, including, wrong = missed(study, mated, threshold, question.frames, question.every_image)
    estimates = []
    for g in range(study.n_groups):
        mine = np.where(study.group == g, chance, np.nan)
        estimates.append(estimate_fnir(mine, wrong, np.where(study.group == g, including, np.nan)))
    rate = np.asarray([np.nan if estimate.rate is None else estimate.rate for estimate in estimates])
    without = np.stack(
        [estimate.without if estimate.rate is not None else np.full(study.group.size, np.nan) for estimate in estimates]
    ) if estimates else np.empty((0, 0))  # fmt: skip
    on = np.where(listed[study.group] > 0, chance, np.nan)
    everybody = estimate_fnir(on, wrong, np.where(listed[study.group] > 0, including, np.nan))
    known = (listed > 0) & ~np.isnan(rate)
    result = _Mated([*estimates, everybody], rate, without)
    if known.any():
        weight = listed[known] / listed[known].sum()
        result.overall, result.overall_without = float(weight @ rate[known]), weight @ without[known]
        error_variance = float(
            sum(
                share * share * estimate.variance
                for share, estimate in zip(weight, np.asarray(estimates, object)[known], strict=True)
            )
        )
        result.estimates[-1] = _weighted(everybody, result.overall, error_variance)
    return result


def _weighted(everybody: Estimate, rate: float, variance: float) -> Estimate:
    """Return everybody's FNIR, each group weighted by its listed share."""
    return replace(
        everybody,
        rate=rate,
        variance=variance,
        plain_variance=variance,
        including_failures=None,
        subject_weighted=rate,
    )


def read(
    question: WatchlistQuestion, found: Pairs, searches: CrowdSearches, mated: Pairs, threshold: float, conditional: bool
) -> results.WatchlistReading:
    """Return all figures of one reading.

    found: matches at or above the threshold; searches: of the crowd, what they match.
    """
    fpir = Fpir(question, found, searches)
    fnir = _mated(question, mated, threshold)
    alerts = _Alerts(question, fpir, fnir)
    fmr = fmr_between(question.study, found)
    simulated = draws(
        question.study,
        question.lists.listed,
        found,
        question.frames,
        question.every_image,
        question.scenario.draws,
        question.seed,
    )
    groups = [_group(question, g, fpir, fnir, alerts, fmr, simulated, conditional) for g in range(question.study.n_groups)]
    base = question.reference
    if base is not None:
        tested = [g for g in range(len(groups)) if g != base and question.lists.crowd[g] > 0]
        ratios = dict(zip(tested, compare(fpir.estimates, question.grouping.names, tested, base), strict=True))
        groups = [row.model_copy(update={"ratio": ratios.get(g)}) for g, row in enumerate(groups)]
    return results.WatchlistReading(groups=groups, overall=_overall(question, fpir, fnir, alerts, fmr, simulated, conditional))


class _Alerts:
    """Expected true and false alerts in the crowd by group, with each person left out: float64[G], float64[G, P]."""

    def __init__(self, question: WatchlistQuestion, fpir: Fpir, fnir: _Mated) -> None:
        crowd = question.scenario.crowd
        lists = question.lists
        walking = crowd.people * (1 - crowd.watchlisted)
        off = walking * lists.crowd
        on = crowd.people * crowd.watchlisted * lists.listed / max(1, lists.listed.sum())
        self.false = expected_alerts(np.nan_to_num(fpir.expected.fpir), lists.crowd, walking)
        self.false_without = off[:, None] * fpir.without
        self.true = on * (1 - fnir.rate)
        self.true_without = on[:, None] * (1 - fnir.without)
        self.on = on
        self.people = int(question.study.people[lists.crowd > 0].sum())
        self.overall_true: float | None = None
        self.overall_true_without = np.empty(0)
        if fnir.overall is not None:
            self.overall_true = float(on.sum() * (1 - fnir.overall))
            self.overall_true_without = on.sum() * (1 - fnir.overall_without)

    def share(self, g: int) -> tuple[float | None, results.Interval | None]:
        """Return group g's share of all false alerts, with interval."""
        total = float(self.false.sum())
        if total <= 0:
            return None, None
        value = float(self.false[g] / total)
        with np.errstate(invalid="ignore", divide="ignore"):
            without = self.false_without[g] / self.false_without.sum(axis=0)
        return value, interval_of_share(value, without, self.people)

    def precision(self, g: int | None, subjects: int) -> tuple[float | None, results.Interval | None]:
        """Return the share of alerts that are true, with interval.

        In group g; over everybody if g is None.
        """
        false = float(self.false.sum() if g is None else self.false[g])
        true = self.overall_true if g is None else float(self.true[g])
        if true is None or np.isnan(true) or not self.on.sum():
            return None, None
        value = precision(true, false)
        if value is None:
            return None, None
        false_without = self.false_without.sum(axis=0) if g is None else self.false_without[g]
        true_without = self.overall_true_without if g is None else self.true_without[g]
        with np.errstate(invalid="ignore", divide="ignore"):
            return value, interval_of_share(value, true_without / (true_without + false_without), subjects)


def _group(
    question: WatchlistQuestion, g: int, fpir: Fpir, fnir: _Mated, alerts: _Alerts, fmr: F64, simulated: F64, conditional: bool
) -> results.WatchlistGroup:
    study, lists, name = question.study, question.lists, question.grouping.names[g]
    listed = question.images_listed
    rate = rates.to_rate(fpir.estimates[g], name, "all", conditional=conditional)
    base = results.WatchlistGroup(
        group=name,
        people=int(study.people[g]),
        listed=int(lists.listed[g]),
        listed_share=float(lists.listed[g] / max(1, lists.listed.sum())),
        crowd_share=float(lists.crowd[g]),
        fpir=rate,
        fnir=rates.to_rate(fnir.estimates[g], name, "all", conditional=False) if study.people[g] else None,
    )
    if rate.status == "suppressed":
        return base
    needed = fmr[g][listed > 0]
    known = not np.isnan(needed).any()
    share, share_interval = alerts.share(g)
    mated_shown = base.fnir is not None and base.fnir.status != "suppressed"
    value, interval = alerts.precision(g, rate.subjects) if mated_shown and alerts.on[g] else (None, None)
    frames = question.scenario.crowd.frames
    return base.model_copy(
        update={
            "predicted_fpir": predicted_fpir(fmr[g].tolist(), listed.tolist(), frames) if known else None,
            "no_errors_with": [other for h, other in enumerate(question.grouping.names) if listed[h] > 0 and fmr[g, h] == 0],
            "predicted_selectivity": float(np.nansum(fmr[g] * listed)) if known else None,
            "spread": spread(simulated[:, g]),
            "selectivity": float(fpir.expected.selectivity[g]),
            "false_alerts": float(alerts.false[g]),
            "true_alerts": float(alerts.true[g]) if mated_shown and alerts.on[g] else None,
            "share_of_false_alerts": share,
            "share_interval": share_interval if rate.status == "ok" and rate.interval is not None else None,
            "precision": value,
            "precision_interval": interval,
        }
    )


def _overall(
    question: WatchlistQuestion, fpir: Fpir, fnir: _Mated, alerts: _Alerts, fmr: F64, simulated: F64, conditional: bool
) -> results.WatchlistGroup:
    lists, study, listed = question.lists, question.study, question.images_listed
    rate = rates.to_rate(fpir.estimates[-1], EVERYBODY, "all", conditional=conditional)
    frames, crowd = question.scenario.crowd.frames, lists.crowd
    chosen = np.flatnonzero(crowd > 0)
    each = [predicted_fpir(np.nan_to_num(fmr[g]).tolist(), listed.tolist(), frames) for g in chosen]
    value, interval = alerts.precision(None, alerts.people)
    with np.errstate(invalid="ignore"):
        together = simulated[:, chosen] @ crowd[chosen]
    selectivity = np.nan_to_num(fpir.expected.selectivity)
    return results.WatchlistGroup(
        group=EVERYBODY,
        people=int(study.people.sum()),
        listed=int(lists.listed.sum()),
        listed_share=1.0,
        crowd_share=1.0,
        fpir=rate,
        predicted_fpir=float(crowd[chosen] @ np.asarray(each)),
        spread=spread(together),
        selectivity=float(crowd @ selectivity),
        predicted_selectivity=float(sum(crowd[g] * np.nansum(fmr[g] * listed) for g in chosen)),
        fnir=rates.to_rate(fnir.estimates[-1], EVERYBODY, "all"),
        false_alerts=float(alerts.false.sum()),
        true_alerts=alerts.overall_true if alerts.on.sum() else None,
        precision=value,
        precision_interval=interval,
    )
