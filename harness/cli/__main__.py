"""`python -m faceparity.harness.cli`."""

from . import main

main()
