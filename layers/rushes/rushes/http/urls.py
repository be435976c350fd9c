"""Addresses as httpx takes them, and whose they are: the deployer's own or somebody else's.

Only for `http_client` and `wire`.
"""

import re

import httpx

from rushes.errors import UrlNotAllowed
from rushes.http.ssrf import LAST_PORT, PORTS, check_form

SCHEME = re.compile("[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def own(address: str, *, local_mode: bool) -> httpx.URL:
    """An address of the deployer's: any host and port, but http on one machine only.

    Raises
    ------
    AddressRefused
    """
    url = parsed(address)
    if not (url.scheme == "https" or (local_mode and url.scheme == "http")):
        raise UrlNotAllowed(f"only https is spoken, not {url.scheme or 'nothing'}")
    return url


def judged(address: str, *, local_mode: bool) -> httpx.URL:
    """An address of somebody else's, if it may be connected to as far as its form tells.

    It must mean to httpx what it means to the judge: else the wrong thing would be judged.

    Raises
    ------
    AddressRefused
    """
    meant = check_form(address, local_mode=local_mode)
    url = parsed(address)
    if origin(url) != (meant.scheme, meant.host, meant.port):
        raise UrlNotAllowed("this address can be read in two ways")
    return url


def joined(base: httpx.URL, location: str) -> str:
    """Where a redirect leads. A whole address stays as it is written, to be judged as that."""
    if SCHEME.match(location):
        return location
    try:
        return str(base.join(location))
    except (httpx.InvalidURL, ValueError) as error:
        raise UrlNotAllowed("this is no address") from error


def parsed(address: str) -> httpx.URL:
    """What httpx makes of an address.

    Raises
    ------
    AddressRefused
    """
    try:
        url = httpx.URL(address)
        url.host.encode("idna")  # else the resolver cannot even be asked for it
    except (httpx.InvalidURL, ValueError) as error:
        raise UrlNotAllowed("this is no address") from error
    if not url.host or (url.port or 0) > LAST_PORT:
        raise UrlNotAllowed("this is no address")
    return url


def origin(url: httpx.URL) -> tuple[str, str, int | None]:
    """Comparable; where httpx leaves the port out, the scheme's own."""
    return url.scheme, url.raw_host.decode().lower(), url.port or PORTS.get(url.scheme)
