"""How data sets are found: those that faceparity brings by their cards, those of other packages by entry points."""

from __future__ import annotations

import ast
import inspect
import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from PIL import Image

import faceparity.datasets
from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.plugins import plugins
from faceparity.datasets.registry import GROUP, check_known, dataset_names, load_dataset, reader
from faceparity.datasets.schema.card import load_card

PACKAGE = Path(faceparity.datasets.__file__).parent
READER = ["root", "name", "include_minors"]
"""What a reader is called with."""

CARD = """
name = "invented"
title = "A set that nobody gives out"
identity = "labelled"
"""
CODE = """
from pathlib import Path

from ..schema.dataset import Dataset
from . import folder


def {function}(root: Path, *, name: str | None = None, include_minors: bool = False) -> Dataset:
    return folder.read(root, name=name or "invented", include_minors=include_minors)
"""


def others(monkeypatch: pytest.MonkeyPatch, **entries: str) -> None:
    """Only these entry points there are."""
    found = metadata.EntryPoints([metadata.EntryPoint(name, value, GROUP) for name, value in entries.items()])
    monkeypatch.setattr(metadata, "entry_points", lambda **wanted: found.select(**wanted))


def pictures(root: Path) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    (root / "labels.csv").write_text("file,sex\n1.jpg,F\n2.jpg,M\n")
    for n in (1, 2):
        Image.new("RGB", (5, 5), (n, 0, 0)).save(root / f"{n}.jpg")
    return root


def has_reader(module: Path) -> bool:
    """Whether a module defines a function that is called as readers are."""
    functions = [node for node in ast.parse(module.read_text("utf-8")).body if isinstance(node, ast.FunctionDef)]
    return any([a.arg for a in (*f.args.args, *f.args.kwonlyargs)] == READER for f in functions)


# Those that faceparity brings


def test_every_card_has_a_reader_or_says_why_not(monkeypatch: pytest.MonkeyPatch) -> None:
    others(monkeypatch)
    names = dataset_names()
    assert names == sorted(path.stem for path in (PACKAGE / "cards").glob("*.toml"))
    for name in names:
        assert load_card(name).name == name
        if load_card(name).not_a_benchmark:
            with pytest.raises(UserError, match="is no benchmark"):
                reader(name)
        else:
            assert list(inspect.signature(reader(name)).parameters) == READER


def test_every_reader_belongs_to_a_card() -> None:
    cards = [load_card(path.stem) for path in (PACKAGE / "cards").glob("*.toml")]
    named = {(card.reader or f"{card.name}:read").partition(":")[0] for card in cards if not card.not_a_benchmark}
    assert {path.stem for path in (PACKAGE / "readers").glob("*.py") if has_reader(path)} == named


def test_names_hold_without_metadata(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    others(monkeypatch)
    assert {"folder", "control-tone", "maad_face", "facet"} <= set(dataset_names())
    assert load_dataset(f"folder={pictures(tmp_path / 'mine')}").n_samples == 2


@pytest.mark.parametrize("function", ["read", "read_again"])
def test_a_card_and_a_reader_are_all_that_a_set_needs(tmp_path: Path, function: str) -> None:
    """In a copy of the package, which lies before the other on the path."""
    copy = tmp_path / "faceparity" / "datasets"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("*.jpg", "__pycache__"))
    named = "" if function == "read" else f'reader = "layout_of_others:{function}"\n'
    module = "invented" if function == "read" else "layout_of_others"
    (copy / "cards" / "invented.toml").write_text(CARD + named)
    (copy / "readers" / f"{module}.py").write_text(CODE.format(function=function))
    code = (
        "import sys, faceparity.datasets as d, faceparity.datasets.registry as r\n"
        "print(d.__file__, 'invented' in r.dataset_names())\n"
        "print(r.load_dataset(sys.argv[1]).name, r.load_dataset(sys.argv[1]).n_samples)\n"
    )
    path = os.pathsep.join(filter(None, (str(tmp_path), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        [sys.executable, "-c", code, f"invented={pictures(tmp_path / 'copy')}"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": path},
        cwd=tmp_path,
    )
    assert done.stdout.splitlines() == [f"{copy / '__init__.py'} True", "invented 2"], done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["datasets"], ["datasets", "london"]])
def test_listing_imports_no_reader(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom faceparity.harness.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "print('imported', [m for m in sys.modules if m.startswith('faceparity.datasets.readers.')])\n"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    assert len(done.stdout.splitlines()) > 5
    assert done.stdout.splitlines()[-1] == "imported []"


@pytest.mark.parametrize("name", ["../cards/control", "control.toml", "", "__init__", "a" * 5000, "control\0"])
def test_what_only_leads_to_a_card_is_no_name(name: str) -> None:
    with pytest.raises(UserError, match="there is no data set"):
        check_known(name)
    with pytest.raises(UserError, match="there is no data set"):
        reader(name)


# Those of other packages


def test_readers_of_other_packages_are_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    others(monkeypatch, mugshots="faceparity.datasets.readers.folder:read")
    assert "mugshots" in dataset_names()
    assert load_dataset(f"mugshots={pictures(tmp_path / 'mine')}").n_samples == 2


@pytest.mark.parametrize("name", ["folder", "control-tone", "facet"])
def test_others_cannot_take_our_names(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    before = dataset_names()
    others(monkeypatch, **{name: "no_such_module_anywhere:read"})
    assert dataset_names() == before
    if name == "facet":
        with pytest.raises(UserError, match="is no benchmark"):
            reader(name)
    else:
        assert reader(name).__module__.startswith("faceparity.datasets.readers.")  # type: ignore[attr-defined]


BROKEN = {
    "gone": ("no_such_module_anywhere:read", "ModuleNotFoundError"),
    "older": ("faceparity.datasets.readers.folder:no_such_function", "AttributeError"),
    "typing": ("not a module", "can't be used"),
    "number": ("faceparity.datasets.loading.image_files:MAX_PIXELS", "is no function"),
    "ends": ("ending_at_import:read", "SystemExit"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_reader_of_others_takes_nothing_down(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from faceparity.harness.cli.catalogue.listing import show_datasets

    (tmp_path / "ending_at_import.py").write_text("import sys\nsys.exit()\n")
    monkeypatch.syspath_prepend(tmp_path)
    value, reason = BROKEN[name]
    others(monkeypatch, **{name: value, "whole": "faceparity.datasets.readers.folder:read"})
    show_datasets(None)
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert {name, "whole", "london", "folder"} <= set(listed)
    assert load_dataset(f"whole={pictures(tmp_path / 'mine')}").n_samples == 2
    with pytest.raises(UserError, match=f"the data set {name} can't be used") as caught:
        load_dataset(f"{name}={tmp_path / 'mine'}")
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def install(site: Path, name: str, entry_points: bytes) -> None:
    """A package's metadata, as pip would write it."""
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_bytes(entry_points)


@pytest.mark.parametrize(
    "damage", [b"[faceparity.datasets]\nno equals sign\n", b"\xff\xfe[faceparity.datasets]\nx = y:z\n", b"x = y\n[", b"\0" * 9]
)
def test_damaged_metadata_of_one_package_hides_no_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, damage: bytes) -> None:
    install(tmp_path, "aaa-damaged", damage)
    install(tmp_path, "whole", b"[faceparity.datasets]\nmugshots = faceparity.datasets.readers.folder:read\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert "mugshots" in plugins(GROUP, ())
    assert load_dataset(f"mugshots={pictures(tmp_path / 'mine')}").n_samples == 2


def test_of_two_packages_with_one_name_the_first_on_the_path_has_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for place in ("later", "first"):
        install(tmp_path / place, place, f"[{GROUP}]\nshared = {place}:read\n".encode())
        monkeypatch.syspath_prepend(tmp_path / place)
    assert plugins(GROUP, ())["shared"].value == "first:read"
    assert "shared" not in plugins(GROUP, {"shared"})
