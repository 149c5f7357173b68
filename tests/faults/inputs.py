"""Folders and files that somebody made to break in, or that are just too much: good input beside them is measured all the same."""

from __future__ import annotations

import os
import socket
import struct
import zipfile
import zlib
from pathlib import Path

import numpy as np

from tests.faults.bench import Bench, Ended, make_people, published, write_labels
from tests.faults.outcomes import trial

MOST_MB = 1500
"""What a run of small pictures may take, the hostile file included."""


def labelled(folder: Path) -> list[list[str]]:
    """The rows of a folder's labels.csv, without its header."""
    return [line.split(",") for line in (folder / "labels.csv").read_text("utf-8").splitlines()[1:]]


def measured(ended: Ended, out: Path) -> dict[str, bytes]:
    """What a run published that had to go well."""
    assert ended.status == 0, f"exit {ended.status}: {ended.told}"
    assert not ended.traceback, ended.told
    return published(out)


def readable(ended: Ended) -> None:
    """Nothing that was told moves the cursor or turns the text about."""
    odd = {c for c in ended.told if not c.isprintable() and c not in "\n\u00a0\u202f"}
    assert not odd, f"{odd} in {ended.told!r}"


def png(width: int, height: int) -> bytes:
    """A PNG that says it has so many pixels, all black, in next to no bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    row = zlib.compressobj(9)
    body = b"".join(row.compress(bytes(1 + width)) for _ in range(min(height, 2000))) + row.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@trial("pictures", "bombs, pipes, devices, sockets, links out, absurd names among good pictures")
def hostile_folder(bench: Bench) -> str:
    data, out, home = make_people(bench.folder("hostile")), bench.base / "out-hostile", bench.folder("home")
    rows = labelled(data)
    secret = bench.base / "outside.png"
    secret.write_bytes((data / rows[0][0]).read_bytes())
    (data / "bomb.png").write_bytes(png(60_000, 60_000))
    (data / "cut.png").write_bytes((data / rows[0][0]).read_bytes()[:50])
    (data / "empty.png").write_bytes(b"")
    (data / "text.png").write_text("no picture")
    os.mkfifo(data / "pipe.png")
    (data / "zero.png").symlink_to("/dev/zero")
    (data / "out.png").symlink_to(secret)
    (data / "loop.png").symlink_to("loop.png")
    (data / "folder.png").mkdir()
    with socket.socket(socket.AF_UNIX) as one:
        before = os.getcwd()
        os.chdir(data)
        one.bind("socket.png")
        os.chdir(before)
    odd = ["new\nline.png", "tab\t.png", 'quote".png', "\u202etfel.png", "n" * 251 + ".png"]
    for name in (*odd, os.fsdecode(b"latin\xe9.png")):
        (data / name).write_bytes((data / rows[0][0]).read_bytes())
    named = [
        "bomb.png",
        "cut.png",
        "empty.png",
        "text.png",
        "pipe.png",
        "zero.png",
        "out.png",
        "loop.png",
        "folder.png",
        "socket.png",
    ]
    bad = [[n, f"bad{i}", "F"] for i, n in enumerate([*named, "../outside.png", str(secret), "/dev/zero", "gone.png"])]
    good = [[n, f"odd{i}", "M"] for i, n in enumerate(odd)]
    write_labels(data, [*rows, *bad, *good])
    ended = bench.run("run", "-d", f"folder={data}", "-m", "toy", "--workers", 2, "--out", out, home=home)
    measured(ended, out)
    assert ended.peak_mb < MOST_MB, f"{ended.peak_mb} MB"
    checked = bench.run("check", f"folder={data}", home=home)
    assert not checked.traceback, checked.told
    suspects = bench.run("suspects", out, home=home)
    measured(suspects, out)
    lost = bench.run("run", "-d", f"folder={data / odd[0]}\x1b[2J\x07", "-m", "toy", "--out", out, home=home)
    lost.refusal()
    for one in (ended, checked, suspects, lost):
        readable(one)
    for name in (*named, "../outside.png", "gone.png"):
        assert name in checked.told, f"{name} is not named by check: {checked.told[-2000:]}"
    return f"measured (exit 0), {len(bad)} bad ones counted and named by `check`; at most {ended.peak_mb} MB"


@trial("pictures", "one of 20,000 × 20,000 pixels")
def huge_picture(bench: Bench) -> str:
    import cv2

    data, out, home = make_people(bench.folder("huge")), bench.base / "out-huge", bench.folder("home")
    cv2.imwrite(str(data / "huge.png"), np.zeros((20_000, 20_000), np.uint8))
    write_labels(data, [*labelled(data), ["huge.png", "huge", "F"]])
    ended = bench.run("run", "-d", f"folder={data}", "-m", "toy", "--workers", 2, "--out", out, home=home)
    measured(ended, out)
    return f"exit 0; at most {ended.peak_mb} MB in the run's own process"


@trial("tables", "a label file of a million rows")
def million_rows(bench: Bench) -> str:
    data, out, home = make_people(bench.folder("million")), bench.base / "out-million", bench.folder("home")
    with (data / "labels.csv").open("a", encoding="utf-8") as file:
        file.writelines(f"nowhere{i}.png,nobody{i},F\n" for i in range(1_000_000))
    ended = bench.run("run", "-d", f"folder={data}", "-m", "toy", "--workers", 1, "--out", out, home=home)
    measured(ended, out)
    assert ended.peak_mb < 3000, f"{ended.peak_mb} MB"
    return f"exit 0, a million missing files counted; at most {ended.peak_mb} MB"


@trial("tables", "a folder of 100,000 files without a row")
def many_files(bench: Bench) -> str:
    data, out, home = make_people(bench.folder("many")), bench.base / "out-many", bench.folder("home")
    for i in range(100_000):
        (data / f"x{i}.png").touch()
    ended = bench.run("run", "-d", f"folder={data}", "-m", "toy", "--workers", 1, "--out", out, home=home)
    measured(ended, out)
    return f"exit 0; at most {ended.peak_mb} MB"


@trial("tables", "14 × 14 groups")
def many_groups(bench: Bench) -> str:
    data, out, home = make_people(bench.folder("groups"), people=400), bench.base / "out-groups", bench.folder("home")
    rows = [[f, s, f"a{int(s[6:]) % 14}", f"b{int(s[6:]) // 14 % 14}"] for f, s, _ in labelled(data)]
    write_labels(data, rows, ("file", "subject", "ethnicity", "religion"))
    with (data / "faceparity.toml").open("w", encoding="utf-8") as file:
        file.writelines(f'[attributes.{name}]\ncolumn = "{name}"\n' for name in ("ethnicity", "religion"))
    ended = bench.run(
        "run", "-d", f"folder={data}", "-m", "toy", "--by", "ethnicity", "--by", "religion", "--out", out, home=home
    )
    measured(ended, out)
    assert ended.peak_mb < 3000, f"{ended.peak_mb} MB"
    return f"exit 0; at most {ended.peak_mb} MB"


@trial("tables", "a field of 200 MB, a row of a million fields, NUL bytes")
def csv_bombs(bench: Bench) -> str:
    told = []
    for i, body in enumerate(
        (
            b"file,subject,gender\n" + b"x" * 200_000_000,
            b"file,subject,gender\n" + b"," * 1_000_000 + b"\n",
            b"file,subject,gender\na.png,\0,F\n",
            b"\xff\xfe" + "file,subject,gender\n".encode("utf-16-le") * 3,
        )
    ):
        data = bench.folder(f"csv{i}")
        (data / "labels.csv").write_bytes(body)
        ended = bench.run(
            "run", "-d", f"folder={data}", "-m", "toy", "--out", bench.base / f"out-csv{i}", home=bench.folder("home")
        )
        assert ended.peak_mb < 3000, f"{ended.peak_mb} MB"
        told.append(ended.refusal())
    return f"{len(told)} refused in a line each (exit 2)"


@trial("archives", "zips: a bomb, a way out, an endless name")
def zips(bench: Bench) -> str:
    data = bench.folder("zipped")
    with zipfile.ZipFile(data / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as z, z.open("a.png", "w", force_zip64=True) as inside:
        for _ in range(400):
            inside.write(bytes(1 << 20))
    with zipfile.ZipFile(data / "slip.zip", "w") as z:
        z.writestr("../../slipped.png", b"x")
    told = []
    for name in ("bomb.zip", "slip.zip"):
        ended = bench.run(
            "run", "-d", f"folder={data / name}", "-m", "toy", "--out", bench.base / "out-zip", home=bench.folder("home")
        )
        told.append(ended.refusal())
        assert ended.peak_mb < MOST_MB
    assert not list(bench.base.rglob("slipped.png"))
    return f"{len(told)} refused in a line each (exit 2)"


@trial("files", "wrong files in every place that takes one")
def wrong_files(bench: Bench) -> str:
    data, home, folder = make_people(bench.folder("people")), bench.folder("home"), bench.folder("wrong")
    contents = {
        "empty": b"",
        "zeros": bytes(4096),
        "noise": np.random.default_rng(0).bytes(4096),
        "deep": b"[" * 100_000,
        "png": (data / "p000_0.png").read_bytes(),
    }
    (folder / "good.csv").write_text("subject_a,subject_b,mated,score,gender_a,gender_b\na,b,0,0.1,F,F\na,a,1,0.9,F,F\n")
    (folder / "good.toml").write_text(f"models = ['toy']\ndatasets = ['folder={data}']\n")
    run = ["run", "-d", f"folder={data}", "-m"]
    tried = 0
    for turn, (kind, content) in enumerate(contents.items()):
        place = folder / kind
        place.mkdir()
        for name in ("t.csv", "t.parquet", "t.toml", "t.onnx", "results.json", "suite.json"):
            (place / name).write_bytes(content)
        (place / "card.toml").write_text('onnx = "t.onnx"\n')
        places: list[list[object]] = [
            ["score", place / "t.csv"],
            ["score", place / "t.parquet"],
            ["score", folder / "good.csv", "--failures", place / "t.csv"],
            [*run, place / "t.toml"],
            [*run, place / "card.toml"],
            [*run, "toy", "--exclude", place / "t.csv"],
            [*run, "toy", "--scenario", place / "t.toml"],
            [*run, "toy", "--claim", place / "t.toml"],
            [*run, "toy", "--threshold-from", place],
            ["suite", folder / "good.toml"],
            *([["suite", place / "t.toml"]] if content else []),  # an empty one has a list of mistakes, a line each
            ["report", place],
            ["compare", place],
            ["claims", place / "t.toml"],
            ["models", place / "t.toml"],
            ["check", f"folder={place / 't.csv'}"],
        ]
        for number, arguments in enumerate(places):
            if "FAULTS_ALL" not in os.environ and (number + turn) % 5 not in (0, 2):
                continue  # Each place takes two of the five kinds, and each kind stands in six places or more.
            out = {"run": bench.base / "out-wrong", "score": bench.base / "out-wrong", "suite": place}.get(str(arguments[0]))
            bench.run(*arguments, *(["--out", out] if out else []), home=home).refusal()
            tried += 1
    return f"{tried} refused in a line each (exit 2)"
