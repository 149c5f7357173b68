"""What a user asks of an evaluation."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..claims.claim import Stated, shipped_claims
from ..place import Place
from ..scenarios.declared import Scenario
from .measure import Fixed

DEFAULT_TARGETS = (1e-2, 1e-3)


@dataclass(frozen=True)
class Options:
    """What a user asks of a run. threshold: in the model's own unit. fixed: thresholds of other runs (`--threshold-from`).

    position: of this evaluation in its run, for the record. place: where templates and comparisons are made; None: on this machine,
    by so many `workers`.
    """

    by: tuple[str, ...] = ()
    targets: tuple[float, ...] = DEFAULT_TARGETS
    threshold: float | None = None
    fixed: tuple[Fixed, ...] = ()
    pool: str = "balanced"
    references: tuple[str, ...] = ()
    workers: int = 1
    seed: int = 0
    command: str = ""
    position: int = 0
    scenarios: tuple[Scenario, ...] = ()
    claims: tuple[Stated, ...] = field(default_factory=shipped_claims)
    share: float | None = None
    """Of the non-mated comparisons, where only a sample of them is to be made (see `comparisons.dealt`)."""
    place: Place | None = None
    device: str = "cpu"
    """What the record calls the device that comparisons are made on."""


def threads_of(options: Options) -> int:
    """How many things are done at once where templates and comparisons are made."""
    return options.place.threads if options.place else options.workers
