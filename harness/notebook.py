"""For notebooks and scripts: one call that evaluates a model on a data set, and a result that shows itself.

from faceparity.harness import evaluate
result = evaluate("control", "sface", by=["gender"])
result                                # the finding, rates and charts, where a notebook shows them
result.to_pandas("contrasts")         # any of result.tables
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from faceparity.datasets.dataset import Dataset
from faceparity.datasets.errors import UserError
from faceparity.datasets.registry import load_dataset

from . import record
from .evaluation.evaluate import DEFAULT_TARGETS, Options, attributes_of, planned_groupings
from .evaluation.evaluate import evaluate as _evaluate
from .models.registry import load_model_card
from .run import check_groups
from .scenarios.load import load_scenarios
from .scenarios.run import check_scenarios
from .templates.pipeline import cores, extract
from .templates.store import Store

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

TABLES = "faceparity.reports.tables"
FRAGMENT = "faceparity.reports.notebook"
PAGE = "faceparity.reports.html"
"""Found by name, as reports stand behind the harness."""


@dataclass(frozen=True)
class EvaluationResult:
    """One model on one data set. record: all that was measured, as results.json has it; aggregates only, nobody's name or code."""

    record: record.Evaluation

    @property
    def tables(self) -> list[str]:
        """What `to_arrow` and `to_pandas` take: rates, contrasts, indices, groups and more, as the CSV files of a run."""
        return list(self._tables())

    def to_arrow(self, table: str = "rates") -> pa.Table:
        """One table. Rates are fractions; undefined is null, with its reason in a column of its own. Raises UserError."""
        import pyarrow as pa

        header, rows = self._table(table)
        return pa.table({name: _column([row[i] for row in rows]) for i, name in enumerate(header)})

    def to_pandas(self, table: str = "rates") -> pd.DataFrame:
        """The same as a DataFrame. Raises UserError where pandas is not installed."""
        try:
            import pandas  # noqa: F401
        except ImportError:
            raise UserError("to_pandas needs pandas: pip install 'faceparity[pandas]', or use to_arrow") from None
        return self.to_arrow(table).to_pandas()

    def to_json(self) -> str:
        """results.json."""
        return record.to_json(self.record)

    def report(self) -> str:
        """The whole report page as HTML."""
        return str(import_module(PAGE).render([self.record]))

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return str(import_module(FRAGMENT).fragment(self.record, f"n{secrets.token_hex(4)}"))

    def __repr__(self) -> str:
        e = self.record
        return f"<{e.model.name} on {e.dataset.name}: {e.comparisons.mated:,} mated, {e.comparisons.non_mated:,} non-mated comparisons>"

    def _tables(self) -> dict[str, tuple[list[str], list[list[Any]]]]:
        found: dict[str, tuple[list[str], list[list[Any]]]] = import_module(TABLES).tables(self.record)
        return found

    def _table(self, name: str) -> tuple[list[str], list[list[Any]]]:
        every = self._tables()
        if name not in every:
            raise UserError(f"there is no table {name!r}; there are {', '.join(every)}")
        return every[name]


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
    seed: int = 0,
) -> EvaluationResult:
    """Evaluate one model on one data set, as `faceparity run` does, without writing a run's folder.

    dataset: what is typed after -d, or one that is loaded. by: attributes to group by; none named: the data set's own.
    threshold: in the model's own unit. ephemeral: keep no templates; else they are in the encrypted store, as after a run.
    In a script that is not a notebook, workers other than 1 need `if __name__ == "__main__":`. Raises UserError.
    """
    if any(not 0 < target < 1 for target in targets) or not targets:
        raise UserError("targets: false match rates between 0 and 1 are wanted, as in (0.01, 0.001)")
    if isinstance(by, str) or isinstance(references, str) or isinstance(scenarios, str):
        raise UserError("by, references and scenarios are lists: write ['gender'], not 'gender'")
    loaded = load_dataset(dataset, include_minors=include_minors) if isinstance(dataset, str) else dataset
    options = Options(
        by=tuple(by), targets=tuple(sorted(set(targets), reverse=True)), threshold=threshold, pool=pool, references=tuple(references),
        workers=workers or cores(), seed=seed, command="faceparity.harness.evaluate(…)", scenarios=load_scenarios(scenarios),
    )  # fmt: skip
    card = load_model_card(model)
    check_groups(loaded, attributes_of(loaded, options.by))
    check_scenarios(options.scenarios, loaded, planned_groupings(loaded, options.by))
    with Store(ephemeral=ephemeral) as store:
        templates = extract(loaded, model, store=store, workers=options.workers)
    return EvaluationResult(_evaluate(loaded, card, templates, options).evaluation)


def _column(values: list[Any]) -> pa.Array:
    """Of one kind: numbers stay numbers, a column of several kinds becomes text."""
    import pyarrow as pa

    kinds = {type(v) for v in values if v is not None}
    if kinds <= {int, float} and len(kinds) == 2:
        return pa.array([None if v is None else float(v) for v in values], pa.float64())
    if len(kinds) > 1:
        return pa.array([None if v is None else str(v) for v in values], pa.string())
    return pa.array(values)
