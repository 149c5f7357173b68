"""A model as it is sent to workers: its card and the sha256 of its weights.

The weights themselves go only where they are lacking.
"""

from __future__ import annotations

import os
from pathlib import Path

from faceparity.datasets.common.errors import UserError
from faceparity.harness.execution.dask.worker_tasks import Blob, SentModel
from faceparity.harness.execution.worker import Opener
from faceparity.harness.models.assembly.builder import card_with_options
from faceparity.harness.models.base.model import Model, faces_policy
from faceparity.harness.models.registry import assembly_of


def sent_path(path: str | Path) -> str:
    """Return a path as workers get it.

    Absolute: it may mean the same to them, or nothing.
    """
    return os.path.abspath(path)


def to_send(name: str, model: Model, opener: Opener, registered: bool) -> tuple[SentModel, dict[str, Path]]:
    """Describe a model for workers; return its weights' paths too.

    The paths, on this machine, are by sha256, which is checked. registered: `opener` opens what is typed after -m. Code of
    others than faceparity must be installed on the workers. Raises UserError.
    """
    assembly = assembly_of(name) if registered else None
    if assembly is None:
        return SentModel(name, model.fingerprint(), opener), {}
    here = {weights.sha256: assembly.find(weights) for weights in card_with_options(assembly.card, assembly.options).weights}
    paths = {sha256: sent_path(path) for sha256, path in here.items()}
    card = assembly.card.model_dump_json()
    return SentModel(
        assembly.card.name, model.fingerprint(), opener, card, dict(assembly.options), paths, faces_policy(model)
    ), here


def blob(path: Path, sha256: str) -> Blob:
    """Read a file of weights.

    Raises UserError if it went away.
    """
    try:
        return Blob(sha256, path.read_bytes())
    except OSError as error:
        raise UserError(f"{path}: the weights can't be read any more ({error.strerror}); get them again") from error
