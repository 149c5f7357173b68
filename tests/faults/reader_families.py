"""The readers of data sets, each on its miniature with one of its files spoiled."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from tests.datasets import miniature_sets as mini
from tests.datasets import pair_layouts as layouts
from tests.faults.fuzzing import Family, fresh

LONDON = "face_id,face_age,face_gender,face_eth\n001,24,female,white\n002,NA,male,black\n013,46,male,east_asian/white\n"
FAIRFACE = """file,age,gender,race,service_test
val/1.jpg,3-9,Male,East Asian,False
val/2.jpg,50-59,Female,East Asian,True
val/3.jpg,more than 70,Male,Latino_Hispanic,TRUE
"""
CONGRESS = """bioguide,file,gender,birth_year,ethnicity,photo_year,licence
A1,old/A1.jpg,male,1938,,2015,public
B1,old/B1.jpg,female,1971,african-american,2015,public
B1,new/B1.jpg,female,1971,african-american,2024,public
"""
FOLDER = "file,subject,gender,age\n0.png,a,F,18\n1.png,b,M,70+\n"
CONTROL = """file,subject,ancestry_morph,sex,age,ita,monk,hair,beard
0.png,a,african,female,46,-29.2,7,curly,none
1.png,b,asian,male,40,53.1,5,straight,full
"""
TONES = """file,subject,ancestry_morph,sex,age,ita,monk,hair,beard,head,tone,exposure,capture
0.png,a,african,female,46,53.1,5,curly,none,a,1,0.5,1
1.png,a,african,female,46,30.1,7,curly,none,a,2,1,2
"""


def _laid_out(pictures: list[str], texts: dict[str, str]) -> Callable[[Path], Path]:
    """A set of these pictures and tables."""

    def make(root: Path) -> Path:
        for i, name in enumerate(pictures):
            mini.put(root, name, i)
        for name, text in texts.items():
            (root / name).write_text(text, "utf-8")
        return root

    return make


def _packs(root: Path) -> Path:
    layouts.make_pack(root / "lfw.bin", people=3, each=2)
    return root


def _ijbc(root: Path) -> Path:
    from faceparity.datasets.readers.ijbc import cut_faces

    mini.ijbc(root)
    for _ in cut_faces(root):
        pass
    return root


def _xqlfw(root: Path) -> Path:
    layouts.people_folders(root / "lfw_original_imgs_min_qual0.85variant11", 12)
    (root / "xqlfw_pairs.txt").write_text(layouts.lfw_lines(layouts.pairs(12, 3), "10\t3"))
    return root


READERS: dict[str, Callable[[Path], Path]] = {
    **mini.ALL,
    "ijbc": _ijbc, "lfw": layouts.make_lfw, "xqlfw": _xqlfw, "cfp": layouts.make_cfp, "agedb30": layouts.make_agedb,
    "insightface_bin": _packs,
    "calfw": lambda root: layouts.make_flat(root, "pairs_CALFW.txt"), "cplfw": lambda root: layouts.make_flat(root, "pairs_CPLFW.txt"),
    "london": _laid_out([f"{f}_03.jpg" for f in ("001", "002", "013")], {"london_faces_info.csv": LONDON}),
    "fairface": _laid_out(["val/1.jpg", "val/2.jpg", "val/3.jpg"], {"fairface_label_val.csv": FAIRFACE}),
    "us_congress": _laid_out(
        ["old/A1.jpg", "old/B1.jpg", "new/B1.jpg"],
        {"labels.csv": CONGRESS, "same_photo_pairs.csv": "file_a,file_b\nold/B1.jpg,new/B1.jpg\nold/B1.jpg,old/none.jpg\n"},
    ),
    "folder": _laid_out(
        ["0.png", "1.png"], {"labels.csv": FOLDER, "faceparity.toml": 'title = "x"\n[attributes.gender]\ncolumn = "gender"\n'}
    ),
    "control": _laid_out(["0.png", "1.png"], {"labels.csv": CONTROL}),
    "control-tone": _laid_out(["0.png", "1.png"], {"labels.csv": TONES}),
}  # fmt: skip
"""Every benchmark that can be read, as a miniature in its publisher's layout."""


def reader(name: str, base: Path) -> Family:
    """A reader; the first byte of an input says which of the set's files is spoiled, the rest is what it then holds.

    Where a set says all in its file names (the Chicago Face Database, UTKFace), it is what the picture is then called.
    """
    from faceparity.datasets.registry import load_dataset

    root = READERS[name](fresh(base / name))
    pictures = sorted(p for p in root.rglob("*") if p.is_file() and p.suffix.lower() in (".jpg", ".png"))
    files = sorted(p for p in root.rglob("*") if p.is_file() and p not in pictures)
    whole = [p.read_bytes() for p in files]

    def in_content(data: bytes) -> None:
        which = data[0] % len(files)
        files[which].write_bytes(data[1:])
        try:
            load_dataset(f"{name}={root}")
        finally:
            files[which].write_bytes(whole[which])

    def in_name(data: bytes) -> None:
        picture = pictures[data[0] % len(pictures)]
        called = data[1:].replace(b"\0", b"").replace(b"/", b"")[:255]
        renamed = picture.with_name(os.fsdecode(called if called.strip(b".") else b"x"))
        if renamed.exists() and renamed != picture:
            return
        picture.rename(renamed)
        try:
            load_dataset(f"{name}={root}")
        finally:
            renamed.rename(picture)

    seeds = whole if files else [os.fsencode(p.name) for p in pictures]
    spoil = in_content if files else in_name
    return Family([bytes([i]) + seed for i, seed in enumerate(seeds[:256])], lambda data: spoil(data or b"\0"))
