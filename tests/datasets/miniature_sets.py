"""Miniature copies of published data sets, in their publishers' exact layouts and with their traps. Faces: the control set's heads."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from itertools import pairwise
from pathlib import Path

from PIL import Image

from tests import ROOT

PORTRAITS = ROOT / "datasets" / "control" / "portraits"


@cache
def heads() -> tuple[str, ...]:
    """The control set's heads by name."""
    return tuple(sorted({path.name.rsplit("-", 1)[0] for path in PORTRAITS.glob("*.jpg")}))


def face(person: int, shot: int, size: int = 48) -> Image.Image:
    """One of four pictures (shot 1 to 4) of a head, cropped to the face."""
    with Image.open(PORTRAITS / f"{heads()[person]}-{shot}.jpg") as image:
        width, height = image.size
        return image.convert("RGB").crop((width // 6, height // 6, width * 5 // 6, height * 5 // 6)).resize((size, size))


def put(root: Path, name: str, person: int, shot: int = 1, size: int = 48) -> str:
    """A face as a file; its name."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    face(person, shot, size).save(path)
    return name


def write(root: Path, name: str, lines: Iterable[str], end: str = "\n") -> None:
    """A text file, to the byte."""
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(line + end for line in lines).encode())


def table(root: Path, name: str, rows: Sequence[Sequence[object]]) -> None:
    """A CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    write(root, name, [text.getvalue().rstrip("\n")])


RFW_RACES = ("African", "Asian", "Caucasian", "Indian")


def rfw(root: Path) -> Path:
    """Eleven people of each race with two pictures; the first of Asian is also under Indian. The pair lists have no header."""
    for r, race in enumerate(RFW_RACES):
        ids = [f"m.0{race[:2].lower()}_{n:02d}" for n in range(11)]
        if race == "Indian":
            ids[0] = "m.0as_00"
        for n, who in enumerate(ids):
            for shot in (1, 2):
                put(root, f"test/data/{race}/{who}/{who}_{shot:04d}.jpg", 11 * r + n, shot)
        same = [f"{who}\t1\t2" for who in ids[:10]]
        different = [f"{a}\t1\t{b}\t2" for a, b in pairwise(ids)]
        lines = [line for pair in zip(same, different, strict=True) for line in pair]
        write(root, f"test/txts/{race}/{race}_pairs.txt", lines)
        write(root, f"test/txts/{race}/{race}_lmk.txt", [f"/test/data/{race}/{ids[0]}/{ids[0]}_0001.jpg\t0" + "\t1.5" * 10])
    return root


BFW_HEADER = "fold,p1,p2,label,id1,id2,att1,att2,vgg16,resnet50,senet50,a1,a2,g1,g2,e1,e2,sphereface"


def bfw(root: Path) -> Path:
    """Two people in each of eight folders; `id1` numbers them within the group only; the first column has no name."""
    rows, number = [], 0
    for g, group in enumerate(f"{who}_{sex}" for who in ("asian", "black", "indian", "white") for sex in ("females", "males")):
        ids = [f"n{1000 * g + n:06d}" for n in (9, 10)]
        for n, who in enumerate(ids):
            for shot in (1, 2):
                put(root, f"{group}/{who}/{shot:04d}_01.jpg", 2 * g + n, shot)
        short = group[0].upper() + group.split("_")[1][0].upper()
        for fold in range(1, 6):
            for first, second, label in ((ids[0], ids[0], 1), (ids[0], ids[1], 0)):
                paths = f"{group}/{first}/0001_01.jpg,{group}/{second}/0002_01.jpg"
                rows.append(
                    f"{number},{fold},{paths},{label},0,{1 - label},{group},{group},.820,.703,.679,{short},{short},"
                    f"{short[1]},{short[1]},{short[0]},{short[0]},.393"
                )
                number += 1
    write(root, "bfw-v0.1.5-datatable.csv", ["," + BFW_HEADER, *rows])
    (root / "bfw-v0.1.5-datatable.pkl").write_bytes(b"cos\nsystem\n(S'exit 1'\ntR.")
    return root


def demogpairs(root: Path, people: int = 2) -> Path:
    """Two people, or more, of three pictures in each of six lists, which have a header and are parted by blanks."""
    person = 0
    for group in (f"{who}_{sex}" for who in ("Asian", "Black", "White") for sex in ("Females", "Males")):
        lines = ["db_code image_path"]
        for _ in range(people):
            who = f"some_body_{person}"
            lines += [f"{'CWF' if person % 2 else 'VGGFace2'} {who}/{shot:03d}.jpg" for shot in (2, 4, 7)]
            for i, shot in enumerate((2, 4, 7), 1):
                put(root, f"DemogPairs/{who}/{shot:03d}.jpg", person, i)
            person += 1
        write(root, f"Metadata/{group}.txt", lines, end="\r\n")
    return root


def utkface(root: Path) -> Path:
    """Whole names; a child; one without the race; one of race 4; one that lacks a dot; one with a blank."""
    names = [
        "26_1_2_20170116174525125.jpg.chip.jpg", "100_1_2_20170105174847679.jpg.chip.jpg", "35_0_0_20170117120123456.jpg.chip.jpg",
        "44_0_4_20170117120123457.jpg.chip.jpg", "1_0_0_20161219140623097.jpg.chip.jpg", "61_1_20170109142408075.jpg.chip.jpg",
        "55_0_1_20170116232725357jpg.chip.jpg", "24_0_3_20170116220224657 .jpg.chip.jpg", "30_3_1_20170117120123459.jpg.chip.jpg",
    ]  # fmt: skip
    for person, name in enumerate(names):
        put(root, f"UTKFace/{name}", person)
    return root


def morph2(root: Path) -> Path:
    """Three people; the second has two races; the third is 16 in one picture. Ids are strings with zeros."""
    head = "id_num,picture_num,dob,doa,race,gender,facial_hair,age,age_diff,glasses,photo"
    people = [("000007", "B", "M", (24, 26)), ("012345", "W", "F", (31, 32)), ("012346", "H", "M", (16, 19))]
    lines = [head]
    for person, (who, race, gender, ages) in enumerate(people):
        for shot, age in enumerate(ages):
            photo = put(root / "MORPH_nonCommercial", f"Album2/{who}_{shot}{gender}{age}.JPG", person, shot + 1)
            shown = "B" if (who, shot) == ("012345", 1) else race
            lines.append(f"{who},{shot},05/01/1980,07/12/{2004 + shot},{shown},{gender},NULL,{age},0,NULL,{photo}")
    write(root / "MORPH_nonCommercial", "morph_2008_nonCommercial.csv", lines, end="\r\n")
    return root


def meds2(root: Path) -> Path:
    """Images in a folder for each subject, and the table as the OpenBR project gives it out: other folders, ages with decimals."""
    head = "img_dname,img_name,subject_id,enc_num,img_num,subject_imgcount,age_phd,no_phd,inv_phd,sex,rac,hgt,wgt,img_width,"
    lines = [head + "img_height,color_space,label"]
    people = [("S001", "F", "W", 31.94), ("S002", "M", "B", 18.02), ("S003", "M", "U", 49.47), ("S004", "M", "I", 16.85)]
    for person, (who, sex, race, age) in enumerate(people):
        for shot in (1, 2):
            name = f"{who}-{shot:02d}-t10_01.jpg"
            put(root, f"data/{who}/{name}", person, shot)
            lines.append(f"./data/aa,{name},{int(who[1:])},{shot},1,{shot},{age},0,0,{sex},{race},503,145,480,600,RGB,Frontal")
    write(root, "truth/subject_metadata.csv", lines)
    return root


def ppb(root: Path) -> Path:
    """Lines end in a bare CR; nothing is quoted though a name holds a quotation mark; capitals differ."""
    lines = ["id,Image,Gender,Numeric,Skin,Country"]
    rows = [("Female", "Darker"), ("male", "darker"), ("Male", "Lighter"), ("Female", "lighter")]
    for person, (gender, skin) in enumerate(rows):
        name = f'{person:03d}_O"Neil.jpg' if person == 2 else f"{person:03d}.jpg"
        put(root, f"PPB-2017/imgs/{name}", person)
        lines.append(f"{person},{name},{gender},{person % 2 + 1},{skin},Rwanda")
    write(root, "PPB-2017/PPB-2017-metadata.csv", lines, end="\r")
    return root


META = ["Class_ID, Name, Sample_Num, Flag, Gender"]


def vggface2(root: Path) -> Path:
    """The identity table with its blanks and quotation marks, and a name with a comma."""
    lines = [*META]
    for person, gender in enumerate("mfm"):
        who = f"n{person + 1:06d}"
        for shot in (1, 2):
            put(root, f"test/{who}/{shot:04d}_01.jpg", person, shot)
        name = '"Some, Body"' if person == 1 else f'"Some_Body_{person}"'
        lines.append(f"{who}, {name},{300 + person},0, {gender}")
    write(root, "meta/identity_meta.csv", [*lines, 'n000999, "Trained_On",100,1, f'])
    return root


def maad_face(root: Path) -> Path:
    """The rows of images that are elsewhere come first, as those of the training part do."""
    vggface2(root)
    head = ["Filename", "Identity", "Male", "Young", "Middle_Aged", "Senior", "Asian", "White", "Black", "Rosy_Cheeks"]
    rows: list[Sequence[object]] = [head, ["n000777/0001_01.jpg", 777, 1, 1, -1, -1, 1, -1, -1, 0]]
    rows += [
        ["n000001/0001_01.jpg", 1, 1, 1, -1, -1, -1, -1, 1, 0],
        ["n000001/0002_01.jpg", 1, 1, -1, 1, -1, -1, -1, 1, 0],
        ["n000002/0001_01.jpg", 2, -1, -1, -1, 1, 1, 1, -1, 1],
        ["n000002/0002_01.jpg", 2, 0, 0, 0, 0, -1, 1, -1, 1],
        ["n000003/0001_01.jpg", 3, 1, 1, -1, -1, 1, -1, -1, 0],
        ["n000003/0009_01.jpg", 3, 1, 1, -1, -1, 1, -1, -1, 0],
    ]
    table(root, "MAAD_Face.csv", rows)
    return root


def ijbc(root: Path) -> Path:
    """Two people in one image, by their boxes; numbers that were through another program (12.0); an image without a subject."""
    both = Image.new("RGB", (200, 100), (90, 90, 90))
    both.paste(face(0, 1, 80), (10, 10))
    both.paste(face(1, 1, 80), (110, 10))
    (root / "images/img").mkdir(parents=True)
    both.save(root / "images/img/1.png")
    put(root, "images/frames/20.png", 0, 2, 100)
    head = "SUBJECT_ID,FILENAME,FACE_X,FACE_Y,FACE_WIDTH,FACE_HEIGHT,SIGHTING_ID,FACIAL_HAIR,AGE,INDOOR_OUTDOOR,SKINTONE,GENDER,YAW,ROLL"
    lines = [
        head,
        "7,img/1.png,25,25,50,50,1,0,3,1,6,1,0,0",
        "12.0,img/1.png,125,25,50,50,2,0,3,1,2.0,0.0,0,0",
        "7,frames/20.png,20,20,60,60,3,0,3,1,6,1,0,0",
        "nan,img/1.png,nan,nan,nan,nan,4,,,,,,,",
        "12,img/99.png,1,1,9,9,5,0,3,1,2,0,0,0",
    ]
    write(root, "protocols/ijbc_metadata_with_age.csv", lines)
    columns = "TEMPLATE_ID,SUBJECT_ID,FILENAME,FACE_X,FACE_Y,FACE_WIDTH,FACE_HEIGHT"
    write(root, "protocols/test1/enroll_templates.csv", [columns, "30,7,img/1.png,25,25,50,50", "4,12,img/1.png,125,25,50,50"])
    verif = ["101,7,frames/20.png,20,20,60,60", "101,7,img/1.png,25,25,50,50", "102,12,img/99.png,1,1,9,9"]
    write(root, "protocols/test1/verif_templates.csv", [columns, *verif])
    write(root, "protocols/test1/match.csv", ["30,101", "4,101", "4,102", "30,4"])
    write(root, "protocols/test4/gallery_G1.csv", [columns, "30,7,img/1.png,25,25,50,50"])
    write(root, "protocols/test4/gallery_G2.csv", [columns, "4,12,img/1.png,125,25,50,50"])
    probes = ["9,7,frames/20.png,20,20,60,60", "9,7,img/1.png,25,25,50,50", "10,12,img/1.png,125,25,50,50"]
    write(root, "protocols/test4/probes.csv", [columns, *probes, "11,12,img/99.png,1,1,9,9"])
    return root


def casual_conversations(root: Path) -> Path:
    """Frames by the video's name, with a number after it, and in a folder of its name; an age that is N/A."""
    label = {"age": "34", "gender": "Female", "skin-type": "4"}
    content = {
        "1140": {
            "files": ["CasualConversationsA/1140/1140_00.MP4", "CasualConversationsA/1140/1140_01.MP4"],
            "dark_files": ["CasualConversationsA/1140/1140_01.MP4"],
            "label": label,
        },
        "0208": {
            "files": ["CasualConversationsN/0208/0208_00.MP4"],
            "dark_files": [],
            "label": {**label, "age": "N/A", "gender": "Male"},
        },
        "0209": {"files": ["CasualConversationsN/0209/0209_00.MP4"], "dark_files": [], "label": label},
    }
    write(root, "CC_annotations/CasualConversations.json", [json.dumps(content)])
    put(root, "frames/1140/1140_00.png", 0, 1)
    put(root, "frames/1140/1140_01_frame-12.jpg", 0, 2)
    put(root, "frames/0208/0208_00/000001.jpg", 1, 1)
    put(root, "frames/0208/0208_00/000002.jpg", 1, 2)
    put(root, "frames/other.jpg", 2, 1)
    return root


def casual_conversations_v2(root: Path) -> Path:
    """The published frames, five parts of them, and a label for each video."""

    def video(who: str, number: int, age: str, gender: str, monk: int, skin: str) -> dict[str, object]:
        return {
            "video_name": f"{who}_portuguese_nonscripted_{number}.mp4", "subject_id": who, "age": age, "gender": gender,
            "monk_skin_tone": {"scale": f"scale {monk}", "confidence": "medium"},
            "fitzpatrick_skin_tone": {"type": f"type {skin}", "confidence": "low"}, "geo_location": {"country": "Brazil"},
        }  # fmt: skip

    content = [
        video("0000", 1, "44", "cis woman", 5, "iii"),
        video("0000", 2, "44", "cis woman", 5, "iii"),
        video("0017", 1, "prefer not to say", "transgender man", 10, "vi"),
    ]
    write(root, "CasualConversationsV2.json", [json.dumps(content)])
    put(root, "ccv2-frames-part-1/0000/0000_portuguese_nonscripted_1_raw_frame00000381.jpg", 0, 1)
    put(root, "ccv2-frames-part-1/0000/0000_portuguese_nonscripted_2_raw_frame00000425.jpg", 0, 2)
    put(root, "ccv2-frames-part-2/0017/0017_portuguese_nonscripted_1_raw_frame00000012.jpg", 1, 1)
    return root


def fhibe(root: Path) -> Path:
    """Lists as text; the same file names under raw/; a picture of two people; an open age."""
    head = [
        "image_id",
        "subject_id",
        "filepath",
        "pronoun",
        "age",
        "ancestry",
        "natural_skin_color",
        "apparent_skin_color",
        "multiple_subjects",
    ]
    skins = ["[102, 78, 65]", "4. [189, 163, 137]", "[102, 78, 65]", "[175, 148, 120]", "[175, 148, 120]"]
    rows: list[Sequence[object]] = [head]
    cells = [
        ("007", "['0. She/her/hers']", "24", "['0. Africa', '2. Eastern Africa']", False),
        ("007", "['0. She/her/hers']", "24", "['0. Africa', '2. Eastern Africa']", False),
        ("8", "['1. He/him/his', '2. They/them/their']", "[60,+)", "['12. Central Asia', '17. Europe']", False),
        ("9", "['2. They/them/their']", "[18, 30)", "['26. Polynesia']", False),
        ("9", "['2. They/them/their']", "[18, 30)", "['26. Polynesia']", True),
    ]
    for n, ((who, pronoun, age, ancestry, several), skin) in enumerate(zip(cells, skins, strict=True)):
        name = f"data/processed/fhibe_face_crop_align/faces/{n}.png"
        put(root, name, int(who), 1 + n % 2)
        put(root, f"data/raw/fhibe_downsampled/{n}.png", 20 + n)
        rows.append([n, who, name.removeprefix("data/"), pronoun, age, ancestry, skin, skin, several])
    table(root, "data/processed/fhibe_face_crop_align/fhibe_face_crop_align.csv", rows)
    return root


def cfd(root: Path) -> Path:
    """The main set with two expressions, and both extensions; a picture that is no portrait."""
    base = "CFD Version 3.0/Images"
    for person, (part, who, picture) in enumerate((("CFD", "WM-238", "020"), ("CFD", "BF-001", "025"), ("CFD", "LF-200", "111"))):
        put(root, f"{base}/{part}/{who}/CFD-{who}-{picture}-N.jpg", person, 1)
        put(root, f"{base}/{part}/{who}/CFD-{who}-{picture}-HO.jpg", person, 2)
    put(root, f"{base}/CFD-MR/CFD-MF-300-002-N.jpg", 3)
    put(root, f"{base}/CFD-INDIA/CFD-IM-600-057-N.jpg", 4)
    put(root, f"{base}/poster.jpg", 5)
    return root


ALL: dict[str, Callable[[Path], Path]] = {
    "bfw": bfw, "casual_conversations": casual_conversations, "casual_conversations_v2": casual_conversations_v2, "cfd": cfd,
    "demogpairs": demogpairs, "fhibe": fhibe, "ijbc": ijbc, "maad_face": maad_face, "meds2": meds2, "morph2": morph2, "ppb": ppb,
    "rfw": rfw, "utkface": utkface, "vggface2": vggface2,
}  # fmt: skip
