"""For notebooks and scripts: one call that evaluates a model on a data set, or a table of scores, and a result that shows itself.

from faceparity.harness import evaluate, evaluate_scores
result = evaluate("control", "sface", by=["gender"])
result                                # the finding, rates and charts, where a notebook shows them
result.to_pandas("contrasts")         # any of result.tables
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.registry import load_dataset
from faceparity.datasets.schema.dataset import Dataset
from faceparity.harness.api.errors import in_python
from faceparity.harness.api.progress import bars
from faceparity.harness.api.result import EvaluationResult, load_results
from faceparity.harness.evaluation.exclusion_file import Excluded, read_exclusions
from faceparity.harness.evaluation.preflight import preflight
from faceparity.harness.evaluation.resolved_options import resolve
from faceparity.harness.evaluation.with_exclusions import evaluate_without
from faceparity.harness.execution.gpu import check_device, with_device
from faceparity.harness.models.registry import load_model_card, open_model
from faceparity.harness.options import Options, flags, helped, python_type
from faceparity.harness.runs.choose_backend import check_dask, chosen_backend
from faceparity.harness.runs.transferred_thresholds import thresholds_of
from faceparity.harness.score_files import evaluate as scores_file
from faceparity.harness.templates.extract import cores, extract
from faceparity.harness.templates.store import Store

__all__ = ["EvaluationResult", "evaluate", "evaluate_scores", "load_results"]


def evaluate(dataset: str | Dataset, model: str = "face_recognition", **options: Any) -> EvaluationResult:
    """Evaluate one model on one data set.

    It does what `faceparity run` does, without writing a run's folder.

    - dataset: what is typed after -d (`"control"`, `"folder=PICTURES"`), or one that is loaded.
    - model: what is typed after -m.

    And the options of `faceparity run`:

    {options}

    Templates are kept in the encrypted store, as after a run. In a script that is not a notebook, workers other than 1 need
    `if __name__ == "__main__":`. A notebook shows how far it is. Raises UserError, in one line, for anything of this that
    can't be had.
    """
    with in_python(), bars() as bar:
        parsed = Options.of(_lists(options))
        check_dask(parsed.dask, parsed.workers)
        resolved = resolve(parsed, command="faceparity.harness.evaluate(…)", workers=parsed.workers or cores())
        resolved = replace(resolved, device=check_device(parsed.device))
        loaded = _load(dataset, parsed) if isinstance(dataset, str) else dataset
        spec = with_device(model, parsed.device)
        card = load_model_card(spec)
        if parsed.threshold_from is not None:
            resolved = replace(resolved, fixed=thresholds_of(parsed.threshold_from, [card.name]))
        excluded = read_exclusions(parsed.exclude, [loaded])[loaded.name] if parsed.exclude is not None else Excluded()
        grouped, opened = preflight(loaded, resolved), open_model(spec)
        loaded, excluded = grouped.dataset, excluded.renumbered(grouped.number)
        label = f"{loaded.name} · {card.name}"
        with chosen_backend(resolved.workers, parsed.device, parsed.dask) as backend, Store(ephemeral=parsed.ephemeral) as store:
            resolved = replace(resolved, backend=backend)
            step = bar(f"{label} · templates", loaded.n_samples)
            templates = extract(
                loaded,
                spec,
                store=store,
                workers=resolved.workers,
                progress=lambda done, total: step(done),
                backend=backend,
                model=opened,
                faces=parsed.faces,
            )
            bar(f"{label} · comparisons and statistics", 0)
            outcome = evaluate_without(loaded, card, templates, resolved, excluded, grouped=grouped)
            return EvaluationResult(outcome.evaluated.evaluation)


def evaluate_scores(
    scores: Any,
    *,
    failures: Any = None,
    distance: bool = False,
    repeated: str | None = None,
    name: str = "scores",
    **options: Any,
) -> EvaluationResult:
    """Evaluate any system's scores.

    As `faceparity score` takes them from a file: with its checks, its statistics and its result.

    - scores: a pandas or polars DataFrame, an Arrow table, anything else with Arrow's or the DataFrame interchange interface,
      columns by name, or the path of a CSV or Parquet file. One row is one comparison, with the columns `subject_a`, `subject_b`,
      `mated` (true or false), `score` (higher is more alike; null where the comparison failed), `ATTRIBUTE_a` and `ATTRIBUTE_b`
      for each attribute, and `sample_a`, `sample_b` where a person has several samples. Other columns are ignored.
    - failures: failures to extract, in a table with `subject`, `attempted`, `failed` and the attributes.
    - distance: lower scores are more alike.
    - repeated: mean, first or max, for two samples with several scores that differ; max is the most alike. None: refuse.
    - name: what data set and system are called in the result.

    And the options of `faceparity score`:

    {options}

    Raises UserError for what is missing, contradicts itself or is no score, with the row (counted from 0, as in `frame.iloc`).
    """
    with in_python(), bars() as bar:
        parsed = Options.of(_lists(options, of_scores=True))
        bar(f"{name} · comparisons and statistics", 0)
        resolved = resolve(parsed, command="faceparity.harness.evaluate_scores(…)")
        return EvaluationResult(
            scores_file.evaluate_scores(scores, resolved, failures=failures, distance=distance, repeated=repeated, name=name)
        )


def _load(dataset: str, asked: Options) -> Dataset:
    return load_dataset(dataset, include_minors=asked.include_minors, keep_unread_ages=asked.keep_unread_ages)


def _lists(options: Mapping[str, Any], *, of_scores: bool = False) -> dict[str, Any]:
    """Refuse what a slip would silently turn into something else.

    Raises UserError.
    """
    known = dict(flags(of_scores=of_scores))
    for name in options:
        if of_scores and name not in known and name in dict(flags()):
            raise UserError(f"{name} is of no use for scores: known are {', '.join(known)}")
    if "targets" in options and not options["targets"]:
        raise UserError("targets: name a false match rate between 0 and 1, as in targets=[0.01, 0.001]")
    return dict(options)


def _documented(function: Callable[..., Any], *, of_scores: bool = False) -> None:
    """Set the signature and help of a function with options."""
    known = dict(flags(of_scores=of_scores))
    fields = Options.model_fields
    keyword = inspect.Parameter.KEYWORD_ONLY
    parameters = inspect.signature(function).parameters.values()
    own = [parameter for parameter in parameters if parameter.kind is not inspect.Parameter.VAR_KEYWORD]
    more = [inspect.Parameter(name, keyword, default=fields[name].default, annotation=python_type(name)) for name in known]
    function.__signature__ = inspect.Signature([*own, *more], return_annotation=EvaluationResult)  # type: ignore[attr-defined]
    listed = "\n    ".join(f"- {name}: {helped(name)}" for name in known)
    function.__doc__ = (function.__doc__ or "").replace("{options}", listed)


_documented(evaluate)
_documented(evaluate_scores, of_scores=True)
