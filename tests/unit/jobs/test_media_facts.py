"""Width, height and duration of media files."""

import base64
import io
import random
import struct
import wave

import pytest
from PIL import Image

from rushes.jobs.content_type import HEAD_BYTES, sniff_output
from rushes.jobs.file_window import MAX_READS, FileWindow
from rushes.jobs.media_facts import NO_FACTS, MediaFacts, facts_of
from tests.media_boxes import FTYP, MDAT, box
from tests.media_files import FILES, content_of, ffmpeg, pillow

VIDEO = MediaFacts(64, 48, 0.6)
LONG_VIDEO = MediaFacts(128, 96, 2.0)
IMAGE = MediaFacts(32, 32)
EXPECTED = {
    "mp4": VIDEO,
    "mp4 with its tracks at the end": VIDEO,
    "long mp4 with its tracks at the end": LONG_VIDEO,
    "fragmented mp4": MediaFacts(64, 48),
    "m4v": VIDEO,
    "mov": VIDEO,
    "mov without ftyp": VIDEO,
    "3gp": VIDEO,
    "3g2": VIDEO,
    "webm": VIDEO,
    "live webm": MediaFacts(64, 48),
    "mkv": VIDEO,
    "m4a": MediaFacts(duration=0.4),
    "aac in mp4": MediaFacts(duration=0.4),
    "long alac in mp4 with its tracks at the end": MediaFacts(duration=4.0),
    "opus in webm": MediaFacts(duration=0.408),
    "wav": MediaFacts(duration=0.4),
    "rf64": NO_FACTS,
    "png": IMAGE,
    "animated png": IMAGE,
    "jpeg": IMAGE,
    "gif": IMAGE,
    "animated gif": IMAGE,
    "webp": IMAGE,
    "animated webp": IMAGE,
    "avi": NO_FACTS,
    "heic": NO_FACTS,
    "mp3": NO_FACTS,
    "svg": NO_FACTS,
    "zip": NO_FACTS,
}
LONG = b"\1\0\0\0"
"""Version and flags of a box with times of 64 bits."""
BOUNDED_FILES = (
    *("mp4", "mp4 with its tracks at the end", "webm", "wav"),
    *("png", "jpeg", "gif", "webp"),
)


def in_memory(content: bytes, content_type: str) -> MediaFacts:
    return facts_of(FileWindow(content), content_type)


@pytest.mark.parametrize("name", EXPECTED)
def test_facts_are_read_from_the_beginning_and_from_ranges(name: str):
    file = FILES[name]
    reads: list[tuple[int, int]] = []

    def read_range(start: int, count: int) -> bytes:
        reads.append((start, count))
        return file.content[start : start + count]

    window = FileWindow(file.content[:HEAD_BYTES], len(file.content), read_range)
    assert facts_of(window, file.content_type) == EXPECTED[name]
    assert len(reads) <= MAX_READS


@pytest.mark.parametrize("name", BOUNDED_FILES)
def test_truncated_file_has_no_wrong_facts(name: str):
    file = FILES[name]
    whole = EXPECTED[name]
    for length in range(0, min(len(file.content), 3000), 7):
        facts = in_memory(file.content[:length], file.content_type)
        assert facts.width in (None, whole.width)
        assert facts.height in (None, whole.height)
        assert facts.duration in (None, whole.duration)


@pytest.mark.parametrize("name", BOUNDED_FILES)
def test_damaged_file_is_no_error(name: str):
    file, chance = FILES[name], random.Random(7)  # noqa: S311 - repeatable damage
    for _ in range(200):
        damaged = bytearray(file.content)
        for _ in range(chance.randint(1, 20)):
            damaged[chance.randrange(min(len(damaged), 2000))] = chance.randrange(256)
        facts = in_memory(bytes(damaged), sniff_output(bytes(damaged)) or file.content_type)
        assert facts.width is None or 1 <= facts.width <= 65_535
        assert facts.duration is None or 0 < facts.duration <= 7 * 24 * 3600


@pytest.mark.parametrize(
    ("options", "size"), [({"lossless": False}, (123, 45)), ({"lossless": True}, (300, 7))]
)
def test_webp_of_each_codec(options: dict[str, bool], size: tuple[int, int]):
    content = pillow("webp", Image.new("RGB", size), **options)
    assert in_memory(content, "image/webp") == MediaFacts(*size)


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"exif": b"Exif\0\0" + bytes(30_000)}]
)
def test_jpeg_of_each_kind(options: dict[str, object]):
    content = pillow("jpeg", Image.new("RGB", (200, 100)), **options)
    assert in_memory(content, "image/jpeg") == MediaFacts(200, 100)


def test_jpeg_with_large_metadata_in_front_of_its_size():
    icc = pillow("jpeg", Image.new("RGB", (20, 10)), icc_profile=bytes(200_000))
    read = icc.__getitem__
    window = FileWindow(icc[:HEAD_BYTES], len(icc), lambda start, n: read(slice(start, start + n)))
    assert facts_of(window, "image/jpeg") == MediaFacts(20, 10)


def test_video_of_a_phone_that_is_turned():
    content = ffmpeg(
        *("mp4", "-display_rotation:v:0", "90", "-i", _stored(content_of("mp4"))),
        *("-c", "copy"),
    )
    assert in_memory(content, "video/mp4") == MediaFacts(48, 64, 0.6)


def _stored(content: bytes) -> str:
    return "data:video/mp4;base64," + base64.b64encode(content).decode()


def movie(version: int, scale: int, ticks: bytes, *children: bytes) -> bytes:
    length = 8 if version else 4
    header = bytes([version, 0, 0, 0]) + bytes(2 * length) + struct.pack(">I", scale) + ticks
    return FTYP + box(b"moov", box(b"mvhd", header, bytes(80)), *children) + MDAT[:100]


@pytest.mark.parametrize(
    ("content", "duration"),
    [
        (movie(0, 1000, struct.pack(">I", 8_250)), 8.25),
        (movie(1, 90_000, struct.pack(">Q", 90_000 * 3600)), 3600.0),
        (movie(0, 1000, b"\xff" * 4), None),
        (movie(1, 1000, b"\xff" * 8), None),
        (movie(0, 0, struct.pack(">I", 10)), None),
        (movie(0, 1000, bytes(4)), None),
        (movie(0, 1, b"\xff\xff\xff\xfe"), None),
        (movie(0, 1000, bytes(4), box(b"mvex", box(b"mehd", bytes(4), b"\0\0\x0b\xb8"))), 3.0),
        (
            movie(
                0, 1000, bytes(4), box(b"mvex", box(b"mehd", b"\1\0\0\0", bytes(6), b"\x07\xd0"))
            ),
            2.0,
        ),
    ],
)
def test_duration_of_a_movie(content: bytes, duration: float | None):
    assert in_memory(content, "video/mp4").duration == duration


@pytest.mark.parametrize("seconds", [0.5, 2.25])
@pytest.mark.parametrize("channels", [1, 2])
def test_duration_of_wav(seconds: float, channels: int):
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(int(seconds * 8000) * 2 * channels))
    content = buffer.getvalue()
    assert in_memory(content, "audio/wav") == MediaFacts(duration=seconds)
    assert in_memory(content[:-10], "audio/wav") == NO_FACTS
    streamed = content[:40] + b"\xff" * 4 + content[44:]
    assert in_memory(streamed, "audio/wav") == NO_FACTS


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0, 0.0, 1e30])
def test_implausible_duration_of_webm_is_absent(value: float):
    content = content_of("webm")
    place = content.index(b"\x44\x89\x88")
    changed = content[: place + 3] + struct.pack(">d", value) + content[place + 11 :]
    assert in_memory(changed, "video/webm") == MediaFacts(64, 48)


def test_size_of_zero_or_of_billions_is_absent():
    content = content_of("png")
    for width in (0, 2**31):
        changed = content[:16] + struct.pack(">I", width) + content[20:]
        assert in_memory(changed, "image/png") == NO_FACTS
