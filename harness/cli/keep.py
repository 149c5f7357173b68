"""`faceparity purge` and `faceparity schema`."""

from __future__ import annotations

import json
from pathlib import Path

from faceparity.datasets.errors import UserError


def purge_command(folder: Path | None, everything: bool, older_than: int | None) -> None:
    """Destroy keys, then what they seal; say what was done. Raises UserError if more than one of the three is asked for."""
    from ..purge import purge_all, purge_folder, purge_older

    if (folder is not None) + everything + (older_than is not None) > 1:
        raise UserError("purge takes a folder, --all or --older-than, not several of them")
    if folder is not None:
        done = purge_folder(folder)
    elif older_than is not None:
        done = purge_older(older_than)
    else:
        done = purge_all()
    what = [f"{done.shards:,} file{'s' * (done.shards != 1)} of templates"]
    what += [f"{done.private:,} of private parts"] * bool(done.private)
    keys = f"{done.keys:,} key{'s' * (done.keys != 1)}"
    print(f"destroyed {keys}, then {' and '.join(what)} ({done.bytes / 1e6:.1f} MB)")
    for line in done.notes:
        print(line)
    for name in done.left:
        print(f"left alone, not made by faceparity: {name}")


def print_schema(name: str = "results") -> None:
    """The JSON Schema of results.json or comparison.json, on standard output. Raises UserError for another name."""
    from faceparity.datasets.errors import UserError

    from ..record import json_schema
    from ..record.comparison import comparison_schema

    known = {"results": json_schema, "comparison": comparison_schema}
    if name not in known:
        raise UserError(f"{name}: no schema of that name; there are {' and '.join(known)}")
    print(json.dumps(known[name](), indent=1))
