from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faceparity.datasets.audit.copy_check import check, label_counts
from faceparity.datasets.common.errors import UserError
from faceparity.datasets.loading.image_files import decode
from faceparity.datasets.registry import default_attributes, load_dataset
from faceparity.datasets.schema.card import load_card
from faceparity.datasets.schema.dataset import Dataset

ROWS = "file,sex,kind\n1.jpg,F,x\n2.jpg,M,y\n3.jpg,M,\n"


def pictures(root: Path, rows: str = ROWS) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    (root / "labels.csv").write_text(rows)
    for n in (1, 2, 3):
        Image.new("RGB", (5, 5), (n, 0, 0)).save(root / f"{n}.jpg")
    return root


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("FACEPARITY_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def fails(spec: str) -> str:
    with pytest.raises(UserError) as caught:
        load_dataset(spec)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_folder_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures(tmp_path / "mine")
    monkeypatch.chdir(tmp_path / "mine")
    monkeypatch.delenv("FACEPARITY_DATA", raising=False)
    assert {load_dataset(spec).name for spec in (f"folder={tmp_path}/mine", "folder=.", "folder=../mine/")} == {"mine"}


def test_a_name_alone_is_looked_for_in_the_folder_of_data_sets(home: Path) -> None:
    pictures(home / "mine")
    assert load_dataset("mine").name == "mine"
    faces = home / "face_research_lab_london" / "neutral_front"
    faces.mkdir(parents=True)
    (faces.parent / "london_faces_info.csv").write_text("face_id,face_age,face_gender,face_eth\n001,24,female,white\n")
    Image.new("RGB", (5, 5)).save(faces / "001_03.jpg")
    data = load_dataset("london")
    assert (data.name, data.root.name) == ("london", "face_research_lab_london")
    assert load_dataset(f"london={faces.parent}").digest == data.digest


def test_mistakes(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "did you mean london? `faceparity datasets` lists all that are known; use folder=DIR" in fails("lodnon")
    assert "no data set 'x'" in fails("x=/tmp")
    assert "as london or face_research_lab_london" in fails("london")
    assert "does not exist" in fails(f"folder={home}/nothing")
    (home / "empty").mkdir()
    assert "is empty" in fails("empty")
    assert "is empty" in fails(f"fairface={home}/empty")
    assert "write folder=DIR" in fails("folder")
    assert "write london=DIR" in fails("london=")
    for climbing in ("..", "../data", "", "/"):
        assert "no data set" in fails(climbing)
    monkeypatch.setenv("FACEPARITY_DATA", str(home / "nothing"))
    assert "is not a folder: set it" in fails("london")
    monkeypatch.delenv("FACEPARITY_DATA")
    assert "set FACEPARITY_DATA" in fails("london")
    assert "no data set 'mine'" in fails("mine")


def test_what_to_group_by_if_nobody_says(tmp_path: Path) -> None:
    def by(rows: str) -> list[str]:
        return default_attributes(load_dataset(f"folder={pictures(tmp_path / 'mine', rows)}"))

    assert by(ROWS) == ["gender"]
    assert by("file,race,sex\n1.jpg,B,F\n2.jpg,W,M\n") == ["gender", "ethnicity"]
    assert by("file,age,kind\n1.jpg,20,a\n2.jpg,30,b\n") == ["age_group"]
    assert by("file,kind\n1.jpg,a\n2.jpg,b\n") == ["kind"]
    assert by("file\n1.jpg\n2.jpg\n") == []


@pytest.mark.parametrize("name", ["london", "fairface", "us_congress", "folder"])
def test_cards_follow_the_schema(name: str) -> None:
    card = load_card(name)
    assert card.name == name
    assert set(card.default_by) <= set(card.attributes)
    assert card.labels_public is (name != "folder")
    if name != "folder":
        assert card.licence != "unknown"
        assert card.consent != "unknown"
        assert all(about.provenance != "unknown" for about in card.attributes.values())


def test_check_counts_and_decodes(tmp_path: Path) -> None:
    root = pictures(tmp_path / "mine")
    (root / "2.jpg").write_text("not a picture")
    (root / "4.jpg").touch()
    ticks: list[int] = []
    got = check(load_dataset(f"folder={root}"), tick=lambda: ticks.append(1), threads=2)
    assert got.unreadable == (("2.jpg", "not an image"),)
    assert got.problems == {"extra_file": 1, "missing_label": 1}
    assert [(c.attribute, c.value, c.subjects, c.samples) for c in got.counts] == [
        ("gender", "female", 1, 1),
        ("gender", "male", 2, 2),
        ("kind", "x", 1, 1),
        ("kind", "y", 1, 1),
        ("kind", None, 1, 1),
    ]
    assert len(ticks) == got.samples == 3
    assert got.known_copy is None


# The real sets


# The first image of the copies that the cards know: another copy may be larger or smaller, and its counts others.
FIRST = {"london": "53eeb6be248e755f", "fairface": "1f2f44cc2cfe2200", "us_congress": "413a79bb45d19c48"}


def real(shared_data: Path, reader: str, folder: str) -> Dataset:
    if not (shared_data / folder).is_dir():
        pytest.skip(f"no {folder} in {shared_data}")
    data = load_dataset(f"{reader}={shared_data / folder}")
    if not data.content[0].startswith(FIRST.get(reader, "")):
        pytest.skip(f"{shared_data / folder} is another copy than the one whose counts are known")
    return data


def subjects(data: Dataset, attribute: str) -> dict[str | None, int]:
    return {count.value: count.subjects for count in label_counts(data) if count.attribute == attribute}


def test_the_real_london_set(shared_data: Path) -> None:
    data = real(shared_data, "london", "face_research_lab_london")
    assert (data.n_subjects, data.n_samples) == (102, 204)
    assert np.bincount(data.subjects).tolist() == [2] * 102
    assert subjects(data, "ethnicity") == {"White": 69, "Black": 13, "West Asian": 10, "East Asian": 9, "Multiracial": 1}
    assert subjects(data, "gender") == {"female": 49, "male": 53}
    assert subjects(data, "age_group")[None] == 2
    assert Counter(problem.kind for problem in data.problems) == {"missing_label": 4}
    assert data.digest in data.card.digests.values()


def test_the_real_fairface(shared_data: Path) -> None:
    data = real(shared_data, "fairface", "fairface")
    assert (data.n_samples, data.n_subjects, data.identity) == (3739, 3739, "none")
    groups = set(zip(data.attributes["gender"].codes.tolist(), data.attributes["ethnicity"].codes.tolist(), strict=True))
    assert groups == {(gender, ethnicity) for gender in range(2) for ethnicity in range(7)}
    assert subjects(data, "age_group")["70+"] == 52
    assert data.problems == ()
    assert data.digest in data.card.digests.values()


def test_the_real_portraits_of_congress(shared_data: Path) -> None:
    data = real(shared_data, "us_congress", "us_congress")
    assert (data.n_subjects, data.n_samples, len(data.same_photo)) == (1160, 1418, 62)
    assert (data.subjects[data.same_photo[:, 0]] == data.subjects[data.same_photo[:, 1]]).all()
    assert subjects(data, "ethnicity")[None] == 505
    assert subjects(data, "ethnicity")["Black"] == 54
    assert Counter(problem.kind for problem in data.problems) == {"missing_label": 511}
    assert data.capture_year is not None
    assert set(data.capture_year) == {2015, 2024}
    assert data.digest in data.card.digests.values()


def test_the_real_portraits_of_nobody(shared_data: Path) -> None:
    data = real(shared_data, "folder", "faker_portraits")
    assert (data.name, data.n_samples, data.identity) == ("faker_portraits", 200, "none")
    assert default_attributes(data) == ["gender"]
    assert set(data.attributes["age_group"].values) == {"18–29", "30–44", "45–59", "60+"}


def test_real_images_decode_as_face_recognition_loads_them(shared_data: Path) -> None:
    data = real(shared_data, "us_congress", "us_congress")
    for file in data.files[::150]:
        with Image.open(data.root / file) as image:
            np.testing.assert_array_equal(decode(data.root / file), np.asarray(image.convert("RGB")))
