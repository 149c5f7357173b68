"""Speed of extraction, as ratios in one run: `python -m tests.benchmarks.extraction`.

For each model and data set, images per second of
- `pipeline`: what a run's worker does with a file: decode, detect, align, embed, covariates, digest; on all cores;
- `bare`: the model's own detector on decoded images plus the bare onnxruntime call on ready inputs; on all cores;
- `pipeline_decoded`: `pipeline` without reading and decoding the file, which `bare` does not do either;
- `whole`: `extract` itself, with the start of its worker processes and the encrypted store.

Then what people do today, one image after the other in one process: `face_recognition.face_encodings`, OpenCV's FaceDetectorYN
with FaceRecognizerSF, and DeepFace's way (read, detect, align, and a call of onnxruntime with its default threads for each image).
And the dlib descriptor alone, against the library's own network.

Machines are shared: the ways take turns at every eight images, the best of each turn counts, and beside the ratio by the clock stands
that of processor time, which other people's work changes less. Prints one JSON line per figure; the ratios are what counts.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.loading.image_files import decode
from faceparity.datasets.registry import load_dataset
from faceparity.harness.execution import worker
from faceparity.harness.models.assembly.face_choice import largest
from faceparity.harness.models.assembly.pipeline import Pipeline
from faceparity.harness.models.registry import artefacts_of, model_names, open_model
from faceparity.harness.templates.extract import cores, extract
from faceparity.harness.templates.store import Store

MODELS = ("face_recognition", "sface", "mobilefacenet-192", "hse-faceres", "faceplugin-512", "mobileface-v3")
DATASETS = ("london", "us_congress")

_model: Pipeline
_images: list[Any]
_ready: list[Any]
_jobs: list[worker.ImageJob]


def _start(name: str, jobs: Sequence[worker.ImageJob]) -> None:
    """In each process: the model, decoded images and what is ready to be fed to its network; on one thread."""
    global _model, _images, _ready, _jobs
    opened = open_model(name)
    assert isinstance(opened, Pipeline)
    worker._hold_to_one_thread()
    _model, _jobs = opened, list(jobs)
    _images = [decode(Path(job.path).read_bytes()) for job in jobs]
    found = [(image, opened.detector.detect(image)) for image in _images]
    chips = [opened.aligner.align(image, largest(faces, image.shape[:2])) if faces else None for image, faces in found]
    embedder: Any = opened.embedder
    _ready = [None if chip is None else embedder.fed(chip) for chip in chips]


CHUNK = 8
"""Images between two turns; as many as a worker gets at once in a run."""

Part = slice
Way = Callable[[Part], object]


def _pipeline(part: Part) -> None:
    worker.run_batch(_model, _jobs[part])


def _pipeline_decoded(part: Part) -> None:
    _model.extract(_images[part])


def _bare(part: Part) -> None:
    embedder: Any = _model.embedder
    for image in _images[part]:
        _model.detector.detect(image)
    for given in _ready[part]:
        if given is not None:
            embedder._session.run([embedder._output], {embedder._input: given})


WAYS: dict[str, Way] = {"bare": _bare, "pipeline": _pipeline, "pipeline_decoded": _pipeline_decoded}


def _turns(rounds: int) -> dict[str, tuple[float, float]]:
    """Seconds by the clock and of this process for all images, by way: of each chunk the best of `rounds` turns."""
    total = {way: np.zeros(2) for way in WAYS}
    for first in range(0, len(_jobs), CHUNK):
        best = {way: np.full(2, np.inf) for way in WAYS}
        for _ in range(rounds):
            for way, run in WAYS.items():
                before = np.array([time.perf_counter(), time.process_time()])
                run(slice(first, first + CHUNK))
                best[way] = np.minimum(best[way], np.array([time.perf_counter(), time.process_time()]) - before)
        for way in WAYS:
            total[way] += best[way]
    return {way: (float(seconds[0]), float(seconds[1])) for way, seconds in total.items()}


def figures(dataset: Any, name: str, rounds: int, workers: int) -> dict[str, float]:
    """Images per second of each way, every process doing all the images; and the ratios, by the clock and of processor time."""
    jobs = [worker.ImageJob(str(dataset.root / f), c) for f, c in zip(dataset.files, dataset.content, strict=True)]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, _start, (name, jobs)) as pool:
        taken = list(pool.map(_turns, [rounds] * workers))
    rates = {way: sum(len(jobs) / one[way][0] for one in taken) for way in WAYS}
    busy = {way: sum(one[way][1] for one in taken) for way in WAYS}
    out = dict(rates)
    out["per_processor_second"] = len(jobs) * workers / busy["pipeline"]
    for way, key in (("pipeline_decoded", "ratio_decoded"), ("pipeline", "ratio")):
        out[key] = rates[way] / rates["bare"]
        out[f"{key}_of_processor_time"] = busy["bare"] / busy[way]
    with Store(ephemeral=True) as store:
        start = time.perf_counter()
        extract(dataset, name, store=store, workers=workers)
        out["whole"] = len(jobs) / (time.perf_counter() - start)
    return out


def per_second(files: Sequence[Path], one: Callable[[Path], object]) -> tuple[float, float]:
    """Images per second and per second of processor time, one after the other; of each the best of three times."""
    one(files[0])
    total = np.zeros(2)
    for file in files:
        best = np.full(2, np.inf)
        for _ in range(3):
            before = np.array([time.perf_counter(), time.process_time()])
            one(file)
            best = np.minimum(best, np.array([time.perf_counter(), time.process_time()]) - before)
        total += best
    return float(len(files) / total[0]), float(len(files) / total[1])


def library(files: Sequence[Path]) -> tuple[float, float]:
    """`face_recognition.face_encodings` in a loop."""
    import face_recognition

    return per_second(files, lambda file: face_recognition.face_encodings(face_recognition.load_image_file(file)))


def opencv(files: Sequence[Path]) -> tuple[float, float]:
    """FaceDetectorYN, alignCrop and feature, as OpenCV's tutorial has it, on all cores."""
    import cv2
    import onnx

    from faceparity.datasets.fetch.artefacts import path
    from faceparity.harness.models.onnx.repair import drop_weight_inputs, free_batch

    detector_file, weights = (path(artefact) for artefact in artefacts_of("sface"))
    cv2.setNumThreads(cores())
    if hasattr(cv2.utils, "logging"):
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    detector = cv2.FaceDetectorYN.create(str(detector_file), "", (320, 320), 0.6, 0.3, 5000)
    graph = onnx.load(str(weights))  # as shipped, OpenCV 5 can't open it
    drop_weight_inputs(graph)
    free_batch(graph)
    graph.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    recognizer = cv2.FaceRecognizerSF.create("onnx", np.frombuffer(graph.SerializeToString(), np.uint8), np.empty(0, np.uint8))

    def one(file: Path) -> object:
        image = cv2.imread(str(file))
        scale = min(1.0, 640 / max(image.shape[:2]))
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        detector.setInputSize((image.shape[1], image.shape[0]))
        _, faces = detector.detect(image)
        return None if faces is None else recognizer.feature(recognizer.alignCrop(image, faces[0]))

    return per_second(files, one)


def one_at_a_time(files: Sequence[Path]) -> tuple[float, float]:
    """DeepFace's way with SFace: everything for one image before the next, onnxruntime with its default threads."""
    import cv2

    from faceparity.datasets.fetch.artefacts import path
    from faceparity.harness.models.onnx.repair import drop_weight_inputs, free_batch
    from faceparity.harness.models.onnx.session import load_onnxruntime

    model: Any = open_model("sface")
    cv2.setNumThreads(cores())
    import onnx

    graph = onnx.load(str(path(artefacts_of("sface")[1])))
    drop_weight_inputs(graph)
    free_batch(graph)
    ort = load_onnxruntime()
    ort.set_default_logger_severity(3)
    session = ort.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])

    def one(file: Path) -> object:
        image = cv2.cvtColor(cv2.imread(str(file)), cv2.COLOR_BGR2RGB)
        faces = model.detector.detect(image)
        if not faces:
            return None
        chip = model.aligner.align(image, largest(faces, image.shape[:2]))
        return session.run(None, {session.get_inputs()[0].name: model.embedder.fed(chip)})

    return per_second(files, one)


def dlib_stage(chips: int) -> tuple[float, float]:
    """Descriptors per second on ready chips, one thread: dlib's own network, and ours."""
    import dlib
    import face_recognition_models

    from faceparity.harness.models.converters.dlib_onnx import synthetic_chips

    own: Any = open_model("face_recognition")
    net = dlib.face_recognition_model_v1(face_recognition_models.face_recognition_model_location())
    pictures = (synthetic_chips() * (chips // 6 + 1))[:chips]
    rates = []
    for run in (lambda: [net.compute_face_descriptor(p) for p in pictures[:6]], lambda: own.embedder.embed(pictures)):
        n = 6 if not rates else chips
        seconds = []
        for _ in range(3):
            start = time.process_time()  # both keep to one thread
            run()
            seconds.append(time.process_time() - start)
        rates.append(n / min(seconds))
    return rates[0], rates[1]


def equal_to_library(files: Sequence[Path]) -> dict[str, object]:
    """How far descriptors are from the library's, and whether the same images fail. Slow: the library does a few a second."""
    import face_recognition

    model = open_model("face_recognition")
    worst, failed, otherwise = 0.0, 0, 0
    for file in files:
        image = decode(file.read_bytes())
        boxes = face_recognition.api._raw_face_locations(image)
        theirs = face_recognition.face_encodings(image)
        (ours,) = model.extract([image])
        otherwise += (ours.template is None) != (not theirs)
        failed += ours.template is None
        if ours.template is not None and theirs:
            areas = [box.width() * box.height() for box in boxes]
            worst = max(worst, float(np.abs(ours.template - theirs[areas.index(max(areas))]).max()))
    return {"images": len(files), "largest_difference": f"{worst:.1e}", "failed": failed, "failed_otherwise": otherwise}


def show(figure: str, **values: object) -> None:
    """One line of JSON."""
    rounded = {k: round(v, 4 if "ratio" in k else 1) if isinstance(v, float) else v for k, v in values.items()}
    print(json.dumps({"figure": figure, **rounded}), flush=True)


def _small(dataset: str, images: int) -> Any:
    """The set, or a set of some of its images in order of a fixed shuffle."""
    from dataclasses import replace

    whole = load_dataset(dataset)
    if not images or whole.n_samples <= images:
        return whole
    chosen = np.sort(np.random.default_rng(0).permutation(whole.n_samples)[:images])
    return replace(whole, files=[whole.files[i] for i in chosen], content=[whole.content[i] for i in chosen])


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-d", "--dataset", action="append", help=f"default: {' '.join(DATASETS)}")
    parser.add_argument("-m", "--model", action="append", help=f"default: {' '.join(MODELS)}")
    parser.add_argument("--images", type=int, default=64, help="of each set; 0: all")
    parser.add_argument("--others", type=int, default=24, help="images for what people do today; 0: leave it out")
    parser.add_argument("--equal", type=int, default=0, help="compare so many images of each set with the library, one by one")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=cores())
    asked = parser.parse_args()
    show("machine", cores=cores(), workers=asked.workers, load=os.getloadavg()[0])
    if "face_recognition" in (asked.model or MODELS):
        theirs, ours = dlib_stage(60)
        show("dlib descriptor", library=theirs, ours=ours, ratio=ours / theirs)
    assert {model.partition(":")[0] for model in asked.model or MODELS} <= set(model_names())
    for dataset in asked.dataset or DATASETS:
        small = _small(dataset, asked.images)
        rates: dict[str, dict[str, float]] = {}
        for name in asked.model or MODELS:
            try:
                rates[name] = figures(small, name, asked.rounds, asked.workers)
            except UserError as error:
                show("left out", dataset=dataset, model=name, why=str(error))
                continue
            show("extraction", dataset=dataset, model=name, images=len(small.files), **rates[name])
        if asked.equal:
            chosen = _small(dataset, asked.equal)
            show("equal to face_recognition", dataset=dataset, **equal_to_library([chosen.root / f for f in chosen.files]))
        if asked.others:
            _others(dataset, [small.root / f for f in small.files[: asked.others]], rates)


def _others(dataset: str, files: Sequence[Path], rates: dict[str, dict[str, float]]) -> None:
    """What people do today, against the pipeline."""
    for name, model, way in (
        ("face_recognition.face_encodings", "face_recognition", library),
        ("OpenCV FaceRecognizerSF", "sface", opencv),
        ("one image at a time", "sface", one_at_a_time),
    ):
        if model not in rates:
            continue
        try:
            theirs, theirs_busy = way(files)
        except ImportError as error:
            show("left out", dataset=dataset, way=name, why=str(error))
            continue
        ours, ours_busy = rates[model]["pipeline"], rates[model]["per_processor_second"]
        show("against", dataset=dataset, way=name, model=model, theirs=theirs, ours=ours, ratio=ours / theirs,
             ratio_of_processor_time=ours_busy / theirs_busy)  # fmt: skip


if __name__ == "__main__":
    main()
