"""`faceparity check` for machines: counts, and names only if asked for."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceparity.datasets.common.errors import UserError
from faceparity.harness.cli.commands.check import check_command


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Five people; two have one photograph, one picture can't be read, one is named and not there, one is a stranger."""
    rng = np.random.default_rng(1)
    folder = tmp_path / "copy"
    folder.mkdir()
    for i in range(4):
        picture = cv2.resize(rng.integers(0, 255, (9, 9, 3)).astype(np.uint8), (90, 90), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / f"secret{i}.png"), picture)
    cv2.imwrite(str(folder / "secret4.jpg"), cv2.imread(str(folder / "secret0.png")))
    (folder / "stranger.png").write_bytes(b"")
    (folder / "broken.png").write_bytes(b"no picture")
    rows = [*((f"secret{i}.png", f"p{i}", "F") for i in range(4)), ("secret4.jpg", "p4", "F"), ("broken.png", "p1", "F")]
    rows += [("gone.png", "p2", "F"), ("secret3.png", "p3", "M")]
    (folder / "labels.csv").write_text("file,subject,gender\n" + "".join(",".join(r) + "\n" for r in rows), "utf-8")
    return folder


def test_counts_without_names(copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out.json"
    assert check_command(f"folder={copy}", str(out), False) == 1
    found = json.loads(out.read_text("utf-8"))
    assert found["schema"] == "faceparity.check/1"
    assert not found["clean"]
    assert found["unreadable"] == 1
    assert found["near_duplicates"] == {"same_subject": 0, "different_subjects": 1, "images_compared": 5}
    assert found["problems"]["missing_file"] == 1
    assert found["problems"]["extra_file"] == 1
    assert found["problems_in_all"] == sum(found["problems"].values()) + 2
    assert found["support"]["groups"][0]["lowest_fmr_as_higher"] is None
    for name in ("secret", "stranger", "broken", "gone", str(copy)):
        assert name not in out.read_text("utf-8")
    told = capsys.readouterr().out
    for name in ("stranger.png", "broken.png", "gone.png", "two people's images look alike: secret0.png and secret4.jpg"):
        assert name in told
    assert "Lowest FMR for a claim: none" in told


def test_names_if_asked_for_in_a_file_of_the_owners_own(copy: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    out.write_text("older", "utf-8")
    assert check_command(f"folder={copy}", str(out), True) == 1
    names = json.loads(out.read_text("utf-8"))["names"]
    assert names["unreadable"] == [{"file": "broken.png", "reason": "not an image"}]
    assert names["near_duplicates"][0]["file_b"] == "secret4.jpg"
    assert stat.S_IMODE(out.stat().st_mode) == 0o600


def test_standard_output_holds_json_alone(copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check_command(f"folder={copy}", "-", False)
    told = capsys.readouterr()
    assert json.loads(told.out)["samples"] == 6
    assert "broken.png" in told.err


def test_children_are_told_and_are_nothing_wrong(copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("stranger.png", "broken.png", "secret4.jpg"):
        (copy / name).unlink()
    (copy / "labels.csv").write_text(
        "file,subject,age\nsecret0.png,a,9\n" + "".join(f"secret{i}.png,{i},30\n" for i in (1, 2, 3))
    )
    out = tmp_path / "out.json"
    assert check_command(f"folder={copy}", str(out), False) == 0
    found = json.loads(out.read_text("utf-8"))
    assert found["clean"]
    assert found["problems"] == {"under_18": 1}
    told = capsys.readouterr().out
    assert "images of people under 18, left out: secret0.png" in told
    assert "age_group: 30–44: 3 people, 3 images" in told
    assert told.endswith("nothing wrong\n")


def test_labels_that_a_copy_lacks_altogether_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from PIL import Image

    (tmp_path / "aligned images").mkdir()
    for i in (1, 2):
        Image.new("RGB", (50, 50), (90 * i, 0, 0)).save(tmp_path / "aligned images" / f"Ada_Alpha_{i:04d}.jpg")
    check_command(f"cplfw={tmp_path}", None, False)
    told = capsys.readouterr().out
    for name in ("gender", "ethnicity"):
        assert f"no label of {name} in this copy: nothing can be said of groups by it (where it would come from: LFW's" in told


def test_mistakes(copy: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--names"):
        check_command(f"folder={copy}", None, True)
    with pytest.raises(UserError, match="can be written"):
        check_command(f"folder={copy}", str(tmp_path / "no" / "where.json"), False)
