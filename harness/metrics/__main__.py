"""Print the table of differential measures, for `README.md` beside it: `python -m faceparity.harness.metrics`."""

import sys

from . import differential as differential
from .registry import markdown_table

if __name__ == "__main__":
    sys.stdout.write(markdown_table())
