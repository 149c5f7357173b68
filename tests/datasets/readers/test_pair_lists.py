"""Sets with published pair lists, in miniature and in their publishers' layouts, traps included."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from faceparity.datasets.audit.copy_check import check
from faceparity.datasets.common.errors import UserError
from faceparity.datasets.loading.image_files import UnreadableImage, decode
from faceparity.datasets.loading.image_packs import image_bytes, source
from faceparity.datasets.readers import agedb30
from faceparity.datasets.readers.pair_lists import PairList, read_lfw_list, with_protocols
from faceparity.datasets.registry import dataset_names, load_dataset
from faceparity.datasets.schema.dataset import Dataset, PairProtocol
from tests.datasets.pair_layouts import (
    FOLDS,
    IMAGES,
    PORTRAITS,
    attributes_file,
    gender,
    lfw_lines,
    make_agedb,
    make_cfp,
    make_flat,
    make_lfw,
    make_pack,
    pairs,
    people_folders,
    person,
    portrait,
)

pytestmark = pytest.mark.skipif(not PORTRAITS.is_dir(), reason="the control set's portraits are not in this copy")


def kinds(dataset: Dataset) -> set[str]:
    return {p.kind for p in dataset.problems}


def protocol(dataset: Dataset, name: str) -> PairProtocol:
    return next(p for p in dataset.protocols if p.name == name)


def follows(dataset: Dataset, p: PairProtocol, listed: list[tuple[tuple[int, int], tuple[int, int], bool, int]]) -> bool:
    """Whether a protocol is this list, pair by pair, told by the images' bytes."""
    expected = [(portrait(*a).read_bytes(), portrait(*b).read_bytes(), m, f) for a, b, m, f in listed]
    data = [image_bytes(dataset.root / file) for file in dataset.files]
    columns = zip(p.a.tolist(), p.b.tolist(), p.mated.tolist(), p.fold.tolist(), strict=True)
    return [(data[a], data[b], m, f) for a, b, m, f in columns] == expected


def test_all_are_registered() -> None:
    assert {"lfw", "xqlfw", "calfw", "cplfw", "cfp", "agedb30", "insightface_bin"} <= set(dataset_names())


@pytest.mark.parametrize("images", ["lfw", "lfw_funneled", "lfw-deepfunneled/lfw-deepfunneled", ""])
def test_lfw_as_its_publisher_and_others_lay_it_out(tmp_path: Path, images: str) -> None:
    dataset = load_dataset(f"lfw={make_lfw(tmp_path, images=images)}")
    assert (dataset.n_samples, dataset.n_subjects) == (12 * IMAGES, 12)
    assert not dataset.problems
    view2 = protocol(dataset, "view 2")
    assert follows(dataset, view2, pairs(12, 3))
    assert (view2.n_folds, view2.missing) == (FOLDS, 0)
    assert follows(dataset, protocol(dataset, "view 1, development training"), pairs(11, 5, 1))
    test = protocol(dataset, "view 1, development test")
    assert (test.n_folds, test.threshold_from) == (1, "view 1, development training")


def test_lfws_people_are_labelled_by_the_mean_of_a_machines_scores(tmp_path: Path) -> None:
    dataset = load_dataset(f"lfw={make_lfw(tmp_path)}")
    assert dataset.card.attributes["gender"].provenance == "machine-made"
    for name, of in (("gender", gender), ("ethnicity", None)):
        attribute = dataset.attributes[name]
        told = {dataset.files[i].split("/")[1]: attribute.values[c] for i, c in enumerate(attribute.codes.tolist())}
        assert set(told) == {person(p) for p in range(12)}
        if of is not None:
            assert told == {person(p): of(p) for p in range(12)}, "also of the person whose images disagree"
        else:
            assert set(told.values()) == {"Black", "Asian", "White"} & set(told.values())
            assert len(set(told.values())) > 1


def test_the_line_of_names_in_the_attributes_may_lack_its_mark(tmp_path: Path) -> None:
    root = make_lfw(tmp_path)
    labelled = load_dataset(f"lfw={root}")
    path = root / "lfw_attributes.txt"
    path.write_text(path.read_text().replace("#\tperson", "person"))
    assert load_dataset(f"lfw={root}").digest == labelled.digest
    path.write_text("\n".join(path.read_text().splitlines()[2:]))
    unnamed = load_dataset(f"lfw={root}")
    assert {p.kind for p in unnamed.problems} >= {"bad_row"}, "without names no column is guessed"
    assert all((a.codes == -1).all() for a in unnamed.attributes.values())


def test_lists_of_names_go_before_the_machine(tmp_path: Path) -> None:
    root = make_lfw(tmp_path)
    (root / "female_names.txt").write_text(
        "".join(f"{person(p)}_0001.jpg\n" for p in range(0, 12, 2)) + f"{person(1)}_0001.jpg\n"
    )
    (root / "male_names.txt").write_text("".join(f"{person(p)}_0002.jpg\n" for p in range(1, 12, 2)))
    dataset = load_dataset(f"lfw={root}")
    assert dataset.card.attributes["gender"].provenance == "perceived by annotators"
    assert dataset.card.attributes["ethnicity"].provenance == "machine-made"
    attribute = dataset.attributes["gender"]
    told = {dataset.files[i].split("/")[1]: c for i, c in enumerate(attribute.codes.tolist())}
    assert told[person(0)] == attribute.values.index("female")
    assert told[person(1)] == -1, "in both lists"
    assert "conflicting_label" in kinds(dataset)


def test_lfw_without_labels_has_no_attributes_and_its_lists(tmp_path: Path) -> None:
    root = make_lfw(tmp_path)
    (root / "lfw_attributes.txt").unlink()
    dataset = load_dataset(f"lfw={root}")
    assert not dataset.attributes
    assert not dataset.problems
    assert len(dataset.protocols) == 3


def test_what_lfw_lacks_is_told(tmp_path: Path) -> None:
    root = make_lfw(tmp_path)
    whole = load_dataset(f"lfw={root}")
    gone = f"{person(3)}/{person(3)}_0002.jpg"
    (root / "lfw" / gone).unlink()
    (root / "pairsDevTest.txt").unlink()
    dataset = load_dataset(f"lfw={root}")
    told = [(p.kind, p.where.split(":")[0]) for p in dataset.problems]
    assert ("missing_file", "lfw-names.txt") in told
    assert ("missing_file", "pairsDevTest.txt") in told
    without = sum((3, 2) in (a, b) for a, b, _, _ in pairs(12, 3))
    view2 = protocol(dataset, "view 2")
    assert view2.missing == without > 0
    assert view2.a.size + view2.missing == protocol(whole, "view 2").a.size
    assert any(gone in p.detail and f"in {without} pairs" in p.detail for p in dataset.problems)
    assert dataset.digest != whole.digest


def test_of_two_forms_of_lfw_one_is_read_and_the_other_named(tmp_path: Path) -> None:
    root = make_lfw(tmp_path)
    people_folders(root / "lfw_funneled", 2)
    dataset = load_dataset(f"lfw={root}")
    assert dataset.n_samples == 12 * IMAGES
    assert [(p.kind, p.where) for p in dataset.problems] == [("extra_file", "lfw_funneled")]


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda text: text.split("\n", 1)[1], "first line"),
        (lambda text: "\n".join(text.split("\n")[:40]) + "\n", "promises"),
        (lambda text: text.replace("10\t3", "10\t2"), "promises"),
        (lambda text: text.replace("\t2\n", "\ttwo\n", 1), "is not a pair"),
        (lambda text: text + "a\tb\n", "is not a pair"),
        (lambda text: "", "first line"),
        (lambda text: "9" * 32, "first line"),
        (lambda text: "999999999\n", "promises"),
        (lambda text: text.replace("10\t3", "999999999\t999999999"), "promises"),
        (lambda text: text.replace("\t2\n", f"\t{'2' * 5000}\n", 1), "is not a pair"),
        (lambda text: text.replace("\t2\n", "\t²\n", 1), "is not a pair"),
    ],
)
def test_a_list_that_is_not_the_publishers_is_refused(tmp_path: Path, damage: object, told: str) -> None:
    root = make_lfw(tmp_path)
    path = root / "pairs.txt"
    path.write_text(damage(path.read_text()))  # type: ignore[operator]
    with pytest.raises(UserError, match=told):
        load_dataset(f"lfw={root}")


@pytest.mark.parametrize("count", ["99999999", "9" * 5000, "²", "many"])
def test_a_count_of_images_that_cannot_be_is_refused(tmp_path: Path, count: str) -> None:
    root = make_lfw(tmp_path)
    (root / "lfw-names.txt").write_text(f"{person(0)}\t{count}\n", "utf-8")
    with pytest.raises(UserError, match=r"lfw-names.txt, line 1, is not a name and a number of images"):
        load_dataset(f"lfw={root}")


def test_line_ends_and_marks_of_other_systems_do_not_matter(tmp_path: Path) -> None:
    root = make_lfw(tmp_path)
    digest = load_dataset(f"lfw={root}").digest
    (root / "pairs.txt").write_bytes(b"\xef\xbb\xbf" + lfw_lines(pairs(12, 3), "10\t3", "\r\n").encode() + b"\r\n")
    assert load_dataset(f"lfw={root}").digest == digest


def test_a_folder_that_is_not_lfw_is_told(tmp_path: Path) -> None:
    (tmp_path / "some").mkdir()
    with pytest.raises(UserError, match="lfw/Name/Name_0001"):
        load_dataset(f"lfw={tmp_path}")


@pytest.mark.parametrize("header", [None, "10\t3"])
def test_xqlfw_with_a_header_or_without(tmp_path: Path, header: str | None) -> None:
    people_folders(tmp_path / "lfw_original_imgs_min_qual0.85variant11", 12)
    every = pairs(12, 3)
    (tmp_path / "xqlfw_pairs.txt").write_text(lfw_lines(every, header))
    (tmp_path / "lfw_attributes.txt").write_text(attributes_file(12))
    dataset = load_dataset(f"xqlfw={tmp_path}")
    assert not dataset.problems
    assert follows(dataset, protocol(dataset, "XQLFW"), every)
    assert set(dataset.attributes) == {"gender", "ethnicity"}


@pytest.mark.parametrize(("which", "listed"), [("calfw", "pairs_CALFW.txt"), ("cplfw", "pairs_CPLFW.txt")])
@pytest.mark.parametrize("inside", ["", "calfw"])
def test_cross_age_and_cross_pose(tmp_path: Path, which: str, listed: str, inside: str) -> None:
    make_flat(tmp_path / inside, listed, folds_as_labels=which == "calfw")
    dataset = load_dataset(f"{which}={tmp_path}")
    assert (dataset.n_samples, dataset.n_subjects) == (12 * IMAGES, 12)
    every = pairs(12, 3)
    expected = [x for x in every if x[2]] + [x for x in every if not x[2]]
    assert follows(dataset, protocol(dataset, which.upper()), expected)
    assert not dataset.problems


def test_calfws_labels_are_folds_and_must_be(tmp_path: Path) -> None:
    path = make_flat(tmp_path, "pairs_CALFW.txt", folds_as_labels=True) / "pairs_CALFW.txt"
    text = path.read_text()
    assert " 7\n" in text, "the trap: a label of a mated pair that is not 1"
    for damage, told in ((text.replace(" 7\n", " 6\n"), "folds of equal size"), (text.split("\n", 1)[1], "two make a pair"),
                         (text.replace(" 7\n", " 8\n", 1), "two labels"), (text.replace(" 7\n", "\n", 1), "not an image and a number"),
                         (text.rsplit("\n", 3)[0] + "\n", "share evenly")):  # fmt: skip
        path.write_text(damage)
        with pytest.raises(UserError, match=told):
            load_dataset(f"calfw={tmp_path}")


def test_cfp_follows_both_protocols(tmp_path: Path) -> None:
    dataset = load_dataset(f"cfp={make_cfp(tmp_path)}")
    assert (dataset.n_samples, dataset.n_subjects) == (12 * 4, 12)
    assert not dataset.problems
    every = pairs(12, 2)
    for which, shift in (("CFP-FF", 0), ("CFP-FP", 2)):
        p = protocol(dataset, which)
        assert follows(dataset, p, [((a[0], 1), (b[0], 2 + shift), m, f) for a, b, m, f in every])
    assert all("/profile/" in dataset.files[i] for i in protocol(dataset, "CFP-FP").b)
    assert all("/frontal/" in dataset.files[i] for i in protocol(dataset, "CFP-FF").b)


def test_cfp_with_a_split_gone_or_broken(tmp_path: Path) -> None:
    make_cfp(tmp_path)
    (tmp_path / "Protocol/Split/FP/04/diff.txt").unlink()
    dataset = load_dataset(f"cfp={tmp_path}")
    assert [p.name for p in dataset.protocols] == ["CFP-FF"]
    assert any(p.where == "Split/FP/04" for p in dataset.problems)
    (tmp_path / "Protocol/Split/FF/04/diff.txt").write_text("1,999\n")
    with pytest.raises(UserError, match="not two numbers"):
        load_dataset(f"cfp={tmp_path}")


def test_agedb_reads_its_mat_and_leaves_children_out_by_default(tmp_path: Path) -> None:
    make_agedb(tmp_path)
    whole = load_dataset(f"agedb30={tmp_path}", include_minors=True)
    every = pairs(12, 2)
    assert follows(whole, protocol(whole, "AgeDB-30"), every)
    assert whole.attributes["age_group"].of == "sample"
    assert sorted(whole.attributes["gender"].values) == ["female", "male"]
    dataset = load_dataset(f"agedb30={tmp_path}")
    child = sum(11 in (a[0], b[0]) for a, b, _, _ in every)
    assert protocol(dataset, "AgeDB-30").missing == child > 0
    assert dataset.n_subjects == 11
    assert kinds(dataset) == {"under_18"}, "they are there, and left out"


def test_agedbs_protocol_must_be_a_small_mat(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from scipy.io import savemat

    path = make_agedb(tmp_path) / "AgeDB_FINAL_protocol" / "04_FINAL_protocol_30_years.mat"
    for content in (b"", b"no mat", path.read_bytes()[:400]):
        path.write_bytes(content)
        with pytest.raises(UserError, match=path.name):
            load_dataset(f"agedb30={tmp_path}")
    savemat(path, {"splits": np.zeros((10, 1))})
    with pytest.raises(UserError, match="no splits"):
        load_dataset(f"agedb30={tmp_path}")
    monkeypatch.setattr(agedb30, "MAX_BYTES", 2**22)
    savemat(path, {"splits": np.zeros((2**10, 2**10))}, do_compression=True)
    assert path.stat().st_size < 2**17, "a bomb: 8 MiB in a small file"
    with pytest.raises(UserError, match="far more"):
        load_dataset(f"agedb30={tmp_path}")


@pytest.mark.slow
@pytest.mark.parametrize("arrays", [False, True])
def test_a_pack_of_insightface(tmp_path: Path, arrays: bool) -> None:
    make_pack(tmp_path / "lfw.bin", arrays=arrays)
    dataset = load_dataset(f"insightface_bin={tmp_path}")
    every = pairs(12, 3)
    used = {end for pair in every for end in pair[:2]}
    assert dataset.n_samples == len(used), "an image that the pack holds twice is one sample"
    assert dataset.identity == "none"
    assert follows(dataset, protocol(dataset, "lfw"), every)
    assert dataset.files[0] == "lfw.bin#000000"
    assert decode(source(tmp_path / dataset.files[0])).shape == decode(portrait(*every[0][0])).shape
    assert check(dataset).unreadable == ()


def test_several_packs_are_several_protocols_and_share_their_images(tmp_path: Path) -> None:
    make_pack(tmp_path / "calfw.bin", people=8)
    make_pack(tmp_path / "lfw.bin")
    dataset = load_dataset(f"insightface_bin={tmp_path}")
    assert [p.name for p in dataset.protocols] == ["calfw", "lfw"]
    assert len(set(dataset.content)) == dataset.n_samples
    assert follows(dataset, protocol(dataset, "lfw"), pairs(12, 3))
    with pytest.raises(UnreadableImage, match="not so many"):
        source(tmp_path / "lfw.bin#999999")
    (tmp_path / "lfw.bin").unlink()
    with pytest.raises(UnreadableImage, match="cannot be opened"):
        source(tmp_path / "lfw.bin#000001")


def test_a_pack_that_carries_code_is_refused_without_running_it(tmp_path: Path) -> None:
    mark = tmp_path / "it ran"

    class Runs:
        def __reduce__(self) -> object:
            return shutil.rmtree, (str(mark),)

    mark.mkdir()
    (tmp_path / "lfw.bin").write_bytes(pickle.dumps(([b"a", b"b"], [Runs()]), 2))
    with pytest.raises(UserError, match="refused and was not run"):
        load_dataset(f"insightface_bin={tmp_path}")
    assert mark.is_dir()


def test_pairs_of_a_list_keep_their_order_and_repetitions(tmp_path: Path) -> None:
    dataset = load_dataset(f"lfw={make_lfw(tmp_path)}")
    a, b = dataset.files[3], dataset.files[0]
    listed = PairList(
        "own", "own.txt (nobody)", [a, b, a, "gone.jpg"], [b, a, b, a], [False] * 4, [0] * 4, [1, 2, 3, 4], targets=(0.1,)
    )
    found = protocol(with_protocols(dataset, [listed]), "own")
    assert (found.a.tolist(), found.b.tolist()) == ([3, 0, 3], [0, 3, 0])
    assert (found.missing, found.targets) == (1, (0.1,))
    assert with_protocols(dataset, []) is dataset


def test_a_list_without_a_header_is_dealt_to_folds_in_equal_runs(tmp_path: Path) -> None:
    path = tmp_path / "African_pairs.txt"
    path.write_text(lfw_lines(pairs(12, 3), None))
    found = read_lfw_list(path, "African", lambda name, number: f"{name}/{number}", header=False)
    assert list(found.fold) == [f for _, _, _, f in pairs(12, 3)]
    path.write_text(lfw_lines(pairs(12, 3)[:-1], None))
    with pytest.raises(UserError, match="share evenly"):
        read_lfw_list(path, "African", lambda name, number: f"{name}/{number}", header=False)
