"""IJB-C's protocols of one-to-one comparison: which faces make up each template, and which templates are compared."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..dataset import Dataset, Problem, SetProtocol
from ..errors import UserError
from ..layout import place, stream

I64 = NDArray[np.int64]

PROTOCOLS = {
    "1:1 (Test 1)": (
        ("protocols/test1/match.csv", ("protocols/test1/enroll_templates.csv", "protocols/test1/verif_templates.csv")),
        (
            "protocols/ijbc_11_G1_G2_matches.csv",
            ("protocols/ijbc_1N_gallery_G1.csv", "protocols/ijbc_1N_gallery_G2.csv", "protocols/ijbc_1N_probe_mixed.csv"),
        ),
    ),
    "1:1 covariates (Test 2)": (
        ("protocols/test2/match.csv", ("protocols/test2/enroll_templates.csv", "protocols/test2/verif_templates.csv")),
    ),
}
"""Name → the layouts of the two releases: the list of pairs, and the tables of templates."""
TARGETS = (1e-5, 1e-4, 1e-3, 1e-2)

Faces = Mapping[tuple[str, str], tuple[int, str]]
"""(subject, file) → the sample, and the medium that it is from."""


def with_set_protocols(dataset: Dataset, root: Path, faces: Faces) -> Dataset:
    """The data set with the protocols whose files are here; its digest then covers them. Raises UserError."""
    problems: list[Problem] = []
    found = []
    for name, layouts in PROTOCOLS.items():
        here = next(((pairs, tables) for pairs, tables in layouts if place(root, pairs)), None)
        if here is not None:
            found.append(_protocol(name, root, *here, faces, problems))
    digest = hashlib.sha256(dataset.digest.encode())
    for p in found:
        digest.update(f"\n{p.name} {p.missing} {p.targets}\n".encode())
        for column in (p.members, p.starts, p.media, p.a, p.b):
            digest.update(np.ascontiguousarray(column, "<i8").tobytes())
    return replace(
        dataset,
        set_protocols=tuple(found),
        problems=(*dataset.problems, *problems),
        digest=digest.hexdigest() if found else dataset.digest,
    )


def _protocol(name: str, root: Path, pairs: str, tables: tuple[str, ...], faces: Faces, problems: list[Problem]) -> SetProtocol:
    members: dict[str, dict[int, str]] = {}
    subject: dict[str, str] = {}
    for table in tables:
        path = place(root, table)
        if path is None:
            problems.append(Problem("missing_file", table, f"its templates are not compared in {name}"))
            continue
        absent = 0
        for number, cells in stream(root / path, ("TEMPLATE_ID", "SUBJECT_ID", "FILENAME")):
            template, who = (whole_number(cell) for cell in cells[:2]) if cells else ("", "")
            if not template or not who or subject.setdefault(template, who) != who:
                problems.append(Problem("bad_row", f"{Path(table).name}:{number}", "no template, or one of two subjects"))
            elif (face := faces.get((who, cells[2]))) is None:
                absent += 1
            else:
                members.setdefault(template, {}).setdefault(*face)
        if absent:
            problems.append(Problem("missing_file", Path(table).name, f"{absent:,} of its faces are not among the samples"))
    ids = np.array(sorted(int(template) for template in members), np.int64)
    sets = [members[str(template)] for template in ids.tolist()]
    media = {medium: i for i, medium in enumerate(sorted({m for one in sets for m in one.values()}))}
    listed = root / str(place(root, pairs))
    a, b = _index(ids, *_numbers(listed))
    here = (a >= 0) & (b >= 0)
    if not here.any():
        raise UserError(f"{listed} lists no two templates whose faces are here: put the publisher's tables and list there")
    who_of = np.array([int(subject[str(template)]) for template in ids.tolist()], np.int64)
    return SetProtocol(
        name=name,
        source=listed.name,
        members=np.array([sample for one in sets for sample in one], np.int32),
        starts=np.concatenate(([0], np.cumsum([len(one) for one in sets]))).astype(np.int64),
        media=np.array([media[m] for one in sets for m in one.values()], np.int32),
        a=a[here],
        b=b[here],
        mated=who_of[a[here]] == who_of[b[here]],
        missing=int((~here).sum()),
        targets=TARGETS,
    )


def whole_number(cell: str) -> str:
    """`12.0`, as tables come out of other programs, is 12; what is no whole number, such as nan, is empty."""
    try:
        value = float(cell)
    except ValueError:
        return ""
    return f"{value:.0f}" if value == value and abs(value) < 2**53 and value == int(value) else ""


def _numbers(path: Path) -> tuple[I64, I64]:
    """Both columns of a list of pairs, with a header or without; Test 1 has 15.7 million of them. Raises UserError."""
    try:
        with path.open("rb") as file:
            header = not file.readline(200)[:1].isdigit()
            if header and not file.read(200).strip():
                raise UserError(f"{path} lists no pairs: put the publisher's file there")
        found = np.loadtxt(path, np.int64, delimiter=",", skiprows=int(header), usecols=(0, 1), ndmin=2, encoding="utf-8-sig")
    except (ValueError, OSError) as error:
        raise UserError(f"{path} is not a list of pairs of template numbers ({error}): put the publisher's file there") from None
    return found[:, 0], found[:, 1]


def _index(ids: I64, *columns: I64) -> list[NDArray[np.int32]]:
    """The place of each number in `ids`, which rise; -1 where it is not there."""
    out = []
    for column in columns:
        at = np.minimum(np.searchsorted(ids, column), max(0, ids.size - 1))
        out.append(np.where(ids[at] == column, at, -1).astype(np.int32) if ids.size else np.full(column.size, -1, np.int32))
    return out
