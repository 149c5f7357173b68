"""Models that read the image files themselves: a closed product behind a command, or templates made elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from faceparity.harness.models.base.answer_check import AnswerError
from faceparity.harness.models.base.model import Extraction


@runtime_checkable
class FileModel(Protocol):
    """A model that is handed paths in place of pixels. What it is handed exists; pictures inside archives are unpacked first."""

    def extract_files(self, paths: Sequence[Path], names: Sequence[str]) -> Sequence[Extraction | AnswerError]:
        """One result per file, in order, or why there is none of it; its `pixels` are filled in by the caller.

        names: each file's path as the data set knows it, which is `paths` unless the picture lies in an archive.
        """
        ...
