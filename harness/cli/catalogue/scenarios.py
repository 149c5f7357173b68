"""`faceparity scenarios`: those that come with the package."""

from __future__ import annotations

from faceparity.harness.scenarios.load import parse, preset_names, preset_text


def show_scenarios(name: str | None) -> None:
    """One line for each, or the TOML of one, to start from. Raises UserError for an unknown name."""
    if name is not None:
        print(preset_text(name), end="")
        return
    for one in preset_names():
        for s in parse(preset_text(one), one):
            print(f"{one:20} {s.kind:10} {s.title}")
