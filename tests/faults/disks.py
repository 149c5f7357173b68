"""Disks that are full or may not be written to, in a mount namespace of this process's own."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faults.bench import Bench, leftovers, make_people, published, same
from tests.faults.outcomes import CannotTryError, trial

NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount", "--propagation", "private")


@contextmanager
def mounted(bench: Bench, options: str) -> Iterator[tuple[Bench, Path]]:
    """A bench of which the folder `disk` is a file system of its own, and that folder as it is seen from here."""
    disk = bench.folder("disk")
    probe = [*NAMESPACE, "mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)]
    if not shutil.which("unshare") or subprocess.run(probe, capture_output=True, check=False).returncode:
        raise CannotTryError("no mount namespaces for users")
    script = f'mount -t tmpfs -o {options} tmpfs "{disk}" && exec "$@"'
    with Bench(bench.base, prefix=(*NAMESPACE, "sh", "-c", script, "sh")) as inside:
        inside.server.ready()
        yield inside, Path(f"/proc/{inside.server.pid}/root{disk}")


def fill(disk: Path, leave: int) -> Path:
    """A file that leaves so many bytes of the disk."""
    free = shutil.disk_usage(disk).free
    filler = disk / "filler"
    filler.write_bytes(bytes(max(0, free - leave)))
    return filler


@trial("disk", "the store's disk is full")
def full_store(bench: Bench) -> str:
    data = make_people(bench.folder("people"))
    with mounted(bench, "size=1m") as (inside, disk):
        out = bench.base / "out-full"
        home = bench.base / "disk" / "home"
        filler = fill(disk, leave=24 << 10)
        arguments = ["run", "-d", f"folder={data}", "-m", "toy", "--workers", 1, "--out", out]
        told = inside.run(*arguments, home=home).refusal("No space left").split(": ", 1)[-1]
        kept = len(list((disk / "home").glob("store/*/*.shard")))
        filler.unlink()
        again = inside.run(*arguments, home=home)
        assert again.status == 0, again.told
        assert leftovers(disk / "home") == []
    return f'"{told[:80]}" (exit 2); with space again it went on from the {kept} shards that were there'


@trial("disk", "the results' disk is full")
def full_results(bench: Bench) -> str:
    data, home = make_people(bench.folder("people")), bench.folder("home-full")
    whole = bench.base / "out-whole"
    assert bench.run("run", "-d", f"folder={data}", "-m", "toy", "--workers", 1, "--out", whole, home=home).status == 0
    told = {}
    with mounted(bench, "size=2m") as (inside, disk):
        arguments = ["run", "-d", f"folder={data}", "-m", "toy", "--workers", 1, "--out", bench.base / "disk" / "out"]
        for leave in (4, 24, 64, 96):
            filler = fill(disk, leave=leave << 10)
            ended = inside.run(*arguments, home=home)
            if ended.status:
                told[leave] = ended.refusal()
            for file in (disk / "out").rglob("results.json"):
                assert file.read_bytes().rstrip().endswith(b"}"), f"half a results.json with {leave} kB left"
            filler.unlink()
        again = inside.run(*arguments, home=home)
        assert again.status == 0, again.told
        same(published(disk / "out"), published(whole))
    assert told, "there was room for everything"
    return f"full at {len(told)} different places: a line each (exit 2), never half a file; with space again the same bytes"


@trial("disk", "a disk that may only be read")
def read_only(bench: Bench) -> str:
    data, home = make_people(bench.folder("people")), bench.folder("home")
    with mounted(bench, "ro,size=1m") as (inside, _):
        arguments = ["run", "-d", f"folder={data}", "-m", "toy", "--workers", 1]
        ends = [inside.run(*arguments, "--out", bench.base / "disk" / "out", home=home)]
        ends.append(inside.run(*arguments, "--out", bench.base / "out", home=bench.base / "disk" / "home"))
        told = [ended.refusal("disk").split(": ", 1)[-1] for ended in ends]
    assert not list(home.glob("store/*/*.shard")), "that results can't be written is said before the first image is read"
    return "; ".join(f'"{t[:90]}"' for t in told) + " (exit 2)"
