"""`faceparity fetch`: weights of models, and data sets that may be had without asking."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Literal

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.schema.card import DatasetCard

if TYPE_CHECKING:
    from faceparity.datasets.fetch.dataset_sources import SetFile
    from faceparity.datasets.fetch.download import DownloadedFile

MOST_LINES = 10
"""Most files that are reported one by one."""


def fetch_command(names: list[str], accepted: bool) -> int:
    """Fetch everything named.

    All names and licences are settled first. Returns the exit status: 0 if all is here, 1 if a set has to be asked for.
    """
    from faceparity.datasets.registry import dataset_names
    from faceparity.harness.cli.catalogue.listing import fetch_named

    sets = [name for name in dict.fromkeys(names) if name in dataset_names()]
    others = [name for name in dict.fromkeys(names) if name not in sets]
    _known(others)
    wanted = {name: _wanted(name, accepted) for name in sets}
    if others:
        fetch_named(others, accepted)
    for name in sets:
        if wanted[name] == "fetch":
            _fetch(name)
    return 1 if "ask" in wanted.values() else 0


def _known(names: list[str]) -> None:
    """Check that each name is a model's or the meshes'.

    Raises UserError.
    """
    from faceparity.datasets.control.head.mesh_source import MESHES
    from faceparity.datasets.registry import dataset_names
    from faceparity.harness.models.registry import artefacts_of, model_names

    for name in names:
        if name == MESHES.fetch_name:
            continue
        base = name.partition(":")[0]
        if base not in model_names() and not base.endswith(".toml"):
            if (put := name.partition("=")[0]) in dataset_names():
                raise UserError(f"fetch says itself where a set goes: faceparity fetch {put}")
            near = difflib.get_close_matches(base, [*model_names(), *dataset_names()], 1)
            hint = f": did you mean {near[0]}?" if near else ""
            where = "`faceparity models` and `faceparity datasets` list them"
            raise UserError(f"there is no model and no data set called {name!r}{hint or ';'} {where}")
        artefacts_of(name)


def _wanted(name: str, accepted: bool) -> Literal["fetch", "here", "ask"]:
    """Show what a set's card says; decide whether to fetch.

    Raises UserError unless its licence is accepted.
    """
    from faceparity.datasets.fetch.dataset_sources import PLANS, datasets_folder
    from faceparity.datasets.registry import find_copy

    try:
        card = _card(name)
    except FileNotFoundError:
        raise UserError(f"{name} comes from another package, which says how to obtain it") from None
    if name == "folder":
        raise UserError("folder is a folder that you have already: faceparity run -d folder=DIR")
    for line in _terms(card):
        print(line)
    if (here := find_copy(name)) is not None:
        print(f"  It is here already: {here}. Whether it is whole: faceparity check {name}")
        return "here"
    if card.not_a_benchmark:
        print(f"  Not a benchmark for this: {card.not_a_benchmark}")
        return "ask"
    if name not in PLANS:
        print(f"  How to obtain it: {card.obtain}")
        print(f"  Where to put it: {datasets_folder() / name}, or anywhere: -d {name}=DIR")
        print("  What lies there then: " + "; ".join(card.layout or ["the images and their label file"]))
        print(f"  Then: faceparity check {name}")
        return "ask"
    print(f"  Source: {PLANS[name].note}")
    if not accepted:
        _ask(name)
    return "fetch"


def _card(name: str) -> DatasetCard:
    """Load the card of a data set."""
    from faceparity.datasets.schema.card import load_card

    return load_card(name)


def _terms(card: DatasetCard) -> list[str]:
    """Return the lines on a data set's terms."""
    lines = [f"{card.name}: {card.title}", f"  Licence: {card.licence}. {card.licence_note}".rstrip()]
    lines += [f"  Consent: {card.consent}"]
    lines += [f"  Home: {card.home}"] if card.home else []
    lines += [f"  Children: {card.children}"] if card.children else []
    lines += [f"  Withdrawn: {card.withdrawn}"] if card.withdrawn else []
    return lines


def _ask(name: str) -> None:
    """Ask whether the licence is accepted.

    Raises UserError unless somebody says yes.
    """
    if sys.stdin is None or not sys.stdin.isatty():
        raise UserError(f"{name}: read its licence above, then fetch it with --accept-licence")
    if input("Do you accept this licence? Type yes: ").strip().casefold() not in ("yes", "y"):
        raise UserError(f"{name} is not fetched: its licence was not accepted")


def _fetch(name: str) -> None:
    """Fetch one data set, and print what it is like."""
    from faceparity.datasets.fetch.dataset_sources import fetch_set
    from faceparity.datasets.registry import load_dataset

    with _Bars() as bars:
        got = fetch_set(name, bars.tell)
    for line in _came(got.pieces):
        print(f"  {line}")
    if got.missing:
        named = ", ".join(piece.file for piece in got.missing[:5])
        print(f"  {len(got.missing):,} file(s) not to be had: {named}{' …' if len(got.missing) > 5 else ''}")
    dataset = load_dataset(f"{name}={got.folder}")
    known = next((copy for copy, digest in dataset.card.digests.items() if digest == dataset.digest), None)
    about = f"the copy that the card calls {known!r}" if known else "a copy that the card does not know"
    print(f"  {dataset.n_samples:,} images in {got.folder}; digest {dataset.digest} ({about})")
    print(f"  Next: faceparity check {name}")


def _came(pieces: Sequence[tuple[SetFile, DownloadedFile]]) -> list[str]:
    """Describe each file's size and whether it was checked.

    The first ten at most; the others are counted.
    """
    from faceparity.datasets.fetch.artefacts import unchecked_warning

    lines = []
    for piece, got in pieces[:MOST_LINES]:
        if got.verified:
            lines.append(f"{piece.file}: {got.size:,} bytes, sha256 {got.sha256}, as published")
        else:
            lines.append(f"{unchecked_warning(piece.file, got.sha256)} ({got.size:,} bytes)")
    if more := pieces[MOST_LINES:]:
        unverified = sum(not got.verified for _, got in more)
        lines.append(f"and {len(more):,} more files, {unverified:,} of them NOT CHECKED either; all digests are in fetched.json")
    return lines


class _Bars:
    """A bar for each file, on a terminal."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

        console = Console(stderr=True)
        columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
        self._progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._file, self._task = "", self._progress.add_task("", total=None, visible=False)

    def __enter__(self) -> _Bars:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.stop()

    def tell(self, file: str, done: int, total: int) -> None:
        """Show how many bytes of a file are here."""
        self._progress.update(self._task, description=file, completed=done, total=total or None, visible=True)
