"""Data sets that may be fetched without a request, and how to lay their files out as their publishers do."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from faceparity.datasets.common import paths
from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.paths import DATA
from faceparity.datasets.fetch.download import DownloadedFile, NotOnServerError, Patience, download
from faceparity.datasets.formats.safe_extract import unpack
from faceparity.datasets.schema.card import load_card

RECORD = "fetched.json"
"""In a set's folder: what was fetched, from where, with which digest."""

_FIGSHARE = "https://ndownloader.figshare.com"
_DRIVE = "https://drive.usercontent.google.com/download?export=download&confirm=t&id="
_CONGRESS = "https://unitedstates.github.io"
_VOLUNTEERS = "https://raw.githubusercontent.com/CivilServiceUSA/us-{h}/master/us-{h}/data/us-{h}.json"


@dataclass(frozen=True, slots=True)
class SetFile:
    """One file of a set.

    sha256: empty where none is published: the file is then not checked, and its digest recorded. optional: the set is of
    use without it.
    """

    file: str
    address: str
    sha256: str = ""
    optional: bool = False


ByteProgress = Callable[[str, int, int], None]
"""Called with a piece's name, bytes received and bytes in all (0: not known)."""


@dataclass(frozen=True, slots=True)
class SourcePlan:
    """How to fetch one set.

    pieces: what is fetched. lay_out: from the folder of fetched files to the folder of the set. note: what to know of the
    source. more: gives further pieces, which only the fetched ones name, by the folder of these.
    """

    pieces: tuple[SetFile, ...]
    lay_out: Callable[[Path, Path], None]
    note: str
    more: Callable[[Path], list[SetFile]] | None = None


def _london(raw: Path, into: Path) -> None:
    """Lay out the frontal photographs and the table of London.

    figshare's archive of the article holds archives; the photographs are in these.
    """
    inside = raw / "article"
    unpack(raw / "london.zip", inside)
    for pose, folder in (("03", "neutral_front"), ("08", "smiling_front")):
        archive = next((path for path in sorted(inside.rglob("*.zip")) if path.stem.casefold() == folder), None)
        if archive is not None:
            unpack(archive, raw / folder)
        pictures = [path for base in (raw / folder, inside) for path in sorted(base.rglob(f"*_{pose}.jpg"))]
        _move(pictures, into / folder, f"{folder}.zip or pictures called NNN_{pose}.jpg")
    tables = [path for path in sorted(inside.rglob("*.csv")) if re.search(r"info\.csv$", path.name)]
    _move(tables[:1], into, "a table called …info.csv", "london_faces_info.csv")


def _move(files: list[Path], into: Path, what: str, name: str = "") -> None:
    files = [file for file in files if not file.name.startswith(".") and "__MACOSX" not in file.parts]
    if not files:
        raise UserError(
            f"what came does not hold {what}: its publisher has changed it; get it by hand and see `faceparity datasets`"
        )
    into.mkdir(parents=True, exist_ok=True)
    for path in files:
        if not (into / (name or path.name)).exists():
            path.rename(into / (name or path.name))


def _lfw(raw: Path, into: Path) -> None:
    unpack(raw / "lfw.tgz", into)
    for path in sorted(raw.glob("*.txt")):
        shutil.copyfile(path, into / path.name)


def _fairface(raw: Path, into: Path) -> None:
    """Lay out the validation part of FairFace.

    The other part is what models are trained on.
    """
    inside = raw / "images"
    unpack(raw / "fairface-img-margin025-trainval.zip", inside)
    val = next((path for path in sorted(inside.rglob("val")) if path.is_dir()), None)
    if val is None:
        raise UserError(
            "what came does not hold a folder val: its publisher has changed it; get it by hand and see `faceparity datasets`"
        )
    into.mkdir(parents=True)
    val.rename(into / "val")
    shutil.copyfile(raw / "fairface_label_val.csv", into / "fairface_label_val.csv")


def _members(raw: Path) -> list[dict[str, str]]:
    with (raw / "legislators-current.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    if not rows or not {"bioguide_id", "gender", "birthday"} <= rows[0].keys():
        raise UserError("legislators-current.csv lacks bioguide_id, gender or birthday: its publisher has changed it")
    return [row for row in rows if re.fullmatch(r"[A-Z]\d{6}", row["bioguide_id"] or "")]


def _portraits(raw: Path) -> list[SetFile]:
    """Return the portraits to fetch, one of each member."""
    names = [row["bioguide_id"] for row in _members(raw)]
    return [
        SetFile(f"portraits/{member}.jpg", f"{_CONGRESS}/images/congress/450x550/{member}.jpg", optional=True) for member in names
    ]


def _us_congress(raw: Path, into: Path) -> None:
    """Write labels.csv and copy the members' portraits.

    Rows come from the list of members, with the ethnicity that volunteers gave to some of them. The list of pairs that
    show one photograph is empty.
    """
    ethnicities: dict[str, str] = {}
    for path in (raw / "us-house.json", raw / "us-senate.json"):
        entries = json.loads(path.read_text("utf-8")) if path.is_file() else []
        ethnicities |= {
            str(entry.get("bioguide")): str(entry.get("ethnicity") or "") for entry in entries if isinstance(entry, dict)
        }
    (into / "portraits").mkdir(parents=True)
    with (into / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["bioguide", "file", "gender", "birth_year", "ethnicity", "photo_year"])
        for row in _members(raw):
            name = row["bioguide_id"]
            if (raw / "portraits" / f"{name}.jpg").is_file():
                shutil.copyfile(raw / "portraits" / f"{name}.jpg", into / "portraits" / f"{name}.jpg")
                gender = {"M": "male", "F": "female"}.get(row["gender"], row["gender"])
                out.writerow([name, f"portraits/{name}.jpg", gender, row["birthday"][:4], ethnicities.get(name, ""), ""])
    (into / "same_photo_pairs.csv").write_text("file_a,file_b\n", "utf-8")


_UNSEEN = "The address is quoted by others and was not tried by faceparity's makers."
PLANS: dict[str, SourcePlan] = {
    "london": SourcePlan((SetFile("london.zip", f"{_FIGSHARE}/articles/5047666/versions/3"),), _london, _UNSEEN),
    "lfw": SourcePlan(
        (
            SetFile("lfw.tgz", f"{_FIGSHARE}/files/5976018", "055f7d9c632d7370e6fb4afc7468d40f970c34a80d4c6f50ffec63f5a8d536c0"),
            SetFile("pairs.txt", f"{_FIGSHARE}/files/5976006", "ea42330c62c92989f9d7c03237ed5d591365e89b3e649747777b70e692dc1592"),
            SetFile("pairsDevTrain.txt", f"{_FIGSHARE}/files/5976012", "1d454dada7dfeca0e7eab6f65dc4e97a6312d44cf142207be28d688be92aabfa"),
            SetFile("pairsDevTest.txt", f"{_FIGSHARE}/files/5976009", "7cb06600ea8b2814ac26e946201cdb304296262aad67d046a16a7ec85d0ff87c"),
            SetFile("lfw_attributes.txt", "https://www.cs.columbia.edu/CAVE/databases/pubfig/download/lfw_attributes.txt", optional=True),
        ),
        _lfw,
        "Images and lists as scikit-learn's fetcher gets them, by the digests that it publishes; the labels come from Columbia, "
        "without a published digest.",
    ),
    "fairface": SourcePlan(
        (
            SetFile("fairface_label_val.csv", f"{_DRIVE}1wOdja-ezstMEp81tX1a-EYkFebev4h7D"),
            SetFile("fairface-img-margin025-trainval.zip", f"{_DRIVE}1Z1RqRo0_JiavaZw2yzZG6WETdZQ8qX86"),
        ),
        _fairface,
        f"The authors' files (padding 0.25) on Google Drive; the validation part is kept. {_UNSEEN}",
    ),
    "us_congress": SourcePlan(
        (
            SetFile("legislators-current.csv", f"{_CONGRESS}/congress-legislators/legislators-current.csv"),
            *(SetFile(f"us-{h}.json", _VOLUNTEERS.format(h=h), optional=True) for h in ("house", "senate")),
        ),
        _us_congress,
        "Members of today, one portrait each, so without mated comparisons; not the copy that the card describes. Nobody knows when "
        f"a portrait was taken, so ages stay unlabelled. {_UNSEEN}",
        _portraits,
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fetched:
    """A set that is there now.

    pieces: (file, what came). missing: optional pieces that could not be fetched.
    """

    folder: Path
    pieces: tuple[tuple[SetFile, DownloadedFile], ...]
    missing: tuple[SetFile, ...]


def datasets_folder() -> Path:
    """Return the folder that data sets are put in.

    It is $FACEPARITY_DATA, or a folder of faceparity's own in which `-d NAME` looks too.
    """
    named = os.environ.get(DATA)
    return Path(named).expanduser() if named else paths.datasets()


def fetch_set(
    name: str, progress: ByteProgress | None = None, patience: Patience | None = None, plan: SourcePlan | None = None
) -> Fetched:
    """Fetch a data set into `datasets_folder()`/NAME.

    The folder appears when all of the set is there; what came before a fetch broke off is kept for the next. The caller
    has the licence accepted before. Raises UserError.
    """
    plan, patience = plan or PLANS[name], patience or Patience()
    folder, raw = datasets_folder() / name, datasets_folder() / ".fetching" / name
    if folder.exists():
        raise UserError(
            f"{folder} is there already: `faceparity check {name}` tells whether it is whole; move it away to fetch it again"
        )
    try:
        if not os.environ.get(DATA):
            paths.make_folder(datasets_folder())
        raw.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"can't write to {datasets_folder()} ({error.strerror}): set {DATA} to a folder of yours") from error
    try:
        fetched, missing = _fetch_pieces(plan.pieces, raw, progress, patience)
        if plan.more is not None:
            more, lacking = _fetch_pieces(plan.more(raw), raw, progress, patience)
            if not more:
                raise UserError(f"{name}: none of {len(lacking):,} pictures is to be had; its publisher may have moved them")
            fetched, missing = fetched + more, missing + lacking
        staging = raw / "made"
        shutil.rmtree(staging, ignore_errors=True)
        _lay_out(plan, raw, staging)
        _write_record(staging, name, fetched)
        staging.rename(folder)
    except OSError as error:
        raise UserError(f"{datasets_folder()}: {error.strerror}; nothing is lost, the same command goes on from there") from error
    finally:
        for leftover in ("article", "images", "neutral_front", "smiling_front", "made"):
            shutil.rmtree(raw / leftover, ignore_errors=True)
    shutil.rmtree(raw, ignore_errors=True)
    return Fetched(folder, tuple(fetched), tuple(missing))


def _lay_out(plan: SourcePlan, raw: Path, staging: Path) -> None:
    """Lay out the fetched pieces as their publisher does.

    Raises UserError where they are not what was expected; pieces without a published sha256 are then deleted.
    """
    try:
        plan.lay_out(raw, staging)
    except UserError:
        for piece in plan.pieces:
            if not piece.sha256:
                (raw / piece.file).unlink(missing_ok=True)
        raise


def _fetch_pieces(
    pieces: tuple[SetFile, ...] | list[SetFile], raw: Path, progress: ByteProgress | None, patience: Patience
) -> tuple[list[tuple[SetFile, DownloadedFile]], list[SetFile]]:
    """Fetch each piece that an earlier call did not fetch.

    Returns the pieces with what came, and the optional pieces that could not be fetched. Raises UserError.
    """
    fetched: list[tuple[SetFile, DownloadedFile]] = []
    missing = []
    for piece in pieces:

        def tell(done: int, total: int, file: str = piece.file) -> None:
            if progress is not None:
                progress(file, done, total)

        target = raw / piece.file
        try:
            fetched.append(
                (
                    piece,
                    _earlier_piece(target, piece)
                    or download(piece.address, target, sha256=piece.sha256, progress=tell, patience=patience),
                )
            )
        except NotOnServerError:
            if not piece.optional:
                raise
            missing.append(piece)
        except UserError:
            if not piece.optional or "/" in piece.file:
                raise
            missing.append(piece)
    return fetched, missing


def _earlier_piece(target: Path, piece: SetFile) -> DownloadedFile | None:
    """Return a piece that an earlier call fetched, or None.

    `download` leaves only whole files under their own names. One with another sha256 than the published one is deleted.
    """
    from faceparity.datasets.fetch.artefacts import file_sha256

    if not target.is_file():
        return None
    found = file_sha256(target)
    if piece.sha256 and found != piece.sha256:
        target.unlink()
        return None
    return DownloadedFile(target, found, target.stat().st_size, bool(piece.sha256), target.stat().st_size)


def _write_record(folder: Path, name: str, fetched: list[tuple[SetFile, DownloadedFile]]) -> None:
    """Write a record of what was fetched.

    A later copy can be compared with it.
    """
    about = {
        "dataset": name,
        "fetched": f"{datetime.now(UTC):%Y-%m-%d}",
        "licence": load_card(name).licence,
        "files": [
            {"file": piece.file, "address": piece.address, "sha256": got.sha256, "bytes": got.size, "verified": got.verified}
            for piece, got in fetched
        ],
    }
    (folder / RECORD).write_text(json.dumps(about, indent=1) + "\n", "utf-8")
