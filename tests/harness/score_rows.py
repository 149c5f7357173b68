"""Score files in memory: groups of people with two samples each, all pairs within a group, and what a test changes of them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from rich.console import Console

from faceparity.harness import results
from faceparity.reports.formats.terminal import render


@dataclass(frozen=True)
class ScoreRows:
    """Columns of equal length. group_a is group_b: comparisons are within a group."""

    subject_a: np.ndarray
    subject_b: np.ndarray
    score: np.ndarray
    group_a: np.ndarray
    attribute: str

    @property
    def mated(self) -> np.ndarray:
        return np.asarray(self.subject_a == self.subject_b)

    def pick(self, rows: np.ndarray) -> ScoreRows:
        chosen = {name: getattr(self, name)[rows] for name in ("subject_a", "subject_b", "score", "group_a")}
        return replace(self, **chosen)

    def columns(self, score: np.ndarray | None = None) -> dict[str, Any]:
        """As `evaluate_scores` takes them; a score that is nan is empty."""
        return {
            "subject_a": self.subject_a, "sample_a": np.char.add(self.subject_a, "/1"),
            "subject_b": self.subject_b, "sample_b": np.char.add(self.subject_b, "/2"),
            "mated": self.mated, "score": pa.array(self.score if score is None else score, from_pandas=True),
            f"{self.attribute}_a": self.group_a, f"{self.attribute}_b": self.group_a,
        }  # fmt: skip


def everybody(
    sizes: Mapping[str, int], *, seed: int, shift: Mapping[str, float] | None = None, attribute: str = "kind"
) -> ScoreRows:
    """All pairs within each group and each person's own. shift: added to the non-mated scores of a group."""
    rng = np.random.default_rng(seed)
    parts: list[tuple[np.ndarray, ...]] = []
    for name, size in sizes.items():
        first, second = np.triu_indices(size)
        mated = first == second
        score = np.where(mated, rng.normal(0.7, 0.1, first.size), rng.normal(0.2 + (shift or {}).get(name, 0.0), 0.1, first.size))
        people = np.asarray([f"{name}{k:03d}" for k in range(size)])
        parts.append((people[first], people[second], score, np.repeat(name, first.size)))
    return ScoreRows(*(np.concatenate(columns) for columns in zip(*parts, strict=True)), attribute)


def shown(evaluation: results.Evaluation, width: int = 80) -> str:
    """What the terminal shows of a result, each line broken where it is."""
    out = io.StringIO()
    Console(file=out, width=width).print(render([evaluation]))
    return out.getvalue()


def flat(evaluation: results.Evaluation) -> str:
    """The same in one line."""
    return " ".join(shown(evaluation).replace("\N{NO-BREAK SPACE}", " ").split())
