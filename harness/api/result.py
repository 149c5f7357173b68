"""A result as notebooks and scripts hold it: tables, figures, the report, and how a notebook shows it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faceparity.datasets.common.errors import UserError
from faceparity.harness import results as record
from faceparity.harness.api.errors import in_python
from faceparity.harness.results.stored import Result
from faceparity.harness.runs.result_files import load_results as _load
from faceparity.harness.runs.result_files import write_reports, write_results
from faceparity.harness.runs.run_folder import prepare_folder

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

TABLES = "faceparity.reports.formats.csv_tables"
SHOWN = "faceparity.reports.exports.notebook"
PAGE = "faceparity.reports.formats.html"
"""Imported by name, as the harness does not depend on reports."""


@dataclass(frozen=True)
class EvaluationResult:
    """One model on one data set, or one system's scores.

    As the last line of a notebook's cell it shows the finding, each group's rates and their charts.

    record: all that was measured, as results.json has it; aggregates only, nobody's name or code.
    """

    record: record.Evaluation

    @property
    def tables(self) -> list[str]:
        """Return the names of tables for `to_arrow` and `to_pandas`.

        Rates, contrasts, indices, groups and more, as the CSV files of a run.
        """
        return list(self._tables)

    @cached_property
    def figures(self) -> Mapping[str, Any]:
        """Return every figure of the report by its name.

        `result.figures` lists them, `result.figures[name]` shows one. A figure has `name`, `caption`, `alt`, `svg` (a picture of
        its own, on white) and `save(path)`.
        """
        found: Mapping[str, Any] = import_module(SHOWN).figures(self.record)
        return found

    def to_arrow(self, table: str = "rates") -> pa.Table:
        """Return one table as a pyarrow.Table.

        Rates are fractions; undefined is null, with its reason in a column of its own.

        Raises UserError for a table that there is not.
        """
        import pyarrow as pa

        if table not in self._tables:
            raise UserError(f"there is no table {table!r}; there are {', '.join(self._tables)}")
        header, rows = self._tables[table]
        return pa.table({name: _column([row[column] for row in rows]) for column, name in enumerate(header)})

    def to_pandas(self, table: str = "rates") -> pd.DataFrame:
        """Return one table as a pandas DataFrame.

        With the content of `to_arrow`. (polars: `polars.from_arrow(result.to_arrow())`.)

        Raises UserError for a table that there is not, and where pandas is not installed.
        """
        try:
            import pandas  # noqa: F401
        except ImportError:
            raise UserError("to_pandas needs pandas: pip install 'faceparity[pandas]', or use to_arrow") from None
        return self.to_arrow(table).to_pandas()

    def to_json(self) -> str:
        """Return results.json, byte for byte as a run writes it."""
        return record.to_json(self.record)

    def report(self) -> str:
        """Return the whole report page as HTML."""
        return str(import_module(PAGE).render([self.record]))

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write what a run writes for others to read.

        That is results.json, tables, summary.md and report.html; nothing private. `faceparity report`, `compare` and
        `load_results` read the folder. Returns the path of report.html. Raises UserError for a folder that holds
        something else or can't be written to.
        """
        with in_python():
            out = prepare_folder(Path(folder))
        write_results(self.record, out)
        write_reports([Result(self.record, out)], out)
        return out / "report.html"

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        return str(import_module(SHOWN).fragment(self.record, f"n{secrets.token_hex(4)}"))

    def __repr__(self) -> str:
        system = f"{self.record.model.name} on {self.record.dataset.name}"
        counts = self.record.comparisons
        return f"<{system}: {counts.mated:,} mated, {counts.non_mated:,} non-mated comparisons>"

    @cached_property
    def _tables(self) -> dict[str, tuple[list[str], list[list[Any]]]]:
        found: dict[str, tuple[list[str], list[list[Any]]]] = import_module(TABLES).tables(self.record)
        return found


def load_results(run: str | os.PathLike[str]) -> list[EvaluationResult]:
    """Load every result in a run's folder.

    Or in the folder of a suite, or of one data set or model in it; in the run's order.

    Raises UserError if there is none, or one was written by another version of the schema.
    """
    return [EvaluationResult(found.evaluation) for found in _load(Path(run))]


def _column(values: list[Any]) -> pa.Array:
    """Return a column of one kind.

    Numbers stay numbers, a column of several kinds becomes text.
    """
    import pyarrow as pa

    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float} and len(kinds) == 2:
        return pa.array([None if value is None else float(value) for value in values], pa.float64())
    if len(kinds) > 1:
        return pa.array([None if value is None else str(value) for value in values], pa.string())
    return pa.array(values)
