"""Just enough of HTTP's lower side to be asked, and to answer as badly as one likes."""

import socket
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


def bound(port: int) -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    made.bind(("127.0.0.1", port))
    return made


def received(connection: socket.socket) -> Request:
    data = b""
    while b"\r\n\r\n" not in data:
        data += more(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (it.partition(": ") for it in lines)}
    while len(body) < int(headers.get("content-length", "0")):
        body += more(connection)
    method, target, _ = first.split(" ")
    address = urlsplit(target)
    return Request(method, address.path, headers, body)


def more(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise ConnectionError("the caller has gone")
    return data
