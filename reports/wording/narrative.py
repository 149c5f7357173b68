"""What may be said of one evaluation, in plain sentences, derived from the record's verdicts alone.

What is said of a difference names the model, the data set, where the threshold comes from, people, errors and interval.
Nothing here says "bias", "accuracy", a cause, or anything of another system: `forbidden_words.forbidden` finds such words, and
the tests apply it to all sentences.
"""

from __future__ import annotations

from collections.abc import Sequence

from faceparity.harness.results import Contrast, Evaluation, Index, OperatingPoint, Rate, SamePerson
from faceparity.harness.results.parts.notices import SYNTHETIC
from faceparity.harness.verification.rates.verdict_rules import is_significant
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.failed_comparisons import turned
from faceparity.reports.wording.forbidden_words import forbidden as forbidden
from faceparity.reports.wording.headline import contrast_of, finest, primary
from faceparity.reports.wording.pool_words import carried_by, rests_on
from faceparity.reports.wording.verdicts.no_verdict import first_screen
from faceparity.reports.wording.verdicts.outcomes import compared

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


def subject(evaluation: Evaluation) -> str:
    """Return model and data set, as sentences begin."""
    return f"On the data set {f.shorten(evaluation.dataset.name, 80)}, the open model {f.shorten(evaluation.model.name, 80)}"


def labelled(evaluation: Evaluation) -> str:
    """Return whose labels the groups are."""
    text = ", ".join(f"{f.clean(label.attribute)} {f.clean(label.provenance)}" for label in evaluation.dataset.labels)
    return f"Groups are as labelled in {f.shorten(evaluation.dataset.name, 80)}" + (f" ({text})." if text else ".")


def at_threshold(point: OperatingPoint) -> str:
    """Return where the threshold comes from, as a clause."""
    if point.origin == "target" and point.target_fmr is not None:
        return f"at one threshold for everybody, set on these data for a false match rate of at most {f.target(point.target_fmr)}"
    if point.origin == "published":
        return "at one threshold for everybody, the one published by the model's authors"
    return "at one threshold for everybody, fixed beforehand by the user"


def threshold_sentence(evaluation: Evaluation, point: OperatingPoint) -> str:
    """Return the threshold and the FMR of the pool."""
    pool = f.pool_name(point.pool)
    achieved = f"there {pool} has a false match rate of {f.percent(point.achieved_fmr)}"
    return f"The threshold is {f.threshold(evaluation.model, point.native_threshold)}; {achieved}."


def evidence(rate: Rate, measure: str) -> str:
    """Return a rate with the numbers it rests on.

    With its interval, people, comparisons and errors; a bound where there are few errors; why not where it is not shown.
    """
    one, many = ERRORS[measure]
    counts = f.plural(rate.subjects, "person", "people")
    if rate.errors is None:
        return f"not shown ({f.reason(rate.reason, mated=measure == 'fnmr')}; {counts})"
    counts += f", {f.plural(rate.errors, one, many)} in {f.plural(rate.comparisons, 'comparison')}"
    if f.pooled(rate) is not None:
        counts = f"{f.weighting(rate)}; pooled, {counts}: {f.percent(f.pooled(rate))}"
    if rate.status == "bound":
        top = rate.upper
        return f"at most {f.percent(top, 2)} ({counts})" if top is not None else f"no rate ({counts})"
    if rate.interval is None:
        return f"{f.percent(rate.rate)} ({f.reason(rate.reason) or 'no interval'}; {counts})"
    return f"{f.percent(rate.rate)} ({interval(rate.interval)}; {counts})"


def interval(bounds: tuple[float, float]) -> str:
    """Return a 95 % interval of a fraction in words."""
    return f"95 % interval {f.percent(bounds[0], 2)} to {f.percent(bounds[1], 2)}"


def by_group(point: OperatingPoint, measure: str) -> dict[str, Rate]:
    """Return the primary rate of each group."""
    return {rate.group: rate for rate in primary(point.fmr if measure == "fmr" else point.fnmr)}


def training_overlap(evaluation: Evaluation) -> str:
    """Return how training data overlaps the data set.

    In a sentence.
    """
    if not evaluation.model.training_overlap_note:
        return "The model was trained on people of this data set."
    return f"The model's training data may hold people of this data set ({evaluation.model.training_overlap_note})."


def cautions(evaluation: Evaluation, point: OperatingPoint | None) -> list[str]:
    """Return what to know before repeating the finding."""
    out = []
    if evaluation.dataset.synthetic:
        out.append(SYNTHETIC)
    out += first_screen(evaluation)
    if point is not None:
        out += turned(point)
        out += [sentence for sentence in (*rests_on(evaluation, point), partial(point), _repeats_found(point)) if sentence]
    else:
        carried = [refused.pool_errors for refused in finest(evaluation).operating_points if refused.pool_errors is not None]
        out += [sentence for errors in carried[:1] for sentence in carried_by(evaluation, errors)]
    if evaluation.dataset.identity == "none" and not (point is not None and _repeats_found(point)):
        out.append(
            "The data set does not say who is pictured, so each image stands for a person; somebody pictured twice would count as "
            "a false match."
        )
    if evaluation.model.training_overlap:
        out.append(f"{training_overlap(evaluation)} That makes its rates here unlike those on strangers.")
    if evaluation.model.conditions:
        out.append(evaluation.model.conditions)
    if not evaluation.extraction.supplied:
        out.append("Failures to extract a template were not supplied; a group whose faces fail more often cannot be told apart.")
    return out


def partial(point: OperatingPoint) -> str:
    """Return who set the threshold of a partial pool.

    In a partial pool some value of an attribute had no say; empty for any other.
    """
    if point.pool is None or not point.pool.partial:
        return ""
    who = ", ".join(f.shorten(group.group, 60) for group in point.pool.groups) or "nobody"
    missing = missing_values(point.pool.missing_values)
    if point.origin == "target":
        return f"The pool is partial. The threshold was set by {who} alone; nobody labelled {missing} had a say in it."
    return f"The pool is partial: its false match rate is that of {who} alone, without anybody labelled {missing}."


def own_threshold(point: OperatingPoint) -> str:
    """Return that the threshold comes from the same comparisons.

    Empty where it does not.
    """
    if point.origin != "target":
        return ""
    return "The threshold was set on the same comparisons that are judged with it: the intervals of rates take it as given."


def contaminated(evaluation: Evaluation, point: OperatingPoint) -> str:
    """Return both readings of a point with probable repeats.

    And whether they agree; empty where there is only one.
    """
    if point.same_person is None or not _repeated(point):
        return ""
    second = point.without_likely_same_person
    what = "They" if point.same_person.labelled else "Hidden repeats"
    alike = f"{what} are comparisons as alike as {f.threshold(evaluation.model, point.same_person.native_threshold)}."
    if second is None or second.threshold is None:
        no_verdict = "" if point.same_person.labelled else ", so no verdict stands"
        return f"{alike} Without them there is no second reading{no_verdict}."
    text = f"{alike} With them and without them (threshold then {f.native_number(second.native_threshold or 0.0)}):"
    return f"{text} {_both_readings(point, second)}"


def _repeated(point: OperatingPoint) -> bool:
    """Return whether a point has many probable repeats."""
    return point.status == "contaminated" or point.without_likely_same_person is not None


def _repeats_found(point: OperatingPoint) -> str:
    """Return how much of the errors may be repeats.

    Of one person, and whether that changes a verdict; empty if little.
    """
    if point.same_person is None or not _repeated(point):
        return ""
    second = point.without_likely_same_person
    if point.same_person.labelled:
        return _alike_though_labelled(point, point.same_person)
    text = (
        f"Hidden repeats: the data set does not say who is pictured, and {repeats(point.same_person)} are comparisons so alike that both "
        "images probably show the same person. Counted as they are, these look like false matches."
    )
    if second is None or second.threshold is None:
        return f"{text} No verdict stands."
    changed = [contrast.group for contrast in point.contrasts if contrast.measure == "fmr" and _differs(contrast, second)]
    if not changed:
        return f"{text} Without them every verdict on false match rates is the same."
    return f"{text} Without them the verdict on {f.plural(len(changed), 'group')} is another, and none is given there."


def _alike_though_labelled(point: OperatingPoint, same: SamePerson) -> str:
    """Return how much of the errors of labelled people looks like one person.

    And what follows from it.
    """
    text = (
        f"Alike as one person: {repeats(same)} are comparisons so alike that both images probably show the same person, against the "
        "labels: one person under two ids, wrong labels, or relatives."
    )
    second = point.without_likely_same_person
    if same.contaminated:
        return f"{text} They are most of the errors, so no verdict stands."
    if second is None or second.threshold is None:
        return f"{text} Without them no threshold could be set."
    changed = [contrast.group for contrast in point.contrasts if contrast.measure == "fmr" and _differs(contrast, second)]
    if not changed:
        return f"{text} Without them every verdict on false match rates is the same."
    return f"{text} Without them the verdict on {f.plural(len(changed), 'group')} would be another."


def _differs(contrast: Contrast, second: OperatingPoint) -> bool:
    """Return whether a contrast's verdict differs in another reading."""
    other = contrast_of(second, "fmr", contrast.group)
    return (other.verdict if other else "none") != contrast.verdict


def repeats(same: SamePerson) -> str:
    """Return how many errors are probable repeats.

    Of one person, in the pool and in the group where they weigh most.
    """
    share = same.share_of_pool_errors
    much = f"{f.percent(share, 2)} of the pool's errors" if share is not None else "many of the pool's errors"
    worst = max(same.share_by_group, key=lambda group: same.share_by_group[group], default=None)
    if worst is None or same.share_by_group[worst] <= (share or 0.0):
        return much
    return f"{much} ({f.percent(same.share_by_group[worst], 2)} of those of {f.shorten(worst, 60)})"


def _both_readings(point: OperatingPoint, second: OperatingPoint) -> str:
    """Return both readings of the most significant ratio.

    The ratio with a verdict and the lowest Holm-adjusted p in either reading.
    """
    contrasts = [
        contrast
        for side in (point, second)
        for contrast in side.contrasts
        if contrast.measure == "fmr" and (contrast.ratio or contrast.few_errors)
    ]
    if not contrasts:
        return "neither reading has a ratio of any group."
    group = min(
        contrasts,
        key=lambda contrast: (
            contrast.verdict not in ("higher", "lower"),
            contrast.p_holm if contrast.p_holm is not None else 1.0,
            contrast.group,
        ),
    ).group
    texts, verdicts = [], []
    for reading in (point, second):
        rate, contrast = by_group(reading, "fmr").get(group), contrast_of(reading, "fmr", group)
        verdicts.append(contrast.verdict if contrast is not None else "none")
        ratio = "" if contrast is None else f" ({compared(contrast, contrast.verdict)})"
        texts.append((evidence(rate, "fmr") if rate else "no rate") + ratio)
    labelled = point.same_person is not None and point.same_person.labelled
    disagree = "The readings disagree." if labelled else "The readings disagree, so no verdict stands."
    end = "Both readings agree." if len(set(verdicts)) == 1 else disagree
    return f"{f.shorten(group, 80)} had {texts[0]}; and {texts[1]}. {end}"


def index_sentence(name: str, measure: str, index: Index) -> str:
    """Return what may be said of an index.

    `null_p` alone decides: below 0.05, more spread than one rate for all gives by chance.
    """
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


def failures(evaluation: Evaluation) -> list[str]:
    """Return how many images gave no template.

    From which least to which most by group; empty if none failed or failures are not known.
    """
    extraction = evaluation.extraction
    if not extraction.supplied or extraction.overall is None or not extraction.overall.errors:
        return []
    overall = extraction.overall
    failed = f"{f.count(overall.errors)} of {f.plural(overall.comparisons, 'image')} ({f.percent(overall.rate)})"
    text = f"{failed} gave no template"
    rates = next((entry.rates for entry in extraction.by_group if entry.attributes == finest(evaluation).attributes), [])
    shown = sorted((rate for rate in rates if rate.status == "ok" and rate.interval), key=lambda rate: rate.rate or 0.0)
    if len(shown) < 2 or shown[0].interval is None or shown[-1].interval is None:
        return [f"{text} and are not in these rates."]
    least, most = (
        f"{f.percent(rate.rate)} ({interval(rate.interval)}) for {f.shorten(rate.group, 80)}"
        for rate in (shown[0], shown[-1])
        if rate.interval
    )
    return [f"{text} and are not in these rates: from {least} to {most}."]


def missing_values(values: Sequence[str]) -> str:
    """Return "attribute: value" texts, grouped: "Black, Asian (ethnicity)"."""
    by_attribute: dict[str, list[str]] = {}
    for value in values:
        attribute, _, name = value.partition(": ")
        by_attribute.setdefault(attribute if name else "", []).append(f.shorten(name or attribute, 60))
    return "; ".join(
        ", ".join(names) + (f" ({f.clean(attribute)})" if attribute else "") for attribute, names in by_attribute.items()
    )


def index_name(name: str) -> str:
    """Return an index's name in words."""
    return INDICES.get(name, f.clean(name).replace("_", " "))
