"""Golden runs: what eight runs write and print, to be the same bytes before and after a change of structure.

    python -m tests.golden make FOLDER [NAME...]      make them (all, or those named) with the code that is installed
    python -m tests.golden compare BEFORE AFTER       list what differs; exit status 1 if anything does

Runs on real faces are made where FACEPARITY_DATA has the set; the control set's and the score file's always. The clock, the commit,
the provenance and the folder's own path are left out of what is compared, private parts and PDFs too. FOLDER is not to be committed.
"""

from __future__ import annotations

import argparse
import csv
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from difflib import unified_diff
from pathlib import Path

import numpy as np

BOTH = ("-m", "face_recognition", "-m", "sface")
GROUPS = ("--by", "gender", "--by", "ethnicity")
RUNS: dict[str, tuple[str, ...]] = {
    "control": ("run", "-d", "control", *BOTH),
    "tone": ("run", "-d", "control-tone", "-m", "sface"),
    "london": ("run", "-d", "london", "-m", "sface", *GROUPS, "--threshold", "0.4"),
    "congress": ("run", "-d", "us_congress", "-m", "sface", *GROUPS, "--scenario", "watchlist-half"),
    "fairface": ("run", "-d", "fairface", "-m", "sface", *GROUPS, "--target-fmr", "0.01"),
    "scores": ("score", "{inputs}/scores.csv", *GROUPS),
    "suite": ("suite", "{inputs}/suite.toml"),
    "comparison": ("compare", "{folder}/control/out"),
}
"""In this order: the comparison is of the control run's two models."""

ON_REAL_FACES = {"london": "face_research_lab_london", "congress": "us_congress", "fairface": "fairface"}
KEPT = {".json", ".csv", ".html", ".md", ".txt", ".log"}
VARYING = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(\+00:00|Z)"), "<time>"),
    (re.compile(r"\b[0-9a-f]{40}(\+dirty)?\b"), "<commit>"),
    (re.compile(r"(?m)^\d\d:\d\d:\d\d "), ""),
    (re.compile(r"\d+ extracted now"), "<n> extracted now"),
    (re.compile(r"(faceparity \S+) \([0-9a-f]{12}(\+dirty)?\)"), r"\1 (<commit>)"),
    (re.compile(r'"(code|options|result|told|libraries)": "[0-9a-f]+"'), r'"\1": "<digest>"'),
    (re.compile(r"_seconds\": [0-9.e-]+"), '_seconds": 0'),
    (re.compile(r'(?s)(?<=\n )"provenance": \{.*?\n \}'), '"provenance": "<provenance>"'),
)


def make(folder: Path, names: list[str]) -> None:
    """Run each and keep its terminal and its texts under FOLDER/NAME. Raises SystemExit where a command fails."""
    inputs = folder / "inputs"
    inputs.mkdir(parents=True, exist_ok=True)
    _write_scores(inputs / "scores.csv")
    (inputs / "suite.toml").write_text(
        'models = ["face_recognition", "sface"]\ndatasets = ["control", "control-tone"]\n', "utf-8"
    )
    data = os.environ.get("FACEPARITY_DATA", "")
    for name in names or RUNS:
        if name in ON_REAL_FACES and not (data and (Path(data) / ON_REAL_FACES[name]).is_dir()):
            print(f"{name}: not made, as FACEPARITY_DATA has no {ON_REAL_FACES[name]}")
            continue
        _make_one(folder, name, [word.format(inputs=inputs, folder=folder) for word in RUNS[name]])


def _make_one(folder: Path, name: str, words: list[str]) -> None:
    out = folder / name / "out"
    shutil.rmtree(folder / name, ignore_errors=True)
    out.parent.mkdir()
    command = [sys.executable, "-m", "faceparity.harness.cli", *words, "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "COLUMNS": "100"})
    if done.returncode:
        sys.exit(f"{name}: exit status {done.returncode}: {done.stderr[-500:]}")
    (folder / name / "terminal.txt").write_text(done.stdout, "utf-8")
    print(f"{name}: {sum(1 for _ in _texts(folder / name))} texts")


def _write_scores(file: Path) -> None:
    """A score file of 240 people with two samples each in four groups, scores from a fixed seed, one in a thousand failed."""
    rng = np.random.default_rng(7)
    groups = [(g, e) for g in ("female", "male") for e in ("Black", "White")]
    people = [groups[i % len(groups)] for i in range(240)]
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(
            [
                "subject_a",
                "sample_a",
                "subject_b",
                "sample_b",
                "mated",
                "score",
                "gender_a",
                "gender_b",
                "ethnicity_a",
                "ethnicity_b",
            ]
        )
        for a in range(len(people)):
            for b in range(a, len(people)):
                mated, within = a == b, people[a] == people[b]
                mean = 0.7 if mated else 0.15 + 0.05 * groups.index(people[a]) if within else 0.05
                score = "" if rng.random() < 1e-3 else f"{rng.normal(mean, 0.1):.6f}"
                (ga, ea), (gb, eb) = people[a], people[b]
                writer.writerow([f"s{a}", "1.jpg", f"s{b}", "2.jpg", int(mated), score, ga, gb, ea, eb])


def _texts(run: Path) -> Iterator[Path]:
    for file in sorted(run.rglob("*")):
        if file.is_file() and file.suffix in KEPT and "private" not in file.parts:
            yield file


def _steady(file: Path, folder: Path) -> str:
    """A text without the clock, the commit and the folder's path."""
    text = file.read_text("utf-8").replace(str(folder), "<folder>")
    for pattern, instead in VARYING:
        text = pattern.sub(instead, text)
    return text


def compare(before: Path, after: Path) -> list[str]:
    """A line for each run with what differs; empty where all is the same."""
    differences = []
    for name in RUNS:
        old, new = ({str(f.relative_to(side)): _steady(f, side) for f in _texts(side / name)} for side in (before, after))
        if not old and not new:
            print(f"{name}: on neither side")
            continue
        differing = sorted(file for file in {*old, *new} if old.get(file) != new.get(file))
        print(f"{name}: {len(old)} texts, {len(differing)} differ")
        for file in differing:
            differences.append(file)
            lines = unified_diff(
                old.get(file, "").splitlines(), new.get(file, "").splitlines(), "before", "after", n=0, lineterm=""
            )
            print(f"  {file}", *(f"    {line[:200]}" for line in list(lines)[2:8]), sep="\n")
    return differences


def main() -> None:
    """Parse the command line; see the module's own text."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    kinds = parser.add_subparsers(dest="kind", required=True)
    making = kinds.add_parser("make")
    making.add_argument("folder", type=Path)
    making.add_argument("names", nargs="*", choices=[*RUNS, []])
    comparing = kinds.add_parser("compare")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    given = parser.parse_args()
    if given.kind == "make":
        make(given.folder.resolve(), given.names)
    else:
        sys.exit(bool(compare(given.before.resolve(), given.after.resolve())))


if __name__ == "__main__":
    main()
