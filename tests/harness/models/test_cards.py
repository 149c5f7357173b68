"""The cards: strict, whole, one truth with the cards of data sets, and never a default that a user must accept terms for."""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from pathlib import Path
from types import ModuleType

import pytest
from pydantic import ValidationError

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.toml_files import validate_fields
from faceparity.datasets.registry import dataset_names
from faceparity.datasets.schema.card import DatasetCard, load_card
from faceparity.harness.cli.app import app
from faceparity.harness.models import ModelCard, load_model_card, registry
from faceparity.harness.models.assembly.weight_sources import INSTALLED, artefact, pinned, source
from faceparity.harness.models.base.card import NetworkInput, training_overlap
from faceparity.harness.models.base.descriptions import ALIGNMENTS
from faceparity.harness.models.cards import detector_cards, shipped_card, shipped_names

NAMES = shipped_names()
RUNNABLE = ["face_recognition", "faceplugin-512", "hse-faceres", "mobileface-v3", "mobilefacenet-192", "sface"]
"""From registry packages alone."""


@pytest.mark.parametrize("name", NAMES)
def test_a_card_is_whole(name: str) -> None:
    card = load_model_card(name)
    assert card.name == name
    assert card.title
    assert card.training_data
    assert card.verified or name in ("face_recognition", "sface"), "what was checked, or that nothing could be"
    assert card.detector
    assert card.alignment
    assert card.input
    assert card.dimensions >= 64
    assert card.known_weaknesses
    assert set(card.allows) == {"research", "advocacy", "commercial"}
    assert card.score.low < card.score.high
    assert card.recipe is not None
    assert card.recipe.detector in detector_cards()
    assert card.recipe.alignment in ALIGNMENTS
    assert "embedder" in {w.role for w in card.weights}
    if card.published_threshold:
        assert card.published_threshold.source
        assert card.score.low < card.score.sign * card.published_threshold.native < card.score.high
    if card.likely_same_person is not None:
        assert card.likely_same_person_source


@pytest.mark.parametrize("name", NAMES)
def test_every_file_has_sources_that_can_be_read(name: str) -> None:
    card = load_model_card(name)
    for weights in card.weights:
        assert weights.sources
        if weights.artefact:
            made = artefact(weights, name)
            assert made is not None
            assert made.sources == tuple(source(line) for line in weights.sources)
        else:
            assert all(line.startswith(INSTALLED) for line in weights.sources)
            assert weights.sha256
            assert weights.size
    unstated = [w.file for w in card.weights if not w.sha256]
    assert not unstated or any("sha256" in weakness for weakness in card.known_weaknesses), "told to the user"


@pytest.mark.parametrize("name", RUNNABLE)
def test_registry_packages_are_enough(name: str) -> None:
    for weights in load_model_card(name).weights:
        assert weights.sha256
        assert weights.size
        assert any(line.startswith(("pip:", "npm:", INSTALLED)) for line in weights.sources)


def test_defaults_need_no_acceptance() -> None:
    """Weights that are not free for every use, or of unknown licence, are never what is run unasked."""
    (run,) = [command for command in app.registered_commands if command.callback and command.callback.__name__ == "run"]
    assert run.callback is not None
    source_text = Path(run.callback.__code__.co_filename).read_text("utf-8")
    (default,) = re.findall(r"model or \[\"(.*?)\"\]", source_text)
    card = load_model_card(default)
    assert (card.terms, card.conditions()) == ("", "")
    assert set(card.allows.values()) == {"yes"}


@pytest.mark.parametrize("name", NAMES)
def test_what_is_not_free_has_terms_and_is_told(name: str) -> None:
    card = load_model_card(name)
    free = set(card.allows.values()) == {"yes"}
    assert bool(card.terms) != free
    assert bool(card.conditions()) != free
    assert "\n" not in card.conditions()


def test_conditions_in_words() -> None:
    card = shipped_card("sface")
    assert card.conditions() == ""
    shut = card.model_copy(update={"allows": {"research": "yes", "advocacy": "unclear", "commercial": "no"}, "licence": "X"})
    assert shut.conditions() == "The terms of sface (X) do not allow commercial use and are unclear on advocacy use."
    assert "unclear on research, advocacy and commercial use" in card.model_copy(update={"allows": {}}).conditions()
    for licence in ("unknown", "Unknown (nobody says)", ""):
        assert "is unknown: ask its makers" in card.model_copy(update={"licence": licence}).conditions()


def test_overlaps_are_told_once_and_of_sets_that_exist() -> None:
    """One truth: a pair of model and data set stands in one card only, so that the two can't contradict each other."""
    sets = set(dataset_names())
    told: dict[tuple[str, str], str] = {}
    for name in NAMES:
        for dataset, how in shipped_card(name).training_overlaps.items():
            assert dataset in sets, f"{name} speaks of {dataset}"
            assert how.partition(":")[0] in ("certain", "likely", "possible")
            told[name, dataset] = how
    for dataset in sets:
        try:
            overlaps = load_card(dataset).training_overlaps
        except FileNotFoundError:
            continue
        for name in overlaps:
            assert name in NAMES, f"{dataset} speaks of {name}"
            assert (name, dataset) not in told, "told in both cards"


def test_overlap_from_either_card() -> None:
    sface, hse = load_model_card("sface"), load_model_card("hse-faceres")
    assert training_overlap(sface, "lfw", load_card("lfw").training_overlaps).startswith("possible: MS-Celeb-1M")
    assert training_overlap(load_model_card("sface:detector=hog"), "lfw", load_card("lfw").training_overlaps)
    assert training_overlap(hse, "vggface2", load_card("vggface2").training_overlaps).startswith("certain: VGGFace2")
    assert training_overlap(hse, "london", load_card("london").training_overlaps) == ""


def test_cards_are_strict() -> None:
    data = shipped_card("sface").model_dump()
    ModelCard.model_validate(data)
    for wrong in ({"colour": "blue"}, {"allows": {"research": "perhaps"}}, {"allows": {"war": "yes"}}):
        with pytest.raises(ValidationError):
            ModelCard.model_validate({**data, **wrong})
    weights = data["weights"][0]
    for sha256 in ("abc", "G" * 64, weights["sha256"].upper()):
        with pytest.raises(ValidationError, match="64 hexadecimal digits"):
            ModelCard.model_validate({**data, "weights": [{**weights, "sha256": sha256}]})


def test_plain_http_is_refused_in_a_line() -> None:
    """Whoever stands between could send other weights."""
    data = shipped_card("sface").model_dump()
    plain = {**data["weights"][0], "sources": ["https://example.org/net.onnx", "http://example.org/net.onnx"]}
    for wrong in ({"home": "http://example.org"}, {"home": "HTTP://example.org"}, {"weights": [plain]}):
        with pytest.raises(ValidationError, match="not encrypted: give an https:// address"):
            ModelCard.model_validate({**data, **wrong})
        with pytest.raises(UserError, match=r"^x: .*not encrypted: give an https:// address$"):
            validate_fields(ModelCard, {**data, **wrong}, "x")
    with pytest.raises(ValueError, match="is no source"):
        source("http://example.org/net.onnx")
    for name in dataset_names():
        with suppress(FileNotFoundError):
            card = load_card(name).model_dump()
            with pytest.raises(ValidationError, match="not encrypted"):
                DatasetCard.model_validate({**card, "home": "http://example.org"})


def test_another_packages_card_with_plain_http_is_refused_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("theirs")
    module.card = lambda: ModelCard.model_validate({**shipped_card("sface").model_dump(), "home": "http://example.org"})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "theirs", module)
    monkeypatch.setattr(registry, "_plugins", lambda: {"theirs": "theirs:model"})
    with pytest.raises(
        UserError, match=r"^the card of the model theirs can't be used: home: http://example.org is not encrypted"
    ):
        load_model_card("theirs")


@pytest.mark.parametrize("wrong", [{"mean": [1, 2]}, {"std": [0.0]}, {"std": [1, 0, 1]}, {"size": 4}, {"layout": "NCWH"}])
def test_inputs_are_strict(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        NetworkInput.model_validate(wrong)


def test_pinned_cards_tell_what_came(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEPARITY_HOME", str(tmp_path))
    card = load_model_card("taguchi")
    embedder = next(w for w in card.weights if w.role == "embedder")
    assert embedder.sha256 == ""
    folder = tmp_path / "artefacts"
    folder.mkdir()
    (folder / "first-come-taguchi.dat.sha256").write_text("ab" * 32)
    embedder = next(w for w in pinned(card).weights if w.role == "embedder")
    assert embedder.sha256 == "ab" * 32
