"""Content type detection."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.jobs.content_type import EXTENSIONS, HEAD_BYTES, media_type_of, sniff

HEADS = [
    (b"\x00\x00\x00\x18ftypmp42", "video/mp4"),
    (b"\x00\x00\x00\x14ftypisom", "video/mp4"),
    (b"\x00\x00\x00\x14ftypqt  ", "video/quicktime"),
    (b"\x1a\x45\xdf\xa3\x01\x00\x00\x00", "video/webm"),
    (b"\x89PNG\r\n\x1a\n\x00\x00", "image/png"),
    (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg"),
    (b"RIFF\x24\x00\x00\x00WEBPVP8 ", "image/webp"),
    (b"GIF87a\x01\x00", "image/gif"),
    (b"GIF89a\x01\x00", "image/gif"),
    (b"RIFF\x24\x00\x00\x00WAVEfmt ", "audio/wav"),
    (b"ID3\x04\x00", "audio/mpeg"),
    (b"\xff\xfb\x90\x64", "audio/mpeg"),
    (b"\xff\xf3\x40\xc4", "audio/mpeg"),
    (b"\xff\xf2\x40\xc4", "audio/mpeg"),
    (b"OggS\x00\x02", "audio/ogg"),
    (b"fLaC\x00\x00", "audio/flac"),
    (b"\x00\x00\x00\x1cftypM4A \x00", "audio/mp4"),
]


@pytest.mark.parametrize(("head", "content_type"), HEADS)
def test_sniff_detects_content_type(head: bytes, content_type: str) -> None:
    assert sniff(head) == content_type
    for media_type in ("image", "video", "audio"):
        matches = content_type.startswith(f"{media_type}/")
        assert (media_type_of(content_type) == media_type) is matches


def test_every_content_type_has_extension_and_test() -> None:
    assert {content_type for _, content_type in HEADS} == set(EXTENSIONS)


@pytest.mark.parametrize(
    "head",
    [b"", b"\x00", b"<!doctype html>", b'{"error": 1}', b"RIFF\x24\x00\x00\x00AVI ", b"%PDF-1.7"],
)
def test_sniff_returns_none_for_other_files(head: bytes) -> None:
    assert sniff(head) is None


@given(st.binary(max_size=HEAD_BYTES))
def test_sniff_accepts_any_bytes(head: bytes) -> None:
    assert sniff(head) in {None, *EXTENSIONS}


@pytest.mark.parametrize("content_type", [None, "", "text/html", "images/png", "application/json"])
def test_media_type_of_returns_empty_string_for_other_types(content_type: str | None) -> None:
    assert media_type_of(content_type) == ""
