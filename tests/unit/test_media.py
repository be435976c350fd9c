"""What files are, by their first bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes import media

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
]


@pytest.mark.parametrize(("head", "content_type"), HEADS)
def test_a_file_is_known_by_its_first_bytes(head: bytes, content_type: str) -> None:
    assert media.sniff(head) == content_type
    assert media.is_image(content_type) is content_type.startswith("image/")
    assert media.is_video(content_type) is content_type.startswith("video/")


def test_every_content_type_has_an_extension_and_a_test() -> None:
    assert {content_type for _, content_type in HEADS} == set(media.EXTENSIONS)


@pytest.mark.parametrize(
    "head",
    [b"", b"\x00", b"<!doctype html>", b'{"error": 1}', b"RIFF\x24\x00\x00\x00WAVE", b"%PDF-1.7"],
)
def test_what_is_no_media_file_has_no_content_type(head: bytes) -> None:
    assert media.sniff(head) is None


@given(st.binary(max_size=media.HEAD))
def test_any_bytes_can_be_looked_at(head: bytes) -> None:
    assert media.sniff(head) in {None, *media.EXTENSIONS}


def test_nothing_is_neither_image_nor_film() -> None:
    assert not media.is_image(None)
    assert not media.is_video(None)
