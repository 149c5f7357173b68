"""The control set's reader, on a set of two heads made of plain colour."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faceparity.datasets import registry
from faceparity.datasets.common.errors import UserError
from faceparity.datasets.readers.control import read, read_tone
from faceparity.datasets.registry import load_dataset, packaged_folder

HEADER = "file,subject,ancestry_morph,sex,age,ita,monk,hair,beard"


def _pictures(folder: Path, names: list[str]) -> None:
    for i, name in enumerate(names):
        Image.new("RGB", (8, 8), (i * 9, 50, 60)).save(folder / name)


@pytest.fixture
def portraits(tmp_path: Path) -> Path:
    names = [f"{who}-{n}.jpg" for who in ("afr-f-000", "cau-m-000") for n in (1, 2)]
    _pictures(tmp_path, names)
    labels = {"afr-f-000": "african,female,44,-20.0,8,bob,none", "cau-m-000": "caucasian,male,71,50.1,5,buzz,full"}
    rows = [f"{name},{name[:9]},{labels[name[:9]]}" for name in names]
    (tmp_path / "labels.csv").write_text("\n".join([HEADER, *rows]) + "\n")
    return tmp_path


def test_labels_are_the_generators_own(portraits: Path) -> None:
    found = read(portraits)
    assert (found.n_samples, found.n_subjects, found.identity) == (4, 2, "labelled")
    assert found.card.synthetic
    assert found.problems == ()
    assert found.attributes["ancestry_morph"].values == ("african", "caucasian")
    assert "ethnicity" not in found.attributes
    assert found.attributes["skin_tone"].values == ("5", "8")
    np.testing.assert_array_equal(found.attributes["sex"].codes, [0, 0, 1, 1])
    assert found.attributes["age_group"].values == ("30–44", "60+")


def test_tone_is_the_pictures_not_the_heads(tmp_path: Path) -> None:
    names = [f"asi-f-000-t{t}-e1-c{c}.jpg" for t in (1, 2) for c in (1, 2)]
    _pictures(tmp_path, names)
    rows = [f"{n},asi-f-000,asian,female,30,40.0,5,bob,none,asi-f-000,{n[11]},-1,{n[17]}" for n in names]
    (tmp_path / "labels.csv").write_text("\n".join([HEADER + ",head,tone,exposure,capture", *rows]) + "\n")
    found = read_tone(tmp_path)
    assert found.n_subjects == 1
    assert found.attributes["tone"].of == "sample"
    np.testing.assert_array_equal(found.attributes["tone"].codes, [0, 0, 1, 1])
    assert found.card.paired is not None
    assert set(found.card.paired.factors) <= found.attributes.keys()


def test_another_folder_is_refused(tmp_path: Path) -> None:
    _pictures(tmp_path, ["a.jpg"])
    with pytest.raises(UserError, match=r"no labels\.csv"):
        read(tmp_path)


@pytest.mark.skipif(packaged_folder("control") is None, reason="the control set was left out of this checkout")
def test_the_embedded_set_keeps_its_promises() -> None:
    found = load_dataset("control")
    assert found.problems == ()
    morph, sex = found.attributes["ancestry_morph"], found.attributes["sex"]
    for m in range(3):
        for s in range(2):
            cell = found.subjects[(morph.codes == m) & (sex.codes == s)]
            assert np.unique(cell).size >= 54
    assert set(np.bincount(found.subjects)) == {4}


def test_where_it_was_left_out_the_message_says_how_to_make_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FACEPARITY_DATA", raising=False)
    monkeypatch.setattr(registry, "packaged_folder", lambda name: None)
    with pytest.raises(UserError, match="control FOLDER` makes it"):
        registry.load_dataset("control")
