"""A made-up but self-consistent evaluation: scores are drawn, and every number of the record is computed from them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import Any

import numpy as np

from faceparity.harness.results import (
    AtAlpha,
    Bounds,
    Comparisons,
    Contrast,
    Covariate,
    Curve,
    DatasetInfo,
    Differential,
    Evaluation,
    ExtractionByAttributes,
    ExtractionCounts,
    Group,
    Grouping,
    Index,
    LabelInfo,
    LeftOut,
    ModelInfo,
    OperatingPoint,
    Overall,
    Pool,
    PoolGroup,
    Provenance,
    Quartiles,
    Rate,
    SamePerson,
    ScoreInfo,
)

CROSS = " × "
EDGES = np.round(np.linspace(-1.0, 1.0, 401), 6)
SAME = 0.8


@dataclass(frozen=True)
class Setup:
    """What to make. Sizes are subjects by (gender, ethnicity); means and failures are by the same keys."""

    genders: tuple[str, ...] = ("Female", "Male")
    ethnicities: tuple[str, ...] = ("Black", "East Asian", "South Asian", "White")
    sizes: tuple[int, ...] = (140, 120, 40, 160, 130, 12, 60, 150)
    means: tuple[float, ...] = (0.16, 0.12, 0.02, 0.05, 0.08, 0.05, -0.25, 0.0)
    failed: tuple[int, ...] = (9, 1, 0, 0, 12, 0, 0, 3)
    mated: bool = True
    repeats: int = 0
    """Hidden repeats: non-mated comparisons within each group that score like one person's."""
    partial: bool = False
    distance: bool = False
    synthetic: bool = False
    dataset: str = "set_a"
    model: str = "model_a"
    warnings: tuple[str, ...] = ("17 images had no face and count as failures",)
    targets: tuple[float, ...] = (1e-2, 1e-3, 1e-7)
    supplied: bool = True
    seed: int = 1
    labels: dict[str, str] = field(default_factory=lambda: {"gender": "self-reported", "ethnicity": "perceived by annotators"})

    @property
    def shift(self) -> float:
        """Similarity of a distance model is the negated distance: 1 below the other's."""
        return -1.0 if self.distance else 0.0


@dataclass
class Scores:
    """Scores by unordered pair of finest groups, and mated scores by group."""

    names: list[tuple[str, str]]
    sizes: dict[tuple[str, str], int]
    non_mated: dict[tuple[int, int], np.ndarray]
    mated: dict[int, np.ndarray]


def draw(s: Setup) -> Scores:
    rng = np.random.default_rng(s.seed)
    names = [(g, e) for g in s.genders for e in s.ethnicities]
    non_mated: dict[tuple[int, int], np.ndarray] = {}
    for i in range(len(names)):
        for j in range(i, len(names)):
            n = s.sizes[i] * (s.sizes[i] - 1) // 2 if i == j else s.sizes[i] * s.sizes[j]
            mean = s.means[i] if i == j else min(s.means[i], s.means[j]) - 0.1
            x = rng.normal(mean, 0.1, n)
            if i == j and s.repeats:
                x[: s.repeats] = rng.uniform(SAME, 0.95, s.repeats)
            non_mated[i, j] = np.clip(x, -0.999, 0.999) + s.shift
    mated = {i: np.clip(rng.normal(0.55, 0.12, n), -0.999, 0.999) + s.shift for i, n in enumerate(s.sizes)} if s.mated else {}
    return Scores(names, dict(zip(names, s.sizes, strict=True)), non_mated, mated)


def rate(group: str, people: int, n: int, k: int, design: str = "within", ftx: float = 0.02, **more: Any) -> Rate:
    """The record's statuses by the gates: 30 subjects, 50 for an interval, 10 errors, none."""
    base: dict[str, Any] = {"group": group, "design": design, "subjects": people, "comparisons": n, **more}
    if people < 30:
        return Rate(**base, errors=None, rate=None, status="suppressed", reason="too_few_subjects")
    if n == 0:
        return Rate(**base, errors=None, rate=None, status="suppressed", reason="zero_comparisons")
    p, deff = k / n, 1.8
    base |= {"errors": k, "rate": p, "rate_including_failures": p * (1 - ftx), "subject_weighted_rate": p * 1.01}
    if k == 0:
        bounds = Bounds(independent=min(1.0, 3.69 / n), worst_case=min(1.0, 3 / (people // 2)))
        bound = {"interval": (0.0, min(1.0, 3.69 * deff / n)), "design_effect": deff, "bounds": bounds}
        return Rate(**base, **bound, status="bound", reason="zero_errors")
    z, m = 2.0, n / deff
    mid, half = (p + z * z / (2 * m)) / (1 + z * z / m), z / (1 + z * z / m) * math.sqrt(p * (1 - p) / m + z * z / (4 * m * m))
    base |= {"effective_errors": k / deff, "df": people - 1.0, "method": "wilson_neff", "conditional_on_threshold": True}
    if k < 10:
        return Rate(**base, interval=(0.0, mid + half), status="bound", reason="too_few_errors")
    if people < 50:
        return Rate(**base, status="ok", reason="too_few_subjects_for_interval")
    return Rate(**base, interval=(max(0.0, mid - half), mid + half), status="ok")


def contrast(r: Rate, ref: Rate, measure: str) -> Contrast:
    base: dict[str, Any] = {"measure": measure, "design": r.design, "group": r.group, "reference": ref.group}
    if ref.errors is None or r.errors is None:
        return Contrast(**base, ratio=None, verdict="none", reason=ref.reason if ref.errors is None else r.reason)
    if not ref.errors or not r.errors:
        lacking = (
            "zero_errors" if not ref.errors and not r.errors else "group_zero_errors" if ref.errors else "reference_zero_errors"
        )
        return Contrast(**base, ratio=None, verdict="inconclusive", reason=lacking)
    assert r.rate
    assert ref.rate
    assert r.effective_errors
    assert ref.effective_errors
    q, se = r.rate / ref.rate, math.sqrt(1 / r.effective_errors + 1 / ref.effective_errors)
    interval = (q * math.exp(-2 * se), q * math.exp(2 * se))
    p = math.erfc(abs(math.log(q)) / se / math.sqrt(2))
    hi, lo = max(r.effective_errors, ref.effective_errors), min(r.effective_errors, ref.effective_errors)
    called = hi >= 30 and lo >= 8 and min(1.0, 7 * p) < 0.05
    verdict = ("higher" if q > 1 else "lower") if called else "inconclusive"
    wide = (q * math.exp(-2.3 * se), q * math.exp(2.3 * se))
    detectable = None if called else math.exp(2.8 * se)
    return Contrast(
        **base,
        ratio=q,
        interval=interval,
        interval_reestimated=wide,
        df=80.0,
        p=p,
        p_holm=min(1.0, 7 * p),
        verdict=verdict,
        detectable_ratio=detectable,
    )


def index(value: float | None, null: float, p: float | None) -> Index:
    if value is None:
        return Index(value=None, status="undefined", reason="some_zero_errors")
    return Index(value=value, null_median=null, null_p95=null * 1.3, null_p=p, status="ok")


def differential(rates: list[Rate], mated: bool) -> Differential:
    shown = [r.rate for r in rates if r.rate]
    full = len(shown) == len([r for r in rates if r.status != "suppressed"]) and len(shown) > 1
    worst = max(shown) / min(shown) if full else None
    geo = max(shown) / float(np.exp(np.mean(np.log(shown)))) if full else None
    gini = float(sum(abs(a - b) for a in shown for b in shown) / (2 * len(shown) ** 2 * np.mean(shown))) if shown else None
    fmr = {"max_min": index(worst, 1.6, 0.001), "max_geometric_mean": index(geo, 1.3, 0.2), "gini": index(gini, 0.1, 0.0005)}
    if not mated:
        return Differential(fmr=fmr)
    weighted = {"garbe": index(0.3, 0.2, 0.04), "fdr": index(0.99, 0.995, 0.3), "inequity_rate": index(worst, 1.5, 0.01)}
    combined = weighted | {"std_accuracy": index(0.02, 0.01, 0.2)}
    other = AtAlpha(alpha=0.75, combined=weighted)
    return Differential(fmr=fmr, fnmr={"gini": index(0.2, 0.19, 0.5)}, combined=combined, combined_at=[other], nominal=1e-3)


def pool_of(s: Setup, scores: Scores) -> Pool:
    inside = [i for i, name in enumerate(scores.names) if s.sizes[i] >= 30 and not (s.partial and name[1] == "White")]
    groups = [
        PoolGroup(
            group=CROSS.join(scores.names[i]),
            weight=1 / len(inside),
            subjects=s.sizes[i],
            comparisons=len(scores.non_mated[i, i]),
        )
        for i in inside
    ]
    out = [
        LeftOut(group=CROSS.join(n), subjects=s.sizes[i], reason="too_few_subjects")
        for i, n in enumerate(scores.names)
        if i not in inside
    ]
    missing = ["ethnicity: White"] if s.partial else []
    total = sum(g.comparisons for g in groups)
    return Pool(
        name="balanced",
        attributes=["gender", "ethnicity"],
        groups=groups,
        left_out=out,
        partial=s.partial,
        missing_values=missing,
        comparisons=total,
    )


def pool_fmr(pool: Pool, scores: Scores, t: float) -> float:
    names = [CROSS.join(n) for n in scores.names]
    by = {g.group: scores.non_mated[i, i] for g in pool.groups for i in [names.index(g.group)]}
    return float(sum(g.weight * np.mean(by[g.group] >= t) for g in pool.groups))


def threshold_for(pool: Pool, scores: Scores, target: float) -> float:
    names = [CROSS.join(n) for n in scores.names]
    x = np.sort(np.concatenate([scores.non_mated[names.index(g.group), names.index(g.group)] for g in pool.groups]))
    low, high = 0, len(x) - 1
    while low < high:
        mid = (low + high) // 2
        low, high = (low, mid) if pool_fmr(pool, scores, float(x[mid])) <= target else (mid + 1, high)
    return float(x[low])


def members(scores: Scores, attributes: list[str]) -> dict[str, list[int]]:
    """Finest groups by group of this grouping."""
    out: dict[str, list[int]] = {}
    for i, (g, e) in enumerate(scores.names):
        name = {"gender": g, "ethnicity": e}[attributes[0]] if len(attributes) == 1 else CROSS.join((g, e))
        out.setdefault(name, []).append(i)
    return out


def rates_at(s: Setup, scores: Scores, attributes: list[str], t: float) -> tuple[list[Rate], list[Rate], list[Rate]]:
    groups = members(scores, attributes)
    people = {g: sum(s.sizes[i] for i in cells) for g, cells in groups.items()}
    fmr: list[Rate] = []
    for g, cells in groups.items():
        if len(attributes) == 1:
            if all(s.sizes[i] >= 30 for i in cells):
                n, k = (sum(f(scores.non_mated[i, i]) for i in cells) for f in (len, lambda x: int((x >= t).sum())))
                matched = rate(g, people[g], n, k, "matched")
                mean = float(np.mean([np.mean(scores.non_mated[i, i] >= t) for i in cells]))
                if matched.interval and matched.rate and matched.status == "ok":
                    span = (matched.interval[0] / matched.rate * mean, matched.interval[1] / matched.rate * mean)
                    matched = matched.model_copy(
                        update={"rate": mean, "interval": span, "mean_over": "cells", "parts": len(cells)}
                    )
                fmr.append(matched)
            else:
                fmr.append(
                    Rate(
                        group=g,
                        design="matched",
                        subjects=people[g],
                        comparisons=0,
                        errors=None,
                        rate=None,
                        status="suppressed",
                        reason="cells_too_small",
                    )
                )
        pairs = [scores.non_mated[i, j] for i in cells for j in cells if i <= j]
        n, k = sum(len(x) for x in pairs), sum(int((x >= t).sum()) for x in pairs)
        fmr.append(rate(g, people[g], n, k, "within" if len(attributes) > 1 else "as_sampled"))
    fnmr = (
        [
            rate(g, people[g], sum(len(scores.mated[i]) for i in cells), sum(int((scores.mated[i] < t).sum()) for i in cells))
            for g, cells in groups.items()
        ]
        if s.mated
        else []
    )
    matrix = []
    for a, b in [*[(g, g) for g in groups], *combinations(groups, 2)]:
        pairs = [scores.non_mated[min(i, j), max(i, j)] for i in groups[a] for j in groups[b] if a != b or i <= j]
        n, k = sum(len(x) for x in pairs), sum(int((x >= t).sum()) for x in pairs)
        small = min(people[a], people[b])
        matrix.append(
            rate(a, small, n, k, "within" if a == b else "cross").model_copy(
                update={"group_b": b, "subjects": people[a], "subjects_b": people[b]}
            )
        )
    return fmr, fnmr, matrix


def point(s: Setup, scores: Scores, attributes: list[str], pool: Pool, origin: str, target: float | None) -> OperatingPoint:
    sign = -1 if s.distance else 1
    base: dict[str, Any] = {"origin": origin, "target_fmr": target, "pool": pool}
    if target is not None and pool.comparisons * target < 10:
        return OperatingPoint(
            **base,
            threshold=None,
            native_threshold=None,
            achieved_fmr=None,
            status="refused",
            reason="too_few_comparisons_for_target",
            needs_comparisons=int(10 / target),
        )
    t = threshold_for(pool, scores, target) if target is not None else 0.4 + s.shift
    fmr, fnmr, matrix = rates_at(s, scores, attributes, t)
    groups = members(scores, attributes)
    people = {g: sum(s.sizes[i] for i in cells) for g, cells in groups.items()}
    ref = max(sorted(people), key=lambda g: people[g])
    design = "within" if len(attributes) > 1 else "matched"
    of = [r for r in fmr if r.design == design]
    contrasts = [contrast(r, next(x for x in of if x.group == ref), "fmr") for r in of if r.group != ref]
    contrasts += [contrast(r, next(x for x in fnmr if x.group == ref), "fnmr") for r in fnmr if r.group != ref]
    everyone = list(scores.non_mated.values())
    total, errors = sum(len(x) for x in everyone), sum(int((x >= t).sum()) for x in everyone)
    overall = Overall(
        fmr=rate(
            "pool", sum(g.subjects for g in pool.groups), pool.comparisons, int(pool_fmr(pool, scores, t) * pool.comparisons)
        ),
        fnmr=None,
        fmr_all_pairs=rate("all", sum(s.sizes), total, errors, "all"),
    )
    return OperatingPoint(
        **base,
        threshold=t,
        native_threshold=sign * t,
        achieved_fmr=pool_fmr(pool, scores, t),
        status="ok",
        overall=overall,
        fmr=fmr,
        fnmr=fnmr,
        fmr_matrix=matrix,
        differential=differential(of, s.mated),
        contrasts=contrasts,
    )


def with_same_person(s: Setup, scores: Scores, attributes: list[str], pool: Pool, p: OperatingPoint) -> OperatingPoint:
    """Marks a contaminated point and adds its second reading, from scores without the hidden repeats."""
    if p.threshold is None or not s.repeats:
        return p
    groups = members(scores, attributes)
    by = {g: sum(int((scores.non_mated[i, i] >= SAME + s.shift).sum()) for i in cells) for g, cells in groups.items()}
    hits = sum(int((scores.non_mated[i, i] >= SAME + s.shift).sum()) for i in range(len(scores.names)) if s.sizes[i] >= 30)
    errors = sum(int((scores.non_mated[i, i] >= p.threshold).sum()) for i in range(len(scores.names)) if s.sizes[i] >= 30)
    share = min(1.0, hits / errors)
    same = SamePerson(
        threshold=SAME + s.shift,
        native_threshold=abs(SAME + s.shift),
        share_of_pool_errors=share,
        by_group=by,
        contaminated=share > 0.05,
        refused=share > 0.5,
    )
    if share > 0.5 and p.origin == "target":
        return OperatingPoint(
            origin=p.origin,
            target_fmr=p.target_fmr,
            threshold=None,
            native_threshold=None,
            achieved_fmr=None,
            status="refused",
            reason="mostly_same_person",
            pool=pool,
            same_person=same,
        )
    if share <= 0.05:
        return p.model_copy(update={"same_person": same})
    less = replace(s, repeats=0)
    kept = Scores(scores.names, scores.sizes, {k: v[v < SAME + s.shift] for k, v in scores.non_mated.items()}, scores.mated)
    second = point(less, kept, attributes, pool, p.origin, p.target_fmr)
    update = {"status": "contaminated", "reason": "contaminated", "same_person": same, "without_likely_same_person": second}
    return p.model_copy(update=update)


def curves_of(s: Setup, scores: Scores, attributes: list[str]) -> list[Curve]:
    out, edges = [], EDGES + s.shift
    for g, cells in members(scores, attributes).items():
        non = np.concatenate([scores.non_mated[i, i] for i in cells])
        mated = np.concatenate([scores.mated.get(i, np.empty(0)) for i in cells])
        out.append(
            Curve(
                group=g,
                edges=edges.tolist(),
                mated=np.histogram(mated, edges)[0].tolist(),
                non_mated=np.histogram(non, edges)[0].tolist(),
            )
        )
    return out


def covariates_of(groups: dict[str, list[int]], people: dict[str, int]) -> list[Covariate]:
    def row(g: str, n: int, mid: float) -> Quartiles:
        return Quartiles(group=g, n=n, q1=mid * 0.9, median=mid, q3=mid * 1.1)

    dark = next(iter(groups))
    size = Covariate(
        name="face size", unit="px", overall=row("all", 800, 120.0), by_group=[row(g, people[g], 120.0 + len(g)) for g in groups]
    )
    light = Covariate(
        name="luminance",
        unit="0–255",
        overall=row("all", 800, 130.0),
        by_group=[row(g, people[g], 90.0 if g == dark else 128.0) for g in groups],
        differs=[dark],
    )
    year = Covariate(
        name="capture year",
        unit="year",
        overall=Quartiles(group="all", n=0, q1=None, median=None, q3=None),
        by_group=[Quartiles(group=g, n=0, q1=None, median=None, q3=None) for g in groups],
    )
    return [size, light, year]


def grouping_of(s: Setup, scores: Scores, attributes: list[str], pool: Pool) -> Grouping:
    groups = members(scores, attributes)
    people = {g: sum(s.sizes[i] for i in cells) for g, cells in groups.items()}
    per = 2 if s.mated else 1
    points = [point(s, scores, attributes, pool, "target", t) for t in s.targets]
    points.append(point(s, scores, attributes, pool, "published", None))
    return Grouping(
        attributes=attributes,
        groups=[
            Group(
                group=g,
                values=list(scores.names[c[0]]) if len(attributes) > 1 else [g],
                subjects=people[g],
                samples=per * people[g],
            )
            for g, c in groups.items()
        ],
        reference=max(sorted(people), key=lambda g: people[g]),
        unlabelled=3,
        mixed_mated=0,
        covariates=covariates_of(groups, people),
        operating_points=[with_same_person(s, scores, attributes, pool, p) for p in points],
        curves=curves_of(s, scores, attributes),
    )


def extraction_of(s: Setup, scores: Scores) -> ExtractionCounts:
    per = 2 if s.mated else 1
    by_group = []
    for attributes in (["gender"], ["ethnicity"], ["gender", "ethnicity"]):
        rates = []
        for g, cells in members(scores, attributes).items():
            n = per * sum(s.sizes[i] for i in cells)
            rates.append(rate(g, sum(s.sizes[i] for i in cells), n, sum(s.failed[i] for i in cells), "all"))
        by_group.append(ExtractionByAttributes(attributes=attributes, rates=rates))
    total = rate("all", sum(s.sizes), per * sum(s.sizes), sum(s.failed), "all")
    return ExtractionCounts(
        supplied=s.supplied,
        overall=total if s.supplied else None,
        by_group=by_group if s.supplied else [],
        no_face=max(0, sum(s.failed) - 1),
        unreadable=min(1, sum(s.failed)),
        several_faces=4,
        faces_policy="the largest face by area of its box",
        faces="largest" if s.supplied else None,
        faces_from="card" if s.supplied else None,
        faces_differ=rate("all", sum(s.sizes), per * sum(s.sizes), 3, "all") if s.supplied else None,
        faces_differ_by_group=[
            ExtractionByAttributes(
                attributes=part.attributes,
                rates=[rate(r.group, r.subjects or 0, r.comparisons or 0, 0, "all") for r in part.rates],
            )
            for part in by_group
        ]
        if s.supplied
        else [],
    )


def dataset_of(s: Setup) -> DatasetInfo:
    per = 2 if s.mated else 1
    labels = [
        LabelInfo(attribute=a, column=a, of="subject", provenance=s.labels[a], values=list(v), unlabelled=3)
        for a, v in (("gender", s.genders), ("ethnicity", s.ethnicities))
    ]
    return DatasetInfo(
        name=s.dataset,
        title=f"The {s.dataset} faces",
        version="1.0",
        home="https://example.org/a",
        digest="d" * 64,
        licence="CC BY 4.0",
        consent="given by those pictured",
        withdrawn="",
        synthetic=s.synthetic,
        identity="none" if s.repeats else "labelled",
        labels_public=False,
        labels=labels,
        subjects=sum(s.sizes),
        samples=per * sum(s.sizes),
        problems={"duplicate image": 2, "unreadable": 1},
        known_defects=["Some labels are guesses."],
        citation="Somebody (2020)",
    )


def model_of(s: Setup) -> ModelInfo:
    unit, kind = ("Euclidean distance", "euclidean") if s.distance else ("cosine similarity", "cosine")
    sign = -1 if s.distance else 1
    return ModelInfo(
        name=s.model,
        title=f"{s.model} (2021)",
        version="1",
        fingerprint="f" * 64,
        licence="Apache-2.0",
        training_data="web faces",
        training_overlap=False,
        weights=[{"role": "embedder", "file": "a.onnx", "sha256": "e" * 64}],
        detector="a detector",
        alignment="five points",
        input="112 × 112 BGR",
        dimensions=128,
        score=ScoreInfo(kind=kind, unit=unit, sign=-1 if s.distance else 1),
        published_threshold=sign * (0.4 + s.shift),
        published_threshold_source="the model's README",
        likely_same_person=sign * (SAME + s.shift),
        known_weaknesses=["Trained on celebrities."],
    )


def evaluation(s: Setup | None = None) -> Evaluation:
    """One evaluation as `s` asks."""
    s = s or Setup()
    scores = draw(s)
    pool = pool_of(s, scores)
    groupings = [grouping_of(s, scores, a, pool) for a in (["gender"], ["ethnicity"], ["gender", "ethnicity"])]
    total = sum(len(x) for x in scores.non_mated.values())
    return Evaluation(
        provenance=Provenance(
            faceparity="0.1.0",
            commit="abc1234",
            started="2026-01-02T03:04:05Z",
            command="faceparity run -d set_a=<root> --out <out>",
            seed=0,
            threads=2,
            python="3.11.9",
            platform="Linux x86_64",
            libraries={"numpy": "2.0.0"},
        ),
        dataset=dataset_of(s),
        model=model_of(s),
        comparisons=Comparisons(
            non_mated=total,
            mated=sum(len(x) for x in scores.mated.values()),
            left_out={"same_photo": 1},
            ledger_floor=0.3,
            ledger_entries=1000,
            passes=1,
        ),
        extraction=extraction_of(s, scores),
        groupings=groupings,
        warnings=list(s.warnings),
    )


HOSTILE = (
    "<script>alert(1)</script>",
    "\"quoted\" & 'single' $x^2$ [bold]",
    "\u202eعربى عبرית",
    "=HYPERLINK(1) " + "long " * 60,
    "👩🏾‍🦱 emoji",
)


def hostile() -> Setup:
    """Names that break a careless writer."""
    return Setup(
        genders=("<script>alert(1)</script>", "=2+3"),
        ethnicities=HOSTILE[1:],
        dataset="<b>set</b>\x1b[31m",
        model="../../m|=cmd",
        labels={"gender": "<img src=x onerror=alert(1)>", "ethnicity": "\"'>&"},
        warnings=("<script>alert(2)</script>",),
    )
