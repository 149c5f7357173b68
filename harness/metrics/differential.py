"""Differential measures: one number for the spread of error rates between K groups, at one threshold for all.

rates, fmr, fnmr: float64[..., K], the groups' rates; in formulas x is the groups' FMR (or whichever one rate a measure is of) and y
their FNMR. Every function is registered (`registry.MEASURES`) with its range, its weakness and what it does where a group has no
errors; called with one set of rates it returns a float, or None where it is undefined (a ratio to a rate of zero, 0/0). No measure
by itself shows whether a difference is more than chance: see `faceparity.harness.uncertainty.equal_rates`.

Left out, because no formula could be checked against its source: SEDG/SGED (Elobaid 2024), CEI (2024), the SFI, CFI and DFI of
Kotwal & Marcel (2022; of score distributions, not of a threshold), and the FPD and FND of ISO/IEC 19795-10.
"""

from __future__ import annotations

import numpy as np

from .registry import MEASURES as MEASURES
from .registry import Limits, Rates, measure

INFINITY = float("inf")
NISTIR = "NISTIR 8429, draft"


def _unit(n_groups: int) -> Limits:
    return 0.0, 1.0


def _ratio(n_groups: int) -> Limits:
    return 1.0, INFINITY


def _positive(n_groups: int) -> Limits:
    return 0.0, INFINITY


def _log(rates: Rates) -> Rates:
    """Return the natural logarithm; nan, not -inf, at zero."""
    return np.log(np.where(rates > 0, rates, np.nan))


def _over(numerator: Rates, denominator: Rates) -> Rates:
    """Return numerator / denominator; nan where the denominator is zero."""
    return np.asarray(numerator / np.where(denominator > 0, denominator, np.nan), np.float64)


def _weighted(alpha: float, of_fmr: Rates, of_fnmr: Rates) -> Rates:
    """Return α of_fmr + (1-α) of_fnmr.

    What has no weight need not be defined.
    """
    if alpha in (0, 1):
        return of_fmr if alpha else of_fnmr
    return alpha * of_fmr + (1 - alpha) * of_fnmr


@measure(
    "ratio to a named reference group", of="rate", formula="x_g / x_ref", range="[0, ∞)", limits=_positive,
    weakness="depends on which group is the reference", zero="undefined if the reference has no errors; 0 is shown as a bound",
    a_zero="defined", all_zero="undefined", source="common; recommended for intervals and prose", given=("reference",),
    secondary=False, per_group=True, also="in the results as `contrasts`, with intervals",
)  # fmt: skip
def ratio_to_reference(rates: Rates, reference: int) -> Rates:
    """Return each group's rate over the reference group's, float64[..., K].

    reference: the position of the reference group. nan where its rate is zero. As there is one value for each group, use `over`.

    Examples:
        >>> ratio_to_reference.over(np.array([0.01, 0.02, 0.04]), reference=1).round(6).tolist()
        [0.5, 1.0, 2.0]
    """
    return _over(rates, rates[..., int(reference), None])


@measure(
    "max/min", of="rate", formula="max x / min x", range="[1, ∞)", limits=_ratio,
    weakness="decided by the noise in the smallest group; grows with the number of groups under equal rates",
    zero="undefined if any rate is 0", a_zero="undefined", all_zero="undefined", source=NISTIR, secondary=False,
    also="R of users of ISO/IEC 19795-10; BFAR and BFRR of Conti et al. 2022 (FMR and FNMR); SER of one error rate",
)  # fmt: skip
def max_min(rates: Rates) -> Rates:
    """Return the highest rate over the lowest.

    Examples:
        >>> round(max_min(np.array([0.01, 0.02, 0.04])), 6)
        4.0
        >>> max_min(np.array([0.0, 0.02, 0.04])) is None
        True
    """
    return _over(rates.max(-1), rates.min(-1))


@measure(
    "max/geometric mean", of="rate", formula="max x / (∏ x)^(1/K)", range="[1, ∞)", limits=_ratio,
    weakness="less intuitive; steadier than max/min", zero="undefined if any rate is 0", a_zero="undefined", all_zero="undefined",
    source=NISTIR, secondary=False, also="M of users of ISO/IEC 19795-10",
)  # fmt: skip
def max_geometric_mean(rates: Rates) -> Rates:
    """Return the highest rate over the geometric mean of all.

    Examples:
        >>> round(max_geometric_mean(np.array([0.01, 0.02, 0.04])), 6)
        2.0
    """
    return np.asarray(np.exp(_log(rates.max(-1)) - _log(rates).mean(-1)), np.float64)


@measure(
    "max/arithmetic mean", of="rate", formula="max x / mean x", range="[1, K]", limits=lambda n_groups: (1.0, float(n_groups)),
    weakness="decided by the highest rate; does not see who is lowest", zero="undefined only if all rates are 0",
    a_zero="defined", all_zero="undefined", source=NISTIR,
)  # fmt: skip
def max_arithmetic_mean(rates: Rates) -> Rates:
    """Return the highest rate over the arithmetic mean of all.

    Examples:
        >>> round(max_arithmetic_mean(np.array([0.01, 0.02, 0.06])), 6)
        2.0
    """
    return _over(rates.max(-1), rates.mean(-1))


@measure(
    "Gini coefficient", of="rate", formula="K/(K-1) Σ_ij |x_i - x_j| / (2 K² mean x)", range="[0, 1]", limits=_unit,
    weakness="scale-free, but blind to which group it is; raised by noise", zero="undefined only if all rates are 0",
    a_zero="defined", all_zero="undefined", source="Howard et al. 2022", secondary=False,
)  # fmt: skip
def gini(rates: Rates) -> Rates:
    """Return the Gini coefficient with the small-sample factor K/(K-1).

    It is 1 where one group has all the errors.

    Examples:
        >>> round(gini(np.array([0.0, 0.0, 0.03])), 6)
        1.0
    """
    n_groups = rates.shape[-1]
    return np.asarray(_raw_gini(rates) * n_groups / max(n_groups - 1, 1), np.float64)


@measure(
    "Gini coefficient, uncorrected", of="rate", formula="Σ_ij |x_i - x_j| / (2 K² mean x)", range="[0, (K-1)/K]",
    limits=lambda n_groups: (0.0, (n_groups - 1) / n_groups), weakness="cannot reach 1, so groupings of different K do not compare",
    zero="undefined only if all rates are 0", a_zero="defined", all_zero="undefined", source=NISTIR,
    also="G of users of ISO/IEC 19795-10",
)  # fmt: skip
def gini_raw(rates: Rates) -> Rates:
    """Return the Gini coefficient as it is usually written.

    Examples:
        >>> round(gini_raw(np.array([0.0, 0.03])), 6)
        0.5
    """
    return _raw_gini(rates)


def _raw_gini(rates: Rates) -> Rates:
    """Compute the uncorrected Gini coefficient from the sorted rates.

    Σ_ij |x_i - x_j| = 2 Σ_i (2i - K - 1) x_(i).
    """
    n_groups = rates.shape[-1]
    rank = 2 * np.arange(1, n_groups + 1) - n_groups - 1
    return _over((np.sort(rates, axis=-1) * rank).sum(-1), n_groups * n_groups * rates.mean(-1))


@measure(
    "largest difference", of="rate", formula="max x - min x", range="[0, 1]", limits=_unit,
    weakness="of the size of the rates: next to nothing at an operational FMR, whatever the ratio", zero="defined",
    a_zero="defined", all_zero="defined", source="users of ISO/IEC 19795-10 (Δ)",
)  # fmt: skip
def max_difference(rates: Rates) -> Rates:
    """Return the highest rate minus the lowest.

    Examples:
        >>> round(max_difference(np.array([0.01, 0.02, 0.04])), 6)
        0.03
    """
    return np.asarray(np.ptp(rates, axis=-1), np.float64)


@measure(
    "standard deviation of the rates (population)", of="rate", formula="√(Σ (x_g - mean x)² / K)", range="[0, 1/2]",
    limits=lambda n_groups: (0.0, 0.5), weakness="of the size of the rates; papers differ in dividing by K or K-1", zero="defined",
    a_zero="defined", all_zero="defined", source="papers on RFW (of accuracies)",
)  # fmt: skip
def std(rates: Rates) -> Rates:
    """Return the standard deviation of the rates, divided by K.

    Examples:
        >>> round(std(np.array([0.01, 0.03])), 6)
        0.01
    """
    return np.asarray(rates.std(-1), np.float64)


@measure(
    "standard deviation of the rates (sample)", of="rate", formula="√(Σ (x_g - mean x)² / (K-1))", range="[0, ½ √(K/(K-1))]",
    limits=lambda n_groups: (0.0, (n_groups / (n_groups - 1)) ** 0.5 / 2),
    weakness="of the size of the rates; papers differ in dividing by K or K-1", zero="defined", a_zero="defined", all_zero="defined",
    source="papers on RFW (of accuracies)",
)  # fmt: skip
def std_sample(rates: Rates) -> Rates:
    """Return the standard deviation of the rates, divided by K-1.

    nan of a single group.

    Examples:
        >>> round(std_sample(np.array([0.01, 0.02, 0.03])), 6)
        0.01
    """
    n_groups = rates.shape[-1]
    return np.asarray(rates.std(-1, ddof=1), np.float64) if n_groups > 1 else np.full(rates.shape[:-1], np.nan)


@measure(
    "MAPE, in percent", of="fmr", formula="100/K Σ |x_g - f| / f", range="[0, ∞)", limits=_positive,
    weakness="a rate under the nominal f adds 100 % at most, one over it has no limit", zero="defined", a_zero="defined",
    all_zero="defined", source="Villalobos et al. 2022 (formula not checked against the paper)", given=("nominal",),
)  # fmt: skip
def mape(rates: Rates, nominal: float) -> Rates:
    """Return the mean absolute percentage error against the nominal FMR.

    nominal: the target, or what the pool achieved; > 0.

    Examples:
        >>> round(mape(np.array([0.01, 0.03]), 0.02), 6)
        50.0
    """
    return np.asarray(np.abs(signed_percent(rates, nominal)).mean(-1), np.float64)


@measure(
    "mean |log10| ratio to the nominal FMR", of="fmr", formula="1/K Σ |log10(x_g / f)|", range="[0, ∞)", limits=_positive,
    weakness="also counts a threshold that is off for all groups alike", zero="undefined if any rate is 0", a_zero="undefined",
    all_zero="undefined", source="as MAPE, without its asymmetry", given=("nominal",),
)  # fmt: skip
def mean_abs_log10(rates: Rates, nominal: float) -> Rates:
    """Return the mean distance from the nominal FMR in decades.

    Examples:
        >>> round(mean_abs_log10(np.array([0.001, 0.1]), 0.01), 6)
        1.0
    """
    return np.asarray(np.abs(log10_ratio(rates, nominal)).mean(-1), np.float64)


def signed_percent(rates: Rates, nominal: float) -> Rates:
    """Return each group's deviation from the nominal rate, in percent.

    float64[..., K], in percent of the nominal rate, which is > 0; at least -100.

    Examples:
        >>> signed_percent(np.array([0.01, 0.03]), nominal=0.02).round(6).tolist()
        [-50.0, 50.0]
    """
    return 100 * (rates - nominal) / nominal


def log10_ratio(rates: Rates, nominal: float) -> Rates:
    """Return log10 of each group's rate over the nominal one.

    float64[..., K]; nan where the rate is zero.

    Examples:
        >>> log10_ratio(np.array([0.001, 0.1]), nominal=0.01).round(6).tolist()
        [-1.0, 1.0]
    """
    return np.asarray((_log(rates) - np.log(nominal)) / np.log(10), np.float64)


@measure(
    "inequity rate", of="both", formula="(max x / min x)^α (max y / min y)^(1-α)", range="[1, ∞)", limits=_ratio,
    weakness="unbounded; can be driven by a negligible FNMR", zero="undefined if any rate with a weight is 0", a_zero="undefined",
    all_zero="undefined", source="NIST (INEQ, IR)", given=("alpha",),
)  # fmt: skip
def inequity_rate(fmr: Rates, fnmr: Rates, alpha: float = 0.5) -> Rates:
    """Return the weighted geometric mean of max/min FMR and FNMR.

    alpha: the weight of FMR, within [0, 1].

    Examples:
        √(4 × 9):

        >>> round(inequity_rate(np.array([0.01, 0.04]), np.array([0.01, 0.09]), 0.5), 6)
        6.0
    """
    ratios = (_over(rates.max(-1), rates.min(-1)) for rates in (fmr, fnmr))
    return np.asarray(np.exp(_weighted(alpha, *(np.log(ratio) for ratio in ratios))), np.float64)


@measure(
    "fairness discrepancy rate", of="both", formula="1 - (α max|x_i - x_j| + (1-α) max|y_i - y_j|)", range="[0, 1], 1 is equal",
    limits=_unit, weakness="near 1 at any operational FMR: it calls a 50-fold difference 98 % fair", zero="defined",
    a_zero="defined", all_zero="defined", source="de Freitas Pereira & Marcel (FDR)", worse="smaller", given=("alpha",),
)  # fmt: skip
def fdr(fmr: Rates, fnmr: Rates, alpha: float = 0.5) -> Rates:
    """Return one minus the weighted largest differences.

    alpha: the weight of FMR, within [0, 1]. 1 is equal.

    Examples:
        1 - (0.5 × 0.02 + 0.5 × 0.1):

        >>> round(fdr(np.array([0.01, 0.03]), np.array([0.1, 0.2]), 0.5), 6)
        0.94
    """
    return np.asarray(1 - (alpha * np.ptp(fmr, axis=-1) + (1 - alpha) * np.ptp(fnmr, axis=-1)), np.float64)


@measure(
    "GARBE", of="both", formula="α G(x) + (1-α) G(y), G the corrected Gini", range="[0, 1]", limits=_unit,
    weakness="averages unlike harms; α is arbitrary", zero="undefined only if all rates with a weight are 0", a_zero="defined",
    all_zero="undefined", source="Howard et al. 2022", given=("alpha",),
)  # fmt: skip
def garbe(fmr: Rates, fnmr: Rates, alpha: float = 0.5) -> Rates:
    """Return the weighted mean of the two Gini coefficients.

    0 where all rates are equal. alpha: the weight of FMR, within [0, 1].

    Examples:
        One group has all false matches (1), false non-matches are equal (0):

        >>> round(garbe(np.array([0.0, 0.02]), np.array([0.1, 0.1]), 0.5), 6)
        0.5
    """
    return _weighted(alpha, *(_raw_gini(rates) * rates.shape[-1] / max(rates.shape[-1] - 1, 1) for rates in (fmr, fnmr)))


@measure(
    "equalised odds difference", of="both", formula="max(max x - min x, max y - min y)", range="[0, 1]", limits=_unit,
    weakness="swamped by FNMR, the larger rate: hides a fourfold FMR", zero="defined", a_zero="defined", all_zero="defined",
    source="fairlearn",
)  # fmt: skip
def equalised_odds_difference(fmr: Rates, fnmr: Rates) -> Rates:
    """Return the larger of the largest FMR and FNMR differences.

    Examples:
        >>> round(equalised_odds_difference(np.array([0.01, 0.03]), np.array([0.1, 0.2])), 6)
        0.1
    """
    return np.asarray(np.maximum(np.ptp(fmr, axis=-1), np.ptp(fnmr, axis=-1)), np.float64)


@measure(
    "demographic parity difference", of="both", formula="max P_g - min P_g, P_g = m_g (1 - y_g) + (1 - m_g) x_g", range="[0, 1]",
    limits=_unit, weakness="depends on the tester's share m_g of mated comparisons, which says nothing of the matcher",
    zero="defined", a_zero="defined", all_zero="defined", source="fairlearn", given=("mated_share",),
)  # fmt: skip
def demographic_parity_difference(fmr: Rates, fnmr: Rates, mated_share: Rates) -> Rates:
    """Return the highest minus the lowest share of matches.

    mated_share: float64[K], mated comparisons over all of the group's.

    Examples:
        Half of each group's comparisons are mated, so 0.5 and 0.6 of them match:

        >>> round(demographic_parity_difference(np.array([0.0, 0.2]), np.array([0.0, 0.0]), np.array([0.5, 0.5])), 6)
        0.1
    """
    return np.asarray(np.ptp(mated_share * (1 - fnmr) + (1 - mated_share) * fmr, axis=-1), np.float64)


@measure(
    "skewed error ratio", of="both", formula="max err_g / min err_g, err_g = (x_g + y_g)/2", range="[1, ∞)", limits=_ratio,
    weakness="one accuracy for two unlike errors: FNMR decides it at an operational FMR",
    zero="undefined if a group has no errors of either kind", a_zero="undefined", all_zero="undefined",
    source="papers on RFW (SER)", also="there at the best threshold of the test pairs, here at the shared one",
)  # fmt: skip
def ser(fmr: Rates, fnmr: Rates) -> Rates:
    """Return the highest over the lowest error of balanced tests.

    The test of each group has as many mated as non-mated comparisons: its error is (FMR + FNMR)/2.

    Examples:
        0.11 / 0.05:

        >>> round(ser(np.array([0.0, 0.02]), np.array([0.1, 0.2])), 6)
        2.2
    """
    error = (fmr + fnmr) / 2
    return _over(error.max(-1), error.min(-1))


@measure(
    "standard deviation of accuracies", of="both", formula="√(Σ (acc_g - mean acc)² / K), acc_g = 1 - (x_g + y_g)/2",
    range="[0, 1/2]", limits=lambda n_groups: (0.0, 0.5), weakness="one accuracy for two unlike errors; blind to which group it is",
    zero="defined", a_zero="defined", all_zero="defined", source="papers on RFW (STD; divided by K, as public code does)",
    also="there at the best threshold of the test pairs, here at the shared one",
)  # fmt: skip
def std_accuracy(fmr: Rates, fnmr: Rates) -> Rates:
    """Return the population standard deviation of balanced accuracies.

    The test of each group has as many mated as non-mated comparisons: its accuracy is 1 - (FMR + FNMR)/2.

    Examples:
        Accuracies of 0.95 and 0.89:

        >>> round(std_accuracy(np.array([0.0, 0.02]), np.array([0.1, 0.2])), 6)
        0.03
    """
    return np.asarray(((fmr + fnmr) / 2).std(-1), np.float64)


def skewed_error_ratio(accuracies: Rates) -> float | None:
    """Return the largest published error over the smallest.

    (1 - min) / (1 - max) of accuracies, which are fractions. None where a group has no errors.

    Examples:
        >>> round(skewed_error_ratio(np.array([0.9, 0.8])), 6)
        2.0
    """
    best = 1 - float(accuracies.max())
    return (1 - float(accuracies.min())) / best if best > 0 else None
