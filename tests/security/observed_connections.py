"""A fake resolver, and a record of every connect of the process.

An audit hook of the interpreter sees all connections and refuses them, except to the listeners of
a test.
"""

import re
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.security.corpus import PUBLIC

INSIDE = {
    "localhost": ["127.0.0.1", "::1"],
    "localhost.localdomain": ["127.0.0.1"],
    "loop.example": ["::1", "127.0.0.1"],
    "ip6-localhost": ["::1"],
    "ipv6.inside.example": ["fd12::1"],
    "instance-data": ["169.254.169.254"],
    "metadata": ["169.254.169.254"],
    "metadata.google.internal": ["169.254.169.254"],
    "kubernetes.default.svc": ["10.96.0.1"],
    "intranet": ["10.0.0.7"],
    "db.internal": ["10.0.0.7"],
    "printer.local": ["192.168.0.9"],
    "inside.example": ["192.168.0.9"],
    "mixed.example": [PUBLIC, "10.0.0.7"],
    "mixed6.example": [PUBLIC, "2606:4700::1111", "::ffff:127.0.0.1"],
    "empty.example": [],
}
OUTSIDE = {
    "files.example": [PUBLIC],
    "two.example": ["2606:4700::1111", PUBLIC],
    "xn--bcher-kva.example": [PUBLIC],
}
EMBEDDED = re.compile(r"([0-9a-f.-]+)\.(?:nip|sslip)\.io")
_real_lookup = socket.getaddrinfo


@dataclass
class Observer:
    """`connected` has all connects; those to `listeners` are allowed."""

    names: dict[str, list[str]] = field(default_factory=lambda: INSIDE | OUTSIDE)
    listeners: tuple[tuple[str, int], ...] = ()
    connected: list[tuple[str, int]] = field(default_factory=list)

    def resolve_pointer(self, named: str | bytes, port: int, *_: Any, **__: Any) -> list[Any]:
        """Resolve IP addresses in any notation as the system does, and names from the list."""
        host = named.decode() if isinstance(named, bytes) else named
        try:
            return _numeric(host, port)
        except OSError:
            return [entry for ip in self.addresses(host) for entry in _numeric(ip, port)]

    def addresses(self, host: str) -> list[str]:
        name = host.lower().removesuffix(".")
        if found := EMBEDDED.fullmatch(name):
            return [found[1].replace("-", ":" if found[1].count("-") > 3 else ".")]
        if name in self.names:
            return self.names[name]
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    def saw_connect(self, address: Any) -> None:
        self.connected.append((address[0], address[1]))
        if (address[0], address[1]) not in self.listeners:
            raise ConnectionRefusedError("refused by the observer")


def _numeric(host: str, port: int) -> list[Any]:
    return _real_lookup(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)


_watching: list[Observer] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and _watching and arguments[0].family != socket.AF_UNIX:
        _watching[-1].saw_connect(arguments[1])


@contextmanager
def observing(observer: Observer) -> Iterator[Observer]:
    if not getattr(sys, "_connects_are_watched", False):
        sys.addaudithook(_hook)  # which cannot be removed
        sys._connects_are_watched = True  # type: ignore[attr-defined]
    real, socket.getaddrinfo = socket.getaddrinfo, observer.resolve_pointer  # type: ignore[assignment]
    _watching.append(observer)
    try:
        yield observer
    finally:
        _watching.pop()
        socket.getaddrinfo = real
