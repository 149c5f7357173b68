"""Keep files converted from weights: converted or repaired graphs.

Whoever can replace such a file can replace a digest beside it too. So none is believed: each process converts the weights, whose
sha256 stands on the card, once more, and what lies on the disk must be the same bytes. Worker processes believe their parent.
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


def known_digests() -> dict[str, str]:
    """Return the sha256 of every file made in this process.

    By name, for `trust_digests` in its workers.
    """
    return dict(_known)


def trust_digests(digests: Mapping[str, str]) -> None:
    """Take files of these sha256, by name, as valid.

    They are not made once more.
    """
    _known.update(digests)


def converted_file(name: str, make: Callable[[], bytes], check: Callable[[bytes], None] | None = None) -> Path:
    """Return the path of a file that `make` gives.

    It is called NAME, lies among the artefacts and holds the same bytes at every call. check: of bytes that are not on the disk yet;
    raises what is wrong with them. Raises UserError where the file can't be written.
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
    """Compare a kept file with what `make` gives.

    "whole" if it holds the same bytes, "replaced" if it holds others, "absent" if there is none.
    """
    sha256 = _sha256(paths.artefacts() / name)
    if not sha256:
        return "absent"
    return "whole" if sha256 == hashlib.sha256(make()).hexdigest() else "replaced"


def _sha256(path: Path) -> str:
    """Return a file's sha256; empty if it can't be read."""
    try:
        return file_sha256(path)
    except OSError:
        return ""
