"""Claims about a controlled experiment, tested by its differences on the same subjects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from faceparity.harness import results
from faceparity.harness.claims.claim_file import ClaimFile, Reading
from faceparity.harness.claims.group_pairs import ClaimedPair, Draft, Key, blank_of, key_of
from faceparity.harness.verification.rates.estimates import IF_INDEPENDENT, zero_bounds


def experiment(
    claim: ClaimFile, reading: Reading, of: Sequence[results.Paired]
) -> tuple[tuple[results.ClaimReason | None, str], list[Draft]]:
    """Test a claim about a controlled experiment.

    From its differences on the same subjects. The reason says why there is no test.
    """
    factors = {factor.factor: (entry, factor) for entry in of for factor in entry.factors}
    if not any(contrast.attribute in factors for contrast in claim.contrasts):
        return ("no_experiment", ""), []
    chosen = [
        ClaimedPair(contrast.attribute, group, reference)
        for contrast in claim.contrasts
        if contrast.attribute in factors
        for group in contrast.groups
        for reference in contrast.references
    ]
    each_once = dict.fromkeys(chosen)
    return (None, ""), [draft for pair in each_once for draft in _paired_tests(pair, reading, factors[pair.attribute][0])]


def _paired_tests(chosen: ClaimedPair, reading: Reading, paired: results.Paired) -> Iterator[Draft]:
    for target in dict.fromkeys(reading.targets) or (None,):
        blank = blank_of(chosen, reading, target, "paired")
        of, point = paired.differences, None
        if target is not None:
            point = next(
                (
                    candidate
                    for candidate in paired.operating_points
                    if candidate.origin == "target" and candidate.target_fmr == target
                ),
                None,
            )
            if point is None or point.threshold is None:
                reason = "target_not_asked" if point is None else "target_out_of_reach"
                detail = f"--target-fmr {target:g}" if point is None else ""
                yield Draft(blank.model_copy(update={"reason": reason, "detail": detail}))
                continue
            of = point.differences
            blank = blank.model_copy(update={"threshold": point.threshold, "native_threshold": point.native_threshold})
        same = (reading.measure, chosen.attribute, chosen.group, chosen.reference)
        difference = next(
            (
                difference
                for difference in of
                if (difference.measure, difference.factor, difference.level, difference.reference) == same
            ),
            None,
        )
        yield _paired_draft(blank, chosen, difference, key_of(chosen, reading, target, paired=True))


def _paired_draft(blank: results.ClaimTest, chosen: ClaimedPair, difference: results.PairedDifference | None, key: Key) -> Draft:
    if difference is None:
        detail = f"--reference {chosen.attribute}={chosen.reference}"
        return Draft(blank.model_copy(update={"reason": "no_such_label", "detail": detail}))
    score = difference.measure.endswith("score")
    fields: dict[str, object] = (
        {"value": difference.value, "reference_value": difference.reference_value}
        if score
        else {
            "rate": _paired_rate(chosen.group, difference.value, difference.errors, difference),
            "reference_rate": _paired_rate(chosen.reference, difference.reference_value, difference.reference_errors, difference),
        }
    )
    fields |= {
        "difference": difference.difference,
        "difference_interval": difference.interval,
        "ratio": difference.ratio,
        "interval": difference.ratio_interval,
    }
    test = blank.model_copy(update={**fields, "df": difference.df, "reason": difference.reason})
    if difference.verdict == "none" and difference.reason != "zero_errors":
        return Draft(test)
    higher = None if not difference.difference else difference.difference > 0
    return Draft(test.model_copy(update={"p": difference.p, "result": "inconclusive"}), key, higher, difference.reason is None)


def _paired_rate(
    group: str, value: float | None, errors: int | None, difference: results.PairedDifference
) -> results.Rate | None:
    """Return one side of a paired difference, without interval.

    The interval belongs to the difference. None for a score.
    """
    if errors is None:
        return None
    base = results.Rate(
        group=group,
        design="within",
        subjects=difference.subjects,
        comparisons=difference.comparisons,
        errors=errors,
        rate=value,
        status="ok",
    )
    if errors:
        return base
    independent, worst = zero_bounds(max(1, difference.comparisons), difference.subjects)
    bounds = results.Bounds(independent=independent, worst_case=worst)
    bound = {"status": "bound", "bounds": bounds, "interval": (0.0, independent), "method": IF_INDEPENDENT}
    return base.model_copy(update={**bound, "reason": "zero_errors"})
