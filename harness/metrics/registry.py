"""The definition of a differential measure, and the list of them all.

To add one, write one decorated function (see `differential`) and a test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Rates = NDArray[np.float64]
Of = Literal["rate", "fmr", "both"]
Given = Literal["alpha", "nominal", "mated_share", "reference"]
Limits = tuple[float, float]


@dataclass(frozen=True)
class Measure:
    """One number for the spread of error rates between K groups at one threshold.

    function: its arguments are float64[..., K] (one array of rates, or FMR and FNMR), then what `given` names; it returns
    float64[...], nan where the measure is undefined. All numbers, so that thousands of draws take one call.
    of: "rate" (FMR and FNMR each), "fmr" (FMR alone), "both" (the two together).
    given: "alpha" (weight of FMR), "nominal" (the FMR that the threshold was set for), "mated_share" (float64[K], mated of all
    comparisons), "reference" (index of a group).
    limits: from K to the least and largest value. a_zero, all_zero: whether it is defined where one group, or all, made no errors.
    worse: the direction of more disparity. secondary: for comparison with other work; reports fold it away.
    per_group: it returns float64[..., K], one value for each group.
    """

    name: str
    title: str
    function: Callable[..., NDArray[np.float64]]
    of: Of
    formula: str
    range: str
    limits: Callable[[int], Limits]
    weakness: str
    zero: str
    a_zero: Literal["defined", "undefined"]
    all_zero: Literal["defined", "undefined"]
    source: str
    worse: Literal["larger", "smaller"] = "larger"
    given: tuple[Given, ...] = ()
    secondary: bool = True
    per_group: bool = False
    also: str = ""

    def __call__(self, *arguments: Rates | float) -> float | None:
        """Return the value for K rates; None where undefined."""
        value = self.over(*arguments)
        return float(value) if np.isfinite(value) else None

    def over(self, *arguments: Rates | float, **given: object) -> NDArray[np.float64]:
        """Return the values for many sets of rates at once.

        float64[...]; nan where undefined, without a warning.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(self.function(*arguments, **given), np.float64)


MEASURES: dict[str, Measure] = {}
"""By name, in the order in which they are shown."""


def measure(
    title: str,
    *,
    of: Of,
    formula: str,
    range: str,
    limits: Callable[[int], Limits],
    weakness: str,
    zero: str,
    a_zero: Literal["defined", "undefined"],
    all_zero: Literal["defined", "undefined"],
    source: str,
    worse: Literal["larger", "smaller"] = "larger",
    given: tuple[Given, ...] = (),
    secondary: bool = True,
    per_group: bool = False,
    also: str = "",
) -> Callable[[Callable[..., NDArray[np.float64]]], Measure]:
    """Register the decorated function as a measure of its name.

    The arguments are the fields of `Measure`. Raises ValueError if the name is taken.

    Examples:
        >>> @measure("half the range", of="rate", formula="(max x - min x) / 2", range="[0, 1/2]", limits=lambda k: (0.0, 0.5),
        ...          weakness="an example", zero="defined", a_zero="defined", all_zero="defined", source="none")
        ... def half_range(rates):
        ...     return np.ptp(rates, axis=-1) / 2
        >>> round(half_range(np.array([0.1, 0.3])), 6)
        0.1

        The example leaves the list as it was:

        >>> MEASURES.pop("half_range").title
        'half the range'
    """

    def register(function: Callable[..., NDArray[np.float64]]) -> Measure:
        name = function.__name__
        if name in MEASURES:
            raise ValueError(f"two differential measures called {name}")
        MEASURES[name] = Measure(
            name, title, function, of, formula, range, limits, weakness, zero, a_zero, all_zero, source, worse, given, secondary,
            per_group, also,
        )  # fmt: skip
        return MEASURES[name]

    return register


def markdown_table() -> str:
    """Return all measures as a Markdown table, as in `README.md`.

    Examples:
        >>> print(markdown_table().splitlines()[0])
        | Measure | Of | Formula | Range | Worse | With zero errors | Weakness | Source |
    """
    head = ["Measure", "Of", "Formula", "Range", "Worse", "With zero errors", "Weakness", "Source"]
    rows = [head, ["---"] * len(head)]
    of = {"rate": "FMR, FNMR", "fmr": "FMR", "both": "both"}
    for entry in MEASURES.values():
        name = f"{entry.title} (`{entry.name}`)" + (f"; {entry.also}" if entry.also else "")
        rows.append(
            [name, of[entry.of], f"`{entry.formula}`", entry.range, entry.worse, entry.zero, entry.weakness, entry.source]
        )
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |\n" for row in rows)
