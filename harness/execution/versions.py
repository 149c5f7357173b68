"""The versions that decide results: libraries by name, and a digest of the package's own files.

A version number alone does not tell one checkout from another.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import import_module
from pathlib import Path

LIBRARIES = ("numpy", "scipy", "numba", "onnxruntime", "opencv-python-headless", "pillow", "dlib-bin", "scikit-learn")
"""Libraries whose versions a record names."""


@cache
def code_digest() -> str:
    """Return a digest of all code that measures.

    16 hex digits over the .py and .toml files of datasets and harness; the command line and the reports are not in it.
    """
    found = hashlib.sha256()
    for package in ("faceparity.datasets", "faceparity.harness"):
        base = Path(import_module(package).__file__ or "").parent
        for file in sorted(path for path in base.rglob("*") if path.suffix in (".py", ".toml") and "cli" not in path.parts):
            found.update(f"{package} {file.relative_to(base).as_posix()}\0".encode() + file.read_bytes())
    return found.hexdigest()[:16]
