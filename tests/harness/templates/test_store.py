"""The store of templates: keeps, forgets in time, notices damage, tells nothing to who has no key."""

from __future__ import annotations

import hashlib
import stat
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from faceparity.datasets.common import paths
from faceparity.datasets.common.errors import UserError
from faceparity.harness.models.base.model import Extraction
from faceparity.harness.templates import clock as machine_clock
from faceparity.harness.templates import encryption, private_files, shard_codec
from faceparity.harness.templates import shard_index as index
from faceparity.harness.templates.encryption import Keyring
from faceparity.harness.templates.purge import purge_older
from faceparity.harness.templates.store import Store

pytestmark = pytest.mark.usefixtures("home")

MODEL = hashlib.sha256(b"model").hexdigest()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FACEPARITY_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def digest(index: int) -> str:
    return hashlib.sha256(b"%d" % index).hexdigest()


def ok(seed: int, dimensions: int = 5) -> Extraction:
    template = np.random.default_rng(seed).standard_normal(dimensions).astype(np.float32)
    return Extraction("ok", template, 2, f"{seed:032x}", {"luminance": 0.1 + seed, "face_size": 3.0})


def same(one: Extraction, other: Extraction) -> bool:
    """Bit for bit."""
    templates = [
        b"" if each.template is None else each.template.dtype.str.encode() + each.template.tobytes() for each in (one, other)
    ]
    rest = [(each.status, each.faces, each.pixels, each.covariates, each.reason) for each in (one, other)]
    return templates[0] == templates[1] and rest[0] == rest[1]


MIXED = {
    digest(0): ok(0),
    digest(1): Extraction("no_face", pixels="ab", reason="no face found"),
    digest(2): Extraction("unreadable", reason="truncated"),
    digest(3): Extraction("ok", np.array([np.float32(1e-42), -0.0, 3e38, 1, 2], np.float32), 1, "cd", {"sharpness": 0.0}),
}


def shards(folder: Path) -> list[Path]:
    return sorted(folder.glob("store/*/*.shard"))


def test_what_is_put_comes_back_bit_for_bit_from_another_store_object() -> None:
    with Store() as store:
        store.put(MODEL, MIXED)
    with Store() as store:
        found = store.get(MODEL, [*MIXED, digest(99)])
    assert set(found) == set(MIXED)
    assert all(same(found[content], MIXED[content]) for content in MIXED)


def test_models_are_apart() -> None:
    with Store() as store:
        store.put(MODEL, {digest(0): ok(0)})
        other = hashlib.sha256(b"another").hexdigest()
        assert store.get(other, [digest(0)]) == {}
        store.put(other, {digest(0): ok(1)})
        assert same(store.get(MODEL, [digest(0)])[digest(0)], ok(0))
        assert same(store.get(other, [digest(0)])[digest(0)], ok(1))


def test_nothing_on_the_disk_is_legible(home: Path) -> None:
    with Store() as store:
        store.put(MODEL, MIXED)
    names = "\n".join(str(path.relative_to(home)) for path in home.rglob("*"))
    payload = b"".join(path.read_bytes() for path in shards(home))
    plain = shard_codec.pack({bytes.fromhex(content): one for content, one in MIXED.items()})
    assert b"truncated" in plain
    assert b"no_face" in plain
    for secret in [*MIXED, MODEL, "luminance", "no_face", "truncated"]:
        assert secret not in names
        assert secret[:16] not in names
        assert secret.encode() not in payload
    for content in [*MIXED, MODEL]:
        assert bytes.fromhex(content)[:8] not in payload
    for one in MIXED.values():
        if one.template is not None:
            raw = one.template.tobytes()
            assert all(raw[start : start + 8] not in payload for start in range(0, len(raw) - 7, 4))
    # Ciphertext looks random: near 8 bits a byte, where templates and Arrow's padding have far fewer.
    counts = np.bincount(np.frombuffer(payload, np.uint8), minlength=256) / len(payload)
    entropy = -(counts[counts > 0] * np.log2(counts[counts > 0])).sum()
    assert entropy > 7.5


def test_the_same_entries_give_other_bytes_and_names_each_time(home: Path) -> None:
    with Store() as store:
        store.put(MODEL, MIXED)
        store.put(MODEL, MIXED)
    one, other = shards(home)
    assert one.read_bytes()[22:] != other.read_bytes()[22:]


def test_only_the_owner_can_read_files_and_folders(home: Path) -> None:
    with Store() as store:
        store.put(MODEL, MIXED)
    for path in home.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


@pytest.mark.parametrize("damage", ["flip", "cut", "empty", "other_name", "text"])
def test_a_damaged_shard_is_counted_removed_and_its_neighbours_stay(home: Path, damage: str) -> None:
    with Store() as store:
        store.put(MODEL, {digest(0): ok(0)})
        (victim,) = shards(home)
        store.put(MODEL, {digest(1): ok(1)})
        (neighbour,) = set(shards(home)) - {victim}
    sealed = bytearray(victim.read_bytes())
    sealed[len(sealed) // 2] ^= 1
    replacement = {
        "flip": bytes(sealed),
        "cut": victim.read_bytes()[:-5],
        "empty": b"",
        "other_name": neighbour.read_bytes(),
        "text": b"FPS1 not a shard at all, but long enough to be taken for one",
    }
    victim.write_bytes(replacement[damage])
    with Store() as store:
        found = store.get(MODEL, [digest(0), digest(1)])
        assert store.damaged == 1
        assert set(found) == {digest(1)}
        assert not victim.exists()
        store.put(MODEL, {digest(0): ok(0)})
    with Store() as store:
        assert set(store.get(MODEL, [digest(0), digest(1)])) == {digest(0), digest(1)}
        assert store.damaged == 0


def test_a_shard_of_one_model_cannot_stand_for_another(home: Path) -> None:
    with Store() as store:
        store.put(MODEL, {digest(0): ok(0)})
        (own,) = shards(home)
        store.put("another", {digest(1): ok(1)})
        (foreign,) = set(shards(home)) - {own}
        foreign.rename(own.parent / foreign.name)
        assert set(store.get(MODEL, [digest(0), digest(1)])) == {digest(0)}
        assert store.damaged == 1


def test_a_shard_whose_key_is_gone_is_removed(home: Path) -> None:
    with Store() as store:
        store.put(MODEL, MIXED)
    (paths.keys() / f"{encryption.today()}.key").unlink()
    with Store() as store:
        assert store.get(MODEL, MIXED) == {}
        assert store.damaged == 1
    assert not shards(home)


def test_what_a_killed_run_left_half_written_is_removed(home: Path) -> None:
    with Store() as store:
        store.put(MODEL, MIXED)
    part = shards(home)[0].parent / ".2020-01-01-aa.shard.00.part"
    part.write_bytes(b"half")
    with Store() as store:
        assert not part.exists()
        # While a run writes, another must leave its half-written files alone.
        part.write_bytes(b"half")
        with Store():
            assert part.exists()
        assert set(store.get(MODEL, MIXED)) == set(MIXED)


def test_writing_fails_whole_and_leaves_nothing_behind(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with Store() as store:
        store.put(MODEL, {digest(0): ok(0)})
        monkeypatch.setattr(encryption.os, "fsync", full)
        with pytest.raises(UserError, match="No space left on device"):
            store.put(MODEL, {digest(1): ok(1)})
        monkeypatch.undo()
    assert not list(home.rglob("*.part"))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[date]:
    now = [date(2030, 5, 1)]
    monkeypatch.setattr(encryption, "today", lambda: now[0])
    monkeypatch.setattr(machine_clock, "boot", lambda: None)
    return now


def test_shards_and_their_keys_go_after_thirty_days_and_newer_ones_stay(home: Path, clock: list[date]) -> None:
    with Store() as store:
        store.put(MODEL, {digest(0): ok(0)})
    clock[0] += timedelta(days=10)
    with Store() as store:
        store.put(MODEL, {digest(1): ok(1)})
    clock[0] = date(2030, 5, 31)
    with Store() as store:
        assert store.expired == 0
        assert set(store.get(MODEL, [digest(0), digest(1)])) == {digest(0), digest(1)}
    clock[0] = date(2030, 6, 1)
    with Store() as store:
        assert store.expired == 1
        assert set(store.get(MODEL, [digest(0), digest(1)])) == {digest(1)}
    assert sorted(path.name for path in paths.keys().glob("*.key")) == ["2030-05-11.key", "store.key"]


def test_a_shard_that_was_copied_away_cannot_be_read_after_its_retention(home: Path, clock: list[date], tmp_path: Path) -> None:
    with Store() as store:
        store.put(MODEL, MIXED)
    (path,) = shards(home)
    copy = path.read_bytes()
    clock[0] += timedelta(days=31)
    with Store():
        pass
    path.write_bytes(copy)
    clock[0] -= timedelta(days=31)
    with pytest.warns(machine_clock.ClockWarning), Store() as store:
        assert store.get(MODEL, MIXED) == {}


def test_a_shard_from_the_future_is_kept_until_a_person_says_that_the_clock_is_right(home: Path, clock: list[date]) -> None:
    clock[0] = date(2099, 1, 1)
    with Store() as store:
        store.put(MODEL, MIXED)
    clock[0] = date(2030, 5, 1)
    with (
        pytest.warns(machine_clock.ClockWarning, match="says 2030-05-01, but faceparity was used here on 2099-01-01"),
        Store() as store,
    ):
        assert store.expired == 0
    assert len(shards(home)) == 1
    assert purge_older(30).keys == 1
    with Store() as store:
        assert store.get(MODEL, MIXED) == {}
    assert shards(home) == []


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622])
def test_a_key_that_others_can_read_is_refused(mode: int) -> None:
    with Store() as store:
        store.put(MODEL, MIXED)
    (paths.keys() / encryption.SECRET).chmod(mode)
    with Store() as store, pytest.raises(UserError, match=r"others than you can read this key.*chmod 600"):
        store.get(MODEL, MIXED)


def test_a_folder_of_keys_that_others_may_enter_is_closed_to_them() -> None:
    paths.keys().mkdir(parents=True, mode=0o755)
    Keyring().digest("x")
    assert stat.S_IMODE(paths.keys().stat().st_mode) == 0o700


def test_ephemeral_leaves_nothing_on_the_disk(home: Path) -> None:
    with Store(ephemeral=True) as store:
        store.put(MODEL, MIXED)
        assert all(same(one, MIXED[content]) for content, one in store.get(MODEL, [*MIXED, digest(9)]).items())
        assert set(store.get(MODEL, MIXED)) == set(MIXED)
        assert store.keys.folder is None
    assert not home.exists()
    assert store.get(MODEL, MIXED) == {}


def test_two_runs_share_a_store_and_see_each_others_templates() -> None:
    with Store() as one, Store() as other:
        one.put(MODEL, {digest(0): ok(0)})
        other.put(MODEL, {digest(1): ok(1)})
        assert set(one.get(MODEL, [digest(0), digest(1)])) == {digest(0), digest(1)}


def test_keys_made_by_two_processes_at_once_are_one() -> None:
    code = "from faceparity.harness.templates.encryption import Keyring; print(Keyring().digest('x').hex())"
    runs = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert len({run.communicate()[0] for run in runs}) == 1
    assert all(run.returncode == 0 for run in runs)
    assert [path.name for path in paths.keys().iterdir()] == [encryption.SECRET]


def read_by(store: Store, contents: list[str]) -> tuple[dict[str, Extraction], set[str]]:
    """What the store says of these, and which shards it read for it."""
    seen: set[str] = set()
    read = store._read

    def noted(path: Path, fingerprint: str) -> list[tuple[bytes, Extraction]]:
        seen.add(path.name)
        return read(path, fingerprint)

    store._read = noted  # type: ignore[method-assign]
    try:
        return store.get(MODEL, contents), seen
    finally:
        del store._read


def test_a_large_store_is_not_read_whole_for_a_few_templates(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "WORTH_IT", 8)
    everything = {digest(i): ok(i) for i in range(60)}
    with Store() as store:
        for start in range(0, 60, 3):
            store.put(MODEL, {digest(i): everything[digest(i)] for i in range(start, start + 3)})
        assert len(read_by(store, [digest(0)])[1]) == 20  # nobody knows yet
        found, seen = read_by(store, [digest(7), digest(8), digest(31), digest(1000)])
        assert (len(seen), set(found)) == (2, {digest(7), digest(8), digest(31)})
        assert all(same(found[content], everything[content]) for content in found)
        (of_zero,) = read_by(store, [digest(0)])[1]
        store.put(MODEL, {digest(60): ok(60)})  # after the index: read as it is new
        assert len(read_by(store, [digest(60), digest(7)])[1]) == 2
        assert len(read_by(store, list(everything))[0]) == 60
    (kept,) = home.glob("store/*/*-index.shard")
    sealed = kept.read_bytes()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert not any(path.stem.encode() in sealed for path in shards(home))  # sealed like the rest
    next(path for path in shards(home) if path.name == of_zero).unlink()  # a shard that is gone costs its own templates alone
    with Store() as store:
        assert read_by(store, list(everything))[0].keys() == everything.keys() - {digest(i) for i in range(3)}
    kept.write_bytes(sealed[:-1] + bytes([sealed[-1] ^ 1]))  # damaged: as if there were none, and made anew
    with Store() as store:
        assert len(read_by(store, [digest(40)])[1]) == 20
        assert len(read_by(store, [digest(40)])[1]) == 1
        assert store.damaged == 0


def test_a_disk_that_is_full_costs_the_index_alone(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, payload: bytes) -> None:
        raise UserError(f"{path}: cannot be written (No space left on device); free some space")

    with Store() as store:
        for i in range(4):
            store.put(MODEL, {digest(i): ok(i)})
        monkeypatch.setattr(index, "WORTH_IT", 2)
        monkeypatch.setattr(private_files, "write_private", full)
        assert set(store.get(MODEL, [digest(0), digest(3)])) == {digest(0), digest(3)}
        with pytest.raises(UserError, match="No space left"):
            store.put(MODEL, {digest(4): ok(4)})
    assert not list(home.glob("store/*/*-index.shard"))


def test_the_index_of_another_day_is_replaced(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "WORTH_IT", 2)
    with Store() as store:
        for i in range(4):
            store.put(MODEL, {digest(i): ok(i)})
        store.get(MODEL, [digest(0)])
        monkeypatch.setattr(encryption, "today", lambda: date.today() + timedelta(days=3))
        monkeypatch.setattr(machine_clock, "boot", lambda: None)
        for i in range(4, 8):
            store.put(MODEL, {digest(i): ok(i)})
        assert len(read_by(store, [digest(6)])[1]) == 4
        assert len(read_by(store, [digest(0), digest(6)])[1]) == 2
    (kept,) = home.glob("store/*/*-index.shard")
    assert kept.name.startswith((date.today() + timedelta(days=3)).isoformat())
