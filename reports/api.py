"""Keep `python -m faceparity.reports.api DIR` working: the pages are built by `faceparity.harness.api.docs_pages`."""

from __future__ import annotations

import sys

from faceparity.harness.api.docs_pages import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
