"""HTTP server that writes given bytes, and records the requests."""

import http.client
import socketserver
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase
from typing import BinaryIO, TypeVar, cast

from typing_extensions import override

Answer = bytes | Callable[[BufferedIOBase], None]
"""Bytes of a response, or a function that writes them."""


@dataclass(frozen=True)
class Received:
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


def reply(body: bytes = b"", status: str = "200 OK", **headers: str) -> bytes:
    """Return a complete response. Underscores in header names become hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named.setdefault("content-length", str(len(body)))
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in named.items())]
    return "\r\n".join([*lines, "", ""]).encode() + body


def chunked(*pieces: bytes, end: bool = True) -> bytes:
    """Return a chunked response, without its last chunk unless `end`."""
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return head + body + b"0\r\n\r\n" * end


def endless(head: bytes, piece: bytes, pause: float = 0.0) -> Callable[[BufferedIOBase], None]:
    """Answer with the head, then with the piece again and again. `pause`: seconds after each."""

    def answer(writer: BufferedIOBase) -> None:
        writer.write(head)
        while True:
            writer.write(piece)
            time.sleep(pause)

    return answer


Server = TypeVar("Server", bound=socketserver.BaseServer)


class RawServer(socketserver.ThreadingTCPServer):
    """Serves one request per connection; `answers` are by path, without query."""

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
        """Ignore clients that close the connection early."""


class _Conversation(socketserver.StreamRequestHandler):
    @override
    def handle(self) -> None:
        server = self.server
        assert isinstance(server, RawServer)
        server.connections += 1
        method, target, _ = self.rfile.readline().decode().split(" ", 2)
        headers = {
            name.lower(): value
            for name, value in http.client.parse_headers(cast("BinaryIO", self.rfile)).items()
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
    with running(RawServer()) as server:
        yield server


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """Serve in a thread inside the block."""
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
