"""`faceparity schema`: print the JSON Schema of a record."""

from __future__ import annotations

import json

from faceparity.datasets.common.errors import UserError


def print_schema(name: str = "results") -> None:
    """Print the JSON Schema of results.json or comparison.json.

    Raises UserError for another name.
    """
    from faceparity.harness.results import json_schema
    from faceparity.harness.results.comparison import comparison_schema

    known = {"results": json_schema, "comparison": comparison_schema}
    if name not in known:
        raise UserError(f"{name}: no schema of that name; there are {' and '.join(known)}")
    print(json.dumps(known[name](), indent=1))
