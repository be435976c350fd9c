"""Content type detection."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.jobs.content_type import (
    EXTENSIONS,
    HEAD_BYTES,
    OUTPUT_EXTENSIONS,
    SVG,
    extension_of,
    is_truncated,
    media_type_of,
    sniff,
    sniff_output,
)

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
    (b"\x00\x00\x00\x1cftypM4B \x00", "audio/mp4"),
    (b"\x00\x00\x00\x1cftypavif\x00", "image/avif"),
    (b"\x00\x00\x00\x18ftypheic\x00", "image/heic"),
    (b"\x00\x00\x00\x18ftypmif1\x00", "image/heic"),
    *((bytes([0xFF, second, 0x90, 0x64]), "audio/mpeg") for second in b"\xfa\xe3\xe2\xfd\xf5"),
    *((bytes([0xFF, second, 0x50, 0x80]), "audio/aac") for second in b"\xf1\xf9\xf0\xf8"),
    *((b"\x00\x00\x00\x08" + box, "video/quicktime") for box in (b"wide", b"free", b"skip")),
    (b"\x00\x02\x10\x00moov\x00\x00\x00\x6cmvhd", "video/quicktime"),
    (b"\x7f\x00\x00\x00mdat", "video/quicktime"),
    (b"\x00\x00\x00\x01mdat\x00\x00\x00\x02", "video/quicktime"),
    (b"\x00\x00\x00\x00mdat", "video/quicktime"),
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
    [
        *(b"", b"\x00", b"<!doctype html>", b'{"error": 1}', b"%PDF-1.7"),
        *(b"RIFF\x24\x00\x00\x00AVI ", b"FLV\x01\x05\x00\x00\x00\x09"),
        *(b"The free plan has ended", b"You skip this", b"\tIs moov a box?", b"    wide"),
        *(b"\x00\x00\x00\x07free", b"\x00\x00\x00\x00moov", b"\x00\x00\x00\x02mdat"),
        *(b"\xff" * 100, b"\xff\xff\x50\x80", b"\xff\xd8\x50", b"\xff\x4f\xff\x51", b"\xff"),
        *("an error".encode("utf-16"), b"\xff\xfe\x50\x00", b"\xfe\xff\x00\x50"),
        *(b"\xff\xfb\xf0\x00", b"\xff\xfb\x9c\x00", b"\xff\xeb\x90\x64", b"\xff\xf1\xfc\x80"),
        *(b"\xff\xe1\x50\x80", b"\xff\xe9\x50\x80", b"\xff\xfb", b"\xff\xf1"),
    ],
)
def test_sniff_returns_none_for_other_files(head: bytes) -> None:
    assert sniff(head) is None
    assert sniff_output(head) is None


@pytest.mark.parametrize(
    "head",
    [
        b"<svg xmlns='http://www.w3.org/2000/svg'>",
        b"\n  <svg\n width='1'>",
        b"<svg>",
        b"\xef\xbb\xbf<?xml version='1.0' encoding='utf-8'?>\n<svg width='1'>",
        b"<?xml version='1.0'?><!-- a --><!-- <html> -->\n<svg width='1'>",
        b"<?xml version='1.0'?>\n<!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' [",
    ],
)
def test_svg_is_an_output_but_no_input(head: bytes) -> None:
    assert sniff_output(head) == SVG
    assert sniff(head) is None
    assert extension_of(SVG) == "svg"
    assert SVG not in EXTENSIONS


@pytest.mark.parametrize(
    "head",
    [
        *(b"<SVG>", b"<svgx>", b"<svg", b"svg", b"a <svg>", b"<!-- <svg> -->", b"<?XML ?><svg>"),
        *(b"<html><svg>", b"<?xml version='1.0'?><html><svg>", b"<!DOCTYPE html><svg>"),
        *(b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>", b"<!---->" * 70),
    ],
)
def test_other_markup_is_no_output(head: bytes) -> None:
    assert sniff_output(head) is None


@pytest.mark.parametrize(("head", "content_type"), HEADS)
def test_an_output_has_the_type_that_an_input_has(head: bytes, content_type: str) -> None:
    assert sniff_output(head) == content_type


def test_every_type_of_an_output_has_an_extension_of_its_own() -> None:
    assert {**EXTENSIONS, SVG: "svg"} == OUTPUT_EXTENSIONS
    assert len(set(OUTPUT_EXTENSIONS.values())) == len(OUTPUT_EXTENSIONS)


FTYP = b"\x00\x00\x00\x18ftypmp42" + bytes(12)
LONG_FTYP = b"\x00\x00\x01\x00ftypisom" + bytes(244)


@pytest.mark.parametrize(
    "file",
    [
        *(FTYP[:12], FTYP, FTYP + bytes(7), LONG_FTYP[:100], LONG_FTYP, LONG_FTYP + bytes(7)),
        *(b"\xff\xff\xff\xffftypmp42" + bytes(400), b"\x89PNG\r\n\x1a\n", b"ID3\x04", b"GIF89a"),
    ],
)
def test_file_that_ends_within_its_header_is_truncated(file: bytes) -> None:
    assert is_truncated(file[:HEAD_BYTES])


SMALLEST_GIF = b"GIF89a\x01\x00\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x00;"


@pytest.mark.parametrize(
    "file",
    [
        FTYP + bytes(8),
        LONG_FTYP + bytes(8),
        LONG_FTYP + bytes(9000),
        SMALLEST_GIF,
        b"ID3" + bytes(99),
    ],
)
def test_file_with_content_is_not_truncated(file: bytes) -> None:
    assert not is_truncated(file[:HEAD_BYTES])


@given(st.binary(max_size=HEAD_BYTES))
def test_is_truncated_accepts_any_bytes(head: bytes) -> None:
    assert is_truncated(head) in (True, False)


@given(st.binary(max_size=HEAD_BYTES))
def test_sniff_accepts_any_bytes(head: bytes) -> None:
    assert sniff(head) in {None, *EXTENSIONS}


@pytest.mark.parametrize("content_type", [None, "", "text/html", "images/png", "application/json"])
def test_media_type_of_returns_empty_string_for_other_types(content_type: str | None) -> None:
    assert media_type_of(content_type) == ""
