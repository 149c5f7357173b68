"""Suites without processes: what a file may say, what was made by what, plans, and going on after failures."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.registry import load_dataset
from faceparity.harness.evaluation.exclusion_file import Excluded
from faceparity.harness.evaluation.preflight import group_samples
from faceparity.harness.evaluation.resolved_options import resolve
from faceparity.harness.execution.backend import BackendGoneError, LocalBackend
from faceparity.harness.models.base.model import with_faces
from faceparity.harness.models.registry import load_model_card, open_model
from faceparity.harness.options import Options
from faceparity.harness.runs import run_folder
from faceparity.harness.scenarios.load import load_scenarios
from faceparity.harness.suite import runner as suite_run
from faceparity.harness.suite.manifest import (
    ManifestEntry,
    Record,
    ResultInputs,
    is_intact,
    read_record,
    result_inputs,
    sha256,
    write_record,
)
from faceparity.harness.suite.plan import IMAGES_PER_SECOND, make_plan
from faceparity.harness.suite.preflight import Checked, SuiteJob, check_suite
from faceparity.harness.suite.suite_file import MistakesError, Suite, SuiteFile, preset_suites, read_suite
from faceparity.harness.templates.store import Store
from faceparity.harness.verification.operating_points import Fixed

MADE = ResultInputs(version="1", code="c", libraries="l", dataset="d", model="m", options="o")


@pytest.fixture(scope="module")
def jobs() -> list[SuiteJob]:
    """Three models, of which nothing but the cards is used, on a set that comes with the package."""
    dataset, cards = load_dataset("control-tone"), [load_model_card(m) for m in ("sface", "hse-faceres", "mobileface-v3")]
    resolved = resolve(Options(workers=2))
    return [
        SuiteJob(
            dataset,
            card.name,
            card,
            replace(resolved, position=i),
            result_inputs(dataset, card.name, resolved),
            (dataset.name, card.name),
            group_samples(dataset, resolved.options.by),
        )
        for i, card in enumerate(cards)
    ]


@pytest.fixture
def checked(jobs) -> Checked:
    declared = SuiteFile(models=[j.spec for j in jobs], datasets=["control-tone"])
    return Checked(Suite("mine", "mine.toml", declared, Path()), tuple(jobs), ())


def done(job: SuiteJob, out: Path, **more: object) -> ManifestEntry:
    """An entry whose result is there."""
    folder = job.folder(out)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "results.json").write_text(f"{{}} {job.spec}")
    known = {"dataset": job.place[0], "model": job.place[1], "status": "done", "made": job.made}
    return ManifestEntry.model_validate({**known, "result": sha256(folder / "results.json"), **more})


def plan(checked: Checked, record: Record, out: Path):
    with Store(ephemeral=True) as store:
        return make_plan(checked, record, out, store)


def test_every_mistake_of_a_file_is_told(tmp_path) -> None:
    file = tmp_path / "s.toml"
    file.write_text("models = [{use = 'a', treshold = 1}]\ndatasets = [7]\nmissing = 'maybe'\nfoo = 1\n")
    with pytest.raises(MistakesError) as error:
        read_suite(str(file))
    assert len(error.value.lines) == 4
    assert any("models.1.treshold" in line for line in error.value.lines)
    assert all("\n" not in line for line in error.value.lines)


def test_the_suites_of_the_package_are_read() -> None:
    assert preset_suites() == ["registry"]
    assert read_suite("registry").declared.missing == "left out"


def test_what_differs_is_told_in_words() -> None:
    other = MADE.model_copy(update={"version": "2", "options": "p"})
    assert MADE.differs(MADE) == []
    assert MADE.differs(other) == ["faceparity 1", "other options"]


ASKED = {
    "by": ("gender",), "targets": (0.1,), "threshold": 0.5, "pool": "all", "references": ("a=b",), "seed": 1, "comparisons": 0.5,
    "include_minors": True, "keep_unread_ages": True, "device": "cuda", "faces": "centre",
}  # fmt: skip
"""Options that change a result, each with another value."""
READ = {
    "claims": ("claims", ()),
    "threshold_from": ("fixed", (Fixed("fixed", 0.5, "of another run", "m"),)),
    "scenarios": ("scenarios", load_scenarios(["watchlist-half"])),
}
"""Options that name what is read: what it is read into."""
NO_CHANGES = {"workers": 7, "dask": "tls://x:1", "ephemeral": True, "exclude": Path("x.csv")}
"""Where it is done, and a file's name: of what is left out the rows count (see below)."""


@pytest.mark.parametrize("option", Options.model_fields)
def test_every_option_that_changes_a_result_tells_it_from_others_and_no_other_does(jobs, option) -> None:
    job = jobs[0]
    if option in READ:
        name, value = READ[option]
        changed = replace(job.resolved, **{name: value})
    else:
        other = job.resolved.options.model_copy(update={option: {**ASKED, **NO_CHANGES}[option]})
        changed = replace(job.resolved, options=other)
    assert (result_inputs(job.dataset, "m", changed).options != job.made.options) == (option in ASKED or option in READ)


@pytest.mark.slow
def test_a_data_set_s_table_may_say_which_face_is_used(tmp_path: Path) -> None:
    """Its templates are then looked for under another key."""
    file = tmp_path / "s.toml"
    file.write_text('models = ["face_recognition"]\ndatasets = ["control", {use = "control-tone", faces = "centre"}]\n')
    plain, central = check_suite(read_suite(str(file)), 1, "x").jobs
    model = open_model("face_recognition")
    assert plain.made.model == model.fingerprint()
    assert central.made.model == with_faces(model, "centre").fingerprint() != model.fingerprint()


def test_how_it_is_run_tells_no_result_from_others(jobs) -> None:
    job = jobs[0]
    changed = replace(job.resolved, workers=7, command="x", position=9, backend=LocalBackend(3), device="cuda: a GPU")
    assert result_inputs(job.dataset, "m", changed).options == job.made.options


def test_exclusions_tell_a_result_from_others(jobs) -> None:
    job = jobs[0]
    left_out = Excluded(samples=np.array([3], np.int32), sample_texts=("wrong label",))
    assert result_inputs(job.dataset, "m", job.resolved, left_out).options != job.made.options


def test_a_record_is_read_as_it_was_written(tmp_path) -> None:
    record = Record(suite="s", told="t").with_entry(
        ManifestEntry(dataset="d", model="m", status="failed", made=MADE, error="ValueError")
    )
    write_record(record, tmp_path)
    assert read_record(tmp_path, "s") == record
    (tmp_path / "suite.json").write_text("{}")
    with pytest.raises(UserError, match="name another folder"):
        read_record(tmp_path, "s")


def test_the_record_is_on_the_disk_before_it_replaces_the_last(tmp_path, monkeypatch) -> None:
    done, replaced = list[str](), os.replace
    monkeypatch.setattr(os, "fsync", lambda descriptor: done.append("on the disk"))
    monkeypatch.setattr(os, "replace", lambda a, b: (done.append("in place"), replaced(a, b)))
    write_record(Record(suite="s"), tmp_path)
    assert done == ["on the disk", "in place", "on the disk"], "the file, then its name in the folder"


def test_what_lost_images_to_killed_workers_is_made_again_without_a_word(checked, tmp_path) -> None:
    first, *_ = checked.jobs
    lost = done(first, tmp_path).model_copy(update={"lost": 2})
    found = plan(checked, Record(suite="mine").with_entry(lost), tmp_path)
    assert found.done == ()
    assert [s.job for s in found.steps] == list(checked.jobs)
    assert found.stale == ()  # --again is not asked for


def test_only_what_is_missing_is_planned(checked, tmp_path) -> None:
    first, second, third = checked.jobs
    record = Record(suite="mine").with_entry(done(first, tmp_path))
    failed = done(second, tmp_path).model_copy(update={"status": "failed"})
    found = plan(checked, record.with_entry(failed), tmp_path)
    assert found.done == (first,)
    assert [s.job for s in found.steps] == [second, third]
    contents = len(set(first.dataset.content))
    assert [s.images for s in found.steps] == [contents, contents]
    assert found.seconds > 2 * contents / IMAGES_PER_SECOND / 2


def test_a_result_made_otherwise_is_refused_and_made_again_when_asked(checked, tmp_path) -> None:
    first = checked.jobs[0]
    old = first.made.model_copy(update={"code": "another"})
    found = plan(checked, Record(suite="mine").with_entry(done(first, tmp_path, made=old)), tmp_path)
    assert [why for _, why in found.stale] == ["other code of faceparity"]
    assert len(found.steps) == 3
    with pytest.raises(UserError, match="--again"):
        suite_run.refuse_mixing(found, again=False)
    suite_run.refuse_mixing(found, again=True)


def test_a_result_that_changed_on_disk_is_not_whole(checked, tmp_path) -> None:
    job = checked.jobs[0]
    entry = done(job, tmp_path)
    assert is_intact(entry, job.folder(tmp_path))
    (job.folder(tmp_path) / "results.json").write_text("{}")
    assert not is_intact(entry, job.folder(tmp_path))
    (job.folder(tmp_path) / "results.json").unlink()
    assert not is_intact(entry, job.folder(tmp_path))
    assert not is_intact(None, tmp_path)


def test_a_measured_speed_is_used(checked, tmp_path) -> None:
    slow = {"extracted": 100, "extraction_seconds": 1000.0, "comparisons": 1, "comparison_seconds": 10.0, "workers": 1}
    job = checked.jobs[0]
    other = done(job, tmp_path, **slow).model_copy(update={"dataset": "elsewhere"})
    found = plan(checked, Record(suite="mine").with_entry(other), tmp_path)
    n = found.steps[0].images
    assert found.steps[0].measured
    assert not found.steps[1].measured
    assert found.steps[0].seconds == pytest.approx(n / 0.1 / 2 + 10, rel=0.05)


def test_a_cluster_s_threads_are_what_a_plan_counts_on(checked, tmp_path) -> None:
    here = plan(checked, Record(suite="mine"), tmp_path).steps[0]
    cluster = tuple(replace(job, resolved=replace(job.resolved, backend=LocalBackend(64))) for job in checked.jobs)
    there = plan(replace(checked, jobs=cluster), Record(suite="mine"), tmp_path).steps[0]
    assert here.seconds - there.seconds == pytest.approx(here.images / IMAGES_PER_SECOND * (1 / 2 - 1 / 64), rel=0.01)


class Told:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def begins(self, step, number, of, seconds_left) -> None:
        assert seconds_left > 0
        self.lines.append(f"{number}/{of} {step.job.card.name}")

    def failed(self, job, why) -> None:
        self.lines.append(f"failed {job.card.name}: {why}")

    def loaded(self, dataset) -> None: ...

    def stage(self, text, total):
        return lambda done: None

    def extracted(self, dataset, card, templates) -> None: ...


@pytest.fixture
def runs(monkeypatch):
    """Evaluations that only write; `runs.breaks` maps a model to what it raises. Keeps which were made."""
    told = SimpleNamespace(made=[], breaks={})

    def run_one(request, dataset, spec, card, store, out, tell, log):
        folder = out / dataset.name / spec
        folder.mkdir(parents=True)
        (folder / "results.json").write_text("half")
        if spec in told.breaks:
            raise told.breaks[spec]
        (folder / "results.json").write_text(spec)
        told.made.append(spec)
        return SimpleNamespace(evaluation=SimpleNamespace(comparisons=SimpleNamespace(mated=1, non_mated=2)))

    monkeypatch.setattr(suite_run, "run_one", run_one)
    monkeypatch.setattr(suite_run, "load_results", lambda folder: [(folder / "results.json").read_text()])
    return told


def go(checked: Checked, out: Path, listener: Told):
    with suite_run.exclusive_folder(out), Store(ephemeral=True) as store:
        record = read_record(out, "mine")
        return suite_run.run_suite(make_plan(checked, record, out, store), record, checked.jobs, out, store, listener)


@pytest.mark.parametrize(
    ("error", "said", "kind"),
    [(UserError("no such\nthing"), r"no such\nthing", "UserError"), (ValueError("Jane"), "an error of its own (ValueError)", "ValueError"),
     (MemoryError(), "out of memory", "MemoryError")],
)  # fmt: skip
def test_one_that_fails_is_counted_and_tried_again(checked, runs, tmp_path, error, said, kind) -> None:
    out, told = tmp_path / "out", Told()
    runs.breaks = {"hse-faceres": error}
    finished = go(checked, out, told)
    assert finished.failed == 1
    assert finished.results == ["sface", "mobileface-v3"]
    assert any(line.startswith(f"failed hse-faceres: {said}") for line in told.lines)
    assert not any((out / "control-tone/hse-faceres").glob("*"))
    record = read_record(out, "mine")
    failed = record.entry("control-tone", "hse-faceres")
    assert failed is not None
    assert failed.error == kind
    assert "Jane" not in (out / "suite.json").read_text() + (out / "suite.log").read_text()
    runs.breaks, runs.made = {}, []
    assert go(checked, out, told).failed == 0
    assert runs.made == ["hse-faceres"]


@pytest.mark.parametrize("end", [KeyboardInterrupt(), BackendGoneError("--dask tcp://127.0.0.1:1: the scheduler is gone")])
def test_broken_off_it_goes_on_where_it_was(checked, runs, tmp_path, end) -> None:
    out, told = tmp_path / "out", Told()
    runs.breaks = {"hse-faceres": end}
    with pytest.raises(type(end)):
        go(checked, out, told)
    assert told.lines == ["1/3 sface", "2/3 hse-faceres"]  # no more are tried
    assert (out / "control-tone/hse-faceres/results.json").read_text() == "half"
    runs.breaks = {}
    finished = go(checked, out, Told())
    assert runs.made == ["sface", "hse-faceres", "mobileface-v3"]
    assert finished.results == runs.made
    assert (finished.failed, len(finished.record.entries)) == (0, 3)


def test_a_folder_of_something_else_is_refused(tmp_path) -> None:
    (tmp_path / "letter.txt").write_text("Dear …")
    with pytest.raises(UserError, match="something else"):
        suite_run.check_out(tmp_path)
    with (
        suite_run.exclusive_folder(tmp_path / "new"),
        pytest.raises(UserError, match="another suite"),
        suite_run.exclusive_folder(tmp_path / "new"),
    ):
        pass


def test_a_run_leaves_a_suites_folder_alone(tmp_path) -> None:
    with suite_run.exclusive_folder(tmp_path / "out"):
        write_record(Record(suite="s"), tmp_path / "out")
    with pytest.raises(UserError, match="something else"):
        run_folder.check_folder(tmp_path / "out")
