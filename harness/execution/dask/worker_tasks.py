"""Jobs that workers run.

Nothing here reads or writes a store, a key or a template on a disk; answers go back to the client. What is sent is packed as
bytes in an array, because Dask logs the arguments of what fails, and ends a worker that lacks a module to unpickle them.
Nothing is raised: a reason is an answer.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.schema.card import FacesPolicy
from faceparity.harness.comparisons.kernel import Bins, PreparedTemplates
from faceparity.harness.comparisons.samples import Samples
from faceparity.harness.comparisons.similarity import F32, Kind
from faceparity.harness.comparisons.tally import I32, ScoreBins, Tally
from faceparity.harness.comparisons.tiles import Strip, tally_tiles
from faceparity.harness.comparisons.tiles import TallyJob as Pass
from faceparity.harness.execution.dask.environment_check import ARITHMETIC, Facts, differences, facts, spills
from faceparity.harness.execution.dask.thread_limits import one_thread
from faceparity.harness.execution.worker import ImageJob, ImageOutcome, Opener, run_batch
from faceparity.harness.models.base.card import ModelCard, Weights
from faceparity.harness.models.base.model import Model


@dataclass(frozen=True, repr=False)
class Ticket:
    """What a worker must be: sent with every job, as workers may come later or start again."""

    facts: Facts
    arithmetic: str


@dataclass(frozen=True, repr=False)
class Blob:
    """A file of weights."""

    sha256: str
    data: bytes


@dataclass(frozen=True, repr=False)
class SentModel:
    """A model to be opened: by name, or from the card of its recipe.

    paths: where each file of weights, by sha256, lies on the client. faces: which of several faces the assembled model uses;
    None: it has no such choice.
    """

    name: str
    fingerprint: str
    opener: Opener
    card: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    paths: Mapping[str, str] = field(default_factory=dict)
    faces: FacesPolicy | None = None


@dataclass(frozen=True, repr=False)
class Shard:
    """Images whose templates a worker extracts.

    images: their files' bytes by sha256, where workers cannot see them; then each job's path is that sha256.
    """

    model: SentModel
    jobs: Sequence[ImageJob]
    images: Mapping[str, bytes] | None = None


@dataclass(frozen=True, repr=False)
class Extracted:
    """One outcome for each job."""

    outcomes: list[ImageOutcome]


@dataclass(frozen=True, repr=False)
class Lacking:
    """What this worker cannot see.

    weights: by sha256. images: whether any image is missing.
    """

    weights: frozenset[str]
    images: bool


@dataclass(frozen=True, repr=False)
class Refused:
    """Why a worker does not do a job, in one line."""

    why: str


Packed = NDArray[np.uint8]


def pack(what: object) -> Packed:
    """Pack an object into bytes for the way."""
    import cloudpickle  # comes with Dask; takes functions of a notebook or a script, too

    return np.frombuffer(cloudpickle.dumps(what), np.uint8)


def unpack(packed: Packed) -> Any:
    """Unpack an object that `pack` packed.

    Raises UserError where its code is not installed.
    """
    try:
        return pickle.loads(packed.data)
    except (ImportError, AttributeError) as error:
        raise UserError(f"{error}; install what the model needs there") from error


def hold(packed: Packed) -> Packed:
    """Return what was sent, so that the worker keeps it.

    It stays for as long as jobs need it, and is sent again if the worker dies.
    """
    return packed


def unfit(ticket: Ticket) -> str:
    """Say why this worker's answers would differ from the others'.

    Empty if they would not.
    """
    from distributed import get_worker

    if differs := differences(ticket.facts, facts()):
        return f"a worker has {', '.join(differs)}: install the same versions there"
    if facts()[ARITHMETIC] != ticket.arithmetic:
        return "a worker rounds the last digits otherwise than the others: use processors of one kind"
    return "a worker came that writes to its disk when memory runs short" if spills(get_worker()) else ""


Answer: TypeAlias = "Extracted | Lacking | BlockTally | Refused"


def _run_job(ticket: Packed, do: Callable[[], Answer]) -> Answer:
    """Run a job if this worker is fit for it.

    Returns its answer, or Refused with the reason.
    """
    try:
        if why := unfit(unpack(ticket)):
            return Refused(why)
        with one_thread():
            return do()
    except UserError as error:
        return Refused(f"a worker could not do it: {' '.join(str(error).split())}")
    except Exception as error:
        return Refused(f"a worker failed ({type(error).__name__})")


def extract(ticket: Packed, shard: Packed, blobs: Sequence[Packed]) -> Answer:
    """Extract the templates of a shard.

    blobs: weights that some workers cannot see.
    """
    return _run_job(ticket, lambda: _extract(unpack(shard), blobs))


def _extract(shard: Shard, blobs: Sequence[Packed]) -> Extracted | Lacking | Refused:
    is_open = bool(_idle.get(shard.model.fingerprint))
    sent = {} if is_open else {blob.sha256: blob.data for blob in map(unpack, blobs)}
    found = _read_images(shard.jobs) if shard.images is None else shard.images
    lacking = _lacking(shard.model, sent)
    if found is None or lacking:
        return Lacking(lacking, found is None)
    with _model(shard.model, sent) as model:
        if model.fingerprint() != shard.model.fingerprint:
            return Refused(f"a worker has another {shard.model.name} (weights, settings or libraries): install the same there")
        return Extracted(run_batch(model, shard.jobs, lambda path: found[str(path)]))


def _read_images(jobs: Sequence[ImageJob]) -> dict[str, bytes] | None:
    """Read the images; return their bytes by path.

    None if one of them is not here, or has other contents.
    """
    from faceparity.datasets.loading.image_files import UnreadableImage
    from faceparity.datasets.loading.image_packs import image_bytes

    found = {}
    for job in jobs:
        try:
            found[job.path] = image_bytes(Path(job.path))
        except (OSError, UnreadableImage):
            return None
        if hashlib.sha256(found[job.path]).hexdigest() != job.content:
            return None
    return found


_lock = Lock()
_idle: dict[str, list[Model]] = {}
_known_paths: dict[str, Path] = {}


@contextmanager
def _model(wanted: SentModel, sent: Mapping[str, bytes]) -> Iterator[Model]:
    """Give an open model that no other thread has.

    Models of another run are let go.
    """
    with _lock:
        for old in set(_idle) - {wanted.fingerprint}:
            del _idle[old]
        idle = _idle.setdefault(wanted.fingerprint, [])
        model = idle.pop() if idle else None
    model = _opened(wanted, sent) if model is None else model
    try:
        yield model
    finally:
        with _lock:
            _idle.setdefault(wanted.fingerprint, []).append(model)


def _opened(wanted: SentModel, sent: Mapping[str, bytes]) -> Model:
    from faceparity.harness.models.assembly.builder import assemble

    if not wanted.card:
        return wanted.opener(wanted.name)

    def find(weights: Weights) -> Path:
        path = _find_weights(weights, wanted, sent)
        if path is None:
            raise UserError(f"{weights.file} is not here")
        return path

    model = assemble(ModelCard.model_validate_json(wanted.card), wanted.options, find)
    return model if wanted.faces is None else model.with_faces(wanted.faces)


def _lacking(wanted: SentModel, sent: Mapping[str, bytes]) -> frozenset[str]:
    """Return the weights, by sha256, neither here nor sent."""
    from faceparity.harness.models.assembly.builder import card_with_options

    if not wanted.card or _idle.get(wanted.fingerprint):
        return frozenset()
    weights = card_with_options(ModelCard.model_validate_json(wanted.card), wanted.options).weights
    return frozenset(one.sha256 for one in weights if _find_weights(one, wanted, sent) is None)


def _find_weights(weights: Weights, wanted: SentModel, sent: Mapping[str, bytes]) -> Path | None:
    """Find a file of weights here, its sha256 checked.

    Where the client has it, where this machine has it, or as sent; None if it is nowhere.
    """
    from faceparity.datasets.fetch.artefacts import file_sha256
    from faceparity.harness.models.assembly.builder import finder

    sha256 = weights.sha256
    with _lock:
        if (known := _known_paths.get(sha256)) is not None and known.is_file():
            return known
    theirs = Path(wanted.paths.get(sha256, ""))
    path = theirs if theirs.is_file() and file_sha256(theirs) == sha256 else None
    if path is None:
        try:
            path = finder(wanted.name)(weights)
        except UserError:
            path = _write_weights(weights, sent[sha256]) if sha256 in sent else None
    if path is not None:
        with _lock:
            _known_paths[sha256] = path
    return path


def _write_weights(weights: Weights, data: bytes) -> Path:
    """Write weights that were sent into the worker's own folder.

    The folder goes when the worker ends.
    """
    from distributed import get_worker

    from faceparity.datasets.common.atomic_write import write_atomically

    path = Path(get_worker().local_directory) / "faceparity-weights" / (weights.sha256 + Path(weights.file).suffix)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    write_atomically(path, data, private=True, shared=True)
    return path


@dataclass(frozen=True, repr=False)
class Slab:
    """Prepared templates of consecutive strips.

    templates: [n, dimensions]; squares, subjects: [n]. start: the first row's position among all rows.
    """

    start: int
    templates: F32
    squares: F32
    subjects: I32


@dataclass(frozen=True, repr=False)
class Block:
    """Tiles of one slab, or of two.

    strips, tiles and identical are numbered within the slabs put one after the other.
    """

    strips: list[Strip]
    tiles: list[tuple[int, int]]
    identical: Mapping[tuple[int, int], tuple[I32, I32]]
    n_cells: int
    kind: Kind
    grid: ScoreBins
    floor: float
    dense: F32
    bins: Bins
    longest: float
    cap: float


@dataclass(frozen=True, repr=False)
class BlockTally:
    """The tally of a block, samples and cells numbered as in it.

    held: entries of its ledger, or those it contained before it was given up.
    """

    tally: Tally
    held: int


def tally(ticket: Packed, block: Packed, slabs: Sequence[Packed]) -> Answer:
    """Tally the comparisons of a block."""
    return _run_job(ticket, lambda: _tally(unpack(block), [unpack(slab) for slab in slabs]))


def _tally(block: Block, slabs: Sequence[Slab]) -> BlockTally:
    edge = int(np.searchsorted(block.grid.edges, np.float32(block.floor)))
    on_edge = edge < block.grid.n and block.grid.edges[edge] == np.float32(block.floor)
    # Of a floor between two edges the histograms do not tell how many reach it: then all are kept.
    found = tally_tiles(_job_of(block, slabs), block.tiles, 1, block.cap if on_edge else np.inf)
    return BlockTally(found, int(found.non_mated[:, :, edge:].sum()) if on_edge else len(found.ledger))


def _job_of(block: Block, slabs: Sequence[Slab]) -> Pass:
    """Return a block's own tally job.

    It has the bounds of all templates.
    """
    templates, squares, subjects = (
        np.ascontiguousarray(np.concatenate([getattr(slab, name) for slab in slabs]))
        for name in ("templates", "squares", "subjects")
    )
    none = np.zeros(subjects.size, np.int32)
    samples = Samples(templates, subjects, none, none, block.n_cells, np.empty((0, 2), np.int32))
    prepared = PreparedTemplates(templates, squares, subjects, block.kind == "euclidean", block.longest)
    return Pass(
        samples, block.kind, block.grid, block.floor, block.dense, block.bins, prepared, block.strips, dict(block.identical)
    )
