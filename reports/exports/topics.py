"""Where a report answers the topics that the published scope of ISO/IEC 19795-10:2024 names.

The standard's clauses are not public; its scope and outline are. A report follows these topics; nothing more is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

METHODS = "methods"
"""The methods appendix, as a place where a topic is answered."""


class Topic(NamedTuple):
    """One topic. parts: ends of the keys of sections that answer it, or METHODS; note: how, or why it is not covered."""

    name: str
    parts: tuple[str, ...]
    note: str


SCOPE = (
    Topic(
        "Group membership: which groups, and who said so",
        ("labels", "finding"),
        "Labels as the data set gives them, with their origin.",
    ),
    Topic(
        "Phenotypic measures",
        ("covariates",),
        "Light, contrast, sharpness and size of the face region by group; skin tone only where labelled.",
    ),
    Topic(
        "Failure to enrol and to acquire",
        ("ftx",),
        "As failure to extract a template, by image. Enrolment transactions were not observed.",
    ),
    Topic("Shifts in comparison scores between groups", ("scores", "det"), "Score distributions by group."),
    Topic("Recognition error rates by group: false match", ("fmr", "matrix", "ratios"), "At one threshold for everybody."),
    Topic(
        "Recognition error rates by group: false non-match",
        ("fnmr", "both", "ratios"),
        "Where one person has two images or more.",
    ),
    Topic("Recognition error rates by group: identification (1:N)", ("scenarios", "searches"), "Where searches were run."),
    Topic("Response and processing time by group", (), "Not covered: no times are measured."),
    Topic(
        "Statistical uncertainty",
        ("fmr", "fnmr", "ratios", METHODS),
        "95 % intervals by people, multiplicity, what could have been detected.",
    ),
    Topic("Operational threshold settings", ("threshold", METHODS), "Origin of each threshold, who set it, what it achieved."),
    Topic("Equitability: differences in one figure", ("indices", METHODS), "Each index beside what equal rates would give."),
    Topic("Type of test", (METHODS,), "Technology evaluation on stored images. Scenario and operational tests: not covered."),
    Topic(
        "Demographics of the population of interest",
        (),
        "Not covered: the data sets are samples of their own; no population is claimed.",
    ),
    Topic("Procurement", (), "Not covered: open models are measured, no product on offer."),
    Topic(
        "Reporting on tests", ("provenance", "warnings", "limits"), "What was run, on what, what went wrong, what it cannot say."
    ),
)
"""Topics that the scope and outline of the standard name."""

CHECKS = (
    Topic("Claim tested", ("claims",), "Where claims were tested."),
    Topic(
        "Model, weights, detector and alignment, licence, training data", ("provenance", "labels"), "With sha256 of the weights."
    ),
    Topic("Data set, version, licence, consent", ("labels", "provenance"), ""),
    Topic("Exclusions, with and without", ("exclusions", "warnings"), "What was left out, counted."),
    Topic("Comparisons, people and errors in each cell", ("fmr", "fnmr", "matrix"), ""),
    Topic("Adjustment for several comparisons", ("ratios", METHODS), "Holm over all groups and both error rates."),
    Topic("Sensitivity to the threshold", ("sensitivity", "det", "slider"), ""),
    Topic("Sensitivity to the reference group and to labels", ("sensitivity", "exclusions", "repeats"), ""),
    Topic("Published pair lists and protocols", ("protocols",), "Where the data set publishes any."),
    Topic("Seed, commit, libraries, machine", ("provenance",), ""),
    Topic("Limits; nothing carried over to what was not tested", ("limits",), ""),
)
"""What else a reader needs to check or repeat a result, as model cards and datasheets ask for."""


def topics(sections: Sequence[Sequence[str]]) -> list[dict[str, Any]]:
    """Both lists, each topic with the sections of every evaluation that answer it: their keys, none where not covered.

    sections: the keys of each evaluation's sections, as in "e1-fmr".
    """
    titles = ("Topics in the published scope of ISO/IEC 19795-10:2024", "What else a reader needs to check a result")
    return [
        {"title": title, "topics": [_answered(t, sections) for t in those]}
        for title, those in zip(titles, (SCOPE, CHECKS), strict=True)
    ]


def _answered(topic: Topic, sections: Sequence[Sequence[str]]) -> dict[str, Any]:
    places = []
    for keys in sections:
        ends = {key.partition("-")[2]: key for key in keys}
        places.append([ends[part] for part in topic.parts if part in ends])
    return {"name": topic.name, "note": topic.note, "methods": METHODS in topic.parts, "places": places}
