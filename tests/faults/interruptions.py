"""Runs that are broken off, disturbed or met by another: they go on, lose at most a shard, and end with the same bytes."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.faults.bench import BATCH, PEOPLE, Bench, extracted, leftovers, make_people, published, same, stored_images
from tests.faults.killer import kill_workers
from tests.faults.outcomes import trial

IMAGES = 2 * PEOPLE
SLOW = {"TOY_SECONDS": "0.02"}
KILLS = int(os.environ.get("FAULTS_KILLS", "12"))
"""In the tests; `python -m tests.faults` makes it a hundred."""
PARTS = 2
"""The kills are tried in so many trials, so that tests can share them between processes."""


class Scene:
    """The data set, what an undisturbed run makes of it, and how long that takes."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.data = bench.base / "people"
        if not self.data.is_dir():
            make_people(bench.folder("people"))
        home, out = bench.folder("home-undisturbed"), bench.base / "out-undisturbed"
        arguments = self.arguments(out)
        if not (out / "report.html").is_file():
            assert bench.run(*arguments, home=bench.folder("home-warm")).status == 0
        before = time.monotonic()
        ended = bench.run(*arguments, home=home, env=SLOW)
        self.seconds = time.monotonic() - before
        assert ended.status == 0, ended.told
        assert extracted(out) == IMAGES
        self.expected = published(out)

    def arguments(self, out: Path) -> list[object]:
        """A run into `out`."""
        return ["run", "-d", f"folder={self.data}", "-m", "toy", "--workers", 2, "--out", out]

    def goes_on(self, home: Path, out: Path) -> int:
        """The same command again: how many images it read anew. Nothing is lost, and nothing half-written is left."""
        stored = stored_images(home)
        ended = self.bench.run(*self.arguments(out), home=home, env=SLOW)
        assert ended.status == 0, ended.told
        assert not ended.traceback, ended.told
        same(published(out), self.expected)
        assert extracted(out) == IMAGES - stored, "what was in the store was read again"
        assert leftovers(home) == []
        return extracted(out)


def kills(part: int) -> Callable[[Bench], str]:
    """A share of the kills: with a seed of its own."""

    def attempt(bench: Bench) -> str:
        scene, rng = Scene(bench), random.Random(part)
        count, again, early = KILLS // PARTS, [], 0
        for _ in range(count):
            home, out = bench.folder("home"), bench.folder("out")
            out.rmdir()
            ended = bench.killed(rng.uniform(0, scene.seconds), signal.SIGKILL, *scene.arguments(out), home=home, env=SLOW)
            early += ended.status == -signal.SIGKILL
            again.append(scene.goes_on(home, out))
        assert early > count // 2, "most kills came after the end of the run: nothing was tried"
        read = f"{min(again)} to {max(again)} of {IMAGES} images"
        return f"{early} of {count} runs killed before their end; each went on, reading {read}, to the same bytes"

    return attempt


for _part in range(PARTS):
    trial("killed", f"SIGKILL at {KILLS // PARTS} random moments ({_part + 1} of {PARTS})")(kills(_part))


@trial("killed", "killed three times in a row")
def three_kills(bench: Bench) -> str:
    scene = Scene(bench)
    home, out = bench.folder("home"), bench.base / "out"
    stored = [0]
    for share in (0.35, 0.45, 0.55):
        bench.killed(share * scene.seconds, signal.SIGKILL, *scene.arguments(out), home=home, env=SLOW)
        stored.append(stored_images(home))
        assert stored[-1] >= stored[-2], "what one run stored another lost"
    return f"the store grew from kill to kill ({', '.join(map(str, stored[1:]))} images); {scene.goes_on(home, out)} were left to read"


@trial("killed", "Ctrl-C at five moments")
def interrupted(bench: Bench) -> str:
    scene, told = Scene(bench), []
    for share in (0.1, 0.3, 0.5, 0.7, 0.9):
        home, out = bench.folder("home"), bench.base / "out"
        ended = bench.killed(share * scene.seconds, signal.SIGINT, *scene.arguments(out), home=home, env=SLOW)
        # Python itself dies of the signal where it comes while it shuts down, everything written.
        assert ended.status in (130, 0, -signal.SIGINT), f"exit {ended.status}: {ended.told}"
        assert not ended.traceback, ended.told
        if ended.status == 130:
            told.append(ended.told.strip().splitlines()[-1])
        scene.goes_on(home, out)
    assert len(told) >= 3, "most interrupts came after the end of the run"
    assert set(told) == {"faceparity: stopped; the same command goes on where it was"}, told
    return f'exit 130 {len(told)} times, "{told[0]}", and it does'


@trial("processes", "a worker is killed")
def worker_dies(bench: Bench) -> str:
    scene = Scene(bench)
    home, out = bench.folder("home"), bench.folder("out")
    out.rmdir()
    pid = bench.start(*scene.arguments(out), home=home, env={"TOY_SECONDS": "0.05"})
    victim = _worker_of(pid, lambda: stored_images(home) > 0)
    os.kill(victim, signal.SIGKILL)
    ended = bench.end(pid)
    assert ended.status == 0, ended.told
    assert not ended.traceback, ended.told
    same(published(out), scene.expected)
    return "its batch was done again by another; same bytes"


def _worker_of(pid: int, ready: Callable[[], bool]) -> int:
    """A worker process of a run, once it is at work."""
    for _ in range(600):
        time.sleep(0.05)
        tasks = Path(f"/proc/{pid}/task/{pid}/children")
        children = [int(c) for c in tasks.read_text().split()]
        workers = [c for c in children if b"spawn_main" in Path(f"/proc/{c}/cmdline").read_bytes()]
        if workers and ready():
            return workers[-1]
    raise AssertionError("no worker was seen")


@trial("processes", "workers are killed again and again")
def workers_die(bench: Bench) -> str:
    scene = Scene(bench)
    home, out = bench.folder("home"), bench.folder("out")
    out.rmdir()
    pid = bench.start(*scene.arguments(out), home=home, env={"TOY_SECONDS": "0.05"})
    _worker_of(pid, lambda: stored_images(home) > 0)
    killed, until = 0, time.monotonic() + 20
    while time.monotonic() < until and Path(f"/proc/{pid}/cmdline").read_bytes():
        killed += kill_workers(pid, age=1)
        time.sleep(0.1)
    ended = bench.end(pid)
    assert killed > 1, "nothing was tried"
    assert ended.status in (0, 2), ended.told
    assert not ended.traceback, ended.told
    assert ended.status == 0 or "killed by SIGKILL" in ended.told, ended.told
    again = bench.run(*scene.arguments(out), home=home)
    assert again.status == 0, again.told
    same(published(out), scene.expected)
    return f"{killed} killed; exit {ended.status}; nothing false was stored: the next run ended with the same bytes"


@trial("processes", "two runs on one store at once")
def two_at_once(bench: Bench) -> str:
    scene, home = Scene(bench), bench.folder("home")
    outs = [bench.base / "out-a", bench.base / "out-b"]
    pids = [bench.start(*scene.arguments(out), home=home, env=SLOW) for out in outs]
    ends = [bench.end(pid, log=1 - i) for i, pid in enumerate(pids)]
    assert [e.status for e in ends] == [0, 0], [e.told for e in ends]
    for out in outs:
        same(published(out), scene.expected)
    return "both ended with the same bytes"


@trial("processes", "two runs into one folder at once")
def one_folder(bench: Bench) -> str:
    scene, home, out = Scene(bench), bench.folder("home"), bench.folder("out")
    out.rmdir()
    first = bench.start(*scene.arguments(out), home=home, env={"TOY_SECONDS": "0.1"})
    for _ in range(200):
        time.sleep(0.05)
        if (out / "run.log").is_file():
            break
    second = bench.run(*scene.arguments(out), home=home)
    second.refusal("another run is writing there")
    ended = bench.end(first, log=1)
    assert ended.status == 0, ended.told
    same(published(out), scene.expected)
    return "the second said so and ended (exit 2); the first was not disturbed"


@trial("processes", "purge while a run is at work")
def purged_meanwhile(bench: Bench) -> str:
    scene, home, out = Scene(bench), bench.folder("home"), bench.folder("out")
    out.rmdir()
    first = bench.start(*scene.arguments(out), home=home, env={"TOY_SECONDS": "0.1"})
    _worker_of(first, lambda: stored_images(home) > 0)
    second = bench.run("purge", "--yes", home=home)
    second.refusal("a faceparity run is using this store")
    assert bench.end(first, log=1).status == 0
    same(published(out), scene.expected)
    return "refused in a line (exit 2); the run was not disturbed"


@trial("store", "shards torn, flipped, emptied, swapped")
def torn(bench: Bench) -> str:
    scene, home, out = Scene(bench), bench.folder("home"), bench.base / "out"
    scene.goes_on(home, out)
    shards = sorted(home.glob("store/*/*.shard"))
    whole = [s.read_bytes() for s in shards]
    shards[0].write_bytes(whole[0][: len(whole[0]) // 2])
    shards[1].write_bytes(whole[1][:60] + bytes([whole[1][60] ^ 1]) + whole[1][61:])
    shards[2].write_bytes(b"")
    shards[3].write_bytes(whole[4])
    ended = bench.run(*scene.arguments(out), home=home)
    assert ended.status == 0, ended.told
    same(published(out), scene.expected)
    assert extracted(out) == 4 * BATCH, "exactly the spoiled shards are made again"
    return "the four were made again, the others kept; same bytes"


@trial("store", "its keys are gone")
def keys_gone(bench: Bench) -> str:
    scene, home, out = Scene(bench), bench.folder("home"), bench.base / "out"
    scene.goes_on(home, out)
    for key in home.glob("keys/*.key"):
        key.unlink()
    ended = bench.run(*scene.arguments(out), home=home)
    assert ended.status == 0, ended.told
    assert extracted(out) == IMAGES
    same(published(out), scene.expected)
    return "all templates made again under new keys; same bytes"


@trial("store", "a key that others can read")
def open_key(bench: Bench) -> str:
    scene, home, out = Scene(bench), bench.folder("home"), bench.base / "out"
    scene.goes_on(home, out)
    for key in home.glob("keys/*.key"):
        key.chmod(0o644)
    bench.run(*scene.arguments(out), home=home).refusal("others than you can read this key")
    return "refused in a line (exit 2)"


@trial("clock", "the clock goes back a year, and comes right again")
def clock_back(bench: Bench) -> str:
    scene, home, out = Scene(bench), bench.folder("home"), bench.base / "out"
    scene.goes_on(home, out)
    long_ago = (datetime.now(UTC).date() - timedelta(days=365)).isoformat()
    shards = sorted(home.glob("store/*/*.shard"))
    for told in (long_ago, ""):
        ended = bench.run(*scene.arguments(out), home=home, env={"today": told})
        assert ended.status == 0, ended.told
        assert ("caution: this machine's clock is in doubt: it says" in ended.told) == bool(told), ended.told
        assert extracted(out) == 0, "the last day that was believed counts"
        same(published(out), scene.expected)
    assert sorted(home.glob("store/*/*.shard")) == shards
    return "a caution while it was wrong; nothing was destroyed or made again; same bytes"


@trial("clock", "the clock jumps to 2099, and comes right again")
def clock_forward(bench: Bench) -> str:
    scene, home, out = Scene(bench), bench.folder("home"), bench.base / "out"
    scene.goes_on(home, out)
    keys = sorted(home.glob("keys/*.key"))
    ended = bench.run(*scene.arguments(out), home=home, env={"today": "2099-01-01"})
    assert ended.status == 0, ended.told
    assert "caution: this machine's clock is in doubt: it says 2099-01-01" in ended.told, ended.told
    assert extracted(out) == IMAGES, "what looks past its retention is not read"
    same(published(out), scene.expected)
    assert {*keys} <= {*home.glob("keys/*.key")}
    ended = bench.run(*scene.arguments(out), home=home)
    assert ended.status == 0, ended.told
    assert "caution" not in ended.told, ended.told
    assert extracted(out) == 0
    same(published(out), scene.expected)
    return "a caution while it was wrong; old templates were neither read nor destroyed, and served again when it was right; same bytes"


@trial("data", "pictures vanish and change during the run")
def vanishing(bench: Bench) -> str:
    scene, home, out = Scene(bench), bench.folder("home"), bench.folder("out")
    out.rmdir()
    data = make_people(bench.folder("vanishing"))
    pid = bench.start(
        "run", "-d", f"folder={data}", "-m", "toy", "--workers", 2, "--out", out, home=home, env={"TOY_SECONDS": "0.1"}
    )
    _worker_of(pid, lambda: stored_images(home) > 0)
    last = sorted(data.glob("*.png"))
    last[-1].unlink()
    last[-2].write_bytes(last[0].read_bytes())
    ended = bench.end(pid)
    assert ended.status == 0, ended.told
    assert not ended.traceback, ended.told
    assert "2 that could not be read or processed" in ended.told, ended.told
    assert scene.expected.keys() == {k.replace("vanishing", "people") for k in published(out)}
    return "counted as unreadable (one gone, one changed since it was read); the rest measured"
