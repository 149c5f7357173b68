"""Tests of a claim before Holm's adjustment, and the pairs of groups that they compare."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from faceparity.datasets.loading.ages import parse_age
from faceparity.datasets.loading.label_vocabulary import concept_of_column, concept_value
from faceparity.harness import results
from faceparity.harness.claims.claim_file import ClaimedContrast, Reading
from faceparity.harness.groups.groupings import SampleGrouping
from faceparity.harness.verification.rates.estimate import Estimate

Key = tuple[str, ...]


@dataclass(frozen=True)
class Draft:
    """A test before Holm's adjustment.

    key: tests with one key are one test; None: none could be made. higher: whether the group's rate is the higher, None for
    neither. gates: enough errors on both sides.
    """

    test: results.ClaimTest
    key: Key | None = None
    higher: bool | None = None
    gates: bool = False
    estimates: tuple[Estimate, Estimate] | None = None


@dataclass(frozen=True)
class ClaimedPair:
    """One pair of groups of the run that a claim is about."""

    attribute: str
    group: str
    reference: str


def key_of(chosen: ClaimedPair, reading: Reading, target: float | None, paired: bool = False) -> Key:
    """Return the key by which equal tests are one.

    The two groups the other way round are the same test, unless the threshold is set on the reference. paired: of a controlled
    experiment, which is tested at the run's operating points, whichever threshold the claim asks for.
    """
    sides = (chosen.group, chosen.reference)
    rule = "paired" if paired else reading.threshold
    return (chosen.attribute, *(sides if rule == "reference" else sorted(sides)), reading.measure, rule, str(target))


def blank_of(chosen: ClaimedPair, reading: Reading, target: float | None, design: str) -> results.ClaimTest:
    """Return a test record marked as not testable."""
    return results.ClaimTest(
        attribute=chosen.attribute, group=chosen.group, reference=chosen.reference, measure=reading.measure, design=design,
        target_fmr=target, result="not_testable",
    )  # fmt: skip


def is_attribute(attribute: str, wanted: str) -> bool:
    """Return whether an attribute is the one wanted.

    By name, or as a column that stands for the concept (race, sex).
    """
    return attribute == wanted or concept_of_column(attribute) == wanted


def pairs(contrast: ClaimedContrast, singles: Sequence[SampleGrouping]) -> list[ClaimedPair]:
    """Return every fitting group with every fitting reference."""
    for grouping in singles:
        attribute = grouping.attributes[0]
        if not is_attribute(attribute, contrast.attribute):
            continue
        groups, references = (
            [name for value in wanted for name in grouping.names if fits(contrast.attribute, value, name)]
            for wanted in (contrast.groups, contrast.references)
        )
        return [
            ClaimedPair(attribute, group, reference)
            for group in dict.fromkeys(groups)
            for reference in dict.fromkeys(references)
            if group != reference
        ]
    return []


def fits(attribute: str, wanted: str, value: str) -> bool:
    """Return whether a claim names a data set's value.

    The same word, another word for it, or an age group inside its ages.
    """
    if wanted == value:
        return True
    if attribute != "age_group":
        return concept_value(attribute, value) == wanted
    outer, inner = parse_age(wanted), parse_age(value)
    if outer is None or inner is None or inner.low < outer.low:
        return False
    return outer.high is None or (inner.high is not None and inner.high <= outer.high)
