"""Keep the old name of `python -m faceparity.harness.runs.cost_model`."""

from faceparity.harness.runs.cost_model import main

if __name__ == "__main__":
    main()
