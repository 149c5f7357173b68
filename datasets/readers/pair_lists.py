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
    """The data set with these lists as its protocols; its digest then covers them.

    A pair whose image is not among the samples is counted (`missing`) and left out; each such image is one problem, but for those
    of children, which are told already.
    """
    if not lists:
        return dataset
    index = {file: i for i, file in enumerate(dataset.files)}
    minors = {problem.where for problem in dataset.problems if problem.kind == "under_18"}
    problems = [problem for listed in lists for problem in _absent(listed, index.keys() | minors)]
    protocols = tuple(_protocol(listed, index) for listed in lists)
    return replace(
        dataset,
        protocols=(*dataset.protocols, *protocols),
        problems=(*dataset.problems, *problems),
        digest=_digest(dataset.digest, protocols),
    )


def _protocol(listed: PairList, index: dict[str, int]) -> PairProtocol:
    a, b = (np.array([index.get(file, -1) for file in files], np.int32) for files in (listed.a, listed.b))
    here = (a >= 0) & (b >= 0)
    return PairProtocol(
        name=listed.name,
        source=listed.source,
        a=a[here],
        b=b[here],
        mated=np.asarray(listed.mated, bool)[here],
        fold=np.asarray(listed.fold, np.int32)[here],
        n_folds=listed.n_folds,
        missing=int((~here).sum()),
        targets=listed.targets,
        threshold_from=listed.threshold_from,
    )


def _absent(listed: PairList, known: Set[str]) -> list[Problem]:
    """One problem for each image of the list that is not here, with the number of its pairs."""
    first: dict[str, int] = {}
    count: dict[str, int] = {}
    for a, b, row in zip(listed.a, listed.b, listed.rows, strict=True):
        for file in {a, b}:
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
    for p in protocols:
        digest.update(f"\n{p.name}\n{p.n_folds} {p.missing} {p.targets} {p.threshold_from}\n".encode())
        for column in (p.a, p.b, p.fold):
            digest.update(np.ascontiguousarray(column, "<i4").tobytes())
        digest.update(np.ascontiguousarray(p.mated, np.uint8).tobytes())
    return digest.hexdigest()


def under(*parts: str) -> str:
    """A path in a data set's folder: `under("", "pairs.txt")` is `pairs.txt`."""
    return PurePosixPath(*parts).as_posix()


def lines_of(path: Path) -> list[tuple[int, str]]:
    """The lines of a list that hold something, each with its number from 1, without blanks around them. Raises UserError."""
    try:
        text = read_regular(path).decode("utf-8-sig")
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): put the publisher's list there") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is not UTF-8 text: put the publisher's list there, as it came") from None
    return [(row, line.strip()) for row, line in enumerate(text.splitlines(), 1) if line.strip()]


def cells_of(line: str) -> list[str]:
    """The cells of a line, parted by tabs, or by blanks where it has no tab."""
    return [cell.strip() for cell in line.split("\t")] if "\t" in line else line.split()


def folds_of(mated: Sequence[bool], n_folds: int, path: Path) -> list[int]:
    """The fold of each pair where mated and non-mated pairs are dealt to the folds in equal runs, in the list's order.

    Raises UserError if they do not divide evenly: the list is then not whole.
    """
    size = {True: sum(mated) // n_folds, False: (len(mated) - sum(mated)) // n_folds}
    if any(size[kind] * n_folds != sum(m is kind for m in map(bool, mated)) for kind in (True, False)) or not all(size.values()):
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
    """A list in LFW's form: `name TAB n1 TAB n2` for two images of one person, `name1 TAB n1 TAB name2 TAB n2` for two people.

    file_of: from a person's name and an image's number to the file as the data set names it. header: the first line tells the
    number of folds and of mated pairs in each (`10 TAB 300`; `1100` alone means one fold), as LFW has it and RFW has not (None:
    if it is there); without it, folds are equal runs of mated and of non-mated pairs.
    Raises UserError for a line that is no pair, and for a list that does not hold what its header says.
    """
    lines = lines_of(path)
    if header is None:
        header = bool(lines) and all(whole_number(cell) is not None for cell in cells_of(lines[0][1]))
    folds, each = _header(path, lines) if header else (n_folds, None)
    a, b, mated, rows = [], [], [], []
    for row, line in lines[1:] if header else lines:
        cells = cells_of(line)
        first, second = (whole_number(cells[1]), whole_number(cells[-1])) if len(cells) in (3, 4) else (None, None)
        if first is None or second is None:
            raise UserError(f"{path}, line {row}, is not a pair (name, number, number, or name, number, name, number)")
        a.append(file_of(cells[0], first))
        b.append(file_of(cells[0] if len(cells) == 3 else cells[2], second))
        mated.append(len(cells) == 3)
        rows.append(row)
    if each is not None:
        _check_header(path, mated, folds, each)
    fold = [i // (2 * each) for i in range(len(mated))] if each is not None else folds_of(mated, folds, path)
    return PairList(name, source or path.name, a, b, mated, fold, rows, folds)


def _header(path: Path, lines: Sequence[tuple[int, str]]) -> tuple[int, int]:
    """Folds and mated pairs in each, from the first line."""
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
