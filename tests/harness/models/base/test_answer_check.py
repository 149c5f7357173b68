"""What models of any kind answer: what can't be used is that image's failure with its reason, and never the end of a run."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceparity.datasets.common.errors import UserError
from faceparity.harness.execution import worker
from faceparity.harness.models.base import plugin_guard
from faceparity.harness.models.base.answer_check import AnswerError, OutOfStepError, check, is_usable
from faceparity.harness.models.base.card import ModelCard, Score
from faceparity.harness.models.base.model import Extraction
from faceparity.harness.templates.extract import ModelFailedError, extract
from faceparity.harness.templates.store import Store
from tests.harness import templates_fake as fake
from tests.harness.models_odd import GOOD, odd_answers, open_odd


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEPARITY_HOME", str(tmp_path / "home"))


def card(kind: Any = "cosine", dimensions: int = 3) -> ModelCard:
    score = Score(kind=kind, unit="unit", sign=1, low=-1, high=1)
    return ModelCard.model_construct(name="own", dimensions=dimensions, score=score)


@pytest.mark.parametrize(
    "template",
    [
        np.array(GOOD), np.array(GOOD, np.float16), np.array([1, 2, 3]), np.array([1, 2, 3], np.uint8), GOOD, (1, 2, 3),
        np.array([1e-40, 0, 0]), np.array([1e38, 1e38, 0]), np.array([0, 0, -1.0]),
    ],
)  # fmt: skip
def test_templates_that_can_be_used(template: object) -> None:
    found = check(card(), Extraction("ok", template, 1, "ab"))  # type: ignore[arg-type]
    assert found.template is not None
    assert found.template.dtype == np.float32
    assert found.template.tolist() == np.asarray(template, np.float32).tolist()


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        (None, "gave no template"),
        (np.zeros(3), "all zeros"),
        (np.full(3, 1e-60), "all zeros, as 32-bit floating point has it"),
        (np.full(3, 1e39), "beyond 32-bit floating point"),
        ([10**400, 1, 1], "beyond 32-bit floating point"),
        (np.array([1, np.nan, 1]), "NaN or infinity"),
        (np.array([1, -np.inf, 1], np.float32), "NaN or infinity"),
        (np.array(GOOD, complex), "complex numbers, not real numbers"),
        (np.array(GOOD, object), "object values, not real numbers"),
        (np.array(["1", "2", "3"]), "not real numbers"),
        (np.array([True, False, True]), "bool values, not real numbers"),
        ("1, 2, 3", "not real numbers"),
        ({"a": 1}, "not real numbers"),
        ([1, "2", 3], "not a number"),
        ([1, True, 3], "not a number"),
        ([[1, 2, 3]], "not a number"),
        (np.ones((1, 3)), "an array of 1 × 3 numbers, but its card says 3 dimensions"),
        (np.ones(2), "2 numbers, but its card says 3 dimensions"),
        (np.ones(0), "0 numbers"),
        (np.float32(1), "an array of no numbers"),
    ],
)
def test_templates_that_cannot(template: object, reason: str) -> None:
    with pytest.raises(AnswerError, match=reason) as caught:
        check(card(), Extraction("ok", template, 1, "ab"))  # type: ignore[arg-type]
    assert caught.value.reason == str(caught.value)
    assert not is_usable(card(), Extraction("ok", template, 1, "ab"))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["dot", "euclidean"])
def test_products_must_not_overflow_where_they_are_not_divided(kind: str) -> None:
    check(card(kind), Extraction("ok", np.array([1e17, 0, 0], np.float32)))
    check(card("cosine"), Extraction("ok", np.array([1e19, 0, 0], np.float32)))
    with pytest.raises(AnswerError, match="longer than 1e"):
        check(card(kind), Extraction("ok", np.array([1e19, 0, 0], np.float32)))


ODD: list[tuple[dict[str, Any], str]] = [
    *[({"faces": value}, "faces, which is no whole number") for value in (-1, 10**9, 1.5, True, "2", None, np.nan, np.inf, [1])],
    *[({"status": value}, "the model gave the status") for value in ("fine", "", None, 1, ["ok"], b"ok")],
    *[
        ({"covariates": {name: value}}, f"the model gave {name} = ")
        for name, value in [
            ("luminance", np.nan), ("contrast", np.inf), ("face_size", -1), ("face_size", 1e9), ("luminance", 256),
            ("sharpness", "10"), ("confidence", None), ("confidence", True), ("sharpness", -0.1), ("face_size", 10**400),
        ]
    ],
    ({"covariates": {"beauty": 1.0}}, "the model gave a covariate 'beauty': known are face_size"),
    ({"covariates": {3: 1.0}}, "the model gave a covariate 3"),
    ({"covariates": [1.0]}, "the model gave a list as covariates"),
    ({"pixels": None}, "digest of the pixels"),
    ({"pixels": "a\nb"}, "digest of the pixels"),
    ({"status": "no_face", "reason": 3}, "an int as its reason"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "reason"), ODD)
def test_implausible_fields(fields: dict[str, Any], reason: str) -> None:
    given = {"status": "ok", "template": np.ones(3), "faces": 1, "pixels": "ab", **fields}
    with pytest.raises(AnswerError, match=reason):
        check(card(), Extraction(**given))


def test_plausible_fields() -> None:
    covariates = {"face_size": np.float32(80), "luminance": 0, "contrast": 255.0, "sharpness": 1e6, "confidence": -1.5}
    found = check(card(), Extraction("ok", np.ones(3), np.int64(2), "ab", covariates))  # type: ignore[arg-type]
    assert (found.faces, type(found.faces)) == (2, int)
    assert found.covariates == {"face_size": 80, "luminance": 0, "contrast": 255, "sharpness": 1e6, "confidence": -1.5}
    failed = check(card(), Extraction("no_face", np.ones(3), 0, "", {}, "no\n face \x1b[2J"))
    assert (failed.template, failed.covariates, failed.reason) == (None, None, "no face \\x1b[2J")


@pytest.mark.parametrize("which", range(len(odd_answers())))
def test_odd_answers_cost_their_image_alone_in_this_process(tmp_path: Path, which: int) -> None:
    dataset = fake.make_dataset(tmp_path / "faces", 6)
    with Store() as store:
        got = extract(dataset, f"3 {which}", store=store, workers=1, opener=open_odd)
        assert got.status.tolist() == ["ok", "ok", "ok", "unreadable", "ok", "ok"]
        assert got.reasons[3]
        assert extract(dataset, f"3 {which}", store=store, workers=1, opener=open_odd).extracted == 1, "not remembered"
        with pytest.raises(ModelFailedError, match="failed on all 6 images"):
            extract(dataset, f"all {which}", store=store, workers=1, opener=open_odd)


@pytest.mark.slow
@pytest.mark.parametrize("which", [3, 6, 11])
def test_odd_answers_cost_their_image_alone_in_worker_processes(tmp_path: Path, which: int) -> None:
    dataset = fake.make_dataset(tmp_path / "faces", 40)
    with Store() as store:
        got = extract(dataset, f"3 {which}", store=store, workers=2, opener=open_odd)
    assert got.samples.tolist() == [0, 1, 2, *range(4, 40)]
    assert got.reasons[3] in (
        "the model failed on it (SystemExit)", "the model failed on it (KeyboardInterrupt)", "its template is all zeros"
    )  # fmt: skip


def test_a_persons_interrupt_ends_the_run_and_a_models_does_not(tmp_path: Path) -> None:
    """Ctrl-C comes by the signal, whatever the model is doing; elsewhere than in the main thread it can't come at all."""
    dataset = fake.make_dataset(tmp_path / "faces", 1)
    jobs = [worker.ImageJob(str(dataset.root / dataset.files[0]), dataset.content[0])]

    class Pressed(fake.FakeModel):
        def _one(self, image: Any) -> Extraction:
            signal.raise_signal(signal.SIGINT)
            return super()._one(image)

    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            worker.run_batch(Pressed("fake"), jobs)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
    found: list[worker.ImageOutcome] = []
    thread = threading.Thread(target=lambda: found.extend(worker.run_batch(open_odd("0 6"), jobs)))
    thread.start()
    thread.join()
    assert found[0].extraction.reason == "the model failed on it (KeyboardInterrupt)"


def test_a_models_interrupt_is_told_apart_where_ctrl_c_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a process that a shell started in the background; whatever an earlier call saw."""
    dataset = fake.make_dataset(tmp_path / "faces", 1)
    jobs = [worker.ImageJob(str(dataset.root / dataset.files[0]), dataset.content[0])]
    monkeypatch.setattr(plugin_guard, "_pressed", True)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        (found,) = worker.run_batch(open_odd("0 6"), jobs)
    finally:
        signal.signal(signal.SIGINT, before)
    assert found.extraction.reason == "the model failed on it (KeyboardInterrupt)"


@pytest.mark.parametrize("error", [SystemExit(), SystemExit(0), KeyboardInterrupt(), RuntimeError("odd"), BaseException()])
def test_a_model_that_ends_python_while_it_is_opened_is_a_users_error(tmp_path: Path, error: BaseException) -> None:
    def opener(name: str) -> Any:
        raise error

    dataset = fake.make_dataset(tmp_path / "faces", 1)
    with Store() as store, pytest.raises(UserError, match=rf"own failed while it was opened \({type(error).__name__}"):
        extract(dataset, "own", store=store, opener=opener)


def test_a_zero_template_in_the_store_of_an_earlier_version_is_asked_for_again(tmp_path: Path) -> None:
    from faceparity.harness.templates.extract import store_key

    dataset = fake.make_dataset(tmp_path / "faces", 3)
    key = store_key(fake.FakeModel("fake").fingerprint())
    bad = (np.zeros(48, np.float32), np.full(48, np.inf, np.float32))
    with Store() as store:
        kept = {c: Extraction("ok", t, 1, c[:32]) for c, t in zip(dataset.content[1:], bad, strict=True)}
        store.put(key, kept)
        got = extract(dataset, "fake", store=store, opener=fake.open_fake)
        assert got.status.tolist() == ["ok", "ok", "ok"]
        assert got.vectors.any(axis=1).all()


def test_answers_out_of_step_end_the_run(tmp_path: Path) -> None:
    """No image is tried alone after that, and nothing of the batch is kept."""

    class Shifted(fake.FakeModel):
        calls = 0

        def extract(self, images: Any) -> Any:
            self.calls += 1
            raise OutOfStepError("out of step")

    model = Shifted("fake")
    dataset = fake.make_dataset(tmp_path / "faces", 3)
    with Store() as store:
        with pytest.raises(OutOfStepError):
            extract(dataset, "fake", store=store, opener=lambda name: model)
        assert model.calls == 1
        assert extract(dataset, "fake", store=store, opener=fake.open_fake).extracted == 3


@pytest.mark.parametrize("number", [0.0, 1e-30, 1e-44, 1e30, 1e39])
def test_a_network_whose_output_has_no_length_in_32_bits(number: float) -> None:
    """Brought to unit length where 32-bit floating point holds its numbers, else that image's failure, without a warning."""
    from types import SimpleNamespace

    from faceparity.harness.models.onnx.session import OnnxEmbedder

    class Session:
        def get_inputs(self) -> list[Any]:
            return [SimpleNamespace(name="image", shape=["batch", 3, 8, 8])]

        def get_outputs(self) -> list[Any]:
            return [SimpleNamespace(name="template", shape=["batch", 3])]

        def run(self, names: object, fed: object) -> list[np.ndarray]:
            return [np.full((1, 3), number)]

    (row,) = OnnxEmbedder(b"", None, True, Session()).embed([np.zeros((8, 8, 3), np.uint8)])
    if number in (0.0, 1e39):
        with pytest.raises(AnswerError, match="NaN or infinity"):
            check(card("euclidean"), Extraction("ok", row))
    else:
        assert check(card("euclidean"), Extraction("ok", row)).template == pytest.approx(np.full(3, 3**-0.5), rel=1e-6)
