"""Miniature copies of the sets with published pair lists, in their publishers' layouts, of the control set's faces."""

from __future__ import annotations

import pickle
import shutil
from functools import cache
from pathlib import Path

import numpy as np

from tests import ROOT

PORTRAITS = ROOT / "datasets" / "control" / "portraits"
IMAGES = 4
FOLDS = 10


@cache
def heads() -> list[str]:
    """The control set's heads, ethnicities and sexes in turn."""
    names = sorted({p.stem.rpartition("-")[0] for p in PORTRAITS.glob("*.jpg")})
    return sorted(names, key=lambda head: (head.split("-")[2], head))


def portrait(person: int, image: int) -> Path:
    """Image 1 … 4 of a head."""
    return PORTRAITS / f"{heads()[person]}-{image}.jpg"


def person(n: int) -> str:
    """Invented names, with what real ones hold: hyphens, dots, digits."""
    return ("Ada_Alpha-Beta", "J._R._Gamma", "Delta_007")[n % 3] + f"_{chr(65 + n // 26)}{chr(97 + n % 26)}"


def pairs(people: int, each: int, folds: int = FOLDS) -> list[tuple[tuple[int, int], tuple[int, int], bool, int]]:
    """((person, image), (person, image), mated, fold): in each fold `each` mated pairs, then as many non-mated ones."""
    rng = np.random.default_rng(people)
    out = []
    for fold in range(folds):
        for n in range(each):
            who = (fold * each + n) % people
            x, y = rng.choice(IMAGES, 2, replace=False) + 1
            out.append(((who, int(x)), (who, int(y)), True, fold))
        for _ in range(each):
            p, q = rng.choice(people, 2, replace=False)
            x, y = rng.integers(1, IMAGES + 1, 2)
            out.append(((int(p), int(x)), (int(q), int(y)), False, fold))
    return out


def lfw_lines(listed: list[tuple[tuple[int, int], tuple[int, int], bool, int]], header: str | None, end: str = "\n") -> str:
    """LFW's form. header None: as RFW has it."""
    lines = [] if header is None else [header]
    for (p, x), (q, y), mated, _ in listed:
        lines.append("\t".join([person(p), str(x), str(y)] if mated else [person(p), str(x), person(q), str(y)]))
    return end.join(lines) + end


def people_folders(folder: Path, people: int) -> None:
    """`Name/Name_0001.jpg`."""
    for p in range(people):
        home = folder / person(p)
        home.mkdir(parents=True)
        for image in range(1, IMAGES + 1):
            shutil.copyfile(portrait(p, image), home / f"{person(p)}_{image:04d}.jpg")


def gender(p: int) -> str:
    return "female" if "-f-" in portrait(p, 1).name else "male"


def attributes_file(people: int) -> str:
    """lfw_attributes.txt: two `#` lines, names with blanks, scores; the first person's images disagree, as real ones do."""
    lines = ["# lfw_attributes.txt: attribute scores\t", "#\tperson\timagenum\tMale\tAsian\tWhite\tBlack\tBaby\tIndian\t"]
    for p in range(people):
        for image in range(1, IMAGES + 1):
            male = 1.5 if gender(p) == "male" else -1.5
            if p == 0 and image == 1:
                male = -male
            first = {"afr": "Black", "asi": "Asian"}.get(heads()[p].split("-")[0], "White")
            scores = {name: 0.9 if name == first else -1.1 for name in ("Asian", "White", "Black", "Indian")}
            cells = [
                person(p).replace("_", " "),
                image,
                male,
                scores["Asian"],
                scores["White"],
                scores["Black"],
                -3,
                scores["Indian"],
            ]
            lines.append("\t".join(map(str, cells)))
    return "\n".join(lines) + "\n"


def make_lfw(root: Path, people: int = 12, each: int = 3, images: str = "lfw") -> Path:
    """A small LFW: images, both views, names, attributes."""
    people_folders(root / images if images else root, people)
    (root / "pairs.txt").write_text(lfw_lines(pairs(people, each), f"{FOLDS}\t{each}"))
    for name, seed in (("pairsDevTrain.txt", people - 1), ("pairsDevTest.txt", people - 2)):
        (root / name).write_text(lfw_lines(pairs(seed, 5, 1), "5"))
    (root / "lfw-names.txt").write_text("".join(f"{person(p)}\t{IMAGES}\n" for p in range(people)))
    (root / "lfw_attributes.txt").write_text(attributes_file(people))
    return root


def flat_name(p: int, image: int) -> str:
    return f"{person(p)}_{image:04d}.jpg"


def make_flat(root: Path, listed: str, people: int = 12, each: int = 3, *, folds_as_labels: bool = False) -> Path:
    """CALFW and CPLFW: a flat folder; two lines a pair, mated pairs of all folds first."""
    folder = root / "aligned images"
    folder.mkdir(parents=True)
    for p in range(people):
        for image in range(1, IMAGES + 1):
            shutil.copyfile(portrait(p, image), folder / flat_name(p, image))
    every = pairs(people, each)
    lines = []
    for a, b, mated, fold in [x for x in every if x[2]] + [x for x in every if not x[2]]:
        label = (fold + 1 if folds_as_labels else 1) if mated else 0
        lines += [f"{flat_name(*a)} {label}", f"{flat_name(*b)} {label}"]
    (root / listed).write_text("\n".join(lines) + "\n")
    return root


def make_cfp(root: Path, people: int = 12, each: int = 2) -> Path:
    """CFP: ten frontal images and four in profile of each person there, two of each here; numbered lists; splits."""
    lists: dict[str, list[str]] = {"F": [], "P": []}
    number: dict[tuple[str, int, int], int] = {}
    for p in range(people):
        for kind, folder in (("F", "frontal"), ("P", "profile")):
            home = root / "Data" / "Images" / f"{p + 1:03d}" / folder
            home.mkdir(parents=True)
            for image in (1, 2):
                shutil.copyfile(portrait(p, image + (2 if kind == "P" else 0)), home / f"{image:02d}.jpg")
                lists[kind].append(f"../Data/Images/{p + 1:03d}/{folder}/{image:02d}.jpg")
                number[kind, p, image] = len(lists[kind])
    for kind, files in lists.items():
        path = root / "Protocol" / f"Pair_list_{kind}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(f"{i} {file}\r\n" for i, file in enumerate(files, 1)))
    for which, second in (("FF", "F"), ("FP", "P")):
        for (p, _), (q, _), mated, fold in pairs(people, each):
            path = root / "Protocol" / "Split" / which / f"{fold + 1:02d}" / ("same.txt" if mated else "diff.txt")
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a") as file:
                file.write(f"{number['F', p, 1]},{number[second, q, 2]}\n")
    return root


def make_agedb(root: Path, people: int = 12, each: int = 2) -> Path:
    """AgeDB: everything in the images' names; the protocol as MATLAB writes it. The last person is a child."""
    from scipy.io import savemat

    folder = root / "03_Protocol_Images"
    folder.mkdir(parents=True)
    names: dict[tuple[int, int], str] = {}
    for p in range(people):
        for image in range(1, IMAGES + 1):
            age = 9 + image if p == people - 1 else 20 + 15 * (image - 1)
            names[p, image] = f"{IMAGES * p + image}_{person(p).replace('_', '')}_{age}_{gender(p)[0]}"
            shutil.copyfile(portrait(p, image), folder / f"{names[p, image]}.jpg")
    every = pairs(people, each)
    splits = np.empty((FOLDS, 1), object)
    for k in range(FOLDS):
        mine = [x for x in every if x[3] == k]
        cells = np.empty((2, len(mine)), object)
        for i, pair in enumerate(mine):
            for side in (0, 1):
                cells[side, i] = {"name": names[pair[side]], "age": 1.0}
        splits[k, 0] = {"pairs": cells, "labels": np.array([[1.0 if x[2] else -1.0 for x in mine]])}
    path = root / "AgeDB_FINAL_protocol" / "04_FINAL_protocol_30_years.mat"
    path.parent.mkdir()
    savemat(path, {"splits": splits}, do_compression=True)
    return root


def make_pack(path: Path, people: int = 12, each: int = 3, *, arrays: bool = False) -> Path:
    """A `.bin` as insightface's own script writes it, or (arrays) as a later one does."""
    every = pairs(people, each)
    images: list[object] = [portrait(*end).read_bytes() for pair in every for end in pair[:2]]
    if arrays:
        images = [np.frombuffer(image, np.uint8) for image in images]  # type: ignore[arg-type]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps((images, [x[2] for x in every]), 2))
    return path
