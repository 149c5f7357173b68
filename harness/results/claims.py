"""What people claim, as statements that were testable before the run, and what this model on this data set says to each."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from faceparity.harness.results.groups import FewErrors
from faceparity.harness.results.parts.base import Count, Interval, NotNegative, Part, Positive, Rate, RatioInterval, Reason, Share

ClaimVerdict = Literal["borne_out", "contradicted", "mixed", "inconclusive", "not_testable"]
ClaimResult = Literal["as_claimed", "opposite", "inconclusive", "not_testable"]
ClaimRule = Literal["own", "reference", "one", "none"]
"""Which threshold: each cohort's own; one for all, set on the reference group; one for all, the run's operating points; none (scores)."""

ClaimReason = (
    Reason
    | Literal["synthetic", "no_experiment", "no_such_label", "not_grouped", "proxy_label", "no_measure", "target_not_asked"]
)


class ClaimQuote(Part):
    """Exact words, who said them and where, and how that is known: read at the source, in another text that quotes it, or our own."""

    who: str
    text: str
    where: str
    known: Literal["source", "secondary", "own"]


class ClaimTest(Part):
    """One group against one reference at one threshold.

    Rates are at `threshold`, or under "own" the group's at `threshold` and the reference's at `reference_threshold`. value and
    reference_value: mean scores, where the measure is one. difference: of a controlled experiment, on the same subjects.
    p: of a set without subject labels the larger of those with and without comparisons that look like one person; p_holm: over all
    claims' tests of this model and data set. result: "as_claimed" or "opposite" only past the gates (effective errors, Holm
    p < 0.05), else "inconclusive", with the ratio that these data would have detected with 80 % power.
    """

    attribute: str
    group: str
    reference: str
    measure: Literal["fmr", "fnmr", "non_mated_score", "mated_score"]
    design: str
    """"matched", "within" or "as_sampled", as of rates; "paired" in a controlled experiment."""
    target_fmr: Share | None = None
    threshold: float | None = None
    native_threshold: float | None = None
    reference_threshold: float | None = None
    native_reference_threshold: float | None = None
    rate: Rate | None = None
    reference_rate: Rate | None = None
    value: float | None = None
    reference_value: float | None = None
    difference: float | None = None
    difference_interval: Interval | None = None
    ratio: NotNegative | None = None
    interval: RatioInterval | None = None
    df: Positive | None = None
    p: Share | None = None
    p_holm: Share | None = None
    few_errors: FewErrors | None = None
    """Where the lower side has few errors: what the ratio is at least, in place of `ratio`."""
    ratio_without_repeats: NotNegative | None = None
    """Without comparisons that look like one person under two names, where they matter."""
    same_person_share: Share | None = None
    """Share of such comparisons among the errors that set the threshold, where it is contaminated: more than 5 %. Of two thresholds,
    the larger share."""
    detectable_ratio: NotNegative | None = None
    needs_comparisons: Count | None = None
    result: ClaimResult
    reason: ClaimReason | None = None
    detail: str = ""


class ClaimReading(Part):
    """A claim read in one way. A verdict is of this model on this data set in this reading, and of nothing else.

    borne_out: some test as claimed and none opposite; contradicted: some opposite and none as claimed; mixed: some of either;
    inconclusive: no test says either. How many of the tests, and which, is in `tests`.
    """

    reading: Literal["as_measured", "operational"]
    measure: Literal["fmr", "fnmr", "non_mated_score", "mated_score"] | None
    expects: Literal["higher", "lower"] | None
    threshold: ClaimRule | None
    note: str = ""
    """What distinguishes this reading, in the claim's own words."""
    verdict: ClaimVerdict
    reason: ClaimReason | None = None
    detail: str = ""
    tests: list[ClaimTest] = Field(default_factory=list)
    """Of a reading that is not testable because the label is another one (`proxy_label`): what that other label shows."""


class Claim(Part):
    """One claim. sha256: of the file that states it, as it was when the run was made."""

    name: str
    title: str
    sha256: str
    shipped: bool
    """False: the user's own, `--claim`."""
    about: Literal["people", "experiment"]
    quotes: list[ClaimQuote]
    measures: str
    hypothesis: str
    bears_out: str
    contradicts: str
    limits: str
    readings: list[ClaimReading]
