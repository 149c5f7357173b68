"""The tables of the control set's card, `datasets/control/README.md`: `python -m tests.benchmarks.control_set`.

Reads both parts from the package, extracts with every model named (default: face_recognition and sface, whose weights must be here)
and prints Markdown. Detection, EER, d′ and the paired differences are the harness's own. EER describes how far scores lie apart; nobody
can run at it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from faceparity.datasets.registry import load_dataset
from faceparity.datasets.schema.dataset import Dataset
from faceparity.harness import results
from faceparity.harness.evaluation.evaluate import Evaluated, evaluate
from faceparity.harness.evaluation.preflight import EVERYONE
from faceparity.harness.groups.groupings import one_group
from faceparity.harness.models.registry import load_model_card
from faceparity.harness.options import Options
from faceparity.harness.templates.extract import extract
from faceparity.harness.templates.store import Store
from faceparity.harness.verification.rates.score_separation import make_separation
from faceparity.reports.wording import numbers as f

MODELS = ("face_recognition", "sface")
TARGET = 1e-2
RATES = ("fmr", "fnmr")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table, the first column to the left."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def evaluated(dataset: Dataset, model: str, store: Store) -> Evaluated:
    """One model on one part, grouped as its card says."""
    return evaluate(
        dataset, load_model_card(model), extract(dataset, model, store=store), replace(Options(), targets=(TARGET, 1e-3))
    )


def counts(dataset: Dataset) -> str:
    """People and images of each cell of ancestry morph × sex, and bytes of all files."""
    morph, sex = dataset.attributes["ancestry_morph"], dataset.attributes["sex"]
    rows = []
    for m, ancestry in enumerate(morph.values):
        for s, name in enumerate(sex.values):
            here = (morph.codes == m) & (sex.codes == s)
            rows.append([f"{ancestry} × {name}", str(np.unique(dataset.subjects[here]).size), f"{int(here.sum()):,}"])
    rows.append(["all", f"{dataset.n_subjects:,}", f"{dataset.n_samples:,}"])
    size = sum((dataset.root / file).stat().st_size for file in dataset.files)
    return table(["ancestry morph × sex", "heads", "images"], rows) + f"\n{size / 1e6:.1f} MB\n"


def detection(dataset: Dataset, found: Sequence[Evaluated]) -> str:
    """Images with a face found, of all, by group of the finest grouping."""
    shown = [{r.group: r for r in e.evaluation.extraction.by_group[-1].rates} for e in found]
    rows = [[group, *(_found(one[group]) for one in shown)] for group in shown[0]]
    overall = [e.evaluation.extraction.overall for e in found]
    rows.append(["all", *("" if r is None else _found(r) for r in overall)])
    by = " × ".join(a.replace("_", " ") for a in found[0].evaluation.extraction.by_group[-1].attributes)
    return table([f"{dataset.name}: {by}", *(e.evaluation.model.name for e in found)], rows)


def _found(rate: results.Rate) -> str:
    return f"{rate.comparisons - rate.errors:,} of {rate.comparisons:,}"


def separation(dataset: Dataset, found: Sequence[Evaluated]) -> str:
    """EER and d′ of each group, both samples in it, and of all comparisons."""
    head, columns = ["ancestry morph × sex"], []
    for e in found:
        head += [f"{e.evaluation.model.name}: EER", "d′"]
        everyone = make_separation(e.evidence, one_group(e.evidence.cells, EVERYONE), np.array([dataset.n_subjects]))
        columns.append([*e.evaluation.groupings[-1].separation, *everyone])
    rows = [[one[0].group, *(cell for s in one for cell in _apart(s))] for one in zip(*columns, strict=True)]
    return table(head, rows)


def _apart(s: results.Separation) -> list[str]:
    return [f.percent(s.eer), f.DASH if s.d_prime is None else f"{s.d_prime:.1f}"]


def experiment(e: Evaluated) -> Iterator[str]:
    """What tone and exposure add: to mean scores, in the model's own unit, and to error rates at the target, in points.

    A level without sign is the reference; * passed the gates of a verdict.
    """
    for paired in e.evaluation.paired:
        sign = e.evaluation.model.score.sign
        scores = [d for d in paired.differences if d.factor is not None and d.measure != "ftx"]
        points = [p for p in paired.operating_points if p.target_fmr == TARGET]
        rates = [d for p in points for d in p.differences if d.factor is not None]
        unit = "similarity" if sign > 0 else "distance"
        head = [
            e.evaluation.model.name,
            f"{unit} of two heads",
            f"{unit} of one head",
            f"FMR at target {f.percent(TARGET)}",
            "FNMR",
        ]
        yield table(head, [_level(x, level, scores + rates, sign) for x in paired.factors for level in x.levels])


def _level(factor: results.PairedFactor, level: str, differences: Sequence[results.PairedDifference], sign: int) -> list[str]:
    cells = [f"{factor.factor} {level}"]
    for measure in ("non_mated_score", "mated_score", "fmr", "fnmr"):
        of = [d for d in differences if d.factor == factor.factor and d.measure == measure]
        cells.append(
            _reference(of[0], sign) if level == factor.reference else _difference(next(d for d in of if d.level == level), sign)
        )
    return cells


def _reference(d: results.PairedDifference, sign: int) -> str:
    if d.reference_value is None:
        return f.DASH
    return f.percent(d.reference_value) if d.measure in RATES else f"{sign * d.reference_value:.3f}"


def _difference(d: results.PairedDifference, sign: int) -> str:
    if d.difference is None:
        return "no errors" if d.errors == 0 and d.reference_errors == 0 else f.DASH
    scale, digits = (100, 2) if d.measure in RATES else (sign, 3)
    ends = "" if d.interval is None else " [" + ", ".join(f"{x:+.{digits}f}" for x in sorted(scale * x for x in d.interval)) + "]"
    mark = " *" if d.verdict in ("higher", "lower") else ""
    return f"{scale * d.difference:+.{digits}f}{ends}{mark}"


def main(models: Sequence[str]) -> None:
    """Prints all tables."""
    with Store() as store:
        for name in ("control", "control-tone"):
            dataset = load_dataset(name)
            found = [evaluated(dataset, model, store) for model in models]
            print(counts(dataset), detection(dataset, found), sep="\n")
            if name == "control":
                print(separation(dataset, found))
            print(*(text for e in found for text in experiment(e)), sep="\n")


if __name__ == "__main__":
    main(sys.argv[1:] or MODELS)
