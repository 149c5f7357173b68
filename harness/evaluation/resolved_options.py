"""Options of a run resolved: files read, names looked up, and the machine chosen that does the work."""

from __future__ import annotations

from dataclasses import dataclass, field

from faceparity.harness.claims import read_claims
from faceparity.harness.claims.claim_file import StatedClaim, shipped_claims
from faceparity.harness.execution.backend import Backend
from faceparity.harness.options import Options
from faceparity.harness.scenarios.base.schema import Scenario
from faceparity.harness.scenarios.load import load_scenarios
from faceparity.harness.verification.operating_points import Fixed
from faceparity.harness.verification.sampling_report import check_share


@dataclass(frozen=True)
class Resolved:
    """Options with everything read that they name.

    fixed: thresholds of other runs (`threshold_from`). position: of this evaluation in its run, for the record. backend: where
    templates and comparisons are made; None: on this machine, by so many `workers`. device: what the record calls it.
    """

    options: Options = field(default_factory=Options)
    scenarios: tuple[Scenario, ...] = ()
    claims: tuple[StatedClaim, ...] = field(default_factory=shipped_claims)
    fixed: tuple[Fixed, ...] = ()
    command: str = ""
    position: int = 0
    workers: int = 1
    backend: Backend | None = None
    device: str = "cpu"

    @property
    def share(self) -> float | None:
        """Return the share of non-mated comparisons to make.

        Where only a sample of them is to be made (see `comparisons.subsampling`); None: all.
        """
        return None if self.options.comparisons == 1 else self.options.comparisons

    @property
    def threads(self) -> int:
        """How many things are done at once where templates and comparisons are made."""
        return self.backend.threads if self.backend else self.workers


def resolve(options: Options, *, command: str = "", workers: int | None = None) -> Resolved:
    """Read the files that options name.

    And check those that exclude each other. Raises UserError.
    """
    check_share(options.comparisons, scenarios=bool(options.scenarios), excluded=options.exclude is not None)
    return Resolved(
        options=options,
        scenarios=load_scenarios(options.scenarios),
        claims=read_claims(options.claims),
        command=command,
        workers=workers or options.workers or 1,
    )


def as_resolved(asked: Options | Resolved) -> Resolved:
    """Return options as resolved.

    Resolves them unless a run has done so. Raises UserError.
    """
    return asked if isinstance(asked, Resolved) else resolve(asked)
