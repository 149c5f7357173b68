"""Purging: keys first, then files, no more than was asked for, and copies end with their keys."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest

from faceparity.datasets import places
from faceparity.datasets.errors import UserError
from faceparity.harness.models.model import Extraction
from faceparity.harness.private import read_private, write_private
from faceparity.harness.purge import purge_all, purge_folder, purge_older
from faceparity.harness.templates import vault
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
    monkeypatch.setattr(vault, "today", lambda: now[0])
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
    assert not list(places.keys().iterdir())
    assert sorted(path.name for path in places.store().iterdir()) == ["lock", "notes.txt"]
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
    assert order == [".key", ".key", ".shard"]


def test_purge_waits_for_no_run_and_no_run_starts_during_it(home: Path) -> None:
    with Store() as store:
        store.put(MODEL, MIXED)
        with pytest.raises(UserError, match="a faceparity run is using this store"):
            purge_all()
        assert set(store.get(MODEL, MIXED)) == set(MIXED)
    with (
        vault.locked(places.store() / "lock", alone=True),
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
    secret = (places.keys() / vault.SECRET).read_bytes()
    done = purge_folder(places.store())
    assert (done.keys, done.shards, done.private) == (1, 1, 0)
    assert shards(home) == []
    assert (places.keys() / vault.SECRET).read_bytes() == secret, "codes stay as they are"


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
    monkeypatch.setenv(vault.RETENTION, "7")
    write_private(tmp_path, "ledger", b"x")
    assert "2031-05-08" in (tmp_path / "README.txt").read_text()
    clock[0] += timedelta(days=7)
    with Store():
        assert read_private(tmp_path, "ledger") == b"x"
    clock[0] += timedelta(days=1)
    with Store(), pytest.raises(UserError, match="past 7 days"):
        read_private(tmp_path, "ledger")


@pytest.mark.parametrize("told", ["0", "-1", "soon", "1.5", "3651", "٣"])
def test_a_retention_that_is_no_number_of_days_is_refused(told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(vault.RETENTION, told)
    with pytest.raises(UserError, match=vault.RETENTION):
        Store()
