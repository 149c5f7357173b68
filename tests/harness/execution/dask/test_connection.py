"""A Dask cluster gives what this machine gives, bit for bit: workers killed, workers that see no file; what is wrong is one line."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from faceparity.datasets.common.errors import UserError
from faceparity.harness.comparisons.samples import Samples
from faceparity.harness.comparisons.subsampling import deal
from faceparity.harness.comparisons.tally import ScoreBins, Tally
from faceparity.harness.comparisons.tiles import tally_pairs
from faceparity.harness.execution.backend import BackendGoneError
from faceparity.harness.execution.dask import connection, extraction_jobs, model_transfer, tally_jobs, worker_tasks
from faceparity.harness.execution.dask.backend import DaskBackend, connect
from faceparity.harness.execution.dask.worker_tasks import Ticket
from faceparity.harness.models.base.model import faces_policy, with_faces
from faceparity.harness.models.registry import open_model
from faceparity.harness.templates.extract import BATCH, Templates, extract, store_key
from faceparity.harness.templates.store import Store
from tests.harness import models_blobs as blobs
from tests.harness import templates_fake as fake

pytestmark = pytest.mark.slow

MANY = 6 * BATCH + 3
SPECIAL = {2: (255, 0, 0), 5: b"just some text", 20: (255, 0, 0)}
DISK = {
    "distributed.worker.memory.target": False, "distributed.worker.memory.spill": False,
    # How long a nanny waits for a worker that it starts again: the machine may be busy.
    "distributed.comm.timeouts.connect": "120s",
}  # fmt: skip


@pytest.fixture(scope="module")
def dask_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Two worker processes with a nanny each, in a folder and with a home of their own."""
    import dask
    from distributed import LocalCluster

    folder = tmp_path_factory.mktemp("workers")
    env = {"FACEPARITY_HOME": str(folder / "home")}
    settings = {**DISK, "distributed.scheduler.allowed-failures": 1}
    with dask.config.set(settings):
        made = LocalCluster(
            n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0", local_directory=str(folder), env=env,
            silence_logs=logging.CRITICAL,
        )  # fmt: skip
        with made:
            yield made


@pytest.fixture
def backend(dask_cluster: Any) -> Iterator[DaskBackend]:
    """The cluster as a run has it; a worker that the last test killed may not be up again."""
    with connect(dask_cluster.scheduler_address, 1) as found:
        found.cluster.client.wait_for_workers(1, timeout=60)
        yield found


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of the client's own."""
    monkeypatch.setenv("FACEPARITY_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def bits(templates: Templates) -> tuple[object, ...]:
    """Everything that two runs must have alike, as bytes."""
    arrays = [templates.status, templates.vectors, templates.samples, templates.faces, *templates.covariates.values()]
    return (*(a.tobytes() for a in arrays), templates.reasons, templates.pixels, list(templates.covariates))


def extracted(dataset: Any, backend: DaskBackend | None, name: str = "fake", **more: Any) -> Templates:
    with Store(ephemeral=True) as store:
        return extract(dataset, name, store=store, workers=1, opener=more.pop("opener", fake.open_fake), backend=backend, **more)


def unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers are told paths that mean nothing to them."""
    for module in (model_transfer, extraction_jobs):
        monkeypatch.setattr(module, "sent_path", lambda path: f"/on another machine/{Path(path).name}")


def everything_sent(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What leaves the client, as it goes on."""
    sent: list[bytes] = []
    pack = connection.pack

    def recording(what: object) -> Any:
        packed = pack(what)
        sent.append(packed.tobytes())
        return packed

    monkeypatch.setattr(connection, "pack", recording)
    return sent


def test_dask_is_quiet_on_the_terminal_for_as_long_as_it_is_used(dask_cluster: Any) -> None:
    loggers = [
        logging.getLogger(name) for name in ("distributed", "distributed.client", "distributed.scheduler", "tornado.application")
    ]
    before = [one.getEffectiveLevel() for one in loggers]
    with connect(dask_cluster.scheduler_address, 1):
        assert not any(one.isEnabledFor(logging.CRITICAL) for one in loggers)
    assert [one.getEffectiveLevel() for one in loggers] == before


def test_images_by_path(backend: DaskBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = fake.make_dataset(tmp_path / "faces", MANY, SPECIAL)
    sent, steps = everything_sent(monkeypatch), list[int]()
    got = extracted(dataset, backend, progress=lambda done, total: steps.append(done))
    assert bits(got) == bits(extracted(dataset, None))
    assert got.extracted == MANY
    assert (steps[0], steps[-1]) == (0, MANY)
    picture = (dataset.root / dataset.files[0]).read_bytes()
    assert not any(picture in one for one in sent)


def test_images_that_workers_cannot_see_are_sent_once_without_their_names(
    backend: DaskBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = fake.make_dataset(tmp_path / "faces", MANY, SPECIAL)
    (dataset.root / dataset.files[7]).unlink()
    want = extracted(dataset, None)
    unseen(monkeypatch)
    sent = everything_sent(monkeypatch)
    got = extracted(dataset, backend)
    assert bits(got) == bits(want)
    assert got.reasons[7] == "cannot be opened: No such file or directory"
    by_bytes = [one for one in sent if b"PNG" in one]
    picture = (dataset.root / dataset.files[0]).read_bytes()
    assert sum(picture in one for one in by_bytes) == 1
    assert not any(b"portrait_of_somebody" in one for one in by_bytes)


def test_a_worker_that_is_killed_costs_nothing(backend: DaskBackend, tmp_path: Path) -> None:
    dataset = fake.make_dataset(tmp_path / "faces", MANY, SPECIAL)
    pids = backend.cluster.client.run(os.getpid)
    killed: list[int] = []

    def kill(done: int, total: int) -> None:
        if done and not killed:
            killed.append(next(iter(pids.values())))
            os.kill(killed[0], signal.SIGKILL)

    got = extracted(dataset, backend, "fake:0.05", progress=kill)
    assert killed
    assert bits(got) == bits(extracted(dataset, None))


def test_an_image_that_kills_workers_costs_itself_alone_and_is_not_remembered(backend: DaskBackend, tmp_path: Path) -> None:
    dataset = fake.make_dataset(tmp_path / "faces", 2 * BATCH, {3: fake.KILLED, 5: b"text"})
    with Store() as store:
        got = extract(dataset, "fake", store=store, workers=1, opener=fake.open_fake, backend=backend)
        known = store.get(store_key(got.model_fingerprint), dataset.content)
    assert got.reasons[3] == "its worker on the cluster ended whenever it was tried"
    assert set(known) == {*dataset.content} - {dataset.content[3]}
    assert got.status.tolist() == ["ok"] * 3 + ["unreadable", "ok", "unreadable"] + ["ok"] * (2 * BATCH - 6)
    clean = extracted(fake.make_dataset(tmp_path / "clean", 2 * BATCH, {5: b"text"}), None)
    assert got.vectors.tobytes() == np.delete(clean.vectors, 3, axis=0).tobytes()


def own_network(folder: Path) -> str:
    """A card of one's own with weights, and how it is named."""
    nodes = [
        helper.make_node("AveragePool", ["image"], ["small"], kernel_shape=[14, 14], strides=[14, 14]),
        helper.make_node("Flatten", ["small"], ["template"]),
    ]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 3, 112, 112])
    template = helper.make_tensor_value_info("template", TensorProto.FLOAT, ["batch", 192])
    graph = helper.make_graph(nodes, "thumbnails", [image], [template])
    folder.mkdir()
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(folder / "mine.onnx"))
    (folder / "mine.toml").write_text('onnx = "mine.onnx"\ndetector = "none"\nalignment = "whole"\n')
    return str(folder / "mine.toml")


def test_the_policy_of_several_faces_goes_to_workers(backend: DaskBackend, tmp_path: Path) -> None:
    dataset = blobs.make_dataset(tmp_path / "faces", [person % 4 == 0 for person in range(MANY)], "centre")
    want = extracted(dataset, None, "blobs", opener=blobs.open_blobs)
    got = extracted(dataset, backend, "blobs", opener=blobs.open_blobs)
    assert bits(got) == bits(want)
    assert want.vectors[:, 0].astype(int).tolist() == [100 + person for person in range(MANY)]
    assert got.faces_differ is not None
    assert got.faces_differ.tolist() == [person % 4 == 0 for person in range(MANY)]


@pytest.mark.parametrize("policy", ["centre", "largest"])
def test_a_model_made_of_sent_weights_has_the_policy(policy: Any) -> None:
    model = with_faces(open_model("face_recognition"), policy)
    sent, _ = model_transfer.to_send("face_recognition", model, open_model, registered=True)
    there = worker_tasks._opened(sent, {})
    assert there.fingerprint() == model.fingerprint() == sent.fingerprint
    assert faces_policy(there) == policy


def test_weights_go_by_path_or_are_sent(backend: DaskBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from faceparity.harness.execution.worker import open_by_name

    dataset, card = fake.make_dataset(tmp_path / "faces", MANY), own_network(tmp_path / "model")
    weights = (tmp_path / "model" / "mine.onnx").read_bytes()
    want = bits(extracted(dataset, None, card, opener=open_by_name))
    sent = everything_sent(monkeypatch)
    unseen(monkeypatch)
    assert bits(extracted(dataset, backend, card, opener=open_by_name)) == want
    assert sum(weights in one for one in sent) == 1
    # Workers have them now; those that start again find the client's.
    monkeypatch.undo()
    sent = everything_sent(monkeypatch)
    assert bits(extracted(dataset, backend, card, opener=open_by_name)) == want
    assert not any(weights in one for one in sent)


def make_samples(n: int, seed: int, share: float | None = None) -> Samples:
    """Subjects of several samples, an image under two names, a pair left out."""
    rng = np.random.default_rng(seed)
    subjects = rng.integers(0, n // 2, n).astype(np.int32)
    images = np.arange(n, dtype=np.int32)
    images[[n - 2, n // 2]] = images[[3, 9]]
    cells = rng.integers(0, 5, n).astype(np.int32)
    dealt = None if share is None else deal(cells, share, 0)
    apart = np.array([[1, n - 5]], np.int32)
    return Samples(
        rng.standard_normal((n, 24)).astype(np.float32), subjects, cells, images, 5, np.empty((0, 2), np.int32), apart, dealt
    )


def same(one: Tally, other: Tally) -> bool:
    """Whether two tallies are alike to the last bit."""

    def all_of(t: Tally) -> list[bytes]:
        pairs = [c for p in (t.ledger, t.mated_pairs, t.left_out_non_mated, t.left_out_mated) for c in p.columns()]
        return [a.tobytes() for a in (t.non_mated, t.mated, t.comparisons, t.dense_errors, *pairs)]

    return all_of(one) == all_of(other)


@pytest.mark.parametrize(("kind", "share"), [("cosine", None), ("euclidean", None), ("dot", 0.2)])
def test_tallies(backend: DaskBackend, monkeypatch: pytest.MonkeyPatch, kind: Any, share: float | None) -> None:
    monkeypatch.setattr(tally_jobs, "MOST_ROWS", 200)
    samples = make_samples(1100, 3, share)
    grid = ScoreBins.uniform(-9, 9, 300, (0.25,))
    settings = {"dense": [-0.5], "tile": 64}
    here = tally_pairs(samples, kind, grid, 0.25, **settings)  # type: ignore[arg-type]
    steps: list[int] = []
    there = tally_pairs(samples, kind, grid, 0.25, worker=backend.tally, progress=steps.append, **settings)  # type: ignore[arg-type]
    assert same(here, there)
    assert len(there.ledger) > 0 or kind == "euclidean"
    assert len(there.left_out_non_mated) > 0
    assert len(steps) > 10
    for floor in (0.25, 0.2501):  # on an edge, and between two
        capped = [tally_pairs(samples, kind, grid, floor, cap=500, worker=w) for w in (None, backend.tally)]
        assert same(*capped)
    assert kind == "euclidean" or len(capped[1].ledger) == 0


def test_a_worker_killed_among_comparisons_costs_nothing(backend: DaskBackend, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally_jobs, "MOST_ROWS", 150)
    samples, grid = make_samples(1500, 4), ScoreBins.uniform(-1, 1, 100)
    pids = list(backend.cluster.client.run(os.getpid).values())
    steps: list[int] = []

    def kill(step: int) -> None:
        steps.append(step)
        if len(steps) == 3:
            os.kill(pids[0], signal.SIGKILL)

    there = tally_pairs(samples, "cosine", grid, 0.3, tile=64, worker=backend.tally, progress=kill)
    assert same(there, tally_pairs(samples, "cosine", grid, 0.3, tile=64))
    assert len(steps) > 20


def test_keys_are_never_sent(backend: DaskBackend, tmp_path: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = fake.make_dataset(tmp_path / "faces", MANY)
    sent = everything_sent(monkeypatch)
    with Store() as store:
        templates = extract(dataset, "fake", store=store, opener=fake.open_fake, backend=backend)
        n = templates.samples.size
        samples = Samples(
            templates.vectors, np.arange(n, dtype=np.int32), *(np.zeros(n, np.int32),) * 2, 1, np.empty((0, 2), np.int32)
        )
        tally_pairs(samples, "cosine", ScoreBins.uniform(-1, 1, 10), 0.5, worker=backend.tally)
    keys = [path.read_bytes() for path in home.rglob("*") if path.is_file() and path.suffix in (".key", ".secret")]
    assert keys
    assert sent
    assert not any(key in one or key.hex().encode() in one for key in keys for one in sent)
    workers = Path(str(backend.cluster.client.submit(os.getenv, "FACEPARITY_HOME").result()))
    assert not [path for path in workers.rglob("*") if path.suffix in (".key", ".shard")]


def refused(address: str) -> str:
    with pytest.raises(UserError) as told, connect(address, 1):
        pass
    assert "\n" not in str(told.value)
    return str(told.value)


def test_other_versions_are_refused_at_once_and_when_they_come_later(
    backend: DaskBackend, dask_cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, facts = fake.make_dataset(tmp_path / "faces", 3), connection.facts()
    backend.cluster._ticket = connection.pack(Ticket({**facts, "numpy": "1.0"}, facts["arithmetic"]))
    with pytest.raises(UserError, match=r"a worker has numpy .* instead of 1\.0: install the same versions there"):
        extracted(dataset, backend)
    backend.cluster._ticket = connection.pack(Ticket(facts, "of another processor"))
    with pytest.raises(UserError, match="a worker rounds the last digits otherwise"):
        extracted(dataset, backend)
    monkeypatch.setattr(connection, "facts", lambda: {**facts, "numpy": "1.0"})
    assert "the scheduler has numpy" in refused(dask_cluster.scheduler_address)


def test_another_model_is_refused(backend: DaskBackend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = fake.make_dataset(tmp_path / "faces", 3)
    monkeypatch.setattr(fake.FakeModel, "fingerprint", lambda self: "of other weights")
    with pytest.raises(UserError, match="a worker has another fake"):
        extracted(dataset, backend)


def test_workers_that_spill_are_refused(backend: DaskBackend, dask_cluster: Any) -> None:
    def spill(on: bool, dask_worker: Any = None) -> None:
        dask_worker.memory_manager.memory_spill_fraction = 0.7 if on else False
        dask_worker.memory_manager.memory_limit = dask_worker.memory_manager.memory_limit or 1 << 34

    backend.cluster.client.run(spill, True)
    try:
        assert "start workers with DASK_DISTRIBUTED__WORKER__MEMORY__TARGET=False" in refused(dask_cluster.scheduler_address)
    finally:
        backend.cluster.client.run(spill, False)


def test_nobody_there_and_nobody_to_work(monkeypatch: pytest.MonkeyPatch) -> None:
    from distributed import LocalCluster

    monkeypatch.setattr(connection, "SECONDS_TO_CONNECT", 1.0)
    assert "no Dask scheduler answers there" in refused("tcp://127.0.0.1:1")
    with LocalCluster(n_workers=0, host="127.0.0.1", dashboard_address="127.0.0.1:0", silence_logs=logging.CRITICAL) as empty:
        assert "the scheduler has no workers" in refused(empty.scheduler_address)


def test_a_scheduler_that_goes_is_told_and_what_was_done_is_kept(tmp_path: Path) -> None:
    import dask
    from distributed import LocalCluster

    dataset = fake.make_dataset(tmp_path / "faces", MANY)
    with dask.config.set(DISK):
        going = LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, protocol="tcp://", host="127.0.0.1", dashboard_address="127.0.0.1:0",
            silence_logs=logging.CRITICAL,
        )  # fmt: skip

    def go(done: int, total: int) -> None:
        if done:
            going.close()

    with (
        Store() as store,
        connect(going.scheduler_address, 1) as backend,
        pytest.raises(BackendGoneError, match="scheduler is gone"),
    ):
        extract(dataset, "fake:0.02", store=store, opener=fake.open_fake, backend=backend, progress=go)
    with Store() as store:
        rest = extract(dataset, "fake:0.02", store=store, workers=1, opener=fake.open_fake)
    assert 0 < rest.extracted < MANY
    assert bits(rest) == bits(extracted(dataset, None))
