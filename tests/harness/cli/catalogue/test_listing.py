"""`faceparity models`: a line for each, a card in words, and whether files of weights are what they should be."""

from __future__ import annotations

import hashlib
import re
import sys
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.fetch.artefacts import Artefact, Url, artefact_path
from faceparity.harness.cli.catalogue import model_cards
from faceparity.harness.cli.catalogue.listing import show_models
from faceparity.harness.models import artefacts_of, load_model_card, model_names, open_model
from tests.harness.models_toy import embedder

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("FACEPARITY_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


def put(artefact: Artefact, data: bytes) -> None:
    artefact_path(artefact).parent.mkdir(parents=True, exist_ok=True)
    artefact_path(artefact).write_bytes(data)


def test_a_line_for_each_model() -> None:
    head, *lines = model_cards.listing()
    assert head.split() == ["name", "weights", "allows", "numbers", "what", "it", "is"]
    assert [line.split()[0] for line in lines] == model_names()
    by_name = {line.split()[0]: line for line in lines}
    assert " here " in by_name["face_recognition"]
    assert " fetch  " in by_name["sface"]
    assert " fetch, accept terms  research " in by_name["buffalo_l"]
    assert " unclear " in by_name["taguchi"]


@pytest.mark.parametrize("name", model_names())
def test_cards_in_words_hold_what_decides(name: str) -> None:
    lines = list(model_cards.in_words(name))
    told = " ".join(" ".join(lines).split())
    card = load_model_card(name)
    assert lines[0] == f"{name}: {card.title}"
    for weights in card.weights:
        assert weights.sha256 in told
    for said in (card.licence, card.terms, card.training_data, card.detector, card.alignment, *card.known_weaknesses):
        assert " ".join(said.split()) in told
    assert max(map(len, lines[1:])) <= 140


def test_overlaps_of_both_cards_are_shown() -> None:
    assert "lfw: possible: MS-Celeb-1M" in " ".join(" ".join(model_cards.in_words("sface")).split())
    assert "vggface2: certain" in " ".join(" ".join(model_cards.in_words("hse-faceres")).split())


def test_options_are_shown() -> None:
    assert next(iter(model_cards.in_words("sface:detector=hog"))).startswith("sface:detector=hog: SFace")


def test_verify(capsys: pytest.CaptureFixture[str]) -> None:
    assert show_models("face_recognition", verify=True) == 0
    assert capsys.readouterr().out.splitlines() == [
        "face_recognition: dlib_face_recognition_resnet_model_v1.dat: whole",
        "face_recognition: shape_predictor_5_face_landmarks.dat: whole",
    ]
    assert show_models("sface", verify=True) == 0
    assert capsys.readouterr().out.splitlines()[1] == "sface: face_recognition_sface_2021dec_int8bq.onnx: not here"
    put(artefacts_of("sface")[1], b"cut short")
    assert show_models("sface", verify=True) == 1
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "2021dec_int8bq" in line]
    assert "is damaged or another version" in line
    assert line.endswith("run `faceparity fetch sface`")
    assert show_models(None, verify=True) == 1
    with pytest.raises(UserError, match="no model called 'sfac'"):
        show_models("sfac", verify=True)


def test_verify_converts_again(capsys: pytest.CaptureFixture[str], home: Path) -> None:
    """A converted network with a digest of its own beside it is no more whole for that."""
    open_model("face_recognition")
    (made,) = home.glob("artefacts/dlib-resnet-*.onnx")
    right = made.read_bytes()
    assert show_models("face_recognition", verify=True) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"face_recognition: {made.name} (made from the weights): whole"
    made.write_bytes(embedder(128))
    made.with_name(made.name + ".sha256").write_text(hashlib.sha256(made.read_bytes()).hexdigest())
    assert show_models("face_recognition", verify=True) == 1
    assert "replaced by another network" in capsys.readouterr().out.splitlines()[-1]
    open_model("face_recognition")
    assert made.read_bytes() == right


def test_what_a_card_of_ones_own_lacks_is_fetched_by_its_path(tmp_path: Path) -> None:
    (tmp_path / "net.onnx").write_bytes(embedder(64))
    card = tmp_path / "net.toml"
    card.write_text('onnx = "net.onnx"\nlicence = "MIT"\n')
    with pytest.raises(UserError, match=r"face_detection_yunet.* run `faceparity fetch .*net\.toml`"):
        open_model(str(card))
    assert [a.name for a in artefacts_of(str(card))] == ["yunet-2023mar-int8bq"]
    lines, whole = model_cards.verify(str(card))
    assert whole
    assert [line.rpartition(": ")[2] for line in lines] == ["not here", "whole"]


def test_a_place_is_told_before_anything_is_there(home: Path) -> None:
    artefact = Artefact("a", "a.onnx", "ab" * 32, 1, "MIT", (Url("https://example.org/a.onnx"),))
    assert artefact_path(artefact) == home / "artefacts" / ("ab" * 32 + ".onnx")


def odd_models(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Models of other packages, each broken in its own way: name → what is said of it."""
    cards = {
        "gone": (None, "No module named"),
        "no-card": ({}, "has no attribute 'card'"),
        "raises": ({"card": lambda: 1 / 0}, "ZeroDivisionError"),
        "other": ({"card": dict}, "must return a ModelCard"),
        "lists": ({"card": lambda: load_model_card("sface"), "ARTEFACTS": 3}, "not iterable"),
    }
    for name, (content, _) in cards.items():
        if content is not None:
            module = ModuleType(f"odd_{name}")
            module.__dict__.update(content)
            monkeypatch.setitem(sys.modules, module.__name__, module)
    found = metadata.EntryPoints(metadata.EntryPoint(name, f"odd_{name}:model", "faceparity.models") for name in cards)
    monkeypatch.setattr(metadata, "entry_points", lambda **wanted: found.select(**wanted))
    return {name: said for name, (_, said) in cards.items()}


def test_a_broken_model_of_others_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = odd_models(monkeypatch)
    listed = {line.split()[0]: line for line in model_cards.listing()}
    assert set(listed) == {"name", *model_names()}
    assert "sface" in listed
    for name, said in broken.items():
        assert said in listed[name]
        assert "\n" not in listed[name]
        with pytest.raises(UserError, match=re.escape(said)):
            list(model_cards.in_words(name))


def test_verify_goes_on_past_a_broken_model_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = odd_models(monkeypatch)
    lines, whole = model_cards.verify(None)
    assert not whole
    assert any(line.startswith("sface: ") for line in lines)
    assert [line for line in lines if line.startswith("gone: ") and broken["gone"] in line]
    with pytest.raises(UserError, match="gone can't be used"):
        model_cards.verify("gone")
