"""Pages of the public API from its docstrings: `python -m faceparity.harness.api.docs_pages DIR`.

It needs pdoc: `pip install 'faceparity[docs]'`.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from faceparity.datasets.common.errors import UserError

MODULES = (
    "faceparity.harness",
    "faceparity.harness.models",
    "faceparity.harness.results",
    "faceparity.datasets",
    "faceparity.reports",
)
"""The public API: all that these modules name in `__all__`. Anything else may change without notice."""

_ANNOTATED = "Annotated["


def public() -> dict[str, list[str]]:
    """Return each module's exported names, each imported."""
    names = {}
    for name in MODULES:
        module = import_module(name)
        for exported in module.__all__:
            vars(module).setdefault(exported, getattr(module, exported))  # names that `__getattr__` gives
        names[name] = list(module.__all__)
    return names


def build(folder: Path) -> Path:
    """Write the pages into a new or empty folder.

    Returns its index.html. The pages load nothing from a network.

    Raises UserError if pdoc is not installed, or the folder holds something else.
    """
    try:
        import pdoc
    except ImportError:
        raise UserError("the API's pages need pdoc: pip install 'faceparity[docs]'") from None
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"{folder}: is not empty; name a new folder")
    public()
    pdoc.render.configure(docformat="markdown", show_source=False, footer_text="faceparity")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Error parsing type annotation")  # of numpy's arrays, shown as written
        pdoc.pdoc(*MODULES, output_directory=folder)
    for page in (*folder.rglob("*.html"), folder / "search.js"):
        page.write_text(_without_noise(page.read_text("utf-8")), "utf-8")
    return folder / "index.html"


def _without_noise(text: str) -> str:
    """Leave out what pydantic keeps for itself.

    That a field has no default, and how a type's bounds are checked.
    """
    return re.sub(
        r'\s*=\s*<span class="default_value">PydanticUndefined</span>|"PydanticUndefined"',
        lambda match: '""' * (match[0][0] == '"'),
        _without_metadata(text),
    )


def _without_metadata(text: str) -> str:
    """Write `Annotated[TYPE, …]` as TYPE.

    What stands after it names functions by where they lie in memory: other bytes each time.
    """
    text = text.replace("typing." + _ANNOTATED, _ANNOTATED)
    while (start := text.rfind(_ANNOTATED)) >= 0:  # the last one contains no other
        depth, comma, end = 1, -1, start + len(_ANNOTATED)
        while depth and end < len(text):
            depth += {"[": 1, "(": 1, "]": -1, ")": -1}.get(text[end], 0)
            if depth == 1 and text[end] == "," and comma < 0:
                comma = end
            end += 1
        text = text[:start] + text[start + len(_ANNOTATED) : comma if comma >= 0 else end - 1] + text[end:]
    return text


def main(arguments: Sequence[str]) -> int:
    """Run the command; return its exit status."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("Usage: python -m faceparity.harness.api.docs_pages DIR", file=sys.stderr)
        return 2
    try:
        print(build(Path(arguments[0])))
    except UserError as error:
        print(f"faceparity: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
