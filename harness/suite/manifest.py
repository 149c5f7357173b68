"""What a result of a suite depends on, and suite.json, which records it: results of different kinds are never mixed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Literal

from pydantic import Field

from faceparity.datasets.common.atomic_write import write_atomically
from faceparity.datasets.common.bounded_json import RECORD_LIMITS, read_json
from faceparity.datasets.common.errors import UserError
from faceparity.datasets.fetch.artefacts import file_sha256
from faceparity.datasets.schema.card import Strict
from faceparity.datasets.schema.dataset import Dataset
from faceparity.harness.evaluation.exclusion_file import Excluded
from faceparity.harness.evaluation.resolved_options import Resolved
from faceparity.harness.execution.versions import LIBRARIES, code_digest
from faceparity.harness.models.assembly.pipeline import library_versions
from faceparity.harness.options import Options
from faceparity.harness.runs.result_files import RESULTS

RECORD = "suite.json"
_READ = {"scenarios", "claims", "threshold_from", "exclude", "ephemeral", "comparisons"}
"""Options whose content is compared instead (in `result_inputs`), or that change no figure."""
SCHEMA: Literal["faceparity.suite/1"] = "faceparity.suite/1"


class ResultInputs(Strict):
    """Everything that a result depends on.

    Two results are of one kind if all of it but data set and model agrees.
    """

    version: str
    code: str
    """Of the package's own files: a version number alone does not tell one checkout from another."""
    libraries: str
    dataset: str
    model: str
    options: str

    def differs(self, other: ResultInputs) -> list[str]:
        """Return what is different, in words."""
        words = {
            "version": f"faceparity {self.version}",
            "code": "other code of faceparity",
            "libraries": "other versions of libraries",
            "dataset": "other images or labels",
            "model": "other weights or settings of the model",
            "options": "other options",
        }
        return [text for name, text in words.items() if getattr(self, name) != getattr(other, name)]


class ManifestEntry(Strict):
    """One evaluation of the suite.

    result: sha256 of its results.json, empty where it failed. error: its kind, no text, which could hold a name.
    seconds: for extraction (of `extracted` images) and for the rest (of `comparisons`).
    lost: images that count as failed only because something ended their workers: the next call runs the evaluation again.
    """

    dataset: str
    model: str
    status: Literal["done", "failed"]
    made: ResultInputs
    result: str = ""
    error: str = ""
    extracted: int = 0
    lost: int = 0
    extraction_seconds: float = 0
    comparisons: int = 0
    comparison_seconds: float = 0
    workers: int = 1


class Record(Strict):
    """The content of suite.json.

    told: sha256 over the results that the reports in the folder show.
    """

    schema_: Literal["faceparity.suite/1"] = Field(default=SCHEMA, alias="schema")
    suite: str
    entries: list[ManifestEntry] = Field(default_factory=list)
    told: str = ""

    def entry(self, dataset: str, model: str) -> ManifestEntry | None:
        """Return the entry of a data set and model.

        Both by the names of their folders; None if there is none.
        """
        return next((entry for entry in self.entries if (entry.dataset, entry.model) == (dataset, model)), None)

    def with_entry(self, entry: ManifestEntry) -> Record:
        """Return the record with this entry.

        It replaces any of the same data set and model.
        """
        others = [other for other in self.entries if (other.dataset, other.model) != (entry.dataset, entry.model)]
        return self.model_copy(update={"entries": [*others, entry]})


def read_record(out: Path, suite: str) -> Record:
    """Read suite.json from a suite's folder.

    A new record where there is none. Raises UserError for one that can't be read.
    """
    file = out / RECORD
    if not file.is_file():
        return Record(suite=suite)
    try:
        return Record.model_validate_json(read_json(file, RECORD_LIMITS))
    except (OSError, ValueError) as error:
        raise UserError(f"{file}: can't be read, or is of another version; name another folder with --out") from error


def write_record(record: Record, out: Path) -> None:
    """Write suite.json, in full or not at all.

    Nothing goes on without it. A result that a power cut tears is known by its sha256.
    """
    write_atomically(out / RECORD, record.model_dump_json(by_alias=True, indent=1) + "\n", durable=True)


def sha256(file: Path) -> str:
    """Return a file's sha256; empty if there is no file."""
    return file_sha256(file) if file.is_file() else ""


def is_intact(entry: ManifestEntry | None, folder: Path) -> bool:
    """Return whether the result is there as it was written."""
    return entry is not None and entry.status == "done" and entry.result == sha256(folder / RESULTS) != ""


def result_inputs(dataset: Dataset, fingerprint: str, resolved: Resolved, excluded: Excluded | None = None) -> ResultInputs:
    """Return what a result of these depends on.

    Workers, the command and the position do not change it.
    """
    left_out = excluded or Excluded()
    compared = {
        **resolved.options.model_dump(mode="json", exclude={*Options.MACHINE, *_READ}),
        "scenarios": [scenario.model_dump(mode="json") for scenario in resolved.scenarios],
        "claims": [claim.sha256 for claim in resolved.claims],
        "targets_asked": resolved.options.targets_asked,
        "fixed": [[point.threshold, point.detail, point.model] for point in resolved.fixed],
        "comparisons": resolved.share,
        "excluded": [left_out.samples.tolist(), left_out.pairs.tolist(), left_out.sample_reasons, left_out.pair_reasons],
    }  # fmt: skip
    return ResultInputs(
        version=metadata.version("faceparity"), code=code_digest(), libraries=_libraries(), dataset=dataset.digest, model=fingerprint,
        options=_digest(compared),
    )  # fmt: skip


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


@cache
def _libraries() -> str:
    return _digest(library_versions(LIBRARIES))


def results_digest(entries: Sequence[ManifestEntry]) -> str:
    """Return one sha256 over results, in this order."""
    return _digest([entry.result for entry in entries])
