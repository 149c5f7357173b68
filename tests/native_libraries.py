"""Which compiled libraries can open a connection at all, and which hosts they name: `python -m tests.native_libraries`.

Looked for in every shared library of the packages that an install brings: the names of the C library's functions that resolve a
name or connect, in the table of symbols, and addresses among the constants. SECURITY.md says of each what it is and why it is silent;
`tests/test_native_libraries.py` fails when one comes that is not on that list.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution, distributions
from pathlib import Path

from packaging.requirements import Requirement

REACHING = (b"\0connect\0", b"\0getaddrinfo\0", b"\0gethostbyname\0")
HOSTS = re.compile(rb"https?://([a-z0-9][a-z0-9.-]*\.[a-z]{2,})[/:\0\"' ]", re.IGNORECASE)
SUFFIXES = (".so", ".dylib", ".pyd", ".dll")


def can_connect(library: bytes) -> bool:
    """Whether a shared library's symbols hold a function that opens connections or asks for a host's address."""
    return any(symbol in library for symbol in REACHING)


def hosts(library: bytes) -> list[str]:
    """Every host in an address that a shared library's constants hold, documentation included."""
    return sorted({found.decode().lower() for found in HOSTS.findall(library)})


def installed(name: str, extras: frozenset[str] = frozenset()) -> dict[str, Distribution]:
    """A distribution and all that it needs here, by name; with what the extras need."""
    found: dict[str, Distribution] = {}
    waiting = [(name, extras)]
    while waiting:
        name, extras = waiting.pop()
        try:
            one = distribution(name)
        except PackageNotFoundError:
            continue  # an extra's requirement that is not installed
        if one.name in found and not extras:
            continue
        found[one.name] = one
        for requirement in map(Requirement, one.requires or ()):
            if requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in {"", *extras}):
                waiting.append((requirement.name, frozenset(requirement.extras)))
    return found


def libraries(one: Distribution) -> Iterator[Path]:
    """The shared libraries of a distribution."""
    for file in one.files or ():
        if any(suffix in Path(file).suffixes for suffix in SUFFIXES):
            yield Path(str(file.locate()))


def connecting(one: Distribution) -> list[Path]:
    """Those of its shared libraries that can open a connection."""
    return [library for library in libraries(one) if can_connect(library.read_bytes())]


def main() -> None:
    """Print a line for each library that can connect: package, version, file, hosts. With `all`, of whatever is installed."""
    chosen = (
        {one.name: one for one in distributions()}
        if sys.argv[1:] == ["all"]
        else installed("faceparity", frozenset({"pdf", "dask"}))
    )
    for name, one in sorted(chosen.items()):
        for library in connecting(one):
            print(f"{name} {one.version} {library.name}: {', '.join(hosts(library.read_bytes())) or 'names no host'}")


if __name__ == "__main__":
    main()
