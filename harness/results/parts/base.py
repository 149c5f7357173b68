"""What every part of the record is made of: strictness, reasons, intervals, rates and indices."""

from __future__ import annotations

from collections.abc import Sized
from dataclasses import replace
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, GetCoreSchemaHandler
from pydantic_core import CoreSchema

from faceparity.datasets.common.bounded_json import RECORD_LIMITS, JsonLimits


def _stop_at_a_fault(schema: Any) -> None:
    if isinstance(schema, dict):
        if schema.get("type") == "list":
            schema["fail_fast"] = True
        for part in schema.values():
            _stop_at_a_fault(part)
    elif isinstance(schema, list):
        for part in schema:
            _stop_at_a_fault(part)


class Part(BaseModel):
    """Unknown fields are errors; NaN and infinity are refused. Of a list the first item that is wrong is the last looked at."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return pydantic's schema with lists that stop at a fault.

        Millions of errors would take more memory than the file.
        """
        schema = handler(source)
        _stop_at_a_fault(schema)
        return schema


ROUNDING = 1e-9
"""How far sums of floating-point numbers may miss 0 or 1."""


def _rounded(value: Any) -> Any:
    """Round to 0 or 1 what nearly is it.

    A share is never refused for its last digit.
    """
    if isinstance(value, float) and (-ROUNDING <= value < 0 or 1 < value <= 1 + ROUNDING):
        return min(1.0, max(0.0, value))
    return value


def _rising(interval: tuple[float, float]) -> tuple[float, float]:
    low, high = interval
    if low > high + ROUNDING * max(1.0, abs(high)):
        raise ValueError(f"the lower end {low:g} is above the upper end {high:g}")
    return interval


Count = Annotated[int, Field(ge=0)]
NotNegative = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1), BeforeValidator(_rounded)]
"""A rate, a share, a p-value or a weight: from 0 to 1."""


@cache
def limits() -> JsonLimits:
    """Return the limits on reading a record.

    With the names of all fields of all parts.
    """
    found, parts = set(), [Part]
    for part in parts:
        parts += part.__subclasses__()
        found |= {(field.alias or name).encode() for name, field in part.model_fields.items()}
    return replace(RECORD_LIMITS, names=frozenset(found))


def same_length(what: str, length: int, **lists: Sized | None) -> None:
    """Raise ValueError for a list of another length.

    Its message names `what`. None is allowed. Lists differ in a record that was altered by hand.
    """
    for name, found in lists.items():
        if found is not None and len(found) != length:
            raise ValueError(f"{what}: {name} has {len(found)} entries, not {length}")


MeanOver = Literal["cells", "galleries", "draws"]

Design = Literal["within", "matched", "as_sampled", "cross", "all"]


Reason = Literal[
    "zero_errors",
    "group_zero_errors",
    "reference_zero_errors",
    "first_zero_errors",
    "second_zero_errors",
    "some_zero_errors",
    "zero_comparisons",
    "too_few_subjects",
    "too_few_subjects_for_interval",
    "too_few_errors",
    "too_few_errors_in_higher",
    "too_few_errors_in_lower",
    "too_few_discordant",
    "no_mated_pairs",
    "target_out_of_reach",
    "too_few_comparisons_for_target",
    "too_few_effective_errors",
    "mostly_same_person",
    "contaminated",
    "readings_differ",
    "no_second_reading",
    "no_cells",
    "cells_too_small",
    "cells_few_mated",
    "reference_undefined",
    "one_group",
    "no_published_threshold",
    "no_pool",
    "group_undefined",
    "below_ledger",
    "mated_not_above",
    "fnmr_over_half",
    "all_failed",
    "every_comparison_wrong",
    "too_long_to_resample",
    "gallery_too_small",
    "other",
]
"""Why a figure is missing or a difference not called. `reports/wording/verdicts/reasons.py` has the words of each.

zero_errors: on no side; group_, reference_, first_ and second_zero_errors: on that side alone; some_zero_errors: in some of several
rates. too_few_discordant: too few comparisons on which two models differ. contaminated: of an operating point, too many of the
pool's errors look like one person; readings_differ: of a difference, with and without such comparisons; no_second_reading: without
them nothing can be compared. cells_…: of the cells of the other attributes, over which a matched rate is the mean. other: written by
versions that did not name the reason.
"""


Interval = Annotated[tuple[float, float], AfterValidator(_rising)]
RatioInterval = Annotated[tuple[NotNegative, NotNegative], AfterValidator(_rising)]
ShareInterval = Annotated[tuple[Share, Share], AfterValidator(_rising)]


class Bounds(Part):
    """The limits of what may be concluded where no error was seen, for experts: `interval` has the bound to go by.

    In records without `Rate.interval` at zero errors they are the only bounds, and `independent` was 3 / comparisons.
    """

    independent: Share
    """3.69 / comparisons: the bound if comparisons were independent."""
    worst_case: Share
    """3 / ⌊subjects / 2⌋: if only disjoint pairs of subjects told anything. At most 1."""


class Rate(Part):
    """An error rate of one group (or one ordered-by-name pair of groups), with its uncertainty.

    status: "ok"; "bound" (fewer than 10 errors: `interval` is [0, hi]); "suppressed" (too few subjects: no rate, no errors).
    With "ok" and no interval, `reason` says why.
    """

    group: str
    group_b: str | None = None
    design: Design
    subjects: Count
    subjects_b: Count | None = None
    comparisons: Count
    errors: Count | None
    rate: Share | None
    rate_including_failures: Share | None = None
    """FAR or FRR: failed extractions counted as non-matches, over attempted comparisons. Null if failures were not supplied."""
    mean_over: MeanOver | None = None
    """What the rate is a mean over, so that it need not be errors / comparisons: `parts` cells, or published galleries, each weighing
    the same; or all lists or galleries that could be drawn, where an error is a person, or search, that was wrong with some of them,
    or the expected number of errors is rounded."""
    parts: Count | None = None
    """How many cells or published galleries; null for draws."""
    subject_weighted_rate: Share | None = None
    """Mean over subjects of each one's own rate; between two groups, the mean of both groups' means."""
    interval: ShareInterval | None = None
    """95 %; by subjects, not by comparisons."""
    bounds: Bounds | None = None
    df: Positive | None = None
    effective_errors: NotNegative | None = None
    """errors / design effect, with the design effect of max(binomial, dyadic plug-in)."""
    design_effect: NotNegative | None = None
    """By which comparisons are divided for the bound on few errors and for comparisons of rates: the largest of the group's own and
    those of like groups at this threshold. Of a mean, the largest of its cells'. Null where no like group has an error."""
    method: str | None = None
    conditional_on_threshold: bool = False
    """The threshold was set on these very comparisons: the interval takes it as given."""
    status: Literal["ok", "bound", "suppressed"]
    reason: Reason | None = None

    @property
    def upper(self) -> float | None:
        """Return the upper end of what the rate may be.

        Of records of before, which have no interval without errors, the bound by disjoint pairs of subjects.
        """
        if self.interval is not None:
            return self.interval[1]
        return None if self.bounds is None else self.bounds.worst_case


class Index(Part):
    """One number for the spread between groups, beside what equal rates would have given for these very data."""

    value: float | None
    null_median: float | None = None
    null_p95: float | None = None
    null_p: Share | None = None
    """Share of draws under equal rates at least as extreme. It alone decides what may be said of an index."""
    status: Literal["ok", "undefined"]
    reason: Reason | None = None
    left_out: list[str] = Field(default_factory=list)
    """Groups without a shown rate, which are not in it."""
