"""Published data sets from the command line: what there is, each card in words, a run and a check on miniature copies."""

from __future__ import annotations

from pathlib import Path

import pytest

from faceparity.datasets.readers import ijbc
from faceparity.datasets.registry import dataset_names
from faceparity.datasets.schema.card import load_card
from tests.datasets import miniature_sets as mini
from tests.end_to_end.end_to_end_help import results


def test_the_list_has_a_line_for_each_set(faceparity, tmp_path: Path) -> None:
    mini.ppb(tmp_path)
    result = faceparity("datasets", env={"FACEPARITY_DATA": str(tmp_path)})
    assert (result.returncode, result.stderr) == (0, "")
    header, *lines = result.stdout.splitlines()
    assert header.split() == ["NAME", "HERE", "PEOPLE", "LABELS", "LICENCE", "WHAT", "IT", "IS"]
    assert [line.split()[0] for line in lines] == dataset_names()
    at = {line.split()[0]: line for line in lines}
    assert at["ppb"].split()[1:5] == ["yes", "yes", "perceived", "non-commercial"]
    assert at["rfw"].split()[1] == "-"
    assert at["rfw"].endswith("[withdrawn]")
    assert at["facet"].endswith("[not a benchmark]")
    assert at["fairface"].split()[2] == "no"
    assert at["control"].split()[1] == "yes"


@pytest.mark.parametrize("name", ["rfw", "bupt", "london", "fairface", "ijbc", "control-tone", "folder"])
def test_a_card_in_words_leaves_nothing_out(faceparity, name: str) -> None:
    result = faceparity("datasets", name, env={"COLUMNS": "90"})
    assert (result.returncode, result.stderr) == (0, "")
    # A path is not broken up, so that it can be copied.
    assert max(len(line) for line in result.stdout.splitlines()[1:] if "Copy here:" not in line) <= 90
    said = " ".join(result.stdout.split())
    card = load_card(name)
    for text in (
        card.title, card.home, card.obtain, card.licence, card.licence_note, card.consent, card.withdrawn, card.not_a_benchmark,
        card.children, card.citation, *card.known_defects, *card.protocols, *card.versions, *card.layout, *card.digests.values(),
        *(about.provenance_note for about in card.attributes.values()), *card.training_overlaps.values(),
    ):  # fmt: skip
        assert " ".join(text.split()) in said
    assert ("Lowest FMR for a claim" in said) == bool(card.group_sizes)


def test_a_run_on_a_withdrawn_set_says_so(faceparity, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = faceparity(
        "run", "-d", f"demogpairs={mini.demogpairs(tmp_path / 'set', people=10)}", "-m", "toy", "--threshold", "0.9", "--out", out
    )
    assert result.returncode == 0, result.stderr
    e = results(out)
    assert "VGGFace2" in e["dataset"]["withdrawn"]
    assert any(w.startswith("This data set was withdrawn: Part of its pictures are from VGGFace2") for w in e["warnings"])
    assert [label["provenance"] for label in e["dataset"]["labels"]] == ["perceived by annotators"] * 2
    assert (e["dataset"]["subjects"], e["dataset"]["samples"]) == (60, 180)
    assert "was withdrawn" in (out / "report.html").read_text("utf-8")
    assert "some_body" not in (out / "report.html").read_text("utf-8") + str(e)


def test_a_run_follows_the_published_pairs(faceparity, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = faceparity("run", "-d", f"rfw={mini.rfw(tmp_path / 'set')}", "-m", "toy", "--threshold", "0.9", "--out", out)
    assert result.returncode == 0, result.stderr
    e = results(out)
    assert [(p["name"], p["mated"], p["non_mated"], p["n_folds"], p["missing"]) for p in e["protocols"]] == [
        (race, 9, 9, 10, 2) if race in ("Asian", "Indian") else (race, 10, 10, 10, 0) for race in mini.RFW_RACES
    ], "one person under two races has no label: alone of those, she leaves the run, and with her two pairs"
    assert e["dataset"]["problems"] == {"conflicting_label": 1}
    assert "m.0af_00" not in (out / "report.html").read_text("utf-8")


def test_published_galleries_of_a_few_people_are_refused_in_a_line(faceparity, tmp_path: Path) -> None:
    folder = mini.ijbc(tmp_path / "set")
    list(ijbc.cut_faces(folder))
    result = faceparity("run", "-d", f"ijbc={folder}", "-m", "toy", "--threshold", "0.9", "--out", tmp_path / "out")
    assert result.returncode == 2
    assert "every group by gender and skin_tone has fewer than 10 people" in result.stderr.splitlines()[-1]


def test_check_names_what_is_wrong_with_a_copy(faceparity, tmp_path: Path) -> None:
    result = faceparity("check", f"utkface={mini.utkface(tmp_path)}")
    assert result.returncode == 1
    assert "61_1_20170109142408075.jpg.chip.jpg its name lacks the gender or the race" in result.stdout


def test_the_wrong_folder_is_one_line(faceparity, tmp_path: Path) -> None:
    mini.put(tmp_path, "holiday/beach.jpg", 0)
    for arguments in (["check", f"rfw={tmp_path}"], ["run", "-d", f"rfw={tmp_path}", "-m", "toy"], ["run", "-d", "facet"]):
        result = faceparity(*arguments)
        assert result.returncode == 2
        assert result.stdout == ""
        assert len(result.stderr.strip().splitlines()) == 1
