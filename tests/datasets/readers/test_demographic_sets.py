"""Readers of published sets, each on a miniature in its publisher's exact layout: what is read, and that each trap is met."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.readers import fhibe, ijbc
from faceparity.datasets.registry import dataset_names, default_attributes, load_dataset
from faceparity.datasets.schema.card import load_card
from faceparity.datasets.schema.dataset import Dataset
from tests.datasets import miniature_sets as mini


def load(name: str, tmp_path: Path, **options: bool) -> Dataset:
    return load_dataset(f"{name}={mini.ALL[name](tmp_path)}", **options)


def labels(data: Dataset, attribute: str) -> dict[str, str | None]:
    """By the last part of a file's name."""
    found = data.attributes[attribute]
    return {
        file.rsplit("/", 1)[-1]: None if code < 0 else found.values[code]
        for file, code in zip(data.files, found.codes, strict=True)
    }


def counts(data: Dataset, attribute: str) -> dict[str | None, int]:
    return dict(Counter(labels(data, attribute).values()))


def kinds(data: Dataset) -> dict[str, int]:
    return dict(Counter(problem.kind for problem in data.problems))


def wrong(name: str, root: Path) -> str:
    with pytest.raises(UserError) as caught:
        load_dataset(f"{name}={root}")
    assert "\n" not in str(caught.value)
    return str(caught.value)


# RFW


def test_rfw(tmp_path: Path) -> None:
    data = load("rfw", tmp_path)
    assert (data.n_samples, data.n_subjects, data.identity) == (88, 43, "labelled")
    values = [data.attributes["ethnicity"].values[c] if c >= 0 else None for c in data.attributes["ethnicity"].codes]
    assert Counter(values) == {"Black": 22, "White": 22, "Asian": 20, "Indian": 20, None: 4}
    assert data.attributes["ethnicity"].raw[0] == "African"
    (conflict,) = data.problems  # one person under two races
    assert (conflict.kind, conflict.detail) == ("conflicting_label", "ethnicity of one subject is Asian and Indian")


def test_rfws_pairs_start_in_the_first_line(tmp_path: Path) -> None:
    data = load("rfw", tmp_path)
    assert [p.name for p in data.protocols] == list(mini.RFW_RACES)
    first = data.protocols[0]
    assert (first.a.size, first.mated.sum(), first.n_folds, first.missing) == (20, 10, 10, 0)
    assert first.fold.tolist() == [i // 2 for i in range(20)]
    assert data.files[first.a[0]] == "test/data/African/m.0af_00/m.0af_00_0001.jpg"
    assert data.files[first.b[0]] == "test/data/African/m.0af_00/m.0af_00_0002.jpg"
    assert data.files[first.b[1]] == "test/data/African/m.0af_01/m.0af_01_0002.jpg"
    assert (first.mated == (data.subjects[first.a] == data.subjects[first.b])).all()


def test_rfw_with_a_header_line_is_no_publishers_file(tmp_path: Path) -> None:
    mini.rfw(tmp_path)
    path = tmp_path / "test/txts/Asian/Asian_pairs.txt"
    path.write_text("10\t600\n" + path.read_text())
    assert "Asian_pairs.txt, line 1, is not a pair" in wrong("rfw", tmp_path)


def test_rfw_without_a_race_a_list_or_an_image(tmp_path: Path) -> None:
    mini.rfw(tmp_path)
    (tmp_path / "test/txts/Asian/Asian_pairs.txt").unlink()
    (tmp_path / "test/data/African/m.0af_01/m.0af_01_0001.jpg").unlink()
    (tmp_path / "test/data/Indian").rename(tmp_path / "elsewhere")
    data = load_dataset(f"rfw={tmp_path}")
    assert [(p.name, p.a.size, p.missing) for p in data.protocols] == [("African", 18, 2), ("Caucasian", 20, 0)]
    assert {p.where for p in data.problems if p.kind == "missing_file"} == {
        "test/txts/Asian/Asian_pairs.txt",
        "test/data/Indian",
        "African_pairs.txt:3",
    }


# BFW


def test_bfw(tmp_path: Path) -> None:
    data = load("bfw", tmp_path)
    assert (data.n_samples, data.n_subjects) == (32, 16)
    codes = [data.attributes[a] for a in ("gender", "ethnicity")]
    cells = Counter(tuple(a.values[a.codes[i]] for a in codes) for i in range(32))
    assert set(cells.values()) == {4}
    assert ("female", "Indian") in cells
    assert data.files[0] == "asian_females/n000009/0001_01.jpg"


def test_bfws_datatable_is_followed_by_paths_and_not_by_its_ids(tmp_path: Path) -> None:
    (pairs,) = load("bfw", tmp_path).protocols
    assert (pairs.a.size, int(pairs.mated.sum()), pairs.n_folds, pairs.missing) == (80, 40, 5, 0)
    assert np.bincount(pairs.fold).tolist() == [16] * 5
    assert pairs.mated[:2].tolist() == [True, False]


def test_bfws_pickle_is_not_opened(tmp_path: Path) -> None:
    data = load("bfw", tmp_path)
    (problem,) = data.problems
    assert (problem.where, "can run code" in problem.detail) == ("bfw-v0.1.5-datatable.pkl", True)


def test_bfws_rows_that_are_wrong(tmp_path: Path) -> None:
    mini.bfw(tmp_path)
    path = tmp_path / "bfw-v0.1.5-datatable.csv"
    head, first, second, *rest = path.read_text().splitlines()
    swapped = first.replace("0002_01.jpg,1,", "0002_01.jpg,0,")
    path.write_text("\n".join([head, swapped, second.replace(",0,0,1,", ",maybe,0,1,", 1), "1,2", *rest]))
    data = load_dataset(f"bfw={tmp_path}")
    notes = {p.where: p.detail for p in data.problems}
    assert "disagree: followed" in notes["bfw-v0.1.5-datatable.csv:2"]
    assert "left out" in notes["bfw-v0.1.5-datatable.csv:3"]
    assert "left out" in notes["bfw-v0.1.5-datatable.csv:4"]
    assert (data.protocols[0].a.size, data.protocols[0].mated[0]) == (79, False)


def test_bfw_with_a_folder_less(tmp_path: Path) -> None:
    mini.bfw(tmp_path)
    (tmp_path / "white_males").rename(tmp_path / "other")
    data = load_dataset(f"bfw={tmp_path}")
    assert (data.n_samples, data.protocols[0].missing) == (28, 10)
    assert ("missing_file", "white_males") in {(p.kind, p.where) for p in data.problems}


# The others


def test_demogpairs(tmp_path: Path) -> None:
    data = load("demogpairs", tmp_path)
    assert (data.n_samples, data.n_subjects, data.problems) == (36, 12, ())
    assert data.files[0] == "DemogPairs/some_body_0/002.jpg"
    assert data.attributes["ethnicity"].raw[0] == "Asian"
    (tmp_path / "Metadata").rename(tmp_path / "metadata")
    (tmp_path / "DemogPairs").rename(tmp_path / "images")
    (tmp_path / "metadata/Black_Males.txt").unlink()
    other = load_dataset(f"demogpairs={tmp_path}")
    assert (other.n_samples, other.n_subjects) == (30, 10)
    assert kinds(other) == {"missing_file": 1, "extra_file": 6}


def test_utkface(tmp_path: Path) -> None:
    data = load("utkface", tmp_path)
    assert (data.n_samples, data.identity) == (7, "none")
    assert [(p.kind, p.where.rsplit("/", 1)[-1]) for p in data.problems] == [
        ("bad_row", "61_1_20170109142408075.jpg.chip.jpg"),  # 1 is the gender or the race
        ("under_18", "1_0_0_20161219140623097.jpg.chip.jpg"),
        ("unknown_label", "30_3_1_20170117120123459.jpg.chip.jpg"),
    ]
    assert labels(data, "ethnicity") == {
        "100_1_2_20170105174847679.jpg.chip.jpg": "Asian",
        "24_0_3_20170116220224657 .jpg.chip.jpg": "Indian",
        "26_1_2_20170116174525125.jpg.chip.jpg": "Asian",
        "30_3_1_20170117120123459.jpg.chip.jpg": "Black",
        "35_0_0_20170117120123456.jpg.chip.jpg": "White",
        "44_0_4_20170117120123457.jpg.chip.jpg": "Other",
        "55_0_1_20170116232725357jpg.chip.jpg": "Black",
    }
    assert labels(data, "gender")["26_1_2_20170116174525125.jpg.chip.jpg"] == "female"
    assert labels(data, "age_group")["100_1_2_20170105174847679.jpg.chip.jpg"] == "60+"
    assert load_dataset(f"utkface={tmp_path}", include_minors=True).n_samples == 8


def test_morph2_keeps_ids_as_strings_and_gives_nobody_two_races(tmp_path: Path) -> None:
    data = load("morph2", tmp_path)
    assert (data.n_samples, data.n_subjects) == (5, 3)
    assert kinds(data) == {"under_18": 1, "conflicting_label": 1}
    assert counts(data, "ethnicity") == {"Black": 2, None: 2, "Hispanic": 1}
    assert data.capture_year is not None
    assert sorted(set(data.capture_year.tolist())) == [2004, 2005]
    inner = load_dataset(f"morph2={tmp_path / 'MORPH_nonCommercial'}")
    assert inner.files[0] == "Album2/000007_0M24.JPG"


def test_meds2(tmp_path: Path) -> None:
    data = load("meds2", tmp_path)
    assert (data.n_samples, data.n_subjects) == (6, 3)
    assert kinds(data) == {"under_18": 2, "missing_label": 2}
    assert labels(data, "ethnicity") == {
        "S001-01-t10_01.jpg": "White",
        "S001-02-t10_01.jpg": "White",
        "S002-01-t10_01.jpg": "Black",
        "S002-02-t10_01.jpg": "Black",
        "S003-01-t10_01.jpg": None,
        "S003-02-t10_01.jpg": None,
    }
    everybody = load_dataset(f"meds2={tmp_path}", include_minors=True)
    assert labels(everybody, "ethnicity")["S004-01-t10_01.jpg"] == "Native American"
    assert everybody.n_subjects == 4


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_ppb_whatever_its_line_ends(tmp_path: Path, end: str) -> None:
    mini.ppb(tmp_path)
    path = tmp_path / "PPB-2017/PPB-2017-metadata.csv"
    path.write_bytes(path.read_bytes().replace(b"\r", end.encode()))
    data = load_dataset(f"ppb={tmp_path / 'PPB-2017'}")
    assert (data.n_samples, data.n_subjects, data.problems) == (4, 4, ())
    assert counts(data, "skin_tone") == {"darker": 2, "lighter": 2}
    assert labels(data, "gender") == {"000.jpg": "female", "001.jpg": "male", '002_O"Neil.jpg': "male", "003.jpg": "female"}
    assert load_dataset(f"ppb={tmp_path}").n_samples == 4


def test_ppb_without_a_header_and_with_a_short_row(tmp_path: Path) -> None:
    mini.ppb(tmp_path)
    path = tmp_path / "PPB-2017/PPB-2017-metadata.csv"
    path.write_bytes(b"\r".join([*path.read_bytes().split(b"\r")[1:4], b"9,x.jpg"]))
    data = load_dataset(f"ppb={tmp_path}")
    assert data.n_samples == 3
    assert kinds(data) == {"bad_row": 1, "extra_file": 1}


def test_vggface2(tmp_path: Path) -> None:
    data = load("vggface2", tmp_path)
    assert (data.n_samples, data.n_subjects, list(data.attributes), data.problems) == (6, 3, ["gender"], ())
    assert data.attributes["gender"].raw == ("m", "m", "f", "f", "m", "m")  # the second has a comma in her name
    assert default_attributes(data) == ["gender"]
    mini.table(tmp_path, "meta/races.csv", [["", "Class_ID", "Race"], [0, "n000001", "African"], [1, "n000003", "I"]])
    both = load_dataset(f"vggface2={tmp_path}")
    found = both.attributes["ethnicity"]
    assert [found.values[c] if c >= 0 else None for c in found.codes] == ["Black", "Black", None, None, "Indian", "Indian"]


def test_maad_face_labels_are_of_pictures_and_zero_is_no_label(tmp_path: Path) -> None:
    data = load("maad_face", tmp_path)
    assert data.files == tuple(
        f"test/{n}_01.jpg" for n in ("n000001/0001", "n000001/0002", "n000002/0001", "n000002/0002", "n000003/0001")
    )
    said = {a: [v.values[c] if c >= 0 else None for c in v.codes] for a, v in data.attributes.items()}
    assert said == {
        "gender": ["male", "male", "female", None, "male"],
        "ethnicity": ["Black", "Black", None, "White", "Asian"],  # two at once is none
        "age_group": ["young", "middle aged", "senior", None, "young"],
    }
    assert {a.of for a in data.attributes.values()} == {"sample"}
    assert kinds(data) == {
        "missing_file": 1,
        "extra_file": 1,
        "missing_label": 3,
    }  # rows of other people's images are passed over


def test_ijbc_cuts_out_who_is_meant(tmp_path: Path) -> None:
    mini.ijbc(tmp_path)
    assert "cut its faces out first" in wrong("ijbc", tmp_path)
    assert list(ijbc.cut_faces(tmp_path)) == [("img/99.png", "no such file")]
    assert list(ijbc.cut_faces(tmp_path)) == [("img/99.png", "no such file")]  # and again, writing nothing
    data = load_dataset(f"ijbc={tmp_path}")
    assert data.files == ("crops/12/img_1.png", "crops/7/frames_20.png", "crops/7/img_1.png")
    assert data.subjects.tolist() == [0, 1, 1]
    assert data.attributes["gender"].values == ("0", "1")
    assert data.attributes["skin_tone"].raw == ("2", "6", "6")
    assert kinds(data) == {"bad_row": 1, "missing_file": 3}
    with Image.open(tmp_path / data.files[0]) as crop, Image.open(tmp_path / "images/img/1.png") as whole:
        assert crop.size == (90, 90)
        assert np.array_equal(np.asarray(crop), np.asarray(whole)[5:95, 105:195])


def test_ijbcs_templates_are_sets_of_faces(tmp_path: Path) -> None:
    mini.ijbc(tmp_path)
    list(ijbc.cut_faces(tmp_path))
    data = load_dataset(f"ijbc={tmp_path}")
    (p,) = data.set_protocols
    sets = [sorted(data.files[i] for i in part) for part in np.split(p.members, p.starts[1:-1])]
    assert sets == [["crops/12/img_1.png"], ["crops/7/img_1.png"], ["crops/7/frames_20.png", "crops/7/img_1.png"]]  # 4, 30, 101
    assert np.unique(p.media[p.starts[2] :]).size == 2  # two sightings
    assert (p.a.tolist(), p.b.tolist(), p.mated.tolist(), p.missing) == ([1, 0, 1], [2, 2, 0], [True, False, False], 1)
    assert ("missing_file", "verif_templates.csv") in {(x.kind, x.where) for x in data.problems}
    with_header = "ENROLL_TEMPLATE_ID,VERIF_TEMPLATE_ID\n" + (tmp_path / "protocols/test1/match.csv").read_text()
    (tmp_path / "protocols/test1/match.csv").write_text(with_header)
    assert load_dataset(f"ijbc={tmp_path}").digest == data.digest
    (tmp_path / "protocols/test1/match.csv").write_text("30,101\n4,x\n")
    assert "is not a list of pairs of template numbers" in wrong("ijbc", tmp_path)


def test_ijbcs_other_release(tmp_path: Path) -> None:
    mini.ijbc(tmp_path)
    list(ijbc.cut_faces(tmp_path))
    before = load_dataset(f"ijbc={tmp_path}").set_protocols[0]
    folder = tmp_path / "protocols"
    (folder / "test1/enroll_templates.csv").rename(folder / "ijbc_1N_gallery_G1.csv")
    (folder / "test1/verif_templates.csv").rename(folder / "ijbc_1N_probe_mixed.csv")
    (folder / "test1/match.csv").rename(folder / "ijbc_11_G1_G2_matches.csv")
    data = load_dataset(f"ijbc={tmp_path}")
    (p,) = data.set_protocols
    assert (p.members.tolist(), p.a.tolist(), p.b.tolist()) == (before.members.tolist(), before.a.tolist(), before.b.tolist())
    assert "protocols/ijbc_1N_gallery_G2.csv" in {x.where for x in data.problems}


def test_ijbcs_galleries_and_probes(tmp_path: Path) -> None:
    mini.ijbc(tmp_path)
    list(ijbc.cut_faces(tmp_path))
    data = load_dataset(f"ijbc={tmp_path}")
    (p,) = data.search_protocols
    assert (p.name, p.source) == ("1:N (Test 4, mixed media)", "probes.csv, gallery_G1.csv, gallery_G2.csv")
    told = [
        (x.name, [sorted(data.files[i] for i in part) for part in np.split(x.members, x.starts[1:-1])], x.subjects.tolist())
        for x in (*p.galleries, p.probes)
    ]
    assert told == [
        ("G1", [["crops/7/img_1.png"]], [1]),
        ("G2", [["crops/12/img_1.png"]], [0]),
        ("probes", [["crops/7/frames_20.png", "crops/7/img_1.png"], ["crops/12/img_1.png"]], [1, 0]),
    ]
    assert np.unique(p.probes.media[:2]).size == 2
    assert p.probes.absent.tolist() == [0]  # a template of 12, whose only image is not there
    assert all(x.absent.size == 0 for x in p.galleries)
    folder = tmp_path / "protocols"
    for new, old in (("gallery_G1", "gallery_G1"), ("probes", "probe_mixed")):  # the other release, without its second gallery
        (folder / f"test4/{new}.csv").rename(folder / f"ijbc_1N_{old}.csv")
    other = load_dataset(f"ijbc={tmp_path}")
    (q,) = other.search_protocols
    assert [x.name for x in q.galleries] == ["G1"]
    assert q.probes.members.tolist() == p.probes.members.tolist()
    assert other.digest != data.digest
    assert "protocols/ijbc_1N_gallery_G2.csv" in {x.where for x in other.problems}
    (folder / "ijbc_1N_probe_mixed.csv").unlink()
    assert load_dataset(f"ijbc={tmp_path}").search_protocols == ()


def test_ijbcs_files_stay_inside(tmp_path: Path) -> None:
    mini.ijbc(tmp_path)
    head = (tmp_path / "protocols/ijbc_metadata_with_age.csv").read_text().splitlines()[0]
    mini.put(tmp_path, "secret.png", 3)
    row = ",1,1,9,9,1,0,3,1,6,1,0,0"
    mini.write(tmp_path, "protocols/ijbc_metadata_with_age.csv", [head, f"7,../secret.png{row}", f"7,img/1.png{row}"])
    assert [file for file, _ in ijbc.cut_faces(tmp_path)] == ["../secret.png"]
    assert ijbc.crop_name("7", "../../x.png").startswith("crops/7/")
    assert ".." not in ijbc.crop_name("7", "../../x.png")


def test_casual_conversations(tmp_path: Path) -> None:
    data = load("casual_conversations", tmp_path)
    assert (data.n_samples, data.n_subjects) == (4, 2)
    assert labels(data, "skin_tone") == dict.fromkeys(("000001.jpg", "000002.jpg", "1140_00.png", "1140_01_frame-12.jpg"), "IV")
    assert labels(data, "gender")["000001.jpg"] == "male"
    assert labels(data, "lighting")["1140_01_frame-12.jpg"] == "dark"
    assert labels(data, "age_group")["000001.jpg"] is None
    assert kinds(data) == {"missing_file": 1, "extra_file": 1, "missing_label": 2}


def test_casual_conversations_v2(tmp_path: Path) -> None:
    data = load("casual_conversations_v2", tmp_path)
    assert (data.n_samples, data.n_subjects) == (3, 2)
    assert list(labels(data, "skin_tone").values()) == ["5", "5", "10"]
    assert list(labels(data, "fitzpatrick").values()) == ["III", "III", "VI"]
    assert data.attributes["gender"].raw == ("cis woman", "cis woman", "transgender man")
    assert list(labels(data, "gender").values()) == ["female", "female", "male"]
    assert [(p.kind, p.detail) for p in data.problems] == [("missing_label", "age_group")]


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("casual_conversations", "CC_annotations/CasualConversations.json"),
        ("casual_conversations_v2", "CasualConversationsV2.json"),
    ],
)
@pytest.mark.parametrize("text", ["{", "3", '"x"', "[]" * 5, "[" * 100_000])
def test_json_that_is_none_or_another(tmp_path: Path, name: str, file: str, text: str) -> None:
    mini.ALL[name](tmp_path)
    (tmp_path / file).write_text(text)
    assert "put the publisher's file there" in wrong(name, tmp_path)


def test_fhibe(tmp_path: Path) -> None:
    data = load("fhibe", tmp_path)
    assert data.n_samples == 4
    assert all(file.startswith("data/processed/fhibe_face_crop_align/") for file in data.files)
    said = {a: [v.values[c] if c >= 0 else None for c in v.codes] for a, v in data.attributes.items()}
    assert said == {
        "gender": ["female", "female", None, "they/them"],
        "ancestry": ["Africa", "Africa", "several", "Oceania"],
        "skin_tone": ["VI", "II", "VI", "III"],
        "age_group": ["18–29", "18–29", "60+", "18–29"],
    }
    assert data.subjects.tolist() == [0, 0, 1, 2]
    assert kinds(data) == {"bad_row": 1, "missing_label": 1}  # the picture of two people is neither read nor called extra


@pytest.mark.parametrize(
    ("cell", "want"),
    [
        ("['0. She/her/hers']", ["She/her/hers"]),
        ("0. She/her/hers", ["She/her/hers"]),
        ("['0. Africa', '12. Central Asia']", ["Africa", "Central Asia"]),
        ("[]", []),
        ("", []),
        ("[__import__('os').system('exit 1')]", ["[__import__('os').system('exit 1')]"]),
        ("[" * 5000, ["[" * 5000]),
    ],
)
def test_fhibes_lists_are_read_and_never_run(cell: str, want: list[str]) -> None:
    assert fhibe.selections(cell) == want


def test_fhibes_paths_start_anywhere() -> None:
    files = {"a.png": ["x/crop_align/1/a.png", "x/crop_align/2/a.png", "x/raw/2/a.png"], "b.png": ["y/1/b.png", "y/2/b.png"]}
    assert fhibe.matching_image("/home/somebody/crop_align/2/a.png", files) == "x/crop_align/2/a.png"
    assert fhibe.matching_image("data\\raw\\1\\a.png", files) == "x/crop_align/1/a.png"
    assert fhibe.matching_image("2/b.png", files) == "y/2/b.png"
    assert fhibe.matching_image("b.png", files) == "b.png"  # no telling
    assert fhibe.matching_image("c.png", files) == "c.png"


def test_fhibes_wide_cells(tmp_path: Path) -> None:
    root = mini.fhibe(tmp_path)
    path = root / "data/processed/fhibe_face_crop_align/fhibe_face_crop_align.csv"
    wide = "[" + "1, " * 100_000 + "1]"
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0] + ",segments", *(f'{line},"{wide}"' for line in lines[1:])]))
    assert load_dataset(f"fhibe={root}").n_samples == 4


def test_fhibes_regions() -> None:
    subregions = {
        "Africa": ["Northern", "Eastern", "Middle", "Southern", "Western"],
        "Asia": ["Central", "Eastern", "South-eastern", "Southern", "Western"],
        "Europe": ["Eastern", "Northern", "Southern", "Western"],
        "America": ["Central", "South", "Northern"],
    }
    for where, parts in subregions.items():
        for part in parts:
            assert fhibe.region([f"{part} {where}"]) == ("Americas" if where == "America" else where)
    assert [fhibe.region([x]) for x in ("Caribbean", "Melanesia", "Americas", "Atlantis")] == [
        "Americas",
        "Oceania",
        "Americas",
        "",
    ]


def test_cfd(tmp_path: Path) -> None:
    data = load("cfd", tmp_path)
    assert (data.n_samples, data.n_subjects) == (8, 5)
    assert counts(data, "ethnicity") == {"White": 2, "Black": 2, "Hispanic": 2, "Multiracial": 1, "Indian": 1}
    assert kinds(data) == {"extra_file": 1}
    assert "age" in data.unused


# All


@pytest.mark.parametrize("name", sorted(mini.ALL))
def test_a_wrong_folder_is_told_what_was_expected_and_what_was_found(tmp_path: Path, name: str) -> None:
    mini.put(tmp_path, "holiday/beach.jpg", 0)
    message = wrong(name, tmp_path)
    assert f"{tmp_path} is not {load_card(name).title} as it is given out: expected " in message
    assert message.endswith("found holiday/")


@pytest.mark.parametrize("name", ["bfw", "demogpairs", "maad_face", "rfw", "vggface2"])
def test_the_folder_above_or_below_is_recognised(tmp_path: Path, name: str) -> None:
    root = mini.ALL[name](tmp_path / "deep" / "copy")
    hint = f"{root} looks right: give that folder"
    assert hint in wrong(name, root.parent)
    assert hint in wrong(name, max(p for p in root.iterdir() if p.is_dir()))


def test_an_archive_is_to_be_unpacked(tmp_path: Path) -> None:
    (tmp_path / "bfw.tar.gz").write_bytes(b"1")
    assert "is an archive: unpack it into a folder of its own" in wrong("bfw", tmp_path / "bfw.tar.gz")


@pytest.mark.parametrize("name", sorted(mini.ALL))
def test_digests_depend_on_what_is_read_and_not_on_where_it_is(tmp_path: Path, name: str) -> None:
    roots = [mini.ALL[name](tmp_path / place) for place in "ab"]
    for root in roots if name == "ijbc" else ():
        list(ijbc.cut_faces(root))
    first, second = (load_dataset(f"{name}={root}") for root in roots)
    assert first.digest == second.digest
    assert first.name == name
    (roots[1] / second.files[0]).write_bytes((roots[1] / second.files[-1]).read_bytes())
    assert load_dataset(f"{name}={roots[1]}").digest != first.digest


GARBAGE = (b'"', b"\x00", b"\r", b",,,,", b"../../", b"/etc/passwd,", b"\xff\xfe", b"9" * 40, b"nan", b"[[[", b"1e400", b"")


def garbled(data: bytes, rng: np.random.Generator) -> bytes:
    """Cut off, without a part, with something in it, or with its lines shuffled."""
    i, j = sorted(rng.integers(0, len(data) + 1, 2).tolist())
    lines = data.splitlines(keepends=True)
    shuffled = b"".join(lines[k] for k in rng.permutation(len(lines)))
    return [data[:i], data[:i] + data[j:], data[:i] + GARBAGE[rng.integers(len(GARBAGE))] + data[i:], shuffled][rng.integers(4)]


@pytest.mark.parametrize("name", sorted(mini.ALL))
def test_garbled_files_are_refused_in_one_line_or_read_with_what_is_left(tmp_path: Path, name: str) -> None:
    root = mini.ALL[name](tmp_path)
    if name == "ijbc":
        list(ijbc.cut_faces(root))
    rng = np.random.default_rng(sum(name.encode()))
    for path in sorted(p for p in root.rglob("*") if p.suffix in (".csv", ".txt", ".json")):
        whole = path.read_bytes()
        for _ in range(4):
            path.write_bytes(garbled(whole, rng))
            message = ""
            try:
                assert load_dataset(f"{name}={root}").n_samples > 0
            except UserError as error:
                message = str(error)
            assert "\n" not in message
        path.write_bytes(whole)


@pytest.mark.parametrize("name", ["facet", "bupt"])
@pytest.mark.parametrize("where", ["", "={0}", "={0}/nothing"])
def test_what_is_no_benchmark_says_why(tmp_path: Path, name: str, where: str) -> None:
    with pytest.raises(UserError, match="is no benchmark for face matching: ") as caught:
        load_dataset(name + where.format(tmp_path))
    assert load_card(name).not_a_benchmark in str(caught.value)


def test_the_copies_under_faceparity_data_are_found_by_the_names_they_unpack_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mini.rfw(tmp_path / "RFW")
    mini.morph2(tmp_path)
    monkeypatch.setenv("FACEPARITY_DATA", str(tmp_path))
    assert load_dataset("rfw").n_samples == 88
    assert load_dataset("morph2").n_samples == 5


# Cards


CARDS = sorted({*mini.ALL, "facet", "bupt", "london", "fairface", "us_congress"})


@pytest.mark.parametrize("name", CARDS)
def test_a_card_says_all_that_a_user_must_know(name: str) -> None:
    card = load_card(name)
    assert name in dataset_names()
    assert card.name == name
    for field in ("title", "home", "obtain", "licence", "consent", "citation"):
        assert getattr(card, field) not in ("", "unknown"), field
    assert set(card.allows) == {"research", "advocacy", "commercial", "redistribution"}
    assert len(card.licence.split()) <= 2
    assert card.known_defects
    assert card.protocols
    if not card.not_a_benchmark:
        assert card.children
        assert card.layout
        assert set(card.default_by) <= set(card.attributes)
        assert set(card.group_sizes_by) <= set(card.attributes)
        assert all(about.provenance != "unknown" or about.provenance_note for about in card.attributes.values())


@pytest.mark.parametrize("name", ["rfw", "bupt", "bfw", "demogpairs", "vggface2", "maad_face", "ijbc"])
def test_withdrawn_sets_are_flagged(name: str) -> None:
    assert load_card(name).withdrawn


@pytest.mark.parametrize("name", [n for n in CARDS if load_card(n).group_sizes])
def test_published_group_sizes_are_of_named_values(name: str) -> None:
    """Each part of a group's name is a value that the reader can give, in the order of the attributes."""
    from faceparity.datasets.loading.label_vocabulary import concept_value

    card = load_card(name)
    for group in card.group_sizes:
        parts = group.split(" × ")
        by = card.group_sizes_by or card.default_by
        assert len(parts) == len(by)
        for attribute, part in zip(by, parts, strict=True):
            assert concept_value(attribute, part) == part
