"""How far an evaluation is, shown in a notebook and gone when it is done. Elsewhere nothing is shown."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from typing import Any

EVERY = 0.3
"""Seconds between two showings."""

Bar = Callable[[str, int], Callable[[int], None]]
"""Begins a stage with a number of steps (0: not known); returns a function that takes how many are done."""


@contextmanager
def bars() -> Iterator[Bar]:
    """Show a bar below the running cell of a notebook."""
    handle = _display()
    if handle is None:
        yield lambda text, total: lambda done: None
        return
    last = 0.0

    def begin(text: str, total: int) -> Callable[[int], None]:
        def show(done: int) -> None:
            nonlocal last
            if done == 0 or time.monotonic() - last > EVERY:
                last = time.monotonic()
                handle.update(_Shown(_html(text, min(done, total), total)))

        show(0)
        return show

    try:
        yield begin
    finally:
        handle.update(_Shown(""))


class _Shown:
    """HTML, and the empty text where that is not shown."""

    def __init__(self, html: str) -> None:
        self._html = html

    def _repr_html_(self) -> str:
        return self._html

    def __repr__(self) -> str:
        return ""


def _html(text: str, done: int, total: int) -> str:
    value = f' value="{done}" max="{total}"' if total else ""
    count = f" {done:,} of {total:,}" if total else ""
    return f"<div>{escape(text)} <progress{value}></progress>{count}</div>"


def _display() -> Any:
    """Return a place below the running cell.

    None where this is no notebook. Never imports IPython: where it shows, it is there already.
    """
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None or getattr(shell, "kernel", None) is None:
        return None
    return sys.modules["IPython"].display.display(_Shown(""), display_id=True)
