"""Models that a user describes by a short card: an ONNX file, a command, or precomputed templates.

    name = "mine"                      what results call it; default: the card's file name
    onnx = "mine.onnx"                 one of: onnx (a file), command (a list of words), templates (an .npy file)
    licence = "MIT"
    training_data = "MS1M"             default: unknown
    detector = "yunet"                 for onnx: yunet, hog, mmod, none …
    alignment = "arcface"              for onnx: arcface, dlib, box, whole
    score = "cosine"                   or euclidean, dot
    threshold = 0.4                    if its authors ship one, in the unit of its scores
    input = { size = 112, colour = "RGB", layout = "NCHW", mean = [127.5], std = [128] }
    intended = ["mean_std"]            what is meant though it looks like a mistake: see `card_doubts`

Paths are relative to the card. See README.md beside this file for complete examples.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field, model_validator

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.regular_files import read_regular
from faceparity.datasets.common.toml_files import read_toml, validate_fields
from faceparity.datasets.fetch.artefacts import file_sha256
from faceparity.datasets.schema.card import Strict
from faceparity.harness.models.assembly.builder import assemble, card_with_options, finder
from faceparity.harness.models.assembly.components import check_alignment
from faceparity.harness.models.base.card import Allows, ModelCard, NetworkInput, PublishedThreshold, Recipe, Score, Weights
from faceparity.harness.models.base.model import Model
from faceparity.harness.models.base.spec import Spec
from faceparity.harness.models.cards import completed, detector_cards
from faceparity.harness.models.custom.card_doubts import Doubt, check_dimensions, check_output, check_scaling, check_varies
from faceparity.harness.models.onnx.guard import check_graph

OPEN = {"MIT", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "CC-BY-4.0", "ISC", "BSL-1.0"}
"""Licences known to allow every use, where a card names one and says no more."""

UNITS = {"cosine": "cosine similarity", "dot": "dot product", "euclidean": "Euclidean distance"}


class UserCard(Strict):
    """A card as a user writes it. Everything but the first of onnx, command and templates has a default."""

    name: str = Field(default="", max_length=60, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$|^$")
    title: str = ""
    version: str = ""
    onnx: str = ""
    command: list[str] = Field(default_factory=list)
    templates: str = ""
    files: str = ""
    """For templates: a CSV with a column `file`, one row for each row of the .npy file."""
    sha256: str = ""
    """Of the ONNX or .npy file: what is found must be this."""
    licence: str = "unknown"
    allows: Allows = Field(default_factory=dict)
    training_data: str = "unknown"
    training_overlaps: dict[str, str] = Field(default_factory=dict)
    detector: str = "yunet"
    alignment: str = "arcface"
    input: NetworkInput = NetworkInput()
    normalise: bool = False
    dimensions: int = Field(default=0, ge=0)
    """Default: what the network or the templates have; a command's must be given."""
    score: Literal["cosine", "dot", "euclidean"] = "cosine"
    low: float | None = None
    high: float | None = None
    """Range of the similarity; needed for dot, and for Euclidean distances over 2."""
    threshold: float | None = None
    threshold_source: str = "its card"
    likely_same_person: float | None = None
    known_weaknesses: list[str] = Field(default_factory=list)
    intended: list[Doubt] = Field(default_factory=list)
    """What looks like a mistake in an ONNX file's card and is meant: see `card_doubts`."""

    @model_validator(mode="after")
    def _check_kind(self) -> UserCard:
        kinds = [name for name in ("onnx", "command", "templates") if getattr(self, name)]
        if len(kinds) != 1:
            raise ValueError(f"give one of onnx, command and templates, not {' and '.join(kinds) or 'none'}")
        if self.templates and not self.files:
            raise ValueError("templates need files: a CSV with a column `file`, one row for each row of the .npy file")
        if self.command and not self.dimensions:
            raise ValueError("a command needs dimensions: how many numbers its templates have")
        if self.score == "dot" and (self.low is None or self.high is None):
            raise ValueError('score = "dot" needs low and high: between what its scores lie')
        return self


def read_user_card(path: Path) -> UserCard:
    """Read a user's card.

    Raises UserError for a file that is not there, is no TOML or says what a card can't say.
    """
    return validate_fields(UserCard, read_toml(path), path.name)


def load_user_card(spec: Spec) -> ModelCard:
    """Return the full card of a user's model.

    Reads the sha256 of its files, and how many numbers its templates have. Raises UserError for anything that is wrong with the card or
    missing.
    """
    path = Path(spec.base)
    return card_with_options(card_without_options(path, read_user_card(path)), spec.options)


def open_user_model(spec: Spec) -> Model:
    """Open the model of a user's card.

    Raises UserError as `load_user_card` does.
    """
    path = Path(spec.base)
    user_card = read_user_card(path)
    card = card_without_options(path, user_card)
    if user_card.onnx:
        model = assemble(card, spec.options, finder(spec.base, path.parent))
        check_varies(f"{path.name}: {user_card.onnx}", model.embedder, user_card.input.size, user_card.intended)
        return model
    card_with_options(card, spec.options)
    if user_card.command:
        from faceparity.harness.models.custom.subprocess_model import CommandModel

        return CommandModel(card, user_card.command, path.parent)
    from faceparity.harness.models.custom.precomputed_templates import PrecomputedTemplates

    return PrecomputedTemplates(card, path.parent / user_card.templates, path.parent / user_card.files)


def card_without_options(path: Path, user_card: UserCard) -> ModelCard:
    """Return the model card of a user's card, without options."""
    name = user_card.name or path.stem
    fields: dict[str, Any] = {
        "name": name,
        "title": user_card.title or f"{name} (described by its user)",
        "version": user_card.version,
        "licence": user_card.licence,
        "allows": user_card.allows
        or (dict.fromkeys(("research", "advocacy", "commercial"), "yes") if user_card.licence in OPEN else {}),
        "training_data": user_card.training_data,
        "training_overlaps": user_card.training_overlaps,
        "score": _score(user_card),
        "published_threshold": _threshold(user_card),
        "likely_same_person": user_card.likely_same_person,
        "likely_same_person_source": "its card" if user_card.likely_same_person is not None else "",
        "known_weaknesses": user_card.known_weaknesses,
    }
    if user_card.onnx:
        return _onnx_card(path, user_card, fields)
    source = "a command of the user's own" if user_card.command else "ready-made templates"
    fields |= {"detector": f"unknown ({source})", "alignment": f"unknown ({source})", "input": f"unknown ({source})"}
    if user_card.command:
        return ModelCard.model_validate({**fields, "weights": [], "dimensions": user_card.dimensions})
    from faceparity.harness.models.custom.precomputed_templates import shape_of

    file = path.parent / user_card.templates
    dimensions = shape_of(file)[1]
    return ModelCard.model_validate({**fields, "weights": [_weights(file, user_card, "templates")], "dimensions": dimensions})


def _onnx_card(path: Path, user_card: UserCard, fields: Mapping[str, Any]) -> ModelCard:
    detectors = detector_cards()
    if user_card.detector not in detectors:
        raise UserError(f"{path.name}: there is no detector called {user_card.detector!r}: known are {', '.join(detectors)}")
    check_alignment(user_card.alignment, detectors[user_card.detector].points, user_card.detector)
    check_scaling(path.name, user_card.input, user_card.intended)
    file = path.parent / user_card.onnx
    weights = _weights(file, user_card, "embedder")
    recipe = Recipe(
        detector=user_card.detector,
        alignment=user_card.alignment,
        network="onnx",
        input=user_card.input,
        normalise=user_card.normalise,
    )
    dimensions = _dimensions(file, user_card)
    check_dimensions(f"{path.name}: {user_card.onnx}", dimensions, user_card.intended)
    return completed({**fields, "weights": [weights], "dimensions": dimensions, "recipe": recipe.model_dump()})


def _weights(file: Path, user_card: UserCard, role: str) -> dict[str, Any]:
    """Describe the file as a card does: by its sha256.

    Raises UserError if it can't be read, or is another than the card says.
    """
    try:
        actual, size = file_sha256(file), file.stat().st_size
    except OSError as error:
        raise UserError(f"{file} can't be read ({error.strerror}): correct the path in the card") from error
    if user_card.sha256 and actual != user_card.sha256:
        raise UserError(
            f"{file} is damaged or another version (sha256 {actual[:12]}…, the card says {user_card.sha256[:12]}…): "
            "get it again, or correct the card"
        )
    fields: dict[str, Any] = {
        "role": role,
        "file": user_card.onnx or user_card.templates,
        "sha256": actual,
        "size": size,
        "licence": user_card.licence,
    }
    return Weights.model_validate(fields).model_dump()


def _dimensions(file: Path, user_card: UserCard) -> int:
    """Return how many numbers the network gives.

    What the card says, else the file. Raises UserError if the file is no ONNX graph or does not say, or which output is meant.
    """
    import onnx

    try:
        model = onnx.load(str(file), load_external_data=False)
    except Exception as error:
        raise UserError(
            f"{file} is not an ONNX file, or not a whole one ({type(error).__name__}): is it the right file?"
        ) from error
    check_graph(model, file.name)
    outputs = {out.name: out for out in model.graph.output}
    check_output(file.name, list(model.graph.output), user_card.input.output)
    if user_card.dimensions:
        return user_card.dimensions
    name = user_card.input.output or next(iter(outputs), "")
    if name not in outputs:
        raise UserError(f"{file.name} has no output: is it the right file?")
    sides = [dimension.dim_value for dimension in outputs[name].type.tensor_type.shape.dim[1:]]
    return math.prod(sides) if sides and all(sides) else _dimensions_by_trial(file, user_card)


def _dimensions_by_trial(file: Path, user_card: UserCard) -> int:
    """Return how many numbers the network gives when run.

    On a black picture: for files that do not say.
    """
    from faceparity.harness.models.onnx.repair import repaired
    from faceparity.harness.models.onnx.session import OnnxEmbedder, check_fits, open_session

    try:
        session = open_session(repaired(read_regular(file)))
    except Exception as error:
        raise UserError(f"{file.name}: onnxruntime can't open it ({' '.join(str(error).split())[:150]})") from error
    check_fits(session, user_card.input, file.name)
    black = np.zeros((user_card.input.size, user_card.input.size, 3), np.uint8)
    return int(OnnxEmbedder(b"", user_card.input, False, session).embed([black]).shape[1])


def _score(user_card: UserCard) -> Score:
    euclidean = user_card.score == "euclidean"
    low, high = (-2.0, 0.0) if euclidean else (-1.0, 1.0)
    return Score(
        kind=user_card.score,
        unit=UNITS[user_card.score],
        sign=-1 if euclidean else 1,
        low=low if user_card.low is None else user_card.low,
        high=high if user_card.high is None else user_card.high,
    )


def _threshold(user_card: UserCard) -> PublishedThreshold | None:
    return (
        None if user_card.threshold is None else PublishedThreshold(native=user_card.threshold, source=user_card.threshold_source)
    )
