"""A job's file as a response: whole or by range, and spoilt where the prompt asks for it."""

import re
import struct
from collections.abc import Iterator
from pathlib import Path

from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.types import Message, Send
from typing_extensions import override

from local.studio.job import Job

CHUNK = 256 * 1024
MEBIBYTE = 1024 * 1024
MEDIA_TYPES = {
    "video": "video/mp4",
    "image": "image/png",
    "audio": "audio/wav",
    "transcription": "application/json",
}
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
    if "truncate" in job.directives:
        length = {"content-length": str(reel.size)}
        return TruncatedResponse(reel.read(0, reel.size // 2), 200, length, media_type)
    return _stream(reel, wanted, media_type)


def _stream(reel: Reel, wanted: str | None, media_type: str) -> Response:
    match = _RANGE.fullmatch(wanted or "")
    headers = {"accept-ranges": "bytes"}
    # A header we do not understand, such as several ranges, must be ignored: RFC 9110, 14.2.
    if not match:
        headers["content-length"] = str(reel.size)
        return StreamingResponse(reel.read(0, reel.size), 200, headers, media_type)
    start, stop = _bounds(match["first"], match["last"], reel.size)
    if start >= stop:
        headers["content-range"] = f"bytes */{reel.size}"
        return Response(status_code=416, headers=headers)
    headers["content-range"] = f"bytes {start}-{stop - 1}/{reel.size}"
    headers["content-length"] = str(stop - start)
    return StreamingResponse(reel.read(start, stop), 206, headers, media_type)


def _bounds(first: str, last: str, size: int) -> tuple[int, int]:
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(size, int(last) + 1) if last else size
