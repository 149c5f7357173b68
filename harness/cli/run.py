"""`faceparity run`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from faceparity.datasets import places
from faceparity.datasets.dataset import Dataset
from faceparity.datasets.errors import UserError
from faceparity.datasets.registry import load_dataset

from ..claims import read_claims
from ..device import check_device, with_device
from ..evaluation.exclusion_file import read_exclusions
from ..evaluation.options import DEFAULT_TARGETS, Options
from ..evaluation.sampled import check_share
from ..models.registry import load_model_card
from ..other_thresholds import thresholds_of
from ..out_folder import default_timed
from ..place import check_dask, chosen
from ..redraw import requested, write_requested
from ..results import TERMINAL, report_writers, safe_name
from ..run import Request, check_folder, run
from ..scenarios.load import is_file, load_scenarios
from ..templates.pipeline import cores
from ..templates.private_files import make_folder
from . import show
from .command import published_command

CONTROL = "control"
"""What is run if no data set is named: faces of nobody, which come with the package."""


@dataclass(frozen=True)
class Asked:
    """The options of `faceparity run` as typed."""

    datasets: list[str]
    models: list[str]
    by: list[str]
    targets: list[float] | None
    threshold: float | None
    threshold_from: Path | None
    pool: str
    references: list[str]
    workers: int | None
    ephemeral: bool
    include_minors: bool
    seed: int
    out: Path | None
    exclude: Path | None = None
    scenarios: list[str] = field(default_factory=list)
    claims: list[Path] = field(default_factory=list)
    formats: list[str] = field(default_factory=list)
    """Of report, beyond those that every run writes."""
    comparisons: float | None = None
    device: str = "cpu"
    dask: str | None = None


def check_targets(targets: list[float] | None) -> tuple[float, ...]:
    """The targets, highest first, each once. Raises UserError unless all lie between 0 and 1."""
    for target in targets or ():
        if not 0 < target < 1:
            raise UserError(f"--target-fmr {target:g}: a false match rate lies between 0 and 1, as in 0.001")
    return tuple(sorted(set(targets or DEFAULT_TARGETS), reverse=True))


def run_command(asked: Asked) -> None:
    """Load, run, show. Raises UserError."""
    targets = check_targets(asked.targets)
    check_dask(asked.dask, asked.workers)
    share = check_share(asked.comparisons, scenarios=bool(asked.scenarios), excluded=asked.exclude is not None)
    device, command, workers = check_device(asked.device), command_of(asked), asked.workers or cores()
    asked = replace(asked, models=[with_device(m, asked.device) for m in asked.models])
    requested(asked.formats)
    out = asked.out or default_timed("run")
    check_folder(out)
    if not asked.ephemeral:
        make_folder(places.keys())
    fixed = thresholds_of(asked.threshold_from, [load_model_card(m).name for m in asked.models]) if asked.threshold_from else ()
    options = Options(
        by=tuple(asked.by), targets=targets, threshold=asked.threshold, fixed=fixed, pool=asked.pool,
        references=tuple(asked.references), workers=workers, seed=asked.seed, command=command,
        scenarios=load_scenarios(asked.scenarios), claims=read_claims(tuple(asked.claims)),
        share=share, device=device,
    )  # fmt: skip
    with show.Screen() as screen, chosen(workers, asked.device, asked.dask, screen.line) as place:
        options = replace(options, place=place)
        datasets = [_load(spec, asked.include_minors, screen) for spec in dict.fromkeys(asked.datasets or [CONTROL])]
        _check_names(datasets)
        exclusions = read_exclusions(asked.exclude, datasets) if asked.exclude else {}
        results = run(Request(datasets, asked.models, options, out, asked.ephemeral, exclusions), screen)
    further = write_requested(results, out, asked.formats)
    report_writers()[TERMINAL](results, out)
    show.say("\n".join([f"Report: {out / 'report.html'}", *further]))


def command_of(asked: Asked) -> str:
    """The command, for the record."""
    return published_command(
        "run",
        [
            ("-d", asked.datasets or [CONTROL]), ("-m", asked.models), ("--by", asked.by), ("--target-fmr", asked.targets),
            ("--threshold", asked.threshold), ("--threshold-from", asked.threshold_from),
            ("--pool", asked.pool if asked.pool != "balanced" else None), ("--reference", asked.references),
            ("--exclude", asked.exclude), ("--scenario", [Path(s) if is_file(s) else s for s in asked.scenarios]),
            ("--claim", asked.claims), ("--comparisons", asked.comparisons),
            ("--device", asked.device if asked.device != "cpu" else None), ("--workers", asked.workers),
            ("--dask", "ADDRESS" if asked.dask else None), ("--ephemeral", asked.ephemeral),
            ("--include-minors", asked.include_minors), ("--seed", asked.seed or None),
            *((f"--{name}", True) for name in asked.formats), ("--out", asked.out),
        ],
    )  # fmt: skip


def _load(spec: str, include_minors: bool, screen: show.Screen) -> Dataset:
    dataset = load_dataset(spec, include_minors=include_minors)
    screen.loaded(dataset)
    return dataset


def _check_names(datasets: list[Dataset]) -> None:
    """Each data set has a folder of its own in the output."""
    names = [safe_name(d.name) for d in datasets]
    for name in names:
        if names.count(name) > 1:
            raise UserError(f"two data sets are called {name}: rename one folder, or run them apart")
