"""The typesetter: Typst, from the extra `pdf` (with pikepdf, which packs its output).

It reads no file but our own, and nothing from a network.
"""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from faceparity.datasets.common.errors import UserError
from faceparity.reports.layout.matplotlib_cache import load_matplotlib

PACKAGES = ("typst", "pikepdf")
HERE = Path(__file__).parent


def require(what: str) -> None:
    """Raise UserError if the typesetter is not installed.

    Its text says what to install.
    """
    for package in PACKAGES:
        if find_spec(package) is None:
            raise UserError(f"{what} needs {package}, which is not installed: pip install 'faceparity[pdf]'")


def typeset(template: str, data: Any, **options: Any) -> list[bytes]:
    """Return the pages that a template of this folder gives.

    A format such as PDF gives one file. The template reads `data` as JSON: text stays text. The same data give the same bytes
    on machines with the same fonts: no clock, no path.
    """
    load_matplotlib()
    import matplotlib
    import typst

    # Not the whole folder: it has a font of placeholders too, which would be used for any name with one rare sign.
    fonts = sorted((Path(matplotlib.get_data_path()) / "fonts" / "ttf").glob("DejaVuSans*.ttf"))
    out = typst.compile(
        str(HERE / template),
        root=str(HERE),
        font_paths=[str(font) for font in fonts],
        sys_inputs={"data": json.dumps(data)},
        **options,
    )
    return list(out) if isinstance(out, list) else [out]
