"""All that a run writes, byte by byte: no template, no picture's hash, no key, no name, path, code, EXIF, host or user in the clear."""

from __future__ import annotations

import base64
import getpass
import hashlib
import html
import os
import platform
import re
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from faceparity.datasets.loading.image_files import decode
from faceparity.harness.templates.private_tables import read_table
from tests import ROOT
from tests.end_to_end.end_to_end_help import picture, write_labels

PLUGIN = Path(__file__).parent / "plugin"
RUN = 4
"""So many values of a template in a row give it away."""

WORDS = (
    "leakfolder", "leakfile", "leaksubject", "leakhome", "leakuser", "leakhost", "leakartist", "leakcomment", "leakgps", "leaktext",
    "51.507", "leakrunfolder",
)  # fmt: skip
SPOILED, GONE = "leakfile spoiled.png", "leakfile gone.png"

HOST = """
import os, platform, runpy, socket
runpy.run_path({guard!r})
os.uname = lambda kept=os.uname: type(kept())((kept()[0], "leakhost", *kept()[2:]))
socket.gethostname = socket.getfqdn = platform.node = lambda *_: "leakhost"
"""
"""On the path of every process of the run: the network cut off as ever, and a machine whose name can be looked for."""


class Written(NamedTuple):
    """What was written, by path, and what must not be in it."""

    clear: dict[str, bytes]
    """The publishable part, and what was told."""
    sealed: dict[str, bytes]
    """Store, private part, and whatever else lies about, keys left out."""
    templates: np.ndarray
    hashes: list[str]
    keys: dict[str, bytes]
    codes: list[str]


def put(file: Path, person: int, shot: int) -> None:
    """A picture with everything in its metadata that a telephone writes."""
    image = Image.fromarray(picture(person, shot))
    exif = image.getexif()
    exif[0x013B], exif[0x010E], exif[0x9C9C] = "leakartist", "leakcomment", "leakcomment".encode("utf-16-le")
    exif.get_ifd(0x8769)[0x9286] = b"ASCII\0\0\0leakcomment"
    exif.get_ifd(0x8825).update({1: "N", 2: (51.0, 30.0, 26.47), 27: b"ASCII\0\0\0leakgps", 28: b"ASCII\0\0\0leakgps"})
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", "leaktext")
    more = {"comment": b"leaktext", "quality": 95} if file.suffix == ".jpg" else {"pnginfo": text}
    image.save(file, exif=exif, **more)
    assert b"leakgps" in file.read_bytes()


@pytest.fixture(scope="module")
def written(faceparity, tmp_path_factory) -> Written:
    """A run of which every folder that it could write to lies under one, and has a name that can be looked for."""
    base = tmp_path_factory.mktemp("leakfolder")
    places = {name: base / name for name in ("pictures", "leakhome", "faceparity", "tmp", "site", "leakrunfolder")}
    for place in places.values():
        place.mkdir()
    folder, out, home = places["pictures"], places["leakrunfolder"] / "out", places["faceparity"]
    rows = []
    for person in range(60):
        for shot in (1, 2):
            name = f"leakfile {person} {shot}.{'png' if person % 3 else 'jpg'}"
            put(folder / name, person, shot)
            rows.append((name, f"leaksubject{person}", "FM"[person % 2], "xy"[person % 4 // 2]))
    (folder / SPOILED).write_text("no picture")
    rows += [(SPOILED, "leaksubject900", "F", "x"), (GONE, "leaksubject901", "M", "y")]
    write_labels(folder, rows)
    (places["site"] / "sitecustomize.py").write_text(HOST.format(guard=str(PLUGIN / "sitecustomize.py")))
    env = {
        "FACEPARITY_HOME": str(home), "HOME": str(places["leakhome"]), "TMPDIR": str(places["tmp"]), "USER": "leakuser",
        "LOGNAME": "leakuser", "PYTHONPATH": os.pathsep.join([str(places["site"]), str(PLUGIN), os.environ.get("PYTHONPATH", "")]),
    }  # fmt: skip
    done = faceparity(
        "run", "-d", f"folder={folder}", "-m", "toy", "--workers", 2, "--out", out, env=env, cwd=places["leakrunfolder"]
    )
    assert done.returncode == 0, done.stderr
    private = out / "pictures" / "toy" / "private"
    os.environ["FACEPARITY_HOME"], before = str(home), os.environ.get("FACEPARITY_HOME")
    try:
        table = read_table(private, "codes")
    finally:
        os.environ.pop("FACEPARITY_HOME")
        os.environ.update({"FACEPARITY_HOME": before} if before is not None else {})
    own = [f for f in base.rglob("*") if f.is_file() and not {folder, places["site"]} & {*f.parents}]
    data = {str(f.relative_to(base)): f.read_bytes() for f in own}
    keys = {name: raw for name, raw in data.items() if name.startswith("faceparity/keys/")}
    clear = {
        n.removeprefix("leakrunfolder/"): raw
        for n, raw in data.items()
        if n.startswith("leakrunfolder/out/") and "/private/" not in n
    }
    told = {"stdout": done.stdout, "stderr": done.stderr}
    for meant, instead in ((str(out), "<out>"), (SPOILED, "<spoiled>"), (GONE, "<gone>")):
        # Whoever sits at the terminal is told where the report is, and which pictures want seeing to.
        told["stderr"] = told["stderr"].replace(meant, instead)
    pictures = [f for f in sorted(folder.iterdir()) if f.suffix in (".png", ".jpg") and f.name != SPOILED]
    return Written(
        {**clear, **{name: text.encode() for name, text in told.items()}},
        {
            n.removeprefix("leakrunfolder/"): raw
            for n, raw in data.items()
            if n not in keys and n.removeprefix("leakrunfolder/") not in clear
        },
        np.stack([template(f) for f in pictures]),
        [hashlib.sha256(f.read_bytes()).hexdigest() for f in pictures] + [pixels(f) for f in pictures],
        keys,
        [str(code) for code in table["code"]],
    )


def extraction(file: Path):
    """What the toy model makes of a picture."""
    sys.path.insert(0, str(PLUGIN))
    try:
        from toy_model import Toy
    finally:
        sys.path.remove(str(PLUGIN))
    (one,) = Toy().extract([decode(file.read_bytes())])
    return one


def template(file: Path) -> np.ndarray:
    """float32[64]."""
    return extraction(file).template


def pixels(file: Path) -> str:
    """The digest by which two pictures are found to be the same."""
    return extraction(file).pixels


def numbers(data: bytes) -> np.ndarray:
    """Every number that stands in a text, in order, to four places."""
    found = re.findall(rb"-?\d+\.?\d*(?:[eE][-+]?\d+)?", data)
    return np.nan_to_num(np.round(np.array(found, object).astype(np.float64), 4), posinf=0, neginf=0)


def float_runs(data: bytes, templates: np.ndarray) -> str | None:
    """How RUN values in a row of any template, as they are or of length 1, stand in `data`; None if they don't."""
    known = templates.astype(np.float64)
    versions = [known, known / np.linalg.norm(known, axis=1, keepdims=True)]
    ways = [(f"{np.dtype(kind).name} in bytes", data, [v.astype(kind) for v in versions]) for kind in ("<f4", "<f8", "<f2")]
    ways.append(("digits", numbers(data).tobytes(), [np.round(v, 4) for v in versions]))
    for how, raw, held in ways:
        width = RUN * held[0].itemsize
        if len(raw) < width:
            continue
        needles = {
            row[i : i + RUN].tobytes()
            for rows in held
            for row in rows
            for i in range(row.size - RUN + 1)
            if np.ptp(row[i : i + RUN])
        }
        heads = np.unique(np.frombuffer(b"".join(n[:8] for n in sorted(needles)), "<u8"))
        windows = np.lib.stride_tricks.sliding_window_view(np.frombuffer(raw, np.uint8), 8)
        starts = np.ascontiguousarray(windows).view("<u8")[:, 0]
        for at in np.nonzero(np.isin(starts, heads))[0]:
            if raw[at : at + width] in needles:
                return f"{how} at byte {at}"
    return None


def readings(name: str, data: bytes) -> bytes:
    """What a file holds and is called, with what HTML, JSON and base64 may hide."""
    text = data.decode("utf-8", "replace")
    inside = [base64.b64decode(m + "=" * (-len(m) % 4)) for m in re.findall(r"base64,([A-Za-z0-9+/]{8,})", text)]
    return b"\0".join([name.encode(), data, html.unescape(text).encode(), text.replace("\\u0020", " ").encode(), *inside])


def word_in(words: list[str], data: bytes) -> str | None:
    """The first of the words that is there, in any of the ways that text is kept."""
    for word in words:
        if any(word.encode(code) in data for code in ("utf-8", "utf-16-le", "utf-32-le")):
            return word
    return None


def test_everything_that_a_run_writes_is_looked_at(written: Written) -> None:
    places = [*written.clear, *written.sealed]
    assert {"out/run.log", "out/report.html", "out/pictures/toy/results.json", "out/pictures/toy/tables/rates.csv", "stderr"} <= {
        *written.clear
    }
    assert [n for n in places if re.fullmatch(r"faceparity/store/[0-9a-f]+/[-0-9a-f]+\.shard", n)]
    assert [n for n in places if n.startswith("out/pictures/toy/private/") and n.endswith(".sealed")]
    assert written.keys
    assert written.codes
    assert len(written.templates) == 120


def test_no_template_is_in_the_clear(written: Written) -> None:
    for name, data in {**written.clear, **written.sealed}.items():
        assert float_runs(data, written.templates) is None, f"{name}: {float_runs(data, written.templates)}"


def test_no_name_path_exif_host_or_user_is_in_the_clear(written: Written) -> None:
    people = [platform.node(), getpass.getuser(), str(Path.home()) + "/", str(ROOT)]
    words = [*WORDS, *(word for word in people if len(word) > 4)]
    for name, data in {**written.clear, **written.sealed}.items():
        # Compiled code, in the owner's own folder, holds the place of the code that it was compiled from.
        own = words if "caches" not in Path(name).parts else WORDS
        assert word_in(own, readings(name, data)) is None, f"{name}: {word_in(own, readings(name, data))}"
    assert word_in(words, "\0".join(written.keys).encode()) is None


def test_no_code_of_a_person_or_sample_is_published(written: Written) -> None:
    for name, data in written.clear.items():
        assert word_in(written.codes, data) is None, f"{name}: {word_in(written.codes, data)}"


def test_no_hash_tells_which_pictures_were_read(written: Written) -> None:
    """Who has a picture could look for its hash."""
    for name, data in {**written.clear, **written.sealed, **written.keys}.items():
        for one in written.hashes:
            assert one.encode() not in data, name
            assert bytes.fromhex(one) not in data, name
            assert one[:16] not in name


def test_no_key_lies_with_what_it_opens(written: Written) -> None:
    for key, raw in written.keys.items():
        for name, data in {**written.clear, **written.sealed}.items():
            assert raw not in data, f"{key} in {name}"
            assert raw.hex().encode() not in data, f"{key} in {name}"
            assert base64.b64encode(raw) not in data, f"{key} in {name}"


@pytest.mark.parametrize("kind", ["<f4", "<f8", "<f2", "digits", "json"])
@pytest.mark.parametrize("unit", [False, True])
def test_what_is_looked_for_would_be_found(written: Written, kind: str, unit: bool) -> None:
    one = written.templates[7].astype(np.float64)
    part = (one / np.linalg.norm(one) if unit else one)[20:24]
    if kind in ("digits", "json"):
        hidden = " ".join(f"{v:.5f}" for v in part) if kind == "digits" else str([float(v) for v in part])
        planted = hidden.encode()
    else:
        planted = part.astype(kind).tobytes()
    noise = np.random.default_rng(0).bytes(1001)
    around = (b"a 1 b ", b" c 2") if kind in ("digits", "json") else (noise, noise)
    assert float_runs(around[0] + planted + around[1], written.templates) is not None
    assert float_runs(around[0] + planted[: len(planted) // 2] + around[1], written.templates) is None


def test_words_would_be_found() -> None:
    assert word_in(["leakfile"], readings("x", b"<img src='data:x;base64," + base64.b64encode(b"..leakfile 1") + b"'>"))
    assert word_in(["leakgps"], readings("x", "leakgps".encode("utf-16-le")))
    assert word_in(["leakfolder"], readings("leakfolder/x", b""))
    assert word_in(["a b"], readings("x", b"a&#32;b"))
