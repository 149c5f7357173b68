"""`faceparity scenarios`: those that come with the package."""

from __future__ import annotations

from faceparity.harness.scenarios.load import parse, ready_names, ready_text


def show_scenarios(name: str | None) -> None:
    """One line for each, or the TOML of one, to start from. Raises UserError for an unknown name."""
    if name is not None:
        print(ready_text(name), end="")
        return
    for one in ready_names():
        for s in parse(ready_text(one), one):
            print(f"{one:20} {s.kind:10} {s.title}")
