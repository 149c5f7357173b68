"""faceparity suite, as a user has it: mistakes, plans, going on, failures, and no mixing of results."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from faceparity.datasets.common.toml_files import read_toml

PLUGINS = str(Path(__file__).parent / "plugin_suite")


@pytest.fixture(scope="module")
def environment(command_environment) -> dict[str, str]:
    """With a second toy model, and one that fails on everything."""
    return {**command_environment, "PYTHONPATH": os.pathsep.join((PLUGINS, command_environment["PYTHONPATH"]))}


@pytest.fixture(scope="module")
def faceparity(faceparity, environment):
    """The command with those models at hand."""
    path = {"PYTHONPATH": environment["PYTHONPATH"]}
    return lambda *arguments, env=None: faceparity(*arguments, env={**path, **(env or {})})


@pytest.fixture
def declare(tmp_path, people):
    """Writes a suite of the toy model on the folder of people, with more lines."""

    def write(*lines: str, name: str = "mine.toml") -> Path:
        file = tmp_path / name
        file.write_text("\n".join([f"datasets = ['folder={people}']", *lines]), "utf-8")
        return file

    return write


def test_all_mistakes_of_the_file_at_once(faceparity, declare, tmp_path) -> None:
    file = declare("models = []", "target = [0.1]", "targets = [5]", "seed = 'x'")
    result = faceparity("suite", file, "--out", tmp_path / "out")
    lines = result.stderr.splitlines()
    assert result.returncode == 2
    assert lines[0] == "faceparity: mine.toml: 4 mistakes; nothing was run"
    starts = ("models: List should", "there is no key 'target'", "targets.1: Input should be less", "seed: Input should")
    assert all(sum(line.strip().startswith(start) for line in lines[1:]) == 1 for start in starts), lines
    assert not (tmp_path / "out").exists()


def test_all_mistakes_against_models_and_data_at_once(faceparity, declare, tmp_path, people) -> None:
    file = tmp_path / "many.toml"
    sets = f"[{{use = 'folder={people}', by = ['shoe']}}, 'lonon', {{use = 'folder={people}', scenarios = ['nothing']}}]"
    file.write_text(
        f"models = ['toy', 'sfac', 'toyy']\ndatasets = {sets}\npool = 'gender=robot'\nclaims = ['none.toml']\n", "utf-8"
    )
    result = faceparity("suite", file, "--out", tmp_path / "out", env={"FACEPARITY_DATA": ""})
    lines = result.stderr.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("faceparity: "))
    told = lines[at + 1 :]
    assert result.returncode == 2
    for word in ("did you mean sface", "toyy", "shoe", "did you mean london", "scenario is called 'nothing'", "none.toml"):
        assert sum(word in line for line in told) == 1, (word, told)
    assert len(told) == 6
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_not_there_and_a_suite_that_is_unknown(faceparity, tmp_path) -> None:
    assert "can't be read" in faceparity("suite", tmp_path / "no.toml").stderr
    unknown = faceparity("suite", "registri")
    assert unknown.returncode == 2
    assert "registry" in unknown.stderr


def test_planned_run_once_and_then_there(faceparity, declare, tmp_path) -> None:
    file, out = declare("models = ['toy']"), tmp_path / "out"
    planned = faceparity("suite", file, "--plan", "--out", out, env={"FACEPARITY_HOME": str(tmp_path / "home")})
    assert planned.returncode == 0, planned.stderr
    assert "260 images to extract, 33,670 comparisons" in planned.stdout
    assert not out.exists()
    first = faceparity("suite", file, "--out", out)
    assert first.returncode == 0, first.stderr
    assert "1 of 1 evaluations are there" in first.stderr
    assert (out / "report.html").is_file()
    made = (out / "people/toy/results.json").read_bytes()
    stamp = (out / "report.html").stat().st_mtime_ns
    second = faceparity("suite", file, "--out", out)
    assert second.returncode == 0, second.stderr
    assert "all 1 evaluations are there" in second.stderr
    assert (out / "people/toy/results.json").read_bytes() == made
    assert (out / "report.html").stat().st_mtime_ns == stamp
    assert "people · toy: there already" in faceparity("suite", file, "--plan", "--out", out).stdout


def test_results_made_otherwise_are_not_mixed(faceparity, declare, tmp_path) -> None:
    file, out = declare("models = ['toy']", "by = ['gender']"), tmp_path / "out"
    assert faceparity("suite", file, "--out", out).returncode == 0
    made = (out / "people/toy/results.json").read_bytes()
    declare("models = ['toy']", "by = ['ethnicity']")
    refused = faceparity("suite", file, "--out", out)
    assert refused.returncode == 2
    assert "made otherwise (before: other options" in refused.stderr
    assert (out / "people/toy/results.json").read_bytes() == made
    again = faceparity("suite", file, "--again", "--out", out)
    assert again.returncode == 0, again.stderr
    record = json.loads((out / "people/toy/results.json").read_text("utf-8"))
    assert [g["attributes"] for g in record["groupings"]] == [["ethnicity"]]


def test_another_version_is_told(faceparity, declare, tmp_path) -> None:
    file, out = declare("models = ['toy']"), tmp_path / "out"
    assert faceparity("suite", file, "--out", out).returncode == 0
    record = json.loads((out / "suite.json").read_text("utf-8"))
    record["entries"][0]["made"].update(version="0.0.9", code="0")
    (out / "suite.json").write_text(json.dumps(record), "utf-8")
    refused = faceparity("suite", file, "--out", out)
    assert refused.returncode == 2
    assert "before: faceparity 0.0.9 and other code of faceparity" in refused.stderr


def test_results_that_the_suite_does_not_name_are_not_mixed(faceparity, declare, tmp_path) -> None:
    file, out = declare("models = ['toy']"), tmp_path / "out"
    assert faceparity("suite", file, "--out", out).returncode == 0
    (out / "people/toy").rename(out / "people/other")
    refused = faceparity("suite", file, "--out", out)
    assert refused.returncode == 2
    assert "does not name" in refused.stderr


def test_a_result_that_was_changed_is_made_again(faceparity, declare, tmp_path) -> None:
    file, out = declare("models = ['toy']"), tmp_path / "out"
    assert faceparity("suite", file, "--out", out).returncode == 0
    results = out / "people/toy/results.json"
    text = results.read_text("utf-8")
    results.write_text(text.replace('"seed":0', '"seed":1').replace('"seed": 0', '"seed": 1'), "utf-8")
    assert results.read_text("utf-8") != text
    done = faceparity("suite", file, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "1 evaluations to make" in done.stderr
    assert json.loads(results.read_text("utf-8"))["provenance"]["seed"] == 0


def test_a_model_that_fails_does_not_end_it(faceparity, declare, tmp_path) -> None:
    file, out = declare("models = ['toy-broken', 'toy']"), tmp_path / "out"
    done = faceparity("suite", file, "--out", out)
    assert done.returncode == 1, done.stderr
    assert "people · toy-broken could not be made" in done.stderr
    assert "1 of 2 evaluations are there; 1 could not be made" in done.stderr
    assert (out / "people/toy/results.json").is_file()
    assert not (out / "people/toy-broken").exists()
    record = json.loads((out / "suite.json").read_text("utf-8"))
    assert {e["model"]: e["status"] for e in record["entries"]} == {"toy": "done", "toy-broken": "failed"}
    repeated = faceparity("suite", file, "--out", out)
    assert repeated.returncode == 1
    assert "1 evaluations to make, 1 there already" in repeated.stderr


def test_leaderboard_of_two(faceparity, tmp_path, people) -> None:
    file, out = tmp_path / "two.toml", tmp_path / "out"
    file.write_text(f"models = [{{use = 'toy', threshold = 0.4}}, 'toy-two']\ndatasets = ['folder={people}']\n", "utf-8")
    done = faceparity("suite", file, "--out", out)
    assert done.returncode == 0, done.stderr
    compared = json.loads((out / "comparison/comparison.json").read_text("utf-8"))
    assert [r["model"] for r in compared["results"]] == ["toy", "toy-two"]
    assert compared["datasets"][0]["paired"] == ["A", "B"]
    assert (out / "comparison/compare.html").is_file()
    assert str(tmp_path) not in (out / "suite.json").read_text("utf-8") + (out / "comparison/comparison.json").read_text("utf-8")
    assert "secretname" not in (out / "suite.json").read_text("utf-8") + (out / "suite.log").read_text("utf-8")
    shutil.rmtree(out / "comparison")
    (out / "report.html").unlink()
    again = faceparity("suite", file, "--out", out)  # what was thrown away is written again
    assert again.returncode == 0, again.stderr
    assert json.loads((out / "comparison/comparison.json").read_text("utf-8"))["datasets"] == compared["datasets"]
    assert (out / "report.html").is_file()
    refused = faceparity("run", "-d", f"folder={people}", "-m", "toy", "--out", out)
    assert refused.returncode == 2
    assert (out / "people/toy-two/results.json").is_file()


def test_killed_and_gone_on_with(faceparity, environment, tmp_path, people) -> None:
    file, out, home = tmp_path / "two.toml", tmp_path / "out", tmp_path / "home"
    file.write_text(f"models = ['toy', 'toy-two']\ndatasets = ['folder={people}']\n", "utf-8")
    command = [sys.executable, "-m", "faceparity.harness.cli", "suite", str(file), "--workers", "1", "--out", str(out)]
    env = {**environment, "FACEPARITY_HOME": str(home), "TOY_TWO_SECONDS": "0.1"}
    running = subprocess.Popen(command, env=env, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        until = time.monotonic() + 300
        while not _second_has_begun(out, home):
            assert running.poll() is None
            assert time.monotonic() < until
            time.sleep(0.05)
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
    made = (out / "people/toy/results.json").read_bytes()
    assert not (out / "people/toy-two/results.json").exists()
    done = faceparity("suite", file, "--out", out, env={"FACEPARITY_HOME": str(home)})
    assert done.returncode == 0, done.stderr
    line = next(line for line in done.stderr.splitlines() if "evaluations to make" in line)
    assert "1 evaluations to make, 1 there already" in line
    left = int(line.split("; ")[1].split()[0])
    assert 0 < left < 260  # what was extracted before the kill is not extracted again
    assert (out / "people/toy/results.json").read_bytes() == made
    undisturbed = faceparity("suite", file, "--out", tmp_path / "whole")
    assert undisturbed.returncode == 0, undisturbed.stderr
    for model in ("toy", "toy-two"):
        one, two = (json.loads((o / f"people/{model}/results.json").read_text("utf-8")) for o in (out, tmp_path / "whole"))
        for record in (one, two):
            del record["provenance"]
        assert one == two


def _second_has_begun(out: Path, home: Path) -> bool:
    """Whether the first evaluation is kept and the second model has templates in the store."""
    return (out / "people/toy/results.json").is_file() and len({p.parent for p in (home / "store").glob("*/*.shard")}) > 1


def test_what_is_not_here_is_left_out_where_the_suite_says_so(faceparity, tmp_path, people) -> None:
    file, home = tmp_path / "some.toml", {"FACEPARITY_HOME": str(tmp_path / "home"), "FACEPARITY_DATA": ""}
    lines = f"models = ['toy', 'sface']\ndatasets = ['folder={people}', 'london']\n"
    file.write_text(lines, "utf-8")
    refused = faceparity("suite", file, "--plan", env=home)
    assert refused.returncode == 2
    assert sum("faceparity fetch" in line for line in refused.stderr.splitlines()) == 2
    file.write_text("missing = 'left out'\n" + lines, "utf-8")
    planned = faceparity("suite", file, "--plan", env=home)
    assert planned.returncode == 0, planned.stderr
    assert "left out: models: sface" in planned.stderr
    assert "left out: datasets: london" in planned.stderr
    assert planned.stdout.startswith("people · toy: ")
    assert "1 evaluations to make" in planned.stdout


def test_the_suite_of_the_package_names_what_there_is() -> None:
    from importlib.resources import files

    from faceparity.datasets.registry import dataset_names
    from faceparity.harness.models.registry import load_model_card

    with files("faceparity.harness.suite.presets").joinpath("registry.toml").open("rb") as file:
        declared = read_toml(Path(file.name))
    assert set(declared["datasets"]) <= set(dataset_names())
    assert len({load_model_card(model).name for model in declared["models"]}) == len(declared["models"])
