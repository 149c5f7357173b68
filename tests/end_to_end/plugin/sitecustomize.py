"""Loaded by every Python process of the end-to-end tests: the network is cut off."""

import socket


def _refuse(self: socket.socket, address: object) -> None:
    raise RuntimeError(f"a connection to {address!r} was tried; nothing but fetch may use the network")


socket.socket.connect = _refuse  # type: ignore[method-assign,assignment]
socket.socket.connect_ex = _refuse  # type: ignore[method-assign,assignment]
