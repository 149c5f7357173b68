"""Where a report answers what the published scope of ISO/IEC 19795-10:2024 names.

The standard's clauses are not public; its scope and outline are. A report follows them; nothing more is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from faceparity.reports.topics.registry import topics

METHODS = "methods"
"""Stands among a question's parts for the methods appendix."""
OPTIONAL = "optional"
"""Stands among a question's parts for the optional topics that answer it."""


class ReportingQuestion(NamedTuple):
    """One thing to report on.

    parts: ends of the keys of sections that answer it, METHODS, or OPTIONAL where the optional topics that do are to stand
    (else last). note: how, or why it is not covered.
    """

    name: str
    parts: tuple[str, ...]
    note: str


SCOPE = (
    ReportingQuestion(
        "Group membership: which groups, and who said so",
        ("labels", "finding"),
        "Labels as the data set gives them, with their origin.",
    ),
    ReportingQuestion(
        "Phenotypic measures",
        ("covariates",),
        "Light, contrast, sharpness and size of the face region by group; skin tone only where labelled.",
    ),
    ReportingQuestion(
        "Failure to enrol and to acquire",
        ("ftx",),
        "As failure to extract a template, by image. Enrolment transactions were not observed.",
    ),
    ReportingQuestion("Shifts in comparison scores between groups", ("scores", "det"), "Score distributions by group."),
    ReportingQuestion(
        "Recognition error rates by group: false match", ("fmr", "matrix", "ratios"), "At one threshold for everybody."
    ),
    ReportingQuestion(
        "Recognition error rates by group: false non-match",
        ("fnmr", "both", "ratios"),
        "Where one person has two images or more.",
    ),
    ReportingQuestion("Recognition error rates by group: identification (1:N)", (), "Where searches were run."),
    ReportingQuestion("Response and processing time by group", (), "Not covered: no times are measured."),
    ReportingQuestion(
        "Statistical uncertainty",
        ("fmr", "fnmr", "ratios", METHODS),
        "95 % intervals by people, multiplicity, what could have been detected.",
    ),
    ReportingQuestion(
        "Operational threshold settings", ("threshold", METHODS), "Origin of each threshold, who set it, what it achieved."
    ),
    ReportingQuestion(
        "Equitability: differences in one figure", ("indices", METHODS), "Each index beside what equal rates would give."
    ),
    ReportingQuestion(
        "Type of test", (METHODS,), "Technology evaluation on stored images. Scenario and operational tests: not covered."
    ),
    ReportingQuestion(
        "Demographics of the population of interest",
        (),
        "Not covered: the data sets are samples of their own; no population is claimed.",
    ),
    ReportingQuestion("Procurement", (), "Not covered: open models are measured, no product on offer."),
    ReportingQuestion(
        "Reporting on tests", ("provenance", "warnings", "limits"), "What was run, on what, what went wrong, what it cannot say."
    ),
)
"""Topics that the scope and outline of the standard name."""

CHECKS = (
    ReportingQuestion("Claim tested", (), "Where claims were tested."),
    ReportingQuestion(
        "Model, weights, detector and alignment, licence, training data", ("provenance", "labels"), "With sha256 of the weights."
    ),
    ReportingQuestion("Data set, version, licence, consent", ("labels", "provenance"), ""),
    ReportingQuestion("Exclusions, with and without", (OPTIONAL, "warnings"), "What was left out, counted."),
    ReportingQuestion("Comparisons, people and errors in each cell", ("fmr", "fnmr", "matrix"), ""),
    ReportingQuestion("Adjustment for several comparisons", ("ratios", METHODS), "Holm over all groups and both error rates."),
    ReportingQuestion("Sensitivity to the threshold", ("sensitivity", "det", "slider"), ""),
    ReportingQuestion("Sensitivity to the reference group and to labels", ("sensitivity", OPTIONAL, "repeats"), ""),
    ReportingQuestion("Published pair lists and protocols", (), "Where the data set publishes any."),
    ReportingQuestion("Seed, commit, libraries, machine", ("provenance",), ""),
    ReportingQuestion("Limits; nothing carried over to what was not tested", ("limits",), ""),
)
"""What else a reader needs to check or repeat a result, as model cards and datasheets ask for."""


def answers(sections: Sequence[Sequence[str]]) -> list[dict[str, Any]]:
    """Return both lists of questions, with sections that answer.

    sections: the keys of each evaluation's sections, as in "e1-fmr". A question that none answers is not covered.
    """
    titles = ("Topics in the published scope of ISO/IEC 19795-10:2024", "What else a reader needs to check a result")
    return [
        {"title": title, "topics": [_answered(question, sections) for question in questions]}
        for title, questions in zip(titles, (SCOPE, CHECKS), strict=True)
    ]


def parts_of(question: ReportingQuestion) -> list[str]:
    """Return the sections that answer a question.

    By the ends of their keys, optional topics among them by name.
    """
    optional = sorted(topic.name for topic in topics() if question.name in topic.answers)
    parts = question.parts if OPTIONAL in question.parts else (*question.parts, OPTIONAL)
    return [end for part in parts for end in (optional if part == OPTIONAL else [part])]


def _answered(question: ReportingQuestion, sections: Sequence[Sequence[str]]) -> dict[str, Any]:
    places = []
    parts = parts_of(question)
    for keys in sections:
        ends = {key.partition("-")[2]: key for key in keys}
        places.append([ends[part] for part in parts if part in ends])
    return {"name": question.name, "note": question.note, "methods": METHODS in parts, "places": places}
