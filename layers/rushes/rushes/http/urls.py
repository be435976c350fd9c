"""URLs as httpx parses them: of the deployment's providers, or given by a client or provider.

Only `client` and `transport` use this module.
"""

import re

import httpx

from rushes.errors import UrlNotAllowed
from rushes.http.ssrf import INVALID_URL, MAX_PORT, PORTS, check_form

SCHEME = re.compile("[a-z][a-z0-9+.-]*:", re.IGNORECASE)


def provider_url(text: str, *, local_mode: bool) -> httpx.URL:
    """Parse a URL that the operator configured: any host and port, http in local mode only.

    Raises
    ------
    UrlNotAllowed
    """
    url = parse_url(text)
    if not (url.scheme == "https" or (local_mode and url.scheme == "http")):
        raise UrlNotAllowed(f"url must use https (got {url.scheme or 'no scheme'})")
    return url


def public_url(text: str, *, local_mode: bool) -> httpx.URL:
    """Parse an untrusted URL and check everything that its text alone shows.

    httpx and `ssrf` must read the same origin from it. Otherwise the check would be of another
    host than the one connected to.

    Raises
    ------
    UrlNotAllowed
    """
    checked = check_form(text, local_mode=local_mode)
    url = parse_url(text)
    if origin(url) != (checked.scheme, checked.host, checked.port):
        raise UrlNotAllowed("url is ambiguous: its host or port can be read in two ways")
    return url


def resolve_reference(base: httpx.URL | str, reference: str) -> str:
    """Return the target of a reference in a reply from `base` (RFC 3986), as of a redirect.

    An absolute URL stays unchanged, to be validated as given.

    Raises
    ------
    UrlNotAllowed
    """
    if SCHEME.match(reference):
        return reference
    try:
        return str(httpx.URL(base).join(reference))
    except (httpx.InvalidURL, ValueError) as error:
        raise UrlNotAllowed(INVALID_URL) from error


def parse_url(text: str) -> httpx.URL:
    """Parse a URL that has a host which can be resolved.

    Raises
    ------
    UrlNotAllowed
    """
    try:
        url = httpx.URL(text)
        url.host.encode("idna")  # as the resolver does: it raises another error
    except (httpx.InvalidURL, ValueError) as error:
        raise UrlNotAllowed(INVALID_URL) from error
    if not url.host or (url.port or 0) > MAX_PORT:
        raise UrlNotAllowed(INVALID_URL)
    return url


def origin(url: httpx.URL) -> tuple[str, str, int | None]:
    """Return scheme, host and port for comparison, with the scheme's default port."""
    return url.scheme, url.raw_host.decode().lower(), url.port or PORTS.get(url.scheme)
