"""HTTP as `http_client` speaks it: one call on one connection, and errors by our names.

Only for `http_client` and `downloads`; together they are the only users of httpx.
"""

import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from typing import Any

import httpx

from rushes.errors import UpstreamError, UpstreamNoResponse, UpstreamUnreachable, UrlNotAllowed
from rushes.http.connections import Deadline, PinnedBackend
from rushes.http.urls import joined, judged, origin, own, parsed
from rushes.ports import Upstream

TIMEOUT = httpx.Timeout(connect=5, read=45, write=45, pool=5)
"""For each single read and write; how long all of them may take, the connector knows."""
HEADERS = {
    "accept": "*/*",
    "accept-encoding": "identity",
    "connection": "close",
    "user-agent": "rushes",
}
REDIRECTS = 3
NOTHING_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
)
CAUSES: dict[type[BaseException], str] = {
    httpx.TimeoutException: "timeout",
    ssl.SSLError: "tls",
    ConnectionRefusedError: "refused",
}


def make_request(
    method: str,
    url: httpx.URL,
    headers: Mapping[str, str],
    content: Mapping[str, Any] | None = None,
) -> httpx.Request:
    """`content` as httpx names it: at most one of `content`, `json` and `files`."""
    named = httpx.Headers(HEADERS)
    named.update(dict(headers))
    timeouts = {"timeout": TIMEOUT.as_dict()}
    return httpx.Request(method, url, headers=named, extensions=timeouts, **(content or {}))


Ask = Callable[[Mapping[str, str]], AbstractContextManager[httpx.Response]]
"""Asks for the same address again, with further headers."""


class Transport:
    """Calls, each on a connection of its own. `local_mode` lets http and private addresses through.

    It looks at no proxy variables, retries nothing and keeps nothing. No connection outlives its
    call: one kept while the function was frozen may be dead, and what became of a create call sent
    into it nobody could tell.
    """

    def __init__(self, context: ssl.SSLContext, *, local_mode: bool) -> None:
        self._context = context
        self._local_mode = local_mode

    @contextmanager
    def open(
        self, request: httpx.Request, deadline: Deadline, *, public: bool
    ) -> Iterator[httpx.Response]:
        """An answer with its body still to come. Troubles from then on are for who reads it."""
        connector = PinnedBackend(deadline, public=public and not self._local_mode)
        with ExitStack() as stack:
            transport = make_transport(self._context, connector)
            stack.callback(transport.close)
            with named_errors(request.url):
                response = transport.handle_request(request)
                stack.callback(response.close)
            response.request = request
            yield response

    @contextmanager
    def follow(
        self, address: str, upstream: Upstream | None, deadline: Deadline
    ) -> Iterator[tuple[httpx.Response, Ask]]:
        """GET with redirects, each judged anew. Once one leads away, the key stays behind."""
        home = parsed(upstream.base_url) if upstream else None
        for _ in range(REDIRECTS + 1):
            if home and origin(parsed(address)) != origin(home):
                home = None
            url = (own if home else judged)(address, local_mode=self._local_mode)
            key = upstream.headers if upstream and home else {}
            ask = partial(self._ask, url, key, deadline, public=home is None)
            with ask({}) as response:
                if not response.has_redirect_location:
                    yield response, ask
                    return
                address = joined(url, response.headers["location"])
        raise UrlNotAllowed(f"more than {REDIRECTS} redirects")

    def _ask(
        self,
        url: httpx.URL,
        key: Mapping[str, str],
        deadline: Deadline,
        headers: Mapping[str, str],
        *,
        public: bool,
    ) -> AbstractContextManager[httpx.Response]:
        request = make_request("GET", url, {**headers, **key})
        return self.open(request, deadline, public=public)


def make_transport(context: ssl.SSLContext, connector: PinnedBackend) -> httpx.HTTPTransport:
    transport = httpx.HTTPTransport(verify=context, retries=0, trust_env=False)
    # httpx has no public seam for this; a test holds the pinned version to it.
    transport._pool._network_backend = connector  # noqa: SLF001
    return transport


@contextmanager
def named_errors(url: httpx.URL) -> Iterator[None]:
    """What httpx raises, as ours; the line that matters is whether anything may have been sent."""
    try:
        yield
    except NOTHING_SENT as error:
        reason = type(error).__name__
        raise UpstreamUnreachable(f"{url.host} cannot be reached ({reason})") from error
    except httpx.HTTPError as error:
        raise UpstreamNoResponse(f"no answer from {url.host} ({type(error).__name__})") from error


def cause_of(error: UpstreamError) -> str:
    """A word for what kept an answer away: timeout, tls, refused, unreachable or broken."""
    found: BaseException | None = error
    while found:
        for kind, word in CAUSES.items():
            if isinstance(found, kind):
                return word
        found = found.__cause__ or found.__context__  # httpcore keeps the latter only
    return "unreachable" if isinstance(error, UpstreamUnreachable) else "broken"


def read(response: httpx.Response, limit: int, too_long: UpstreamError) -> bytes:
    """The whole body, its encoding undone."""
    body = bytearray()
    with named_errors(response.url):
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > limit:
                raise too_long
    return bytes(body)


def read_beginning(response: httpx.Response, limit: int) -> bytes:
    """The body as it came, up to `limit`; what follows is left unread."""
    body = bytearray()
    with named_errors(response.url):
        for chunk in response.iter_raw():
            body += chunk
            if len(body) >= limit:
                break
    return bytes(body[:limit])
