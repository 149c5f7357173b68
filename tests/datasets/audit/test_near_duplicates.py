"""Images that look alike: copies are found, other people's portraits are not, and none is missed by the search."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceparity.datasets.audit.copy_check import check
from faceparity.datasets.audit.near_duplicates import ALIKE, ImageHash, fingerprint, near_duplicates
from faceparity.datasets.loading.image_files import decode
from faceparity.datasets.readers.control import read as read_control
from faceparity.datasets.registry import load_dataset, packaged_folder

pytestmark = pytest.mark.slow

FILES = ("afr-f-000-1.jpg", "afr-m-001-2.jpg", "afr-f-020-3.jpg")


@pytest.fixture(scope="module")
def control() -> Path:
    folder = packaged_folder("control")
    if folder is None:
        pytest.skip("the control set is not in this copy")
    return folder


def jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    coded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return cv2.imdecode(coded, cv2.IMREAD_COLOR)


def edits(pixels: np.ndarray) -> dict[str, np.ndarray]:
    noise = np.random.default_rng(0).normal(0, 8, pixels.shape)
    height, width = pixels.shape[:2]
    return {
        "saved again": jpeg(pixels, 30),
        "half the size": cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
        "grey": np.repeat(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)[:, :, None], 3, axis=2),
        "brighter": np.clip(pixels * 1.1 + 8, 0, 255).astype(np.uint8),
        "gamma": (255 * (pixels / 255) ** 0.8).astype(np.uint8),
        "noise": np.clip(pixels + noise, 0, 255).astype(np.uint8),
        "trimmed by a hundredth": pixels[height // 100 : height - height // 100, width // 100 : width - width // 100],
        "mirrored": pixels[:, ::-1],
    }


@pytest.mark.parametrize("name", FILES)
def test_copies_are_found_however_saved(control: Path, name: str) -> None:
    pixels = decode(control / name)
    for what, copy in edits(pixels).items():
        found = near_duplicates([fingerprint(pixels), fingerprint(np.ascontiguousarray(copy))], np.array([0, 1]))
        assert (found.different_subjects, found.same_subject) == (1, 0), what
        assert found.pairs[0].mirrored == (what == "mirrored")
        assert found.pairs[0].distance <= ALIKE


def test_portraits_of_different_people_are_not(control: Path) -> None:
    dataset = read_control(control)
    prints = [fingerprint(decode(control / file)) for file in dataset.files[::2]]
    found = near_duplicates(prints, dataset.subjects[::2])
    assert found.compared == len(prints) > 600
    assert found.different_subjects == 0


def bit_distance(a: np.ndarray, b: np.ndarray) -> int:
    return sum(bin(int(x) ^ int(y)).count("1") for x, y in zip(a, b, strict=True))


def test_the_search_finds_what_comparing_every_pair_finds() -> None:
    rng = np.random.default_rng(4)
    hashes = rng.integers(0, 2**63, (120, 4)).astype(np.uint64) << np.uint64(1)
    for i in range(60):  # near ones, at every distance about the limit
        flipped = rng.choice(256, int(rng.integers(0, 40)), replace=False)
        hashes[60 + i] = hashes[i]
        for bit in flipped:
            hashes[60 + i, bit // 64] ^= np.uint64(1) << np.uint64(bit % 64)
    turned = hashes[rng.permutation(120)]
    prints: list[ImageHash | None] = [ImageHash(a, b) for a, b in zip(hashes, turned, strict=True)]
    prints[7] = None
    subjects = rng.integers(0, 40, 120)
    leave = [(0, 60), (1, 61)]
    want = {}
    for i in range(120):
        for j in range(i + 1, 120):
            if 7 in (i, j) or (i, j) in leave:
                continue
            upright, mirrored = bit_distance(hashes[i], hashes[j]), bit_distance(hashes[i], turned[j])
            if min(upright, mirrored) <= ALIKE:
                want[i, j] = (upright, False) if upright <= ALIKE else (mirrored, True)
    found = near_duplicates(prints, subjects, leave)
    assert {(p.a, p.b): (p.distance, p.mirrored) for p in found.pairs} == want
    assert len(want) > 40
    assert any(m for _, m in want.values())
    same = sum(subjects[i] == subjects[j] for i, j in want)
    assert (found.same_subject, found.different_subjects) == (same, len(want) - same)


def test_blank_pictures_are_not_all_alike() -> None:
    assert fingerprint(np.full((50, 50, 3), 7, np.uint8)) is None
    assert near_duplicates([None, None], np.array([0, 1])).compared == 0


def put(folder: Path, rows: list[tuple[str, str]]) -> None:
    (folder / "labels.csv").write_text("file,subject,gender\n" + "".join(f"{a},{b},F\n" for a, b in rows), "utf-8")


def test_check_tells_copies_of_one_person_from_copies_across_people(control: Path, tmp_path: Path) -> None:
    faces = [cv2.imread(str(control / f)) for f in FILES]
    for i, face in enumerate(faces):
        cv2.imwrite(str(tmp_path / f"a{i}.png"), face)
    cv2.imwrite(str(tmp_path / "b0.jpg"), faces[0], [cv2.IMWRITE_JPEG_QUALITY, 60])  # another person's, saved again
    cv2.imwrite(str(tmp_path / "c1.png"), faces[1][:, ::-1])  # the same person's, mirrored
    (tmp_path / "d2.png").write_bytes((tmp_path / "a2.png").read_bytes())  # another person's, the very file
    put(tmp_path, [("a0.png", "p0"), ("a1.png", "p1"), ("a2.png", "p2"), ("b0.jpg", "p9"), ("c1.png", "p1"), ("d2.png", "p8")])
    dataset = load_dataset(f"folder={tmp_path}")
    found = check(dataset)
    pairs = {(dataset.files[p.a], dataset.files[p.b], p.same_subject, p.mirrored) for p in found.alike.pairs}
    assert pairs == {("a0.png", "b0.jpg", False, False), ("a1.png", "c1.png", True, True)}
    assert (found.same_bytes.same_subject, found.same_bytes.different_subjects) == (0, 1)
    assert found.problems == {"duplicate_image": 1}
    assert found.wrong == 2, "one person's pictures that look alike may be right"
    listed = replace(dataset, same_photo=np.array([[dataset.files.index("a1.png"), dataset.files.index("c1.png")]], np.int32))
    assert check(listed).alike.same_subject == 0, "what the set lists as one photograph is known"
