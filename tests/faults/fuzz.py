"""Spoiled input, again and again: `python -m tests.faults.fuzz [FAMILY...] [--seconds N] [--seed S]`.

A family is a parser, or `reader:NAME` for a data set's reader. Each is given its own good input with bytes changed, moved, cut and
spliced, and may raise nothing but what tells a user what is wrong. Seconds are of the processor's time. Prints a JSON line for each
family; what broke it is kept in the folder --keep.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parents[1] / "datasets")]

from fuzzing import campaign  # noqa: E402 -- after the path to it

MEMORY = 8 << 30
"""An input of 1 MiB that wants more than this breaks its parser."""


def main() -> int:
    """Run the campaigns asked for; 1 if anything broke."""
    from families import families

    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    asked.add_argument("families", nargs="*")
    asked.add_argument("--seconds", type=float, default=10)
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "faceparity-fuzz")
    given = asked.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    broken = 0
    with tempfile.TemporaryDirectory(prefix="fuzz-") as base:
        known = families(Path(base))
        for name in given.families or known:
            tried, found = campaign(known[name](), given.seconds, given.seed)
            print(
                json.dumps({"family": name, "seconds": given.seconds, "inputs": tried, "broke": [b.place for b in found]}),
                flush=True,
            )
            for i, one in enumerate(found):
                given.keep.mkdir(parents=True, exist_ok=True)
                (given.keep / f"{name.replace(':', '-')}-{given.seed}-{i}").write_bytes(one.data)
            broken += len(found)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
