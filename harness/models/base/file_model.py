"""Models that read the image files themselves: a closed product behind a command, or templates made elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

from faceparity.harness.models.base.answer_check import AnswerError
from faceparity.harness.models.base.model import Extraction


@runtime_checkable
class FileModel(Protocol):
    """A model that reads image files in place of pixels. The files exist; pictures inside archives are unpacked first."""

    def extract_files(self, paths: Sequence[Path], names: Sequence[str]) -> Sequence[Extraction | AnswerError]:
        """Return one result per file, in order.

        For a file without a result it is the reason, an AnswerError. The caller fills in `pixels`. names: each file's path as the data set
        knows it, which is `paths` unless the picture lies in an archive.
        """
        ...
