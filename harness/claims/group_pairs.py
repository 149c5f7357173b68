"""A test of a claim before Holm, and the groups that it is about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from faceparity.datasets.loading.ages import parse_age
from faceparity.datasets.loading.label_vocabulary import concept_of_column, concept_value
from faceparity.harness import results
from faceparity.harness.claims.claim_file import Contrasted, Reading
from faceparity.harness.groups.groupings import SampleGrouping
from faceparity.harness.verification.rates import estimates as rates

Key = tuple[str, ...]


@dataclass(frozen=True)
class Draft:
    """A test before Holm. key: tests with one key are one test; None: none could be made. higher: whether the group's rate is the
    higher, None for neither. gates: enough errors on both sides."""

    test: results.ClaimTest
    key: Key | None = None
    higher: bool | None = None
    gates: bool = False
    estimates: tuple[rates.Estimate, rates.Estimate] | None = None


@dataclass(frozen=True)
class ClaimedPair:
    """One pair of groups of the run that a claim is about."""

    attribute: str
    group: str
    reference: str


def key_of(chosen: ClaimedPair, reading: Reading, target: float | None) -> Key:
    """What makes two tests one."""
    return (chosen.attribute, chosen.group, chosen.reference, reading.measure, reading.threshold, str(target))


def blank_of(chosen: ClaimedPair, reading: Reading, target: float | None, design: str) -> results.ClaimTest:
    """A test that could not be made, until it is."""
    return results.ClaimTest(
        attribute=chosen.attribute, group=chosen.group, reference=chosen.reference, measure=reading.measure, design=design,
        target_fmr=target, result="not_testable",
    )  # fmt: skip


def is_attribute(attribute: str, wanted: str) -> bool:
    """Whether an attribute is the one meant: by name, or as a column that stands for the concept (race, sex)."""
    return attribute == wanted or concept_of_column(attribute) == wanted


def pairs(contrast: Contrasted, singles: Sequence[SampleGrouping]) -> list[ClaimedPair]:
    """Every group that fits against every reference that fits; merged groups fit nothing."""
    for g in singles:
        attribute = g.attributes[0]
        if not is_attribute(attribute, contrast.attribute):
            continue
        names = [n for n, merged in zip(g.names, g.merged, strict=True) if not merged]
        groups, references = (
            [n for w in wanted for n in names if fits(contrast.attribute, w, n)]
            for wanted in (contrast.groups, contrast.references)
        )
        return [ClaimedPair(attribute, a, b) for a in dict.fromkeys(groups) for b in dict.fromkeys(references) if a != b]
    return []


def fits(attribute: str, wanted: str, value: str) -> bool:
    """Whether a data set's value is one that a claim names: the same word, another word for it, or an age group inside its ages."""
    if wanted == value:
        return True
    if attribute != "age_group":
        return concept_value(attribute, value) == wanted
    outer, inner = parse_age(wanted), parse_age(value)
    if outer is None or inner is None or inner.low < outer.low:
        return False
    return outer.high is None or (inner.high is not None and inner.high <= outer.high)
