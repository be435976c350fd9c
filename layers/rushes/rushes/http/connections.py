"""HTTP exchanges over an httpcore network backend with SSRF protection and one deadline per call.

Only `client` and `transport` use this module.
"""

import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import httpcore
import httpx
from typing_extensions import override

from rushes.http.ssrf import public_addresses

MAX_ADDRESSES = 4
"""IP addresses tried per host: a host may list many unreachable ones to exhaust the deadline."""
WRITE_BYTES = 16 * 1024
"""Bytes per write: the socket takes them in one or two calls, and each call has a timeout."""
HTTPCORE_ERRORS = (
    httpcore.NetworkError,
    httpcore.ProtocolError,
    httpcore.TimeoutException,
    httpcore.UnsupportedProtocol,
)
"""With their subclasses: httpx has errors of the same names."""


class Deadline:
    """One time limit for a whole call, across all its reads, redirects and resumptions."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._seconds = seconds

    def remaining(self, timeout: float | None, error: type[Exception]) -> float:
        """Seconds for the next operation, at most `timeout`; raises `error` when none are left."""
        remaining = self._end - time.monotonic()
        if remaining <= 0:
            raise error(f"not finished within {self._seconds:g} s")
        return remaining if timeout is None else min(remaining, timeout)


class PinnedBackend(httpcore.NetworkBackend):
    """Network backend that pins DNS: with `public`, it connects to public IP addresses only.

    A name is resolved once, all its addresses are checked, and the connection goes to one of
    those. A second DNS answer (rebinding) is never requested.
    """

    def __init__(self, deadline: Deadline, *, public: bool) -> None:
        self._deadline = deadline
        self._public = public
        self._sockets = httpcore.SyncBackend()

    @override
    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError(f"{host} has no IP address")
        for ip in self._addresses(host, port):
            seconds = self._deadline.remaining(timeout, httpcore.ConnectTimeout)
            try:
                stream = self._sockets.connect_tcp(ip, port, seconds, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return TimedStream(stream, self._deadline)
        raise failure

    def _addresses(self, host: str, port: int) -> tuple[str, ...]:
        if not self._public:
            return (host,)
        try:
            return public_addresses(host, port)[:MAX_ADDRESSES]
        except OSError as error:
            raise httpcore.ConnectError(f"{host} cannot be resolved") from error


class TimedStream(httpcore.NetworkStream):
    """Stream whose reads and writes share one deadline, so that a slow drip cannot extend it."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    @override
    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.remaining(timeout, httpcore.ReadTimeout))

    @override
    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), WRITE_BYTES):
            seconds = self._deadline.remaining(timeout, httpcore.WriteTimeout)
            self._stream.write(buffer[start : start + WRITE_BYTES], seconds)

    @override
    def close(self) -> None:
        self._stream.close()

    @override
    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        seconds = self._deadline.remaining(timeout, httpcore.ConnectTimeout)
        stream = self._stream.start_tls(ssl_context, server_hostname, seconds)
        return TimedStream(stream, self._deadline)

    @override
    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


@contextmanager
def exchange(
    request: httpx.Request, context: ssl.SSLContext, backend: httpcore.NetworkBackend
) -> Iterator[httpx.Response]:
    """Send a request with httpcore's own pool: HTTP/1.1, no retries, no proxy, our backend.

    `httpx.HTTPTransport` has no parameter for the network backend; `httpcore.ConnectionPool` has.
    The response's body is still unread; reading it may raise httpx errors.
    """
    url = httpcore.URL(
        scheme=request.url.raw_scheme,
        host=request.url.raw_host,
        port=request.url.port,
        target=request.url.raw_path,
    )
    sent = httpcore.Request(
        request.method,
        url,
        headers=request.headers.raw,
        content=request.stream,
        extensions=request.extensions,
    )
    with httpcore.ConnectionPool(context, retries=0, network_backend=backend) as pool:
        with httpx_errors():
            received = pool.handle_request(sent)
        with closing(received):
            yield httpx.Response(
                received.status,
                headers=received.headers,
                stream=BodyStream(received),
                extensions=received.extensions,
                request=request,
            )


class BodyStream(httpx.SyncByteStream):
    def __init__(self, response: httpcore.Response) -> None:
        self._response = response

    @override
    def __iter__(self) -> Iterator[bytes]:
        with httpx_errors():
            yield from self._response.iter_stream()


@contextmanager
def httpx_errors() -> Iterator[None]:
    """Raise httpcore's errors as httpx's errors of the same names."""
    try:
        yield
    except HTTPCORE_ERRORS as error:
        raise getattr(httpx, type(error).__name__)(str(error)) from error
