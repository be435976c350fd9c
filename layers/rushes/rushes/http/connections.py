"""Connections as `http_client` makes them: where an address was judged, and no longer than agreed.

Only for `http_client` and `wire`.
"""

import ssl
import time
from collections.abc import Iterable
from typing import Any

import httpcore
from typing_extensions import override

from rushes.http.ssrf import public_addresses

ADDRESSES = 4
"""So many of a host's addresses are tried; whoever has more has chosen them to waste our time."""
PIECE = 16 * 1024
"""What is written at a time: a socket takes it in one or two goes, each with a limit."""


class Deadline:
    """A moment by which a whole call is over, however many reads and redirects it is made of."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds
        self._seconds = seconds

    def left(self, timeout: float | None, late: type[Exception]) -> float:
        """Seconds for the next operation; raises `late` where there are none left."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise late(f"not all done after {self._seconds:g} s")
        return left if timeout is None else min(left, timeout)


class PinnedBackend(httpcore.NetworkBackend):
    """Connects by name. `public`: only to addresses of the open internet.

    A name is resolved once, all its addresses are judged, and those are connected to: a name that
    means something else a moment later gains nothing by it.
    """

    def __init__(self, deadline: Deadline, *, public: bool) -> None:
        self._deadline = deadline
        self._public = public
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
        trouble: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in self._addresses(host, port):
            left = self._deadline.left(timeout, httpcore.ConnectTimeout)
            try:
                stream = self._plain.connect_tcp(address, port, left, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                trouble = error
            else:
                return TimedStream(stream, self._deadline)
        raise trouble

    def _addresses(self, host: str, port: int) -> tuple[str, ...]:
        if not self._public:
            return (host,)
        try:
            return public_addresses(host, port)[:ADDRESSES]
        except OSError as error:
            raise httpcore.ConnectError(f"{host} cannot be resolved") from error


class TimedStream(httpcore.NetworkStream):
    """A stream whose operations all together have a limit: dripping gains nothing."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    @override
    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left(timeout, httpcore.ReadTimeout))

    @override
    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), PIECE):
            left = self._deadline.left(timeout, httpcore.WriteTimeout)
            self._stream.write(buffer[start : start + PIECE], left)

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
        left = self._deadline.left(timeout, httpcore.ConnectTimeout)
        stream = self._stream.start_tls(ssl_context, server_hostname, left)
        return TimedStream(stream, self._deadline)

    @override
    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
