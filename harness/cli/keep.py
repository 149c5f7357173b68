"""`faceparity purge` and `faceparity schema`."""

from __future__ import annotations

import json


def purge_command() -> None:
    """Destroy keys, then templates; say what was done."""
    from ..private import purge

    done = purge()
    print(f"destroyed {done.keys:,} keys, then {done.shards:,} files of templates ({done.bytes / 1e6:.1f} MB)")
    for line in done.notes:
        print(line)
    for name in done.left:
        print(f"left alone, not made by faceparity: {name}")


def print_schema() -> None:
    """The JSON Schema of results.json, on standard output."""
    from ..record import json_schema

    print(json.dumps(json_schema(), indent=1))
