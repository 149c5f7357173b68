"""Workers that are killed: no image is stored as failed for it, the run ends, and the result says what happened."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from faceparity.datasets.common.errors import UserError
from faceparity.harness.execution import process_pool, worker_deaths, worker_process
from faceparity.harness.execution.worker_process import WorkersEndedError
from faceparity.harness.models.base.model import Extraction
from faceparity.harness.templates import extract as pipeline
from faceparity.harness.templates.extract import BATCH, Templates, extract, store_key
from faceparity.harness.templates.store import NOT_BELIEVED, Store
from tests.harness import templates_fake as fake
from tests.harness import toy

KILLED = "its worker was killed by SIGKILL"
CRASHED = "crashed the process that read it (SIGSEGV)"

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="signals")]


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own; workers for any number of images; no pauses."""
    monkeypatch.setenv("FACEPARITY_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(pipeline, "WORTH_A_PROCESS", 0)
    monkeypatch.setattr(process_pool, "PAUSES", (0.0,))
    return tmp_path / "home"


def run(dataset: object, workers: int = 2, name: str = "fake") -> Templates:
    with Store() as store:
        return extract(dataset, name, store=store, workers=workers, opener=fake.open_fake)  # type: ignore[arg-type]


def countdown(folder: Path, kills: int, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of so many files: as often are processes killed (see `templates_fake`)."""
    folder.mkdir()
    for k in range(kills):
        (folder / str(k)).touch()
    monkeypatch.setenv("COUNTDOWN", str(folder))
    return folder


@pytest.mark.parametrize("kills", [1, 2, process_pool.TRIES])
def test_an_image_whose_worker_is_killed_a_few_times_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kills: int) -> None:
    left = countdown(tmp_path / "kills", kills, monkeypatch)
    got = run(fake.make_dataset(tmp_path / "faces", 2 * BATCH, {3: fake.KILLED}))
    assert list(left.iterdir()) == []
    assert got.status.tolist() == ["ok"] * 2 * BATCH


def test_an_image_whose_worker_is_always_killed_fails_in_this_run_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = countdown(tmp_path / "kills", 100, monkeypatch)
    dataset = fake.make_dataset(tmp_path / "faces", 2 * BATCH, {3: fake.KILLED})
    got = run(dataset)
    assert got.status.tolist() == ["ok"] * 3 + ["unreadable"] + ["ok"] * (2 * BATCH - 4)
    assert got.reasons[3] == KILLED
    # With the others, with its batch, and not more often than it is given tries; one may meet a worker that is not fresh.
    assert len(list(left.iterdir())) >= 100 - (3 + process_pool.TRIES)
    assert worker_deaths.lost_warnings(got.reasons) == [
        "1 image: the worker was killed by SIGKILL, as the system does when memory runs out. It counts as failed in this result "
        "only, nothing of that is stored, and the next run tries again: run with fewer --workers, or free memory."
    ]
    for file in left.iterdir():
        file.unlink()
    again = run(dataset)
    assert again.extracted == 1
    assert again.status.tolist() == ["ok"] * 2 * BATCH


def test_several_whose_workers_are_always_killed_cost_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_pool, "MANY", 2)
    monkeypatch.setattr(process_pool, "TRIES_AFTER_MANY", 1)
    bad = [1, 2, 3, 12]
    dataset = fake.make_dataset(tmp_path / "faces", 3 * BATCH, dict.fromkeys(bad, fake.KILLED))
    got = run(dataset)
    assert [k for k, reason in enumerate(got.reasons) if reason == KILLED] == bad
    assert got.vectors.shape[0] == 3 * BATCH - len(bad)
    assert run(dataset).extracted == len(bad)


@pytest.mark.parametrize(
    ("what", "reason", "stored"),
    [("CRASHES", CRASHED, True), ("EXITS", "its worker ended with exit status 3", False), ("KILLED", KILLED, False)],
)
def test_only_what_crashes_by_itself_is_stored(tmp_path: Path, what: str, reason: str, stored: bool) -> None:
    dataset = fake.make_dataset(tmp_path / "faces", 4, {2: getattr(fake, what)})
    got = run(dataset)
    assert got.reasons == ("", "", reason, "")
    with Store() as store:
        known = store.get(store_key(got.model_fingerprint), dataset.content)
    assert (dataset.content[2] in known) == stored
    assert len(known) == 3 + stored
    assert (worker_deaths.lost_warnings(got.reasons) == []) == stored


def test_one_crash_is_not_enough_to_be_stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[worker_process.Batch] = []
    crash = worker_deaths.by_exit_code(-signal.SIGSEGV)

    class Once(process_pool._Retries):
        def _attempt(self, batch: worker_process.Batch) -> list[process_pool.ImageOutcome]:
            seen.append(batch)
            if len(seen) == 1:
                raise worker_process.WorkerDiedError(crash, starting=False, fresh=True)
            return super()._attempt(batch)

    dataset = fake.make_dataset(tmp_path / "faces", 1)
    with worker_process.Workers("fake", fake.open_fake) as workers:
        (outcome,) = Once(workers).outcomes([process_pool.ImageJob(str(dataset.root / dataset.files[0]), dataset.content[0])])
    assert len(seen) == 2
    assert outcome.extraction.status == "ok"


def test_what_earlier_versions_stored_as_a_crash_is_tried_again(tmp_path: Path) -> None:
    dataset = fake.make_dataset(tmp_path / "faces", 6, {4: b"no image"})
    key = store_key(fake.FakeModel("fake").fingerprint())
    assert NOT_BELIEVED == "crashed the decoder"
    with Store() as store:
        store.put(key, {dataset.content[k]: Extraction("unreadable", reason=NOT_BELIEVED) for k in (0, 3)})
        store.put(key, {dataset.content[4]: Extraction("unreadable", reason="not an image")})
    got = run(dataset)
    assert got.extracted == 5
    assert got.status.tolist() == ["ok", "ok", "ok", "ok", "unreadable", "ok"]
    assert run(dataset).extracted == 0


def test_what_is_not_believed_stays_so_where_there_is_an_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from faceparity.harness.templates import shard_index

    monkeypatch.setattr(shard_index, "WORTH_IT", 1)
    key = store_key(fake.FakeModel("fake").fingerprint())
    with Store() as store:
        store.put(key, {"a" * 64: Extraction("unreadable", reason=NOT_BELIEVED)})
        assert [store.get(key, ["a" * 64]) for _ in range(2)] == [{}, {}]
        store.put(key, {"a" * 64: Extraction("no_face", reason="no face found")})
        assert [store.get(key, ["a" * 64])["a" * 64].status for _ in range(2)] == ["no_face"] * 2


@pytest.mark.parametrize("kills", [1, 3, process_pool.KILLS_TOGETHER + process_pool.STARTS - 1])
def test_workers_killed_while_they_start_are_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kills: int) -> None:
    countdown(tmp_path / "kills", kills, monkeypatch)
    assert run(fake.make_dataset(tmp_path / "faces", 6), name="killed_at_start").status.tolist() == ["ok"] * 6


def test_workers_always_killed_while_they_start_are_one_error_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = countdown(tmp_path / "kills", 100, monkeypatch)
    dataset = fake.make_dataset(tmp_path / "faces", 6)
    with pytest.raises(WorkersEndedError, match=r"killed by SIGKILL, as the system does when memory runs out: .*--workers"):
        run(dataset, name="killed_at_start")
    assert len(list(left.iterdir())) >= 100 - (process_pool.KILLS_TOGETHER + 1 + process_pool.STARTS)
    for file in left.iterdir():
        file.unlink()
    assert run(dataset, name="killed_at_start").status.tolist() == ["ok"] * 6


@pytest.mark.parametrize("number", [1, 3, 100])
def test_a_system_that_starts_no_process_is_tried_again_and_said_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    from multiprocessing.context import SpawnProcess

    start, failures = SpawnProcess.start, [0] * number

    def failing(self: SpawnProcess) -> None:
        if failures:
            failures.pop()
            raise OSError(12, "Cannot allocate memory")
        start(self)

    monkeypatch.setattr(SpawnProcess, "start", failing)
    dataset = fake.make_dataset(tmp_path / "faces", 6)
    if number == 100:
        with pytest.raises(WorkersEndedError, match=r"could not be started \(Cannot allocate memory\): run with fewer --workers"):
            run(dataset)
    else:
        assert run(dataset).status.tolist() == ["ok"] * 6


def test_a_worker_that_ends_by_itself_as_it_starts_is_not_tried_again(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="worker processes do not start; in a script"):
        run(fake.make_dataset(tmp_path / "faces", 6), name="exits_at_start")


def test_what_opening_a_model_raises_in_a_worker_is_raised(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="only in workers"):
        run(fake.make_dataset(tmp_path / "faces", 6), name="raises_at_start")


def test_a_run_of_which_every_worker_is_killed_is_an_error_and_nothing_is_stored(tmp_path: Path) -> None:
    dataset = fake.make_dataset(tmp_path / "faces", 3, dict.fromkeys(range(3), fake.KILLED))
    with pytest.raises(WorkersEndedError, match=r"no image could be read: the worker was killed by SIGKILL"):
        run(dataset)
    with Store() as store:
        assert store.get(store_key(fake.FakeModel("fake").fingerprint()), dataset.content) == {}


@pytest.mark.parametrize("every", [1, 2])
def test_kills_while_batches_come_in_store_nothing_false(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, every: int) -> None:
    """Each worker that was sent something is killed, whatever it is at: each of every `every` times."""
    send, count = worker_process.WorkerProcess.send, [0]

    def killing(self: worker_process.WorkerProcess, batch: Sequence[process_pool.ImageJob]) -> None:
        send(self, batch)
        count[0] += 1
        if count[0] % every == 0 and count[0] < 20:
            assert self.process.pid is not None
            os.kill(self.process.pid, signal.SIGKILL)

    monkeypatch.setattr(worker_process.WorkerProcess, "send", killing)
    dataset = fake.make_dataset(tmp_path / "faces", 4 * BATCH, {5: b"no image"})
    got = run(dataset)
    assert set(got.reasons) <= {"", "not an image", KILLED}
    with Store() as store:
        known = store.get(store_key(got.model_fingerprint), dataset.content)
    assert {one.reason for one in known.values()} <= {"", "not an image"}
    monkeypatch.undo()
    monkeypatch.setenv("FACEPARITY_HOME", str(tmp_path / "home"))
    again = run(dataset)
    assert again.extracted == got.reasons.count(KILLED)
    assert [k for k, status in enumerate(again.status) if status != "ok"] == [5]


@pytest.mark.parametrize(
    ("code", "words", "crash", "outside"),
    [
        (-9, "was killed by SIGKILL", "", True),
        (-15, "was killed by SIGTERM", "", True),
        (-11, "was killed by SIGSEGV", "SIGSEGV", False),
        (-6, "was killed by SIGABRT", "SIGABRT", False),
        (-63, "was killed by signal 63", "", True),
        (0xC0000005, "ended by access violation", "access violation", False),
        (0, "ended with exit status 0", "", False),
        (3, "ended with exit status 3", "", False),
        (None, "ended for an unknown reason", "", True),
    ],
)
def test_exit_codes(code: int | None, words: str, crash: str, outside: bool) -> None:
    assert worker_deaths.by_exit_code(code) == (words, crash, outside)


def test_the_result_warns_of_images_lost_to_killed_workers_and_counts_them_as_failed() -> None:
    from faceparity.harness.evaluation.evaluate import evaluate
    from faceparity.harness.options import Options

    dataset = toy.make_dataset(1, 80, 2)
    clean = toy.make_templates(dataset, 1)
    status, kept = clean.status.astype("U10"), clean.samples[2:]
    status[:2] = "unreadable"
    lost = replace(
        clean, status=status, reasons=(KILLED, KILLED, *clean.reasons[2:]), samples=kept, vectors=clean.vectors[2:]
    )  # fmt: skip
    before, after = (evaluate(dataset, toy.make_card(), t, Options(targets=(0.01,))).evaluation for t in (clean, lost))
    assert (before.extraction.overall.errors, after.extraction.overall.errors) == (0, 2)
    assert worker_deaths.lost_warnings(lost.reasons)[0].startswith("2 images: the worker was killed by SIGKILL")
    assert set(worker_deaths.lost_warnings(lost.reasons)) <= set(after.warnings)
    assert not any("worker" in line for line in before.warnings)


def test_warnings_count_by_cause() -> None:
    reasons = ["", KILLED, "no face found", KILLED, worker_deaths.lost_reason(worker_deaths.ON_CLUSTER), CRASHED]
    cluster, killed = worker_deaths.lost_warnings(reasons)
    assert killed.startswith("2 images: the worker was killed by SIGKILL, as the system does when memory runs out. They count as")
    assert cluster.startswith(
        "1 image: the worker on the cluster ended whenever it was tried. It counts as failed in this result only"
    )
    assert cluster.endswith("see the workers' logs, and give each worker more memory.")
