"""Differential measures: one number for the spread of error rates between K groups, at one threshold for all.

x, y: the groups' FMR and FNMR, float64[..., K]. Every function is registered (`registry.MEASURES`) with its range, its weakness
and what it does where a group has no errors; called with one set of rates it returns a float, or None where it is undefined (a
ratio with zero below, 0/0). None of them is told apart from chance by itself: see `faceparity.harness.uncertainty.null`.

Left out, because no formula could be checked against its source: SEDG/SGED (Elobaid 2024), CEI (2024), the SFI, CFI and DFI of
Kotwal & Marcel (2022; of score distributions, not of a threshold), and the FPD and FND of ISO/IEC 19795-10.
"""

from __future__ import annotations

import numpy as np

from .registry import MEASURES as MEASURES
from .registry import Limits, Rates, measure

INFINITY = float("inf")
NISTIR = "NISTIR 8429, draft"


def _unit(k: int) -> Limits:
    return 0.0, 1.0


def _ratio(k: int) -> Limits:
    return 1.0, INFINITY


def _positive(k: int) -> Limits:
    return 0.0, INFINITY


def _log(x: Rates) -> Rates:
    """nan, not -inf, at zero."""
    return np.log(np.where(x > 0, x, np.nan))


def _over(a: Rates, b: Rates) -> Rates:
    """a/b, nan where b is zero."""
    return np.asarray(a / np.where(b > 0, b, np.nan), np.float64)


def _weighted(alpha: float, of_fmr: Rates, of_fnmr: Rates) -> Rates:
    """α of_fmr + (1-α) of_fnmr; what has no weight need not be defined."""
    if alpha in (0, 1):
        return of_fmr if alpha else of_fnmr
    return alpha * of_fmr + (1 - alpha) * of_fnmr


@measure(
    "ratio to a named reference group", of="rate", formula="x_g / x_ref", range="[0, ∞)", limits=_positive,
    weakness="depends on which group is the reference", zero="undefined if the reference has no errors; 0 is shown as a bound",
    a_zero="defined", all_zero="undefined", source="common; recommended for intervals and prose", given=("reference",),
    secondary=False, per_group=True, also="in the results as `contrasts`, with intervals",
)  # fmt: skip
def ratio_to_reference(x: Rates, reference: int) -> Rates:
    """float64[..., K]: each group's rate over that of the group numbered `reference`."""
    return _over(x, x[..., int(reference), None])


@measure(
    "max/min", of="rate", formula="max x / min x", range="[1, ∞)", limits=_ratio,
    weakness="decided by the noise in the smallest group; grows with the number of groups under equal rates",
    zero="undefined if any rate is 0", a_zero="undefined", all_zero="undefined", source=NISTIR, secondary=False,
    also="R of users of ISO/IEC 19795-10; BFAR and BFRR of Conti et al. 2022 (FMR and FNMR); SER of one error rate",
)  # fmt: skip
def max_min(x: Rates) -> Rates:
    """Highest over lowest."""
    return _over(x.max(-1), x.min(-1))


@measure(
    "max/geometric mean", of="rate", formula="max x / (∏ x)^(1/K)", range="[1, ∞)", limits=_ratio,
    weakness="less intuitive; steadier than max/min", zero="undefined if any rate is 0", a_zero="undefined", all_zero="undefined",
    source=NISTIR, secondary=False, also="M of users of ISO/IEC 19795-10",
)  # fmt: skip
def max_geometric_mean(x: Rates) -> Rates:
    """Highest over the geometric mean."""
    return np.asarray(np.exp(_log(x.max(-1)) - _log(x).mean(-1)), np.float64)


@measure(
    "max/arithmetic mean", of="rate", formula="max x / mean x", range="[1, K]", limits=lambda k: (1.0, float(k)),
    weakness="decided by the highest rate; does not see who is lowest", zero="undefined only if all rates are 0",
    a_zero="defined", all_zero="undefined", source=NISTIR,
)  # fmt: skip
def max_arithmetic_mean(x: Rates) -> Rates:
    """Highest over the arithmetic mean."""
    return _over(x.max(-1), x.mean(-1))


@measure(
    "Gini coefficient", of="rate", formula="K/(K-1) Σ_ij |x_i - x_j| / (2 K² mean x)", range="[0, 1]", limits=_unit,
    weakness="scale-free, but blind to which group it is; raised by noise", zero="undefined only if all rates are 0",
    a_zero="defined", all_zero="undefined", source="Howard et al. 2022", secondary=False,
)  # fmt: skip
def gini(x: Rates) -> Rates:
    """Gini coefficient with the small-sample factor K/(K-1): 1 where one group has all the errors."""
    k = x.shape[-1]
    return np.asarray(_raw_gini(x) * k / max(k - 1, 1), np.float64)


@measure(
    "Gini coefficient, uncorrected", of="rate", formula="Σ_ij |x_i - x_j| / (2 K² mean x)", range="[0, (K-1)/K]",
    limits=lambda k: (0.0, (k - 1) / k), weakness="cannot reach 1, so groupings of different K do not compare",
    zero="undefined only if all rates are 0", a_zero="defined", all_zero="undefined", source=NISTIR,
    also="G of users of ISO/IEC 19795-10",
)  # fmt: skip
def gini_raw(x: Rates) -> Rates:
    """Gini coefficient as it is usually written."""
    return _raw_gini(x)


def _raw_gini(x: Rates) -> Rates:
    """From the sorted rates: Σ_ij |x_i - x_j| = 2 Σ_i (2i - K - 1) x_(i)."""
    k = x.shape[-1]
    rank = 2 * np.arange(1, k + 1) - k - 1
    return _over((np.sort(x, axis=-1) * rank).sum(-1), k * k * x.mean(-1))


@measure(
    "largest difference", of="rate", formula="max x - min x", range="[0, 1]", limits=_unit,
    weakness="of the size of the rates: next to nothing at an operational FMR, whatever the ratio", zero="defined",
    a_zero="defined", all_zero="defined", source="users of ISO/IEC 19795-10 (Δ)",
)  # fmt: skip
def max_difference(x: Rates) -> Rates:
    """Highest minus lowest."""
    return np.asarray(np.ptp(x, axis=-1), np.float64)


@measure(
    "standard deviation of the rates (population)", of="rate", formula="√(Σ (x_g - mean x)² / K)", range="[0, 1/2]",
    limits=lambda k: (0.0, 0.5), weakness="of the size of the rates; papers differ in dividing by K or K-1", zero="defined",
    a_zero="defined", all_zero="defined", source="papers on RFW (of accuracies)",
)  # fmt: skip
def std(x: Rates) -> Rates:
    """Standard deviation, divided by K."""
    return np.asarray(x.std(-1), np.float64)


@measure(
    "standard deviation of the rates (sample)", of="rate", formula="√(Σ (x_g - mean x)² / (K-1))", range="[0, ½ √(K/(K-1))]",
    limits=lambda k: (0.0, (k / (k - 1)) ** 0.5 / 2), weakness="of the size of the rates; papers differ in dividing by K or K-1",
    zero="defined", a_zero="defined", all_zero="defined", source="papers on RFW (of accuracies)",
)  # fmt: skip
def std_sample(x: Rates) -> Rates:
    """Standard deviation, divided by K - 1."""
    k = x.shape[-1]
    return np.asarray(x.std(-1, ddof=1), np.float64) if k > 1 else np.full(x.shape[:-1], np.nan)


@measure(
    "MAPE, in percent", of="fmr", formula="100/K Σ |x_g - f| / f", range="[0, ∞)", limits=_positive,
    weakness="a rate under the nominal f adds 100 % at most, one over it has no limit", zero="defined", a_zero="defined",
    all_zero="defined", source="Villalobos et al. 2022 (formula not checked against the paper)", given=("nominal",),
)  # fmt: skip
def mape(x: Rates, nominal: float) -> Rates:
    """Mean absolute percentage error against the nominal FMR: the target, or what the pool achieved."""
    return np.asarray(np.abs(signed_percent(x, nominal)).mean(-1), np.float64)


@measure(
    "mean |log10| ratio to the nominal FMR", of="fmr", formula="1/K Σ |log10(x_g / f)|", range="[0, ∞)", limits=_positive,
    weakness="also counts a threshold that is off for all groups alike", zero="undefined if any rate is 0", a_zero="undefined",
    all_zero="undefined", source="as MAPE, without its asymmetry", given=("nominal",),
)  # fmt: skip
def mean_abs_log10(x: Rates, nominal: float) -> Rates:
    """Mean distance from the nominal FMR in decades."""
    return np.asarray(np.abs(log10_ratio(x, nominal)).mean(-1), np.float64)


def signed_percent(x: Rates, nominal: float) -> Rates:
    """float64[..., K]: each group's deviation from the nominal rate, in percent of it; at least -100. nominal > 0."""
    return 100 * (x - nominal) / nominal


def log10_ratio(x: Rates, nominal: float) -> Rates:
    """float64[..., K]: log10 of each group's rate over the nominal one; nan where the rate is zero."""
    return np.asarray((_log(x) - np.log(nominal)) / np.log(10), np.float64)


@measure(
    "inequity rate", of="both", formula="(max x / min x)^α (max y / min y)^(1-α)", range="[1, ∞)", limits=_ratio,
    weakness="unbounded; can be driven by a negligible FNMR", zero="undefined if any rate with a weight is 0", a_zero="undefined",
    all_zero="undefined", source="NIST (INEQ, IR)", given=("alpha",),
)  # fmt: skip
def inequity_rate(fmr: Rates, fnmr: Rates, alpha: float = 0.5) -> Rates:
    """max/min of FMR and of FNMR, as a weighted geometric mean."""
    ratios = (_over(x.max(-1), x.min(-1)) for x in (fmr, fnmr))
    return np.asarray(np.exp(_weighted(alpha, *(np.log(r) for r in ratios))), np.float64)


@measure(
    "fairness discrepancy rate", of="both", formula="1 - (α max|x_i - x_j| + (1-α) max|y_i - y_j|)", range="[0, 1], 1 is equal",
    limits=_unit, weakness="near 1 at any operational FMR: it calls a 50-fold difference 98 % fair", zero="defined",
    a_zero="defined", all_zero="defined", source="de Freitas Pereira & Marcel (FDR)", worse="smaller", given=("alpha",),
)  # fmt: skip
def fdr(fmr: Rates, fnmr: Rates, alpha: float = 0.5) -> Rates:
    """One minus the weighted largest differences."""
    return np.asarray(1 - (alpha * np.ptp(fmr, axis=-1) + (1 - alpha) * np.ptp(fnmr, axis=-1)), np.float64)


@measure(
    "GARBE", of="both", formula="α G(x) + (1-α) G(y), G the corrected Gini", range="[0, 1]", limits=_unit,
    weakness="averages unlike harms; α is arbitrary", zero="undefined only if all rates with a weight are 0", a_zero="defined",
    all_zero="undefined", source="Howard et al. 2022", given=("alpha",),
)  # fmt: skip
def garbe(fmr: Rates, fnmr: Rates, alpha: float = 0.5) -> Rates:
    """Weighted mean of the two Gini coefficients; 0 where all rates are equal."""
    return _weighted(alpha, *(_raw_gini(x) * x.shape[-1] / max(x.shape[-1] - 1, 1) for x in (fmr, fnmr)))


@measure(
    "equalised odds difference", of="both", formula="max(max x - min x, max y - min y)", range="[0, 1]", limits=_unit,
    weakness="swamped by FNMR, the larger rate: hides a fourfold FMR", zero="defined", a_zero="defined", all_zero="defined",
    source="fairlearn",
)  # fmt: skip
def equalised_odds_difference(fmr: Rates, fnmr: Rates) -> Rates:
    """The larger of the two largest differences."""
    return np.asarray(np.maximum(np.ptp(fmr, axis=-1), np.ptp(fnmr, axis=-1)), np.float64)


@measure(
    "demographic parity difference", of="both", formula="max P_g - min P_g, P_g = m_g (1 - y_g) + (1 - m_g) x_g", range="[0, 1]",
    limits=_unit, weakness="depends on the tester's share m_g of mated comparisons, which says nothing of the matcher",
    zero="defined", a_zero="defined", all_zero="defined", source="fairlearn", given=("mated_share",),
)  # fmt: skip
def demographic_parity_difference(fmr: Rates, fnmr: Rates, mated_share: Rates) -> Rates:
    """Highest minus lowest share of matches. mated_share: float64[K], mated comparisons over all of the group's."""
    return np.asarray(np.ptp(mated_share * (1 - fnmr) + (1 - mated_share) * fmr, axis=-1), np.float64)


@measure(
    "skewed error ratio", of="both", formula="max err_g / min err_g, err_g = (x_g + y_g)/2", range="[1, ∞)", limits=_ratio,
    weakness="one accuracy for two unlike errors: FNMR decides it at an operational FMR",
    zero="undefined if a group has no errors of either kind", a_zero="undefined", all_zero="undefined",
    source="papers on RFW (SER)", also="there at the best threshold of the test pairs, here at the shared one",
)  # fmt: skip
def ser(fmr: Rates, fnmr: Rates) -> Rates:
    """Highest over lowest error of a test with as many mated as non-mated comparisons."""
    error = (fmr + fnmr) / 2
    return _over(error.max(-1), error.min(-1))


@measure(
    "standard deviation of accuracies", of="both", formula="√(Σ (acc_g - mean acc)² / K), acc_g = 1 - (x_g + y_g)/2",
    range="[0, 1/2]", limits=lambda k: (0.0, 0.5), weakness="one accuracy for two unlike errors; blind to which group it is",
    zero="defined", a_zero="defined", all_zero="defined", source="papers on RFW (STD; divided by K, as public code does)",
    also="there at the best threshold of the test pairs, here at the shared one",
)  # fmt: skip
def std_accuracy(fmr: Rates, fnmr: Rates) -> Rates:
    """Population standard deviation of the accuracies of a test with as many mated as non-mated comparisons."""
    return np.asarray(((fmr + fnmr) / 2).std(-1), np.float64)


def skewed_error_ratio(accuracies: Rates) -> float | None:
    """Of accuracies (fractions) as papers publish them: (1 - min) / (1 - max). None where a group has no errors."""
    best = 1 - float(accuracies.max())
    return (1 - float(accuracies.min())) / best if best > 0 else None
