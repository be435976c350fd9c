"""A server that answers byte for byte what a test wants, and remembers what it was asked."""

import http.client
import socketserver
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase
from typing import BinaryIO, cast

from typing_extensions import override

Answer = bytes | Callable[[BufferedIOBase], None]
"""What is written: bytes, or a function that writes them as badly as it likes."""


@dataclass(frozen=True)
class Received:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


def reply(body: bytes = b"", status: str = "200 OK", **headers: str) -> bytes:
    """A whole answer. Header names are written with underscores for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named.setdefault("content-length", str(len(body)))
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in named.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def chunked(*pieces: bytes, end: bool = True) -> bytes:
    """A body in chunks, without its end where it is cut off."""
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%s\r\n" % (len(it), it) for it in pieces) + b"0\r\n\r\n" * end


class RawServer(socketserver.ThreadingTCPServer):
    """Each connection is for one request; `answers` are by path, without its query."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.answers: dict[str, Answer] = {}
        self.received: list[Received] = []
        self.connections = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        """Clients hang up on a server like this one."""


class _Conversation(socketserver.StreamRequestHandler):
    @override
    def handle(self) -> None:
        server = self.server
        assert isinstance(server, RawServer)
        server.connections += 1
        method, target, _ = self.rfile.readline().decode().split(" ", 2)
        headers = {
            name.lower(): it
            for name, it in http.client.parse_headers(cast("BinaryIO", self.rfile)).items()
        }
        body = self.rfile.read(int(headers.get("content-length", "0")))
        server.received.append(Received(method, target, headers, body))
        answer = server.answers[target.partition("?")[0]]
        if callable(answer):
            answer(self.wfile)
        else:
            self.wfile.write(answer)


@contextmanager
def serving() -> Iterator[RawServer]:
    with RawServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
