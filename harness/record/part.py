"""What every part of the record is made of: strictness, reasons, intervals, rates and indices."""

from __future__ import annotations

from collections.abc import Sized
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class Part(BaseModel):
    """Unknown fields are errors; NaN and infinity are refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


NotNegative = Annotated[float, Field(ge=0)]


def same_length(what: str, length: int, **lists: Sized | None) -> None:
    """Raises ValueError, which names `what`, if a list is there and not so long: a record that was altered by hand."""
    for name, found in lists.items():
        if found is not None and len(found) != length:
            raise ValueError(f"{what}: {name} has {len(found)} entries, not {length}")


Design = Literal["within", "matched", "as_sampled", "cross", "all"]


Reason = Literal[
    "zero_errors",
    "zero_comparisons",
    "too_few_subjects",
    "too_few_subjects_for_interval",
    "too_few_errors",
    "no_mated_pairs",
    "target_out_of_reach",
    "too_few_comparisons_for_target",
    "mostly_same_person",
    "contaminated",
    "cells_too_small",
    "reference_undefined",
    "one_group",
    "no_published_threshold",
    "no_pool",
    "group_undefined",
    "below_ledger",
    "other",
]


Interval = tuple[float, float]


class Bounds(Part):
    """Upper bounds at 95 % where no error was seen."""

    independent: float
    """3 / comparisons: if comparisons were independent."""
    worst_case: float
    """3 / ⌊subjects / 2⌋: if only disjoint pairs of subjects told anything. At most 1."""


class Rate(Part):
    """An error rate of one group (or one ordered-by-name pair of groups), with its uncertainty.

    status: "ok"; "bound" (fewer than 10 errors: `interval` is [0, hi], or `bounds` at zero errors); "suppressed"
    (too few subjects: no rate, no errors). With "ok" and no interval, `reason` says why.
    """

    group: str
    group_b: str | None = None
    design: Design
    subjects: int
    subjects_b: int | None = None
    comparisons: int
    errors: int | None
    rate: NotNegative | None
    rate_including_failures: float | None = None
    """FAR or FRR: failed extractions counted as non-matches, over attempted comparisons. Null if failures were not supplied."""
    subject_weighted_rate: float | None = None
    """Mean over subjects of each one's own rate; between two groups, the mean of both groups' means."""
    interval: tuple[NotNegative, NotNegative] | None = None
    """95 %; by subjects, not by comparisons."""
    bounds: Bounds | None = None
    df: float | None = None
    effective_errors: float | None = None
    """errors / design effect, with the design effect of max(binomial, dyadic plug-in)."""
    method: str | None = None
    conditional_on_threshold: bool = False
    """The threshold was set on these very comparisons: the interval takes it as given."""
    status: Literal["ok", "bound", "suppressed"]
    reason: Reason | None = None


class Index(Part):
    """One number for the spread between groups, beside what equal rates would have given for these very data."""

    value: float | None
    null_median: float | None = None
    null_p95: float | None = None
    null_p: float | None = None
    """Share of draws under equal rates at least as extreme. It alone decides what may be said of an index."""
    status: Literal["ok", "undefined"]
    reason: Reason | None = None
    left_out: list[str] = Field(default_factory=list)
    """Groups without a shown rate, which are not in it."""
