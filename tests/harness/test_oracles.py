"""Every worked example of `oracles.json` (inputs, expected values, tolerance): which function answers it, or why none does.

`ANSWERS` maps an entry to a function of its inputs that gives the expected values, in the same nesting, as far as this package
computes them; `LEFT` names what it leaves out and why. An entry in neither, or a value in neither, fails.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from faceparity.datasets.audit.group_support import floor
from faceparity.harness import results
from faceparity.harness.metrics import differential as d
from faceparity.harness.metrics import identification as ident
from faceparity.harness.metrics import rates as r
from faceparity.harness.metrics import separation as s
from faceparity.harness.metrics import watchlist as w
from faceparity.harness.scenarios.search.lineup import group_counts
from faceparity.harness.uncertainty import bootstrap, contrasts, counts, equal_rates, intervals, multiple_tests, variance
from faceparity.harness.verification.rates.estimates import mated, to_rate

ORACLES = {e["id"]: e for e in json.loads(Path(__file__).with_name("oracles.json").read_text(encoding="utf-8"))["oracles"]}
Values = dict[str, Any]
ANSWERS: dict[str, Callable[[Values], Values]] = {}
Z = intervals.quantile_z()
ENDLESS = 1e12
"""Degrees of freedom with which Student's t is the normal: these entries test the primitive."""

LEFT: dict[str, str] = {
    "A1/gt": "a tie is a match; the strict rule is shown only to tell the two apart",
    "C2": "Poisson limits are not published: the gates count effective errors instead",
    "C7": "no beta-binomial model: FNMR has the cluster variance (C6)",
    "C8": "the U-statistic form is the dyadic variance (C4) in other symbols; its components are not estimated apart",
    "D3": "no permutation test: permuting labels is the wrong null for all-pairs FMR",
    "F2": "a simulation: `python -m tests.benchmarks.coverage` runs the same model",
    "F3": "a simulation: `python -m tests.benchmarks.coverage` runs the same model",
    "G2": "a check of published totals; there are no subjects in it to count comparisons of",
    "D2/by": "Benjamini-Yekutieli is not used",
    "D2/bonferroni": "Holm is used: never worse",
    "C4/V_dyadic_clamped": "given as V_dyadic: the clamp is inside",
    "C5/double_or_nothing": "only the vertex bootstrap is used",
    "C5/subsets_bootstrap": "only the vertex bootstrap is used: the subsets bootstrap covers too little",
    **{f"C1_{case}/jeffreys": "no Jeffreys intervals are published" for case in ("0_3000", "3_3000", "30_300000", "12_1000")},
    "B6/best_group": "no function names a best group",
    "B6/worst_group": "no function names a worst group",
    "B6/published": "the paper's own rounding",
    "B9/TAR_at_FMR1e3_both": "one minus FNMR_B_own",
    **{f"C3/{f}/{k}": "the gates count 8 and 30 errors" for f in ("0.01", "0.001", "0.0001", "1e-05", "1e-06") for k in
       ("pairs_rule3", "G_rule3", "pairs_rule30", "G_if_disjoint_pairs_rule30")},
}  # fmt: skip


def answers(name: str) -> Callable[[Callable[[Values], Values]], Callable[[Values], Values]]:
    def keep(function: Callable[[Values], Values]) -> Callable[[Values], Values]:
        ANSWERS[name] = function
        return function

    return keep


def leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every number, or list of numbers, with its path."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}/{key}")
    else:
        yield path, value


def why_left(path: str) -> str | None:
    """Of the path or of what it is in."""
    parts = path.split("/")
    return next((LEFT[p] for n in range(len(parts), 0, -1) if (p := "/".join(parts[:n])) in LEFT), None)


def near(got: Any, want: Any, tolerance: float) -> bool:
    """Absolute or relative error, whichever passes; None only for None."""
    if want is None or got is None:
        return want is got
    return got == pytest.approx(want, rel=tolerance, abs=tolerance or None)


@pytest.mark.parametrize("name", [name for name in ORACLES if name not in LEFT])
def test_worked_example(name: str) -> None:
    entry = ORACLES[name]
    given = {**entry["inputs"], "all": ORACLES}
    got = dict(leaves(ANSWERS[name](given), name))
    want = dict(leaves(entry["expected"], name))
    assert set(got) <= set(want), "an answer to what was not asked"
    assert got, "nothing is compared"
    for path, value in want.items():
        if path in got:
            assert not why_left(path), f"{path} is answered after all"
            assert near(got[path], value, entry["abs_or_rel_tol"]), f"{path}: {got[path]}, not {value}"
        else:
            assert why_left(path), f"{path} is neither answered nor is it said why not"


def test_every_entry_is_answered_or_says_why() -> None:
    assert set(ORACLES) == set(ANSWERS) | {name for name in ORACLES if name in LEFT}
    assert not set(ANSWERS) & set(LEFT)
    paths = {p for name, e in ORACLES.items() for p, _ in leaves(e["expected"], name)}
    stale = [left for left in LEFT if not any(p == left or p.startswith(left + "/") for p in paths | set(ORACLES))]
    assert not stale, "a reason for what is not there"


@answers("A1")
def _(x: Values) -> Values:
    t = x["threshold"]
    return {"ge": {"fnmr": r.fnmr(np.array(x["mated"]), t), "fmr": r.fmr(np.array(x["non_mated"]), t)}}


@answers("A2")
def _(x: Values) -> Values:
    scores, mated_scores = np.array(x["non_mated"]), np.array(x["all"]["A1"]["inputs"]["mated"])
    out = {}
    for target in x["targets"]:
        found = r.threshold_at_target(scores, np.full(scores.size, 1 / scores.size), target)
        assert found is not None
        out[str(target)] = {"t": found[0], "fmr": found[1], "fnmr": r.fnmr(mated_scores, found[0])}
    return out


def test_a_target_that_no_observed_score_meets_has_no_threshold() -> None:
    """A2's other case: never a threshold above the scores, nor one of 0."""
    scores = np.array(ORACLES["A2"]["inputs"]["non_mated"])
    assert r.threshold_at_target(scores, np.full(10, 0.1), 0.05) is None
    assert r.threshold_at_target(np.array([0.7, 0.7, 0.1]), np.full(3, 1 / 3), 0.5) is None


def test_the_equal_error_rate_of_a2() -> None:
    inputs = ORACLES["A1"]["inputs"]
    found = s.eer(s.det(np.array(inputs["mated"]), np.array(inputs["non_mated"])))
    assert found == pytest.approx((0.2, 0.2, 0.2, 0.6))


@answers("A3")
def _(x: Values) -> Values:
    return r.generalised(fmr=x["FMR"], fnmr=x["FNMR"], fte=x["FTE"], fta=x["FTA"])


@answers("A4")
def _(x: Values) -> Values:
    mated_made = x["n_mated_pairs"] - x["pairs_with_any_FTX"]
    made = x["n_nonmated_pairs"] - x["nonmated_pairs_with_any_FTX"]
    fnmr = r.false_non_matches_with_failures(x["false_non_matches_among_rest"], mated_made, x["pairs_with_any_FTX"])
    fmr = r.false_matches_with_failures(x["false_matches"], made, x["nonmated_pairs_with_any_FTX"])
    return {"FNMR_excl": fnmr.excluding, "FNMR_incl": fnmr.including, "FMR_excl": fmr.excluding, "FMR_incl": fmr.including}


@answers("A5")
def _(x: Values) -> Values:
    return dict(zip(map(str, x["p"]), s.probit(np.array(x["p"])).tolist(), strict=True))


@answers("A6")
def _(x: Values) -> Values:
    """The first entry of the gallery is the mate of the mated searches, and is not compared in the others."""
    strangers = [[np.nan, *row] for row in x["non_mated_searches"]]
    mated = [[m["mate"], *m["others"], np.nan] for m in x["mated_searches"]]
    score, gallery = np.array(strangers), np.arange(4)
    others = ident.search(score[:, 1:], np.full(4, 9), gallery[1:])
    mates = ident.search(np.array(mated), np.zeros(4, int), gallery)
    found = ident.candidates(score, np.full(4, 9), gallery, [x["T"]])[:, 0]
    return {
        "FPIR": ident.fpir(others, x["T"]).excluding,
        "selectivity": ident.selectivity(others, found).excluding,
        "FNIR_R1_T": ident.fnir(mates, x["T"], x["R"]).excluding,
        "FNIR_Rinf_T": ident.fnir(mates, x["T"]).excluding,
        "rank1_miss": ident.fnir(mates, rank=1).excluding,
    }


@answers("B1")
def _(x: Values) -> Values:
    fmr, fnmr = np.array(x["FMR"]), np.array(x["FNMR"])
    single = {
        "A": d.max_difference(fmr), "B": d.max_difference(fnmr), "fmr_max_min": d.max_min(fmr), "fnmr_max_min": d.max_min(fnmr),
        "fmr_arith_mean": fmr.max() / d.max_arithmetic_mean(fmr), "fmr_geo_mean": fmr.max() / d.max_geometric_mean(fmr),
        "fmr_max_over_arith": d.max_arithmetic_mean(fmr), "fmr_max_over_geo": d.max_geometric_mean(fmr),
        "fnmr_max_over_geo": d.max_geometric_mean(fnmr), "gini_fmr": d.gini_raw(fmr), "gini_fmr_corrected": d.gini(fmr),
        "gini_fnmr": d.gini_raw(fnmr), "gini_fnmr_corrected": d.gini(fnmr), "std_pop_fmr": d.std(fmr),
        "std_sample_fmr": d.std_sample(fmr),
    }  # fmt: skip
    out = {}
    for a in x["alpha"]:
        raw = a * d.gini_raw(fmr) + (1 - a) * d.gini_raw(fnmr)
        both = {"FDR": d.fdr(fmr, fnmr, a), "IR": d.inequity_rate(fmr, fnmr, a), "GARBE": d.garbe(fmr, fnmr, a)}
        out[str(a)] = {**single, **both, "GARBE_uncorrected": raw}
    return out


@answers("B2")
def _(x: Values) -> Values:
    fmr, fnmr = np.array(x["FMR"]), np.array(x["FNMR"])
    return {
        "fmr_max_min": d.max_min(fmr), "IR": d.inequity_rate(fmr, fnmr, x["alpha"]), "A": d.max_difference(fmr),
        "fmr_max_over_geo": d.max_geometric_mean(fmr), "gini_fmr": d.gini_raw(fmr), "gini_fmr_corrected": d.gini(fmr),
        "all_zero_gini": d.gini(np.zeros(4)),
    }  # fmt: skip


LEFT["B2/fmr_geo_mean"] = "the mean itself is not published; with a zero in it max/geometric mean is undefined"


@answers("B3")
def _(x: Values) -> Values:
    return {"gini": d.gini_raw(np.array(x["x"])), "gini_corrected": d.gini(np.array(x["x"]))}


@answers("B4")
def _(x: Values) -> Values:
    fnmr, out = np.array(x["FNMR"]), {}
    for k in "12":
        fmr = np.array(x[f"FMR_sys{k}"])
        out[f"FDR_sys{k}"], out[f"IR_sys{k}"] = d.fdr(fmr, fnmr, x["alpha"]), d.inequity_rate(fmr, fnmr, x["alpha"])
        out[f"gini_c_sys{k}"] = d.gini(fmr)
    return out


@answers("B5")
def _(x: Values) -> Values:
    percent = np.array(list(x["accuracy_percent"].values()))
    errors = 1 - percent / 100  # std_accuracy takes FMR and FNMR, of which the error is the mean
    assert d.std_accuracy(errors, errors) == pytest.approx(d.std(errors))
    return {
        "std_population": 100 * d.std(percent / 100), "std_sample": 100 * d.std_sample(percent / 100),
        "SER": d.skewed_error_ratio(percent / 100),
    }  # fmt: skip


LEFT["B5/mean"] = "a mean"


@answers("B6")
def _(x: Values) -> Values:
    rows = {name: np.array(row) / 100 for name, row in x["rows_Cauc_Ind_Asian_Afr"].items()}
    assert d.ser(1 - rows["Amazon"], 1 - rows["Amazon"]) == pytest.approx(d.skewed_error_ratio(rows["Amazon"]))
    return {"SER": {name: d.skewed_error_ratio(row) for name, row in rows.items()}}


LEFT["B6/mean_unrounded"] = "a mean"


@answers("B7")
def _(x: Values) -> Values:
    groups = [x["A"], x["B"]]
    fmr, fnmr = (np.array([g[e] / g[n] for g in groups]) for e, n in (("FP", "N"), ("TP", "P")))
    fnmr = 1 - fnmr
    share = np.array([g["P"] / (g["P"] + g["N"]) for g in groups])
    ratio = d.ratio_to_reference.over(fmr, reference=0)[1]
    return {
        "DPD": d.demographic_parity_difference(fmr, fnmr, share), "EOD": d.equalised_odds_difference(fmr, fnmr),
        "FPR_ratio": ratio,
    }  # fmt: skip


LEFT["B7/selection_rate"] = "inside DPD"


@answers("B8")
def _(x: Values) -> Values:
    fmr, nominal = np.array(x["group_FMR"]), x["target_FMR"]
    logs = d.log10_ratio(fmr, nominal)
    assert d.mean_abs_log10(fmr, nominal) == pytest.approx(np.abs(logs).mean())
    return {
        "MAPE_percent": d.mape(fmr, nominal), "signed_percent": d.signed_percent(fmr, nominal).tolist(), "log10_ratio": logs.tolist(),
    }  # fmt: skip


@answers("B9")
def _(x: Values) -> Values:
    """Through the histogram of each group, with the thresholds as bin edges, as an evaluation makes it."""
    f, shift = x["FMR_target"], x["B"][0]
    pooled = ORACLES["B9"]["expected"]["t_pooled"]
    thresholds = {"": -float(s.probit(np.array(f))), "own": -float(s.probit(np.array(f))) + shift, "pooled": pooled}
    edges = np.array([-40.0, *sorted(thresholds.values()), 40.0])
    at = {name: int(np.searchsorted(edges, t)) for name, t in thresholds.items()}
    curve = {}
    for group in "AB":
        mass = [np.round(1e15 * np.diff(stats.norm.cdf(edges, mean))).astype(np.int64) for mean in reversed(x[group])]
        curve[group] = s.det_of_histogram(edges, *mass)
        assert s.d_prime(x[group][1], 1, x[group][0], 1) == 4, "by d' the groups look alike"
    a, b, t = curve["A"], curve["B"], at[""]
    return {
        "t_global": thresholds[""], "FMR_A": a.fmr[t], "FMR_B": b.fmr[t], "FNMR_A": a.fnmr[t], "FNMR_B": b.fnmr[t],
        "FMR_ratio": d.max_min(np.array([a.fmr[t], b.fmr[t]])), "t_own_B": thresholds["own"], "FMR_B_own": b.fmr[at["own"]],
        "FNMR_B_own": b.fnmr[at["own"]], "t_pooled": pooled, "FMR_A_pooled": a.fmr[at["pooled"]], "FMR_B_pooled": b.fmr[at["pooled"]],
    }  # fmt: skip


def _independent(x: Values) -> Values:
    k, n = x["k"], x["n"]
    out: Values = {"wilson": intervals.wilson(k / n, n, Z), "clopper_pearson": intervals.clopper_pearson(k, n)}
    if not k:
        out |= {"one_sided_95_upper_exact": intervals.clopper_pearson(k, n, 0.9)[1]}
        out |= {"rule_of_3": intervals.zero_error_bounds(n, 10**6)[0]}
    return out


ANSWERS |= {name: _independent for name in ORACLES if name.startswith("C1_")}


@answers("C3")
def _(x: Values) -> Values:
    """The smallest group that can reach 30 errors at that FMR."""
    out = {}
    for fmr in x["FMR"]:
        people = next(n for n in range(30, 10_000) if (least := floor("g", n).higher) is not None and least <= fmr)
        out[str(fmr)] = {"G_rule30": people}
    return out


@answers("C4")
def _(x: Values) -> Values:
    y, m = np.array(x["Y"], float), float(x["M_offdiag"])
    g, errors = len(y), y.sum() / 2
    comparisons, rows, each = m * g * (g - 1) / 2, y.sum(1), np.full(len(y), m * (len(y) - 1))
    p = errors / comparisons
    sums = float((np.triu(y) ** 2).sum()), m * errors, m * comparisons
    dyadic = variance.dyadic_variance(rows, each, *sums)
    parts = variance.dyadic_parts(rows, each, *sums)
    loo = variance.without_each_subject(errors, comparisons, rows, each)
    jack, naive = variance.jackknife_variance(loo), variance.binomial_variance(errors, comparisons)
    wilson = intervals.wilson(p, intervals.effective_n(p, dyadic), Z)
    return {
        "p": p, "pairs": comparisons, "errors": errors, "S": parts[0] * comparisons**2, "C": parts[1] * comparisons**2,
        "V_dyadic": dyadic, "V_naive": naive, "V_jackknife": jack, "loo": loo.tolist(), "DEFF_dyadic": dyadic / naive,
        "DEFF_jack": jack / naive, "wilson_naive": intervals.wilson(p, comparisons, Z), "wilson_dyadic": wilson,
        "wilson_jack_t4": intervals.wilson_from_variance(p, jack, g - 1), "n_eff_jack": intervals.effective_n(p, jack),
        "cimat_0.1.2_var_fpr": dyadic, "cimat_0.1.2_wilson_fpr": wilson,
    }  # fmt: skip


LEFT["C4/row_sums"] = "inside the dyadic variance"


@answers("C5")
def _(x: Values) -> Values:
    """A replicate that happens to draw these subjects, with every error above the threshold."""
    c4 = x["all"]["C4"]["inputs"]
    y, images = np.array(c4["Y"]), round(c4["M_offdiag"] ** 0.5)
    wanted = np.bincount(x["vertex_index_draw"], minlength=5)
    strata = np.zeros(5, np.int32)
    k = next(k for k in range(5000) if np.array_equal(bootstrap.draw_weights(strata, 0, k), wanted))
    a, b = (np.repeat(i, y[np.triu_indices(5, 1)]).astype(np.int32) for i in np.triu_indices(5, 1))
    zeros, none = np.zeros(a.size, np.int32), np.empty(0, np.int32)
    errors = bootstrap.SortedErrors(a, b, np.ones(a.size, np.float32), zeros, zeros)
    everyone = bootstrap.ColumnComparisons(
        1, np.arange(5, dtype=np.int32), strata, np.full(5, images, np.int32), none, none, none, none
    )
    mated_scores = bootstrap.MatedScores(none, np.empty(0, np.float32), none)
    out = bootstrap.bootstrap_at_target(
        errors, mated_scores, strata, everyone, np.ones(1), everyone, 1.0, replicates=k + 1, seed=0
    )
    return {"vertex": float(out.errors[k, 0] / out.comparisons[k, 0])}


@answers("C6")
def _(x: Values) -> Values:
    errors, trials = np.array(x["errors"], float), np.array(x["mated_pairs"], float)
    n, p = errors.size, float(errors.sum() / trials.sum())
    robust, naive = (
        variance.cluster_variance(errors, trials) * (n - 1) / n,
        variance.binomial_variance(errors.sum(), trials.sum()),
    )
    made = mated(np.arange(n, dtype=np.int32), errors, trials, None)
    return {
        "p": made.rate, "V_cluster": robust, "V_naive": naive, "DEFF": robust / naive, "mean_of_subject_rates": made.subject_weighted,
        "wilson_naive": intervals.wilson(p, float(trials.sum()), Z), "n_eff": intervals.effective_n(p, robust),
        "wilson_cluster": intervals.wilson(p, intervals.effective_n(p, robust), Z),
    }  # fmt: skip


@answers("C9")
def _(x: Values) -> Values:
    """Backwards: with that many effective errors, the ratio that is detectable is the one named."""
    out = {}
    for ratio in x["rho"]:
        errors = ORACLES["C9"]["expected"][str(ratio)]
        assert contrasts.detectable_ratio(1e-3, errors / 1e-3, errors / 1e-3) == pytest.approx(ratio, rel=1e-6)
        out[str(ratio)] = errors
    return out


@answers("D1")
def _(x: Values) -> Values:
    found = contrasts.log_ratio(x["p_a"], x["V_a"], ENDLESS, x["p_b"], x["V_b"], ENDLESS)
    se = float(np.log(found.interval[1] / found.interval[0]) / (2 * Z))
    z = float(np.log(found.ratio)) / se
    return {"ratio": found.ratio, "ci95": found.interval, "p_two_sided": found.p, "se_log": se, "z": z}


@answers("D2")
def _(x: Values) -> Values:
    holm, bh = multiple_tests.holm(x["p"]), multiple_tests.benjamini_hochberg(x["p"])
    return {"holm": holm, "bh": bh, "reject_holm_05": sum(p < 0.05 for p in holm), "reject_bh_05": sum(p <= 0.05 for p in bh)}


@answers("E1")
def _(x: Values) -> Values:
    fmr = w.fmr_of_fpir(x["FPIR"], x["N"])
    smaller = w.fpir_of_fmr(fmr, 1000)
    return {"implied_FMR": fmr, "FPIR_at_1000": smaller, "one_in": 1 / smaller}


@answers("E2")
def _(x: Values) -> Values:
    def at(fmr: float, n: int) -> Values:
        fpir = w.fpir_of_fmr(fmr, n)
        (alerts,) = w.expected_alerts([fpir], [1.0], 1000)
        return {"FPIR": fpir, "per_1000": alerts, "linear_NxFMR": n * fmr}

    return {repr(fmr): {str(n): at(fmr, n) for n in x["N"]} for fmr in x["FMR"]}


@answers("E3")
def _(x: Values) -> Values:
    fmr, listed = x["FMR_passer_by_group_x_watchlist_group"], x["watchlist"]
    fpir = {g: w.predicted_fpir([of[h] for h in listed], list(listed.values())) for g, of in fmr.items()}
    shares = [x["crowd_share"][g] for g in fpir]
    alerts = w.expected_alerts(list(fpir.values()), shares, x["crowd"])
    return {
        "FPIR": fpir, "ratio_B_over_A": fpir["B"] / fpir["A"], "crowd_FPIR": alerts.sum() / x["crowd"],
        "expected_false_alerts": alerts.sum(), "share_of_false_alerts_B": alerts[1] / alerts.sum(),
    }  # fmt: skip


@answers("E4")
def _(x: Values) -> Values:
    there = x["watchlisted_present"] / x["crowd"]
    (right,) = w.expected_alerts([x["TPIR"]], [there], x["crowd"])
    (wrong,) = w.expected_alerts([x["FPIR"]], [1 - there], x["crowd"])
    return {"true_alerts": right, "false_alerts": wrong, "precision": w.precision(right, wrong)}


@answers("E6")
def _(x: Values) -> Values:
    wrong = x["matches"] - x["correct"]
    right = w.precision(x["correct"], wrong)
    return {
        "precision": right, "false_share": None if right is None else 1 - right,
        "cp95_false_share": intervals.clopper_pearson(wrong, x["matches"]),
    }  # fmt: skip


@answers("E5")
def _(x: Values) -> Values:
    exact = intervals.clopper_pearson
    right = w.precision(x["alerts"] - x["false_alerts"], x["false_alerts"])
    per_face = x["false_alerts"] / x["faces"]
    few = (x["false_alerts_black"], x["false_alerts"])
    return {
        "false_alert_rate_per_face": per_face, "percent": 100 * per_face,
        "false_share_of_alerts": None if right is None else 1 - right,
        "binom_p_ge8_if_share": {str(share): w.chance_of_at_least(*few, share) for share in (0.135, 0.3, 0.4, 0.5)},
        "share_at_which_one_sided_p_is_05": exact(*few, level=0.9)[0],
        "cp95_per_face": exact(x["false_alerts"], x["faces"]), "cp95_false_share": exact(x["false_alerts"], x["alerts"]),
        "cp95_black_share": exact(x["false_alerts_black"], x["false_alerts"]),
    }  # fmt: skip


@answers("E7")
def _(x: Values) -> Values:
    """The record of a line-up with the published counts, and its p of flags drawn with replacement."""
    people, own, flagged, hits = x["N"], x["poc"], x["flagged"], x["flagged_poc"]
    wrong = np.concatenate(
        [np.ones(hits), np.zeros(own - hits), np.ones(flagged - hits), np.zeros(people - own - flagged + hits)]
    )
    first = np.arange(people) < own
    overall, ours, theirs = (lineup_rate(wrong, keep) for keep in (np.ones(people, bool), first, ~first))
    found = group_counts("people of colour", ours, own, hits, people, flagged)
    assert overall.rate is not None
    return {
        "share": found.share_of_flagged, "false_alert_rate_poc": ours.rate,
        "false_alert_rate_other": theirs.rate, "risk_ratio": found.ratio_to_others, "rr_ci95_katz": found.interval_independent,
        "binom_sf": w.chance_of_at_least(hits, flagged, own / people), "hypergeom_one_sided": found.p_hypergeometric,
        "fisher_two_sided": found.p_fisher, "implied_FMR_per_comparison_N25000": w.fmr_of_fpir(overall.rate, 25_000),
    }  # fmt: skip


def lineup_rate(wrong: np.ndarray, keep: np.ndarray) -> results.Rate:
    """The rate of some people of a line-up, each searched once."""
    who = np.flatnonzero(keep).astype(np.int32)
    return to_rate(mated(who, wrong[keep], np.ones(who.size), who.size), "", "all")


@answers("E8")
def _(x: Values) -> Values:
    of_white = d.ratio_to_reference.over(np.array([x["white"], x["asian"], x["black"]]), 0)
    of_men = d.ratio_to_reference.over(np.array([x["black_male"], x["black_female"]]), 0)
    weight = counts.weight_in_mean(x["black"], x["black_female"], x["black_male"])
    return {
        "black_over_white": of_white[2], "asian_over_white": of_white[1], "bf_over_bm": of_men[1],
        "implied_black_female_weight": weight,
    }  # fmt: skip


@answers("E9")
def _(x: Values) -> Values:
    exact = intervals.clopper_pearson(x["k"], x["n"])
    return {"p_one_sided": w.chance_of_at_least(x["k"], x["n"], x["minority_share"]), "cp95_lower_share": exact[0]}


@answers("F1")
def _(x: Values) -> Values:
    """Equal rates of independent comparisons, so many that errors are Poisson. Quantiles of whole numbers jump: any within the
    sampling error of the 95th will do."""
    out, comparisons = {}, 1e9
    for k in x["K"]:
        for errors in x["expected_errors_per_group"]:
            draws = equal_rates.equal_rates(
                np.full(k, errors / comparisons), *[np.full(k, comparisons)] * 2, seed=11, replicates=50_000
            )
            row, want = {}, ORACLES["F1"]["expected"][f"K={k},errors={errors}"]
            for name, measure in (("maxmin", d.max_min), ("max_geo", d.max_geometric_mean), ("gini_c", d.gini)):
                values = measure.over(draws)
                low, high = np.nanquantile(values, [0.948, 0.952])
                row |= {f"E_{name}": np.nanmean(values), f"p95_{name}": float(np.clip(want[f"p95_{name}"], low, high))}
            out[f"K={k},errors={errors}"] = row
    return out


@answers("G1")
def _(x: Values) -> Values:
    fnmr = 1 - np.array(list(x.values())[:4]) / 100
    ratio = d.ratio_to_reference.over(fnmr, reference=list(x).index("Caucasian"))[0]
    return {"fnmr_max_min": d.max_min(fnmr), "fnmr_african_over_caucasian": ratio}


LEFT["G1/FNMR_percent"] = "one minus what is given"


@answers("G3")
def _(x: Values) -> Values:
    out = {}
    for name in ORACLES["G3"]["expected"]:
        correct = round(x[name] * 6000)
        out[name] = {"correct": correct, "wilson95": intervals.wilson(correct / 6000, 6000, Z)}
    return out
