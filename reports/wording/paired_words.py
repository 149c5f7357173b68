"""A controlled experiment in words and cells: the same in the page, in the terminal and in `summary.md`."""

from __future__ import annotations

import math
from collections.abc import Sequence

from faceparity.harness.results import Evaluation, Paired, PairedDifference, PairedPoint
from faceparity.reports.wording import numbers as f

CALLED = ("higher", "lower")
SCORES = {"non_mated_score": "two different {units}", "mated_score": "two images of one {unit}"}
RATES = {"fmr": "FMR", "fnmr": "FNMR"}


def units(e: Evaluation) -> tuple[str, str]:
    """What the set's units are called, one and many: the heads of a synthetic set, else people."""
    return ("head", "heads") if e.dataset.synthetic else ("person", "people")


def factors(x: Paired) -> str:
    """ "tone and exposure"."""
    names = [f.shorten(one.factor, 40) for one in x.factors]
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def title(x: Paired) -> str:
    """The section's heading."""
    return f"What {factors(x)} alone {'do' if len(x.factors) > 1 else 'does'} to this model"


def level(d: PairedDifference) -> str:
    """ "tone 5", or a condition's name."""
    return f.shorten(f"{d.factor} {d.level}" if d.factor else d.level, 60)


def places(interval: tuple[float, float] | None, value: float) -> int:
    """Decimals that give half an interval's width two significant digits, or, without one, the value three."""
    half = (interval[1] - interval[0]) / 2 if interval else abs(value) / 10
    return max(0, 1 - math.floor(math.log10(half))) if half > 0 else 2


def signed(value: float, decimals: int) -> str:
    """A difference with its sign: "+0.031", "−1.5"; what rounds to zero has none."""
    text = f"{abs(value):,.{decimals}f}"
    zero = not text.strip("0.,")
    return text if zero else ("+" if value > 0 else "−") + text


def change(e: Evaluation, d: PairedDifference) -> str:
    """The difference in the unit that is shown, as precise as its interval; a dash for none."""
    if d.difference is None:
        return f.DASH
    return signed(scale(e, d) * d.difference, _decimals(e, d))


def span(e: Evaluation, d: PairedDifference) -> str:
    """The 95 % interval of a difference in the unit that is shown: "[−2.41, −0.65]"; empty for none."""
    if d.interval is None:
        return ""
    lo, hi = sorted(scale(e, d) * end for end in d.interval)
    return f"[{signed(lo, _decimals(e, d))},{f.NBSP}{signed(hi, _decimals(e, d))}]"


def _decimals(e: Evaluation, d: PairedDifference) -> int:
    k = abs(scale(e, d))
    return places((k * d.interval[0], k * d.interval[1]) if d.interval else None, k * (d.difference or 0.0))


def scale(e: Evaluation, d: PairedDifference) -> float:
    """What a value is multiplied by to be read: scores in the model's own unit, rates in percent."""
    return float(e.model.score.sign) if d.measure in SCORES else 100.0


def cell(e: Evaluation, d: PairedDifference | None, *, interval: bool = True) -> str:
    """A difference in the unit that is shown, with its interval, and ▲ or ▼ where it is beyond doubt by chance; why there is none."""
    if d is None:
        return f.DASH
    if d.difference is None:
        return f"≤{f.NBSP}{f.percent(d.bound, 2)} both" if d.bound is not None else f.reason(d.reason) or f.DASH
    up = scale(e, d) * d.difference > 0
    mark = (" ▲" if up else " ▼") if d.verdict in CALLED else ""
    return f"{change(e, d)} {span(e, d) if interval else ''}".rstrip() + mark


def ends(d: PairedDifference) -> str:
    """Both rates, the reference's first: "1.83 % → 0.297 %"; without errors "0 of 180"."""
    both = ((d.reference_value, d.reference_errors), (d.value, d.errors))
    return " → ".join(f"0 of {f.count(d.comparisons)}" if errors == 0 else f.percent(value) for value, errors in both)


def verdict(d: PairedDifference) -> str:
    """What may be said: "higher", "less alike", "inconclusive: fewer than 10 errors"."""
    if d.verdict in CALLED:
        return {"higher": "more alike", "lower": "less alike"}[d.verdict] if d.measure in SCORES else d.verdict
    why = "too few errors" if d.reason == "too_few_errors" else f.reason(d.reason)
    word = "none" if d.verdict == "none" else "inconclusive"
    return f"{word}: {why}" if why else word


def difference(differences: Sequence[PairedDifference], measure: str, like: PairedDifference) -> PairedDifference | None:
    """The difference of another measure between the same two sides."""
    same = (measure, like.factor, like.level)
    return next((d for d in differences if (d.measure, d.factor, d.level) == same), None)


def largest(x: Paired, factor: str) -> PairedDifference | None:
    """Of one factor, the level at which different units' scores differ most from the reference's."""
    of = [d for d in x.differences if d.measure == "non_mated_score" and d.factor == factor and d.difference is not None]
    return max(of, key=lambda d: abs(d.difference or 0), default=None)


def headline(x: Paired) -> PairedPoint | None:
    """The first operating point with a threshold."""
    return next((p for p in x.operating_points if p.threshold is not None), None)


def point_name(p: PairedPoint) -> str:
    """As the run calls the operating point."""
    if p.origin == "target" and p.target_fmr is not None:
        return f"target FMR {f.target(p.target_fmr)}"
    return f"{p.origin} threshold"


def at(e: Evaluation, p: PairedPoint) -> str:
    """An operating point with its threshold."""
    return f"{point_name(p)}: {f.threshold(e.model, p.native_threshold)}"


def sentences(e: Evaluation, x: Paired) -> list[str]:
    """Plain words: of each factor the level that moves scores most, its scores, then its rates at the first threshold and failures."""
    out = []
    for factor in x.factors:
        d = largest(x, factor.factor)
        if d is not None:
            out += [_of_scores(e, x, d), *_of_rates(e, x, d)]
    if out:
        return out
    one, many = units(e)
    most = max((c.complete for c in x.conditions), default=0)
    return [
        f"Nothing can be said: at most {f.plural(most, one, many)} {'has' if most == 1 else 'have'} a template from every image under one "
        "condition, and it takes 30 under all that are compared."
    ]


def _of_scores(e: Evaluation, x: Paired, d: PairedDifference) -> str:
    one, many = units(e)
    same = difference(x.differences, "mated_score", d)
    told = (
        f"The same {f.plural(d.subjects, one, many)}, only {f.shorten(d.factor or '', 40)} changed, {_sides(d)}: the "
        f"{f.clean(e.model.score.unit)} of two different {many} {_moves(e, d)}"
    )
    if same is not None and same.difference is not None:
        told += f"; that of two images of one {one} {_moves(e, same)}"
    return told + "."


def _of_rates(e: Evaluation, x: Paired, d: PairedDifference) -> list[str]:
    p, told = headline(x), []
    if p is not None:
        rates = [difference(p.differences, measure, d) for measure in RATES]
        told = [_rate(e, r) for r in rates if r is not None and r.reason != "no_mated_pairs"]
    ftx = difference(x.differences, "ftx", d)
    if ftx is not None and ftx.errors is not None:
        without = f"{f.count(ftx.errors)} of {f.plural(ftx.comparisons, 'image')} against {f.count(ftx.reference_errors)}"
        told.append(f"without a template {without}")
    where = f", at one threshold ({point_name(p)})" if p is not None else ""
    return [f"{f.sentence(level(d))} against {f.shorten(d.reference, 40)}{where}: {'; '.join(told)}."] if told else []


def _sides(d: PairedDifference) -> str:
    return f"{f.shorten(d.level, 40)} against {f.shorten(d.reference, 40)}"


def _moves(e: Evaluation, d: PairedDifference) -> str:
    """ "falls by 0.113 on average (95 % interval 0.099 to 0.128), from 0.499 to 0.386"."""
    k, decimals = scale(e, d), _decimals(e, d)
    ends = f"from {k * (d.reference_value or 0):,.{decimals}f} to {k * (d.value or 0):,.{decimals}f}"
    if d.verdict not in CALLED or d.interval is None:
        return f"moves {ends} on average, {change(e, d)} {span(e, d)} (inconclusive)"
    lo, hi = sorted(abs(x) for x in d.interval)
    word = "rises" if k * (d.difference or 0) > 0 else "falls"
    size = f"{abs(d.difference or 0):,.{decimals}f} on average (95 % interval {lo:,.{decimals}f} to {hi:,.{decimals}f})"
    return f"{word} by {size}, {ends}"


def _rate(e: Evaluation, d: PairedDifference) -> str:
    name = RATES[d.measure]
    if d.difference is None:
        bound = f" (neither is above {f.percent(d.bound, 2)})" if d.bound is not None else ""
        return f"{name}: {f.reason(d.reason) or 'not known'}{bound}"
    told = f"{name} {ends(d)}"
    if d.interval is not None:
        told += f", {change(e, d)} percentage points {span(e, d)}"
    return f"{told}, {verdict(d)}"


def compact(e: Evaluation, x: Paired, *, interval: bool = True) -> tuple[list[str], list[list[str]]]:
    """Header and rows of a small table: each level of each factor against the reference, scores and FMR at each threshold."""
    unit = f.clean(e.model.score.unit)
    points = [p for p in x.operating_points if p.threshold is not None]
    _, many = units(e)
    header = [
        "against the reference",
        f"{unit}, two {many}",
        f"{unit}, same {many}",
        *(f"FMR at {point_name(p)}" for p in points),
    ]
    rows = []
    for d in x.differences:
        if d.measure != "non_mated_score" or d.factor is None:
            continue
        cells = [cell(e, one, interval=interval) for one in (d, difference(x.differences, "mated_score", d))]
        cells += [cell(e, difference(p.differences, "fmr", d), interval=interval) for p in points]
        rows.append([f"{level(d)} – {f.shorten(d.reference, 40)}", *cells])
    return header, rows


def legend(*, interval: bool = True) -> str:
    """What stands in the small table."""
    with_interval = " [95 %]" if interval else ""
    return (
        f"Differences{with_interval} on the same comparisons, FMR in percentage points; ▲ ▼: higher or lower beyond doubt by chance "
        "(Holm-adjusted p below 0.05)."
    )
