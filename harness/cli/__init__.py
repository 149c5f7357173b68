"""The command line.

Commands are imported when called, so that `--help` answers at once.
"""

from __future__ import annotations

import codecs
import os
import sys
import warnings
from traceback import walk_tb
from typing import TextIO

_PLAIN = {
    "×": "x",
    "≤": "<=",
    "≥": ">=",
    "–": "-",
    "…": "...",
    "·": "|",
    "\u00a0": " ",
    "\u202f": " ",
    "’": "'",
    "“": '"',
    "”": '"',
}
"""How the signs that matter are written where the terminal's encoding lacks them. A bound must not lose its sign."""


STOPPED = 130
"""Exit status after Ctrl-C; the command-line library returns it too, without a word."""

BROKEN = 70
"""Exit status after an internal error (EX_SOFTWARE)."""

TRACEBACK = "FACEPARITY_TRACEBACK"
"""Set it to see where an internal error came from. By default that is hidden, as it may hold names and paths."""


def main() -> None:
    """Run `faceparity`.

    A user's mistake is one line and exit status 2.
    """
    codecs.register_error("faceparity", _plainly)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="faceparity")
    sys.exit(_run(sys.argv[1:]))


def _plainly(error: UnicodeError) -> tuple[str, int]:
    """Encode what can't be as the nearest plain text."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_PLAIN.get(character, "?") for character in error.object[error.start : error.end]), error.end


def _run(arguments: list[str]) -> int:
    """Run one call; return its exit status."""
    from faceparity.datasets.common.errors import UserError

    from .app import app

    try:
        with warnings.catch_warnings():
            warnings.showwarning = _warned
            status = app(args=arguments or ["--help"], prog_name="faceparity", standalone_mode=False)
    except UserError as error:
        return _complain(error)
    except KeyboardInterrupt:
        return _stopped()
    except BrokenPipeError:
        return 141
    except MemoryError:
        return _complain("out of memory: name fewer workers with --workers, fewer attributes with --by, or a smaller data set")
    except Exception as error:
        # The command-line library's own errors: an unknown option, a value of the wrong kind.
        if type(error).__name__ == "Abort":
            return _stopped()
        if hasattr(error, "format_message"):
            return _complain(_usage(error, arguments))
        if isinstance(error, OSError) and error.strerror:
            return _complain(_system(error))
        if os.environ.get(TRACEBACK):
            raise
        return _ours(error)
    return _stopped() if status == STOPPED else int(status or 0)


def _warned(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Print a warning for the user as one line.

    Other warnings are printed as Python prints them.
    """
    if category.__name__ == "ClockWarning":
        print(f"faceparity: caution: {message}", file=sys.stderr)
        return
    print(warnings.formatwarning(message, category, filename, lineno, line), end="", file=file or sys.stderr)


def _usage(error: Exception, arguments: list[str]) -> str:
    """Return a usage error as one line, which says what was meant or where to read on."""
    from .slips import meant

    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "faceparity"
    text = " ".join(str(error.format_message()).split()).rstrip(".")  # type: ignore[attr-defined]
    return meant(text, arguments) or f"{text}; see `{command} --help`"


def _system(error: OSError) -> str:
    """Describe what the operating system refused.

    A full disk, a folder that can't be written to.
    """
    where = f"{error.filename}: " if error.filename else ""
    return f"{where}{error.strerror}; free some space or name another folder, then the same command goes on where it was"


def _ours(error: Exception) -> int:
    """Print one line on an error that should not happen.

    Its kind and its place in this code, no text that could hold a name. Returns the exit status.
    """
    modules = [(frame.f_globals.get("__name__", ""), line) for frame, line in walk_tb(error.__traceback__)]
    at = next((f" at {module}:{line}" for module, line in reversed(modules) if module.startswith("faceparity.")), "")
    kind = type(error).__name__
    print(f"faceparity: an error of its own ({kind}{at}); please report it. {TRACEBACK}=1 shows more", file=sys.stderr)
    return BROKEN


def _complain(error: Exception | str) -> int:
    """Print what a user can mend; return the exit status.

    One line, whatever names are in it, or a list of mistakes with a line each.
    """
    from faceparity.datasets.common.errors import UserError

    print(f"faceparity: {error if isinstance(error, UserError) else UserError(str(error))}", file=sys.stderr)
    return 2


def _stopped() -> int:
    """Say that the command was stopped; return the exit status."""
    print("faceparity: stopped; the same command goes on where it was", file=sys.stderr)
    return STOPPED
