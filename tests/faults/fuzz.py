"""Spoiled input, again and again: `python -m tests.faults.fuzz [FAMILY...] [--seconds N] [--seed S]`.

A family is a parser, or `reader:NAME` for a data set's reader. Atheris (`pip install atheris`) spoils its good inputs, led by the lines
of ours that each reaches; nothing may be raised but what tells a user what is wrong, and no input may take a minute, 8 GiB or the
process down. Seconds are of the processor's time. Prints a JSON line for each family; what broke it is kept in the folder --keep.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from importlib import resources
from importlib.util import find_spec
from pathlib import Path

from tests import ROOT
from tests.faults.fuzzing import attempt

MEMORY = 8 << 10
"""MiB: an input that wants more than this breaks its parser."""
INPUT = 1 << 20
"""Bytes: what an input may grow to, unless its good input is larger."""
HANGS = 60
"""Seconds after which an input counts as one that never ends."""
WORDS = [
    *("\\x00", "\\x0a", ",", "\\x22", "\\x0d\\x0a", "\\x09", "-1", "1e309", "nan", "99999999999999999999"),
    *("../", "\\xff", "\\xef\\xbb\\xbf", "[[", "{}", "'"),
]
"""Tried as they stand, in libFuzzer's notation."""


def compiled() -> list[str]:
    """Modules with functions that Numba compiles: it can't compile instrumented ones."""
    return [
        ".".join((package, *file.relative_to(folder).with_suffix("").parts))
        for package in ("faceparity.harness", "faceparity.datasets")
        for folder in (Path(str(resources.files(package))),)
        for file in folder.rglob("*.py")
        if "@numba." in file.read_text("utf-8") or "njit" in file.read_text("utf-8")
    ]


def fuzz(name: str, seconds: float, seed: int, keep: Path, base: Path) -> None:
    """One family in this process, which ends with it: 0 with its line printed, or as libFuzzer ends on a crash or a hang."""
    import atheris

    os.environ["FACEPARITY_HOME"] = str(base / "home")
    with atheris.instrument_imports(include=["faceparity", "PIL", "scipy.io"], exclude=compiled()):
        from tests.faults.families import families

        family = families(base / "work")[name]()
        found: dict[str, str] = {}
        for data in family.seeds:  # here, so that what a parser imports when it is first called is instrumented too
            if place := attempt(family.target, data):
                found[place.split(": ")[0]] = f"its own good input: {place}"
    corpus, words = base / "corpus", base / "words"
    corpus.mkdir()
    for i, data in enumerate(family.seeds):
        (corpus / str(i)).write_bytes(data)
    words.write_text("".join(f'"{word}"\n' for word in WORDS))
    tried, end = 0, time.process_time() + seconds

    def one(data: bytes) -> None:
        nonlocal tried
        tried += 1
        place = attempt(family.target, data)
        if place and (at := place.split(": ")[0]) not in found:
            (keep / f"{name.replace(':', '-')}-{seed}-{len(found)}").write_bytes(data)
            found[at] = place
        if time.process_time() > end:
            print(json.dumps({"family": name, "seconds": seconds, "inputs": tried, "broke": list(found.values())}), flush=True)
            os._exit(0)  # libFuzzer takes an exception for a crash

    longest = max(INPUT, *(len(data) for data in family.seeds))
    options = {"seed": seed + 1, "max_len": longest, "len_control": 0, "rss_limit_mb": MEMORY, "timeout": HANGS, "verbosity": 0}
    prefix = f"-artifact_prefix={keep}/{name.replace(':', '-')}-"
    atheris.Setup(["fuzz", str(corpus), prefix, f"-dict={words}", *(f"-{k}={v}" for k, v in options.items())], one)
    atheris.Fuzz()


def campaign(name: str, given: argparse.Namespace) -> bool:
    """One family in a process of its own; whether nothing broke."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as base:
        told = ["--seconds", str(given.seconds), "--seed", str(given.seed), "--keep", str(given.keep.resolve()), "--inside", base]
        done = subprocess.run([sys.executable, "-m", "tests.faults.fuzz", name, *told], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        why = [line for line in done.stderr.splitlines() if "ERROR" in line or "Error" in line] or ["it ended"]
        print(json.dumps({"family": name, "seconds": given.seconds, "broke": [f"exit {done.returncode}: {why[-1]}"]}), flush=True)
        return False
    line = done.stdout.splitlines()[-1]
    print(line, flush=True)
    return not json.loads(line)["broke"]


def main() -> int:
    """Run the campaigns asked for; 1 if anything broke."""
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    asked.add_argument("families", nargs="*", metavar="FAMILY")
    asked.add_argument("--seconds", type=float, default=10)
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "faceparity-fuzz")
    asked.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    given = asked.parse_args()
    if find_spec("atheris") is None:
        asked.error("Atheris is not installed: pip install atheris")
    if given.inside:
        fuzz(given.families[0], given.seconds, given.seed, given.keep, given.inside)
    from tests.faults.families import families  # now: where it is fuzzed, what it imports must be instrumented

    known = families(Path())
    if strange := set(given.families) - set(known):
        asked.error(f"no family {', '.join(sorted(strange))}: there are {', '.join(known)}")
    given.keep.mkdir(parents=True, exist_ok=True)
    return 0 if sum(not campaign(name, given) for name in given.families or known) == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
