"""Which network addresses an outgoing connection may go to."""

import ipaddress
import socket

NOT_FOR_US = tuple(
    ipaddress.ip_network(block)
    for block in (
        "64:ff9b::/96",  # NAT64: an IPv4 address in disguise
        "64:ff9b:1::/48",
        "2002::/16",  # 6to4, likewise
        "2001::/32",  # Teredo, likewise
        "192.88.99.0/24",  # 6to4 relays
        "100.64.0.0/10",  # carrier-grade NAT
        "168.63.129.16/32",  # a cloud's own services
    )
)
"""Blocks that Python's `is_global` lets through, or did in one of the versions we run on."""

GLOBAL_IPV6 = ipaddress.ip_network("2000::/3")


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
