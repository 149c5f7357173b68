"""Sentences on what a comparison of runs found.

Only verdicts of the record order two models; without one, the sentence says that they can't be told apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from faceparity.harness.results import ModelChange, ModelComparison
from faceparity.harness.results.comparison import (
    Compared,
    ComparedDataset,
    ComparedPoint,
    Comparison,
    FailureComparison,
    League,
    LeagueRow,
)
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.verdicts.reasons import OF_MODELS

MEASURES = {"fmr": "FMR", "fnmr": "FNMR", "ftx": "FTX", "frr": "FRR"}
FULL = {
    "fmr": "False match rate (FMR)",
    "fnmr": "False non-match rate (FNMR)",
    "ftx": "Failures to extract a template (FTX)",
    "frr": "FNMR with failures counted as non-matches (FRR)",
}
LEAGUES = {
    "ftx": "FTX",
    "fmr": "FMR",
    "fnmr": "FNMR",
    "worst_fmr": "FMR of the highest group over the mean of the groups",
    "worst_fnmr": "FNMR of the highest group over the mean of the groups",
}
UNPAIRED = "unpaired: "
DIFFERENT_PEOPLE = (
    "Side by side only. The people, the photographs and the labels of these data sets are not the same, so nothing is tested "
    "between them, and no model's figure on one is set against its figure on another."
)


class Names:
    """Labels of results: the model's name, with a letter where two results have the same."""

    def __init__(self, comparison: Comparison) -> None:
        self.of: dict[str, Compared] = {result.id: result for result in comparison.results}

    def __call__(self, name: str) -> str:
        """Return the label of a result, shortened to 40 characters."""
        return f.shorten(self.of[name].label, 40)

    def both(self, first: str, second: str) -> str:
        """Return "A and B" by label."""
        return f"{self(first)} and {self(second)}"


def point_name(point: ComparedPoint) -> str:
    """Return "target FMR 1 %", "published threshold" or "fixed threshold"."""
    if point.origin == "target" and point.target_fmr is not None:
        return f"target FMR {f.target(point.target_fmr)}"
    return f"{point.origin} threshold"


def thresholds(point: ComparedPoint, names: Names) -> str:
    """Return each model's threshold in its own unit."""
    texts = []
    for name, native in point.thresholds.items():
        result = names.of[name]
        sign = "≥" if result.sign == 1 else "≤"
        at = f"{f.clean(result.unit)} {sign}{f.NBSP}{f.native_number(native)}" if native is not None else "none"
        texts.append(f"{names(name)}: {at}")
    return "; ".join(texts)


def headline(dataset: ComparedDataset) -> ComparedPoint | None:
    """Return the headline point of one data set.

    The first with pairs, else the first with anything; None if there is none.
    """
    return next(
        (point for point in dataset.points if point.pairs), next((point for point in dataset.points if point.unpaired), None)
    )


MANY_MODELS = 3
"""Maximum number of models of which sentences compare every two; of more, one sentence describes all."""


def findings(dataset: ComparedDataset, names: Names) -> list[str]:
    """Return sentences on the models of one data set.

    At the headline point. Up to `MANY_MODELS` models every two are compared in a sentence.
    """
    point = headline(dataset)
    if len(dataset.ids) > MANY_MODELS and point is not None and point.pairs:
        return _findings_of_many(dataset, point, names)
    out = [sentence for failure in dataset.failures if (sentence := failure_sentence(failure, names))]
    if point is None or not point.pairs:
        if point is not None and point.unpaired:
            out.append("The models could not be compared comparison by comparison here: nothing is tested, and no rank is given.")
        return out
    by_league = [(league, list(league_sentences(league, names))) for league in point.leagues]
    out += [
        f.sentence(f"at {point_name(point)}, {sentence}")
        for league, sentences in by_league
        if not league.measure.startswith("worst")
        for sentence in sentences
    ]
    worst = [league for league, _ in by_league if league.measure == "worst_fmr"]
    finest = max(worst, key=lambda league: len(league.attributes), default=None)
    if finest is not None:
        out += [f.sentence(f"at {point_name(point)}, {sentence}") for sentence in league_sentences(finest, names)]
    out += [
        f.sentence(f"at {point_name(point)}, {sentence}") for pair in point.pairs if (sentence := groups_sentence(pair, names))
    ]
    return out


def _findings_of_many(dataset: ComparedDataset, point: ComparedPoint, names: Names) -> list[str]:
    """Return sentences on many models of one data set.

    A sentence for each league table, and one for the groups.
    """
    sentences = [field_sentence(dataset.failure_league, names)] if dataset.failure_league is not None else []
    worst = [league for league in point.leagues if league.measure == "worst_fmr"]
    finest = max(worst, key=lambda league: len(league.attributes), default=None)
    leagues = [league for league in point.leagues if not league.measure.startswith("worst") or league is finest]
    sentences += [
        f.sentence(f"at {point_name(point)}, {sentence}") for league in leagues if (sentence := field_sentence(league, names))
    ]
    found = [
        pair
        for pair in point.pairs
        if any(change.quantity == "rate" and change.measure == "fmr" for change in pair.groupings[-1].changes)
    ]
    differ = [pair for pair in found if any(_is_fmr_verdict(change) for change in pair.groupings[-1].changes)]
    if found:
        by = by_name(found[0].groupings[-1].attributes)
        share = (
            f"in {len(differ)} of {f.plural(len(found), 'pair')} of models"
            if differ
            else f"in none of {f.plural(len(found), 'pair')} of models"
        )
        sentences.append(f.sentence(f"at {point_name(point)}, FMR of one group or more, by {by}, differs beyond chance {share}."))
    return [sentence for sentence in sentences if sentence]


def _is_fmr_verdict(change: ModelChange) -> bool:
    """Return whether a change of FMR has a verdict."""
    return change.quantity == "rate" and change.measure == "fmr" and change.verdict in ("higher", "lower")


def field_sentence(league: League, names: Names) -> str:
    """Return which models may be lowest and highest.

    Of many models, by the rank intervals. Empty where fewer than two have a figure.
    """
    last, ids = len(league.rows), {row.id for row in league.rows if row.value is not None}
    tests = [test for test in league.tests if test.first in ids and test.second in ids]
    if not tests or (league.measure == "ftx" and not any(row.value for row in league.rows)):
        return ""
    decided = sum(test.verdict in ("higher", "lower") for test in tests)
    if not decided:
        return f"{LEAGUES[league.measure]}: none of {f.plural(len(tests), 'pair')} of models can be told apart."
    pairs = f"{decided} of {f.plural(len(tests), 'pair')} of models can be told apart (Holm-adjusted p < 0.05)"
    return f"{LEAGUES[league.measure]}: {pairs}; the lowest is {_one_of(league, 1, names)}, the highest {_one_of(league, last, names)}."


def _one_of(league: League, rank: int, names: Names) -> str:
    """Return whose rank may be this one.

    A name with its figure, or "one of" several.
    """
    may = [row for row in league.rows if row.value is not None and row.rank[0] <= rank <= row.rank[1]]
    if len(may) == 1:
        return f"{names(may[0].id)} with {row_figure(league, may[0])}"
    if len(may) > MANY_MODELS:
        return f"one of {len(may)} models"
    return "one of " + ", ".join(f"{names(row.id)} ({row_figure(league, row)})" for row in may) if may else "not known"


def failure_sentence(comparison: FailureComparison, names: Names) -> str:
    """Return FTX of two models on the same samples.

    Empty where neither failed.
    """
    overall = comparison.overall
    if not overall.errors_first and not overall.errors_second:
        return ""
    of = f"of the same {f.plural(overall.comparisons, 'image')}"
    first = f"{f.percent(overall.first)} with {names(comparison.first)}"
    rates = f"{first} and from {f.percent(overall.second)} with {names(comparison.second)}"
    if overall.verdict in ("higher", "lower"):
        who = names(comparison.first) if overall.verdict == "higher" else names(comparison.second)
        return f"No template came from {rates} {of}: {who} fails more often ({_holm_p(overall.p_holm)})."
    return f"No template came from {rates} {of}: {_not_told_apart(overall)}."


def _holm_p(p_holm: float | None) -> str:
    """Return a Holm-adjusted p in words."""
    return f.p_value(p_holm, "Holm-adjusted p")


def _not_told_apart(change: ModelChange) -> str:
    """Return that two models can't be told apart, and why."""
    why = f" ({f.in_words(change.reason, OF_MODELS)})" if change.reason else ""
    return f"the two can't be told apart{why}"


def league_sentences(league: League, names: Names) -> Iterator[str]:
    """Yield a sentence for each pair that has figures.

    Pairs of one league table.
    """
    rows = {row.id: row for row in league.rows}
    for test in league.tests:
        first_row, second_row = rows[test.first], rows[test.second]
        if first_row.value is None or second_row.value is None:
            continue
        first, second = _row_text(league, first_row), _row_text(league, second_row)
        what = LEAGUES[league.measure]
        start = f"{what} is {first} with {names(test.first)} and {second} with {names(test.second)}: "
        if test.verdict in ("higher", "lower"):
            who = names(test.second) if test.verdict == "higher" else names(test.first)
            yield f"{start}{who}’s is the lower ({_holm_p(test.p_holm)})."
        else:
            why = f" ({f.in_words(test.reason, OF_MODELS)})" if test.reason and not test.reason.endswith("zero_errors") else ""
            yield f"{start}the two can't be told apart{why}."


def row_figure(league: League, row: LeagueRow) -> str:
    """Return a row's figure with its interval.

    Of few errors the bound alone; where there is no figure, the reason.
    """
    if row.value is None:
        return f.in_words(row.reason, OF_MODELS) or f.DASH
    if league.measure.startswith("worst"):
        return f"{f.ratio(row.value)} {f.ratio_interval(row.interval)}" if row.interval else f.ratio(row.value)
    if row.interval is not None and row.interval[0] == 0:
        return f"≤{f.NBSP}{f.percent(row.interval[1], 2)}" + (" (no errors)" if row.value == 0 else "")
    return f"{f.percent(row.value)} {f.percent_interval(row.interval)}" if row.interval else f.percent(row.value)


def _row_text(league: League, row: LeagueRow) -> str:
    """Return a row's figure with the group it is of."""
    return row_figure(league, row) + (f" ({f.shorten(row.group, 60)})" if row.group else "")


def groups_sentence(pair: ModelComparison, names: Names) -> str:
    """Return in how many groups two models' FMR differs.

    Groups of the finest grouping; empty without any.
    """
    found = [
        change
        for change in pair.groupings[-1].changes
        if change.quantity == "rate" and change.measure == "fmr" and change.first is not None
    ]
    if not found:
        return ""
    counts = {direction: sum(change.verdict == direction for change in found) for direction in ("higher", "lower")}
    rest = len(found) - sum(counts.values())
    total = f.plural(len(found), "group")
    if not any(counts.values()):
        return f"FMR of {names.both(pair.first, pair.second)} can't be told apart in any of {total}."
    clauses = [
        f"{names(pair.first if direction == 'higher' else pair.second)} has the higher FMR in {number} of {total}"
        for direction, number in counts.items()
        if number
    ]
    more = f"; in {rest} the two can't be told apart" if rest else ""
    return f"{', '.join(clauses)}{more}."


def verdict(change: ModelChange, names: Names, first: str, second: str) -> str:
    """Return the verdict on one change in a few words."""
    if change.verdict == "higher":
        return f"higher with {names(first)}"
    if change.verdict == "lower":
        return f"higher with {names(second)}"
    if change.verdict == "none":
        return f.in_words(change.reason, OF_MODELS) or "no figure"
    return f"inconclusive ({f.in_words(change.reason, OF_MODELS)})" if change.reason else "inconclusive"


def pooled(change: ModelChange, errors: int | None) -> float | None:
    """Return one model's errors over the comparisons.

    None where no rate of it stands beside them.
    """
    known = change.quantity == "rate" and errors is not None and change.comparisons > 0
    return errors / change.comparisons if known and errors is not None else None


def weighting(changes: Sequence[ModelChange]) -> str:
    """Return how the other attributes were weighted, as a clause.

    Empty where the groups are of all attributes.
    """
    return ", the other attributes weighted equally" if any(change.design == "matched" for change in changes) else ""


def by_name(attributes: Sequence[str]) -> str:
    """Return the name of a grouping by these attributes."""
    return f.clean(" × ".join(attributes)) or "the set as a whole"


def contents(dataset: ComparedDataset, names: Names) -> list[str]:
    """Return the sizes a paired comparison rests on.

    People, images and comparisons of one data set; empty without a paired comparison.
    """
    if not dataset.paired:
        return []
    lost = "; ".join(f"{names(result_id)} {f.count(number)}" for result_id, number in dataset.lost.items() if number)
    out = [
        f"Compared comparison by comparison: {', '.join(names(result_id) for result_id in dataset.paired)}, on the "
        f"{f.plural(dataset.samples, 'image')} of "
        f"{f.plural(dataset.subjects, 'person', 'people')} from which all of them made a template."
    ]
    if lost:
        out.append(
            f"Left out, because another model had no template of the image (templates of: {lost}). Faces that one model fails on are "
            "hard ones, so what is left flatters it: failures are counted beside, and with mated images in FRR."
        )
    return out


METHOD = (
    "Two models are compared on the same comparisons of the same people, each at its own threshold. Their errors fall on the same "
    "faces, so what counts is the variance of the difference: the largest of three, as if comparisons were independent, by what "
    "comparisons of the same people share, and leaving out one person after the other.",
    "At a target FMR each threshold was set on these very data. So a bootstrap over people finds both thresholds anew, for the same "
    "people drawn, and no variance is taken to be less than over its replicates. At a published or fixed threshold there is nothing to "
    "find anew.",
    "Differences of rates by group and of disparities are tested over all groups × {FMR, FNMR} of a grouping, with Holm’s correction. A "
    "difference is called only with 30 effective errors of the one model and 8 of the other, and 10 effective comparisons on which "
    "they differ; or, where one makes hardly any error, with 30 of these.",
    "A league table is of one data set. Ranks are intervals: 1 + the models shown to be lower, to all but those shown to be higher, from "
    "tests of every pair that hold together; with 95 % they hold every model’s true rank at once (Mogstad, Romano, Shaikh and "
    "Wilhelm 2024). Models whose ranks overlap are in no order. A rank says nothing of other data or other thresholds.",
    "The highest group’s rate over the mean of the groups needs no reference group. It is an extreme, which chance alone makes large: its "
    "interval and the test of two models come of those of every group, never of a resampled maximum.",
    "In a set without subject labels a second reading is made without comparisons that look like one person to any of the models. What "
    "is called holds in both.",
)
