"""What a family of parsers is, and what counts as broken."""

from __future__ import annotations

import shutil
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

Target = Callable[[bytes], object]


class Family(NamedTuple):
    """A parser: good inputs to start from, and what to call."""

    seeds: list[bytes]
    target: Target


class NotTakenError(Exception):
    """A parser's own word for what it does not take."""


def attempt(target: Target, data: bytes) -> str | None:
    """Where it broke: the last line of ours and the error; None if all went well or a user was told."""
    from faceparity.datasets.common.errors import UserError
    from faceparity.datasets.loading.image_files import UnreadableImage

    try:
        target(data)
    except UserError as error:
        if "\n" in str(error):
            return f"more than a line: {error}"
    except (UnreadableImage, NotTakenError):
        pass
    except Exception as error:
        trace = traceback.extract_tb(error.__traceback__)
        ours = [f for f in trace if "site-packages" not in f.filename] or trace
        return f"{type(error).__name__} at {Path(ours[-1].filename).name}:{ours[-1].lineno}: {str(error)[:120]}"
    return None


def fresh(folder: Path) -> Path:
    """An empty folder of that name."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
