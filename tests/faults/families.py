"""The parsers that take files from strangers, each with good input to spoil. The readers of data sets: `reader_families`."""

from __future__ import annotations

import io
import pickle
import tarfile
import zipfile
from collections.abc import Callable
from functools import partial
from importlib import resources
from pathlib import Path

import numpy as np

from tests.datasets import miniature_sets as mini
from tests.datasets import pair_layouts as layouts
from tests.faults.fuzzing import Family, NotTakenError, fresh
from tests.faults.reader_families import READERS, reader
from tests.harness import torch_writer

HEAD = "subject_a,subject_b,mated,score,gender_a,gender_b,sample_a,sample_b\n"


def families(base: Path) -> dict[str, Callable[[], Family]]:
    """Every family by name; what it needs lies under `base`."""
    parsers = {
        "labels": labels, "pairs": pairs, "archives": archives, "pickles": pickles, "mat": mat, "images": images, "onnx": onnx_file,
        "dat": dat, "scores": scores, "parquet": parquet, "results": results, "torch": torch_file, "toml": toml, "shards": shards,
    }  # fmt: skip
    readers = {f"reader:{name}": partial(reader, name, base) for name in READERS}
    return {**{name: partial(make, base) for name, make in parsers.items()}, **readers}


def in_file(path: Path, parse: Callable[[Path], object]) -> Callable[[bytes], object]:
    """A parser of files as one of bytes."""

    def target(data: bytes) -> object:
        path.write_bytes(data)
        return parse(path)

    return target


def labels(base: Path) -> Family:
    """A folder's labels.csv, as far as the data set."""
    from faceparity.datasets.registry import load_dataset

    folder = fresh(base / "labels")
    for person in range(3):
        mini.put(folder, f"{person}.png", person)
    seeds = [
        b"file,subject,gender,age\n0.png,a,F,18\n1.png,b,M,70+\n2.png,b,,30-44\n",
        '\ufefffile;person;ethnicity\r\n0.png;\u00e9;Black\r\n1.png;"x;y";White\r\n'.encode(),
        b"image\tid\trace\n0.png\t1\tB\n1.png\t2\tW\n",
    ]
    return Family(seeds, in_file(folder / "labels.csv", lambda path: load_dataset(f"folder={path.parent}")))


def pairs(base: Path) -> Family:
    """LFW's list of pairs."""
    from faceparity.datasets.registry import load_dataset

    root = layouts.make_lfw(fresh(base / "pairs"))
    (path,) = root.rglob("pairs.txt")
    return Family([path.read_bytes()], in_file(path, lambda _: load_dataset(f"lfw={root}")))


def archives(base: Path) -> Family:
    """Zip and tar."""
    from faceparity.datasets.formats.safe_extract import unpack

    seeds = []
    for packing in (zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED):
        held = io.BytesIO()
        with zipfile.ZipFile(held, "w", packing) as z:
            z.writestr("a/b.txt", b"x" * 500)
            z.writestr("c.txt", b"y" * 50)
        seeds.append(held.getvalue())
    for mode in ("w:gz", "w:"):
        held = io.BytesIO()
        with tarfile.open(None, mode, held) as t:  # type: ignore[call-overload]
            entry = tarfile.TarInfo("a/b.txt")
            entry.size = 500
            t.addfile(entry, io.BytesIO(b"x" * 500))
        seeds.append(held.getvalue())

    def target(data: bytes) -> None:
        folder = fresh(base / "archives")
        path = folder / ("a.zip" if data[:2] == b"PK" else "a.tar.gz" if data[:2] == b"\x1f\x8b" else "a.tar")
        path.write_bytes(data)
        try:
            unpack(path, folder / "out", max_bytes=1 << 20)
        finally:
            left = {p.name for p in folder.iterdir()} - {path.name, "out"}
            assert not left, f"{left} was left beside the archive"

    return Family(seeds, target)


def pickles(base: Path) -> Family:
    """insightface's packs."""
    from faceparity.datasets.formats.safe_pickle import read_pack

    folder = fresh(base / "pickles")
    made = [layouts.make_pack(folder / f"{n}.bin", people=3, each=2, arrays=bool(n)).read_bytes() for n in range(2)]
    return Family([*made, pickle.dumps(([b"x", b"y"], [True]), 4)], in_file(folder / "p.bin", read_pack))


def mat(base: Path) -> Family:
    """AgeDB's protocol; what is no such file at all goes no further than its reader."""
    from scipy.io import loadmat, savemat

    from faceparity.datasets.formats.matlab import MatlabError, read_matlab
    from faceparity.datasets.registry import load_dataset

    root = layouts.make_agedb(fresh(base / "mat"))
    (path,) = root.rglob("*.mat")
    plain = io.BytesIO()
    savemat(plain, {"splits": loadmat(path)["splits"]})
    whole = in_file(path, lambda _: load_dataset(f"agedb30={root}"))

    def target(data: bytes) -> None:
        try:
            read_matlab(data)
        except MatlabError as error:
            raise NotTakenError from error
        whole(data)

    return Family([path.read_bytes(), plain.getvalue()], target)


def images(base: Path) -> Family:
    """Pictures of each format."""
    from faceparity.datasets.loading.image_files import decode

    seeds = []
    for kind in ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM"):
        held = io.BytesIO()
        mini.face(0, 1).save(held, kind)
        seeds.append(held.getvalue())
    return Family(seeds, decode)


def onnx_file(base: Path) -> Family:
    """A graph of a user's own, as far as an open model."""
    import onnx
    from onnx import helper

    from faceparity.harness.models.registry import load_model_card, open_model

    image = helper.make_tensor_value_info("x", 1, ["n", 3, 8, 8])
    answer = helper.make_tensor_value_info("y", 1, ["n", 4])
    weight = onnx.numpy_helper.from_array(np.ones((192, 4), np.float32), "w")
    nodes = [helper.make_node("Flatten", ["x"], ["f"]), helper.make_node("MatMul", ["f", "w"], ["y"])]
    model = helper.make_model(
        helper.make_graph(nodes, "g", [image], [answer], [weight]), opset_imports=[helper.make_opsetid("", 17)]
    )
    model.ir_version = 8  # later ones are not taken by every onnxruntime
    folder = fresh(base / "onnx")
    card = folder / "m.toml"
    card.write_text(
        'onnx = "m.onnx"\nlicence = "MIT"\ndetector = "none"\nalignment = "whole"\ninput = { size = 8 }\nintended = ["dimensions"]\n'
    )

    def opened(_: Path) -> None:
        load_model_card(str(card))
        open_model(str(card))

    return Family([model.SerializeToString()], in_file(folder / "m.onnx", opened))


def dat(base: Path) -> Family:
    """dlib's networks."""
    import face_recognition_models

    from faceparity.harness.models.converters.dlib_format import DlibFormatError, read_network

    def target(data: bytes) -> None:
        try:
            read_network(data)
        except DlibFormatError as error:
            raise NotTakenError from error

    return Family([Path(face_recognition_models.face_recognition_model_location()).read_bytes()], target)


def scores(base: Path) -> Family:
    """`faceparity score` on a CSV, as far as the result."""
    rows = [f"s{i % 13},s{i % 11},{int(i % 13 == i % 11)},{i / 40},F,M,a{i},b{i}\n" for i in range(40)]
    return Family([(HEAD + "".join(rows)).encode()], in_file(fresh(base / "scores") / "s.csv", _scored))


def parquet(base: Path) -> Family:
    """`faceparity score` on a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    n = 40
    columns: dict[str, list[object]] = {
        "subject_a": [f"s{i % 13}" for i in range(n)], "subject_b": [f"s{i % 11}" for i in range(n)],
        "mated": [i % 13 == i % 11 for i in range(n)], "score": [i / n for i in range(n)], "gender_a": ["F"] * n, "gender_b": ["M"] * n,
    }  # fmt: skip
    path = fresh(base / "parquet") / "s.parquet"
    pq.write_table(pa.table(columns), path)
    return Family([path.read_bytes()], in_file(path, _scored))


def _scored(path: Path) -> object:
    from faceparity.harness.options import Options
    from faceparity.harness.score_files.evaluate import evaluate_scores

    return evaluate_scores(path, Options())


def results(base: Path) -> Family:
    """results.json, as `report` reads it."""
    from faceparity.harness.results import to_json
    from faceparity.harness.runs.result_files import load_results

    folder = fresh(base / "results")
    made = to_json(_scored(_good_scores(folder)))  # type: ignore[arg-type]
    return Family([made.encode()], in_file(folder / "results.json", lambda path: load_results(path.parent)))


def _good_scores(folder: Path) -> Path:
    path = folder / "s.csv"
    path.write_bytes(scores(folder).seeds[0])
    return path


def torch_file(base: Path) -> Family:
    """State dicts as PyTorch writes them, in both forms."""
    from faceparity.harness.models.converters.torch_state_dict import TorchFormatError, read_state

    state = {"w": np.arange(24, dtype=np.float32).reshape(2, 3, 4), "n": np.array(7, np.int64)}
    with torch_writer.as_if_installed():
        seeds = [torch_writer.saved(state, in_a_zip) for in_a_zip in (False, True)]

    def target(data: bytes) -> None:
        try:
            read_state(data)
        except TorchFormatError as error:
            raise NotTakenError from error

    return Family(seeds, target)


def toml(base: Path) -> Family:
    """What users write: cards of models, settings of a folder, scenarios, claims, suites."""
    from faceparity.datasets.registry import load_dataset
    from faceparity.harness.claims import read_claim
    from faceparity.harness.models.registry import load_model_card
    from faceparity.harness.scenarios.load import load_scenarios, preset_names, preset_text
    from faceparity.harness.suite.suite_file import read_suite

    folder = fresh(base / "toml")
    mini.put(folder, "0.png", 0)
    (folder / "labels.csv").write_text("file,subject,sex\n0.png,a,F\n")

    def target(data: bytes) -> None:
        file = folder / "m.toml"
        file.write_bytes(data)
        (folder / "faceparity.toml").write_bytes(data)
        parsers: list[Callable[[], object]] = [
            lambda: load_model_card(str(file)),
            lambda: load_dataset(f"folder={folder}"),
            lambda: load_scenarios([str(file)]),
            lambda: read_claim(file),
            lambda: read_suite(str(file)),
        ]
        for parse in parsers:
            _refusing(parse)

    seeds = [
        b'title = "x"\ncsv = "labels.csv"\n[attributes.gender]\ncolumn = "sex"\n',
        b'command = ["true"]\ndimensions = 4\nlicence = "MIT"\nscore = "cosine"\n',
        b'models = ["a", {use = "b", threshold = 0.5}]\ndatasets = ["c"]\ntargets = [0.01]\nscenarios = ["d"]\n',
        *(preset_text(name).encode() for name in preset_names()),
        resources.files("faceparity.harness.claims").joinpath("40-tone-false-matches.toml").read_bytes(),
    ]
    return Family(seeds, target)


def _refusing(parse: Callable[[], object]) -> None:
    from faceparity.datasets.common.errors import UserError
    from faceparity.harness.suite.suite_file import MistakesError

    try:
        parse()
    except UserError as error:
        told = error.lines if isinstance(error, MistakesError) else [str(error)]  # a list of mistakes has a line for each
        if any("\n" in line for line in told):
            raise ValueError("more than a line") from error


def shards(base: Path) -> Family:
    """Sealed files: of a store, of a private part."""
    from faceparity.harness.templates.encryption import DamagedError, KeyGoneError, Keyring

    keys = Keyring(in_memory=True)

    def target(data: bytes) -> None:
        try:
            keys.open(data, "c")
        except (DamagedError, KeyGoneError) as error:
            raise NotTakenError from error

    return Family([keys.seal(b"x" * 300, "c"), keys.seal(b"y" * 30, "c", b"u" * 8)], target)
