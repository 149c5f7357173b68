"""Pair lists that benchmarks publish: from the names in a list to the samples of a data set. Shared by the readers.

Lists are followed to the letter: their order, their labels, their repetitions and their folds. What cannot be followed, because
an image is not here, is counted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.regular_files import read_regular
from faceparity.datasets.common.sanitise import whole_number
from faceparity.datasets.schema.dataset import Dataset, PairProtocol, Problem


@dataclass(frozen=True)
class PairList:
    """A published list as read, one entry a pair in each column.

    a, b: files as a `Dataset` names them (POSIX, relative to its root). mated: as the list says. fold: 0 … n_folds - 1.
    rows: the pair's line in its file, from 1. targets: FMRs at which the benchmark's own results are given (TAR @ FAR).
    threshold_from: another protocol of the set, on which the benchmark says that the threshold is chosen.
    """

    name: str
    source: str
    a: Sequence[str]
    b: Sequence[str]
    mated: Sequence[bool]
    fold: Sequence[int]
    rows: Sequence[int]
    n_folds: int = 1
    targets: tuple[float, ...] = ()
    threshold_from: str = ""


def with_protocols(dataset: Dataset, lists: Sequence[PairList]) -> Dataset:
    """Return the data set with these lists as protocols.

    Its digest then covers them. A pair whose image is not among the samples is counted (`missing`) and left out; each
    such image is one problem, except those that were left out for their age, which are reported already.
    """
    if not lists:
        return dataset
    index = {file: i for i, file in enumerate(dataset.files)}
    by_age = {problem.where for problem in dataset.problems if problem.kind in ("under_18", "unread_age")}
    problems = [problem for listed in lists for problem in _absent(listed, index.keys() | by_age)]
    protocols = tuple(_protocol(listed, index) for listed in lists)
    return replace(
        dataset,
        protocols=(*dataset.protocols, *protocols),
        problems=(*dataset.problems, *problems),
        digest=_digest(dataset.digest, protocols),
    )


def _protocol(listed: PairList, index: dict[str, int]) -> PairProtocol:
    first, second = (np.array([index.get(file, -1) for file in files], np.int32) for files in (listed.a, listed.b))
    here = (first >= 0) & (second >= 0)
    return PairProtocol(
        name=listed.name,
        source=listed.source,
        a=first[here],
        b=second[here],
        mated=np.asarray(listed.mated, bool)[here],
        fold=np.asarray(listed.fold, np.int32)[here],
        n_folds=listed.n_folds,
        missing=int((~here).sum()),
        targets=listed.targets,
        threshold_from=listed.threshold_from,
    )


def _absent(listed: PairList, known: Set[str]) -> list[Problem]:
    """Return a problem for each listed image that isn't here.

    It says in how many pairs the image is.
    """
    first: dict[str, int] = {}
    count: dict[str, int] = {}
    for one, other, row in zip(listed.a, listed.b, listed.rows, strict=True):
        for file in {one, other}:
            if file not in known:
                first.setdefault(file, row)
                count[file] = count.get(file, 0) + 1
    name = listed.source.split()[0]
    return [
        Problem("missing_file", f"{name}:{row}", f"{file!r}, in {count[file]} pairs of the list, is not among the samples")
        for file, row in first.items()
    ]


def _digest(before: str, protocols: Sequence[PairProtocol]) -> str:
    digest = hashlib.sha256(before.encode())
    for protocol in protocols:
        digest.update(
            f"\n{protocol.name}\n{protocol.n_folds} {protocol.missing} {protocol.targets} {protocol.threshold_from}\n".encode()
        )
        for column in (protocol.a, protocol.b, protocol.fold):
            digest.update(np.ascontiguousarray(column, "<i4").tobytes())
        digest.update(np.ascontiguousarray(protocol.mated, np.uint8).tobytes())
    return digest.hexdigest()


def join_path(*parts: str) -> str:
    """Join a path in a data set's folder.

    `join_path("", "pairs.txt")` is `pairs.txt`.
    """
    return PurePosixPath(*parts).as_posix()


def lines_of(path: Path) -> list[tuple[int, str]]:
    """Read the lines of a list that hold something.

    Each comes with its number from 1, without blanks around it. Raises UserError.
    """
    try:
        text = read_regular(path).decode("utf-8-sig")
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): put the publisher's list there") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is not UTF-8 text: put the publisher's list there, as it came") from None
    return [(row, line.strip()) for row, line in enumerate(text.splitlines(), 1) if line.strip()]


def cells_of(line: str) -> list[str]:
    """Split a line into cells.

    They are separated by tabs, or by blanks in a line without tabs.
    """
    return [cell.strip() for cell in line.split("\t")] if "\t" in line else line.split()


def folds_of(mated: Sequence[bool], n_folds: int, path: Path) -> list[int]:
    """Return each pair's fold, for a list without folds.

    Mated and non-mated pairs are each split into equal runs, in the list's order. Raises UserError if they do not divide
    evenly: the list is then not whole.
    """
    size = {True: sum(mated) // n_folds, False: (len(mated) - sum(mated)) // n_folds}
    if any(size[kind] * n_folds != sum(label is kind for label in map(bool, mated)) for kind in (True, False)) or not all(
        size.values()
    ):
        same = sum(mated)
        raise UserError(
            f"{path} lists {same} mated and {len(mated) - same} non-mated pairs, which {n_folds} folds cannot share evenly: "
            "it is cut off, or not the publisher's list"
        )
    seen, out = {True: 0, False: 0}, []
    for kind in map(bool, mated):
        out.append(seen[kind] // size[kind])
        seen[kind] += 1
    return out


def read_lfw_list(
    path: Path, name: str, file_of: Callable[[str, int], str], *, header: bool | None = True, n_folds: int = 10, source: str = ""
) -> PairList:
    """Read a list in LFW's form.

    A line is `name TAB n1 TAB n2` for two images of one person, `name1 TAB n1 TAB name2 TAB n2` for two people.

    file_of: from a person's name and an image's number to the file as the data set names it. header: the first line gives
    the number of folds and of mated pairs in each (`10 TAB 300`; `1100` alone means one fold), as LFW has it and RFW has
    not (None: if it is there); without it, folds are equal runs of mated and of non-mated pairs. Raises UserError for a
    line that is no pair, and for a list that does not hold what its header says.
    """
    lines = lines_of(path)
    if header is None:
        header = bool(lines) and all(whole_number(cell) is not None for cell in cells_of(lines[0][1]))
    folds, each = _header(path, lines) if header else (n_folds, None)
    first_files, second_files, mated, rows = [], [], [], []
    for row, line in lines[1:] if header else lines:
        cells = cells_of(line)
        first, second = (whole_number(cells[1]), whole_number(cells[-1])) if len(cells) in (3, 4) else (None, None)
        if first is None or second is None:
            raise UserError(f"{path}, line {row}, is not a pair (name, number, number, or name, number, name, number)")
        first_files.append(file_of(cells[0], first))
        second_files.append(file_of(cells[0] if len(cells) == 3 else cells[2], second))
        mated.append(len(cells) == 3)
        rows.append(row)
    if each is not None:
        _check_header(path, mated, folds, each)
    fold = [i // (2 * each) for i in range(len(mated))] if each is not None else folds_of(mated, folds, path)
    return PairList(name, source or path.name, first_files, second_files, mated, fold, rows, folds)


def _header(path: Path, lines: Sequence[tuple[int, str]]) -> tuple[int, int]:
    """Return the number of folds, and of mated pairs each.

    They stand in the first line. Raises UserError.
    """
    numbers = [whole_number(cell) or 0 for cell in cells_of(lines[0][1])] if lines else []
    if len(numbers) not in (1, 2) or not all(numbers):
        raise UserError(
            f"{path}: its first line must say how many folds and pairs there are (10 and 300, parted by a tab), as in the "
            "publisher's list"
        )
    return (numbers[0], numbers[1]) if len(numbers) == 2 else (1, numbers[0])


def _check_header(path: Path, mated: Sequence[bool], folds: int, each: int) -> None:
    if len(mated) != 2 * each * folds or list(mated) != ([True] * each + [False] * each) * folds:
        raise UserError(
            f"{path}: its first line promises {folds} × {each} mated pairs, each run followed by as many non-mated ones, but "
            f"{len(mated)} pairs follow, {sum(mated)} of them mated: it is cut off, or not the publisher's list"
        )
