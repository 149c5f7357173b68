"""A process killed at any moment of its writing: nothing half-written outlives the next run, and no key is lost."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from faceparity.datasets.common import paths
from faceparity.harness.models.base.model import Extraction
from faceparity.harness.templates import encryption
from faceparity.harness.templates.store import Store

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not sys.platform.startswith("linux"), reason="forks and locks folders")]

MODEL, CONTENT, OTHER = (hashlib.sha256(word).hexdigest() for word in (b"model", b"image", b"another"))
CALLS = ("open", "fsync", "replace", "link", "unlink")
"""What reaches the disk by name."""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FACEPARITY_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def killed_at(call: int, work: Callable[[], None]) -> bool:
    """Do the work in a process that is killed before its so manieth call; False where it ended before."""
    child = os.fork()
    if child:
        return os.WIFSIGNALED(os.waitpid(child, 0)[1])
    left = call

    def counted(original: Callable[..., Any]) -> Callable[..., Any]:
        def either(*arguments: Any, **named: Any) -> Any:
            nonlocal left
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*arguments, **named)

        return either

    for name in CALLS:
        setattr(os, name, counted(getattr(os, name)))
    work()
    os._exit(0)


def store_one() -> None:
    """Make the secret, a day's key, a private part's key and a shard."""
    with Store() as store:
        store.put(MODEL, {CONTENT: Extraction("no_face", reason="no face found")})
        store.keys.seal(b"private", "x", unit=b"12345678")


def parts(home: Path) -> list[str]:
    return sorted(str(path.relative_to(home)) for path in home.rglob("*.part"))


def test_nothing_half_written_outlives_the_next_run(home: Path) -> None:
    left_by_kill = set()
    for call in range(1, 200):
        if not killed_at(call, store_one):
            break
        left_by_kill |= {name.split("/")[0] for name in parts(home)}
        with Store() as store:
            known = store.get(MODEL, [CONTENT])
            code = store.keys.digest("code")
        assert parts(home) == [], f"killed before call {call}"
        with Store() as store:
            assert store.keys.digest("code") == code, "a key was lost"
            assert store.get(MODEL, [CONTENT]).keys() == known.keys(), "a template was lost"
            assert store.damaged == 0
        encryption.Keyring().destroy()
        for shard in home.glob("store/*/*.shard"):
            shard.unlink()
    else:
        raise AssertionError("the work never ended")
    assert call > 20
    assert left_by_kill == {"keys", "store"}, "no kill left a part: nothing was tried"


def test_a_part_with_two_names_goes_without_its_key(home: Path) -> None:
    secret = encryption.Keyring().digest("code")
    key = paths.keys() / encryption.SECRET
    os.link(key, key.with_name(f".{encryption.SECRET}.0123abcd.part"))
    with Store():
        assert parts(home) == []
    assert encryption.Keyring().digest("code") == secret


def test_runs_that_start_at_once_do_not_disturb_each_other(home: Path) -> None:
    """No unfinished key is taken from its maker, and who tidies the store is not taken for a purge."""
    make = "from faceparity.harness.templates.encryption import Keyring\nprint(Keyring().digest('code').hex())"
    enter = "from faceparity.harness.templates.store import Store\nfor _ in range(200):\n    with Store(): pass"
    enters = [subprocess.Popen([sys.executable, "-c", enter]) for _ in range(2)]
    makes = [subprocess.Popen([sys.executable, "-c", make], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert len({one.communicate()[0] for one in makes}) == 1
    assert [one.wait() for one in (*makes, *enters)] == [0] * 5
    assert parts(home) == []
