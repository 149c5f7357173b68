"""Everything about a suite that can be checked before it runs: all mistakes at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple, TypeVar, get_args

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.sanitise import safe_name
from faceparity.datasets.registry import dataset_names, find_copy, load_dataset
from faceparity.datasets.schema.card import FacesPolicy
from faceparity.datasets.schema.dataset import Dataset
from faceparity.harness.claims import read_claims
from faceparity.harness.evaluation.exclusion_file import Excluded, read_exclusions
from faceparity.harness.evaluation.preflight import GroupedSamples, checks, group_samples
from faceparity.harness.evaluation.resolved_options import Resolved
from faceparity.harness.execution.gpu import check_device, with_device
from faceparity.harness.models.base.card import ModelCard
from faceparity.harness.models.base.model import with_faces
from faceparity.harness.models.base.spec import parse, titled
from faceparity.harness.models.registry import load_model_card, open_model
from faceparity.harness.options import Options, in_python, is_file
from faceparity.harness.runs.result_files import report_writers
from faceparity.harness.runs.transferred_thresholds import thresholds_of
from faceparity.harness.scenarios.base.schema import Scenario
from faceparity.harness.scenarios.load import load_scenarios
from faceparity.harness.suite.manifest import ResultInputs, result_inputs
from faceparity.harness.suite.suite_file import MistakesError, Suite, SuiteDataset, SuiteFile, SuiteModel
from faceparity.harness.verification.operating_points import Fixed
from faceparity.harness.verification.sampling_report import check_share

T = TypeVar("T")


@dataclass(frozen=True)
class SuiteJob:
    """One model on one data set.

    place: names of its two folders in the suite's.
    """

    dataset: Dataset
    spec: str
    card: ModelCard
    resolved: Resolved
    made: ResultInputs
    place: tuple[str, str]
    grouped: GroupedSamples
    excluded: Excluded = field(default_factory=Excluded)

    def folder(self, out: Path) -> Path:
        """Return the folder of its result."""
        return out / self.place[0] / self.place[1]

    @property
    def label(self) -> str:
        """Return what messages call it."""
        return f"{self.dataset.name} · {self.card.name}"


@dataclass(frozen=True)
class Checked:
    """A suite without mistakes.

    left_out: what is not on this machine, a line each.
    """

    suite: Suite
    jobs: tuple[SuiteJob, ...]
    left_out: tuple[str, ...]


class _Model(NamedTuple):
    spec: str
    card: ModelCard
    fingerprints: Mapping[FacesPolicy, str]
    threshold: float | None


class _Set(NamedTuple):
    dataset: Dataset
    resolved: Resolved
    grouped: GroupedSamples


@dataclass
class _Findings:
    """What is wrong, and what is only not on this machine."""

    mistakes: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def trying(self, where: str, call: Callable[[], T]) -> T | None:
        """Return what `call` returns.

        Where it raises UserError a mistake is noted, and None returned.
        """
        try:
            return call()
        except UserError as error:
            message = in_python(" ".join(str(error).split()))
            self.mistakes.append(f"{where}: {message.removeprefix(f'{where} ')}")
            return None

    def absent(self, where: str, why: str, suite: Suite) -> None:
        """Note something known that is not on this machine."""
        found = self.left_out if suite.declared.missing == "left out" else self.mistakes
        found.append(f"{where}: {why}")


def check_suite(suite: Suite, workers: int, command: str, loaded: Callable[[Dataset], None] = lambda dataset: None) -> Checked:
    """Check a suite: every label is read, every model opened.

    Nothing is extracted. loaded: called with each data set. Raises MistakesError with all that is wrong.
    """
    found, declared = _Findings(), suite.declared
    found.trying("reports", report_writers)
    device = found.trying("device", lambda: check_device(declared.device)) or "cpu"
    claims = found.trying("claims", lambda: read_claims(tuple(Path(suite.path(claim)) for claim in declared.claims)))
    base = Resolved(options=_plain(declared), command=command, workers=workers, device=device)
    base = replace(base, claims=claims) if claims is not None else base
    scenarios = bool(declared.scenarios) or any(one.scenarios for one in declared.datasets)
    excluded_file = declared.exclude is not None
    found.trying("comparisons", lambda: check_share(declared.comparisons, scenarios=scenarios, excluded=excluded_file))
    models = [model for one in declared.models if (model := _model(one, suite, found)) is not None]
    sets = [chosen_set for one in declared.datasets if (chosen_set := _dataset(one, suite, base, found, loaded)) is not None]
    _different("models", [model.card.name for model in models], found)
    _different("datasets", [chosen_set.dataset.name for chosen_set in sets], found)
    fixed = _fixed(models, suite, found)
    excluded = _excluded(sets, suite, found)
    if not found.mistakes and not (models and sets):
        found.mistakes += ["nothing that the suite names is on this machine", *found.left_out]
    if found.mistakes:
        raise MistakesError(suite.label, found.mistakes)
    each = [(chosen_set, model) for chosen_set in sets for model in models]
    jobs = [
        _job(chosen_set, model, position, fixed, excluded.get(chosen_set.dataset.name, Excluded()))
        for position, (chosen_set, model) in enumerate(each)
    ]
    return Checked(suite, tuple(jobs), tuple(found.left_out))


def _job(one: _Set, model: _Model, position: int, fixed: Sequence[Fixed], excluded: Excluded) -> SuiteJob:
    own_points = tuple(point for point in fixed if point.model == model.card.name)
    options = one.resolved.options.model_copy(update={"threshold": model.threshold})
    resolved = replace(one.resolved, options=options, fixed=own_points, position=position)
    place = (safe_name(one.dataset.name), safe_name(model.card.name))
    fingerprint = model.fingerprints[options.faces or one.dataset.card.faces]
    made = result_inputs(one.dataset, fingerprint, resolved, excluded)
    return SuiteJob(one.dataset, model.spec, model.card, resolved, made, place, one.grouped, excluded)


def _fixed(models: Sequence[_Model], suite: Suite, found: _Findings) -> tuple[Fixed, ...]:
    """Return the thresholds of `threshold_from`.

    Every model needs one.
    """
    run, names = suite.declared.threshold_from, [model.card.name for model in models]
    if run is None or not names:
        return ()
    return found.trying("threshold_from", lambda: thresholds_of(Path(suite.path(run)), names)) or ()


def _excluded(sets: Sequence[_Set], suite: Suite, found: _Findings) -> dict[str, Excluded]:
    """Return what `exclude` leaves out of each data set.

    Not read while a data set can't be read, as every row would then be a mistake.
    """
    file, datasets = suite.declared.exclude, [one.dataset for one in sets]
    if file is None or not datasets or any(line.startswith("datasets: ") for line in found.mistakes):
        return {}
    return found.trying("exclude", lambda: read_exclusions(Path(suite.path(file)), datasets)) or {}


def _model(declared: SuiteModel, suite: Suite, found: _Findings) -> _Model | None:
    """Open a model, to see that it can be.

    None, and a finding, where it can't.
    """
    where = f"models: {declared.use}"
    before = len(found.mistakes)
    spec = found.trying(where, lambda: with_device(_path_of(declared.use, suite), suite.declared.device))
    card = found.trying(where, lambda: load_model_card(spec)) if spec is not None else None
    if spec is None or card is None or len(found.mistakes) > before:
        return None
    try:
        model = open_model(spec)
        fingerprints = {policy: with_faces(model, policy).fingerprint() for policy in get_args(FacesPolicy)}
        return _Model(spec, card, fingerprints, suite.declared.merged(declared).threshold)
    except UserError as error:
        found.absent(where, " ".join(str(error).split()), suite)
        return None


def _path_of(use: str, suite: Suite) -> str:
    """Return what is typed after -m.

    Of a user's own card it is the path from here.
    """
    spec = parse(use)
    return titled(suite.path(spec.base), spec.options) if spec.is_file else use


def _dataset(
    declared: SuiteDataset, suite: Suite, base: Resolved, found: _Findings, loaded: Callable[[Dataset], None]
) -> _Set | None:
    where = f"datasets: {declared.use}"
    name, equals, folder = declared.use.partition("=")
    if not equals and name in dataset_names() and name != "folder" and find_copy(name) is None:
        found.absent(where, f"not on this machine; `faceparity fetch {name}` gets it, or says how", suite)
        return None
    options = base.options.merged(declared)
    spec = f"{name}={suite.path(folder)}" if folder else declared.use
    dataset = found.trying(
        where,
        lambda: load_dataset(spec, include_minors=options.include_minors, keep_unread_ages=options.keep_unread_ages),
    )
    scenarios = found.trying(where, lambda: _scenarios(options.scenarios, suite))
    if dataset is None or scenarios is None:
        return None
    loaded(dataset)
    resolved = replace(base, options=options, scenarios=scenarios)
    grouped = _grouped(dataset, resolved, where, found)
    return None if grouped is None else _Set(dataset, resolved, grouped)


def _plain(declared: SuiteFile) -> Options:
    """Return the file's options, without those of suites alone."""
    named = declared.model_fields_set & set(Options.model_fields)
    return Options.model_validate({name: getattr(declared, name) for name in named})


def _scenarios(names: Sequence[str], suite: Suite) -> tuple[Scenario, ...]:
    return load_scenarios([suite.path(one) if is_file(one) else one for one in names])


def _grouped(dataset: Dataset, resolved: Resolved, where: str, found: _Findings) -> GroupedSamples | None:
    """Group the samples, and check the options on them.

    None if they cannot be grouped.
    """
    grouped = found.trying(where, lambda: group_samples(dataset, resolved.options.by))
    if grouped is None:
        return None
    for check in checks(resolved, grouped):
        found.trying(where, check)
    return grouped


def _different(what: str, names: Sequence[str], found: _Findings) -> None:
    """Note names that would share a folder in the output."""
    safe = [safe_name(name) for name in names]
    for name in dict.fromkeys(name for name in safe if safe.count(name) > 1):
        found.mistakes.append(f"{what}: {safe.count(name)} of them are called {name}; name each once, or rename one")
