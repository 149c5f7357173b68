"""`faceparity fetch` gets the meshes of the control set as it gets a model's weights."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import IO

import pytest

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.control.head.mesh_source import MESHES
from faceparity.datasets.fetch import artefacts as fetching
from faceparity.datasets.fetch.artefacts import Artefact
from faceparity.harness.cli.catalogue.listing import fetch_named
from faceparity.harness.cli.commands.fetch import fetch_command
from faceparity.harness.models import registry
from faceparity.harness.models.registry import artefacts_of


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    names: list[str] = []
    monkeypatch.setenv("FACEPARITY_HOME", str(tmp_path))
    monkeypatch.setattr(fetching, "fetch", lambda artefact, **_: names.append(artefact.file))
    return names


def test_meshes_are_fetched_by_the_name_that_the_error_gives(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UserError) as missing:
        fetching.path(MESHES)
    assert "faceparity fetch control-meshes" in str(missing.value)
    fetch_named(["control-meshes", "sface"])
    assert asked[0] == MESHES.file
    assert len(asked) > 1, "the weights of sface too"
    told = capsys.readouterr().out
    assert told.startswith("control-meshes: CC0-1.0")
    assert MESHES.sha256 in told


def test_all_names_are_checked_first(asked: list[str]) -> None:
    with pytest.raises(UserError, match="control-mesh"):
        fetch_named(["control-meshes", "control-mesh"])
    assert asked == []


@pytest.mark.parametrize("name", ["antelopev2", "facenet-casia", "facenet-vggface2", "taguchi"])
def test_weights_without_a_published_sha256_say_so(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """When they come, and when they are here already: the line has the reason and the sha256 to compare."""

    def came(source: object, artefact: Artefact, out: IO[bytes]) -> None:
        out.write(artefact.name.encode())

    monkeypatch.setenv("FACEPARITY_HOME", str(tmp_path))
    (wanted,) = [artefact for artefact in artefacts_of(name) if not artefact.sha256]
    monkeypatch.setattr(registry, "artefacts_of", lambda _: (wanted,))
    monkeypatch.setattr(fetching, "_from_url", came)
    for _ in range(2):
        fetch_named([name], accept_licence=True)
        sha256 = hashlib.sha256(wanted.name.encode()).hexdigest()
        (line,) = [line for line in capsys.readouterr().out.splitlines() if "NOT CHECKED" in line]
        assert line.startswith(
            f"  {wanted.file}: NOT CHECKED, as no published sha256 of it was at hand. It has sha256 {sha256}: "
        )


def test_weights_with_a_published_sha256_are_checked(asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    fetch_named(["sface"])
    assert asked
    assert "NOT CHECKED" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("lwf", "no model and no data set called 'lwf': did you mean lfw"),
        ("qqqq", "no model and no data set called 'qqqq'; "),
        ("lfw=somewhere", "faceparity fetch lfw$"),
        ("folder", "run -d folder=DIR"),
    ],
)
def test_what_cannot_be_fetched_is_one_line(name: str, told: str, asked: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UserError, match=told):
        fetch_command([name], True)
    assert asked == []
    assert capsys.readouterr().out == ""
