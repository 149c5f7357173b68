"""Claims about a controlled experiment, tested by its differences on the same subjects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from faceparity.harness import results
from faceparity.harness.claims.claim_file import ClaimFile, Reading
from faceparity.harness.claims.group_pairs import ClaimedPair, Draft, Key, blank_of, key_of


def experiment(
    claim: ClaimFile, reading: Reading, of: Sequence[results.Paired]
) -> tuple[tuple[results.ClaimReason | None, str], list[Draft]]:
    """A claim about a controlled experiment, from its differences on the same subjects."""
    factors = {f.factor: (x, f) for x in of for f in x.factors}
    if not any(c.attribute in factors for c in claim.contrasts):
        return ("no_experiment", ""), []
    out = []
    for c in claim.contrasts:
        if c.attribute not in factors:
            continue
        paired, _ = factors[c.attribute]
        pairs = [ClaimedPair(c.attribute, a, b) for a in c.groups for b in c.references]
        out += [d for pair in pairs for d in _paired_tests(pair, reading, paired)]
    return (None, ""), out


def _paired_tests(chosen: ClaimedPair, reading: Reading, paired: results.Paired) -> Iterator[Draft]:
    for target in reading.targets or (None,):
        blank = blank_of(chosen, reading, target, "paired")
        of, point = paired.differences, None
        if target is not None:
            point = next((p for p in paired.operating_points if p.origin == "target" and p.target_fmr == target), None)
            if point is None or point.threshold is None:
                reason = "target_not_asked" if point is None else "target_out_of_reach"
                detail = f"--target-fmr {target:g}" if point is None else ""
                yield Draft(blank.model_copy(update={"reason": reason, "detail": detail}))
                continue
            of = point.differences
            blank = blank.model_copy(update={"threshold": point.threshold, "native_threshold": point.native_threshold})
        same = (reading.measure, chosen.attribute, chosen.group, chosen.reference)
        d = next((d for d in of if (d.measure, d.factor, d.level, d.reference) == same), None)
        yield _paired_draft(blank, chosen, d, key_of(chosen, reading, target))


def _paired_draft(blank: results.ClaimTest, chosen: ClaimedPair, d: results.PairedDifference | None, key: Key) -> Draft:
    if d is None:
        detail = f"--reference {chosen.attribute}={chosen.reference}"
        return Draft(blank.model_copy(update={"reason": "no_such_label", "detail": detail}))
    score = d.measure.endswith("score")
    seen: dict[str, object] = (
        {"value": d.value, "reference_value": d.reference_value}
        if score
        else {
            "rate": _paired_rate(chosen.group, d.value, d.errors, d),
            "reference_rate": _paired_rate(chosen.reference, d.reference_value, d.reference_errors, d),
        }
    )
    seen |= {"difference": d.difference, "difference_interval": d.interval, "ratio": d.ratio, "interval": d.ratio_interval}
    test = blank.model_copy(update={**seen, "df": d.df, "reason": d.reason})
    if d.verdict == "none" and d.reason != "zero_errors":
        return Draft(test)
    higher = None if not d.difference else d.difference > 0
    return Draft(test.model_copy(update={"p": d.p, "result": "inconclusive"}), key, higher, d.reason is None)


def _paired_rate(group: str, value: float | None, errors: int | None, d: results.PairedDifference) -> results.Rate | None:
    """One side of a paired difference; its interval is the difference's business."""
    if errors is None:
        return None
    base = results.Rate(
        group=group, design="within", subjects=d.subjects, comparisons=d.comparisons, errors=errors, rate=value, status="ok"
    )
    if errors:
        return base
    bounds = results.Bounds(independent=min(1.0, 3 / max(1, d.comparisons)), worst_case=min(1.0, 3 / max(1, d.subjects // 2)))
    return base.model_copy(update={"status": "bound", "bounds": bounds, "reason": "zero_errors"})
