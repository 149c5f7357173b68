"""Each reader on a miniature of its publisher's layout, and every trap: nothing is lost without a problem that names it."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.readers import fairface, folder, london, us_congress
from faceparity.datasets.schema.dataset import Dataset


def put(root: Path, *names: str, text: Mapping[str, str] | None = None) -> Path:
    """Small, different images, and text files, under root."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        seed = sum(ord(c) * 31**i for i, c in enumerate(name)) % 2**32
        Image.fromarray(np.random.default_rng(seed).integers(0, 255, (6, 6, 3), dtype=np.uint8)).save(path)
    for name, content in (text or {}).items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content, "utf-8")
    return root


def kinds(data: Dataset) -> dict[str, int]:
    return dict(Counter(problem.kind for problem in data.problems))


def labels(data: Dataset, attribute: str) -> dict[str, str | None]:
    found = data.attributes[attribute]
    return {file: None if code < 0 else found.values[code] for file, code in zip(data.files, found.codes, strict=True)}


def fails(reader: object, root: Path) -> str:
    with pytest.raises(UserError) as caught:
        reader(root)  # type: ignore[operator]
    return str(caught.value)


# London


LONDON = "face_id,face_age,face_gender,face_eth\n001,24,female,white\n002,NA,male,black\n013,46,male,east_asian/white\n"
FACES = [
    f"{place}/{n}_{pose}.jpg" for place, pose in (("neutral_front", "03"), ("smiling_front", "08")) for n in ("001", "002", "013")
]


def test_london(tmp_path: Path) -> None:
    data = london.read(put(tmp_path, *FACES, text={"london_faces_info.csv": LONDON}))
    assert (data.name, data.n_samples, data.n_subjects, data.identity) == ("london", 6, 3, "labelled")
    assert list(data.files) == sorted(FACES)
    assert data.subjects.tolist() == [0, 1, 2, 0, 1, 2]
    assert data.subjects.dtype == np.int32
    assert labels(data, "ethnicity")["smiling_front/013_08.jpg"] == "Multiracial"
    assert data.attributes["ethnicity"].raw[2] == "east_asian/white"
    assert labels(data, "gender")["neutral_front/001_03.jpg"] == "female"
    assert labels(data, "age_group") == dict(zip(sorted(FACES), ["18–29", None, "45–59"] * 2, strict=True))
    assert kinds(data) == {"missing_label": 2}


def test_london_without_the_smiles_zeros_or_names(tmp_path: Path) -> None:
    root = put(tmp_path, *FACES[:3], text={"london_info.csv": LONDON.replace("\n00", "\n").replace("\n0", "\n")})
    data = london.read(root)
    assert (data.n_samples, data.n_subjects) == (3, 3)
    assert [(p.kind, p.where) for p in data.problems if p.kind != "missing_label"] == [("missing_file", "smiling_front")]


def test_london_with_all_images_in_one_folder(tmp_path: Path) -> None:
    data = london.read(put(tmp_path, *(name.split("/")[1] for name in FACES), text={"london_faces_info.csv": LONDON}))
    assert (data.n_samples, data.n_subjects) == (6, 3)


def test_london_counts_what_is_missing_and_what_is_more(tmp_path: Path) -> None:
    root = put(tmp_path, *FACES[:-1], "neutral_front/099_03.jpg", text={"london_faces_info.csv": LONDON})
    assert kinds(london.read(root)) == {"missing_file": 1, "extra_file": 1, "missing_label": 2}


def test_london_without_its_table_or_a_column(tmp_path: Path) -> None:
    root = put(tmp_path, *FACES)
    assert "london_faces_info.csv" in fails(london.read, root)
    put(root, text={"london_faces_info.csv": LONDON.replace("face_eth", "group")})
    assert "no column 'face_eth', only face_id, face_age, face_gender, group" in fails(london.read, root)


# FairFace


FAIRFACE = """file,age,gender,race,service_test
val/1.jpg,3-9,Male,East Asian,False
val/2.jpg,50-59,Female,East Asian,True
val/3.jpg,more than 70,Male,Latino_Hispanic,TRUE
val/10.jpg,20-29,Female,Middle Eastern,False
"""
VAL = ["val/1.jpg", "val/2.jpg", "val/3.jpg", "val/10.jpg"]


def test_fairface(tmp_path: Path) -> None:
    data = fairface.read(put(tmp_path, *VAL, text={"fairface_label_val.csv": FAIRFACE}))
    assert (data.identity, data.n_samples, data.n_subjects) == ("none", 3, 3)
    assert data.subjects.tolist() == [0, 1, 2]
    assert labels(data, "age_group") == {"val/10.jpg": "20–29", "val/2.jpg": "50–59", "val/3.jpg": "70+"}
    assert labels(data, "ethnicity") == {"val/10.jpg": "Middle Eastern", "val/2.jpg": "East Asian", "val/3.jpg": "Hispanic"}
    assert [(p.kind, p.where, p.detail) for p in data.problems] == [("under_18", "val/1.jpg", "age '3-9'")]


@pytest.mark.parametrize("mangled", ["03-Sep", "3-Sep", "9-Mar", "09-Mar", "Oct-19", "19-Oct", "0-2", "10-19"])
def test_fairface_minors_are_known_in_copies_mangled_by_a_spreadsheet(tmp_path: Path, mangled: str) -> None:
    root = put(tmp_path, *VAL, text={"fairface_label_val.csv": FAIRFACE.replace("3-9", mangled)})
    assert kinds(fairface.read(root)) == {"under_18": 1}
    everybody = fairface.read(root, include_minors=True)
    want = {"0-2": "0–2"}.get(mangled, "10–19" if "19" in mangled else "3–9")
    assert (everybody.n_samples, labels(everybody, "age_group")["val/1.jpg"]) == (4, want)
    assert everybody.problems == ()


def test_fairface_train_and_the_prefix(tmp_path: Path) -> None:
    text = FAIRFACE.replace("val/", "fairface/train/")
    data = fairface.read(put(tmp_path, *(n.replace("val", "train") for n in VAL), text={"fairface_label_train.csv": text}))
    assert data.files == ("train/10.jpg", "train/2.jpg", "train/3.jpg")


def test_fairface_val_is_read_where_both_are_there_and_train_is_not_extra(tmp_path: Path) -> None:
    text = {"fairface_label_val.csv": FAIRFACE, "fairface_label_train.csv": FAIRFACE.replace("val/", "train/")}
    data = fairface.read(put(tmp_path, *VAL, "train/1.jpg", text=text))
    assert kinds(data) == {"under_18": 1}


def test_a_word_the_card_does_not_know_is_counted_not_grouped(tmp_path: Path) -> None:
    text = FAIRFACE.replace("Middle Eastern", "Klingon").replace("20-29", "twenties")
    data = fairface.read(put(tmp_path, *VAL, text={"fairface_label_val.csv": text}))
    assert kinds(data) == {"under_18": 1, "unknown_label": 2}
    assert labels(data, "ethnicity")["val/10.jpg"] is None
    assert "Klingon" not in data.attributes["ethnicity"].values
    assert "Klingon" in data.attributes["ethnicity"].raw


# US Congress


CONGRESS = """bioguide,file,gender,birth_year,ethnicity,photo_year,licence
A1,old/A1.jpg,male,1938,,2015,public
B1,old/B1.jpg,female,1971,african-american,2015,public
B1,new/B1.jpg,female,1971,african-american,2024,public
C1,old/C1.jpg,male,,white-american,2015,public
C1,new/C1.jpg,male,not found,white-american,2024,public
"""
PORTRAITS = ["old/A1.jpg", "old/B1.jpg", "new/B1.jpg", "old/C1.jpg", "new/C1.jpg"]


def test_us_congress(tmp_path: Path) -> None:
    text = {"labels.csv": CONGRESS, "same_photo_pairs.csv": "file_a,file_b\nold/B1.jpg,new/B1.jpg\nold/B1.jpg,old/none.jpg\n"}
    data = us_congress.read(put(tmp_path, *PORTRAITS, text=text))
    assert (data.n_samples, data.n_subjects, data.identity) == (5, 3, "labelled")
    assert [data.files[i] for i in data.same_photo[0]] == ["new/B1.jpg", "old/B1.jpg"]
    assert data.same_photo.dtype == np.int32
    assert labels(data, "age_group") == {
        "old/A1.jpg": "60+",
        "old/B1.jpg": "30–44",
        "new/B1.jpg": "45–59",
        "old/C1.jpg": None,
        "new/C1.jpg": None,
    }
    assert data.attributes["age_group"].of == "sample"
    assert data.attributes["age_group"].raw[data.files.index("old/A1.jpg")] == "1938"
    assert data.capture_year is not None
    assert data.capture_year.tolist() == [2024, 2024, 2015, 2015, 2015]
    assert labels(data, "ethnicity")["old/A1.jpg"] is None
    assert kinds(data) == {"missing_label": 2, "unknown_label": 1, "bad_row": 1}


def test_us_congress_without_the_list_of_pairs(tmp_path: Path) -> None:
    data = us_congress.read(put(tmp_path, *PORTRAITS, text={"labels.csv": CONGRESS}))
    assert data.same_photo.shape == (0, 2)
    assert kinds(data)["missing_file"] == 1


# Any folder


OWN = "file,subject,sex,race,age\na/1.jpg,007,F,Black,24\na/2.jpg,007,F,Black,25\nb/1.jpg,8,man,Martian,61\n"
OWN_FILES = ["a/1.jpg", "a/2.jpg", "b/1.jpg"]


def own(tmp_path: Path, text: str = OWN, *more: str, **files: str) -> Path:
    return put(tmp_path, *OWN_FILES, *more, text={"labels.csv": text, **files})


def test_folder(tmp_path: Path) -> None:
    data = folder.read(own(tmp_path))
    assert data.name == tmp_path.name
    assert data.subjects.tolist() == [0, 0, 1]
    assert labels(data, "gender") == {"a/1.jpg": "female", "a/2.jpg": "female", "b/1.jpg": "male"}
    assert labels(data, "ethnicity")["b/1.jpg"] == "Martian"
    assert labels(data, "age_group") == {"a/1.jpg": "18–29", "a/2.jpg": "18–29", "b/1.jpg": "60+"}
    assert list(data.attributes) == ["gender", "ethnicity", "age_group"]
    assert data.problems == ()
    assert data.card.licence == "unknown"


def test_folder_counts_every_loss_and_keeps_the_rest(tmp_path: Path) -> None:
    put(tmp_path / "set", "c/extra.png", "c/alone.png")
    text = OWN + "../secret.jpg,18,F,White,30\n/etc/passwd,9,F,White,30\ngone.jpg,10,F,White,30\na/1.jpg,11,F,White,30\n"
    text += (
        ",12,F,White,30\nc/alone.png,,F,White,30\nd/copy.jpg,13,M,White,30\nd/teen.jpg,14,M,White,16\nlink.jpg,15,M,White,40\n"
    )
    text += "d/old.jpg,16,M,White,640\nd/none.jpg,17,,White,40\nd/short.jpg,18\n"
    more = [f"e/{i}.jpg" for i in range(3)]
    text += "".join(f"{file},2{i},M,White,40\n" for i, file in enumerate(more))
    root = own(tmp_path / "set", text, "d/teen.jpg", "d/old.jpg", "d/none.jpg", *more)
    put(tmp_path, "secret.jpg")
    (root / "d" / "copy.jpg").write_bytes((root / "a" / "1.jpg").read_bytes())
    (root / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    data = folder.read(root)
    assert kinds(data) == {
        "outside_root": 3,
        "missing_file": 1,
        "duplicate_row": 1,
        "bad_row": 2,
        "missing_subject": 1,
        "duplicate_image": 1,
        "under_18": 1,
        "unread_age": 1,
        "missing_label": 1,
        "extra_file": 2,
    }
    assert data.files == ("a/1.jpg", "a/2.jpg", "b/1.jpg", "d/copy.jpg", "d/none.jpg", *more)
    named = {(p.kind, p.where) for p in data.problems}
    assert next(p.detail for p in data.problems if p.kind == "unread_age") == "age '640' cannot be read"
    assert named >= {("outside_root", "labels.csv:5"), ("extra_file", "c/extra.png"), ("duplicate_image", "d/copy.jpg")}
    assert data.subjects[data.files.index("a/1.jpg")] == data.subjects[data.files.index("a/2.jpg")]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    root = own(tmp_path, OWN + "pipe.jpg,1,F,White,30\n")
    os.mkfifo(root / "pipe.jpg")
    data = folder.read(root)
    assert data.n_samples == 3
    assert "missing_file" in kinds(data)


def test_a_subject_of_two_genders_has_none(tmp_path: Path) -> None:
    data = folder.read(own(tmp_path, OWN.replace("a/2.jpg,007,F", "a/2.jpg,007,M")))
    assert kinds(data) == {"conflicting_label": 1}
    assert labels(data, "gender") == {"a/1.jpg": None, "a/2.jpg": None, "b/1.jpg": "male"}
    assert labels(data, "ethnicity")["a/1.jpg"] == "Black"


def test_an_empty_cell_takes_the_subjects_other_label_but_age_is_the_pictures(tmp_path: Path) -> None:
    data = folder.read(own(tmp_path, OWN.replace("a/2.jpg,007,F,Black,25", "a/2.jpg,007,,Black,")))
    assert labels(data, "gender")["a/2.jpg"] == "female"
    assert labels(data, "age_group")["a/2.jpg"] is None
    assert [(p.kind, p.where, p.detail) for p in data.problems] == [("missing_label", "a/2.jpg", "age_group")]


def test_folder_without_subjects(tmp_path: Path) -> None:
    data = folder.read(own(tmp_path, "image,sex\na/1.jpg,F\na/2.jpg,F\nb/1.jpg,M\n"))
    assert (data.identity, data.card.identity, data.subjects.tolist()) == ("none", "none", [0, 1, 2])


def test_a_column_id_is_the_subject_only_if_somebody_stands_there_twice(tmp_path: Path) -> None:
    rows = "path;id\na/1.jpg;1\na/2.jpg;{}\nb/1.jpg;3\n"
    assert folder.read(own(tmp_path, rows.format(2))).identity == "none"
    assert folder.read(own(tmp_path, rows.format(1))).identity == "labelled"


def test_other_columns_are_attributes_if_they_have_2_to_30_values(tmp_path: Path) -> None:
    names = [f"{i:02}.jpg" for i in range(40)]
    rows = [f"{n},{i // 2},{i % 3},{i},same,{'x' if i < 20 else 'y'},{i % 2}" for i, n in enumerate(names)]
    text = "\n".join(["file,person,few,many,one,owner,pose", *rows])
    data = folder.read(put(tmp_path, *names, text={"labels.csv": text}))
    assert {name: a.of for name, a in data.attributes.items()} == {"few": "sample", "owner": "subject", "pose": "sample"}
    assert data.n_subjects == 20


def test_a_column_of_names_is_no_attribute_and_it_is_told_why_columns_do_not_serve(tmp_path: Path) -> None:
    names = [f"{i:02}.jpg" for i in range(40)]
    rows = [f"{n},{i // 2},N{i // 2},,same,{i},{'FM'[i % 4 // 2]},M" for i, n in enumerate(names)]
    text = "\n".join(["file,person,name,notes,site,serial,gender,shift", *rows])
    data = folder.read(put(tmp_path, *names, text={"labels.csv": text}))
    assert list(data.attributes) == ["gender"]
    assert data.unused == {
        "name": "20 values, hardly two people to each",
        "notes": "empty",
        "site": "one value only",
        "serial": "40 values, more than 30",
        "shift": "one value only",
    }


@pytest.mark.parametrize("people", [10, 40])
def test_a_column_called_name_is_asked_about_where_none_is_called_subject(tmp_path: Path, people: int) -> None:
    names = [f"{i:02}.jpg" for i in range(2 * people)]
    rows = [f"{n},N{i // 2},{'FM'[i % 4 // 2]}" for i, n in enumerate(names)]
    text = "\n".join(["file,Name,gender", *rows])
    root = put(tmp_path, *names, text={"labels.csv": text})
    data = folder.read(root)
    assert (data.identity, list(data.attributes)) == ("none", ["gender"])
    assert data.unused == {
        "Name": "if it says who is shown, call it subject, or write subject = 'Name' in faceparity.toml beside it"
    }
    # Both halves of the advice.
    (root / "labels.csv").write_text(text.replace("Name", "subject", 1))
    assert folder.read(root).n_subjects == people
    (root / "labels.csv").write_text(text)
    (root / "faceparity.toml").write_text("subject = 'Name'\n")
    assert folder.read(root).n_subjects == people


def test_file_names_that_are_nearly_right_say_which_is_meant(tmp_path: Path) -> None:
    text = "file,sex\na/1.jpg,F\nA/2.JPG,F\n3,M\nset/4.jpg,M\n5.jpg,M\n"
    data = folder.read(put(tmp_path, "a/1.jpg", "a/2.jpg", "b/3.png", "4.jpg", "x/5.png", "y/5.png", text={"labels.csv": text}))
    assert [p.detail.partition("; ")[2] for p in data.problems if p.kind == "missing_file"] == [
        "'a/2.jpg' is",
        "'b/3.png' is",
        "'4.jpg' is",
        "",
    ]


def test_absolute_paths_into_the_folder_itself_are_taken(tmp_path: Path) -> None:
    text = f"file,sex\n{tmp_path}/in/a/1.jpg,F\n{tmp_path}/in/../out.jpg,M\n{tmp_path}/inside.jpg,M\n"
    data = folder.read(put(tmp_path / "in", "a/1.jpg", text={"labels.csv": text}))
    assert data.files == ("a/1.jpg",)
    assert kinds(data) == {"outside_root": 2}


TOML = """
title = "Our staff, with leave"
csv = "b.csv"
images = "pictures"
image = "Where"
subject = "Who"
licence = "our own"
consent = "written"
default_by = ["shift"]
[attributes.gender]
column = "g"
provenance = "self-reported"
values = {1 = "female", 2 = "male"}
[attributes.shift]
column = "s"
of = "sample"
"""


def test_faceparity_toml_names_everything(tmp_path: Path) -> None:
    text = {"a.csv": "x\n1\n", "b.csv": "Where,Who,g,s,file\n1.jpg,A,1,day,q\n2.jpg,A,1,night,q\n3.jpg,B,2,day,q\n"}
    root = put(tmp_path, "pictures/1.jpg", "pictures/2.jpg", "pictures/3.jpg", text={**text, "faceparity.toml": TOML})
    data = folder.read(root, name="staff")
    assert (data.name, data.card.title, data.card.consent) == ("staff", "Our staff, with leave", "written")
    assert labels(data, "gender") == {"pictures/1.jpg": "female", "pictures/2.jpg": "female", "pictures/3.jpg": "male"}
    assert data.card.attributes["gender"].provenance == "self-reported"
    assert data.attributes["shift"].of == "sample"
    assert data.card.default_by == ["shift"]
    assert data.problems == ()


@pytest.mark.parametrize(
    ("toml", "words"),
    [
        ("csv = [", "faceparity.toml is not a TOML file"),
        ("csv = " + "[" * 100_000, "nests too deep"),
        ("colour = 1", "there is no key 'colour': known are title, csv"),
        ('csv = "../b.csv"', "not a file in that folder"),
        ('image = "pic"', "says image = 'pic'; name one of these there"),
        ('subject = "who"', "no column 'who', only file, subject, sex, race, age"),
        ('[attributes.gender]\ncolumn = "g"', "attributes.gender.column = 'g'"),
        ('[attributes.gender]\ncolumn = "sex"\nof = "dog"', "attributes.gender.of"),
    ],
)
def test_mistakes_in_faceparity_toml(tmp_path: Path, toml: str, words: str) -> None:
    message = fails(folder.read, own(tmp_path, **{"faceparity.toml": toml}))
    assert words in message
    assert "faceparity.toml" in message
    assert "\n" not in message


def test_mistakes_in_a_folder(tmp_path: Path) -> None:
    assert "does not exist" in fails(folder.read, tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    assert "is empty" in fails(folder.read, tmp_path / "empty")
    message = fails(folder.read, put(tmp_path / "bare", "1.jpg"))
    assert "no CSV" in message
    assert "file,subject,gender,ethnicity and then a/1.jpg,P001,female,Black" in message
    assert "\n" not in message
    message = fails(folder.read, put(tmp_path / "two", "1.jpg", text={"a.csv": "file\n", "b.csv": "file\n"}))
    assert "several CSV files (a.csv, b.csv)" in message
    assert "faceparity.toml" in message
    message = fails(folder.read, put(tmp_path / "unnamed", "1.jpg", text={"a.csv": "sex,bild\nF,1.jpg\n"}))
    assert "only sex, bild" in message
    assert "image = 'bild'" in message
    message = fails(folder.read, put(tmp_path / "gone", text={"a.csv": "file\n1.jpg\n2.jpg\n"}))
    assert "no image can be used of 2 rows (2 missing_file" in message
    assert "is not a folder" in fails(folder.read, tmp_path / "gone" / "a.csv")


# All


def test_the_digest_is_of_the_data_and_not_of_the_place(tmp_path: Path) -> None:
    one, two = (own(tmp_path / name) for name in ("one", "two"))
    digest = folder.read(one).digest
    assert len(digest) == 64
    assert folder.read(two, name="another").digest == digest
    for text in (OWN.replace("Martian", "martian"), OWN.replace(",8,", ",9,"), OWN.replace("61", "62")):
        assert folder.read(own(tmp_path / "two", text)).digest != digest
    put(own(tmp_path / "two"), "a/1.jpg")
    assert folder.read(tmp_path / "two").digest == digest
    (tmp_path / "two" / "a" / "1.jpg").write_bytes((tmp_path / "two" / "a" / "2.jpg").read_bytes())
    assert folder.read(tmp_path / "two").digest != digest


def test_the_order_of_rows_changes_nothing(tmp_path: Path) -> None:
    header, *rows = OWN.splitlines()
    a = folder.read(own(tmp_path / "one"))
    b = folder.read(own(tmp_path / "two", "\n".join([header, *reversed(rows)])))
    assert a.files == b.files
    assert a.digest == b.digest
    assert a.subjects.tolist() == b.subjects.tolist()
    for name in a.attributes:
        assert a.attributes[name].values == b.attributes[name].values
        assert a.attributes[name].codes.tolist() == b.attributes[name].codes.tolist()


def test_a_cards_words_map_ages_and_words_for_missing(tmp_path: Path) -> None:
    values = '{ "1" = "20-29", "2" = "60+", "-1" = "child" }'
    config = f'[attributes.age_group]\ncolumn = "age"\nof = "sample"\nvalues = {values}\n[attributes.gender]\ncolumn = "sex"\n'
    config += 'values = { "none" = "non-binary" }\n'
    text = "file,subject,sex,age\na/1.jpg,1,none,1\na/2.jpg,2,F,2.0\nb/1.jpg,3,None,-1\n"
    data = folder.read(own(tmp_path, text, **{"faceparity.toml": config}))
    assert labels(data, "age_group") == {"a/1.jpg": "18–29", "a/2.jpg": "60+"}
    assert labels(data, "gender") == {"a/1.jpg": "non-binary", "a/2.jpg": "female"}
    assert kinds(data) == {"under_18": 1}


def test_a_column_of_image_numbers_is_no_subject_because_some_are_missing(tmp_path: Path) -> None:
    text = "file,id,sex\na/1.jpg,1,F\na/2.jpg,nan,F\nb/1.jpg,None,F\n"
    assert folder.read(own(tmp_path, text)).identity == "none"
    assert folder.read(own(tmp_path, text.replace("nan", "1.0"))).n_subjects == 1
