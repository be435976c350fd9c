"""HTTP as `egress` speaks it: one call on one connection, errors by our names, bodies in time.

Only for `egress`; together they are the only users of httpx.
"""
# ruff: noqa: TID251 - the other half of the only door to the outside

import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpcore
import httpx

from rushes.addresses import AddressRefused
from rushes.errors import UpstreamError, UpstreamSilent, UpstreamUnreachable

TIMEOUT = httpx.Timeout(connect=5, read=45, write=45, pool=5)
"""For each single read and write; how long a whole body may take, the reader says."""
REPLY_SECONDS = 60.0
LAST_PORT = 65535
NOTHING_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
)


def make_client(
    context: ssl.SSLContext, backend: httpcore.NetworkBackend | None = None
) -> httpx.Client:
    """One that looks at no proxy variables, follows nothing, retries nothing and keeps nothing.

    No connection outlives its call: one kept while the function was frozen may be dead, and what
    became of a create call sent into it nobody could tell.
    """
    transport = httpx.HTTPTransport(
        verify=context,
        retries=0,
        trust_env=False,
        limits=httpx.Limits(max_keepalive_connections=0),
    )
    if backend is not None:
        # httpx has no public seam for this; a test holds the pinned version to it.
        transport._pool._network_backend = backend  # noqa: SLF001
    return httpx.Client(
        transport=transport,
        timeout=TIMEOUT,
        trust_env=False,
        headers={"user-agent": "rushes", "accept-encoding": "identity"},
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
    )


@contextmanager
def opened(
    client: httpx.Client,
    method: str,
    url: httpx.URL,
    headers: Mapping[str, str],
    content: Mapping[str, Any] | None = None,
) -> Iterator[httpx.Response]:
    """An answer with its body still to come. Troubles from then on are for who reads it."""
    with ExitStack() as stack:
        with named_errors(url):
            answer = client.stream(method, url, headers=dict(headers), **(content or {}))
            response = stack.enter_context(answer)
        yield response


@contextmanager
def named_errors(url: httpx.URL) -> Iterator[None]:
    """What httpx raises, as ours; the line that matters is whether anything may have been sent."""
    try:
        yield
    except NOTHING_SENT as error:
        reason = type(error).__name__
        raise UpstreamUnreachable(f"{url.host} cannot be reached ({reason})") from error
    except (httpx.HTTPError, ValueError) as error:  # the latter over a hopeless redirect
        raise UpstreamSilent(f"no answer from {url.host} ({type(error).__name__})") from error


def read(response: httpx.Response, limit: int, too_long: UpstreamError) -> bytes:
    """The whole body, its encoding undone."""
    body = bytearray()
    with named_errors(response.url):
        for chunk in in_time(response.iter_bytes(), REPLY_SECONDS):
            body += chunk
            if len(body) > limit:
                raise too_long
    return bytes(body)


def in_time(chunks: Iterator[bytes], seconds: float) -> Iterator[bytes]:
    """A limit for all reads together; httpx has one for each."""
    end = time.monotonic() + seconds
    for chunk in chunks:
        yield chunk
        if time.monotonic() > end:
            raise httpx.ReadTimeout(f"not all there after {seconds:.0f} s")


def parsed(address: str, base: httpx.URL | None = None) -> httpx.URL:
    """The one reading of an address: what is judged is what is connected to.

    Raises
    ------
    AddressRefused
    """
    try:
        url = base.join(address) if base else httpx.URL(address)
        url.host.encode("idna")  # else the resolver cannot even be asked for it
    except (httpx.InvalidURL, ValueError) as error:
        raise AddressRefused("this is no address") from error
    if not url.host or (url.port or 0) > LAST_PORT:
        raise AddressRefused("this is no address")
    return url


def origin(url: httpx.URL) -> tuple[str, bytes, int | None]:
    return url.scheme, url.raw_host, url.port
