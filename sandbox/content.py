"""A job's file as a response: whole or by range, and spoilt where the prompt asks for it."""

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
PIECES = 20
"""In how many a slow file comes."""
# A 64-bit box length follows the type when the 32-bit one says 1; players skip `free` boxes.
BOX_HEADER = struct.Struct(">I4sQ")
_RANGE = re.compile(r"bytes=(?=\d|-\d)(?P<first>\d*)-(?P<last>\d*)")


class Reel:
    """The bytes of a file; an MP4 may be padded at its end, without ever holding the padding."""

    def __init__(self, video: Path, padded_to: int = 0) -> None:
        self._video = video
        self._file_size = video.stat().st_size
        padding = padded_to - self._file_size
        fits = padding >= BOX_HEADER.size
        self._header = BOX_HEADER.pack(1, b"free", padding) if fits else b""
        self.size = padded_to if fits else self._file_size

    def read(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from start up to, not including, stop."""
        yield from self._read_file(start, min(stop, self._file_size))
        tail = self._file_size + len(self._header)
        first = max(start, self._file_size) - self._file_size
        yield self._header[first : max(0, stop - self._file_size)]
        for place in range(max(start, tail), stop, CHUNK):
            yield bytes(min(CHUNK, stop - place))

    def _read_file(self, start: int, stop: int) -> Iterator[bytes]:
        with self._video.open("rb") as file:
            file.seek(start)
            while (left := stop - file.tell()) > 0:
                yield file.read(min(CHUNK, left))


class TruncatedResponse(StreamingResponse):
    """Never says that the body is over, so that the server drops the connection."""

    @override
    async def stream_response(self, send: Send) -> None:
        async def send_all_but_the_end(message: Message) -> None:
            if message["type"] == "http.response.start" or message["more_body"]:
                await send(message)

        await super().stream_response(send_all_but_the_end)


def content_response(job: Job, wanted: str | None) -> Response:
    """The file, or what the job's directives make of it; ``wanted`` is the Range header."""
    media_type = MEDIA_TYPES[job.brief.kind]
    if "html" in job.directives:
        return HTMLResponse("<!doctype html><title>Sign in</title><h1>Please sign in</h1>")
    if "empty" in job.directives:
        return Response(b"", media_type=media_type)
    padded_to = job.directives.get("big", 0) * MEBIBYTE if job.brief.kind == "video" else 0
    reel = Reel(job.media, padded_to)
    job.served += 1
    if "too-long" in job.directives:
        length = {"content-length": str(reel.size + job.directives["too-long"])}
        return TruncatedResponse(reel.read(0, reel.size), 200, length, media_type)
    return _stream(job, reel, wanted, media_type)


def _stream(job: Job, reel: Reel, wanted: str | None, media_type: str) -> Response:
    ranged = "no-range" not in job.directives
    match = _RANGE.fullmatch(wanted or "") if ranged else None
    headers = {"accept-ranges": "bytes" if ranged else "none"}
    # A header we do not understand, such as several ranges, must be ignored: RFC 9110, 14.2.
    start, stop = _bounds(match["first"], match["last"], reel.size) if match else (0, reel.size)
    if start >= stop:
        headers["content-range"] = f"bytes */{reel.size}"
        return Response(status_code=416, headers=headers)
    if match:
        headers["content-range"] = f"bytes {start}-{stop - 1}/{reel.size}"
    headers["content-length"] = str(stop - start)
    status = 206 if match else 200
    if "truncate" in job.directives or job.served <= job.directives.get("drop", 0):
        half = reel.read(start, start + (stop - start) // 2)
        return TruncatedResponse(half, status, headers, media_type)
    if "drip" in job.directives:
        slowly = _drip(reel, start, stop, job.directives["drip"])
        return StreamingResponse(slowly, status, headers, media_type)
    return StreamingResponse(reel.read(start, stop), status, headers, media_type)


async def _drip(reel: Reel, start: int, stop: int, seconds: float) -> AsyncIterator[bytes]:
    places = [start + (stop - start) * piece // PIECES for piece in range(PIECES + 1)]
    for first, after in pairwise(places):
        await asyncio.sleep(seconds / PIECES)
        for chunk in reel.read(first, after):
            yield chunk


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1) if last else size
