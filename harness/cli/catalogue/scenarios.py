"""`faceparity scenarios`: the scenarios that come with the package."""

from __future__ import annotations

from faceparity.harness.scenarios.load import parse, preset_names, preset_text


def show_scenarios(name: str | None) -> None:
    """Print one line per scenario, or one as TOML.

    The TOML is one to start from. Raises UserError for an unknown name.
    """
    if name is not None:
        print(preset_text(name), end="")
        return
    for ready_name in preset_names():
        for scenario in parse(preset_text(ready_name), ready_name):
            print(f"{ready_name:20} {scenario.kind:10} {scenario.title}")
