"""Every reason of a result checked against the figures that stand beside it in the record.

python -m tests.true_reasons RESULTS...   count the reasons of results.json files, and those that are untrue, by kind
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from faceparity.harness.results import Contrast, Evaluation, Grouping, Index, OperatingPoint, Rate, from_json
from faceparity.harness.verification.rates.verdict_rules import (
    BOUND_BELOW,
    EFFECTIVE_IN_HIGHER,
    EFFECTIVE_IN_LOWER,
    INTERVAL_FROM,
    SHOWN_FROM,
    enough_errors,
)

OF_CELLS = ("no_cells", "cells_too_small", "cells_few_mated")


def untrue_reasons(evaluation: Evaluation) -> tuple[int, list[str]]:
    """Count the reasons of rates, contrasts, indices and points, and name each that its figures contradict."""
    finest = max(evaluation.groupings, key=lambda grouping: len(grouping.attributes))
    counted, wrong = 0, []
    for grouping in evaluation.groupings:
        for i, point in enumerate(grouping.operating_points):
            outer = finest.operating_points[i]
            for reading, cells in ((point, outer), (point.without_likely_same_person, outer.without_likely_same_person)):
                for where, reason, holds in _of_point(reading, cells, grouping, finest) if reading and cells else ():
                    counted += 1
                    if not holds:
                        wrong.append(f"{' × '.join(grouping.attributes)}, {where}: {reason}")
    return counted, wrong


def _of_point(
    point: OperatingPoint, cells: OperatingPoint, grouping: Grouping, finest: Grouping
) -> Iterator[tuple[str, str, bool]]:
    if point.reason == "contaminated":
        yield "operating point", point.reason, point.same_person is not None and point.same_person.contaminated
    for measure, rates, of_cells in (("fmr", point.fmr, cells.fmr), ("fnmr", point.fnmr, cells.fnmr)):
        own = {rate.group: rate for rate in of_cells if rate.design == "within"}
        for rate in rates:
            if rate.reason:
                yield f"{measure} of {rate.group}", rate.reason, _holds_of_rate(rate, _cells(rate.group, grouping, finest, own))
    for rate in point.fmr_matrix:
        if rate.reason:
            yield f"matrix of {rate.group} and {rate.group_b}", rate.reason, _holds_of_rate(rate, [])
    for contrast in point.contrasts:
        if contrast.reason:
            yield f"{contrast.measure} ratio of {contrast.group}", contrast.reason, _holds_of_contrast(contrast, point, grouping)
    if point.differential is not None:
        sides = [("fmr", point.differential.fmr), ("fnmr", point.differential.fnmr), ("both", point.differential.combined)]
        sides += [("both", at.combined) for at in point.differential.combined_at]
        for measure, indices in sides:
            for name, index in indices.items():
                if index.reason and index.value is None:
                    yield f"{name} of {measure}", index.reason, _holds_of_index(index, measure, point)


def _cells(group: str, grouping: Grouping, finest: Grouping, own: dict[str, Rate]) -> list[Rate]:
    """The rates of the finest groups that make up a group."""
    values = next((one.values for one in grouping.groups if one.group == group), [])
    at = [finest.attributes.index(attribute) for attribute in grouping.attributes]
    return [own[one.group] for one in finest.groups if [one.values[i] for i in at] == values and one.group in own]


def _holds_of_rate(rate: Rate, cells: list[Rate]) -> bool:
    people = min(rate.subjects, rate.subjects if rate.subjects_b is None else rate.subjects_b)
    few = [cell for cell in cells if cell.subjects < SHOWN_FROM]
    return {
        "zero_errors": rate.errors == 0 and rate.comparisons > 0,
        "zero_comparisons": rate.comparisons == 0,
        "no_mated_pairs": rate.comparisons == 0,
        "too_few_subjects": 0 < people < SHOWN_FROM,
        "too_few_subjects_for_interval": SHOWN_FROM <= people < INTERVAL_FROM and rate.interval is None,
        "too_few_errors": rate.errors is not None and 0 < rate.errors < BOUND_BELOW,
        "no_cells": not cells,
        "cells_too_small": bool(few) and any(cell.comparisons for cell in cells),
        "cells_few_mated": bool(few) and any(cell.comparisons for cell in cells),
    }.get(rate.reason or "", False)


def _holds_of_contrast(contrast: Contrast, point: OperatingPoint, grouping: Grouping) -> bool:
    rates = point.fmr if contrast.measure == "fmr" else point.fnmr
    by_group = {rate.group: rate for rate in rates if rate.design == contrast.design}
    group, reference = by_group[contrast.group], by_group[contrast.reference]
    errors = (group.errors, reference.errors)
    second = point.without_likely_same_person
    other = (
        next((c for c in second.contrasts if (c.measure, c.group) == (contrast.measure, contrast.group)), None)
        if second
        else None
    )
    if contrast.reason in ("readings_differ", "no_second_reading", "contaminated"):
        missing = other is None or other.verdict == "none"
        return contrast.reason == ("no_second_reading" if missing else "readings_differ")
    effective = (_effective(group), _effective(reference))
    lower, higher = sorted((group, reference), key=lambda rate: rate.rate or 0.0)
    return {
        "zero_errors": errors == (0, 0),
        "group_zero_errors": group.errors == 0 and bool(reference.errors),
        "reference_zero_errors": reference.errors == 0 and bool(group.errors),
        "too_few_errors_in_higher": _effective(higher) < EFFECTIVE_IN_HIGHER,
        "too_few_errors_in_lower": _effective(higher) >= EFFECTIVE_IN_HIGHER and _effective(lower) < EFFECTIVE_IN_LOWER,
        "fnmr_over_half": point.withheld is not None and point.withheld.reason == "fnmr_over_half",
        "mated_not_above": point.withheld is not None or bool({group.group, reference.group} & {*grouping.groups_not_above}),
        "too_few_errors": all(errors) and not enough_errors(contrast.ratio or 1.0, *effective),
        "too_few_subjects": min(group.subjects, reference.subjects) < SHOWN_FROM,
        "every_comparison_wrong": 1.0 in (group.rate, reference.rate),
    }.get(contrast.reason or "", contrast.reason in (group.reason, reference.reason))


def _effective(rate: Rate) -> float:
    return rate.effective_errors or 0.0


def _holds_of_index(index: Index, measure: str, point: OperatingPoint) -> bool:
    both = {"fmr": [point.fmr], "fnmr": [point.fnmr], "both": [point.fmr, point.fnmr]}[measure]
    designs = {contrast.design for contrast in point.contrasts} or {"within", "matched"}
    sides = [[rate for rate in rates if rate.design in designs] for rates in both]
    shown = [[rate for rate in side if rate.status != "suppressed" and rate.group not in index.left_out] for side in sides]
    zeros = [rate.errors == 0 for side in shown for rate in side]
    hidden = [rate.reason for side in sides for rate in side if rate.status == "suppressed"]
    return {
        "zero_errors": bool(zeros) and all(zeros),
        "some_zero_errors": any(zeros) and not all(zeros),
        "one_group": all(len(side) == 1 for side in shown),
        "no_mated_pairs": not point.fnmr or all(rate.comparisons == 0 for rate in sides[-1]),
    }.get(index.reason or "", index.reason in hidden)


def main(paths: list[str]) -> None:
    """Print the counts of all results under the paths."""
    for path in paths:
        for file in [Path(path)] if Path(path).is_file() else sorted(Path(path).rglob("results.json")):
            counted, wrong = untrue_reasons(from_json(file.read_bytes()))
            kinds = Counter(line.rpartition(": ")[2] for line in wrong)
            print(f"{file}: {len(wrong)} of {counted} reasons are untrue {dict(kinds) or ''}")


if __name__ == "__main__":
    main(sys.argv[1:])
