"""Extraction on a cluster: batches of images go out, outcomes come back."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from faceparity.datasets.common.errors import UserError
from faceparity.harness.execution.dask import worker_tasks
from faceparity.harness.execution.dask.connection import Cluster
from faceparity.harness.execution.dask.model_transfer import blob, sent_path, to_send
from faceparity.harness.execution.process_pool import Done
from faceparity.harness.execution.worker import ImageJob, ImageOutcome, Opener, OpenerWithFaces, open_by_name, run_batch
from faceparity.harness.execution.worker_deaths import ON_CLUSTER, lost_reason
from faceparity.harness.execution.worker_process import Batch
from faceparity.harness.models.base.model import Extraction, Model

WAITING_PER_THREAD = 2
MOST_TRIES = 4
"""A batch is sent again when a worker lacks weights or images; it cannot lack them more often than this."""


class _Sent(NamedTuple):
    """A batch under way.

    places: positions in the batch of the images that were sent; the others can't be read here either.
    """

    batch: Batch
    places: Sequence[int]
    tries: int


def run_shards(
    cluster: Cluster, batches: Sequence[Batch], model: Model, name: str, opener: Opener
) -> Generator[Done, None, None]:
    """Yield each batch with its outcomes, in any order.

    Dask sends what was on a worker that died to another one, a few times; a batch that was under way whenever workers died
    then goes image by image, with nothing else of this run on the cluster, until the image that kills them is known.
    """
    work = _Extraction(cluster, model, name, opener)
    rest, suspects = list(reversed(batches)), list[Batch]()
    try:
        while rest or work.waiting:
            while rest and len(work.waiting) < max(1, cluster.threads) * WAITING_PER_THREAD:
                work.send(rest.pop())
            for batch, outcomes in work.next_done():
                if outcomes is None:
                    suspects.append(batch)
                else:
                    yield batch, outcomes
        for batch in suspects:
            yield batch, [work.alone(job) for job in batch]
    finally:
        cluster.cancel(list(work.waiting))
        cluster.cancel(list(work.weights.values()))


class _Extraction:
    """The batches under way, and what workers turned out to lack."""

    def __init__(self, cluster: Cluster, model: Model, name: str, opener: Opener) -> None:
        self.cluster, self.model = cluster, model
        plain = opener.opener if isinstance(opener, OpenerWithFaces) else opener
        self.sent_model, self.weights_here = to_send(name, model, opener, plain is open_by_name)
        self.waiting: dict[Any, _Sent] = {}
        self.weights: dict[str, Any] = {}
        self.images_too = False

    def send(self, batch: Batch, tries: int = 1) -> None:
        """Send a batch of images.

        Images go by path until a worker turns out not to see one; then as bytes, and their files' names stay here.
        """
        images = _image_bytes(batch) if self.images_too else None
        places = [at for at, job in enumerate(batch) if images is None or job.content in images]
        jobs = [ImageJob(sent_path(batch[at].path) if images is None else batch[at].content, batch[at].content) for at in places]
        shard = worker_tasks.Shard(self.sent_model, jobs, images)
        future = self.cluster.submit(worker_tasks.extract, shard, list(self.weights.values()))
        self.waiting[future] = _Sent(batch, places, tries)

    def next_done(self) -> list[tuple[Batch, list[ImageOutcome] | None]]:
        """Wait for finished batches; return them with their outcomes.

        The outcomes are None for a batch that was under way whenever workers died.
        """
        done: list[tuple[Batch, list[ImageOutcome] | None]] = []
        for future in self.cluster.next_done(self.waiting):
            sent = self.waiting.pop(future)
            answer = self.cluster.answer(future)
            if isinstance(answer, worker_tasks.Lacking):
                self._supply(answer, sent)
            else:
                done.append((sent.batch, None if answer is None else self._in_order(sent, answer)))
        return done

    def alone(self, job: ImageJob) -> ImageOutcome:
        """Extract one image with nothing else under way."""
        self.send([job])
        while self.waiting:
            for _, outcomes in self.next_done():
                if outcomes:
                    return outcomes[0]
                # Not remembered: nobody says whether the image killed its workers, or something else did.
                return ImageOutcome(Extraction("unreadable", reason=lost_reason(ON_CLUSTER)), keep=False)
        raise RuntimeError("an image went out and nothing came back")

    def _supply(self, lacking: worker_tasks.Lacking, sent: _Sent) -> None:
        """Send what a worker lacks from now on.

        Weights go once to each worker, images with their batch. Raises UserError after MOST_TRIES.
        """
        if sent.tries >= MOST_TRIES:
            raise UserError(f"--dask {self.cluster.address}: a worker cannot keep the weights it is sent; is its disk full?")
        self.images_too |= lacking.images
        for sha256 in sorted(lacking.weights - set(self.weights)):
            self.weights[sha256] = self.cluster.hold(blob(self.weights_here[sha256], sha256))
        self.send(sent.batch, sent.tries + 1)

    def _in_order(self, sent: _Sent, answer: worker_tasks.Extracted) -> list[ImageOutcome]:
        """Return the outcomes in the order of the batch.

        Images that can't be read here are read by the code that says why.
        """
        found = dict(zip(sent.places, answer.outcomes, strict=True))
        return [found[at] if at in found else run_batch(self.model, [job])[0] for at, job in enumerate(sent.batch)]


def _image_bytes(batch: Batch) -> dict[str, bytes]:
    """Return images' bytes by their sha256.

    Only of those that are what they were when the data set was read.
    """
    from faceparity.datasets.loading.image_files import UnreadableImage
    from faceparity.datasets.loading.image_packs import image_bytes

    found = {}
    for job in batch:
        try:
            data = image_bytes(Path(job.path))
        except (OSError, UnreadableImage):
            continue
        if hashlib.sha256(data).hexdigest() == job.content:
            found[job.content] = data
    return found
