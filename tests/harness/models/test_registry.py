"""Which models there are, and what a wrong name or a missing file is answered with."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest

from faceparity.datasets.common.errors import UserError
from faceparity.harness.models import artefacts_of, load_model_card, model_names, open_model, registry
from faceparity.harness.models.cards import shipped_card, shipped_names

BUILT_IN = shipped_names()
STANDARD = ["face_recognition", "sface"]
"""Those whose pairs above `likely_same_person` were measured."""


def test_names_are_sorted_and_hold_ours() -> None:
    names = model_names()
    assert names == sorted(names)
    assert set(STANDARD) <= set(BUILT_IN) <= set(names)


def test_ours_are_known_with_stale_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "entry_points", lambda **_: ())
    assert model_names() == BUILT_IN
    assert load_model_card("sface").name == "sface"


@pytest.mark.parametrize("name", STANDARD)
def test_cards_are_whole(name: str) -> None:
    card = load_model_card(name)
    assert card.name == name
    assert card.dimensions == 128
    assert card.score.low < card.score.high
    assert all(len(w.sha256) == 64 and w.size > 0 for w in card.weights)
    assert {"embedder"} <= {w.role for w in card.weights}
    assert set(card.allows) == {"research", "advocacy", "commercial"}
    assert card.published_threshold is not None
    assert card.likely_same_person is not None
    assert card.likely_same_person_source
    assert card.training_data
    similarity = card.score.sign * card.likely_same_person
    assert similarity > card.score.sign * card.published_threshold.native
    assert card.score.low < similarity < card.score.high


@pytest.mark.parametrize("name", BUILT_IN)
def test_artefacts_are_those_of_the_card(name: str) -> None:
    named = {(w.artefact, w.file, w.sha256, w.size, w.licence) for w in load_model_card(name).weights if w.artefact}
    assert {(a.name, a.file, a.sha256, a.size, a.licence) for a in artefacts_of(name)} == named
    assert all(a.fetch_name == name for a in artefacts_of(name))


def test_published_units() -> None:
    ours = {n: load_model_card(n) for n in STANDARD}
    assert [(c.score.kind, c.score.sign, c.published_threshold and c.published_threshold.native) for c in ours.values()] == [
        ("euclidean", -1, 0.6),
        ("cosine", 1, 0.363),
    ]


@pytest.mark.parametrize("ask", [open_model, load_model_card, artefacts_of])
def test_unknown_name_gets_the_nearest_and_the_list(ask: object) -> None:
    assert callable(ask)
    with pytest.raises(UserError, match=r"no model called 'sfaec': did you mean sface\? known are .*face_recognition, .*sface"):
        ask("sfaec")
    with pytest.raises(UserError, match=r"'zzz': known are") as caught:
        ask("zzz")
    assert "\n" not in str(caught.value)


def test_weights_not_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEPARITY_HOME", str(tmp_path))
    with pytest.raises(UserError, match="run `faceparity fetch sface`"):
        open_model("sface")


def add_model(monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str = "mine") -> None:
    monkeypatch.setitem(sys.modules, module.__name__, module)
    entry = metadata.EntryPoint(name, f"{module.__name__}:model", registry.GROUP)
    monkeypatch.setattr(metadata, "entry_points", lambda **_: (entry,))


def test_models_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("someones_model")
    card = shipped_card("sface").model_copy(update={"name": "mine"})
    add_model(monkeypatch, module)

    class Mine:
        def __init__(self) -> None:
            self.card = card

        def fingerprint(self) -> str:
            return "f"

        def extract(self, images: object) -> list[object]:
            return []

    module.__dict__.update(model=Mine, card=lambda: card)
    assert model_names() == sorted([*BUILT_IN, "mine"])
    assert load_model_card("mine") == card
    assert open_model("mine").fingerprint() == "f"
    assert artefacts_of("mine") == ()
    module.__dict__.update(model=lambda: 3, card=lambda: {"name": "mine"})
    with pytest.raises(UserError, match="does not return a Model"):
        open_model("mine")
    with pytest.raises(UserError, match="must return a ModelCard"):
        load_model_card("mine")


def test_others_cannot_take_our_names(monkeypatch: pytest.MonkeyPatch) -> None:
    add_model(monkeypatch, ModuleType("impostor_model"), "sface")
    assert load_model_card("sface") == shipped_card("sface")


def test_module_that_cannot_be_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = metadata.EntryPoint("gone", "no_such_module_anywhere:model", registry.GROUP)
    monkeypatch.setattr(metadata, "entry_points", lambda **_: (entry,))
    with pytest.raises(UserError, match="gone can't be used: No module named 'no_such_module_anywhere'"):
        open_model("gone")


def test_card_is_importable_from_where_published_plug_ins_import_it() -> None:
    from faceparity.harness.models import card
    from faceparity.harness.models.base import card as base_card

    own = {name for name, value in vars(base_card).items() if getattr(value, "__module__", "") == base_card.__name__}
    assert {name for name in own if not name.startswith("_")} == set(card.__all__)
    assert all(getattr(card, name) is getattr(base_card, name) for name in card.__all__)


def test_importing_and_reading_cards_loads_no_library() -> None:
    """`faceparity models` must not pay for networks, nor may importing load weights."""
    code = (
        "import sys; from faceparity.harness.models import load_model_card, model_names;"
        "[load_model_card(n) for n in model_names()];"
        "print([m for m in ('dlib', 'cv2', 'onnx', 'onnxruntime', 'face_recognition_models') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("error", [SystemExit(), SystemExit(0), KeyboardInterrupt(), RuntimeError("odd")])
def test_a_model_of_others_that_ends_python(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: BaseException) -> None:
    """Imported, opened or asked for its card, it ended `faceparity` with status 0 and no result."""

    def end() -> None:
        raise error

    module = ModuleType("ending_model")
    add_model(monkeypatch, module)
    module.__dict__.update(model=end, card=end)
    for ask in (open_model, load_model_card):
        with pytest.raises(UserError, match=rf"mine failed while it was opened \({type(error).__name__}"):
            ask("mine")
    (tmp_path / "ending_at_import.py").write_text("import sys\nsys.exit()\n")
    monkeypatch.syspath_prepend(tmp_path)
    entry = metadata.EntryPoint("mine", "ending_at_import:model", registry.GROUP)
    monkeypatch.setattr(metadata, "entry_points", lambda **_: (entry,))
    with pytest.raises(UserError, match=r"mine failed while it was opened \(SystemExit"):
        open_model("mine")
