"""Where a connection to an address of somebody else's may lead: the one judgement of it.

Reading and looking up only. The function that clients wait for asks here without loading what it
takes to connect; `connections` asks again, and connects to what was judged.
"""

import ipaddress
import re
import socket
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Thread

from rushes.errors import UrlNotAllowed

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
PORTS = {"http": 80, "https": 443}
LAST_PORT = 65535
LONGEST = 8192
"""Characters; signed addresses of some clouds have a few thousand."""
RESOLVE_SECONDS = 5.0

ADDRESS = re.compile(r"([a-z][a-z0-9+.-]*)://([^/?#]*)(?:[/?#].*)?", re.IGNORECASE)
AUTHORITY = re.compile(
    r"(?:\[(?P<ipv6>[0-9a-f:.]+)\]|(?P<name>[^\[\]:]+))(?::(?P<port>[0-9]{0,5}))?"
)
LABEL = re.compile("[a-z0-9_-]{1,63}")
NUMBER = re.compile("[0-9]+|0x[0-9a-f]*")


@dataclass(frozen=True)
class Origin:
    """`host` as it is looked up: in ASCII and lower case, an IPv6 address without brackets."""

    scheme: str
    host: str
    port: int


def check_public(url: str, *, local_mode: bool) -> None:
    """Judge an address before anything is to be sent there, up to what its name means now.

    Raises
    ------
    AddressRefused
        With a sentence for whoever named it.
    """
    origin = check_form(url, local_mode=local_mode)
    if local_mode:
        return
    try:
        public_addresses(origin.host, origin.port)
    except OSError as error:
        raise UrlNotAllowed(f"{origin.host} cannot be resolved") from error


def check_form(url: str, *, local_mode: bool) -> Origin:
    """What can be told of an address without looking anything up.

    On one machine http, other ports and hosts of that machine will do.

    Raises
    ------
    AddressRefused
    """
    origin = read_origin(url)
    if local_mode and origin.scheme in PORTS:
        return origin
    if origin.scheme != "https":
        raise UrlNotAllowed(f"only https is spoken, not {origin.scheme}")
    if origin.port != PORTS["https"]:
        raise UrlNotAllowed(f"only port 443 is connected to, not {origin.port}")
    literal = _literal(origin.host)
    known = is_public(literal) if literal else "." in origin.host.removesuffix(".")
    if not known:
        raise UrlNotAllowed(f"{origin.host} is not on the open internet")
    return origin


def read_origin(url: str) -> Origin:
    """The scheme, host and port, where there is no doubt about them.

    Raises
    ------
    AddressRefused
        Also over a user name, which in such addresses is there to deceive.
    """
    found = ADDRESS.fullmatch(url) if len(url) <= LONGEST and url.isprintable() else None
    if found is None:
        raise UrlNotAllowed("this is no address")
    scheme, authority = found[1].lower(), found[2].lower()
    if "@" in authority:
        raise UrlNotAllowed("addresses with a user name are not connected to")
    parts = AUTHORITY.fullmatch(authority)
    if parts is None:
        raise UrlNotAllowed("this is no address")
    port = int(parts["port"] or PORTS.get(scheme, 0))
    if port > LAST_PORT:
        raise UrlNotAllowed("this is no address")
    return Origin(scheme, _host(parts["ipv6"], parts["name"]), port)


def _host(ipv6: str | None, name: str) -> str:
    """Names as DNS has them; of an IPv4 address only the form that everybody reads alike."""
    if ipv6 is not None:
        if _literal(ipv6) is None:
            raise UrlNotAllowed("this is no address")
        return ipv6
    host = name if name.isascii() else _to_ascii(name)
    labels = host.removesuffix(".").split(".")
    if len(host) > 253 or not all(LABEL.fullmatch(label) for label in labels):
        raise UrlNotAllowed("this is no address")
    if NUMBER.fullmatch(labels[-1]) and _literal(host) is None:
        raise UrlNotAllowed("an IPv4 address is written as four plain numbers")
    return host


def _to_ascii(name: str) -> str:
    import idna  # noqa: PLC0415 - half a megabyte of tables, for a name in a thousand

    try:
        return idna.encode(name).decode()
    except idna.IDNAError as error:
        raise UrlNotAllowed("this is no address") from error


def _literal(host: str) -> str | None:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None


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


def public_addresses(host: str, port: int) -> tuple[str, ...]:
    """Every address of a host: one that is not public spoils them all.

    Raises
    ------
    AddressRefused
    OSError
        If the name cannot be resolved, in time.
    """
    addresses = resolve(host, port)
    if not addresses or not all(is_public(address) for address in addresses):
        raise UrlNotAllowed(f"{host} is not on the open internet")
    return addresses


def resolve(host: str, port: int) -> tuple[str, ...]:
    """Every address of a host, once each, in the resolver's order.

    In a thread of its own: the system's look-up takes no time limit, and somebody else's name
    server might take its time.
    """
    answer: Future[tuple[str, ...]] = Future()
    Thread(target=_look_up, args=(host, port, answer), daemon=True).start()
    return answer.result(RESOLVE_SECONDS)


def _look_up(host: str, port: int, answer: "Future[tuple[str, ...]]") -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        answer.set_result(tuple(dict.fromkeys(str(entry[4][0]) for entry in found)))
    except Exception as error:  # noqa: BLE001 - whatever it is, whoever waits shall see it
        answer.set_exception(error)
