"""SSRF checks: URL syntax, DNS resolution and blocked IP ranges.

This module opens no connection, so that the api function loads no HTTP client. `connections`
repeats the check at connect time and pins the resolved addresses.
"""

import ipaddress
import re
import socket
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Thread

from rushes.errors import UrlNotAllowed

BLOCKED_NETWORKS = tuple(
    ipaddress.ip_network(block)
    for block in (
        "64:ff9b::/96",  # NAT64: embeds an IPv4 address
        "64:ff9b:1::/48",
        "2002::/16",  # 6to4, likewise
        "2001::/23",  # Teredo, likewise, and other protocol assignments
        "2620:4f:8000::/48",  # AS112: reverse DNS of private addresses
        "3fff::/20",  # documentation
        "100.64.0.0/10",  # carrier-grade NAT
        "168.63.129.16/32",  # Azure platform services
        "192.0.0.0/24",  # IETF protocol assignments
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays
        "192.175.48.0/24",  # AS112
    )
)
"""Networks that `is_global` accepts in at least one of the supported Python versions."""

GLOBAL_IPV6 = ipaddress.ip_network("2000::/3")
PORTS = {"http": 80, "https": 443}
MAX_PORT = 65535
MAX_LENGTH = 8192
"""Characters; presigned URLs have up to a few thousand."""
RESOLVE_SECONDS = 5.0
INVALID_URL = "url is not a valid URL"

URL = re.compile(r"([a-z][a-z0-9+.-]*)://([^/?#]*)(?:[/?#].*)?", re.IGNORECASE)
AUTHORITY = re.compile(
    r"(?:\[(?P<ipv6>[0-9a-f:.]+)\]|(?P<name>[^\[\]:]+))(?::(?P<port>[0-9]{0,5}))?"
)
LABEL = re.compile("[a-z0-9_-]{1,63}")
NUMBER = re.compile("[0-9]+|0x[0-9a-f]*")


@dataclass(frozen=True)
class Origin:
    """`host` as for DNS: ASCII, lower case, an IPv6 address without brackets."""

    scheme: str
    host: str
    port: int


def check_public(url: str, *, local_mode: bool) -> None:
    """Check a URL's text and, outside local mode, the addresses that its host resolves to now.

    Raises
    ------
    UrlNotAllowed
        With a message for the client that gave the URL.
    """
    origin = check_form(url, local_mode=local_mode)
    if local_mode:
        return
    try:
        public_addresses(origin.host, origin.port)
    except OSError as error:
        raise UrlNotAllowed(f"{origin.host} cannot be resolved") from error


def check_form(url: str, *, local_mode: bool) -> Origin:
    """Check a URL without DNS: https, port 443 and a public host.

    In local mode, http, other ports and private hosts are allowed.

    Raises
    ------
    UrlNotAllowed
    """
    origin = read_origin(url)
    if local_mode and origin.scheme in PORTS:
        return origin
    if origin.scheme != "https":
        raise UrlNotAllowed(f"url must use https (got {origin.scheme})")
    if origin.port != PORTS["https"]:
        raise UrlNotAllowed(f"url must use port {PORTS['https']} (got {origin.port})")
    literal = _literal(origin.host)
    allowed = is_public(literal) if literal else "." in origin.host.removesuffix(".")
    if not allowed:
        raise UrlNotAllowed(f"{origin.host} is not a public host")
    return origin


def read_origin(url: str) -> Origin:
    """Parse scheme, host and port, accepting only forms that all URL parsers read alike.

    Raises
    ------
    UrlNotAllowed
        Also for a user name, which such URLs carry only to deceive.
    """
    match = URL.fullmatch(url) if len(url) <= MAX_LENGTH and url.isprintable() else None
    if match is None:
        raise UrlNotAllowed(INVALID_URL)
    scheme, authority = match[1].lower(), match[2].lower()
    if "@" in authority:
        raise UrlNotAllowed("url must not have a user name")
    parts = AUTHORITY.fullmatch(authority)
    if parts is None:
        raise UrlNotAllowed(INVALID_URL)
    port = int(parts["port"] or PORTS.get(scheme, 0))
    if port > MAX_PORT:
        raise UrlNotAllowed(INVALID_URL)
    return Origin(scheme, _host(parts["ipv6"], parts["name"]), port)


def _host(ipv6: str | None, name: str) -> str:
    """Return a DNS name, or an IPv4 address in dotted-decimal form: others are ambiguous."""
    if ipv6 is not None:
        if _literal(ipv6) is None:
            raise UrlNotAllowed(INVALID_URL)
        return ipv6
    host = name if name.isascii() else _to_ascii(name)
    labels = host.removesuffix(".").split(".")
    if len(host) > 253 or not all(LABEL.fullmatch(label) for label in labels):
        raise UrlNotAllowed(INVALID_URL)
    if NUMBER.fullmatch(labels[-1]) and _literal(host) is None:
        raise UrlNotAllowed("an IPv4 address must be in dotted-decimal form, as 192.0.2.1")
    return host


def _to_ascii(name: str) -> str:
    import idna  # noqa: PLC0415 - 0.5 MB of tables, needed for rare names only

    try:
        return idna.encode(name).decode()
    except idna.IDNAError as error:
        raise UrlNotAllowed(INVALID_URL) from error


def _literal(host: str) -> str | None:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None


def is_public(address: str) -> bool:
    """Whether an IP address is global unicast and not in `BLOCKED_NETWORKS`."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return is_public(str(parsed.ipv4_mapped))
        if parsed not in GLOBAL_IPV6:
            return False
    if not parsed.is_global or parsed.is_multicast:
        return False
    return not any(parsed in block for block in BLOCKED_NETWORKS if block.version == parsed.version)


def public_addresses(host: str, port: int) -> tuple[str, ...]:
    """Resolve a host to IP addresses that must all be public.

    Raises
    ------
    UrlNotAllowed
    OSError
        If the name cannot be resolved in time.
    """
    addresses = resolve(host, port)
    if not addresses or not all(is_public(address) for address in addresses):
        raise UrlNotAllowed(f"{host} is not a public host")
    return addresses


def resolve(host: str, port: int) -> tuple[str, ...]:
    """Resolve a host to distinct IP addresses, in the resolver's order.

    `getaddrinfo` has no timeout and an untrusted name server may be slow: it runs in a thread.
    """
    result: Future[tuple[str, ...]] = Future()
    Thread(target=_resolve_into, args=(host, port, result), daemon=True).start()
    return result.result(RESOLVE_SECONDS)


def _resolve_into(host: str, port: int, result: "Future[tuple[str, ...]]") -> None:
    try:
        entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        result.set_result(tuple(dict.fromkeys(str(entry[4][0]) for entry in entries)))
    except Exception as error:  # noqa: BLE001 - raised again in the calling thread
        result.set_exception(error)
