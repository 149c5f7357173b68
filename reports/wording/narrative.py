"""What may be said of one evaluation, in plain sentences, drawn from the record's verdicts alone.

What is said of a difference names the model, the data set, where the threshold comes from, people, errors and interval.
Nothing here says "bias", "accuracy", a cause, or anything of another system: `lint.forbidden` finds such words, and the tests
try it on all sentences.
"""

from __future__ import annotations

from collections.abc import Sequence

from faceparity.harness.results import Contrast, Evaluation, Index, OperatingPoint, Rate, SamePerson
from faceparity.harness.results.parts.notices import SYNTHETIC
from faceparity.harness.verification.rates.verdict_rules import is_significant
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.forbidden_words import forbidden as forbidden
from faceparity.reports.wording.headline import contrast_of, finest, primary

MEASURES = {"fmr": "false match rate", "fnmr": "false non-match rate"}
ERRORS = {"fmr": ("false match", "false matches"), "fnmr": ("false non-match", "false non-matches")}
INDICES = {
    "max_min": "largest over smallest",
    "max_arithmetic_mean": "largest over arithmetic mean",
    "max_geometric_mean": "largest over geometric mean",
    "gini": "Gini coefficient",
    "garbe": "GARBE",
    "fdr": "FDR (1 is equal)",
    "inequity_rate": "inequity rate",
}


def subject(e: Evaluation) -> str:
    """Model and data set, as sentences begin."""
    return f"On the data set {f.shorten(e.dataset.name, 80)}, the open model {f.shorten(e.model.name, 80)}"


def labelled(e: Evaluation) -> str:
    """Whose labels the groups are."""
    told = ", ".join(f"{f.clean(x.attribute)} {f.clean(x.provenance)}" for x in e.dataset.labels)
    return f"Groups are as labelled in {f.shorten(e.dataset.name, 80)}" + (f" ({told})." if told else ".")


def at_threshold(p: OperatingPoint) -> str:
    """Where the threshold comes from, in a clause."""
    if p.origin == "target" and p.target_fmr is not None:
        return f"at one threshold for everybody, set on these data for a false match rate of at most {f.target(p.target_fmr)}"
    if p.origin == "published":
        return "at one threshold for everybody, the one published by the model's authors"
    return "at one threshold for everybody, fixed beforehand by the user"


def threshold_sentence(e: Evaluation, p: OperatingPoint) -> str:
    """The threshold itself and what the pool got at it."""
    pool = f.pool_name(p.pool)
    achieved = f"there {pool} has a false match rate of {f.percent(p.achieved_fmr)}"
    return f"The threshold is {f.threshold(e.model, p.native_threshold)}; {achieved}."


def evidence(r: Rate, measure: str) -> str:
    """A rate with its interval, people, comparisons and errors: what stands behind a number."""
    one, many = ERRORS[measure]
    counts = f.plural(r.subjects, "person", "people")
    if r.errors is None:
        return f"not shown ({f.reason(r.reason)}; {f.plural(r.subjects, 'person', 'people')})"
    counts += f", {f.plural(r.errors, one, many)} in {f.plural(r.comparisons, 'comparison')}"
    if r.status == "bound":
        top = r.bounds.worst_case if r.bounds else r.interval[1] if r.interval else None
        return f"at most {f.percent(top, 2)} ({counts})" if top is not None else f"no rate ({counts})"
    if r.interval is None:
        return f"{f.percent(r.rate)} ({f.reason(r.reason) or 'no interval'}; {counts})"
    return f"{f.percent(r.rate)} ({interval(r.interval)}; {counts})"


def interval(x: tuple[float, float]) -> str:
    """A 95 % interval of a fraction in words."""
    return f"95 % interval {f.percent(x[0], 2)} to {f.percent(x[1], 2)}"


def by_group(p: OperatingPoint, measure: str) -> dict[str, Rate]:
    """The rate of each group that is told first."""
    return {r.group: r for r in primary(p.fmr if measure == "fmr" else p.fnmr)}


def training_overlap(e: Evaluation) -> str:
    """How the model's training data overlaps the data set, in a sentence."""
    if not e.model.training_overlap_note:
        return "The model was trained on people of this data set."
    return f"The model's training data may hold people of this data set ({e.model.training_overlap_note})."


def cautions(e: Evaluation, p: OperatingPoint | None) -> list[str]:
    """What a reader must know before repeating the finding."""
    out = []
    if e.dataset.synthetic:
        out.append(SYNTHETIC)
    if p is not None:
        out += [s for s in (partial(p), _repeats_found(p)) if s]
    if e.dataset.identity == "none" and not (p is not None and _repeats_found(p)):
        out.append(
            "The data set does not say who is pictured, so each image stands for a person; somebody pictured twice would count as "
            "a false match."
        )
    if e.model.training_overlap:
        out.append(f"{training_overlap(e)} That makes its rates here unlike those on strangers.")
    if e.model.conditions:
        out.append(e.model.conditions)
    if not e.extraction.supplied:
        out.append("Failures to extract a template were not supplied; a group whose faces fail more often cannot be told apart.")
    return out


def partial(p: OperatingPoint) -> str:
    """Who set the threshold, where some value of an attribute had no say; empty otherwise."""
    if p.pool is None or not p.pool.partial:
        return ""
    who = ", ".join(f.shorten(x.group, 60) for x in p.pool.groups) or "nobody"
    missing = missing_values(p.pool.missing_values)
    if p.origin == "target":
        return f"The pool is partial. The threshold was set by {who} alone; nobody labelled {missing} had a say in it."
    return f"The pool is partial: its false match rate is that of {who} alone, without anybody labelled {missing}."


def own_threshold(p: OperatingPoint) -> str:
    """That the threshold comes from the comparisons it judges, where it does; else empty."""
    if p.origin != "target":
        return ""
    return "The threshold was set on the same comparisons that are judged with it: the intervals of rates take it as given."


def contaminated(e: Evaluation, p: OperatingPoint) -> str:
    """Both readings of a point with many probable repeats, and whether they agree; empty where there is only one."""
    if p.same_person is None or not _repeated(p):
        return ""
    second = p.without_likely_same_person
    alike = f"Hidden repeats are comparisons as alike as {f.threshold(e.model, p.same_person.native_threshold)}."
    if second is None or second.threshold is None:
        return f"{alike} Without them there is no second reading, so no verdict stands."
    told = f"{alike} With them and without them (threshold then {f.native_number(second.native_threshold or 0.0)}):"
    return f"{told} {_both(p, second)}"


def _repeated(p: OperatingPoint) -> bool:
    return p.status == "contaminated" or p.without_likely_same_person is not None


def _repeats_found(p: OperatingPoint) -> str:
    """How much of the errors may be repeats of one person, and whether that changes a verdict; empty if little."""
    if p.same_person is None or not _repeated(p):
        return ""
    second = p.without_likely_same_person
    told = (
        f"Hidden repeats: the data set does not say who is pictured, and {repeats(p.same_person)} are comparisons so alike that both "
        "images probably show the same person. Counted as they are, these look like false matches."
    )
    if second is None or second.threshold is None:
        return f"{told} No verdict stands."
    changed = [c.group for c in p.contrasts if c.measure == "fmr" and _differs(c, second)]
    if not changed:
        return f"{told} Without them every verdict on false match rates is the same."
    return f"{told} Without them the verdict on {f.plural(len(changed), 'group')} is another, and none is given there."


def _differs(c: Contrast, second: OperatingPoint) -> bool:
    other = contrast_of(second, "fmr", c.group)
    return (other.verdict if other else "none") != c.verdict


def repeats(same: SamePerson) -> str:
    """How many errors are probable repeats of one person, in the pool and in the group where they weigh most."""
    share = same.share_of_pool_errors
    much = f"{f.percent(share, 2)} of the pool's errors" if share is not None else "many of the pool's errors"
    worst = max(same.share_by_group, key=lambda g: same.share_by_group[g], default=None)
    if worst is None or same.share_by_group[worst] <= (share or 0.0):
        return much
    return f"{much} ({f.percent(same.share_by_group[worst], 2)} of those of {f.shorten(worst, 60)})"


def _both(p: OperatingPoint, second: OperatingPoint) -> str:
    """The two readings of the ratio that is furthest from chance in either."""
    contrasts = [c for x in (p, second) for c in x.contrasts if c.measure == "fmr" and c.ratio]
    if not contrasts:
        return "neither reading has a ratio of any group."
    group = min(
        contrasts, key=lambda c: (c.verdict not in ("higher", "lower"), c.p_holm if c.p_holm is not None else 1.0, c.group)
    ).group
    parts, verdicts = [], []
    for reading in (p, second):
        r, c = by_group(reading, "fmr").get(group), contrast_of(reading, "fmr", group)
        verdicts.append(c.verdict if c is not None else "none")
        ratio = f", ratio {f.ratio(c.ratio)} {f.ratio_interval(c.interval)} ({c.verdict})" if c is not None and c.ratio else ""
        parts.append((evidence(r, "fmr") if r else "no rate") + ratio)
    end = "Both readings agree." if len(set(verdicts)) == 1 else "The readings disagree, so no verdict stands."
    return f"{f.shorten(group, 80)} had {parts[0]}; and {parts[1]}. {end}"


def index_sentence(name: str, measure: str, index: Index) -> str:
    """What may be said of an index; `null_p` alone decides: below 0.05, more spread than one rate for all gives by chance."""
    title = index_name(name)
    if index.value is None:
        return f"{title}: undefined ({f.reason(index.reason)})."
    if index.null_p is None or index.null_median is None or index.null_p95 is None:
        return f"{title}: nothing can be said, as its value under one rate for all is not known."
    null = f"one rate for all would give {f.number(index.null_median)}, 95th percentile {f.number(index.null_p95)}"
    null += f"; {f.p_value(index.null_p)}"
    if is_significant(index.null_p):
        return f"{title} {f.number(index.value)}: more spread of {MEASURES.get(measure, 'rate')}s than chance gives ({null})."
    return f"{title} {f.number(index.value)}: a spread that chance also gives ({null}); it says nothing on its own."


def failures(e: Evaluation) -> list[str]:
    """How many images gave no template, and from which least to which most by group."""
    x = e.extraction
    if not x.supplied or x.overall is None or not x.overall.errors:
        return []
    told = f"{f.count(x.overall.errors)} of {f.plural(x.overall.comparisons, 'image')} ({f.percent(x.overall.rate)}) gave no template"
    by = next((b.rates for b in x.by_group if b.attributes == finest(e).attributes), [])
    shown = sorted((r for r in by if r.status == "ok" and r.interval), key=lambda r: r.rate or 0.0)
    if len(shown) < 2 or shown[0].interval is None or shown[-1].interval is None:
        return [f"{told} and are not in these rates."]
    least, most = (
        f"{f.percent(r.rate)} ({interval(r.interval)}) for {f.shorten(r.group, 80)}" for r in (shown[0], shown[-1]) if r.interval
    )
    return [f"{told} and are not in these rates: from {least} to {most}."]


def missing_values(values: Sequence[str]) -> str:
    """Values of "attribute: value" form, grouped: "Black, Asian (ethnicity)"."""
    by: dict[str, list[str]] = {}
    for value in values:
        attribute, _, name = value.partition(": ")
        by.setdefault(attribute if name else "", []).append(f.shorten(name or attribute, 60))
    return "; ".join(", ".join(names) + (f" ({f.clean(attribute)})" if attribute else "") for attribute, names in by.items())


def index_name(name: str) -> str:
    """An index's name in words."""
    return INDICES.get(name, f.clean(name).replace("_", " "))
