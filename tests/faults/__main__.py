"""`python -m tests.faults [WORD]`: try every fault and input, or those whose name or kind holds WORD, and print what became of each."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from traceback import walk_tb

os.environ.setdefault("FAULTS_KILLS", "100")
os.environ.setdefault("FAULTS_ALL", "1")

from tests.faults.bench import Bench
from tests.faults.outcomes import TRIALS, CannotTryError


def main() -> int:
    """Print a table in Markdown; 1 if anything was lost."""
    from tests.faults import disks, inputs, interruptions  # noqa: F401

    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    lost = 0
    print("| kind | tried | outcome |\n|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory(prefix="faults-") as base, Bench(Path(base)) as bench:
        for one in TRIALS:
            if wanted not in f"{one.kind} {one.name}":
                continue
            try:
                outcome = one.attempt(bench)
            except CannotTryError as error:
                outcome = f"not tried here: {error}"
            except AssertionError as error:
                lost += 1
                line = [f for f, _ in walk_tb(error.__traceback__)][-1]
                at = f"{Path(line.f_code.co_filename).name}:{line.f_lineno}"
                outcome = f"**FAILED** at {at}: {' '.join(str(error).split())[:600]}"
            print(f"| {one.kind} | {one.name} | {outcome} |", flush=True)
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main())
