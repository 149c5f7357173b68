"""`faceparity purge`: destroy keys and what they seal."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from faceparity.datasets.common.errors import UserError

if TYPE_CHECKING:
    from faceparity.harness.templates.purge import Purged


def purge_command(folder: Path | None, everything: bool, older_than: int | None, yes: bool) -> int:
    """Destroy keys, then what they seal; say what was.

    Returns the exit status: 1 where a person said no. A folder or an age names what is to go, so that only everything is asked
    about. Raises UserError if more than one of the three is asked for, and for everything where nobody can be asked.
    """
    from faceparity.harness.templates.purge import plan_all, purge_all, purge_folder, purge_older

    if (folder is not None) + everything + (older_than is not None) > 1:
        raise UserError("purge takes a folder, --all or --older-than, not several of them")
    if folder is not None:
        _print_purged(purge_folder(folder))
    elif older_than is not None:
        _print_purged(purge_older(older_than))
    else:
        print(plan_all().sentence(), flush=True)
        if not (yes or _agreed()):
            print("nothing was destroyed")
            return 1
        _print_purged(purge_all())
    return 0


def _agreed() -> bool:
    """Ask the person at the terminal; return the answer.

    Raises UserError where there is no terminal.
    """
    if not sys.stdin.isatty():
        raise UserError(
            "purge without a name destroys everything and asks first, but this is no terminal: add --yes, or name a run's folder"
        )
    print("Go on? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _print_purged(done: Purged) -> None:
    """Print what was destroyed and what was left alone."""
    what = [f"{done.shards:,} file{'s' * (done.shards != 1)} of templates"]
    what += [f"{done.private:,} of private parts"] * bool(done.private)
    keys = f"{done.keys:,} key{'s' * (done.keys != 1)}"
    print(f"destroyed {keys}, then {' and '.join(what)} ({done.bytes / 1e6:.1f} MB)")
    for line in done.notes:
        print(line)
    for name in done.left:
        print(f"left alone, not made by faceparity: {name}")
