"""Hostile upstream and S3 in one server, which holds no large body in memory.

`GET /s3/BUCKET/KEY` returns as many bytes as the digits of the key say; S3's other calls succeed.
All other paths are answered from `ANSWERS`, whatever the method.
"""

import gzip
import json
import re
import socketserver
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from typing_extensions import override

from tests.raw_http import running

MEGABYTE = 1024 * 1024
BLOCK = 64 * 1024
MP4 = b"\x00\x00\x00\x18ftypmp42"
PNG = b"\x89PNG\r\n\x1a\n"
Answer = Callable[[], Iterator[bytes]]
"""Yields the bytes of a response, head included."""


def head(*lines: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode()


def body(content: bytes, *lines: str, status: str = "200 OK") -> Answer:
    return lambda: iter([head(f"content-length: {len(content)}", *lines, status=status), content])


def repeated(
    before: bytes, piece: bytes, size: int, after: bytes, *lines: str, status: str = "200 OK"
) -> Answer:
    """Answer with `piece` again and again between two texts, in all about `size` bytes."""
    count = (size - len(before) - len(after)) // len(piece)
    blocks = max(BLOCK // len(piece), 1)

    def answer() -> Iterator[bytes]:
        length = len(before) + count * len(piece) + len(after)
        yield head(f"content-length: {length}", *lines, status=status) + before
        for start in range(0, count, blocks):
            yield piece * min(blocks, count - start)
        yield after

    return answer


def endless(beginning: bytes, piece: bytes) -> Answer:
    def answer() -> Iterator[bytes]:
        yield beginning
        while True:
            yield piece

    return answer


def packed(coding: str, layers: int, size: int = 128 * MEGABYTE) -> bytes:
    """Return zeros packed several times."""
    packers = {
        "gzip": lambda: zlib.compressobj(9, wbits=31),
        "deflate": lambda: zlib.compressobj(9),
        "raw": lambda: zlib.compressobj(9, wbits=-15),
    }
    packer, zeros = packers[coding](), bytes(MEGABYTE)
    pieces = [packer.compress(zeros) for _ in range(size // MEGABYTE)]
    content = b"".join([*pieces, packer.flush()])
    for _ in range(layers - 1):
        content = gzip.compress(content)
    return content


def encoded(coding: str, content: bytes) -> Answer:
    return body(content, f"content-encoding: {coding}")


LIMIT = 48 * MEGABYTE
"""Of a reply."""
STREAM = 512 * MEGABYTE
PACKED = {name: packed(name, 1) for name in ("gzip", "deflate", "raw")}
TWICE = packed("gzip", 2)
EMPTY_MEMBER = gzip.compress(b"")
VIDEOS = b'{"done": true, "response": {"videos": [{"bytesBase64Encoded": "'
BASE64_MP4 = b"AAAAGGZ0eXBtcDQyAAAA"
LAUGHING = "\N{FACE WITH TEARS OF JOY}".encode()
WORD = json.dumps({"word": "naive", "start": 1.25, "end": 2.5, "probability": 0.875}).encode()
BIG_GIF = b"GIF89a" + b"\xff" * 4 + bytes(100)
BIG_PNG = PNG + b"\x00\x00\x00\x0dIHDR" + b"\x7f\xff\xff\xff" * 2 + bytes(100)
BIG_MP4 = b"\x00\x00\x00\x01ftypmp42" + b"\xff" * 8 + bytes(100)

ANSWERS: dict[str, Answer] = {
    "gzip": encoded("gzip", PACKED["gzip"]),
    "gzip-twice": encoded("gzip, gzip", TWICE),
    "gzip-ten-times": encoded(", ".join(["gzip"] * 10), TWICE),
    "deflate": encoded("deflate", PACKED["deflate"]),
    "raw-deflate": encoded("deflate", PACKED["raw"]),
    "gzip-in-deflate": encoded("deflate, gzip", TWICE),
    "gzip-members": encoded("gzip", EMPTY_MEMBER * 100_000),
    "endless-gzip-members": endless(head("content-encoding: gzip"), EMPTY_MEMBER * 3000),
    "br": encoded("br", bytes(1000)),
    "zstd": encoded("zstd", bytes(1000)),
    "empty-blocks": endless(
        head("content-encoding: deflate") + b"\x78\x9c", b"\x00\x00\x00\xff\xff" * 13_000
    ),
    "long-string": repeated(b'{"id": "', b"x", LIMIT, b'", "status": "queued"}'),
    "lists": repeated(b'{"id": "up-1", "status": "queued", "x": [', b"[],", LIMIT, b"0]}"),
    "objects": repeated(b'{"id": "up-1", "status": "queued", "x": [', b"{},", LIMIT, b"0]}"),
    "a-million-objects": repeated(
        b'{"id": "up-1", "status": "queued", "x": [', b'{"a":0},', 3_999_000, b"0]}"
    ),
    "depth": repeated(b'{"x": ', b"[", LIMIT, b""),
    "digits": repeated(b'{"id": ', b"9", LIMIT, b"}"),
    "escapes": repeated(b'{"id": "', b"\\u00e9", LIMIT, b'", "status": "queued"}'),
    "wide-string": repeated(b'{"id": "' + LAUGHING, b"x", LIMIT, b'", "status": "queued"}'),
    "names": lambda: iter(
        [
            head() + b"{",
            b"".join(b'"name-%d": 0,' % number for number in range(450_000)),
            b'"id": "up-1", "status": "queued"}',
        ]
    ),
    "errors": repeated(b'{"detail": [', b"{},", 1_490_000, b"{}]}", status="400 Bad"),
    "base64": repeated(VIDEOS + BASE64_MP4, b"AAAA", LIMIT, b'", "mimeType": "video/mp4"}]}}'),
    "wide-base64": repeated(VIDEOS + LAUGHING, b"AAAA", LIMIT, b'"}]}}'),
    "escaped-base64": repeated(
        VIDEOS + BASE64_MP4, b"\\/\\/\\/\\/", LIMIT, b'", "mimeType": "video/mp4"}]}}'
    ),
    "video-list": repeated(b'{"done": true, "response": {"videos": [', b"{},", 1_490_000, b"{}]}}"),
    "wide-transcript": repeated(
        b'{"status": "success", "result": {"text": "' + LAUGHING, b"x", LIMIT, b'"}}'
    ),
    "transcript": repeated(
        b'{"status": "success", "result": {"text": "naive", "words": [',
        WORD + b",",
        190_000 * (len(WORD) + 1),
        WORD + b"]}}",
    ),
    "short-transcript": repeated(
        b'{"status": "success", "result": {"text": "naive", "words": [',
        WORD + b",",
        1_900_000,
        WORD + b"]}}",
    ),
    "urls": repeated(
        b'{"id": "1", "status": "SUCCEEDED", "output": [', b'"a",', 3_900_000, b'"a"]}'
    ),
    "files": repeated(
        b'{"id": "1", "status": "succeeded", "output": [', b'"data:",', 6_000_000, b'"data:"]}'
    ),
    "long-header": endless(head()[:-2] + b"x-long: ", b"x" * BLOCK),
    "many-headers": body(b"{}", *(f"x{number}: 1" for number in range(10_000))),
    "same-header": body(b"{}", *["a:"] * 24_000),
    "endless": endless(head() + MP4, bytes(BLOCK)),
    "endless-chunks": endless(
        head("transfer-encoding: chunked"), b"10000\r\n" + bytes(BLOCK) + b"\r\n"
    ),
    "longer-than-declared": repeated(MP4, b"\0", 3 * MEGABYTE, b"", "content-length: 5"),
    "shorter-than-declared": lambda: iter([head(f"content-length: {1 << 40}"), MP4 + bytes(BLOCK)]),
    "video": repeated(MP4, b"\0", STREAM, b""),
    "big-gif": body(BIG_GIF),
    "big-png": body(BIG_PNG),
    "big-mp4": body(BIG_MP4),
    "large-image": repeated(PNG, b"\0", 50 * MEGABYTE, b""),
    "larger-image": repeated(PNG, b"\0", 50 * MEGABYTE + 10, b""),
    "ok": body(b'{"id": "up-1", "name": "models/m/operations/up-1", "status": "queued"}'),
    "error": body(b"[]" * 1000, status="500 Error"),
    "refused-twice-packed": body(TWICE, "content-encoding: gzip, gzip", status="429 Slow"),
}


class _Conversation(socketserver.StreamRequestHandler):
    @override
    def handle(self) -> None:
        with suppress(ConnectionError):  # the client ends many of these early
            while self._exchange():
                pass

    def _exchange(self) -> bool:
        """Answer one request; return whether the connection stays open."""
        line = self.rfile.readline()
        if not line:
            return False
        method, target, _ = line.decode().split(" ", 2)
        length = self._length_of_body()
        while length > 0:
            length -= len(self.rfile.read(min(length, BLOCK)))
        if target.startswith("/s3/"):
            self._s3(method, target)
            return True
        name = target.partition("?")[0].rstrip("/").rpartition("/")[2]
        for piece in ANSWERS[name.partition(":")[0]]():
            self.wfile.write(piece)
        return False

    def _length_of_body(self) -> int:
        length = 0
        while (line := self.rfile.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
            elif name.lower() == b"expect":
                self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return length

    def _s3(self, method: str, target: str) -> None:
        if method == "GET":
            size = int(re.sub(r"\D", "", target.partition("?")[0].rpartition("/")[2]))
            for piece in repeated(PNG, b"\0", size, b"")():
                self.wfile.write(piece)
            return
        self.wfile.write(head("content-length: 61", 'etag: "1"'))
        self.wfile.write(b"<R><UploadId>1</UploadId><Bucket>b</Bucket><Key>k</Key></R>  ")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @override
    def handle_error(self, request: object, client_address: object) -> None:
        """Ignore clients that close the connection early."""


@contextmanager
def serving() -> Iterator[Server]:
    with running(Server(("127.0.0.1", 0), _Conversation)) as server:
        yield server
