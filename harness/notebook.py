"""For notebooks and scripts: one call that evaluates a model on a data set, or a table of scores, and a result that shows itself.

from faceparity.harness import evaluate, evaluate_scores
result = evaluate("control", "sface", by=["gender"])
result                                # the finding, rates and charts, where a notebook shows them
result.to_pandas("contrasts")         # any of result.tables
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from faceparity.datasets.dataset import Dataset
from faceparity.datasets.errors import UserError
from faceparity.datasets.registry import load_dataset

from . import scores_file
from .evaluation.evaluate import evaluate as _evaluate
from .evaluation.options import DEFAULT_TARGETS, Options
from .evaluation.preflight import preflight
from .models.registry import load_model_card
from .notebook_errors import in_python
from .notebook_progress import bars
from .notebook_result import EvaluationResult, load_results
from .place import check_dask, chosen
from .scenarios.load import load_scenarios
from .templates.pipeline import cores, extract
from .templates.store import Store

__all__ = ["EvaluationResult", "evaluate", "evaluate_scores", "load_results"]


def evaluate(
    dataset: str | Dataset,
    model: str = "face_recognition",
    *,
    by: Sequence[str] = (),
    targets: Sequence[float] = DEFAULT_TARGETS,
    threshold: float | None = None,
    pool: str = "balanced",
    references: Sequence[str] = (),
    scenarios: Sequence[str] = (),
    include_minors: bool = False,
    ephemeral: bool = False,
    workers: int | None = None,
    dask: str | None = None,
    seed: int = 0,
) -> EvaluationResult:
    """Evaluate one model on one data set, as `faceparity run` does, without writing a run's folder.

    - dataset: what is typed after -d (`"control"`, `"folder=PICTURES"`), or one that is loaded.
    - model: what is typed after -m.
    - by: attributes to group by; none named: the data set's own.
    - targets: false match rates of the pool at which to set the threshold.
    - threshold: one more to report at, in the model's own unit.
    - pool: whose comparisons set the threshold: `"balanced"`, `"all"` or `"ATTRIBUTE=VALUE"`.
    - references: groups to compare with, as `["gender=female"]`; none named: the largest.
    - scenarios: names from `faceparity scenarios`, or files.
    - include_minors: keep people under 18.
    - ephemeral: keep no templates; else they are in the encrypted store, as after a run.
    - workers: processes; none named: one for each core. In a script that is not a notebook, workers other than 1 need
      `if __name__ == "__main__":`.
    - dask: address of a Dask cluster to work on, as after `faceparity run --dask`; not with workers.
    - seed: of the resampling.

    A notebook shows how far it is. Raises UserError, in one line, for whatever of this can't be had.
    """
    _check(targets, by=by, references=references, scenarios=scenarios)
    with in_python(), bars() as bar:
        check_dask(dask, workers)
        loaded = load_dataset(dataset, include_minors=include_minors) if isinstance(dataset, str) else dataset
        options = Options(
            by=tuple(by), targets=tuple(sorted(set(targets), reverse=True)), threshold=threshold, pool=pool,
            references=tuple(references), workers=workers or cores(), seed=seed, command="faceparity.harness.evaluate(…)",
            scenarios=load_scenarios(scenarios),
        )  # fmt: skip
        card = load_model_card(model)
        grouped = preflight(loaded, options)
        told = f"{loaded.name} · {card.name}"
        with chosen(options.workers, dask=dask) as place, Store(ephemeral=ephemeral) as store:
            options = replace(options, place=place)
            step = bar(f"{told} · templates", loaded.n_samples)
            workers = options.workers
            templates = extract(loaded, model, store=store, workers=workers, progress=lambda done, total: step(done), place=place)
            bar(f"{told} · comparisons and statistics", 0)
            return EvaluationResult(_evaluate(loaded, card, templates, options, grouped=grouped).evaluation)


def evaluate_scores(
    scores: Any,
    *,
    by: Sequence[str] = (),
    failures: Any = None,
    distance: bool = False,
    targets: Sequence[float] = DEFAULT_TARGETS,
    threshold: float | None = None,
    pool: str = "balanced",
    references: Sequence[str] = (),
    name: str = "scores",
    seed: int = 0,
) -> EvaluationResult:
    """Any system's scores, as `faceparity score` takes them from a file: with its checks, its statistics and its result.

    - scores: a pandas or polars DataFrame, an Arrow table, anything else with Arrow's or the DataFrame interchange interface, columns
      by name, or the path of a CSV or Parquet file. One row is one comparison, with the columns `subject_a`, `subject_b`, `mated`
      (true or false), `score` (higher is more alike; null where the comparison failed), `ATTRIBUTE_a` and `ATTRIBUTE_b` for each
      attribute, and `sample_a`, `sample_b` where a person has several samples. Other columns are ignored.
    - by, targets, pool, references, seed: as for `evaluate`.
    - failures: failures to extract, in a table with `subject`, `attempted`, `failed` and the attributes.
    - distance: lower scores are more alike.
    - threshold: one more to report at, as the scores are written.
    - name: what data set and system are called in the result.

    Raises UserError for what is missing, contradicts itself or is no score, with the row (counted from 0, as in `frame.iloc`).
    """
    _check(targets, by=by, references=references)
    with in_python(), bars() as bar:
        bar(f"{name} · comparisons and statistics", 0)
        options = Options(
            by=tuple(by), targets=tuple(sorted(set(targets), reverse=True)), threshold=threshold, pool=pool,
            references=tuple(references), seed=seed, command="faceparity.harness.evaluate_scores(…)",
        )  # fmt: skip
        return EvaluationResult(scores_file.evaluate_scores(scores, options, failures=failures, distance=distance, name=name))


def _check(targets: Sequence[float], **lists: Sequence[str]) -> None:
    """What a slip of the pen would turn into something else without a word. Raises UserError."""
    for name, value in lists.items():
        if isinstance(value, str):
            raise UserError(f"{name} is a list: write {name}=[{value!r}], not {name}={value!r}")
    if isinstance(targets, (int, float)) or not targets or any(not 0 < target < 1 for target in targets):
        raise UserError("targets: false match rates between 0 and 1 are wanted, as in targets=[0.01, 0.001]")
