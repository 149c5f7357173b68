"""`faceparity score` on ten million rows, against a bare `pyarrow` read of the same file: `python -m tests.benchmarks.score_file`.

Makes a file of 2,500 subjects with two samples each in each of four groups (gender × ethnicity), then runs each in a process of its own.
Prints one JSON line for each kind of file.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

GROUPS = (("F", "Black"), ("F", "White"), ("M", "Black"), ("M", "White"))
SUBJECTS, SAMPLES = 2_500, 2
PART = 1_000_000

BARE = {
    "parquet": "import sys, pyarrow.parquet as p; p.read_table(sys.argv[1])",
    "csv": "import sys, pyarrow.csv as c; c.read_csv(sys.argv[1])",
}
SCORE = "import sys; from faceparity.harness import cli; sys.exit(cli._run(['score', sys.argv[1], '--out', sys.argv[2]]))"


def rows(n: int, seed: int) -> Any:
    """A table of `n` comparisons, five in a hundred mated, two thirds of the rest within a group, one in a thousand failed."""
    rng = np.random.default_rng(seed)
    people = SUBJECTS * len(GROUPS)
    a = rng.integers(0, people, n)
    within = rng.random(n) < 2 / 3
    b = np.where(within, a // SUBJECTS * SUBJECTS + rng.integers(0, SUBJECTS, n), rng.integers(0, people, n))
    b = np.where(rng.random(n) < 0.05, a, b)
    shot = rng.integers(0, SAMPLES, n)
    other = np.where(a == b, 1 - shot, rng.integers(0, SAMPLES, n))
    mean = np.where(a == b, 0.6, np.where(within, 0.15 + 0.02 * (a // SUBJECTS), 0.05))
    score = np.round(rng.normal(mean, 0.1), 5).astype(np.float32)
    words = {name: pa.array([g[k] for g in GROUPS]) for k, name in enumerate(("gender", "ethnicity"))}
    names, shots = pa.array([f"person-{p:06d}" for p in range(people)]), pa.array([f"{s}.jpg" for s in range(SAMPLES)])
    columns: dict[str, Any] = {
        "subject_a": names.take(pa.array(a)), "sample_a": shots.take(pa.array(shot)),
        "subject_b": names.take(pa.array(b)), "sample_b": shots.take(pa.array(other)),
        "mated": pa.array(a == b), "score": pa.array(score, mask=rng.random(n) < 0.001),
    }  # fmt: skip
    for name, values in words.items():
        for side, who in (("a", a), ("b", b)):
            columns[f"{name}_{side}"] = values.take(pa.array(who // SUBJECTS))
    return pa.table(columns)


def write(path: Path, n: int, kind: str) -> None:
    """Part by part."""
    schema = rows(1, 0).schema
    maker = pa.parquet.ParquetWriter if kind == "parquet" else pa.csv.CSVWriter
    with maker(path, schema) as writer:
        for k, start in enumerate(range(0, n, PART)):
            writer.write_table(rows(min(PART, n - start), k))


def child(code: str, *arguments: Path) -> tuple[float, int]:
    """Seconds and peak resident memory in MB of a Python process."""
    timed = f"import resource, atexit\n{code.replace('sys.exit', 'status = ')}\n" + (
        "print('PEAK', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"
    )
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", timed, *map(str, arguments)], capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if "PEAK" not in done.stdout or done.returncode or (arguments[1:] and not (arguments[1] / "results.json").is_file()):
        raise SystemExit(f"the run failed: {done.stderr}")
    return seconds, int(done.stdout.rsplit("PEAK", 1)[1])


def main() -> None:
    """Make the files, read them, score them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--kinds", nargs="+", default=["parquet", "csv"], choices=["parquet", "csv"])
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for kind in asked.kinds:
            path = Path(folder) / f"scores.{kind}"
            write(path, asked.rows, kind)
            bare_seconds, bare_mb = child(BARE[kind], path)
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            seconds, mb = child(SCORE, path, Path(folder) / f"out-{kind}")
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            results = json.loads((Path(folder) / f"out-{kind}" / "results.json").read_text("utf-8"))
            line = {
                "figure": "score_file", "kind": kind, "rows": asked.rows, "file_mb": round(path.stat().st_size / 1e6),
                "compared": results["comparisons"]["mated"] + results["comparisons"]["non_mated"],
                "left_out": results["comparisons"]["left_out"],
                "seconds": round(seconds, 1),
                "cpu_seconds": round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, 1),
                "peak_rss_mb": mb, "bare_read_seconds": round(bare_seconds, 1), "bare_read_peak_rss_mb": bare_mb,
                "ratio_to_bare_read": round(seconds / bare_seconds, 1),
            }  # fmt: skip
            print(json.dumps(line), flush=True)
            path.unlink()


if __name__ == "__main__":
    main()
