"""Purging: keys first, then files, no more than was asked for, and copies end with their keys."""

from __future__ import annotations

import os
import shutil
import socket
from datetime import date, timedelta
from pathlib import Path

import pytest

from faceparity.datasets.common import paths
from faceparity.datasets.common.errors import UserError
from faceparity.harness.models.base.model import Extraction
from faceparity.harness.templates import clock as machine_clock
from faceparity.harness.templates import encryption, private_files
from faceparity.harness.templates.private_tables import read_private, write_private
from faceparity.harness.templates.purge import plan_all, purge_all, purge_folder, purge_older
from faceparity.harness.templates.store import Store

MODEL = "0" * 64
MIXED = {"a" * 64: Extraction("no_face", reason="no face found"), "b" * 64: Extraction("unreadable", reason="truncated")}

pytestmark = pytest.mark.usefixtures("home")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FACEPARITY_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def shards(home: Path) -> list[Path]:
    return sorted(home.glob("store/*/*.shard"))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[date]:
    """Its only entry is today."""
    now = [date(2031, 5, 1)]
    monkeypatch.setattr(encryption, "today", lambda: now[0])
    monkeypatch.setattr(machine_clock, "boot", lambda: None)
    return now


def test_purge_takes_keys_and_shards_and_says_what_it_did(home: Path) -> None:
    with Store() as store:
        store.put(MODEL, MIXED)
        store.put("another", MIXED)
    size = sum(path.stat().st_size for path in shards(home))
    foreign = home / "store" / "notes.txt"
    foreign.write_text("mine")
    purged = purge_all()
    assert (purged.keys, purged.shards, purged.bytes, purged.left) == (2, 2, size, ("notes.txt",))
    assert any("earlier runs cannot be read" in note for note in purged.notes)
    assert not list(paths.keys().iterdir())
    assert sorted(path.name for path in paths.store().iterdir()) == ["lock", "notes.txt"]
    with Store() as store:
        assert store.get(MODEL, MIXED) == {}
    assert purge_all().shards == 0


def test_purge_destroys_keys_before_shards(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store() as store:
        store.put(MODEL, MIXED)
    order: list[str] = []
    unlink = Path.unlink
    monkeypatch.setattr(Path, "unlink", lambda self, missing_ok=False: (order.append(self.suffix), unlink(self, missing_ok))[1])
    purge_all()
    assert [suffix for suffix in order if suffix in (".key", ".shard")] == [".key", ".key", ".shard"]


def test_purge_waits_for_no_run_and_no_run_starts_during_it(home: Path) -> None:
    with Store() as store:
        store.put(MODEL, MIXED)
        with pytest.raises(UserError, match="a faceparity run is using this store"):
            purge_all()
        assert set(store.get(MODEL, MIXED)) == set(MIXED)
    with (
        private_files.locked(paths.store() / "lock", alone=True),
        pytest.raises(UserError, match="purge is emptying this store"),
        Store(),
    ):
        pass


def test_purge_of_nothing_is_nothing() -> None:
    purged = purge_all()
    assert (purged.keys, purged.shards, purged.bytes, purged.left) == (0, 0, 0, ())


def test_purging_a_run_ends_its_private_part_wherever_it_was_copied_and_nothing_else(tmp_path: Path, home: Path) -> None:
    for run in ("one", "two"):
        for name in ("ledger", "suspects"):
            write_private(tmp_path / run / "data" / "model" / "private", name, b"x" * 99)
    with Store() as store:
        store.put(MODEL, MIXED)
    shutil.copytree(tmp_path / "one", tmp_path / "copy")
    (tmp_path / "one" / "data" / "model" / "results.json").write_text("{}")
    done = purge_folder(tmp_path / "one")
    assert (done.keys, done.shards, done.private) == (1, 0, 2)
    assert [p.name for p in (tmp_path / "one").rglob("*") if p.is_file()] == ["results.json"]
    with pytest.raises(UserError, match="its key is gone"):
        read_private(tmp_path / "copy" / "data" / "model" / "private", "ledger")
    assert read_private(tmp_path / "two" / "data" / "model" / "private", "ledger") == b"x" * 99
    with Store() as store:
        assert set(store.get(MODEL, MIXED)) == set(MIXED)


def test_purging_a_run_destroys_its_key_before_its_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_private(tmp_path / "run" / "private", "ledger", b"x")
    order: list[str] = []
    unlink = Path.unlink
    monkeypatch.setattr(Path, "unlink", lambda self, missing_ok=False: (order.append(self.suffix), unlink(self, missing_ok))[1])
    purge_folder(tmp_path / "run")
    assert order[:2] == [".key", ".sealed"]


def test_a_store_can_be_named(home: Path) -> None:
    with Store() as store:
        store.put(MODEL, MIXED)
    secret = (paths.keys() / encryption.SECRET).read_bytes()
    done = purge_folder(paths.store())
    assert (done.keys, done.shards, done.private) == (1, 1, 0)
    assert shards(home) == []
    assert (paths.keys() / encryption.SECRET).read_bytes() == secret, "codes stay as they are"


def test_a_folder_without_anything_sealed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ledger.sealed").write_text("a user's own file of that name")
    for folder in (tmp_path, tmp_path / "nowhere", tmp_path / "ledger.sealed"):
        with pytest.raises(UserError, match="holds no templates and no private part"):
            purge_folder(folder)
    assert (tmp_path / "ledger.sealed").exists()


def test_older_than(tmp_path: Path, home: Path, clock: list[date]) -> None:
    for name in ("old", "new"):
        write_private(tmp_path / name, "ledger", name.encode())
        with Store() as store:
            store.put(name, MIXED)
        clock[0] += timedelta(days=7)
    assert purge_older(14).keys == 0, "fourteen days ago is not more than fourteen days ago"
    done = purge_older(13)
    assert (done.keys, done.shards) == (2, 1)
    with pytest.raises(UserError, match="its key is gone"):
        read_private(tmp_path / "old", "ledger")
    assert read_private(tmp_path / "new", "ledger") == b"new"
    with Store() as store:
        assert store.get("old", MIXED) == {}
        assert set(store.get("new", MIXED)) == set(MIXED)


def test_the_retention_can_be_told(tmp_path: Path, clock: list[date], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(encryption.RETENTION, "7")
    write_private(tmp_path, "ledger", b"x")
    assert "2031-05-08" in (tmp_path / "README.txt").read_text()
    clock[0] += timedelta(days=7)
    with Store():
        assert read_private(tmp_path, "ledger") == b"x"
    clock[0] += timedelta(days=1)
    with Store(), pytest.raises(UserError, match=r"past its retention date \(2031-05-08\) and was destroyed; run again"):
        read_private(tmp_path, "ledger")


@pytest.mark.parametrize("told", ["0", "-1", "soon", "1.5", "3651", "٣"])
def test_a_retention_that_is_no_number_of_days_is_refused(told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(encryption.RETENTION, told)
    with pytest.raises(UserError, match=encryption.RETENTION):
        Store()


def as_folder(path: Path, aside: Path) -> None:
    path.mkdir()
    (path / "inside").write_text("x")


def as_link(path: Path, aside: Path) -> None:
    path.symlink_to(aside)


def as_link_to_nothing(path: Path, aside: Path) -> None:
    path.symlink_to(aside.with_name("nowhere"))


def as_pipe(path: Path, aside: Path) -> None:
    os.mkfifo(path)


def as_socket(path: Path, aside: Path) -> None:
    os.chdir(path.parent)
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path.name)


@pytest.mark.parametrize("make", [as_folder, as_link, as_link_to_nothing, as_pipe, as_socket])
@pytest.mark.parametrize("name", [encryption.SECRET, "2031-05-01.key"])
def test_whatever_lies_in_a_keys_place_is_refused_and_can_be_purged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clock: list[date], make, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with Store() as store:
        store.put(MODEL, MIXED)
    aside = tmp_path / "thesis.txt"
    aside.write_text("mine")
    path = paths.keys() / name
    path.unlink()
    make(path, aside)
    with Store() as store, pytest.raises(UserError, match=r"this is not a key but a \w+; run faceparity purge"):
        store.put("another", MIXED)
    assert plan_all().keys == 2
    assert purge_all().keys == 2
    assert list(paths.keys().iterdir()) == []
    assert aside.read_text() == "mine"


def test_a_key_that_cannot_be_destroyed_keeps_no_other_alive(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store() as store:
        store.put(MODEL, MIXED)
    unlink = Path.unlink

    def stuck(self: Path, missing_ok: bool = False) -> None:
        if self.name == encryption.SECRET:
            raise PermissionError(1, "Operation not permitted", str(self))
        unlink(self, missing_ok)

    monkeypatch.setattr(Path, "unlink", stuck)
    with pytest.raises(UserError, match=r"store\.key: cannot be destroyed \(Operation not permitted\); delete it yourself"):
        purge_all()
    assert [p.name for p in paths.keys().glob("*.key")] == [encryption.SECRET]


def test_a_lock_that_is_a_folder_is_named() -> None:
    (paths.store() / "lock").mkdir(parents=True)
    with pytest.raises(UserError, match=r"lock: cannot be locked \(Is a directory\); delete it"):
        purge_all()


def test_what_would_be_destroyed_is_counted_before(tmp_path: Path, home: Path) -> None:
    assert (plan_all().keys, plan_all().shards) == (0, 0)
    assert not paths.store().exists()
    with Store() as store:
        store.put(MODEL, MIXED)
    write_private(tmp_path / "run", "ledger", b"x")
    plan, done = plan_all(), purge_all()
    assert (plan.keys, plan.shards, plan.bytes) == (done.keys, done.shards, done.bytes)
    assert (plan.keys, plan.private, plan.shards) == (3, 1, 1)
    with Store(), pytest.raises(UserError, match="a faceparity run is using this store"):
        plan_all()
