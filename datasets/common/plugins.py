"""Entry points by which other packages add data sets, models and report formats. Those of faceparity need no entry point."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from importlib import metadata


def plugins(group: str, reserved: Collection[str]) -> dict[str, metadata.EntryPoint]:
    """Return the entry points of a group by name.

    Imports nothing. reserved: names of faceparity's own, which no other package can take. Of two packages with one name
    the first on the path has it. A package whose metadata is damaged is skipped, so that the others stay usable.
    """
    found: dict[str, metadata.EntryPoint] = {}
    for entry in _entries(group):
        if entry.name not in reserved:
            found.setdefault(entry.name, entry)
    return found


def _entries(group: str) -> Iterator[metadata.EntryPoint]:
    """Yield the entry points of a group.

    One damaged package fails the whole list, so then the packages are read one by one.
    """
    try:
        together = metadata.entry_points(group=group)
    except Exception:  # one damaged entry_points.txt fails the whole list, with any exception
        yield from _each_package(group)
        return
    yield from together


def _each_package(group: str) -> Iterator[metadata.EntryPoint]:
    """Yield the entry points of every package with readable metadata."""
    for package in metadata.distributions():
        try:
            entries = [entry for entry in package.entry_points if entry.group == group]
        except Exception:
            continue
        yield from entries
