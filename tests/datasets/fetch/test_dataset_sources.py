"""Data sets that may be fetched: what comes is laid out as the readers want it, and appears whole or not at all."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.fetch import dataset_sources
from faceparity.datasets.fetch.dataset_sources import PLANS, RECORD, SetFile, SourcePlan, fetch_set
from faceparity.datasets.fetch.download import Patience
from faceparity.datasets.registry import load_dataset
from faceparity.harness.cli.commands.fetch import fetch_command

QUICK = Patience(seconds=1.0, tries=2, pause=0.01)


def picture(seed: int) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 255, (24, 24, 3)).astype(np.uint8)
    return bytes(cv2.imencode(".jpg", pixels)[1].tobytes())


def zipped(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return out.getvalue()


def tarred(members: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for name, data in members.items():
            about = tarfile.TarInfo(name)
            about.size = len(data)
            archive.addfile(about, io.BytesIO(data))
    return out.getvalue()


def london() -> dict[str, bytes]:
    people = ("001", "007")
    neutral = zipped({f"neutral_front/{p}_03.jpg": picture(int(p)) for p in people} | {"__MACOSX/._001_03.jpg": b"x"})
    smiling = zipped({f"{p}_08.jpg": picture(100 + int(p)) for p in people})
    table = b"face_id,face_age,face_gender,face_eth\n001,24,female,white\n007,30,male,black\n"
    inner = {
        "neutral_front.zip": neutral,
        "smiling_front.zip": smiling,
        "london_faces_info.csv": table,
        "facelab_london.pdf": b"%PDF",
    }
    return {"london.zip": zipped(inner)}


def lfw() -> dict[str, bytes]:
    names = ("Some_Body", "Any_Body")
    images = {f"lfw/{n}/{n}_{k:04d}.jpg": picture(i * 10 + k) for i, n in enumerate(names) for k in (1, 2)}
    pairs = b"1\t1\nSome_Body\t1\t2\nSome_Body\t1\tAny_Body\t1\n"
    return {"lfw.tgz": tarred(images), "pairs.txt": pairs, "pairsDevTrain.txt": pairs[2:], "pairsDevTest.txt": pairs[2:]}


def fairface() -> dict[str, bytes]:
    table = b"file,age,gender,race,service_test\nval/1.jpg,20-29,Male,White,True\nval/2.jpg,30-39,Female,Black,False\n"
    images = {f"val/{i}.jpg": picture(i) for i in (1, 2)} | {"train/1.jpg": picture(3)}
    return {"fairface_label_val.csv": table, "fairface-img-margin025-trainval.zip": zipped(images)}


def us_congress() -> dict[str, bytes]:
    head = "last_name,birthday,gender,bioguide_id\n"
    rows = "Doe,1950-02-03,F,D000001\nRoe,1960-01-01,M,R000002\nPoe,1970-01-01,M,P000003\n"
    house = [{"bioguide": "D000001", "ethnicity": "african-american"}, {"bioguide": "R000002", "ethnicity": "white-american"}]
    portraits = {f"portraits/{n}.jpg": picture(i) for i, n in enumerate(("D000001", "R000002"))}
    return {"legislators-current.csv": (head + rows).encode(), "us-house.json": json.dumps(house).encode(), **portraits}


SETS = {"london": london, "lfw": lfw, "fairface": fairface, "us_congress": us_congress}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        data = self.server.files.get(self.path[1:])  # type: ignore[attr-defined]
        if data is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ThreadingHTTPServer]:
    """Holds `files`; every set's pieces are fetched from it."""
    for name in ("http_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("FACEPARITY_DATA", str(tmp_path / "data"))
    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.asked, made.files = [], {}  # type: ignore[attr-defined]
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def plan_for(name: str, server: ThreadingHTTPServer, files: dict[str, bytes]) -> SourcePlan:
    """The set's own plan, with the addresses of this server and the digests of these files."""
    server.files = files  # type: ignore[attr-defined]
    here = f"http://127.0.0.1:{server.server_port}/"

    def moved(piece: SetFile) -> SetFile:
        sha = hashlib.sha256(files[piece.file]).hexdigest() if piece.sha256 else ""
        return replace(piece, address=here + piece.file, sha256=sha)

    plan = PLANS[name]
    more = plan.more
    return replace(
        plan,
        pieces=tuple(moved(p) for p in plan.pieces),
        more=None if more is None else lambda raw: [replace(p, address=here + p.file) for p in more(raw)],
    )


@pytest.mark.parametrize("name", sorted(SETS))
def test_what_comes_is_read_by_the_sets_reader(name: str, server: ThreadingHTTPServer, tmp_path: Path) -> None:
    files = SETS[name]()
    got = fetch_set(name, patience=QUICK, plan=plan_for(name, server, files))
    assert got.folder == tmp_path / "data" / name
    dataset = load_dataset(name)
    assert dataset.n_samples == {"london": 4, "lfw": 4, "fairface": 2, "us_congress": 2}[name]
    about = json.loads((got.folder / RECORD).read_text("utf-8"))
    for entry in about["files"]:
        assert entry["sha256"] == hashlib.sha256(files[entry["file"]]).hexdigest()
        assert entry["verified"] == (name == "lfw")
    assert not (tmp_path / "data" / ".fetching" / name).exists()
    kinds = {p.kind for p in dataset.problems} - {"missing_label"}
    assert kinds == set(), dataset.problems


def test_what_the_readers_find_in_each(server: ThreadingHTTPServer) -> None:
    for name, make in SETS.items():
        fetch_set(name, patience=QUICK, plan=plan_for(name, server, make()))
    congress = load_dataset("us_congress")
    assert congress.attributes["ethnicity"].values == ("Black", "White")
    assert congress.attributes["gender"].values == ("female", "male")
    assert set(load_dataset("london").attributes["ethnicity"].values) == {"Black", "White"}
    assert load_dataset("lfw").protocols[0].name == "view 2"
    rows = list(csv.DictReader((dataset_sources.datasets_folder() / "us_congress" / "labels.csv").open(encoding="utf-8")))
    assert [r["birth_year"] for r in rows] == ["1950", "1960"], "nobody without a portrait is listed"


def test_missing_optional_pieces_are_told(server: ThreadingHTTPServer) -> None:
    got = fetch_set("us_congress", patience=QUICK, plan=plan_for("us_congress", server, us_congress()))
    assert {p.file for p in got.missing} == {"us-senate.json", "portraits/P000003.jpg"}


def test_a_broken_fetch_leaves_no_set_and_goes_on(server: ThreadingHTTPServer, tmp_path: Path) -> None:
    files = lfw()
    plan = plan_for("lfw", server, {k: v for k, v in files.items() if k != "pairsDevTest.txt"} | {"pairsDevTest.txt": b"?"})
    plan = replace(plan, pieces=tuple(replace(p, sha256="0" * 64) if p.file == "pairsDevTest.txt" else p for p in plan.pieces))
    with pytest.raises(UserError, match="not what it should be"):
        fetch_set("lfw", patience=QUICK, plan=plan)
    assert not (tmp_path / "data" / "lfw").exists()
    server.asked.clear()  # type: ignore[attr-defined]
    fetch_set("lfw", patience=QUICK, plan=plan_for("lfw", server, files))
    assert "/lfw.tgz" not in server.asked, "what was whole is not fetched again"  # type: ignore[attr-defined]


def test_an_archive_that_climbs_out_is_refused_and_not_kept(server: ThreadingHTTPServer, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="climbs out"):
        fetch_set("london", patience=QUICK, plan=plan_for("london", server, {"london.zip": zipped({"../../evil.txt": b"x"})}))
    assert not (tmp_path / "evil.txt").exists()
    assert not (tmp_path / "data" / "london").exists()
    fetch_set("london", patience=QUICK, plan=plan_for("london", server, london()))
    assert load_dataset("london").n_samples == 4


def test_a_set_that_is_there_is_left_alone(server: ThreadingHTTPServer, tmp_path: Path) -> None:
    (tmp_path / "data" / "london").mkdir(parents=True)
    with pytest.raises(UserError, match="is there already"):
        fetch_set("london", patience=QUICK, plan=plan_for("london", server, london()))
    assert server.asked == []  # type: ignore[attr-defined]


def test_without_a_data_folder_it_goes_to_faceparitys_own_and_is_found_there(
    server: ThreadingHTTPServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FACEPARITY_DATA")
    monkeypatch.setenv("FACEPARITY_HOME", str(tmp_path / "home"))
    got = fetch_set("london", patience=QUICK, plan=plan_for("london", server, london()))
    assert got.folder.is_relative_to(tmp_path / "home")
    assert load_dataset("london").n_samples == 4


def test_the_licence_is_shown_first_and_must_be_accepted(
    server: ThreadingHTTPServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(PLANS, "london", plan_for("london", server, london()))
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(UserError, match="--accept-licence"):
        fetch_command(["london"], False)
    assert "Licence: CC-BY-4.0" in capsys.readouterr().out
    assert server.asked == []  # type: ignore[attr-defined]
    assert fetch_command(["london"], True) == 0
    told = capsys.readouterr().out
    sha256 = hashlib.sha256(london()["london.zip"]).hexdigest()
    assert f"london.zip: NOT CHECKED, as no published sha256 of it was at hand. It has sha256 {sha256}: compare" in told
    assert "4 images in" in told


@pytest.mark.parametrize(("name", "unchecked"), [("london", 1), ("fairface", 2), ("lfw", 0), ("us_congress", 4)])
def test_each_file_says_whether_it_was_checked(
    name: str, unchecked: int, server: ThreadingHTTPServer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = SETS[name]()
    monkeypatch.setitem(PLANS, name, plan_for(name, server, files))
    assert fetch_command([name], True) == 0
    told = capsys.readouterr().out.splitlines()
    for file, data in files.items():
        (line,) = [line for line in told if line.startswith(f"  {file}: ")]
        assert hashlib.sha256(data).hexdigest() in line
    assert sum("NOT CHECKED" in line for line in told) == unchecked
    assert sum("as published" in line for line in told) == len(files) - unchecked


def test_no_piece_comes_over_plain_http() -> None:
    pieces = [piece for plan in PLANS.values() for piece in plan.pieces]
    assert pieces
    assert [piece.address for piece in pieces if not piece.address.startswith("https://")] == []
    assert dataset_sources._CONGRESS.startswith("https://")


def test_of_other_sets_it_is_told_how_to_obtain_them(
    server: ThreadingHTTPServer, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert fetch_command(["rfw", "bupt"], True) == 1
    told = capsys.readouterr().out
    for words in ("How to obtain it: ", f"Where to put it: {tmp_path / 'data' / 'rfw'}", "test/txts", "Not a benchmark for this"):
        assert words in told
    with pytest.raises(UserError, match="no_such_set"):
        fetch_command(["rfw", "no_such_set"], True)
    assert server.asked == []  # type: ignore[attr-defined]
