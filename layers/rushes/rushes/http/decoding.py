"""Decode response bodies in bounded memory: at most one content coding, gzip or deflate.

Only `transport` and `downloads` use this module. httpx's own decoders expand a chunk of 64 KiB to
64 MiB at once, and several codings multiply that.
"""

import zlib
from collections.abc import Callable, Iterable, Iterator
from io import BytesIO

import httpx

from rushes.errors import UpstreamError

PIECE_BYTES = 256 * 1024
"""Decoded at once."""
SLICE_BYTES = 16 * 1024
"""Given to a decoder at once: it copies the rest of a slice whenever a gzip member ends."""
MAX_OVERHEAD = 64 * 1024
"""Bytes by which an encoded body may be longer than the decoded one."""
GZIP, ZLIB, RAW = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS
WINDOWS = {"gzip": GZIP, "x-gzip": GZIP, "deflate": ZLIB}
NO_CODINGS = ("", "identity", "none", "binary", "utf-8", "utf8", "aws-chunked")
"""Values of content-encoding that some servers send for a body as it is."""
MAX_SHOWN_CHARACTERS = 40

Reject = Callable[[str], UpstreamError]
"""Returns the caller's error for a reason such as `must have at most 100 bytes`."""


def read_body(response: httpx.Response, limit: int, reject: Reject) -> bytes:
    """Return the decoded body of at most `limit` bytes; its encoded form is bounded as well.

    An empty body is empty in any coding, as in the response to HEAD.

    Raises
    ------
    UpstreamError
        The error of `reject`, for a body that is too long or has another content coding.
    httpx.DecodingError
        If the encoded body is corrupt or incomplete.
    """
    chunks: Iterator[bytes] = response.iter_raw()
    if coding := _coding(response, reject):
        chunks = _decode(_bounded(chunks, limit + MAX_OVERHEAD, reject), coding)
    body = BytesIO()
    for chunk in _bounded(chunks, limit, reject):
        body.write(chunk)
    return body.getvalue()


def codings_of(response: httpx.Response) -> list[str]:
    """Return the content codings of the body in the order in which they were applied."""
    header: str = response.headers.get("content-encoding", "")
    named = [name.strip().lower() for name in header.split(",")]
    return [name for name in named if name not in NO_CODINGS]


def _coding(response: httpx.Response, reject: Reject) -> str | None:
    codings = codings_of(response)
    if not codings:
        return None
    if len(codings) > 1 or codings[0] not in WINDOWS:
        shown = response.headers["content-encoding"][:MAX_SHOWN_CHARACTERS]
        raise reject(f"must have at most one content-encoding, gzip or deflate (got {shown})")
    return codings[0]


def _bounded(chunks: Iterable[bytes], limit: int, reject: Reject) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > limit:
            raise reject(f"must have at most {limit} bytes (got more)")
        yield chunk


def _decode(chunks: Iterable[bytes], coding: str) -> Iterator[bytes]:
    """Yield pieces of at most `PIECE_BYTES`; gzip may have several members, and then zeros."""
    decoder = None
    try:
        for encoded in _slices(chunks):
            rest = encoded
            if decoder and decoder.eof:
                rest = _next_member(coding, rest)
            while rest:
                if decoder is None or decoder.eof:
                    decoder = zlib.decompressobj(_window(coding, rest))
                yield from _pieces(decoder, rest)
                rest = _next_member(coding, decoder.unused_data)
    except zlib.error as error:
        raise httpx.DecodingError(str(error)) from error
    if decoder is not None and not decoder.eof:
        raise httpx.DecodingError(f"the {coding} stream is incomplete")


def _slices(chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        for start in range(0, len(chunk), SLICE_BYTES):
            yield chunk[start : start + SLICE_BYTES]


def _next_member(coding: str, rest: bytes) -> bytes:
    """Return the bytes from the next gzip member, if any. Padding of zeros may precede it."""
    if rest and WINDOWS[coding] != GZIP:
        raise httpx.DecodingError(f"more follows the {coding} stream")
    return rest.lstrip(b"\0")


def _window(coding: str, beginning: bytes) -> int:
    """Return zlib's window parameter. Some servers send `deflate` without zlib's header."""
    is_zlib = beginning[0] & 0x0F == zlib.DEFLATED
    return RAW if coding == "deflate" and not is_zlib else WINDOWS[coding]


def _pieces(decoder: "zlib._Decompress", data: bytes) -> Iterator[bytes]:
    while not decoder.eof:
        piece = decoder.decompress(data, PIECE_BYTES)
        data = decoder.unconsumed_tail
        yield piece
        if not data and len(piece) < PIECE_BYTES:
            return
