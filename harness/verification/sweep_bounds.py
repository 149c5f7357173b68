"""Bounds at operating points, not below those of stricter thresholds in the sweep."""

from __future__ import annotations

from collections.abc import Sequence

from faceparity.harness import results


def with_bounds_of_sweep(points: Sequence[results.OperatingPoint], sweep: results.Sweep | None) -> list[results.OperatingPoint]:
    """Return points whose bounds on few errors never rise as the threshold gets stricter.

    Those of the sweep's groups in its design; other rates are unchanged. sweep: of the same grouping.
    """
    return list(points) if sweep is None else [_raised(point, sweep) for point in points]


def _raised(point: results.OperatingPoint, sweep: results.Sweep) -> results.OperatingPoint:
    second, alike = point.without_likely_same_person, sweep.without_likely_same_person
    if second is not None and alike is not None:
        point = point.model_copy(update={"without_likely_same_person": _raised(second, alike)})
    if point.threshold not in sweep.thresholds:
        return point
    position = sweep.thresholds.index(point.threshold)
    bounds: dict[tuple[str, str, str], float | None] = {
        (swept.measure, swept.group, swept.design): swept.upper[position]
        for swept in sweep.rates
        if swept.upper is not None and swept.reason is None
    }
    fmr, fnmr = (
        [_not_below(rate, bounds.get((measure, rate.group, rate.design))) for rate in rates]
        for measure, rates in (("fmr", point.fmr), ("fnmr", point.fnmr))
    )
    return point.model_copy(update={"fmr": fmr, "fnmr": fnmr})


def _not_below(rate: results.Rate, bound: float | None) -> results.Rate:
    """Return a rate with a bound at least this.

    The sweep's has seven digits: a difference that small is none.
    """
    if bound is None or rate.status != "bound" or rate.interval is None or bound <= rate.interval[1] * (1 + 1e-6):
        return rate
    return rate.model_copy(update={"interval": (0.0, bound)})
