"""Both models on real faces: people are told apart, and files that are no good are counted and take nothing else down."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import pytest
from PIL import Image

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.fetch.artefacts import is_here
from faceparity.datasets.registry import load_dataset
from faceparity.harness.models.registry import artefacts_of
from faceparity.harness.results import Evaluation, from_json
from faceparity.harness.templates.private_tables import read_table
from tests.end_to_end.end_to_end_help import write_labels

PEOPLE = 20
MODELS = ("face_recognition", "sface")


class Done(NamedTuple):
    """One run: what was published, what was said, and the similarity of every listed comparison by file names."""

    evaluations: dict[str, Evaluation]
    scores: dict[str, dict[tuple[str, str], tuple[float, bool]]]
    said: str


@pytest.fixture(scope="module")
def with_weights(tmp_path_factory) -> dict[str, str]:
    """An environment of its own that has this machine's weights, and nothing else of its owner's."""
    for name in MODELS:
        if not all(is_here(artefact) for artefact in artefacts_of(name)):
            pytest.skip(f"the weights of {name} are not here: faceparity fetch {name}")
    from faceparity.datasets.common import paths

    home = tmp_path_factory.mktemp("real") / "home"
    home.mkdir()
    (home / "artefacts").symlink_to(paths.artefacts().resolve(), target_is_directory=True)
    return {"FACEPARITY_HOME": str(home)}


@pytest.fixture(scope="module")
def faces(shared_data: Path, tmp_path_factory) -> Path:
    """Twenty people of the London set, two pictures each, half of them women, under other names."""
    try:
        data = load_dataset(f"london={shared_data / 'face_research_lab_london'}")
    except UserError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("real") / "faces"
    folder.mkdir()
    gender = data.attributes["gender"]
    chosen: dict[str, list[int]] = {value: [] for value in gender.values}
    for subject in range(data.n_subjects):
        mine = np.flatnonzero(data.subjects == subject)
        value = gender.values[gender.codes[mine[0]]]
        if mine.size == 2 and len(chosen[value]) < PEOPLE // 2:
            chosen[value].append(subject)
    rows = []
    for value, subjects in chosen.items():
        for number, subject in enumerate(subjects):
            for shot, i in enumerate(np.flatnonzero(data.subjects == subject)):
                name = f"{value}{number}_{shot}.jpg"
                shutil.copy(data.root / data.files[i], folder / name)
                rows.append((name, f"{value}{number}", value))
    write_labels(folder, rows, ("file", "subject", "gender"))
    return folder


@pytest.fixture(scope="module")
def spoiled(faces: Path, tmp_path_factory) -> Path:
    """The same people, among everything that may be wrong with a folder."""
    folder = tmp_path_factory.mktemp("bad") / "faces"
    shutil.copytree(faces, folder)
    shutil.copy(folder / "female0_0.jpg", folder.parent / "outside.jpg")
    face = [Image.open(folder / f"female{i}_0.jpg").convert("RGB") for i in range(3)]
    whole = (folder / "female0_0.jpg").read_bytes()
    (folder / "text.jpg").write_text("this is no picture")
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 3])
    face[0].convert("CMYK").save(folder / "cmyk.jpg", quality=95)
    face[0].convert("L").save(folder / "grey.png")
    deep = np.asarray(face[1]).astype(np.uint16)[:, :, ::-1] * 257
    cv2.imwrite(str(folder / "deep.png"), deep)
    noise = np.random.default_rng(0).integers(0, 255, (300, 300, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "faceless.png")
    row = Image.new("RGB", (sum(f.width for f in face), face[0].height))
    for i, one in enumerate(face):
        row.paste(one, (i * face[0].width, 0))
    row.save(folder / "three.jpg", quality=95)
    good = [("cmyk.jpg", "female0"), ("grey.png", "female0"), ("deep.png", "female1")]
    bad = ["text.jpg", "empty.jpg", "cut.jpg", "faceless.png", "three.jpg", "../outside.jpg", "gone.jpg"]
    lines = [*(f"{n},{s},female" for n, s in good), *(f"{n},extra{i},female" for i, n in enumerate(bad)), "short"]
    with (folder / "labels.csv").open("a", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="module")
def run(faceparity, with_weights, tmp_path_factory):
    """Run both models on a folder."""

    def call(folder: Path) -> Done:
        out = tmp_path_factory.mktemp("out") / "o"
        models = [word for name in MODELS for word in ("-m", name)]
        result = faceparity("run", "-d", f"folder={folder}", *models, "--by", "gender", "--out", out, env=with_weights)
        assert result.returncode == 0, result.stderr
        evaluations, scores = {}, {}
        before = os.environ.get("FACEPARITY_HOME")
        os.environ["FACEPARITY_HOME"] = with_weights["FACEPARITY_HOME"]
        try:
            for name in MODELS:
                place = out / "faces" / name
                evaluations[name] = from_json((place / "results.json").read_text("utf-8"))
                scores[name] = listed(place / "private")
        finally:
            os.environ.pop("FACEPARITY_HOME") if before is None else os.environ.update(FACEPARITY_HOME=before)
        return Done(evaluations, scores, result.stdout + result.stderr)

    return call


def listed(private: Path) -> dict[tuple[str, str], tuple[float, bool]]:
    """(file, file) → similarity and whether mated, from the private part of a run."""
    codes, ledger = read_table(private, "codes"), read_table(private, "ledger")
    file: dict[str, Any] = dict(zip(codes["code"], codes["file"], strict=True))
    columns = (ledger[c] for c in ("code_a", "code_b", "score", "mated"))
    return {tuple(sorted((file[a], file[b]))): (float(s), bool(m)) for a, b, s, m in zip(*columns, strict=True)}  # type: ignore[misc]


@pytest.fixture(scope="module")
def clean(run, faces) -> Done:
    return run(faces)


@pytest.fixture(scope="module")
def dirty(run, spoiled) -> Done:
    return run(spoiled)


@pytest.mark.parametrize("model", MODELS)
def test_people_are_told_apart(model: str, clean: Done) -> None:
    e = clean.evaluations[model]
    assert (e.extraction.unreadable, e.extraction.no_face) == (0, 0)
    assert (e.dataset.subjects, e.dataset.samples) == (PEOPLE, 2 * PEOPLE)
    assert (e.comparisons.mated, e.comparisons.non_mated) == (PEOPLE, 2 * PEOPLE * (PEOPLE - 1))
    scores = clean.scores[model]
    mated = [s for s, is_mated in scores.values() if is_mated]
    others = [s for s, is_mated in scores.values() if not is_mated]
    assert len(mated) == PEOPLE
    assert others, "the most alike of different people are always listed"
    assert np.median(mated) > max(others)
    published = e.model.published_threshold
    assert published is not None
    threshold = e.model.score.sign * published
    assert np.mean(np.asarray(mated) >= threshold) > 0.9, "neutral and smiling pictures of one session"
    assert sum(s >= threshold for s in others) / e.comparisons.non_mated < 0.1
    assert all(
        m == tuple(sorted(m)) and m[0].rpartition("_")[0] == m[1].rpartition("_")[0] for m, (_, own) in scores.items() if own
    )


@pytest.mark.parametrize("model", MODELS)
def test_bad_files_are_counted(model: str, dirty: Done) -> None:
    e = dirty.evaluations[model]
    x = e.extraction
    assert (x.unreadable, x.no_face, x.several_faces) == (3, 1, 1)
    assert x.overall is not None
    assert x.overall.comparisons == e.dataset.samples == 2 * PEOPLE + 3 + 5
    assert e.comparisons.left_out == {"identical_image": 1, "same_photo": 0}, "the picture of 16 bits, once its depth is halved"
    templates = e.dataset.samples - 4
    assert e.comparisons.mated + e.comparisons.non_mated == templates * (templates - 1) // 2 - 1
    assert e.dataset.problems == {"bad_row": 1, "missing_file": 1, "outside_root": 1}
    for name in ("text.jpg", "empty.jpg", "cut.jpg", "faceless.png", "gone.jpg", "outside.jpg"):
        assert name in dirty.said
    for name in ("cmyk.jpg", "grey.png", "deep.png", "three.jpg"):
        assert name not in dirty.said
    assert "Traceback" not in dirty.said


@pytest.mark.parametrize("model", MODELS)
def test_other_kinds_of_picture_still_show_the_same_person(model: str, dirty: Done) -> None:
    mated = {pair: score for pair, (score, own) in dirty.scores[model].items() if own}
    assert len(mated) == PEOPLE + 5 + 1, "CMYK and grey with both of one person and each other, 16 bits with another's other"
    published = dirty.evaluations[model].model.published_threshold
    assert published is not None
    threshold = dirty.evaluations[model].model.score.sign * published
    for pair in (("cmyk.jpg", "female0_0.jpg"), ("female0_0.jpg", "grey.png"), ("deep.png", "female1_1.jpg")):
        assert mated[tuple(sorted(pair))] >= threshold, pair  # type: ignore[index]


@pytest.mark.parametrize("model", MODELS)
def test_nobody_elses_template_changes(model: str, clean: Done, dirty: Done) -> None:
    """Every comparison that both runs list has the same score, to the last bit."""
    before, after = clean.scores[model], dirty.scores[model]
    both = before.keys() & after.keys()
    assert {pair for pair, (_, own) in before.items() if own} <= both
    assert len(both) > PEOPLE
    assert {pair: before[pair] for pair in both} == {pair: after[pair] for pair in both}
