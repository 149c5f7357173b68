"""Loaded by every Python process of the end-to-end tests: the network is cut off, by an audit hook that nothing can take away.

Sockets between processes of one machine (AF_UNIX) are no network.
"""

import socket
import sys

_FORBIDDEN = ("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo", "socket.gethostbyname")


def _refuse(event: str, arguments: tuple[object, ...]) -> None:
    if event not in _FORBIDDEN or getattr(arguments[0], "family", None) == getattr(socket, "AF_UNIX", -1):
        return
    raise RuntimeError(f"{event} {arguments[1:]!r} was tried; nothing but fetch may use the network")


sys.addaudithook(_refuse)
