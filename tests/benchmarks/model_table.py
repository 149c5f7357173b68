"""Models beside each other, as a page in Markdown: `python -m tests.benchmarks.model_table RUN... [--speed FILE]`.

Reads results.json of runs, and computes nothing but a rate from its errors: every number is one that a report shows too. For each
data set: failures to extract, FNMR at FMR 1e-3 over all mated comparisons, and FMR by gender and by ethnicity at the target 1e-2.
Of several runs the first that has a figure counts; one with another pool than the first is marked. --speed: what
`python -m tests.benchmarks.extraction` printed.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from faceparity.harness import results
from faceparity.harness.runs.result_files import load_results

FNMR_TARGET, FMR_TARGET = 1e-3, 1e-2
BY = ("gender", "ethnicity")
NOTE = """\
All in percent, with the 95 % interval; `≤` where there are too few errors for more than an upper bound, `–` where there is nothing to
tell. FTX: failures to extract a template. FNMR: of all mated comparisons, at the threshold where the balanced pool's FMR is 1e-3. FMR
of a group: within it, at the one threshold where the balanced pool's FMR is 1e-2; the mean over cells of the other attribute, each
weighted equally. \\* as sampled, since cells are too small for that. † the threshold is that of all non-mated comparisons: the balanced
pool is too small for 1e-3. ‡ the model was, or may have been, trained on people of the set."""
OTHER_POOL = "†"
AS_SAMPLED = "\\*"


def percent(value: float) -> str:
    """Two significant digits, never an exponent."""
    shown = 100 * value
    digits = 0 if shown >= 10 else 1 if shown >= 1 else 2 if shown >= 0.1 else 3
    return f"{shown:.{digits}f}"


def cell(rate: results.Rate | None) -> str:
    """Rate and 95 % interval in percent; the upper bound where there were too few errors for a rate; why, where there is nothing."""
    if rate is None:
        return "–"
    if rate.rate is not None and rate.interval:
        return f"{percent(rate.rate)} [{percent(rate.interval[0])}, {percent(rate.interval[1])}]"
    if rate.errors == 0 and rate.bounds is not None:
        return f"0 of {rate.comparisons:,} (≤ {percent(rate.upper)})"
    if rate.interval:
        return f"≤ {percent(rate.interval[1])}"
    return percent(rate.rate) if rate.rate is not None else "–"


def point(e: results.Evaluation, by: str, target: float) -> results.OperatingPoint | None:
    """The operating point of one attribute at a target; None if it was refused or not asked for."""
    for grouping in e.groupings:
        if grouping.attributes == [by]:
            for p in grouping.operating_points:
                if p.origin == "target" and p.target_fmr == target and p.threshold is not None:
                    return p
    return None


def fnmr(runs: Sequence[results.Evaluation]) -> str:
    """FNMR at FMR 1e-3, from the first run in which that target could be met."""
    for i, e in enumerate(runs):
        if e.comparisons.mated == 0:
            return "no mated pairs"
        p = point(e, BY[0], FNMR_TARGET)
        if p is not None and p.overall is not None:
            return cell(p.overall.fnmr_all_pairs) + (OTHER_POOL if i else "")
    return "target out of reach"


def fmr(e: results.Evaluation, by: str) -> dict[str, str]:
    """FMR of each group of an attribute: the mean over cells of the other attribute, or as sampled where that can't be."""
    p = point(e, by, FMR_TARGET)
    out: dict[str, str] = {}
    for rate in p.fmr if p is not None else []:
        known = rate.rate is not None or rate.interval is not None or rate.bounds is not None
        if rate.design == "matched" and known:
            out[rate.group] = cell(rate)
        elif rate.design == "as_sampled" and known and rate.group not in out:
            out[rate.group] = cell(rate) + AS_SAMPLED
    return out


def failures(e: results.Evaluation) -> str:
    """FTX."""
    overall = e.extraction.overall
    if overall is None:
        return "–"
    return (
        f"0 of {overall.comparisons:,}"
        if overall.errors == 0
        else f"{cell(overall)} ({overall.errors:,} of {overall.comparisons:,})"
    )


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Markdown."""
    yield "| " + " | ".join(header) + " |"
    yield "|" + " --- |" * len(header)
    yield from ("| " + " | ".join(row) + " |" for row in rows)


def of_dataset(name: str, models: dict[str, list[results.Evaluation]], speed: dict[tuple[str, str], float]) -> Iterator[str]:
    """Both tables of a data set."""
    first = next(iter(models.values()))[0]
    yield f"## {first.dataset.title}"
    yield ""
    mated = f"{first.comparisons.mated:,} mated" if first.comparisons.mated else "no mated"
    yield f"{first.dataset.samples:,} images; {mated} and {first.comparisons.non_mated:,} non-mated comparisons ({first.model.name})."
    yield ""
    genders = sorted({g for runs in models.values() for g in fmr(runs[0], BY[0])})
    header = ["model", "FTX, %", "FNMR at FMR 1e-3, %", *(f"FMR, {g}, %" for g in genders), "images per second and core"]
    rows = []
    for model, runs in models.items():
        rates = fmr(runs[0], BY[0])
        rate = speed.get((name, model))
        overlap = " ‡" if runs[0].model.training_overlap else ""
        rows.append(
            [
                f"`{model}`{overlap}",
                failures(runs[0]),
                fnmr(runs),
                *(rates.get(g, "–") for g in genders),
                f"{rate:.0f}" if rate else "–",
            ]
        )
    yield from table(header, rows)
    yield ""
    groups = sorted({g for runs in models.values() for g in fmr(runs[0], BY[1])})
    yield from table(
        ["FMR, %", *groups],
        ([f"`{model}`", *(fmr(runs[0], BY[1]).get(g, "–") for g in groups)] for model, runs in models.items()),
    )
    yield ""


def page(folders: Sequence[Path], speed: dict[tuple[str, str], float]) -> Iterator[str]:
    """All data sets of the runs, in the order of the first."""
    found: dict[str, dict[str, list[results.Evaluation]]] = {}
    for folder in folders:
        for result in load_results(folder):
            e = result.evaluation
            found.setdefault(e.dataset.name, {}).setdefault(e.model.name, []).append(e)
    yield NOTE
    yield ""
    for name in sorted(found, key=lambda name: (found[name][next(iter(found[name]))][0].comparisons.mated == 0, name)):
        yield from of_dataset(name, dict(sorted(found[name].items())), speed)


def speeds(file: Path | None) -> dict[tuple[str, str], float]:
    """Images that one core does in a second, the whole pipeline, by data set and model; of processor time, as machines are shared."""
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines() if line.startswith("{")] if file else []
    return {(x["dataset"], x["model"]): x["per_processor_second"] for x in lines if x["figure"] == "extraction"}


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("--speed", type=Path)
    asked = parser.parse_args()
    print("\n".join(page(asked.runs, speeds(asked.speed))))


if __name__ == "__main__":
    main()
