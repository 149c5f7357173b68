"""What keeping templates encrypted costs, as a share of making them: `python -m tests.benchmarks.encryption`.

Seconds per image, by the clock and of processor time, in batches as a run has them, in one process on one thread:
- `extraction`: read, decode, detect, align, embed;
- `sealing` and `opening`: AES-256-GCM alone;
- `writing`: pack, seal, write, sync to the disk, as a run does after every batch;
- `reading`: find, read, open and unpack all of them, as a run does that has nothing to extract.

The ways take turns at every batch, and of each batch the best of several rounds counts, since machines are shared. Shares are of
`extraction`; asked: `writing` at most 10 %. `with_workers`: writing is done by one process while so many extract, so that this is the
share of the clock that it would take if nothing overlapped. Prints one JSON line per data set and model.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from faceparity.datasets.registry import load_dataset
from faceparity.harness.execution import worker
from faceparity.harness.models.registry import open_model
from faceparity.harness.templates import shard_codec
from faceparity.harness.templates.encryption import Keyring
from faceparity.harness.templates.extract import BATCH, cores
from faceparity.harness.templates.store import Store

ASKED = 0.1
T = TypeVar("T")
Seconds = NDArray[np.float64]
"""float64[2]: by the clock, of this process."""


def timed(run: Callable[[], T]) -> tuple[T, Seconds]:
    """What it returns, and how long it took."""
    before = np.array([time.perf_counter(), time.process_time()])
    value = run()
    return value, np.array([time.perf_counter(), time.process_time()]) - before


def measure(dataset: str, name: str, images: int, rounds: int, folder: Path) -> dict[str, Seconds]:
    """Seconds per image of each way."""
    data = load_dataset(dataset)
    chosen = np.sort(np.random.default_rng(0).permutation(data.n_samples)[: images or None])
    jobs = [worker.ImageJob(str(data.root / data.files[i]), data.content[i]) for i in chosen]
    batches = [jobs[start : start + BATCH] for start in range(0, len(jobs), BATCH)]
    keys = Keyring(folder / "keys")
    total = {way: np.zeros(2) for way in ("extraction", "sealing", "opening", "writing")}
    with worker.single_threaded():
        model = open_model(name)
        worker.run_batch(model, batches[0])
        for batch in batches:
            best = {way: np.full(2, np.inf) for way in total}
            for turn in range(rounds):
                seconds = one_batch(lambda part: worker.run_batch(model, part), batch, folder / f"store{turn}", keys, name)
                best = {way: np.minimum(best[way], seconds[way]) for way in best}
            total = {way: total[way] + best[way] for way in total}
    total["reading"] = np.min(
        [read_all(folder / f"store{turn}", keys, name, [job.content for job in jobs]) for turn in range(rounds)], axis=0
    )
    return {way: seconds / len(jobs) for way, seconds in total.items()}


def one_batch(
    extracted: Callable[[Sequence[worker.ImageJob]], list[worker.ImageOutcome]],
    batch: Sequence[worker.ImageJob],
    store: Path,
    keys: Keyring,
    of: str,
) -> dict[str, Seconds]:
    """Seconds of each way for one batch."""
    outcomes, extraction = timed(lambda: extracted(batch))
    made = {job.content: one.extraction for job, one in zip(batch, outcomes, strict=True)}
    packed = shard_codec.pack({keys.digest("entry", of, content): one for content, one in made.items()})
    sealed, sealing = timed(lambda: keys.seal(packed, "benchmark"))
    opened, opening = timed(lambda: keys.open(sealed, "benchmark"))
    assert opened == packed
    with Store(store, keys) as held:
        _, writing = timed(lambda: held.put(of, made))
    return {"extraction": extraction, "sealing": sealing, "opening": opening, "writing": writing}


def read_all(store: Path, keys: Keyring, of: str, contents: Sequence[str]) -> Seconds:
    """Seconds that it takes to get everything back."""
    with Store(store, keys) as held:
        found, seconds = timed(lambda: held.get(of, contents))
    assert len(found) == len(set(contents))
    return seconds


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-d", "--dataset", action="append", help="default: control")
    parser.add_argument("-m", "--model", action="append", help="default: sface")
    parser.add_argument("--images", type=int, default=64, help="of each set; 0: all")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=cores())
    asked = parser.parse_args()
    for dataset in asked.dataset or ["control"]:
        for model in asked.model or ["sface"]:
            with tempfile.TemporaryDirectory(prefix="encryption-") as folder:
                found = measure(dataset, model, asked.images, asked.rounds, Path(folder))
            share = {way: seconds / found["extraction"] for way, seconds in found.items() if way != "extraction"}
            line = {
                "dataset": dataset,
                "model": model,
                "images": asked.images,
                "load": round(os.getloadavg()[0], 1),
                "milliseconds_per_image": {way: [round(1e3 * s, 3) for s in seconds] for way, seconds in found.items()},
                "share_of_extraction": {way: [round(s, 4) for s in both] for way, both in share.items()},
                "with_workers": [asked.workers, round(share["writing"][0] * asked.workers, 4)],
                "asked": ASKED,
                "met": bool(share["writing"].max() <= ASKED),
            }
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
