"""HTTP responses with a job's output file: whole, by range, or with an injected fault."""

import asyncio
import re
import struct
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from pathlib import Path

from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.types import Message, Send
from typing_extensions import override

from sandbox.job import Job

CHUNK = 256 * 1024
MEBIBYTE = 1024 * 1024
MEDIA_TYPES = {
    "video": "video/mp4",
    "image": "image/png",
    "audio": "audio/wav",
    "transcription": "application/json",
}
DRIP_PIECES = 20
# A 32-bit box length of 1 precedes a 64-bit length after the type; players skip `free` boxes.
BOX_HEADER = struct.Struct(">I4sQ")
_RANGE = re.compile(r"bytes=(?=\d|-\d)(?P<first>\d*)-(?P<last>\d*)")


class PaddedFile:
    """Bytes of a file, optionally with a generated MP4 `free` box as padding at its end."""

    def __init__(self, path: Path, padded_to: int = 0) -> None:
        self._path = path
        self._file_size = path.stat().st_size
        padding = padded_to - self._file_size
        fits = padding >= BOX_HEADER.size
        self._header = BOX_HEADER.pack(1, b"free", padding) if fits else b""
        self.size = padded_to if fits else self._file_size

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the bytes from start up to, but excluding, stop."""
        yield from self._read_file(start, min(stop, self._file_size))
        tail = self._file_size + len(self._header)
        first = max(start, self._file_size) - self._file_size
        yield self._header[first : max(0, stop - self._file_size)]
        for offset in range(max(start, tail), stop, CHUNK):
            yield bytes(min(CHUNK, stop - offset))

    def _read_file(self, start: int, stop: int) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            file.seek(start)
            while (remaining := stop - file.tell()) > 0:
                yield file.read(min(CHUNK, remaining))


class TruncatedResponse(StreamingResponse):
    """Never sends the end of the body, so that the server drops the connection."""

    @override
    async def stream_response(self, send: Send) -> None:
        async def send_all_but_the_end(message: Message) -> None:
            if message["type"] == "http.response.start" or message["more_body"]:
                await send(message)

        await super().stream_response(send_all_but_the_end)


def content_response(job: Job, range_header: str | None) -> Response:
    """Return the output file, or the fault that the job's directives require."""
    media_type = MEDIA_TYPES[job.spec.modality]
    if "html" in job.directives:
        return HTMLResponse("<!doctype html><title>Sign in</title><h1>Please sign in</h1>")
    if "empty" in job.directives:
        return Response(b"", media_type=media_type)
    padded_to = job.directives.get("big", 0) * MEBIBYTE if job.spec.modality == "video" else 0
    file = PaddedFile(job.output, padded_to)
    job.downloads += 1
    if "too-long" in job.directives:
        length = {"content-length": str(file.size + job.directives["too-long"])}
        return TruncatedResponse(file.read(0, file.size), 200, length, media_type)
    return _stream(job, file, range_header, media_type)


def _stream(job: Job, file: PaddedFile, range_header: str | None, media_type: str) -> Response:
    ranged = "no-range" not in job.directives
    match = _RANGE.fullmatch(range_header or "") if ranged else None
    headers = {"accept-ranges": "bytes" if ranged else "none"}
    # RFC 9110, 14.2: an unsupported Range header, such as several ranges, is ignored.
    start, stop = _bounds(match["first"], match["last"], file.size) if match else (0, file.size)
    if start >= stop:
        headers["content-range"] = f"bytes */{file.size}"
        return Response(status_code=416, headers=headers)
    if match:
        headers["content-range"] = f"bytes {start}-{stop - 1}/{file.size}"
    headers["content-length"] = str(stop - start)
    status = 206 if match else 200
    if "truncate" in job.directives or job.downloads <= job.directives.get("drop", 0):
        half = file.read(start, start + (stop - start) // 2)
        return TruncatedResponse(half, status, headers, media_type)
    if "drip" in job.directives:
        slow = _drip(file, start, stop, job.directives["drip"])
        return StreamingResponse(slow, status, headers, media_type)
    return StreamingResponse(file.read(start, stop), status, headers, media_type)


async def _drip(file: PaddedFile, start: int, stop: int, seconds: float) -> AsyncIterator[bytes]:
    bounds = [start + (stop - start) * piece // DRIP_PIECES for piece in range(DRIP_PIECES + 1)]
    for first, after in pairwise(bounds):
        await asyncio.sleep(seconds / DRIP_PIECES)
        for chunk in file.read(first, after):
            yield chunk


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1) if last else size
