"""Where faceparity writes: under FACEPARITY_HOME or the user's folders, for the owner alone, and nowhere else."""

from __future__ import annotations

import os
import pwd
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import numba
import pytest

from faceparity.datasets.common import numba_cache, paths
from faceparity.datasets.common.errors import UserError
from tests import ROOT

PLACES = [paths.artefacts, paths.caches, paths.datasets, paths.store, paths.keys]


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o777])
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.umask(request.param)
    yield
    os.umask(before)


@pytest.mark.usefixtures("umask")
def test_folders_and_those_above_them_are_the_owners_alone_under_any_umask(tmp_path: Path) -> None:
    before = stat.S_IMODE(tmp_path.stat().st_mode)
    assert paths.make_folder(tmp_path / "a" / "b" / "c") == tmp_path / "a" / "b" / "c"
    for folder in ("a", "a/b", "a/b/c"):
        assert stat.S_IMODE((tmp_path / folder).stat().st_mode) == 0o700
    paths.make_folder(tmp_path / "a" / "b")
    assert stat.S_IMODE(tmp_path.stat().st_mode) == before, "what a user made stays as it is"


def test_a_file_in_a_folders_place_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for path in ("file", "file/below"):
        with pytest.raises(OSError, match=r"Not a directory|File exists"):
            paths.make_folder(tmp_path / path)
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("named", ["", "~nobodyhasthisname/x"])
def test_a_user_without_any_home_is_told_what_to_set(
    place: Callable[[], Path], named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: object) -> None:
        raise KeyError

    for name in [n for n in os.environ if n.startswith("XDG_") or n in ("HOME", paths.HOME)]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setenv(paths.HOME, named)
    with pytest.raises(UserError, match="set FACEPARITY_HOME to a folder that you can write to"):
        place()


def test_all_lies_under_the_home_that_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(paths.HOME, str(tmp_path))
    assert {place().parent for place in PLACES} == {tmp_path}
    assert len({place() for place in PLACES}) == len(PLACES)


@pytest.fixture
def folder_of_code(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    monkeypatch.setattr(numba.config, "CACHE_DIR", "")
    numba_cache.cache_folder.cache_clear()
    yield monkeypatch
    numba_cache.cache_folder.cache_clear()


def twice(x: int) -> int:
    return 2 * x


def test_compiled_code_lies_under_the_home(folder_of_code: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder_of_code.setenv(paths.HOME, str(tmp_path / "home"))
    assert numba_cache.njit()(twice)(4) == 8
    assert [f.suffix for f in sorted((tmp_path / "home" / "caches" / "numba").rglob("*twice*"))] == [".nbc", ".nbi"]
    assert numba.config.CACHE_DIR == "", "functions of others are cached where they were"


def test_a_users_own_folder_of_compiled_code_counts(folder_of_code: pytest.MonkeyPatch, tmp_path: Path) -> None:
    folder_of_code.setenv(paths.HOME, str(tmp_path / "home"))
    folder_of_code.setattr(numba.config, "CACHE_DIR", str(tmp_path / "own"))
    assert numba_cache.njit()(twice)(4) == 8
    assert list((tmp_path / "own").rglob("*twice*"))
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize("home", ["/proc/nowhere", "~nobodyhasthisname"])
def test_where_nothing_can_be_written_code_is_compiled_all_the_same(folder_of_code: pytest.MonkeyPatch, home: str) -> None:
    folder_of_code.setenv(paths.HOME, home)
    assert numba_cache.cache_folder() is None
    assert numba_cache.njit(nogil=True)(twice)(4) == 8


def failing(*_: object) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("at", ["_save_index", "_load_index", "save", "load"])
def test_a_cache_that_fails_costs_no_call(folder_of_code: pytest.MonkeyPatch, tmp_path: Path, at: str) -> None:
    from numba.core.caching import IndexDataCacheFile

    folder_of_code.setenv(paths.HOME, str(tmp_path / "home"))
    function = numba_cache.njit()(twice)
    folder_of_code.setattr(IndexDataCacheFile, at, failing)
    assert function(4) == 8


def test_nothing_is_compiled_but_through_the_one_way() -> None:
    """A function compiled otherwise would write into the installation or the user's home."""
    files = [f for part in ("datasets", "harness", "reports") for f in (ROOT / part).rglob("*.py")]
    ours = [f for f in files if re.search(r"^\s*(import|from) numba\b", f.read_text("utf-8"), re.MULTILINE)]
    assert ours == [ROOT / "datasets" / "common" / "numba_cache.py"]
