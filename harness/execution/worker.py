"""One worker: reads images, hands them to a model, and reports what became of each.

Everything runs on one thread, so that no library's own threads decide how sums are rounded.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple

from faceparity.datasets.schema.card import FacesPolicy
from faceparity.harness.models.base.answer_check import AnswerError, check
from faceparity.harness.models.base.file_model import FileModel
from faceparity.harness.models.base.model import Extraction, Image, Model, with_faces
from faceparity.harness.models.base.plugin_guard import ModelRaisedError, raised_by_model, watch_interrupts
from faceparity.harness.models.custom.subprocess_pipes import kill_running
from faceparity.harness.models.onnx import converted_cache
from faceparity.harness.models.vision.pixels import pixels_digest

Opener = Callable[[str], Model]
"""Opens a model by name; a module-level function, since workers get it by its name."""


@dataclass(frozen=True)
class OpenerWithFaces:
    """Opens a model as another opener does, and gives it which of several faces to use."""

    opener: Opener
    policy: FacesPolicy

    def __call__(self, name: str) -> Model:
        """Open the model."""
        return with_faces(self.opener(name), self.policy)


PIXELS_AT_ONCE = 1 << 26
"""Most bytes of decoded images that a worker hands to a model at once, which bounds its memory."""

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
)


def open_by_name(name: str) -> Model:
    """Open a registered model, as worker processes do."""
    from faceparity.harness.models.registry import open_model

    return open_model(name)


class ImageJob(NamedTuple):
    """One image: its path, as `datasets.loading.image_packs` takes it, and the sha256 of the bytes that the data set was read with."""

    path: str
    content: str


class ImageOutcome(NamedTuple):
    """What became of one image.

    keep: whether it will be the same the next time, so that the store may remember it.
    fault: what the model raised on this image alone, empty if nothing.
    """

    extraction: Extraction
    keep: bool = True
    fault: str = ""


class _DecodedImage(NamedTuple):
    """A decoded image that waits for the model."""

    at: int
    image: Image
    path: str


Reader = Callable[[Path], bytes]
"""Gives the bytes of an image, or raises OSError or UnreadableImage."""


def run_batch(model: Model, jobs: Sequence[ImageJob], read: Reader | None = None) -> list[ImageOutcome]:
    """Extract a batch; return one outcome per job, in order.

    The images' sizes alone decide how many the model gets at once. read: where images come from, by default their files; models
    that read files themselves need those.
    """
    outcomes: dict[int, ImageOutcome] = {}
    waiting: list[_DecodedImage] = []
    size = 0
    for index, job in enumerate(jobs):
        image = _load(job, read)
        if isinstance(image, ImageOutcome):
            outcomes[index] = image
            continue
        waiting.append(_DecodedImage(index, image, job.path))
        size += image.nbytes
        if size >= PIXELS_AT_ONCE:
            outcomes.update(_extract(model, waiting))
            waiting, size = [], 0
    outcomes.update(_extract(model, waiting))
    return [outcomes[index] for index in range(len(jobs))]


def _load(job: ImageJob, read: Reader | None) -> Image | ImageOutcome:
    """Decode an image, or say why it can't be.

    A file that changed since the data set was read must not enter the store.
    """
    from faceparity.datasets.loading.image_files import UnreadableImage, decode
    from faceparity.datasets.loading.image_packs import image_bytes

    try:
        data = (read or image_bytes)(Path(job.path))
        if hashlib.sha256(data).hexdigest() != job.content:
            return ImageOutcome(Extraction("unreadable", reason="changed since the data set was read"), keep=False)
        return decode(data)
    except UnreadableImage as error:
        # Running out of memory says something about today, not about the image.
        return ImageOutcome(Extraction("unreadable", reason=error.reason), keep=not isinstance(error.__context__, MemoryError))
    except OSError as error:
        return ImageOutcome(Extraction("unreadable", reason=f"cannot be opened: {error.strerror}"), keep=False)


def _extract(model: Model, waiting: Sequence[_DecodedImage]) -> Iterator[tuple[int, ImageOutcome]]:
    """Yield each waiting image's index and outcome.

    If the model fails on a group, each image of it is tried alone, so that one image cannot cost the others. Raises OutOfStepError.
    """
    if not waiting:
        return
    try:
        with watch_interrupts():
            answers = _answers(model, waiting)
    except ModelRaisedError as error:
        if len(waiting) == 1:
            yield waiting[0].at, _failed(error.__cause__)
            return
        for decoded in waiting:
            yield from _extract(model, [decoded])
        return
    for decoded, answer in zip(waiting, answers, strict=True):
        yield decoded.at, _checked(model, decoded, answer)


def _answers(model: Model, waiting: Sequence[_DecodedImage]) -> list[object]:
    """Ask the model about images; return its answers, unchecked.

    Raises ModelRaisedError for anything that is not one answer for each.
    """
    with raised_by_model():
        answers = list(
            _from_files(model, waiting) if isinstance(model, FileModel) else model.extract([decoded.image for decoded in waiting])
        )
        if len(answers) != len(waiting):
            raise AnswerError(f"the model returned {len(answers)} results for {len(waiting)} images")
        return answers


def _failed(error: BaseException | None) -> ImageOutcome:
    """Return the outcome of an image the model failed on.

    It is not kept: a model that is mended meets the image again.
    """
    reason = error.reason if isinstance(error, AnswerError) else f"the model failed on it ({type(error).__name__})"
    fault = str(error) if isinstance(error, AnswerError) else f"{type(error).__name__}: {error}"
    return ImageOutcome(Extraction("unreadable", reason=reason), keep=False, fault=fault)


def _checked(model: Model, decoded: _DecodedImage, answer: object) -> ImageOutcome:
    """Check an answer; add the digest of the image's pixels.

    Answers of all kinds of model are checked here.
    """
    try:
        with raised_by_model():
            extraction = check(model.card, answer)
    except ModelRaisedError as error:
        return _failed(error.__cause__)
    if isinstance(model, FileModel) or not extraction.pixels:
        extraction = replace(extraction, pixels=pixels_digest(decoded.image))
    return ImageOutcome(extraction)


def _from_files(model: FileModel, waiting: Sequence[_DecodedImage]) -> Sequence[object]:
    """Give the files themselves to the model.

    A picture out of an archive becomes a file of its own.
    """
    import tempfile

    from faceparity.datasets.loading.image_packs import image_bytes

    with tempfile.TemporaryDirectory(prefix="faceparity-") as folder:
        paths = []
        for decoded in waiting:
            path = Path(decoded.path)
            if not path.is_file():
                path = Path(folder) / f"image{decoded.at}"
                path.write_bytes(image_bytes(Path(decoded.path)))
            paths.append(path)
        return model.extract_files(paths, [decoded.path for decoded in waiting])


def decoder() -> str:
    """Name what turns files into pixels.

    Another Pillow or other code here gives other pixels, or reads what could not be read.
    """
    from PIL import __version__, features

    from faceparity.datasets.loading import image_files

    code = hashlib.sha256(Path(image_files.__file__).read_bytes()).hexdigest()
    return f"pillow {__version__} jpeg {features.version('libjpeg_turbo') or features.version('jpg')} {code}"


def _hold_to_one_thread() -> Any:
    """Limit numerical libraries to one thread; return the limits."""
    import cv2
    from threadpoolctl import threadpool_limits

    cv2.setNumThreads(1)
    return threadpool_limits(1)


@contextmanager
def single_threaded() -> Iterator[None]:
    """Hold BLAS, OpenMP and OpenCV to one thread.

    The former limits come back when the context ends.
    """
    import cv2

    before = cv2.getNumThreads()
    limits = _hold_to_one_thread()
    try:
        yield
    finally:
        limits.restore_original_limits()
        cv2.setNumThreads(before)


def serve(name: str, opener: Opener, batches: Connection, alive: Connection, made: Mapping[str, str]) -> None:
    """Serve batches as a worker process.

    Opens the model, sends None, then answers each batch with its outcomes until the pipe closes. What is raised is sent instead.
    It ends at once when the other end of `alive` closes: when the parent is killed.
    made: what the parent knows of files made from weights (`converted_cache.known`).
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(alive,), daemon=True).start()
    converted_cache.trust_digests(made)
    try:
        model = opener(name)
        # After the model, since only libraries that are loaded can be limited; those that read their environment are already.
        _hold_to_one_thread()
        batches.send(None)
        while (jobs := _next_batch(batches)) is not None:
            batches.send(run_batch(model, jobs))
    except Exception as error:
        with suppress(OSError):
            batches.send(_sendable(error))


def _next_batch(batches: Connection) -> Sequence[ImageJob] | None:
    """Receive a batch; None if the parent wants no more."""
    try:
        jobs: Sequence[ImageJob] = batches.recv()
    except (EOFError, OSError):
        return None
    return jobs


def _sendable(error: Exception) -> Exception:
    """Add an error's traceback as a note, for the parent.

    Returns its kind and text alone if it cannot be sent.
    """
    error.add_note("".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _end_with(alive: Connection) -> None:
    """End this process when the parent's pipe closes."""
    with suppress(EOFError, OSError):
        alive.recv_bytes()
    kill_running()
    os._exit(1)
