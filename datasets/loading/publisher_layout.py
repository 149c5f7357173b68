"""For readers of published layouts: check that it is the right folder, find paths in it, and read tables and lists."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.paths import real_path
from faceparity.datasets.common.regular_files import TooLargeError, open_regular_text, read_regular
from faceparity.datasets.common.sanitise import printable
from faceparity.datasets.loading.builder import LabelledImage, folder_of
from faceparity.datasets.loading.label_table import LabelTable
from faceparity.datasets.schema.card import DatasetCard
from faceparity.datasets.schema.dataset import Problem

NOT_PUBLISHED = "this is not the publisher's file; read your own layout with folder=DIR"
_NAMED = 6
_LARGEST_CELL = 2**26
_LARGEST = 2**30
"""No label file of a known set comes near this many bytes."""


def find_path(root: Path, *wanted: str) -> str | None:
    """Return the first of these paths that exists under `root`.

    It is spelt as it is there, because copies differ in capitals; None if there is none.
    """
    return next((found for path in wanted if (found := _actual_spelling(root, path)) is not None), None)


def need(root: Path, card: DatasetCard, *wanted: str) -> str:
    """Return the first of these paths that exists under `root`.

    Raises UserError, which says what the set looks like and what is here, if there is none.
    """
    folder_of(root)
    if (found := find_path(root, *wanted)) is not None:
        return found
    raise wrong_folder(root, card, *wanted)


def wrong_folder(root: Path, card: DatasetCard, *wanted: str) -> UserError:
    """Return the error about a folder of another layout.

    One line: what was expected, what was found, and which folder nearby looks right.
    """
    names = sorted(path.name + "/" * path.is_dir() for path in root.iterdir() if not path.name.startswith("."))
    found = _first_names(names) or "nothing"
    near = [path for path in sorted(root.iterdir()) if path.is_dir()] + list(real_path(root).parents)[:2]
    right = next((path for path in near if wanted and find_path(path, *wanted) is not None), None)
    hint = f"; {right} looks right: give that folder" if right is not None else ""
    expected = ", ".join(card.layout) or " or ".join(wanted)
    return UserError(f"{root} is not {card.title} as it is given out: expected {expected}; found {found}{hint}")


def _actual_spelling(root: Path, path: str) -> str | None:
    folder, parts = root, []
    for part in Path(path).parts:
        if not (folder / part).exists():
            try:
                alike = sorted(entry.name for entry in folder.iterdir() if entry.name.casefold() == part.casefold())
            except OSError:
                return None
            if not alike:
                return None
            part = alike[0]
        parts.append(part)
        folder = folder / part
    return "/".join(parts)


def rows_of(
    table: LabelTable, card: DatasetCard, *, file: str, subject: str | None = None, prefix: str = ""
) -> list[LabelledImage]:
    """Return a row for each line of a table.

    The card names the columns of labels. prefix: goes before each file. Raises UserError if a column is missing.
    """
    file_column = table.need(file, NOT_PUBLISHED)
    subject_column = table.need(subject, NOT_PUBLISHED) if subject else None
    columns = {name: table.need(about.column, NOT_PUBLISHED) for name, about in card.attributes.items()}
    return [
        LabelledImage(
            prefix + line.cells[file_column] if line.cells[file_column] else "",
            line.where,
            line.cells[subject_column] if subject_column else "",
            {name: line.cells[column] for name, column in columns.items()},
        )
        for line in table.lines
    ]


def stream(path: Path, columns: Sequence[str], optional: Sequence[str] = ()) -> Iterator[tuple[int, list[str]]]:
    """Yield the cells of these columns of a CSV.

    Each row comes with its number, the header's being 1, in bounded memory however long or wide the file is. Rows with
    too few cells come as empty lists, empty rows not at all. optional: columns that may be absent; their cells come last,
    then empty. Raises UserError if it is no UTF-8 CSV or has not these columns.
    """
    before = csv.field_size_limit(_LARGEST_CELL)  # some sets write the outline of a face into one cell
    try:
        with open_regular_text(path, "utf-8-sig", newline="") as file:
            reader = csv.reader(file, skipinitialspace=True)
            header = [cell.strip() for cell in next(reader, [])]
            absent = [column for column in columns if column not in header]
            if absent:
                raise UserError(f"{path} has no column {absent[0]!r}, only {_first_names(filter(None, header))}: {NOT_PUBLISHED}")
            positions = [header.index(column) for column in columns]
            optional_positions = [header.index(column) if column in header else -1 for column in optional]
            last = max([*positions, *optional_positions])
            for number, cells in enumerate(reader, 2):
                if len(cells) > last:
                    yield (
                        number,
                        [cells[i].strip() for i in positions] + [cells[i].strip() if i >= 0 else "" for i in optional_positions],
                    )
                elif cells:
                    yield number, []
    except (UnicodeDecodeError, csv.Error) as error:
        raise UserError(f"{path} is not a CSV in UTF-8 ({error}): put the publisher's file there, as it came") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): check its permissions") from None
    finally:
        csv.field_size_limit(before)


def _first_names(names: Iterable[str]) -> str:
    """Return the first few names, and the number of others."""
    listed = list(names)
    more = len(listed) - _NAMED
    return printable(", ".join(listed[:_NAMED])) + (f" and {more:,} more" if more > 0 else "")


def read_json(path: Path) -> Any:
    """Read a publisher's JSON.

    Raises UserError.
    """
    try:
        return json.loads(read_regular(path, _LARGEST))
    except TooLargeError:
        raise UserError(f"{path} is larger than any label file of this set: put the publisher's file there") from None
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror}): put the publisher's file there") from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not JSON ({' '.join(str(error).split())[:80]}): put the publisher's file there") from None


def refused_pickles(root: Path, instead: str) -> list[Problem]:
    """Return a problem for each pickle of a folder.

    Only those at the top of it: a pickle could run code, so none is ever opened. instead: what to use.
    """
    found = sorted(path.name for path in root.iterdir() if path.suffix.casefold() in (".pkl", ".pickle"))
    return [Problem("bad_row", printable(name), f"a pickle can run code and is not opened: {instead}") for name in found]
