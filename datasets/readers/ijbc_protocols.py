"""IJB-C's protocols: the faces of each template, the templates compared one to one, and those searched in a gallery."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.regular_files import open_regular
from faceparity.datasets.loading.publisher_layout import find_path, stream
from faceparity.datasets.schema.dataset import Dataset, Problem, SearchProtocol, SetProtocol, TemplateSets

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

SEARCH = "1:N (Test 4, mixed media)"
SEARCHES = (
    ("protocols/test4/probes.csv", "protocols/test4/gallery_G1.csv", "protocols/test4/gallery_G2.csv"),
    ("protocols/ijbc_1N_probe_mixed.csv", "protocols/ijbc_1N_gallery_G1.csv", "protocols/ijbc_1N_gallery_G2.csv"),
)
"""The two releases: probes, then the galleries."""
GALLERIES = ("G1", "G2")
SEARCH_TARGETS = (1e-3, 1e-2, 1e-1)

Faces = Mapping[tuple[str, str], tuple[int, str]]
"""(subject, file) → the sample, and the medium that it is from."""


def with_set_protocols(dataset: Dataset, root: Path, faces: Faces) -> Dataset:
    """Return the data set with the protocols that are here.

    Its digest then covers them. Raises UserError.
    """
    problems: list[Problem] = []
    found = []
    for name, layouts in PROTOCOLS.items():
        here = next(((pairs, tables) for pairs, tables in layouts if find_path(root, pairs)), None)
        if here is not None:
            found.append(_protocol(name, root, *here, faces, problems))
    searches = _searches(root, faces, dataset.subjects, problems)
    digest = hashlib.sha256(dataset.digest.encode())
    for protocol in found:
        digest.update(f"\n{protocol.name} {protocol.missing} {protocol.targets}\n".encode())
        for column in (protocol.members, protocol.starts, protocol.media, protocol.a, protocol.b):
            digest.update(np.ascontiguousarray(column, "<i8").tobytes())
    for search in searches:
        for sets in (*search.galleries, search.probes):
            digest.update(f"\n{search.name} {sets.name} {search.targets} {sets.members.size} {sets.subjects.size}\n".encode())
            for column in (sets.members, sets.starts, sets.media, sets.subjects, sets.absent):
                digest.update(np.ascontiguousarray(column, "<i8").tobytes())
    return replace(
        dataset,
        set_protocols=tuple(found),
        search_protocols=searches,
        problems=(*dataset.problems, *dict.fromkeys(problems)),  # both kinds of protocol may read one table
        digest=digest.hexdigest() if found or searches else dataset.digest,
    )


class _TemplateTable:
    """The templates of one or several tables: the subject of each by its number, and the faces of each that are here."""

    def __init__(self, name: str, root: Path, tables: tuple[str, ...], faces: Faces, problems: list[Problem]) -> None:
        self.subject: dict[str, str] = {}
        self.members: dict[str, dict[int, str]] = {}
        for table in tables:
            path = find_path(root, table)
            if path is None:
                problems.append(Problem("missing_file", table, f"its templates are not compared in {name}"))
            elif absent := self._read(root / path, Path(table).name, faces, problems):
                problems.append(Problem("missing_file", Path(table).name, f"{absent:,} of its faces are not among the samples"))
        self.ids = np.array(sorted(int(template) for template in self.members), np.int64)

    def _read(self, path: Path, table: str, faces: Faces, problems: list[Problem]) -> int:
        absent = 0
        for number, cells in stream(path, ("TEMPLATE_ID", "SUBJECT_ID", "FILENAME")):
            template, subject = (whole_number(cell) for cell in cells[:2]) if cells else ("", "")
            if not template or not subject or self.subject.setdefault(template, subject) != subject:
                problems.append(Problem("bad_row", f"{table}:{number}", "no template, or one of two subjects"))
            elif (face := faces.get((subject, cells[2]))) is None:
                absent += 1
            else:
                self.members.setdefault(template, {}).setdefault(*face)
        return absent

    def sets(self) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int32]]:
        """Return the templates' members, starts and media.

        In the order of the templates' numbers; see SetProtocol.
        """
        sets = [self.members[str(template)] for template in self.ids.tolist()]
        media = {medium: i for i, medium in enumerate(sorted({name for members in sets for name in members.values()}))}
        return (
            np.array([sample for members in sets for sample in members], np.int32),
            np.concatenate(([0], np.cumsum([len(members) for members in sets]))).astype(np.int64),
            np.array([media[name] for members in sets for name in members.values()], np.int32),
        )


def _protocol(name: str, root: Path, pairs: str, tables: tuple[str, ...], faces: Faces, problems: list[Problem]) -> SetProtocol:
    table = _TemplateTable(name, root, tables, faces, problems)
    listed = root / str(find_path(root, pairs))
    first, second = _index(table.ids, *_numbers(listed))
    present = (first >= 0) & (second >= 0)
    if not present.any():
        raise UserError(f"{listed} lists no two templates whose faces are here: put the publisher's tables and list there")
    subjects = np.array([int(table.subject[str(template)]) for template in table.ids.tolist()], np.int64)
    members, starts, media = table.sets()
    return SetProtocol(
        name=name,
        source=listed.name,
        members=members,
        starts=starts,
        media=media,
        a=first[present],
        b=second[present],
        mated=subjects[first[present]] == subjects[second[present]],
        missing=int((~present).sum()),
        targets=TARGETS,
    )


def _searches(root: Path, faces: Faces, subjects: NDArray[np.int32], problems: list[Problem]) -> tuple[SearchProtocol, ...]:
    """Return the galleries that are here, with the probes.

    Empty where there are no probes, or no gallery.
    """
    files = next(
        (item for item in SEARCHES if find_path(root, item[0]) and any(find_path(root, gallery) for gallery in item[1:])), None
    )
    if files is None:
        return ()
    code = {who: int(subjects[sample]) for (who, _), (sample, _) in faces.items()}

    def read(name: str, file: str) -> TemplateSets:
        table = _TemplateTable(SEARCH, root, (file,), faces, problems)
        absent = sorted((template for template in table.subject if template not in table.members), key=int)
        owners = np.array([code[table.subject[str(template)]] for template in table.ids.tolist()], np.int32)
        return TemplateSets(
            name, *table.sets(), owners, np.array([code.get(table.subject[template], -1) for template in absent], np.int32)
        )

    probes = read("probes", files[0])
    galleries = [read(name, file) for name, file in zip(GALLERIES, files[1:], strict=True)]
    here = tuple(item for item in galleries if item.subjects.size)
    source = ", ".join(Path(file).name for file in files if find_path(root, file))
    return (SearchProtocol(SEARCH, source, here, probes, SEARCH_TARGETS),) if here and probes.subjects.size else ()


def whole_number(cell: str) -> str:
    """Return the whole number in a cell, as text.

    `12.0`, as other programs write it, gives 12; empty for what is no whole number, such as nan.
    """
    try:
        value = float(cell)
    except ValueError:
        return ""
    return f"{value:.0f}" if value == value and abs(value) < 2**53 and value == int(value) else ""


def _numbers(path: Path) -> tuple[I64, I64]:
    """Return both columns of a list of pairs.

    It may have a header; that of Test 1 has 15.7 million pairs. Raises UserError.
    """
    try:
        with open_regular(path) as file:
            header = not file.readline(200)[:1].isdigit()
            if header and not file.read(200).strip():
                raise UserError(f"{path} lists no pairs: put the publisher's file there")
        found = np.loadtxt(path, np.int64, delimiter=",", skiprows=int(header), usecols=(0, 1), ndmin=2, encoding="utf-8-sig")
    except (ValueError, OSError) as error:
        raise UserError(f"{path} is not a list of pairs of template numbers ({error}): put the publisher's file there") from None
    return found[:, 0], found[:, 1]


def _index(ids: I64, *columns: I64) -> list[NDArray[np.int32]]:
    """Return the index of each number in `ids`.

    ids: rising. -1 where a number is not in it.
    """
    out = []
    for column in columns:
        indices = np.minimum(np.searchsorted(ids, column), max(0, ids.size - 1))
        out.append(
            np.where(ids[indices] == column, indices, -1).astype(np.int32) if ids.size else np.full(column.size, -1, np.int32)
        )
    return out
