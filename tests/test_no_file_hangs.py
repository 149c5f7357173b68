"""A pipe, a device, a folder or an endless link where a file is read: one line that says so, and nobody waits."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.fetch.artefacts import Artefact, artefact_path, path
from faceparity.datasets.formats.safe_pickle import read_pack
from faceparity.datasets.loading.label_table import text_of
from faceparity.datasets.loading.publisher_layout import read_json, stream
from faceparity.datasets.readers.pair_lists import lines_of
from faceparity.harness.claims.claim_file import read_claim
from faceparity.harness.models.registry import load_model_card
from faceparity.harness.runs.result_files import load_results
from faceparity.harness.scenarios.load import load_scenarios
from faceparity.harness.score_files.source import FileSource
from faceparity.harness.suite.suite_file import read_suite
from faceparity.harness.templates import private_tables
from faceparity.harness.templates.encryption import SECRET, Keyring


def _own(file: Path, line: str) -> None:
    card = file.with_name("card.toml")
    card.write_text(line.format(file.name) + '\nlicence = "MIT"\n')
    load_model_card(str(card))


def _weights(file: Path) -> None:
    made = Artefact("x", "x.onnx", "0" * 64, 1, "MIT", ())
    artefact_path(made).parent.mkdir(parents=True, exist_ok=True)
    artefact_path(made).symlink_to(file.resolve() if not file.is_symlink() else file)
    path(made)


def _key(file: Path) -> None:
    folder = file.parent / "keys"
    folder.mkdir()
    os.rename(file, folder / SECRET)
    Keyring(folder).digest("sample", "x")


def _sealed(file: Path) -> None:
    os.rename(file, file.with_name("codes.sealed"))
    private_tables.read_table(file.parent, "codes")


def _results(file: Path) -> None:
    os.rename(file, file.with_name("results.json"))
    load_results(file.parent)


READS: dict[str, Callable[[Path], object]] = {
    "results": _results,
    "scores.csv": lambda f: FileSource(f).columns(),
    "scores.parquet": lambda f: FileSource(f).columns(),
    "card": lambda f: load_model_card(str(f)),
    "claim": read_claim,
    "scenario": lambda f: load_scenarios([str(f)]),
    "suite": lambda f: read_suite(str(f)),
    "labels": text_of,
    "label stream": lambda f: list(stream(f, ["a"])),
    "label json": read_json,
    "pair list": lines_of,
    "pack": read_pack,
    "own network": lambda f: _own(f, 'onnx = "{}"'),
    "ready templates": lambda f: _own(f, 'templates = "{}"\nfiles = "f.csv"'),
    "weights": _weights,
    "key": _key,
    "private part": _sealed,
}


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "loop"])
@pytest.mark.parametrize("read", READS)
def test_no_file(read: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEPARITY_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    np.save(tmp_path / "t.npy", np.zeros((1, 4), np.float32))
    suffix = {"scores.csv": ".csv", "scores.parquet": ".parquet", "ready templates": ".npy", "own network": ".onnx"}.get(
        read, ".toml"
    )
    file = tmp_path / "odd" / f"x{suffix}"
    file.parent.mkdir()
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "folder":
        file.mkdir()
    else:
        file.symlink_to("/dev/zero" if kind == "device" else file.name)
    with pytest.raises(UserError) as caught:
        READS[read](file)
    assert len(str(caught.value).splitlines()) == 1
