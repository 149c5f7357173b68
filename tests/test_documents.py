"""What the documents point to is there."""

from __future__ import annotations

import re

from tests import ROOT

NAMED = re.compile(r"`(tests/[\w/]+\.py)?::(\w+)`")


def test_every_claim_on_security_is_held_by_a_test_that_exists() -> None:
    """`::name` alone is in the file named before it in the row."""
    section = (ROOT / "SECURITY.md").read_text("utf-8").split("## Which test holds what")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")][1:]
    assert len(rows) > 15
    for row in rows:
        file, found = "", NAMED.findall(row)
        assert found, f"no test holds: {row}"
        for named, test in found:
            file = named or file
            assert re.search(rf"^def {test}\(", (ROOT / file).read_text("utf-8"), re.MULTILINE), f"{file}::{test} is not there"
