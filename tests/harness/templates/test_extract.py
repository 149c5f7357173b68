"""Extraction: the same bits for any number of workers, every image accounted for, nothing done twice, nothing left behind."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from faceparity.datasets.common.errors import UserError
from faceparity.harness.execution import worker
from faceparity.harness.templates import extract as pipeline
from faceparity.harness.templates.extract import BATCH, ModelFailedError, Templates, extract
from faceparity.harness.templates.store import Store
from tests import ROOT
from tests.harness import templates_fake as fake

pytestmark = pytest.mark.slow

MANY = 5 * BATCH + 3
CRASHED = "crashed the process that read it (SIGSEGV)"


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own."""
    monkeypatch.setenv("FACEPARITY_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def run(dataset: object, store: Store, workers: int = 1, name: str = "fake", **more: object) -> Templates:
    return extract(dataset, name, store=store, workers=workers, opener=fake.open_fake, **more)  # type: ignore[arg-type]


def bits(templates: Templates) -> tuple[object, ...]:
    """Everything but `extracted`, as bytes."""
    covariates = [(name, column.tobytes()) for name, column in templates.covariates.items()]
    arrays = [templates.status, templates.vectors, templates.samples, templates.faces]
    described = [(array.dtype.str, array.shape, array.tobytes()) for array in arrays]
    return (*described, templates.reasons, templates.pixels, covariates, templates.model_fingerprint)


SPECIAL = {2: (255, 0, 0), 5: b"just some text", 7: b"", 20: (255, 0, 0)}


def test_templates_are_what_the_model_gives_image_by_image(tmp_path: Path) -> None:
    dataset = fake.make_dataset(tmp_path / "faces", 12, SPECIAL)
    with Store() as store:
        got = run(dataset, store)
    model = fake.FakeModel("fake")
    expected = {index: model.extract([fake.picture(index)])[0] for index in range(12) if index not in SPECIAL}
    assert got.samples.tolist() == sorted(expected)
    assert got.vectors.dtype == np.float32
    for row, sample in zip(got.vectors, got.samples, strict=True):
        assert row.tobytes() == expected[sample].template.tobytes()
        assert got.faces[sample] == expected[sample].faces
        assert got.covariates["luminance"][sample] == expected[sample].covariates["luminance"]
        assert got.pixels[sample] == expected[sample].pixels
    assert got.status.tolist() == ["ok", "ok", "no_face", "ok", "ok", "unreadable", "ok", "unreadable", "ok", "ok", "ok", "ok"]
    assert got.reasons[2] == "no face found"
    assert got.reasons[5] == "not an image"
    assert got.reasons[7] == "empty file"
    assert got.reasons[0] == ""
    assert np.isnan(got.covariates["luminance"][[2, 5, 7]]).all()
    assert got.pixels[2] != ""
    assert got.pixels[5] == ""
    assert got.extracted == 12
    assert got.model_fingerprint == model.fingerprint()


def test_any_number_of_workers_gives_the_same_bits(tmp_path: Path) -> None:
    dataset = fake.make_dataset(tmp_path / "faces", MANY, SPECIAL)
    results = []
    for workers in (1, 2, 3):
        with Store(ephemeral=True) as store:
            results.append(run(dataset, store, workers))
    with Store(ephemeral=True) as store, pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "WORTH_A_PROCESS", MANY + 1)
        results.append(run(dataset, store))
    assert all(result.extracted == MANY for result in results)
    assert len({bits(result)[1] for result in results}) == 1
    assert all(bits(result) == bits(results[0]) for result in results)


def test_a_second_run_extracts_nothing_wherever_the_folder_went(tmp_path: Path) -> None:
    dataset = fake.make_dataset(tmp_path / "faces", 12, SPECIAL)
    with Store() as store:
        first = run(dataset, store)
    (tmp_path / "faces").rename(tmp_path / "renamed")
    for index, path in enumerate(sorted((tmp_path / "renamed").iterdir())):
        path.rename(path.with_name(f"{index:02d}.png"))
    with Store() as store, pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline.process_pool, "run_batches", None)
        patch.setattr(worker, "run_batch", None)
        second = run(fake.read_dataset(tmp_path / "renamed"), store)
    assert second.extracted == 0
    assert bits(second) == bits(first)


def test_another_model_and_another_decoder_do_not_share_templates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = fake.make_dataset(tmp_path / "faces", 3)
    with Store() as store:
        assert run(dataset, store).extracted == 3
        assert run(dataset, store, name="other").extracted == 3
        monkeypatch.setattr(worker, "decoder", lambda: "another version")
        assert run(dataset, store).extracted == 3


def test_the_same_content_is_extracted_once(tmp_path: Path) -> None:
    fake.make_dataset(tmp_path / "faces", 4)
    for index, path in enumerate(sorted((tmp_path / "faces").iterdir())):
        shutil.copy(path, path.with_name(f"copy_{index}.png"))
    dataset = fake.read_dataset(tmp_path / "faces")
    seen: list[tuple[int, int]] = []
    with Store() as store:
        got = run(dataset, store, progress=lambda done, total: seen.append((done, total)))
    assert got.extracted == 4
    assert seen == [(0, 4), (4, 4)]
    assert got.vectors.shape[0] == 8
    assert got.vectors[:4].tobytes() == got.vectors[4:].tobytes()


def test_an_interrupted_run_goes_on_where_it_was(tmp_path: Path) -> None:
    dataset = fake.make_dataset(tmp_path / "faces", MANY)

    def interrupt(done: int, total: int) -> None:
        if done >= BATCH:
            raise KeyboardInterrupt

    for workers in (2, 1):
        children = _children()
        with Store() as store, pytest.raises(KeyboardInterrupt):
            run(dataset, store, workers, progress=interrupt)
        assert _children() <= children
    with Store() as store:
        rest = run(dataset, store, 2)
        assert 0 < rest.extracted <= MANY - 2 * BATCH
        assert run(dataset, store, 2).extracted == 0
    with Store(ephemeral=True) as store:
        assert bits(run(dataset, store, 1)) == bits(rest)


def _children() -> set[int]:
    """Processes whose parent this one is, Python's own tracker of shared resources aside."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if int(fields[1]) == os.getpid() and fields[0] != "Z" and b"resource_tracker" not in command:
            found.add(int(entry.name))
    return found


SCRIPT = """
import sys, signal
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tests.harness import templates_fake as fake
from faceparity.harness.templates.extract import extract
from faceparity.harness.templates.store import Store
if __name__ == "__main__":
    # A shell starts background jobs, and so perhaps this test, with SIGINT ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with Store() as store:
        extract(fake.read_dataset(Path(sys.argv[2])), "fake:0.05", store=store, workers=2, opener=fake.open_fake,
                progress=lambda done, total: print(done, flush=True))
"""


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks at processes through /proc")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_killed_run_leaves_no_process_and_its_work_in_the_store(tmp_path: Path, how: signal.Signals) -> None:
    dataset = fake.make_dataset(tmp_path / "faces", 8 * BATCH)
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, str(script), str(ROOT), str(dataset.root)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stdout is not None
    while int(process.stdout.readline()) < BATCH:
        pass
    os.killpg(process.pid, how) if how == signal.SIGINT else process.send_signal(how)
    # The pipes close when the last process that holds them is gone.
    _, errors = process.communicate(timeout=20)
    assert process.returncode != 0
    assert errors.count("Traceback") == (how == signal.SIGINT)
    assert "KeyboardInterrupt" in errors or how != signal.SIGINT
    assert _session(process.pid) == set()
    with Store() as store:
        assert 0 < run(dataset, store, 2, name="fake:0.05").extracted < 8 * BATCH


def _session(leader: int) -> set[int]:
    """What is alive of a session, after a moment for the last to end."""
    for _ in range(50):
        alive = set()
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == leader and fields[0] != "Z":
                alive.add(int(entry.name))
        if not alive:
            break
        time.sleep(0.1)
    return alive


def test_an_image_that_kills_its_process_costs_itself_alone(tmp_path: Path) -> None:
    killers = {20: fake.CRASHES, 21: fake.CRASHES}
    dataset = fake.make_dataset(tmp_path / "faces", MANY, SPECIAL | killers)
    with Store() as store:
        got = run(dataset, store, 2)
    reasons = {index: reason for index, reason in enumerate(got.reasons) if reason == CRASHED}
    assert set(reasons) == set(killers)
    assert set(got.status[list(killers)]) == {"unreadable"}
    assert got.vectors.shape[0] == MANY - len(killers) - 3
    with Store() as store:
        assert run(dataset, store, 2).extracted == 0
    with Store(ephemeral=True) as store, pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "WORTH_A_PROCESS", MANY + 1)
        clean = fake.make_dataset(tmp_path / "clean", MANY, SPECIAL)
        want = run(clean, store)
    kept = [list(want.samples).index(sample) for sample in got.samples if sample in want.samples]
    assert got.vectors.tobytes() == want.vectors[kept].tobytes()


def test_an_image_is_not_blamed_for_what_came_before_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "WORTH_A_PROCESS", 0)
    dataset = fake.make_dataset(tmp_path / "faces", BATCH)
    with Store() as store:
        assert run(dataset, store, name="dies_after_5").status.tolist() == ["ok"] * BATCH


def test_a_run_ends_without_a_word(tmp_path: Path) -> None:
    dataset = fake.make_dataset(tmp_path / "faces", MANY)
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, str(script), str(ROOT), str(dataset.root)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr
    assert done.stdout.split()[-1] == str(MANY)


def test_an_image_that_killed_a_run_without_workers_is_met_by_workers_the_next_time(tmp_path: Path) -> None:
    dataset = fake.make_dataset(tmp_path / "faces", 4, {1: fake.CRASHES})
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    done = subprocess.run([sys.executable, str(script), str(ROOT), str(dataset.root)], capture_output=True, check=False)
    assert done.returncode == -signal.SIGSEGV
    with Store() as store:
        got = run(dataset, store, name="fake:0.05")
    assert got.status.tolist() == ["ok", "unreadable", "ok", "ok"]
    assert got.reasons[1] == CRASHED


@pytest.mark.parametrize(
    ("what", "reason"),
    [("RAISES", "the model failed on it (RuntimeError)"), ("NAN", "its template holds NaN or infinity")],
)
def test_an_image_that_the_model_cannot_stand_costs_itself_alone_and_is_tried_again(
    tmp_path: Path, what: str, reason: str
) -> None:
    dataset = fake.make_dataset(tmp_path / "faces", 6, {3: getattr(fake, what)})
    with Store() as store:
        for extracted in (6, 1):
            got = run(dataset, store)
            assert got.status.tolist() == ["ok", "ok", "ok", "unreadable", "ok", "ok"]
            assert got.reasons[3] == reason
            assert got.extracted == extracted


@pytest.mark.parametrize("count", [3, MANY])
def test_a_model_that_always_fails_is_said_to_and_nothing_is_remembered(tmp_path: Path, count: int) -> None:
    dataset = fake.make_dataset(tmp_path / "faces", count)
    with Store() as store:
        for _ in range(2):
            with pytest.raises(ModelFailedError, match=r"failed on all .* RuntimeError: cannot stand it"):
                run(dataset, store, 2, name="always_raises")


def test_a_model_without_weights_is_one_error_before_any_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline.process_pool, "run_batches", None)
    dataset = fake.make_dataset(tmp_path / "faces", MANY)
    with Store() as store, pytest.raises(UserError, match="run faceparity fetch missing"):
        run(dataset, store, 2, name="missing")


def test_files_that_are_gone_or_changed_are_counted_and_not_remembered(tmp_path: Path) -> None:
    dataset = fake.make_dataset(tmp_path / "faces", 3)
    original = (dataset.root / dataset.files[1]).read_bytes()
    shutil.copy(dataset.root / dataset.files[2], dataset.root / dataset.files[1])
    (dataset.root / dataset.files[0]).rename(tmp_path / "away.png")
    with Store() as store:
        got = run(dataset, store)
        assert got.status.tolist() == ["unreadable", "unreadable", "ok"]
        assert got.reasons[0] == "cannot be opened: No such file or directory"
        assert got.reasons[1] == "changed since the data set was read"
        (dataset.root / dataset.files[1]).write_bytes(original)
        (tmp_path / "away.png").rename(dataset.root / dataset.files[0])
        again = run(dataset, store)
    assert again.status.tolist() == ["ok"] * 3
    assert again.extracted == 2


def test_a_damaged_shard_is_extracted_again(tmp_path: Path, home: Path) -> None:
    dataset = fake.make_dataset(tmp_path / "faces", MANY)
    with Store() as store:
        first = run(dataset, store, 2)
    victim = sorted(home.glob("store/*/*.shard"))[1]
    victim.write_bytes(victim.read_bytes()[:-1] + b"\0\0")
    with Store() as store:
        again = run(dataset, store, 2)
        assert store.damaged == 1
    assert again.extracted in (BATCH, 3)
    assert bits(again) == bits(first)


def test_large_images_are_handed_over_few_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = fake.make_dataset(tmp_path / "faces", 7, {3: b"text"})
    handed: list[int] = []

    class Watching(fake.FakeModel):
        def extract(self, images):  # type: ignore[no-untyped-def]
            handed.append(len(images))
            return super().extract(images)

    jobs = [
        worker.ImageJob(str(dataset.root / file), content) for file, content in zip(dataset.files, dataset.content, strict=True)
    ]
    whole = worker.run_batch(Watching("fake"), jobs)
    assert handed == [6]
    handed.clear()
    monkeypatch.setattr(worker, "PIXELS_AT_ONCE", 2 * 24 * 24 * 3)
    cut = worker.run_batch(Watching("fake"), jobs)
    assert handed == [2, 2, 2]
    assert [one.extraction.pixels for one in cut] == [one.extraction.pixels for one in whole]


def test_no_images_and_no_faces_make_empty_arrays_of_the_right_shape(tmp_path: Path) -> None:
    none = fake.make_dataset(tmp_path / "none", 0)
    faceless = fake.make_dataset(tmp_path / "faceless", 2, {0: fake.NO_FACE, 1: fake.NO_FACE})
    with Store() as store:
        for dataset in (none, faceless):
            got = run(dataset, store)
            assert got.vectors.shape == (0, fake.DIMENSIONS)
            assert got.samples.shape == (0,)
            assert got.status.shape == (dataset.n_samples,)


def test_nothing_of_the_images_is_legible_in_what_is_written(tmp_path: Path, home: Path) -> None:
    dataset = fake.make_dataset(tmp_path / "faces", 20, SPECIAL)
    with Store() as store:
        got = run(dataset, store)
    names = "\n".join(str(path.relative_to(home)) for path in home.rglob("*"))
    payload = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert len(payload) > got.vectors.nbytes
    for text in [
        *dataset.files,
        *dataset.content,
        *(pixels for pixels in got.pixels if pixels),
        str(tmp_path),
        got.model_fingerprint,
    ]:
        assert text not in names
        assert text.encode() not in payload
    for content in [*dataset.content, hashlib.sha256(b"").hexdigest()]:
        assert bytes.fromhex(content)[:8] not in payload
    for vector in got.vectors:
        raw = vector.tobytes()
        assert all(raw[start : start + 8] not in payload for start in range(0, len(raw) - 7, 4))


def test_limits_on_threads_are_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import cv2

    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("OPENBLAS_NUM_THREADS", raising=False)
    before = cv2.getNumThreads()
    with worker.single_threaded():
        assert cv2.getNumThreads() == 1
    assert cv2.getNumThreads() == before
    with Store() as store:
        run(fake.make_dataset(tmp_path / "faces", MANY), store, 2)
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "OPENBLAS_NUM_THREADS" not in os.environ
