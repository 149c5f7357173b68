"""A clock that is wrong is warned of and not acted on; one that is right ends what is past its retention, whatever reads it."""

from __future__ import annotations

import shutil
import warnings
from datetime import date, timedelta
from pathlib import Path

import pytest

from faceparity.datasets.common import paths
from faceparity.datasets.common.errors import UserError
from faceparity.harness.models.base.model import Extraction
from faceparity.harness.templates import clock, encryption
from faceparity.harness.templates.clock import Boot, LastUse, judge
from faceparity.harness.templates.private_tables import read_private, write_private
from faceparity.harness.templates.purge import purge_all, purge_older
from faceparity.harness.templates.store import Store

DAY = date(2031, 5, 1)
MODEL = "0" * 64
ONE = {"a" * 64: Extraction("no_face", reason="no face found")}


class Machine:
    """A machine whose clock and boots are set by hand."""

    def __init__(self) -> None:
        self.today, self.up, self.boots = DAY, 0.0, 1

    def boot(self) -> Boot:
        return Boot(f"boot {self.boots}", self.up)

    def runs(self, days: float) -> None:
        """Time passes, and the clock goes with it."""
        self.up += days
        self.today += timedelta(days=int(days))

    def is_off(self, days: int) -> None:
        """It is shut down, and started so many days later."""
        self.today += timedelta(days=days)
        self.boots, self.up = self.boots + 1, 0.0


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setenv("FACEPARITY_HOME", str(tmp_path / "home"))
    there = Machine()
    monkeypatch.setattr(encryption, "today", lambda: there.today)
    monkeypatch.setattr(clock, "boot", there.boot)
    return there


@pytest.fixture
def run(tmp_path: Path, machine: Machine) -> Path:
    """The private part of a run, and templates, of the first day."""
    write_private(tmp_path / "run", "ledger", b"who resembles whom")
    with Store() as store:
        store.put(MODEL, ONE)
    return tmp_path / "run"


def day_keys() -> list[str]:
    return [name for name in encryption.Keyring().names() if name != encryption.SECRET]


def refused(run: Path, words: str) -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", clock.ClockWarning)
        with pytest.raises(UserError, match=words) as error:
            read_private(run, "ledger")
    return str(error.value)


@pytest.mark.parametrize("passes", [Machine.runs, Machine.is_off])
def test_at_day_sixty_reading_refuses_and_destroys_every_key_past_its_day(run: Path, machine: Machine, passes) -> None:
    passes(machine, 30)
    assert read_private(run, "ledger") == b"who resembles whom"
    passes(machine, 30)
    shutil.copytree(paths.keys(), run.parent / "backup")
    assert len(day_keys()) == 2
    refused(run, r"past its retention date \(2031-05-31\) and was destroyed; run again")
    assert day_keys() == []
    refused(run, "past its retention date")
    shutil.copytree(run.parent / "backup", paths.keys(), dirs_exist_ok=True)
    refused(run, "past its retention date")
    assert day_keys() == [], "keys out of a backup end too"
    with Store() as store:
        assert store.get(MODEL, ONE) == {}


def test_a_process_that_lives_on_is_held_to_the_day_too(run: Path, machine: Machine) -> None:
    keys = encryption.Keyring()
    assert read_private(run, "ledger", keys=keys)
    machine.runs(31)
    with pytest.raises(UserError, match="past its retention date"):
        read_private(run, "ledger", keys=keys)


def test_a_shorter_retention_holds_at_once(run: Path, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(encryption.RETENTION, "3")
    machine.runs(4)
    refused(run, "past its retention date")


def set_forward(machine: Machine) -> None:
    machine.today += timedelta(days=60)


def far_future(machine: Machine) -> None:
    machine.is_off(365 * 73)


def set_back_after_use(machine: Machine) -> None:
    """Used at day 60, when nothing was read; then somebody sets the clock back to read what has ended."""
    machine.is_off(60)
    key = paths.keys() / "2031-06-30.key"
    key.write_bytes(bytes(32))
    key.chmod(0o600)
    machine.today = DAY + timedelta(days=5)


@pytest.mark.parametrize("change", [set_forward, far_future, set_back_after_use])
def test_by_a_clock_in_doubt_nothing_is_read_and_nothing_destroyed(run: Path, machine: Machine, change) -> None:
    held = sorted(paths.store().glob("*/*.shard"))
    change(machine)
    before = day_keys()
    told = refused(run, "neither destroyed nor read; set the clock right, or if it is right run faceparity purge --older-than")
    assert str(machine.today) in told
    with warnings.catch_warnings(record=True) as told_by_run, Store() as store:
        assert (store.expired, store.get(MODEL, ONE)) == (0, {})
        store.put("another", ONE)
    assert [w.category for w in told_by_run] == [clock.ClockWarning]
    assert {*before} <= {*day_keys()}
    assert {*held} <= {*paths.store().glob("*/*.shard")}


def test_when_the_clock_is_right_again_all_is_as_it_was(run: Path, machine: Machine) -> None:
    machine.today = date(2099, 1, 1)
    with warnings.catch_warnings(record=True), Store() as store:
        store.put("another", ONE)
        write_private(run.parent / "meanwhile", "ledger", b"x", keys=store.keys)
    machine.today = DAY + timedelta(days=1)
    machine.up += 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_private(run, "ledger") == b"who resembles whom"
        assert read_private(run.parent / "meanwhile", "ledger") == b"x"
        with Store() as store:
            assert {*store.get(MODEL, ONE), *store.get("another", ONE)} == {*ONE}


@pytest.mark.parametrize("wrong", [date(2099, 1, 1), DAY + timedelta(days=90)])
def test_a_person_who_purges_by_age_takes_the_clock_for_right(run: Path, machine: Machine, wrong: date) -> None:
    machine.today = wrong
    assert purge_older(30).keys == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_private(run.parent / "new", "ledger", b"new")
        assert read_private(run.parent / "new", "ledger") == b"new"
    refused(run, "past its retention date")


def test_purging_everything_forgets_the_clock_too(run: Path, machine: Machine) -> None:
    machine.today = date(1970, 1, 1)
    purge_all()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_private(run.parent / "new", "ledger", b"new")
        assert read_private(run.parent / "new", "ledger") == b"new"


@pytest.mark.parametrize("note", [b"", b"[]", b'{"day": 3}', b'{"day": "2031-13-01", "boot": "", "up_days": 0}', b"\xff"])
def test_a_spoiled_note_leaves_the_newest_key_as_evidence(run: Path, machine: Machine, note: bytes) -> None:
    (paths.keys() / clock.NOTE).write_bytes(note)
    machine.today = DAY - timedelta(days=400)
    with pytest.warns(clock.ClockWarning), Store():
        pass


def test_keys_that_may_only_be_read_are_refused_past_their_day_all_the_same(
    run: Path, machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.is_off(60)

    def read_only(self: Path, missing_ok: bool = False) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "unlink", read_only)
    refused(run, r"cannot be destroyed \(Permission denied\); delete it yourself")


@pytest.mark.parametrize(
    ("today", "last", "now", "why"),
    [
        (DAY, None, Boot("a", 1), ""),
        (DAY, LastUse(DAY, "a", 1), Boot("a", 1.4), ""),
        (DAY - timedelta(days=1), LastUse(DAY), None, ""),
        (DAY - timedelta(days=2), LastUse(DAY), None, "was used here on"),
        (DAY + timedelta(days=60), LastUse(DAY, "a", 1), Boot("a", 61.2), ""),
        (DAY + timedelta(days=60), LastUse(DAY, "a", 1), Boot("b", 0.1), ""),
        (DAY + timedelta(days=60), LastUse(DAY, "a", 1), None, ""),
        (DAY + timedelta(days=60), LastUse(DAY, "a", 1), Boot("a", 1.2), "set forward by about 60 days"),
        (DAY + timedelta(days=3), LastUse(DAY, "a", 1), Boot("a", 41.0), "set back by about 37 days"),
        (DAY + timedelta(days=60), LastUse(DAY, "a", 5), Boot("a", 1.2), ""),
        (DAY + timedelta(days=3649), LastUse(DAY, "a", 1), Boot("b", 1.0), ""),
        (DAY + timedelta(days=3650), LastUse(DAY, "a", 1), Boot("b", 1.0), "was last used here on"),
    ],
)
def test_what_is_held_against_a_clock(today: date, last: LastUse | None, now: Boot | None, why: str) -> None:
    doubt = judge(today, last, now)
    assert (doubt is not None) == bool(why)
    assert doubt is None or (why in doubt.why and doubt.latest == max(today, doubt.since))


@pytest.mark.parametrize("seconds", [-1.0, 3650 * 86_400.0])
def test_a_time_since_the_start_that_cannot_be_is_no_evidence(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr(clock.time, "clock_gettime", lambda _: seconds)
    assert clock.boot() is None


def test_this_machine_tells_its_boot_or_nothing() -> None:
    one, other = clock.boot(), clock.boot()
    assert (one is None) == (other is None)
    assert one is None or other is None or (one.name == other.name and one.name and 0 < one.days <= other.days)
