"""One HTTP exchange per connection, GET with redirects, and httpx errors as `UpstreamError`s.

Only `client` and `downloads` use this module. Together with `connections` and `urls`, they are
the only users of httpx.
"""

import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from typing import Any

import httpx

from rushes.errors import UpstreamNoResponse, UpstreamUnreachable, UrlNotAllowed
from rushes.http.connections import Deadline, PinnedBackend, exchange
from rushes.http.decoding import Reject, read_body
from rushes.http.urls import origin, parse_url, provider_url, public_url, resolve_reference
from rushes.ports.http import Upstream

TIMEOUT = httpx.Timeout(connect=5, read=45, write=45, pool=5)
"""For each single read and write; `Deadline` limits them all together."""
HEADERS = {
    "accept": "*/*",
    "accept-encoding": "identity",
    "connection": "close",
    "user-agent": "rushes",
}
MAX_REDIRECTS = 3
FAILURES = {
    "broken": "connection closed",
    "dns": "name not resolved",
    "refused": "connection refused",
    "timeout": "timeout",
    "tls": "TLS failed",
    "unreachable": "no connection",
}
"""Causes of a missing response in words, by `failure_code`."""
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
GetAgain = Callable[[Mapping[str, str]], AbstractContextManager[httpx.Response]]
"""Repeats a GET of the same URL with additional headers."""


def make_request(
    method: str,
    url: httpx.URL,
    headers: Mapping[str, str],
    content: Mapping[str, Any] | None = None,
) -> httpx.Request:
    """Build a request; `content` has at most one of httpx's `content`, `json` and `files`."""
    merged = httpx.Headers(HEADERS)
    merged.update(dict(headers))
    timeouts = {"timeout": TIMEOUT.as_dict()}
    return httpx.Request(method, url, headers=merged, extensions=timeouts, **(content or {}))


class Transport:
    """HTTP exchanges, each on a connection of its own. `local_mode` allows http and private hosts.

    It ignores proxy variables, retries nothing and keeps no cookies. No connection is reused: it
    may have been closed while the function was frozen, and the outcome of a create call on it
    would be unknown.
    """

    def __init__(self, context: ssl.SSLContext, *, local_mode: bool) -> None:
        self._context = context
        self._local_mode = local_mode

    @contextmanager
    def open(
        self, request: httpx.Request, deadline: Deadline, *, public: bool
    ) -> Iterator[httpx.Response]:
        """Yield a response whose body is still unread; reading it may raise httpx errors."""
        backend = PinnedBackend(deadline, public=public and not self._local_mode)
        with ExitStack() as stack:
            with translate_http_errors(request.url):
                response = stack.enter_context(exchange(request, self._context, backend))
            yield response

    @contextmanager
    def follow(
        self, url: str, upstream: Upstream | None, deadline: Deadline
    ) -> Iterator[tuple[httpx.Response, GetAgain]]:
        """GET with redirects, each URL validated anew.

        The provider's key goes to the provider's origin only, until the first redirect leaves it.
        """
        home = parse_url(upstream.base_url) if upstream else None
        for _ in range(MAX_REDIRECTS + 1):
            if home and origin(parse_url(url)) != origin(home):
                home = None
            target = (provider_url if home else public_url)(url, local_mode=self._local_mode)
            key = upstream.headers if upstream and home else {}
            get = partial(self._get, target, key, deadline, public=home is None)
            with get({}) as response:
                if not response.has_redirect_location:
                    yield response, get
                    return
                url = resolve_reference(target, response.headers["location"])
        raise UrlNotAllowed(f"more than {MAX_REDIRECTS} redirects")

    def _get(
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


@contextmanager
def translate_http_errors(url: httpx.URL) -> Iterator[None]:
    """Raise `UpstreamUnreachable` if nothing was sent, otherwise `UpstreamNoResponse`."""
    try:
        yield
    except NOTHING_SENT as error:
        message = f"{url.host} cannot be reached ({failure_of(error)})"
        raise UpstreamUnreachable(message, detail=_detail(url, error)) from error
    except httpx.HTTPError as error:
        message = f"no response from {url.host} ({failure_of(error)})"
        raise UpstreamNoResponse(message, detail=_detail(url, error)) from error


def failure_of(error: Exception) -> str:
    """Return the cause of a missing response in words."""
    if any(isinstance(cause, socket.gaierror) for cause in _causes(error)):
        return FAILURES["dns"]
    return FAILURES[failure_code(error)]


def _detail(url: httpx.URL, error: Exception) -> str:
    return f"{url.host}: {type(error).__name__}: {error}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and its causes once each: an error that is raised twice may be its own."""
    cause, seen = error, {id(error)}
    yield error
    while following := cause.__cause__ or cause.__context__:  # httpcore sets only the latter
        if id(following) in seen:
            return
        cause = following
        seen.add(id(cause))
        yield cause


def failure_code(error: Exception) -> str:
    """Return the cause of a missing response: timeout, tls, refused, unreachable or broken."""
    for cause in _causes(error):
        for error_type, code in CAUSES.items():
            if isinstance(cause, error_type):
                return code
    is_unsent = isinstance(error, UpstreamUnreachable | httpx.ConnectError)
    return "unreachable" if is_unsent else "broken"


def read(response: httpx.Response, limit: int, reject: Reject) -> bytes:
    """Return the whole decoded body; raise `reject`'s error if it is too long or not decodable."""
    with translate_http_errors(response.url):
        return read_body(response, limit, reject)


def headers_of(response: httpx.Response) -> dict[str, str]:
    """Return the headers with lower-case names; httpcore bounds all of them by 164 KiB.

    The argument is `items()`: from httpx's object, `dict` would search all headers for each one.
    """
    return dict(response.headers.items())


def read_beginning(response: httpx.Response, limit: int) -> bytes:
    """Return the first `limit` bytes of the body, not decoded; the rest stays unread."""
    body = bytearray()
    with translate_http_errors(response.url):
        for chunk in response.iter_raw():
            body += chunk
            if len(body) >= limit:
                break
    return bytes(body[:limit])
