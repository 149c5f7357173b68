"""From files to templates.

Every sample that the store does not have yet is decoded, its face detected, aligned and embedded.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.schema.card import FacesPolicy
from faceparity.datasets.schema.dataset import Dataset
from faceparity.harness.execution import process_pool, worker
from faceparity.harness.execution.backend import Backend, LocalBackend
from faceparity.harness.execution.worker import ImageJob, ImageOutcome, Opener, OpenerWithFaces, open_by_name
from faceparity.harness.execution.worker_deaths import advice, explained, is_lost, lost_words
from faceparity.harness.execution.worker_process import WorkersEndedError
from faceparity.harness.models.base.answer_check import is_usable
from faceparity.harness.models.base.model import Extraction, Model, faces_policy, with_faces
from faceparity.harness.models.base.plugin_guard import opening
from faceparity.harness.templates.store import Store

Progress = Callable[[int, int], None]
"""Called with the number of images done and of all that were to be extracted, after each batch; first with 0."""

BATCH = 8
"""Images in one batch, for any number of workers. Small, so that little is lost when a run is broken off, and so that no
worker is idle for long while another has the last batch."""

WORTH_A_PROCESS = 4 * BATCH
"""Fewer images than this are done before a worker process has started."""

_FAULTS_IN_A_ROW = 4 * BATCH


class ModelFailedError(UserError):
    """The model raised on every image it was given: the fault is the model's or its libraries', not the images'."""


@dataclass(frozen=True, eq=False)
class Templates:
    """The result of extraction for each sample of a data set, in its order.

    n samples, n_ok of them with a template.

    status: str[n], "ok", "no_face" or "unreadable". reasons: n texts, empty where ok; they hold no path.
    vectors: float32[n_ok, dimensions], as the model gave them; samples: int64[n_ok], the sample of each row, ascending.
    faces: int32[n], how many faces were detected. pixels: n digests of the decoded pixels, empty where unreadable.
    covariates: by name, float64[n], nan where there is none (see `Extraction`).
    faces_policy: which of several faces was used; None: the model has no such choice. faces_differ: bool[n], whether the policies
    choose different ones; None as faces_policy.
    extracted: images that were decoded in this call; the others came from the store or have the same content as another.
    """

    status: NDArray[np.str_]
    reasons: tuple[str, ...]
    vectors: NDArray[np.float32]
    samples: NDArray[np.int64]
    faces: NDArray[np.int32]
    pixels: tuple[str, ...]
    covariates: dict[str, NDArray[np.float64]]
    extracted: int
    model_fingerprint: str
    faces_policy: FacesPolicy | None = None
    faces_differ: NDArray[np.bool_] | None = None


def extract(
    dataset: Dataset,
    model_name: str,
    *,
    store: Store,
    workers: int | None = None,
    progress: Progress | None = None,
    opener: Opener = open_by_name,
    backend: Backend | None = None,
    model: Model | None = None,
    faces: FacesPolicy | None = None,
) -> Templates:
    """Extract the templates of every sample.

    Images that the store knows by content are not read again.
    store: entered (`with Store() as store`). workers: processes, by default one for each core this process may use; the result
    is the same bit for bit for any number. opener: how a model is opened, a module-level function. backend: where templates are
    extracted, if not by processes of this machine. model: opened by the same name already. faces: which of several faces to
    use; None: as the data set's card says. What is done is in the store at once, so
    that a run that is broken off (Ctrl-C too) goes on where it was.
    Raises UserError if the model cannot be opened, before anything else; ModelFailedError if it fails on everything;
    WorkersEndedError if worker processes are ended whenever they start, or on everything.
    """
    with opening(model_name):
        with_policy = OpenerWithFaces(opener, faces or dataset.card.faces)
        model = with_policy(model_name) if model is None else with_faces(model, with_policy.policy)
        fingerprint, policy = model.fingerprint(), faces_policy(model)
    key = store_key(fingerprint)
    paths: dict[str, str] = {}
    for file, content in zip(dataset.files, dataset.content, strict=True):
        paths.setdefault(content, str(dataset.root / file))
    # Earlier versions kept templates that no comparison takes, such as all zeros: those images are asked for again.
    # Nor did they keep whether the policies choose different faces of several.
    known = {
        content: extraction
        for content, extraction in store.get(key, paths).items()
        if is_usable(model.card, extraction) and not (policy and extraction.faces > 1 and extraction.faces_differ is None)
    }
    jobs = [ImageJob(path, content) for content, path in paths.items() if content not in known]
    dimensions = model.card.dimensions
    if jobs:
        faults = _Faults(model_name, any(extraction.status != "unreadable" for extraction in known.values()))
        running = _running(jobs, model, model_name, with_policy, store, backend or LocalBackend(workers or cores()))
        known.update(_drain(running, len(jobs), key, store, faults, progress))
    return _assemble([known[content] for content in dataset.content], dimensions, len(jobs), fingerprint, policy)


def store_key(fingerprint: str) -> str:
    """Return the key of a model's templates in the store.

    Its fingerprint, and what turns files into pixels.
    """
    return f"{fingerprint} {worker.decoder()}"


def cores() -> int:
    """Return the number of cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _running(
    jobs: Sequence[ImageJob], model: Model, name: str, opener: Opener, store: Store, backend: Backend
) -> Generator[process_pool.Done, None, None]:
    """Start extraction, in this process where images are few."""
    batches = [jobs[start : start + BATCH] for start in range(0, len(jobs), BATCH)]
    # An image that killed a run which read it in its own process is met by worker processes the next time.
    killed_before = store.take_mark()
    if len(jobs) < WORTH_A_PROCESS and not killed_before and not backend.workers_running:
        return _in_process(batches, model, store)
    return backend.extract(batches, model, name, opener)


def _drain(
    running: Generator[process_pool.Done, None, None],
    total: int,
    key: str,
    store: Store,
    faults: _Faults,
    progress: Progress | None,
) -> dict[str, Extraction]:
    """Take all outcomes of `running`; return extractions by content.

    Each batch is stored as soon as it comes.
    """
    fresh: dict[str, Extraction] = {}
    report = progress or (lambda done, total: None)
    with closing(running):
        report(0, total)
        for batch, outcomes in running:
            done = {job.content: outcome for job, outcome in zip(batch, outcomes, strict=True)}
            store.put(key, {content: outcome.extraction for content, outcome in done.items() if outcome.keep})
            fresh.update({content: outcome.extraction for content, outcome in done.items()})
            faults.count(outcomes)
            report(len(fresh), total)
    faults.conclude()
    return fresh


def _in_process(batches: Sequence[Sequence[ImageJob]], model: Model, store: Store) -> Generator[process_pool.Done, None, None]:
    """Extract batches in this process."""
    with store.attempt(), worker.single_threaded():
        for batch in batches:
            yield batch, worker.run_batch(model, batch)


class _Faults:
    """Tells a model that does not work at all from one that fails on a few images."""

    def __init__(self, name: str, worked: bool) -> None:
        self.name = name
        self.worked = worked
        self.failed = 0
        self.first = ""
        self.lost = 0
        self.words = ""

    def count(self, outcomes: Sequence[ImageOutcome]) -> None:
        """Take in a batch's outcomes.

        Raises as `conclude` does once many images were tried and not one worked.
        """
        faults = [outcome.fault for outcome in outcomes if outcome.fault]
        self.first = self.first or next(iter(faults), "")
        self.failed += len(faults)
        lost = [outcome.extraction.reason for outcome in outcomes if is_lost(outcome.extraction.reason)]
        self.lost += len(lost)
        self.words = lost_words(lost[-1]) if lost else self.words
        self.worked |= any(outcome.extraction.status != "unreadable" for outcome in outcomes)
        if self.failed >= _FAULTS_IN_A_ROW or self.lost >= _FAULTS_IN_A_ROW:
            self.conclude()

    def conclude(self) -> None:
        """Check that the model worked on any image.

        Raises ModelFailedError if the model failed whenever it was tried, WorkersEndedError if its worker was ended each time.
        """
        if self.failed and not self.worked:
            raise ModelFailedError(
                f"the model {self.name} failed on all {self.failed} images it was given, first with {self.first}; "
                "check that it and its libraries are the versions that belong together"
            )
        if self.lost and not self.worked:
            raise WorkersEndedError(
                f"no image could be read: the worker {explained(self.words)}; nothing of that is stored: {advice(self.words)}"
            )


def _assemble(
    found: Sequence[Extraction], dimensions: int, extracted: int, fingerprint: str, policy: FacesPolicy | None
) -> Templates:
    """Put the extractions of all samples together."""
    samples = np.array([index for index, extraction in enumerate(found) if extraction.status == "ok"], np.int64)
    vectors = np.empty((samples.size, dimensions), np.float32)
    for row, sample in zip(vectors, samples, strict=True):
        row[:] = found[sample].template
    names = sorted({name for extraction in found for name in extraction.covariates or {}})
    columns = {
        name: np.array([(extraction.covariates or {}).get(name, np.nan) for extraction in found], np.float64) for name in names
    }
    return Templates(
        status=np.array([extraction.status for extraction in found], "U10"),
        reasons=tuple(extraction.reason for extraction in found),
        vectors=vectors,
        samples=samples,
        faces=np.array([extraction.faces for extraction in found], np.int32),
        pixels=tuple(extraction.pixels for extraction in found),
        covariates=columns,
        extracted=extracted,
        model_fingerprint=fingerprint,
        faces_policy=policy,
        faces_differ=None if policy is None else np.array([bool(extraction.faces_differ) for extraction in found], bool),
    )
