"""The sections on data and model: image properties, labels and licence, warnings, limits, provenance; and the glossary."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from faceparity.harness.results import Evaluation, Grouping, Quartiles
from faceparity.reports.layout.elements import Fold, Item, Items, Section, Table, Text
from faceparity.reports.sections.sensitivity import sensitivity_sections
from faceparity.reports.wording import numbers as f
from faceparity.reports.wording.csv_rows import grouping_name
from faceparity.reports.wording.headline import finest

LIMITS = (
    "These are rates of one model on one data set. They do not carry over to another model, other images, or a system in use.",
    "The groups are labels that somebody gave; they are no measure of what a person is.",
    "Groups differ in more than their label: light, pose, age and the quality of images. A difference in rates shows no reason for it.",
    "One comparison of two images is not a search of a database: the more people are searched, the more false matches there are.",
    "A rate below about 3 in the number of independent comparisons cannot be measured here, and none is guessed.",
)
GLOSSARY = (
    ("Comparison", "Two images set side by side by a model, which says how alike they are: the score."),
    ("Mated, non-mated", "Two images of one person are mated; images of two different people are non-mated."),
    ("Threshold", "The score from which a comparison counts as a match. Here it is the same for everybody."),
    ("FMR", "False match rate: the share of non-mated comparisons that count as a match."),
    ("FNMR", "False non-match rate: the share of mated comparisons that do not count as a match."),
    ("FTX", "Failure to extract: the share of images from which the model makes no template, mostly for want of a face found."),
    ("FAR, FRR", "FMR and FNMR with failures counted as non-matches."),
    ("Template", "The numbers that a model makes of a face, and compares."),
    ("Pool", "The non-mated comparisons whose FMR sets the threshold. Balanced: within groups, each group with the same weight."),
    (
        "95 % interval",
        "A range that holds the true rate in 95 of 100 such studies. It goes by people, since comparisons share people.",
    ),
    (
        "Interval for the largest",
        "A difference that is named because it is the largest of k looks larger than it is. Its interval is drawn so wide that it holds "
        "all the same: at level 1 - 0.05/k (Bonferroni).",
    ),
    (
        "Pooled",
        "All errors over all comparisons of a group. Where a group has several parts, its rate is the mean of theirs, each part weighing "
        "the same, so that it does not depend on how many people of each the data set has.",
    ),
    ("≤", "Upper bound: with fewer than 10 errors the rate can be anything from 0 to this."),
    ("Effective errors", "How many independent errors the errors are worth, since one person can be in many."),
    ("Matched", "The mean over the groups of all other attributes, each with the same weight, so that their mix plays no part."),
    ("As sampled", "As the data set happens to mix the other attributes."),
    ("Inconclusive", "Too few errors, or a difference that chance may well give. Not: the same rate."),
    ("Could have detected", "The ratio that these data would have shown with a probability of 80 %."),
    ("Holm-adjusted p", "How often chance alone gives such a ratio, adjusted for the number of groups compared."),
)


def about(evaluation: Evaluation, key: str) -> list[Section]:
    """Return the sections from image properties to provenance.

    In their order on the page; those without content are left out. `key` begins the ids of their elements.
    """
    out = [
        Section(f"{key}-covariates", "Image properties by group", list(_covariates(evaluation, key))),
        *sensitivity_sections(evaluation, key),
        Section(f"{key}-labels", "Who labelled the people, and licence", list(_labels(evaluation, key))),
        Section(f"{key}-warnings", "Warnings and problems", list(_warnings(evaluation, key))),
        Section(f"{key}-limits", "Limits", list(_limits(evaluation))),
        Section(f"{key}-provenance", "Provenance", list(_provenance(evaluation, key))),
    ]
    return [section for section in out if section.items]


def _covariates(evaluation: Evaluation, key: str) -> Iterator[Item]:
    """Yield image properties by each grouping."""
    order = sorted(range(len(evaluation.groupings)), key=lambda i: -len(evaluation.groupings[i].attributes))
    for i in order:
        grouping = evaluation.groupings[i]
        if not grouping.covariates:
            continue
        if grouping is finest(evaluation):
            yield Text(differing(grouping))
            yield _covariate_table(grouping, f"{key}-{i}-covariates")
        else:
            yield Fold(
                f"Image properties by {grouping_name(grouping)}",
                [Text(differing(grouping)), _covariate_table(grouping, f"{key}-{i}-covariates")],
            )


def differing(grouping: Grouping) -> str:
    """Return which groups' images differ, by property.

    Those with a median outside the quartiles of all images.
    """
    texts = [
        f"{f.clean(covariate.name)}: {', '.join(f.shorten(group, 60) for group in covariate.differs)}"
        for covariate in grouping.covariates
        if covariate.differs
    ]
    if not texts:
        return "In no group does the median of any of these lie outside the middle half of all images."
    return f"These groups have a median outside the middle half of all images; their rates may owe something to it. {'; '.join(texts)}."


def _covariate_table(grouping: Grouping, key: str) -> Table:
    """Return the table of image properties by group."""
    columns = [
        "Group",
        "Images",
        *[
            f"{f.clean(covariate.name)}{f' ({f.clean(covariate.unit)})' if covariate.unit else ''}"
            for covariate in grouping.covariates
        ],
    ]
    by_name = [{quartiles.group: quartiles for quartiles in covariate.by_group} for covariate in grouping.covariates]
    first = grouping.covariates[0]
    rows = []
    for quartiles in first.by_group:
        cells = [
            _quartiles(by_group.get(quartiles.group), covariate.unit, quartiles.group in covariate.differs)
            for covariate, by_group in zip(grouping.covariates, by_name, strict=True)
        ]
        rows.append([quartiles.group, f.count(quartiles.n), *cells])
    rows.append(
        [
            "all",
            f.count(first.overall.n),
            *[_quartiles(covariate.overall, covariate.unit, False) for covariate in grouping.covariates],
        ]
    )
    return Table(
        key, f"Median [lower, upper quartile] by {grouping_name(grouping)}; * differs by more than a quartile", columns, rows
    )


def _quartiles(quartiles: Quartiles | None, unit: str, differs: bool) -> str:
    """Return median and quartiles as a cell."""
    if quartiles is None or quartiles.median is None or quartiles.q1 is None or quartiles.q3 is None:
        return f.DASH
    # a year is a date, not an amount: whole, and without a separator
    median, low, high = (
        f"{value:.0f}" if unit == "year" else f.number(value) for value in (quartiles.median, quartiles.q1, quartiles.q3)
    )
    return f"{median} [{low},{f.NBSP}{high}]{'*' if differs else ''}"


def _labels(evaluation: Evaluation, key: str) -> Iterator[Item]:
    """Yield labels and licence of the data set."""
    dataset = evaluation.dataset
    rows = [
        [
            label.attribute,
            label.provenance,
            label.column,
            f"each {label.of}",
            ", ".join(label.values),
            f.count(label.unlabelled),
            label.note or f.DASH,
        ]
        for label in dataset.labels
    ]
    columns = ["Attribute", "Labelled by", "Column", "Belongs to", "Values", "Images without", "Note"]
    yield Table(f"{key}-labels-table", f"Labels of {f.clean(dataset.name)}", columns, rows, frozenset({1, 2, 3, 4, 6}))
    facts = [
        ("Data set", dataset.title),
        ("Version", dataset.version),
        ("Home", dataset.home),
        ("Licence", dataset.licence),
        ("Consent", dataset.consent),
    ]
    facts += [("Withdrawn", dataset.withdrawn), ("Citation", dataset.citation), ("Who is pictured", IDENTITY[dataset.identity])]
    facts += [("Model licence", evaluation.model.licence), ("Model training data", evaluation.model.training_data)]
    yield _facts(f"{key}-licence", "Data set and model", facts)


IDENTITY = {"labelled": "labelled by subject", "none": "not labelled: each image stands for a person"}


def _facts(key: str, caption: str, facts: list[tuple[str, Any]]) -> Table:
    """Return a table of the facts that are known."""
    rows = [[name, str(value)] for name, value in facts if value not in (None, "")]
    return Table(key, caption, ["What", "Value"], rows, frozenset({1}))


def _warnings(evaluation: Evaluation, key: str) -> Iterator[Item]:
    """Yield warnings, and problems with their counts."""
    if evaluation.warnings:
        yield Items([f.clean(warning) for warning in evaluation.warnings])
    rows = [[kind, f.count(number)] for kind, number in evaluation.dataset.problems.items()]
    rows += [
        [f"comparisons left out: {kind.replace('_', ' ')}", f.count(number)]
        for kind, number in evaluation.comparisons.left_out.items()
    ]
    rows += [
        [f"images without a group, by {grouping_name(grouping)}", f.count(grouping.unlabelled)]
        for grouping in evaluation.groupings
        if grouping.unlabelled
    ]
    rows += [
        [f"mated comparisons across groups, by {grouping_name(grouping)}", f.count(grouping.mixed_mated)]
        for grouping in evaluation.groupings
        if grouping.mixed_mated
    ]
    if rows:
        yield Table(
            f"{key}-problems", "Problems, counted; which ones is in the private part of the run", ["Problem", "How many"], rows
        )
    elif not evaluation.warnings:
        yield Text("None.")


def _limits(evaluation: Evaluation) -> Iterator[Item]:
    """Yield the limits of the figures, model and data set."""
    yield Items(LIMITS)
    if evaluation.model.known_weaknesses:
        yield Text(f"Known of {f.shorten(evaluation.model.name, 80)}:")
        yield Items([f.clean(text) for text in evaluation.model.known_weaknesses])
    if evaluation.dataset.known_defects:
        yield Text(f"Known of {f.shorten(evaluation.dataset.name, 80)}:")
        yield Items([f.clean(text) for text in evaluation.dataset.known_defects])


def _provenance(evaluation: Evaluation, key: str) -> Iterator[Item]:
    """Yield the facts on run, model and data."""
    provenance, model, dataset, comparisons = evaluation.provenance, evaluation.model, evaluation.dataset, evaluation.comparisons
    facts: list[tuple[str, Any]] = [
        ("faceparity", provenance.faceparity),
        ("Commit", provenance.commit),
        ("Started", provenance.started),
        ("Command", provenance.command),
    ]
    facts += [
        ("Seed", provenance.seed),
        ("Threads", provenance.threads),
        ("Device", provenance.device),
        ("Python", provenance.python),
        ("Platform", provenance.platform),
    ]
    facts += [(name, version) for name, version in provenance.libraries.items()]
    yield _facts(f"{key}-run", "The run", facts)
    facts = [
        ("Model", model.title),
        ("Name", model.name),
        ("Version", model.version),
        ("Fingerprint", model.fingerprint),
        ("Detector", model.detector),
    ]
    facts += [
        ("Alignment", model.alignment),
        ("Input", model.input),
        ("Dimensions", model.dimensions),
        ("Score", f"{model.score.kind}, {model.score.unit}"),
    ]
    facts += [("Published threshold", model.published_threshold), ("Published in", model.published_threshold_source)]
    facts += [
        ("Probably one person from", model.likely_same_person),
        (
            "Trained on people of this set",
            (model.training_overlap_note or "yes") if model.training_overlap else "not known to be",
        ),
        ("Its terms", model.conditions),
    ]
    facts += [
        (
            f"Weights: {weights.get('role', i)}",
            ", ".join(f"{field} {value}" for field, value in weights.items() if field != "role"),
        )
        for i, weights in enumerate(model.weights)
    ]
    yield _facts(f"{key}-model", "The model", facts)
    facts = [
        ("Data set", dataset.name),
        ("Digest", dataset.digest),
        ("People", f.count(dataset.subjects)),
        ("Images", f.count(dataset.samples)),
    ]
    facts += [("Non-mated comparisons", f.count(comparisons.non_mated)), ("Mated comparisons", f.count(comparisons.mated))]
    if (sample := comparisons.sampled) is not None:
        share = f"{f.percent(sample.share)} of {f.count(sample.of)}: {sample.rounds} of {sample.parts} rounds, seed {sample.seed}"
        facts += [("A sample of the non-mated comparisons", share)]
    facts += [
        ("Ledger from similarity", comparisons.ledger_floor),
        ("Ledger entries", f.count(comparisons.ledger_entries)),
        ("Passes", comparisons.passes),
    ]
    yield _facts(f"{key}-data", "The data", facts)
