"""Response bodies, encoded and not, from a stream of chunks."""

import gzip
import tracemalloc
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from rushes.errors import InvalidInputFile
from rushes.http import decoding
from rushes.http.decoding import PIECE_BYTES, read_body

TEXT = b'{"id": "video-1"}' * 1000
MEGABYTE = 1024 * 1024


class Chunks(httpx.SyncByteStream):
    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks

    @override
    def __iter__(self) -> Iterator[bytes]:
        yield from self._chunks


def read(*chunks: bytes, coding: str | None = None, limit: int = len(TEXT)) -> bytes:
    headers = {} if coding is None else {"content-encoding": coding}
    response = httpx.Response(200, headers=headers, stream=Chunks(chunks))
    return read_body(response, limit, lambda reason: InvalidInputFile(f"the file {reason}"))


def raw_deflate(content: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(content) + packer.flush()


PACKED = {
    "gzip": gzip.compress(TEXT),
    "x-gzip": gzip.compress(TEXT),
    "GZip": gzip.compress(TEXT),
    "identity, gzip": gzip.compress(TEXT),
    "deflate": zlib.compress(TEXT),
    " deflate ": raw_deflate(TEXT),
    "identity": TEXT,
    "": TEXT,
}


@pytest.mark.parametrize("coding", PACKED)
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_one_coding_is_decoded_from_chunks_of_any_size(coding: str, size: int):
    content = PACKED[coding]
    chunks = [content[start : start + size] for start in range(0, len(content), size)]
    assert read(*chunks, coding=coding) == TEXT


@pytest.mark.parametrize(
    "coding",
    ["gzip, gzip", "gzip,deflate", "br", "zstd", "compress", "gzip, br", "aes128gcm", "gzip;q=1"],
)
def test_other_codings_are_refused_by_name(coding: str):
    with pytest.raises(InvalidInputFile) as refused:
        read(gzip.compress(TEXT), coding=coding)
    assert refused.value.message == (
        f"the file must have at most one content-encoding, gzip or deflate (got {coding})"
    )


def test_error_quotes_the_beginning_of_a_long_coding():
    with pytest.raises(InvalidInputFile, match=rf"\(got {'x' * 40}\)$"):
        read(b"", coding="x" * 10_000)


@pytest.mark.parametrize("coding", ["", "gzip", "deflate"])
def test_decoded_size_is_bounded(coding: str):
    content = {
        "": bytes(101),
        "gzip": gzip.compress(bytes(101)),
        "deflate": zlib.compress(bytes(101)),
    }
    assert len(read(content[coding], coding=coding, limit=101)) == 101
    with pytest.raises(InvalidInputFile, match=r"must have at most 100 bytes \(got more\)"):
        read(content[coding], coding=coding, limit=100)


def test_encoded_size_is_bounded(monkeypatch: pytest.MonkeyPatch):
    """A stream of empty blocks is endless, but contains nothing."""
    monkeypatch.setattr(decoding, "MAX_OVERHEAD", 10)
    empty = zlib.compressobj()
    blocks = [empty.compress(b"") + empty.flush(zlib.Z_FULL_FLUSH) for _ in range(1000)]
    with pytest.raises(InvalidInputFile, match="at most 110 bytes"):
        read(*blocks, coding="deflate", limit=100)


@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress, raw_deflate])
def test_bomb_is_refused_without_memory(pack, monkeypatch: pytest.MonkeyPatch):
    content = pack(bytes(64 * MEGABYTE))
    coding = "gzip" if pack is gzip.compress else "deflate"
    tracemalloc.start()
    with pytest.raises(InvalidInputFile):
        read(content, coding=coding, limit=MEGABYTE)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * MEGABYTE
    # The test can fail: this is the peak when a chunk is decoded at once.
    monkeypatch.setattr(decoding, "PIECE_BYTES", 64 * MEGABYTE)
    tracemalloc.start()
    with pytest.raises(InvalidInputFile):
        read(content, coding=coding, limit=MEGABYTE)
    assert tracemalloc.get_traced_memory()[1] > 32 * MEGABYTE
    tracemalloc.stop()


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:-1],
        lambda content: content[:-5],
        lambda content: content[:3],
        lambda content: content + b"x",
        lambda content: content + b"\0x",
        lambda content: content + content[:20],
        lambda content: content[:40] + b"\xff\xff" + content[42:],
        lambda _: TEXT,
    ],
    ids=["cut", "no checksum", "head", "more", "padding", "half", "damaged", "not packed"],
)
def test_corrupt_stream_raises_decoding_error(coding: str, damage):
    content = damage(PACKED[coding])
    with pytest.raises(httpx.DecodingError):
        read(content, coding=coding)


@given(st.binary(max_size=200), st.sampled_from(["gzip", "deflate"]))
def test_any_bytes_are_decoded_or_raise_a_named_error(content: bytes, coding: str):
    with suppress(httpx.DecodingError, InvalidInputFile):
        read(content, coding=coding)


@given(st.binary(min_size=1, max_size=3), st.integers(1, 4 * PIECE_BYTES))
def test_content_of_any_length_is_complete(piece: bytes, length: int):
    content = (piece * length)[:length]
    assert read(gzip.compress(content, 1), coding="gzip", limit=length) == content


MEMBERS = gzip.compress(TEXT[:7]) + gzip.compress(b"") + gzip.compress(TEXT[7:])


@pytest.mark.parametrize("coding", ["gzip", "x-gzip"])
@pytest.mark.parametrize("size", [1, 7, 30, 100_000])
@pytest.mark.parametrize("padding", [b"", b"\0", bytes(60_000)], ids=len)
def test_all_members_of_gzip_are_decoded_from_chunks_of_any_size(
    coding: str, size: int, padding: bytes
):
    content = MEMBERS + padding
    chunks = [content[start : start + size] for start in range(0, len(content), size)]
    assert read(*chunks, coding=coding) == TEXT


def test_members_in_chunks_of_their_own_are_decoded():
    assert read(gzip.compress(b'{"a":'), gzip.compress(b"1}"), coding="gzip") == b'{"a":1}'


def test_size_of_all_members_is_bounded():
    with pytest.raises(InvalidInputFile, match=r"must have at most 100 bytes \(got more\)"):
        read(*[gzip.compress(bytes(10))] * 11, coding="gzip", limit=100)


@pytest.mark.parametrize("chunks", [(zlib.compress(b"a") * 2,), (zlib.compress(b"a"), b"\0")])
def test_nothing_may_follow_a_deflate_stream(chunks: tuple[bytes, ...]):
    with pytest.raises(httpx.DecodingError, match="more follows the deflate stream"):
        read(*chunks, coding="deflate")


def test_bomb_of_empty_members_is_copied_in_bounded_slices():
    """Each end of a member copies the rest of what the decoder was given."""
    content = gzip.compress(b"") * 100_000
    assert max(map(len, decoding._slices([content]))) == decoding.SLICE_BYTES
    assert read(content, coding="gzip", limit=len(content)) == b""
    with pytest.raises(InvalidInputFile, match="must have at most 65636 bytes"):
        read(*[gzip.compress(b"") * 100] * 1000, coding="gzip", limit=100)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "x-gzip", "identity"])
@pytest.mark.parametrize("status", [200, 202, 204])
def test_empty_body_is_empty_in_any_coding(coding: str, status: int):
    headers = {"content-encoding": coding, "content-length": "1234"}  # the length as after HEAD
    response = httpx.Response(status, headers=headers, stream=Chunks(()))
    assert read_body(response, 10, InvalidInputFile) == b""


@pytest.mark.parametrize(
    "value", ["utf-8", "UTF-8", "utf8", "none", "None", "binary", "aws-chunked", "identity,utf-8"]
)
def test_values_that_are_no_codings_leave_the_body_as_it_is(value: str):
    assert read(TEXT, coding=value) == TEXT
    assert read(gzip.compress(TEXT), coding=f"{value},gzip") == TEXT
