"""Files made to keep the reader of tracks busy: it reads few ranges and little memory."""

import random
import struct
import tracemalloc
from collections.abc import Callable

import pytest
from typing_extensions import override

from rushes.jobs.content_type import OUTPUT_EXTENSIONS, content_type_of, sniff_output
from rushes.jobs.file_window import MAX_CALLS, MAX_READS, READ_BYTES, FileWindow
from tests.media_boxes import AUDIO_INDEX, FTYP, MDAT, box, long_box, track

EBML = b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm"
SEGMENT = b"\x18\x53\x80\x67"
UNKNOWN_SIZE = b"\x01" + b"\xff" * 7
MAX_PEAK_BYTES = 1024 * 1024


def nested(kind: bytes, depth: int) -> bytes:
    content = b""
    for _ in range(depth):
        content = box(kind, content)
    return content


class CountingWindow(FileWindow):
    """Counts the ranges that are read from the object, and their bytes."""

    def __init__(self, content: bytes, head_bytes: int) -> None:
        self.ranges: list[int] = []

        def read_range(start: int, count: int) -> bytes:
            self.ranges.append(count)
            return content[start : start + count]

        super().__init__(content[:head_bytes], len(content), read_range)
        self.looks = 0

    @override
    def read(self, start: int, count: int) -> bytes:
        assert start >= 0
        self.looks += 1
        return super().read(start, count)


HOSTILE: dict[str, Callable[[], bytes]] = {
    "box of no size": lambda: FTYP + box(b"moov", size=0) + bytes(1000),
    "box of size 0 in a box": lambda: FTYP + box(b"moov", box(b"trak", size=0), bytes(1000)),
    "box smaller than its header": lambda: FTYP + box(b"moov", size=4) + bytes(1000),
    "box of one byte": lambda: FTYP + b"\x00\x00\x00\x01" * 50_000,
    "64-bit size of 0": lambda: FTYP + long_box(b"moov", 0) + bytes(1000),
    "64-bit size smaller than its header": lambda: FTYP + long_box(b"moov", 15) + bytes(1000),
    "64-bit size beyond all files": lambda: FTYP + long_box(b"mdat", 2**64 - 1) + bytes(1000),
    "size that would lead back": lambda: FTYP + long_box(b"free", 2**63) * 1000,
    "many empty boxes": lambda: FTYP + box(b"free") * 500_000,
    "many empty tracks": lambda: FTYP + box(b"moov", box(b"trak") * 500_000),
    "tracks of many boxes": lambda: (
        FTYP + box(b"moov", box(b"trak", box(b"mdia", box(b"free") * 1000)) * 300)
    ),
    "many tracks of no known kind": lambda: FTYP + box(b"moov", track(b"text") * 50_000),
    "deep nesting": lambda: FTYP + nested(b"moov", 20_000),
    "deep nesting of tracks": lambda: FTYP + box(b"moov", nested(b"trak", 20_000)),
    "long list of brands": lambda: (
        struct.pack(">I", 400_000) + b"ftypisom" + b"mp42" * 100_000 + bytes(100)
    ),
    "header longer than the file": lambda: b"\xff\xff\xff\xffftypisom" + bytes(100),
    "compressed index": lambda: FTYP + box(b"moov", box(b"cmov", b"\x7f\xff\xff\xff" * 10_000)),
    "many elements": lambda: EBML + SEGMENT + UNKNOWN_SIZE + b"\xec\x80" * 500_000,
    "tracks of many elements": lambda: (
        EBML + SEGMENT + UNKNOWN_SIZE + b"\x16\x54\xae\x6b" + UNKNOWN_SIZE + b"\xae\x80" * 500_000
    ),
    "element of an invalid id": lambda: EBML + SEGMENT + UNKNOWN_SIZE + bytes(100_000),
    "element larger than the file": lambda: (
        EBML + SEGMENT + UNKNOWN_SIZE + b"\x16\x54\xae\x6b\x01" + b"\xff" * 6 + b"\xfe"
    ),
    "index that points to itself": lambda: (
        EBML
        + (SEGMENT + UNKNOWN_SIZE)
        + (b"\x11\x4d\x9b\x74\x8e\x4d\xbb\x8b\x53\xab\x84\x16\x54\xae\x6b\x53\xac\x81\x00")
    ),
    "index that points beyond the file": lambda: (
        EBML
        + (SEGMENT + UNKNOWN_SIZE)
        + (b"\x11\x4d\x9b\x74\x96\x4d\xbb\x93\x53\xab\x84\x16\x54\xae\x6b\x53\xac\x88")
        + b"\x7f" * 8
    ),
    "many first pages": lambda: (b"OggS\x00\x02" + bytes(20) + b"\x01\x00") * 50_000,
    "page of no segments": lambda: (b"OggS\x00\x02" + bytes(21)) * 50_000,
    "tag longer than the file": lambda: b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f" + bytes(200_000),
    "table longer than its packet": lambda: (
        (b"\x47\x40\x00\x10\x00\x00\xbf\xff" + b"\xff" * 180)
        + (b"\x47\x5f\xff\x30\xff" + b"\xff" * 183) * 1000
    ),
    "comments without an end": lambda: b"<!-- -" + b"- " * 100_000,
    "many comments": lambda: b"<!---->" * 50_000 + b"<html>",
    "long prolog": lambda: b"<?xml " + b" " * 200_000,
}


@pytest.mark.parametrize("head_bytes", [100, READ_BYTES])
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_takes_few_reads_and_little_memory(name: str, head_bytes: int):
    content = HOSTILE[name]()
    window = CountingWindow(content, head_bytes)
    tracemalloc.start()
    try:
        found = content_type_of(window)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found in {None, *OUTPUT_EXTENSIONS}
    assert len(window.ranges) <= MAX_READS
    assert all(count <= READ_BYTES for count in window.ranges)
    assert peak < MAX_PEAK_BYTES


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_file_in_memory_takes_few_steps(name: str):
    content = HOSTILE[name]()
    window = CountingWindow(content, len(content))
    content_type_of(window)
    assert window.ranges == []
    assert window.looks <= MAX_CALLS + 10_000


def test_long_file_of_long_boxes_takes_few_reads():
    """10 GB, of which only the beginning of each box is ever read."""
    reads: list[int] = []

    def read_range(start: int, _count: int) -> bytes:
        reads.append(start)
        return long_box(b"free", 1_000_000)

    assert content_type_of(FileWindow(FTYP, 10_000_000_000, read_range)) == "video/mp4"
    assert len(reads) == MAX_READS


def test_text_does_not_become_slow_to_match():
    """Each comment is matched in one way only, so that markup takes linear time."""
    for page in (b"<!-- -- >" * 10_000, b"<?xml ?>" + b"<!-- a -->\n" * 10_000 + b"<p>"):
        assert sniff_output(page) is None


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (FTYP + MDAT + AUDIO_INDEX, "audio/mp4"),
        (FTYP + long_box(b"mdat", 200_016) + bytes(200_000) + AUDIO_INDEX, "audio/mp4"),
        (FTYP + box(b"free") + MDAT + box(b"moov", track(b"soun"), track(b"vide")), "video/mp4"),
        (FTYP + box(b"moov", track(b"soun") * 10, track(b"vide")) + MDAT, "video/mp4"),
        (FTYP + MDAT, "video/mp4"),
        (FTYP.replace(b"isom", b"M4A ") + MDAT, "audio/mp4"),
        (FTYP + box(b"moov", track(b"pict")), "image/heif"),
        (FTYP + box(b"moov", track(b"text")), "video/mp4"),
        (FTYP.replace(b"isom", b"avis") + box(b"moov", track(b"vide")), "image/avif"),
        (FTYP.replace(b"isom", b"mif1") + MDAT + AUDIO_INDEX, "image/heic"),
        (
            FTYP.replace(b"isom", b"M4B ") + box(b"moov", track(b"soun"), track(b"vide", b"jpeg")),
            "audio/mp4",
        ),
        (
            FTYP.replace(b"isom", b"M4B ") + box(b"moov", track(b"soun"), track(b"vide")),
            "video/mp4",
        ),
        (FTYP + box(b"moov", track(b"soun"), track(b"vide", b"jpeg")), "video/mp4"),
        (FTYP.replace(b"mp42", b"avif") + box(b"moov", track(b"vide")), "video/mp4"),
        (FTYP.replace(b"mp42", b"mif1") + box(b"meta", bytes(4)), "image/heic"),
        (box(b"wide") + MDAT + AUDIO_INDEX, "audio/mp4"),
        (box(b"wide") + MDAT + box(b"moov", track(b"vide")), "video/quicktime"),
        (FTYP.replace(b"isom", b"3gp5") + MDAT + AUDIO_INDEX, "audio/3gpp"),
    ],
)
def test_tracks_decide_wherever_they_are(content: bytes, content_type: str):
    assert sniff_output(content) == content_type
    assert content_type_of(CountingWindow(content, 512)) == content_type


def test_tracks_of_matroska_are_found_by_the_index_behind_the_clusters():
    tracks = b"\x16\x54\xae\x6b\x85\xae\x83\x83\x81\x02"
    cluster = b"\x1f\x43\xb6\x75" + b"\x10\x03\x0d\x40" + bytes(200_000)
    position = 21 + len(cluster)
    index = (
        b"\x11\x4d\x9b\x74\x90\x4d\xbb\x8d\x53\xab\x84\x16\x54\xae\x6b\x53\xac\x83"
        + position.to_bytes(3, "big")
    )
    content = EBML + SEGMENT + UNKNOWN_SIZE + index + cluster + tracks
    window = CountingWindow(content, READ_BYTES)
    assert content_type_of(window) == "audio/webm"
    assert len(window.ranges) == 1
    assert sniff_output(content.replace(b"\x83\x81\x02", b"\x83\x81\x01")) == "video/webm"


def test_object_that_changed_while_it_is_read_has_a_type():
    """The bucket may return fewer bytes than the object had."""
    window = FileWindow(FTYP, 1_000_000, lambda _start, _count: b"")
    assert content_type_of(window) == "video/mp4"


@pytest.mark.parametrize("seed", range(20))
def test_damaged_files_have_a_type_or_none(seed: int):
    chance = random.Random(seed)  # noqa: S311 - the damage is to be the same each time
    whole = FTYP + box(b"moov", track(b"soun"), track(b"vide")) + box(b"mdat", bytes(100))
    for _ in range(100):
        content = bytearray(whole)
        for _ in range(chance.randrange(1, 20)):
            content[chance.randrange(8, len(content))] = chance.randrange(256)
        assert sniff_output(bytes(content)) in {None, *OUTPUT_EXTENSIONS}
