"""Options of a run as options of a command.

They come from their one declaration, so that no command can lack one or call it by another name.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any, get_type_hints

import typer

from faceparity.harness.options import Flag, Options, flags, repeats, value_type

Command = Callable[..., None]


def with_options(names: Mapping[str, Flag], after: str) -> Callable[[Command], Command]:
    """Give a command that takes **keywords these options.

    names: options by name. after: the command's own parameter that stands before them in the help.
    """

    def decorated(command: Command) -> Command:
        hints = get_type_hints(command, include_extras=True)
        parameters_before = [
            parameter.replace(annotation=hints[parameter.name], kind=inspect.Parameter.KEYWORD_ONLY)
            for parameter in inspect.signature(command).parameters.values()
            if parameter.kind is not inspect.Parameter.VAR_KEYWORD
        ]
        at = next(position for position, parameter in enumerate(parameters_before) if parameter.name == after) + 1
        parameters = [*parameters_before[:at], *(_parameter(name, flag) for name, flag in names.items()), *parameters_before[at:]]
        command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters} | {"return": hints["return"]}
        command.__signature__ = inspect.Signature(parameters, return_annotation=hints["return"])  # type: ignore[attr-defined]
        return command

    return decorated


def options_of_a_run() -> dict[str, Flag]:
    """Return every option, by name."""
    return dict(flags())


def options_of_scores() -> dict[str, Flag]:
    """Return the options a score file takes too, by name."""
    return dict(flags(of_scores=True))


def options_of_the_machine() -> dict[str, Flag]:
    """Return the options that say where work is done."""
    return {name: flag for name, flag in flags() if name in Options.MACHINE}


def given(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what was not typed.

    So the options' own defaults stand.
    """
    return {name: value for name, value in asked.items() if value is not None and value != [] and value is not False}


def _parameter(name: str, flag: Flag) -> inspect.Parameter:
    """Declare one option as typer reads it.

    Where it is not typed it is None, or False for a switch.
    """
    kind = value_type(name)
    repeated = repeats(name)
    help_text = flag.help + (" May be repeated." if repeated else "")
    option = typer.Option(flag.name, metavar=flag.metavar or None, help=help_text, show_default=False)
    annotation: Any = bool if kind is bool else (list[kind] | None) if repeated else (kind | None)  # type: ignore[valid-type]
    default = False if kind is bool else None
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[annotation, option])
