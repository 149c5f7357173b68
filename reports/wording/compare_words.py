"""What a comparison of runs found, in sentences. Only verdicts of the record order two models; else they can't be told apart."""

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
    """How results are called: the model's name, with the letter where it is needed."""

    def __init__(self, c: Comparison) -> None:
        self.of: dict[str, Compared] = {x.id: x for x in c.results}

    def __call__(self, name: str) -> str:
        """The label of a result, short."""
        return f.shorten(self.of[name].label, 40)

    def both(self, first: str, second: str) -> str:
        """ "A and B" by label."""
        return f"{self(first)} and {self(second)}"


def point_name(p: ComparedPoint) -> str:
    """ "target FMR 1 %", "published threshold", "fixed threshold"."""
    if p.origin == "target" and p.target_fmr is not None:
        return f"target FMR {f.target(p.target_fmr)}"
    return f"{p.origin} threshold"


def thresholds(p: ComparedPoint, names: Names) -> str:
    """Each model's threshold in its own unit."""
    told = []
    for name, native in p.thresholds.items():
        x = names.of[name]
        sign = "≥" if x.sign == 1 else "≤"
        at = f"{f.clean(x.unit)} {sign}{f.NBSP}{f.native_number(native)}" if native is not None else "none"
        told.append(f"{names(name)}: {at}")
    return "; ".join(told)


def headline(d: ComparedDataset) -> ComparedPoint | None:
    """The point told first: the first with pairs, else with anything."""
    return next((p for p in d.points if p.pairs), next((p for p in d.points if p.unpaired), None))


MANY_MODELS = 3
"""Up to so many models every two are set against each other in a sentence; of more, a sentence tells of all."""


def findings(d: ComparedDataset, names: Names) -> list[str]:
    """What can be said of the models of one data set, at the point told first."""
    p = headline(d)
    if len(d.ids) > MANY_MODELS and p is not None and p.pairs:
        return _of_many(d, p, names)
    out = [s for x in d.failures if (s := failure_sentence(x, names))]
    if p is None or not p.pairs:
        if p is not None and p.unpaired:
            out.append("The models could not be compared comparison by comparison here: nothing is tested, and no rank is given.")
        return out
    told = [(x, list(league_sentences(x, names))) for x in p.leagues]
    out += [f.sentence(f"at {point_name(p)}, {s}") for x, ss in told if not x.measure.startswith("worst") for s in ss]
    worst = [x for x, _ in told if x.measure == "worst_fmr"]
    finest = max(worst, key=lambda x: len(x.attributes), default=None)
    if finest is not None:
        out += [f.sentence(f"at {point_name(p)}, {s}") for s in league_sentences(finest, names)]
    out += [f.sentence(f"at {point_name(p)}, {s}") for q in p.pairs if (s := groups_sentence(q, names))]
    return out


def _of_many(d: ComparedDataset, p: ComparedPoint, names: Names) -> list[str]:
    """The same of many models: a sentence for each league table, and one for the groups."""
    told = [field_sentence(d.failure_league, names)] if d.failure_league is not None else []
    worst = [x for x in p.leagues if x.measure == "worst_fmr"]
    finest = max(worst, key=lambda x: len(x.attributes), default=None)
    leagues = [x for x in p.leagues if not x.measure.startswith("worst") or x is finest]
    told += [f.sentence(f"at {point_name(p)}, {s}") for x in leagues if (s := field_sentence(x, names))]
    found = [q for q in p.pairs if any(c.quantity == "rate" and c.measure == "fmr" for c in q.groupings[-1].changes)]
    differ = [q for q in found if any(_decided(c) for c in q.groupings[-1].changes)]
    if found:
        by = by_name(found[0].groupings[-1].attributes)
        some = (
            f"in {len(differ)} of {f.plural(len(found), 'pair')} of models"
            if differ
            else f"in none of {f.plural(len(found), 'pair')} of models"
        )
        told.append(f.sentence(f"at {point_name(p)}, FMR of one group or more, by {by}, differs beyond chance {some}."))
    return [s for s in told if s]


def _decided(c: ModelChange) -> bool:
    return c.quantity == "rate" and c.measure == "fmr" and c.verdict in ("higher", "lower")


def field_sentence(x: League, names: Names) -> str:
    """Which of many models may be the lowest and the highest, by the rank intervals; empty where fewer than two have a figure."""
    n, ids = len(x.rows), {r.id for r in x.rows if r.value is not None}
    tests = [t for t in x.tests if t.first in ids and t.second in ids]
    if not tests or (x.measure == "ftx" and not any(r.value for r in x.rows)):
        return ""
    decided = sum(t.verdict in ("higher", "lower") for t in tests)
    if not decided:
        return f"{LEAGUES[x.measure]}: none of {f.plural(len(tests), 'pair')} of models can be told apart."
    pairs = f"{decided} of {f.plural(len(tests), 'pair')} of models can be told apart (Holm-adjusted p < 0.05)"
    return f"{LEAGUES[x.measure]}: {pairs}; the lowest is {_one_of(x, 1, names)}, the highest {_one_of(x, n, names)}."


def _one_of(x: League, place: int, names: Names) -> str:
    """Whose rank may be this one: a name with its figure, or "one of" several."""
    may = [r for r in x.rows if r.value is not None and r.rank[0] <= place <= r.rank[1]]
    if len(may) == 1:
        return f"{names(may[0].id)} with {row_figure(x, may[0])}"
    if len(may) > MANY_MODELS:
        return f"one of {len(may)} models"
    return "one of " + ", ".join(f"{names(r.id)} ({row_figure(x, r)})" for r in may) if may else "not known"


def failure_sentence(x: FailureComparison, names: Names) -> str:
    """FTX of two models on the same samples; empty where neither failed."""
    c = x.overall
    if not c.errors_first and not c.errors_second:
        return ""
    of = f"of the same {f.plural(c.comparisons, 'image')}"
    rates = f"{f.percent(c.first)} with {names(x.first)} and from {f.percent(c.second)} with {names(x.second)}"
    if c.verdict in ("higher", "lower"):
        who = names(x.first) if c.verdict == "higher" else names(x.second)
        return f"No template came from {rates} {of}: {who} fails more often ({_p(c.p_holm)})."
    return f"No template came from {rates} {of}: {_untold(c)}."


def _p(p: float | None) -> str:
    return f.p_value(p, "Holm-adjusted p")


def _untold(c: ModelChange) -> str:
    why = f" ({f.contrast_reason(c.reason)})" if c.reason else ""
    return f"the two can't be told apart{why}"


def league_sentences(x: League, names: Names) -> Iterator[str]:
    """One sentence for each pair of a league table that has figures."""
    rows = {r.id: r for r in x.rows}
    for t in x.tests:
        a, b = rows[t.first], rows[t.second]
        if a.value is None or b.value is None:
            continue
        first, second = _told(x, a), _told(x, b)
        what = LEAGUES[x.measure]
        start = f"{what} is {first} with {names(t.first)} and {second} with {names(t.second)}: "
        if t.verdict in ("higher", "lower"):
            who = names(t.second) if t.verdict == "higher" else names(t.first)
            yield f"{start}{who}’s is the lower ({_p(t.p_holm)})."
        else:
            why = f" ({f.contrast_reason(t.reason)})" if t.reason and t.reason != "zero_errors" else ""
            yield f"{start}the two can't be told apart{why}."


def row_figure(x: League, r: LeagueRow) -> str:
    """A row's figure with its interval; of few errors the bound alone; or why there is none."""
    if r.value is None:
        return f.contrast_reason(r.reason) or f.DASH
    if x.measure.startswith("worst"):
        return f"{f.ratio(r.value)} {f.ratio_interval(r.interval)}" if r.interval else f.ratio(r.value)
    if r.interval is not None and r.interval[0] == 0:
        return f"≤{f.NBSP}{f.percent(r.interval[1], 2)}" + (" (no errors)" if r.value == 0 else "")
    return f"{f.percent(r.value)} {f.percent_interval(r.interval)}" if r.interval else f.percent(r.value)


def _told(x: League, r: LeagueRow) -> str:
    return row_figure(x, r) + (f" ({f.shorten(r.group, 60)})" if r.group else "")


def groups_sentence(q: ModelComparison, names: Names) -> str:
    """In how many groups of the finest grouping the FMR of two models differs; empty without any."""
    found = [c for c in q.groupings[-1].changes if c.quantity == "rate" and c.measure == "fmr" and c.first is not None]
    if not found:
        return ""
    counts = {v: sum(c.verdict == v for c in found) for v in ("higher", "lower")}
    rest = len(found) - sum(counts.values())
    total = f.plural(len(found), "group")
    if not any(counts.values()):
        return f"FMR of {names.both(q.first, q.second)} can't be told apart in any of {total}."
    parts = [
        f"{names(q.first if v == 'higher' else q.second)} has the higher FMR in {n} of {total}" for v, n in counts.items() if n
    ]
    more = f"; in {rest} the two can't be told apart" if rest else ""
    return f"{', '.join(parts)}{more}."


def verdict(c: ModelChange, names: Names, first: str, second: str) -> str:
    """What may be said of one change, in a few words."""
    if c.verdict == "higher":
        return f"higher with {names(first)}"
    if c.verdict == "lower":
        return f"higher with {names(second)}"
    if c.verdict == "none":
        return f.reason(c.reason) or "no figure"
    return f"inconclusive ({f.contrast_reason(c.reason)})" if c.reason else "inconclusive"


def by_name(attributes: Sequence[str]) -> str:
    """Attributes as groupings are named."""
    return f.clean(" × ".join(attributes)) or "the set as a whole"


def contents(d: ComparedDataset, names: Names) -> list[str]:
    """How many people, images and comparisons a paired comparison of one data set rests on."""
    if not d.paired:
        return []
    lost = "; ".join(f"{names(k)} {f.count(n)}" for k, n in d.lost.items() if n)
    out = [
        f"Compared comparison by comparison: {', '.join(names(x) for x in d.paired)}, on the {f.plural(d.samples, 'image')} of "
        f"{f.plural(d.subjects, 'person', 'people')} from which all of them made a template."
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
