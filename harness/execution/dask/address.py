"""Which addresses may be used: TLS with certificates, or this machine itself."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from pathlib import Path

from faceparity.datasets.common.errors import UserError
from faceparity.datasets.common.sanitise import whole_number

SETTINGS = {
    "ca-file": "distributed.comm.tls.ca-file",
    "client certificate": "distributed.comm.tls.client.cert",
    "client key": "distributed.comm.tls.client.key",
}
"""What TLS needs on the client's side → the setting of Dask's own configuration that names it."""

HOW = (
    "use tls://HOST:PORT, with certificates in Dask's own configuration (distributed.comm.tls.ca-file, .client.cert and .client.key); "
    "harness/execution/dask/README.md shows how"
)


def parse(text: str) -> tuple[str, str, int]:
    """Split a scheduler's address into scheme, host and port.

    Without a scheme it is tcp. Raises UserError for what is no address of a scheduler.
    """
    scheme, separator, rest = text.rpartition("://")
    scheme = scheme if separator else "tcp"
    host, colon, port = rest.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (host and colon and 0 < (whole_number(port) or 0) < 65536):
        raise UserError(
            f"--dask {text}: no address of a scheduler; write tls://HOST:PORT, or tcp://127.0.0.1:8786 on this machine"
        )
    if scheme not in ("tcp", "tls"):
        raise UserError(f"--dask {text}: {scheme}:// is not used here; {HOW}")
    return scheme, host, int(port)


def is_loopback(host: str) -> bool:
    """Return whether nothing sent to this host leaves the machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_private(address: str) -> bool:
    """Return whether nobody on the network can read the traffic.

    address: of a scheduler or a worker, as Dask writes it.
    """
    scheme, _, _ = address.partition("://")
    if scheme in ("tls", "inproc"):
        return True
    try:
        return is_loopback(parse(address)[1])
    except UserError:
        return False


def checked_address(text: str) -> str:
    """Return the address with its scheme.

    Raises UserError for one off this machine without TLS.
    """
    scheme, host, port = parse(text)
    if scheme == "tcp" and not is_loopback(host):
        raise UserError(f"--dask {text}: {host} is another machine, and tcp:// is not encrypted; {HOW}")
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def check_certificates(address: str, get: Callable[[str], object]) -> None:
    """Check that Dask's configuration names the certificate files needed.

    get: dask.config.get. Only tls:// needs certificates. Raises UserError for a setting or a file that is missing.
    """
    if not address.startswith("tls://"):
        return
    for what, where in SETTINGS.items():
        named = get(where)
        if not named:
            variable = "DASK_" + where.upper().replace(".", "__").replace("-", "_")
            raise UserError(f"--dask {address}: Dask's configuration names no {what} ({where}); set it there or in {variable}")
        if "-----BEGIN" not in str(named) and not Path(str(named)).is_file():
            raise UserError(
                f"--dask {address}: the {what} that {where} names is not there ({named}); correct Dask's configuration"
            )
