"""Files made from weights, and kept: converted or repaired graphs.

Whoever can replace such a file can replace a digest beside it too. So none is believed: each process makes it once more from the
weights, whose sha256 stands on the card, and what lies on the disk must be the same bytes. Worker processes believe their parent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from faceparity.datasets.common import paths
from faceparity.datasets.common.atomic_write import write_atomically
from faceparity.datasets.common.errors import UserError
from faceparity.datasets.fetch.artefacts import file_sha256

_known: dict[str, str] = {}
"""sha256 of what was made in this process, or in its parent, by the file's name."""


def known() -> dict[str, str]:
    """Return the sha256 of every file made in this process, for `trust` in its workers."""
    return dict(_known)


def trust(made: Mapping[str, str]) -> None:
    """Take files as whole that have these sha256, by name, without making them once more."""
    _known.update(made)


def derived(name: str, make: Callable[[], bytes], check: Callable[[bytes], None] | None = None) -> Path:
    """Return the file NAME among the artefacts, which holds what `make` gives: the same bytes at every call.

    check: of bytes that are not on the disk yet; raises what is wrong with them. Raises UserError where it can't be
    written.
    """
    path = paths.artefacts() / name
    if name in _known and _sha256(path) == _known[name]:
        return path
    data = make()
    sha256 = hashlib.sha256(data).hexdigest()
    if _sha256(path) != sha256:
        if check is not None:
            check(data)
        try:
            paths.make_folder(path.parent)
            write_atomically(path, data, private=True, shared=True)
        except OSError as error:
            raise UserError(f"{path.parent}: can't be written to ({error.strerror}); {paths.SET_IT}") from error
    _known[name] = sha256
    return path


def state_of(name: str, make: Callable[[], bytes]) -> Literal["whole", "replaced", "absent"]:
    """Compare the file NAME, if it is there, with what `make` gives."""
    found = _sha256(paths.artefacts() / name)
    if not found:
        return "absent"
    return "whole" if found == hashlib.sha256(make()).hexdigest() else "replaced"


def _sha256(path: Path) -> str:
    """Of the file; empty where there is none that can be read."""
    try:
        return file_sha256(path)
    except OSError:
        return ""
