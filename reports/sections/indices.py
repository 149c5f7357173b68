"""The section on indices of spread and on scores: every index with its range, its weakness, and its value under equal rates."""

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
from faceparity.reports.wording.verdicts.no_verdict import REASONS as WITHHELD

OF = {"fmr": "FMR", "fnmr": "FNMR", "combined": "both"}


def index_items(evaluation: Evaluation, i: int, position: int, key: str) -> list[Item]:
    """Return the indices of grouping `i` at one operating point.

    Its operating point number `position`. The main indices are open, those for comparison with other work folded.
    """
    grouping, point = evaluation.groupings[i], evaluation.groupings[i].operating_points[position]
    every = [(measure, name, alpha, _without_p(index, point)) for measure, name, alpha, index in _shown(point)]
    if not every or point.differential is None:
        return []
    by = grouping_name(grouping)
    main, rest = ([row for row in every if _secondary(row[1]) == folded] for folded in (False, True))
    first = grouping is finest(evaluation) and position == headline(grouping)
    caption = f"Spread between groups by {by}: {f.point_name(point)}"
    items: list[Item] = [_table(f"{key}-indices", caption, main, first)] if main else []
    if rest:
        text = "For comparison with other work only; α is the weight of FMR, of FNMR it is 1 - α."
        if point.differential.nominal is not None:
            text += f" Nominal FMR: {f.percent(point.differential.nominal)}."
        other = _table(f"{key}-more-indices", f"Further indices of spread by {by}: {f.point_name(point)}", rest, first)
        items += (
            [Text(text), other]
            if grouping is not finest(evaluation)
            else [Fold("Further indices, for comparison with other work", [Text(text), other])]
        )
    if grouping is not finest(evaluation):
        return [Fold(f"Spread between groups by {by}", items)]
    text = "An index of spread grows with chance alone. Beside each stands what one rate for all would give on these very data."
    if point.withheld is not None:
        return [Text(f"{text} No verdict is given on any: {f.reason(point.withheld.reason)}.", "flag"), *items]
    sentences = [
        index_sentence(name, "fmr", value)
        for name, value in point.differential.fmr.items()
        if value.null_p is not None and not _secondary(name)
    ]
    return [Text(text), *[Items(sentences)] * bool(sentences), *items]


def _shown(point: OperatingPoint) -> list[tuple[str, str, float | None, Index]]:
    """Return all indices that can be shown.

    Without those that need mated pairs where there are none.
    """
    return [index for index in named_indices(point.differential) if index[3].reason != "no_mated_pairs"]


def _without_p(index: Index, point: OperatingPoint) -> Index:
    """Return an index of which nothing is said where no verdict is given."""
    if point.withheld is None:
        return index
    return index.model_copy(update={"null_p": None, "reason": point.withheld.reason})


def _secondary(name: str) -> bool:
    """Return whether an index is for comparison only."""
    return MEASURES[name].secondary if name in MEASURES else True


def _table(key: str, caption: str, rows: Sequence[tuple[str, str, float | None, Index]], described: bool) -> Table:
    """Return a table of indices and what chance gives.

    With `described` also each index's range and weakness, which need be said only once.
    """
    columns = ["Index", "Of", "Value", *["Range"] * described, "Median under equal rates", "95th percentile", "p", "What it says"]
    cells = [
        [
            *(_name(name, alpha), OF[measure], f.number(index.value), *[index_range(name)] * described),
            *(
                f.number(index.null_median),
                f.number(index.null_p95),
                f.p_value(index.null_p).removeprefix("p ").removeprefix("= "),
            ),
            *(index_verdict(index), *[index_weakness(name)] * described),
        ]
        for measure, name, alpha, index in rows
    ]
    if not described:
        return Table(key, caption, columns, cells, frozenset({1, 6}))
    return Table(key, caption, [*columns, "Weakness"], cells, frozenset({1, 3, 7, 8}))


def _name(name: str, alpha: float | None) -> str:
    """Return an index's title, with its weight α."""
    title = MEASURES[name].title if name in MEASURES and name not in INDICES else index_name(name)
    return title + (f", α {alpha:g}" if alpha is not None else "")


def index_range(name: str) -> str:
    """Return between which values an index lies.

    A dash for one that this version does not know.
    """
    return MEASURES[name].range if name in MEASURES else f.DASH


def index_weakness(name: str) -> str:
    """Return what an index does not show.

    A dash for one that this version does not know.
    """
    return MEASURES[name].weakness if name in MEASURES else f.DASH


def index_verdict(index: Index) -> str:
    """Return what an index says, in a few words.

    Its p-value under equal rates alone decides.
    """
    if index.value is None:
        return f"undefined: {f.reason(index.reason)}"
    left_out = f"; without {', '.join(f.shorten(group, 40) for group in index.left_out)}" if index.left_out else ""
    if index.reason in WITHHELD:
        return f"no verdict{left_out}"
    if index.null_p is None:
        return f"nothing: too few errors to know its value under equal rates{left_out}"
    return ("more spread than chance gives" if is_significant(index.null_p) else "chance also gives this") + left_out


def separation_items(grouping: Grouping, key: str) -> Iterator[Item]:
    """Yield EER, d′ and calibration by group, folded.

    With what they are not.
    """
    known = [separation for separation in grouping.separation if separation.d_prime is not None]
    if not known:
        return
    rows = [
        [
            *(
                separation.group,
                f.percent(separation.eer) if separation.eer is not None else f.reason(separation.reason),
                f.percent_interval(separation.eer_within) if separation.eer_within else f.DASH,
                f.number(separation.d_prime),
            ),
            *(
                f.number(separation.mated_mean),
                f.number(separation.mated_sd),
                f.number(separation.non_mated_mean),
                f.number(separation.non_mated_sd),
            ),
        ]
        for separation in known
    ]
    columns = ["Group", "EER", "lies in", "d′", "Mated: mean", "sd", "Non-mated: mean", "sd"]
    text = (
        "A description of the scores, not an operating point: the EER of a group is read at a threshold of its own, which nobody "
        "can set, so groups look alike here that are not at one threshold for all. Without intervals. Scores as similarities; "
        f"non-mated means and deviations to within {f.number(max(separation.bin_width or 0.0 for separation in known) / 2)}, "
        "half a histogram bin."
    )
    yield Fold(
        f"Equal error rate and d′ by {grouping_name(grouping)}: descriptions only",
        [
            Text(text),
            Table(
                f"{key}-separation", f"Equal error rate (EER) and d′ by {grouping_name(grouping)}", columns, rows, frozenset({1})
            ),
            *_calibration(grouping, key),
        ],
    )


def _calibration(grouping: Grouping, key: str) -> Iterator[Item]:
    """Yield what scores are worth to each group.

    Under one calibration for everybody; nothing if no group has such a figure.
    """
    known = [separation for separation in grouping.separation if separation.cllr is not None]
    if not known:
        return
    rows = [
        [separation.group, f.number(separation.cllr), f.number(separation.min_cllr), f.number(separation.miscalibration)]
        for separation in known
    ]
    yield Text(
        "Does a score mean the same for everybody? Cllr, the log-likelihood-ratio cost, is what a score is worth to a group when one "
        "calibration for all groups says how likely it is that both images show one person: 0 is perfect, 1 is worthless, above 1 it "
        "misleads. The least Cllr is that under a calibration of the group's own; the difference is what the common meaning costs "
        "the group. Without intervals: where comparisons are few, chance alone makes a difference, and where the EER is left out for "
        "few errors, these figures rest on as few."
    )
    title = f"Calibration of scores by {grouping_name(grouping)}: 0 is perfect, 1 is worthless"
    yield Table(f"{key}-calibration", title, ["Group", "Cllr", "Least Cllr", "Difference"], rows)
