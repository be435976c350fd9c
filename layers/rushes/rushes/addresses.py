"""Which network addresses an outgoing connection may go to, and a way to connect to those only."""

import ipaddress
import socket
from collections.abc import Iterable

import httpcore
from typing_extensions import override

NOT_FOR_US = tuple(
    ipaddress.ip_network(block)
    for block in (
        "64:ff9b::/96",  # NAT64: an IPv4 address in disguise
        "64:ff9b:1::/48",
        "2002::/16",  # 6to4, likewise
        "2001::/23",  # Teredo, likewise, and other protocols' own
        "2620:4f:8000::/48",  # a sink for reverse look-ups of private addresses
        "3fff::/20",  # documentation
        "100.64.0.0/10",  # carrier-grade NAT
        "168.63.129.16/32",  # a cloud's own services
        "192.0.0.0/24",  # protocols' own
        "192.31.196.0/24",  # a sink as above
        "192.52.193.0/24",  # multicast tunnels
        "192.88.99.0/24",  # 6to4 relays
        "192.175.48.0/24",  # a sink as above
    )
)
"""Blocks that Python's `is_global` lets through, or did in one of the versions we run on."""

GLOBAL_IPV6 = ipaddress.ip_network("2000::/3")


class AddressRefused(Exception):
    """The destination is none that we connect to; no connection was made."""


def is_public(address: str) -> bool:
    """Whether an address is one of the open internet."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return is_public(str(parsed.ipv4_mapped))
        if parsed not in GLOBAL_IPV6:
            return False
    if not parsed.is_global or parsed.is_multicast:
        return False
    return not any(parsed in block for block in NOT_FOR_US if block.version == parsed.version)


def resolve(host: str, port: int) -> tuple[str, ...]:
    """Every address of a host, once each, in the resolver's order."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(entry[4][0]) for entry in found))


class PublicBackend(httpcore.NetworkBackend):
    """Connects by name, but only to addresses of the open internet.

    A name is resolved once, all its addresses are judged, and one of those is connected to: a
    name that means something else a moment later gains nothing by it.
    """

    def __init__(self) -> None:
        self._plain = httpcore.SyncBackend()

    @override
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        try:
            addresses = resolve(host, port)
        except OSError as error:
            raise httpcore.ConnectError(f"{host} cannot be resolved") from error
        if not addresses or not all(is_public(address) for address in addresses):
            raise AddressRefused(f"{host} is not on the open internet")
        return self._plain.connect_tcp(addresses[0], port, timeout, local_address, socket_options)
