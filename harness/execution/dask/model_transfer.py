"""A model as it is sent to workers: its card and the sha256 of its weights; the weights themselves only where they are lacking."""

from __future__ import annotations

import os
from pathlib import Path

from faceparity.datasets.common.errors import UserError
from faceparity.harness.execution.dask.worker_tasks import Blob, SentModel
from faceparity.harness.execution.worker import Opener
from faceparity.harness.models.assembly.builder import card_with_options
from faceparity.harness.models.base.model import Model
from faceparity.harness.models.registry import assembly_of


def told(path: str | Path) -> str:
    """A path as workers get it: it may mean the same to them, or nothing."""
    return os.path.abspath(path)


def to_send(name: str, model: Model, opener: Opener, registered: bool) -> tuple[SentModel, dict[str, Path]]:
    """The model, and where each file of its weights lies on this machine, by its sha256, which is checked. Raises UserError.

    registered: `opener` opens what is typed after -m. Code of others than faceparity must be installed on the workers.
    """
    made = assembly_of(name) if registered else None
    if made is None:
        return SentModel(name, model.fingerprint(), opener), {}
    here = {w.sha256: made.find(w) for w in card_with_options(made.card, made.options).weights}
    paths = {sha256: told(path) for sha256, path in here.items()}
    card = made.card.model_dump_json()
    return SentModel(made.card.name, model.fingerprint(), opener, card, dict(made.options), paths), here


def blob(path: Path, sha256: str) -> Blob:
    """A file of weights. Raises UserError if it went away."""
    try:
        return Blob(sha256, path.read_bytes())
    except OSError as error:
        raise UserError(f"{path}: the weights can't be read any more ({error.strerror}); get them again") from error
