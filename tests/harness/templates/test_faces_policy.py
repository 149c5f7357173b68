"""Which face of several is used, from the data set's card or the option, through store and workers to the record."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faceparity.harness.evaluation.evaluate import evaluate
from faceparity.harness.evaluation.subsets import without_samples
from faceparity.harness.models.base.model import Extraction
from faceparity.harness.options import Options
from faceparity.harness.results import Evaluation
from faceparity.harness.templates import shard_codec
from faceparity.harness.templates.extract import WORTH_A_PROCESS, Templates, extract, store_key
from faceparity.harness.templates.store import Store
from tests.harness import models_blobs as blobs
from tests.harness import templates_fake as fake

CROWD = [person % 4 == 0 for person in range(WORTH_A_PROCESS + 8)]


def extracted(dataset: Any, store: Store, **more: Any) -> Templates:
    return extract(dataset, "blobs", store=store, workers=1, opener=blobs.open_blobs, **more)


def first_number(templates: Templates) -> list[int]:
    return templates.vectors[:, 0].astype(int).tolist()


PERSONS, BYSTANDERS = [100, 101, 102, 103], [70, 101, 102, 103]
"""Of four people, the first with a bystander: the templates' first numbers by policy."""


@pytest.mark.parametrize(
    ("card", "option", "policy", "numbers"),
    [
        ("largest", None, "largest", BYSTANDERS),
        ("centre", None, "centre", PERSONS),
        ("largest", "centre", "centre", PERSONS),
        ("centre", "largest", "largest", BYSTANDERS),
    ],
)
def test_the_card_decides_unless_the_user_does(tmp_path: Path, card: Any, option: Any, policy: str, numbers: list[int]) -> None:
    dataset = blobs.make_dataset(tmp_path / "faces", CROWD[:4], card)
    with Store(ephemeral=True) as store:
        got = extracted(dataset, store, faces=option)
    assert got.faces_policy == policy
    assert first_number(got) == numbers
    assert got.faces_differ is not None
    assert got.faces_differ.tolist() == CROWD[:4]


def test_templates_of_the_other_policy_are_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACEPARITY_HOME", str(tmp_path / "home"))
    dataset = blobs.make_dataset(tmp_path / "faces", CROWD[:4])
    for _ in range(2):
        with Store(tmp_path / "store") as store:
            largest, central = extracted(dataset, store), extracted(dataset, store, faces="centre")
            assert first_number(largest) == BYSTANDERS
            assert first_number(central) == PERSONS
            assert largest.model_fingerprint != central.model_fingerprint
            assert largest.faces_differ is not None
            assert largest.faces_differ.tolist() == CROWD[:4], "also of those from the store"
    assert (largest.extracted, central.extracted) == (0, 0)


def test_worker_processes_use_the_same_policy(tmp_path: Path) -> None:
    dataset = blobs.make_dataset(tmp_path / "faces", CROWD, "centre")
    with Store(ephemeral=True) as store:
        got = extract(dataset, "blobs", store=store, workers=2, opener=blobs.open_blobs)
    assert first_number(got) == [100 + person for person in range(len(CROWD))]
    assert got.faces_differ is not None
    assert got.faces_differ.tolist() == CROWD


def test_of_earlier_templates_only_those_with_several_faces_are_extracted_again(tmp_path: Path) -> None:
    dataset = blobs.make_dataset(tmp_path / "faces", CROWD[:8])
    with Store(ephemeral=True) as store:
        first = extracted(dataset, store)
        key = store_key(first.model_fingerprint)
        kept = store.get(key, dataset.content)
        store.put(key, {content: replace(one, faces_differ=None) for content, one in kept.items()})
        again, third = extracted(dataset, store), extracted(dataset, store)
    assert (first.extracted, again.extracted, third.extracted) == (8, 2, 0)
    assert again.faces_differ is not None
    assert again.faces_differ.tolist() == CROWD[:8]


@pytest.mark.parametrize("differ", [True, False, None])
def test_a_shard_keeps_it(differ: bool | None) -> None:
    one = Extraction("ok", np.ones(3, np.float32), 2, "ab", None, "", differ)
    ((_, back),) = shard_codec.unpack(shard_codec.pack({bytes(32): one}))
    assert back.faces_differ is differ


def test_a_model_of_its_own_has_no_such_choice(tmp_path: Path) -> None:
    dataset = fake.make_dataset(tmp_path / "faces", 3)
    with Store(ephemeral=True) as store:
        both = [extract(dataset, "fake", store=store, opener=fake.open_fake, faces=policy) for policy in ("centre", "largest")]
    assert [(one.faces_policy, one.faces_differ) for one in both] == [(None, None)] * 2
    assert both[1].extracted == 0, "the key does not depend on a policy that it does not take"


def record(tmp_path: Path, crowd: list[bool], option: Any = None, **changes: Any) -> Evaluation:
    dataset = blobs.make_dataset(tmp_path / "faces", crowd, "centre")
    with Store(ephemeral=True) as store:
        templates = replace(extracted(dataset, store, faces=option), **changes)
    return evaluate(dataset, blobs.card(), templates, Options(by=("gender",), faces=option)).evaluation


def test_the_record_counts_by_group_where_the_policy_decides(tmp_path: Path) -> None:
    found = record(tmp_path, [person % 4 == 0 for person in range(140)]).extraction
    assert (found.faces, found.faces_from, found.several_faces) == ("centre", "card", 35)
    assert found.faces_policy.startswith("the face whose box has its centre nearest to the image's")
    assert found.faces_differ is not None
    assert (found.faces_differ.errors, found.faces_differ.comparisons) == (35, 140)
    (by,) = found.faces_differ_by_group
    assert {rate.group: (rate.errors, rate.comparisons) for rate in by.rates} == {"female": (35, 70), "male": (0, 70)}


def test_the_record_names_who_chose_and_lists_no_groups_where_nothing_differs(tmp_path: Path) -> None:
    found = record(tmp_path, [False] * 130, "largest").extraction
    assert (found.faces, found.faces_from) == ("largest", "option")
    assert found.faces_policy == "the largest face by area of its box, the first of equals"
    assert found.faces_differ is not None
    assert found.faces_differ.errors == 0
    assert found.faces_differ_by_group == []


def test_the_record_of_a_model_without_the_choice_says_so(tmp_path: Path) -> None:
    found = record(tmp_path, [False] * 130, faces_policy=None, faces_differ=None).extraction
    assert (found.faces, found.faces_from, found.faces_differ) == (None, None, None)
    assert found.faces_policy == "the one that the model itself chose, by a rule not stated"


@pytest.mark.slow
@pytest.mark.parametrize(("option", "warned"), [("centre", True), ("largest", True), (None, False)])
def test_a_policy_asked_of_a_model_that_takes_none_is_warned_of(option: Any, warned: bool, tmp_path: Path) -> None:
    """Never of one that takes it."""
    without = record(tmp_path, [False] * 130, option, faces_policy=None, faces_differ=None)
    taking = record(tmp_path, [False] * 130, option)
    assert [f"--faces {option} changes nothing here: blobs" in line for line in without.warnings if "--faces" in line] == [
        True
    ] * warned
    assert not any("--faces" in line for line in taking.warnings)


def test_records_of_earlier_versions_still_load(tmp_path: Path) -> None:
    from faceparity.harness.results import from_json, to_json

    evaluation = record(tmp_path, [False] * 130)
    text = evaluation.model_dump(mode="json", by_alias=True)
    for name in ("faces", "faces_from", "faces_differ", "faces_differ_by_group"):
        del text["extraction"][name]
    del text["provenance"]["options"]["faces"]
    old = Evaluation.model_validate(text)
    assert old.extraction.faces is None
    assert from_json(to_json(old)) == old


def test_images_left_out_by_name_are_left_out_of_the_count(tmp_path: Path) -> None:
    dataset = blobs.make_dataset(tmp_path / "faces", CROWD[:8])
    with Store(ephemeral=True) as store:
        templates = extracted(dataset, store)
    _, fewer = without_samples(dataset, templates, np.array([0, 1]))
    assert fewer.faces_differ is not None
    assert fewer.faces_differ.tolist() == CROWD[2:8]


class StopError(Exception):
    """What is asked of extraction is known; the rest is not wanted."""


@pytest.mark.parametrize("option", ["centre", "largest", None])
def test_run_and_the_python_call_hand_the_option_on(option: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import faceparity.harness.api.evaluate as api
    from faceparity.datasets.registry import load_dataset
    from faceparity.harness.evaluation.resolved_options import resolve
    from faceparity.harness.runs import runner

    monkeypatch.setenv("FACEPARITY_HOME", str(tmp_path / "home"))
    seen: list[Any] = []

    def stopped(*_: object, faces: Any, **__: object) -> Templates:
        seen.append(faces)
        raise StopError

    monkeypatch.setattr(runner, "extract", stopped)
    monkeypatch.setattr(api, "extract", stopped)
    monkeypatch.setattr(runner, "open_model", blobs.open_blobs)
    monkeypatch.setattr(api, "open_model", blobs.open_blobs)
    dataset = load_dataset("control-tone")
    with pytest.raises(StopError):
        runner.run(runner.Request([dataset], ["face_recognition"], resolve(Options(faces=option)), tmp_path / "out"))
    with pytest.raises(StopError):
        api.evaluate(dataset, "face_recognition", faces=option, ephemeral=True)
    assert seen == [option, option]
