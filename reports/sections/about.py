"""The sections on what was measured with: image properties, labels and licence, warnings, limits, provenance; and the glossary."""

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
    ("≤", "Upper bound: with fewer than 10 errors the rate can be anything from 0 to this."),
    ("Effective errors", "How many independent errors the errors are worth, since one person can be in many."),
    ("Matched", "The mean over the groups of all other attributes, each with the same weight, so that their mix plays no part."),
    ("As sampled", "As the data set happens to mix the other attributes."),
    ("Inconclusive", "Too few errors, or a difference that chance may well give. Not: the same rate."),
    ("Could have detected", "The ratio that these data would have shown with a probability of 80 %."),
    ("Holm-adjusted p", "How often chance alone gives such a ratio, adjusted for the number of groups compared."),
)


def about(e: Evaluation, key: str) -> list[Section]:
    """The sections from image properties to provenance, in the order they are told."""
    out = [
        Section(f"{key}-covariates", "Image properties by group", list(_covariates(e, key))),
        *sensitivity_sections(e, key),
        Section(f"{key}-labels", "Who labelled the people, and licence", list(_labels(e, key))),
        Section(f"{key}-warnings", "Warnings and problems", list(_warnings(e, key))),
        Section(f"{key}-limits", "Limits", list(_limits(e))),
        Section(f"{key}-provenance", "Provenance", list(_provenance(e, key))),
    ]
    return [s for s in out if s.items]


def _covariates(e: Evaluation, key: str) -> Iterator[Item]:
    order = sorted(range(len(e.groupings)), key=lambda i: -len(e.groupings[i].attributes))
    for i in order:
        g = e.groupings[i]
        if not g.covariates:
            continue
        if g is finest(e):
            yield Text(differing(g))
            yield _covariate_table(g, f"{key}-{i}-covariates")
        else:
            yield Fold(
                f"Image properties by {grouping_name(g)}", [Text(differing(g)), _covariate_table(g, f"{key}-{i}-covariates")]
            )


def differing(g: Grouping) -> str:
    """Which groups' images differ by more than a quartile from all, by property."""
    told = [f"{f.clean(c.name)}: {', '.join(f.shorten(x, 60) for x in c.differs)}" for c in g.covariates if c.differs]
    if not told:
        return "In no group does the median of any of these lie outside the middle half of all images."
    return f"These groups have a median outside the middle half of all images; their rates may owe something to it. {'; '.join(told)}."


def _covariate_table(g: Grouping, key: str) -> Table:
    columns = ["Group", "Images", *[f"{f.clean(c.name)}{f' ({f.clean(c.unit)})' if c.unit else ''}" for c in g.covariates]]
    by_name = [{q.group: q for q in c.by_group} for c in g.covariates]
    first = g.covariates[0]
    rows = []
    for q in first.by_group:
        cells = [_quartiles(x.get(q.group), c.unit, q.group in c.differs) for c, x in zip(g.covariates, by_name, strict=True)]
        rows.append([q.group, f.count(q.n), *cells])
    rows.append(["all", f.count(first.overall.n), *[_quartiles(c.overall, c.unit, False) for c in g.covariates]])
    return Table(key, f"Median [lower, upper quartile] by {grouping_name(g)}; * differs by more than a quartile", columns, rows)


def _quartiles(q: Quartiles | None, unit: str, differs: bool) -> str:
    if q is None or q.median is None or q.q1 is None or q.q3 is None:
        return f.DASH
    # a year is a date, not an amount: whole, and without a separator
    median, low, high = (f"{x:.0f}" if unit == "year" else f.number(x) for x in (q.median, q.q1, q.q3))
    return f"{median} [{low},{f.NBSP}{high}]{'*' if differs else ''}"


def _labels(e: Evaluation, key: str) -> Iterator[Item]:
    d = e.dataset
    rows = [
        [x.attribute, x.provenance, x.column, f"each {x.of}", ", ".join(x.values), f.count(x.unlabelled), x.note or f.DASH]
        for x in d.labels
    ]
    columns = ["Attribute", "Labelled by", "Column", "Belongs to", "Values", "Images without", "Note"]
    yield Table(f"{key}-labels-table", f"Labels of {f.clean(d.name)}", columns, rows, frozenset({1, 2, 3, 4, 6}))
    facts = [("Data set", d.title), ("Version", d.version), ("Home", d.home), ("Licence", d.licence), ("Consent", d.consent)]
    facts += [("Withdrawn", d.withdrawn), ("Citation", d.citation), ("Who is pictured", IDENTITY[d.identity])]
    facts += [("Model licence", e.model.licence), ("Model training data", e.model.training_data)]
    yield _facts(f"{key}-licence", "Data set and model", facts)


IDENTITY = {"labelled": "labelled by subject", "none": "not labelled: each image stands for a person"}


def _facts(key: str, caption: str, facts: list[tuple[str, Any]]) -> Table:
    rows = [[name, str(value)] for name, value in facts if value not in (None, "")]
    return Table(key, caption, ["What", "Value"], rows, frozenset({1}))


def _warnings(e: Evaluation, key: str) -> Iterator[Item]:
    if e.warnings:
        yield Items([f.clean(w) for w in e.warnings])
    rows = [[kind, f.count(n)] for kind, n in e.dataset.problems.items()]
    rows += [[f"comparisons left out: {kind.replace('_', ' ')}", f.count(n)] for kind, n in e.comparisons.left_out.items()]
    rows += [[f"images without a group, by {grouping_name(g)}", f.count(g.unlabelled)] for g in e.groupings if g.unlabelled]
    rows += [
        [f"mated comparisons across groups, by {grouping_name(g)}", f.count(g.mixed_mated)] for g in e.groupings if g.mixed_mated
    ]
    if rows:
        yield Table(
            f"{key}-problems", "Problems, counted; which ones is in the private part of the run", ["Problem", "How many"], rows
        )
    elif not e.warnings:
        yield Text("None.")


def _limits(e: Evaluation) -> Iterator[Item]:
    yield Items(LIMITS)
    if e.model.known_weaknesses:
        yield Text(f"Known of {f.shorten(e.model.name, 80)}:")
        yield Items([f.clean(x) for x in e.model.known_weaknesses])
    if e.dataset.known_defects:
        yield Text(f"Known of {f.shorten(e.dataset.name, 80)}:")
        yield Items([f.clean(x) for x in e.dataset.known_defects])


def _provenance(e: Evaluation, key: str) -> Iterator[Item]:
    p, m, d, c = e.provenance, e.model, e.dataset, e.comparisons
    facts: list[tuple[str, Any]] = [
        ("faceparity", p.faceparity),
        ("Commit", p.commit),
        ("Started", p.started),
        ("Command", p.command),
    ]
    facts += [("Seed", p.seed), ("Threads", p.threads), ("Device", p.device), ("Python", p.python), ("Platform", p.platform)]
    facts += [(name, version) for name, version in p.libraries.items()]
    yield _facts(f"{key}-run", "The run", facts)
    facts = [
        ("Model", m.title),
        ("Name", m.name),
        ("Version", m.version),
        ("Fingerprint", m.fingerprint),
        ("Detector", m.detector),
    ]
    facts += [
        ("Alignment", m.alignment),
        ("Input", m.input),
        ("Dimensions", m.dimensions),
        ("Score", f"{m.score.kind}, {m.score.unit}"),
    ]
    facts += [("Published threshold", m.published_threshold), ("Published in", m.published_threshold_source)]
    facts += [
        ("Probably one person from", m.likely_same_person),
        ("Trained on people of this set", (m.training_overlap_note or "yes") if m.training_overlap else "not known to be"),
        ("Its terms", m.conditions),
    ]
    facts += [
        (f"Weights: {w.get('role', i)}", ", ".join(f"{k} {v}" for k, v in w.items() if k != "role"))
        for i, w in enumerate(m.weights)
    ]
    yield _facts(f"{key}-model", "The model", facts)
    facts = [("Data set", d.name), ("Digest", d.digest), ("People", f.count(d.subjects)), ("Images", f.count(d.samples))]
    facts += [("Non-mated comparisons", f.count(c.non_mated)), ("Mated comparisons", f.count(c.mated))]
    if (s := c.sampled) is not None:
        drawn = f"{f.percent(s.share)} of {f.count(s.of)}: {s.rounds} of {s.parts} rounds, seed {s.seed}"
        facts += [("A sample of the non-mated comparisons", drawn)]
    facts += [("Ledger from similarity", c.ledger_floor), ("Ledger entries", f.count(c.ledger_entries)), ("Passes", c.passes)]
    yield _facts(f"{key}-data", "The data", facts)
