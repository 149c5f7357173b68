"""The section on indices of spread, and what describes the scores: every index with its range, its weakness and chance's share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from faceparity.harness.metrics.differential import MEASURES
from faceparity.harness.results import Evaluation, Grouping, Index, OperatingPoint
from faceparity.harness.verification.rates.verdict_rules import is_significant
from faceparity.reports.layout.elements import Fold, Item, Items, Table, Text
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.csv_rows import grouping_name, named_indices
from faceparity.reports.wording.headline import finest, headline
from faceparity.reports.wording.narrative import INDICES, index_name, index_sentence

OF = {"fmr": "FMR", "fnmr": "FNMR", "combined": "both"}


def index_items(e: Evaluation, i: int, n: int, key: str) -> list[Item]:
    """The indices of grouping `i` at its operating point `n`: the main ones open, those for comparison with other work folded."""
    g, p = e.groupings[i], e.groupings[i].operating_points[n]
    every = _shown(p)
    if not every or p.differential is None:
        return []
    by = grouping_name(g)
    main, rest = ([x for x in every if _secondary(x[1]) == folded] for folded in (False, True))
    first = g is finest(e) and n == headline(g)
    caption = f"Spread between groups by {by}: {f.point_name(p)}"
    items: list[Item] = [_table(f"{key}-indices", caption, main, first)] if main else []
    if rest:
        told = "For comparison with other work only; α is the weight of FMR, of FNMR it is 1 - α."
        if p.differential.nominal is not None:
            told += f" Nominal FMR: {f.percent(p.differential.nominal)}."
        other = _table(f"{key}-more-indices", f"Further indices of spread by {by}: {f.point_name(p)}", rest, first)
        items += (
            [Text(told), other]
            if g is not finest(e)
            else [Fold("Further indices, for comparison with other work", [Text(told), other])]
        )
    if g is not finest(e):
        return [Fold(f"Spread between groups by {by}", items)]
    told = "An index of spread grows with chance alone. Beside each stands what one rate for all would give on these very data."
    sentences = [index_sentence(k, "fmr", v) for k, v in p.differential.fmr.items() if v.null_p is not None and not _secondary(k)]
    return [Text(told), *[Items(sentences)] * bool(sentences), *items]


def _shown(p: OperatingPoint) -> list[tuple[str, str, float | None, Index]]:
    """All indices but those that need mated pairs where there are none."""
    return [x for x in named_indices(p.differential) if x[3].reason != "no_mated_pairs"]


def _secondary(name: str) -> bool:
    return MEASURES[name].secondary if name in MEASURES else True


def _table(key: str, caption: str, rows: Sequence[tuple[str, str, float | None, Index]], described: bool) -> Table:
    """Values and what chance gives; with `described` also each index's range and weakness, which need be said only once."""
    columns = ["Index", "Of", "Value", *["Range"] * described, "Median under equal rates", "95th percentile", "p", "What it says"]
    cells = [
        [
            *(_name(name, alpha), OF[of], f.number(x.value), *[index_range(name)] * described),
            *(f.number(x.null_median), f.number(x.null_p95), f.p_value(x.null_p).removeprefix("p ").removeprefix("= ")),
            *(index_verdict(x), *[index_weakness(name)] * described),
        ]
        for of, name, alpha, x in rows
    ]
    if not described:
        return Table(key, caption, columns, cells, frozenset({1, 6}))
    return Table(key, caption, [*columns, "Weakness"], cells, frozenset({1, 3, 7, 8}))


def _name(name: str, alpha: float | None) -> str:
    title = MEASURES[name].title if name in MEASURES and name not in INDICES else index_name(name)
    return title + (f", α {alpha:g}" if alpha is not None else "")


def index_range(name: str) -> str:
    """Between which values an index lies; a dash for one that this version does not know."""
    return MEASURES[name].range if name in MEASURES else f.DASH


def index_weakness(name: str) -> str:
    """What an index does not show, in a few words."""
    return MEASURES[name].weakness if name in MEASURES else f.DASH


def index_verdict(x: Index) -> str:
    """What an index says, by its p-value under equal rates alone."""
    if x.value is None:
        return f"undefined: {f.reason(x.reason)}"
    left_out = f"; without {', '.join(f.shorten(g, 40) for g in x.left_out)}" if x.left_out else ""
    if x.null_p is None:
        return f"nothing: too few errors to know its value under equal rates{left_out}"
    return ("more spread than chance gives" if is_significant(x.null_p) else "chance also gives this") + left_out


def separation_items(g: Grouping, key: str) -> Iterator[Item]:
    """EER, d′ and calibration by group, folded, with what they are not."""
    known = [s for s in g.separation if s.d_prime is not None]
    if not known:
        return
    rows = [
        [
            *(
                s.group,
                f.percent(s.eer) if s.eer is not None else f.reason(s.reason),
                f.percent_interval(s.eer_within) if s.eer_within else f.DASH,
                f.number(s.d_prime),
            ),
            *(f.number(s.mated_mean), f.number(s.mated_sd), f.number(s.non_mated_mean), f.number(s.non_mated_sd)),
        ]
        for s in known
    ]
    columns = ["Group", "EER", "lies in", "d′", "Mated: mean", "sd", "Non-mated: mean", "sd"]
    told = (
        "A description of the scores, not an operating point: the EER of a group is read at a threshold of its own, which nobody "
        "can set, so groups look alike here that are not at one threshold for all. Without intervals. Scores as similarities; "
        f"non-mated means and deviations to within {f.number(max(s.bin_width or 0.0 for s in known) / 2)}, half a histogram bin."
    )
    yield Fold(
        f"Equal error rate and d′ by {grouping_name(g)}: descriptions only",
        [
            Text(told),
            Table(f"{key}-separation", f"Equal error rate (EER) and d′ by {grouping_name(g)}", columns, rows, frozenset({1})),
            *_calibration(g, key),
        ],
    )


def _calibration(g: Grouping, key: str) -> Iterator[Item]:
    """What scores are worth to each group if they mean the same for everybody; nothing if no group has such a figure."""
    known = [s for s in g.separation if s.cllr is not None]
    if not known:
        return
    rows = [[s.group, f.number(s.cllr), f.number(s.min_cllr), f.number(s.miscalibration)] for s in known]
    yield Text(
        "Does a score mean the same for everybody? Cllr, the log-likelihood-ratio cost, is what a score is worth to a group when one "
        "calibration for all groups says how likely it is that both images show one person: 0 is perfect, 1 is worthless, above 1 it "
        "misleads. The least Cllr is that under a calibration of the group's own; the difference is what the common meaning costs "
        "the group. Without intervals: where comparisons are few, chance alone makes a difference, and where the EER is left out for "
        "few errors, these figures rest on as few."
    )
    title = f"Calibration of scores by {grouping_name(g)}: 0 is perfect, 1 is worthless"
    yield Table(f"{key}-calibration", title, ["Group", "Cllr", "Least Cllr", "Difference"], rows)
