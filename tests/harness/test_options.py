"""One declaration of an option: the command line, a suite's file, the Python call and the record all offer the same."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import pytest
import typer

from faceparity.datasets.common.errors import UserError
from faceparity.harness import evaluate, evaluate_scores
from faceparity.harness.cli.app import app
from faceparity.harness.cli.support.published_command import published_command
from faceparity.harness.evaluation.resolved_options import resolve
from faceparity.harness.options import Flag, Options, flags, in_python
from faceparity.harness.results import RecordedOptions
from faceparity.harness.suite.suite_file import SuiteDataset, SuiteFile, SuiteModel

OTHER: dict[str, Any] = {
    "by": ("gender",), "pool": "all", "references": ("gender=female",), "scenarios": ("watchlist-half", "my/secret-name.toml"),
    "include_minors": True, "keep_unread_ages": True, "threshold": 0.4, "targets": (0.05,), "threshold_from": Path("/home/secret-name/run"),
    "exclude": Path("/home/secret-name/x.csv"), "claims": (Path("secret-name.toml"),), "comparisons": 0.5, "device": "cuda", "workers": 3,
    "dask": "tls://secret-name:8786", "ephemeral": True, "seed": 9, "faces": "centre",
}  # fmt: skip
"""Every option with a value that is not its default."""


def parameters(command: str) -> dict[str, Any]:
    group = typer.main.get_command(app)
    return {p.name: p for p in group.commands[command].params}  # type: ignore[attr-defined]


def test_the_examples_here_are_of_every_option() -> None:
    assert OTHER.keys() == Options.model_fields.keys()
    assert all(Options.model_fields[name].default != value for name, value in OTHER.items())
    assert Options.of(OTHER) == Options(**OTHER)


def test_run_the_suite_file_the_python_call_and_the_record_offer_the_same() -> None:
    fields = set(Options.model_fields)
    run = parameters("run")
    assert fields <= run.keys()
    for name, flag in flags():
        assert run[name].opts == [flag.name]
        assert flag.help.split(".")[0] in run[name].help
    assert run.keys() - fields == {"dataset", "model", "pdf", "out"}
    assert SuiteFile.model_fields.keys() - fields == {"title", "missing", "models", "datasets"}
    assert fields <= SuiteFile.model_fields.keys()
    call = inspect.signature(evaluate).parameters
    assert call.keys() - fields == {"dataset", "model"}
    assert {n: p.default for n, p in call.items() if n in fields} == {n: f.default for n, f in Options.model_fields.items()}
    assert RecordedOptions.model_fields.keys() == fields
    assert all(f"- {name}: " in (evaluate.__doc__ or "") for name in fields)


def test_score_in_the_shell_and_in_python_offer_the_same() -> None:
    fields = {name for name, _ in flags(of_scores=True)}
    assert parameters("score").keys() - {"scores", "failures", "distance", "repeated", "out"} == fields
    assert inspect.signature(evaluate_scores).parameters.keys() - {"scores", "failures", "distance", "repeated", "name"} == fields
    assert fields == {"by", "pool", "references", "threshold", "targets", "seed"}


def test_a_suite_s_tables_vary_options_of_a_run_alone() -> None:
    for table in (SuiteDataset, SuiteModel):
        assert table.model_fields.keys() - {"use"} < Options.model_fields.keys()
    assert parameters("suite").keys() & Options.model_fields.keys() == Options.MACHINE


@pytest.mark.parametrize("name", Options.model_fields)
def test_each_option_typed_reaches_the_options(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the shell hands it over: every value by itself after its flag."""
    seen: list[Options] = []
    monkeypatch.setattr("faceparity.harness.cli.commands.run.run_command", lambda asked, *rest: seen.append(Options.of(asked)))
    flag, value = dict(flags())[name], OTHER[name]
    values = list(value) if isinstance(value, tuple) else [value]
    words = [flag.name] if value is True else [w for v in values for w in (flag.name, str(v))]
    app(["run", *words], standalone_mode=False)
    assert seen == [Options(**{name: value})]


def test_nothing_typed_is_the_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Options] = []
    monkeypatch.setattr("faceparity.harness.cli.commands.run.run_command", lambda asked, *rest: seen.append(Options.of(asked)))
    app(["run"], standalone_mode=False)
    assert seen == [Options()]
    assert Options().as_flags() == []


def test_what_is_published_names_no_file_and_no_address() -> None:
    published = Options(**OTHER).published()
    assert "secret-name" not in published.model_dump_json() + str(published.as_flags())
    assert published.scenarios == ("watchlist-half", "<file>")
    assert "--scenario watchlist-half --scenario <file>" in published_command("run", published.as_flags())
    assert [flag for flag, _ in published.as_flags()] == [flag.name for _, flag in flags()]
    assert RecordedOptions.model_validate_json(RecordedOptions(**published.model_dump()).model_dump_json()).by == ("gender",)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"targets": [5.0]}, "--target-fmr 5: a false match rate lies between 0 and 1, as in 0.001"),
        ({"by": "gender"}, "--by is a list: write by=['gender'], not by='gender'"),
        ({"targets": 0.01}, "--target-fmr is a list: write targets=[0.01], not targets=0.01"),
        ({"device": "gpu"}, "--device gpu: known are cpu and cuda"),
        ({"workers": 0}, "--workers 0: a whole number from 1 is wanted"),
        ({"seed": -1}, "--seed -1: a whole number from 0 is wanted"),
        ({"comparisons": 2.0}, "--comparisons 2: a share of them, from 0.001 to 1 (all), as in 0.01"),
        ({"target": [0.1]}, "there is no option 'target': did you mean targets?"),
        ({"xyzzy": 1}, "there is no option 'xyzzy': known are by, "),
        ({"threshold": float("nan")}, "--threshold nan: "),
    ],
)
def test_a_slip_is_one_line(asked: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError) as error:
        Options.of(asked)
    assert str(error.value).startswith(said)
    assert "\n" not in str(error.value)
    assert "--" not in in_python(str(error.value))


def test_targets_are_in_one_order_each_once() -> None:
    assert Options(targets=(0.001, 0.05, 0.001)).targets == (0.05, 0.001)


def test_only_what_was_given_goes_before() -> None:
    base = Options(by=("gender",), pool="all", seed=3)
    table = SuiteDataset(use="control", pool="balanced", by=())
    assert base.merged(table) == Options(by=(), pool="balanced", seed=3)
    assert base.merged(SuiteDataset(use="control")) == base


def test_files_that_options_name_are_read_and_those_that_exclude_each_other_refused() -> None:
    resolved = resolve(Options(scenarios=("watchlist-half",)))
    assert [s.name for s in resolved.scenarios] == ["watchlist-half"]
    assert resolved.share is None
    with pytest.raises(UserError, match="--comparisons with --scenario"):
        resolve(Options(scenarios=("watchlist-half",), comparisons=0.5))
    with pytest.raises(UserError, match="--comparisons with --exclude"):
        resolve(Options(exclude=Path("x.csv"), comparisons=0.5))


def test_every_flag_is_unlike_the_others() -> None:
    names = [flag.name for _, flag in flags()]
    assert len(set(names)) == len(names)
    assert all(isinstance(flag, Flag) and flag.help for _, flag in flags())


def test_whether_targets_were_named_is_known() -> None:
    """Be they the default ones: those named are reported where default ones are refused."""
    assert not Options().targets_asked
    assert not Options.of({"by": ["gender"]}).targets_asked
    assert Options.of({"targets": [0.01, 0.001]}).targets_asked
    assert Options().merged(Options(targets=(0.01, 0.001))).targets_asked
    assert not Options(by=("gender",)).merged(Options(seed=3)).targets_asked
    assert Options(targets=(0.1,)).published().targets_asked
