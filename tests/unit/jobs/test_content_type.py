"""Content type detection."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.jobs.content_type import (
    EXTENSIONS,
    HEAD_BYTES,
    OUTPUT_EXTENSIONS,
    SVG,
    SYNONYMS,
    TYPE_SYNONYMS,
    TYPES_BY_EXTENSION,
    extension_of,
    is_input,
    is_truncated,
    media_type_of,
    pcm_type,
    sniff,
    sniff_output,
    upload_type,
)
from rushes.jobs.rare_types import rare_type

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
    (b"\x00\x00\x00\x08pnot", "video/quicktime"),
    (b"\x00\x00\x00\x14ftyp3gp4", "video/3gpp"),
    (b"\x00\x00\x00\x14ftyp3g2a", "video/3gpp2"),
    (b"\x00\x00\x00\x18ftypavis\x00\x00\x00\x00mif1avif", "image/avif"),
    (b"\x00\x00\x00\x18ftypmif1\x00\x00\x00\x00avifmiaf", "image/avif"),
    (b"\x00\x00\x00\x18ftypmsf1\x00\x00\x00\x00hevcmif1", "image/heic"),
    (b"\x00\x00\x00\x18ftypiso8\x00\x00\x00\x00heisiso8", "image/heic"),
    (b"\x00\x00\x00\x18ftypjpeg\x00\x00\x00\x00miafmif2", "image/heif"),
    (b"\x1a\x45\xdf\xa3\x8b\x42\x82\x88matroska", "video/x-matroska"),
    (b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm", "video/webm"),
    (b"RIFF\x24\x00\x00\x00AVI LIST", "video/x-msvideo"),
    (b"FLV\x01\x05\x00\x00\x00\x09", "video/x-flv"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c", "video/x-ms-wmv"),
    (b"\x00\x00\x01\xba\x44", "video/mpeg"),
    (b"\x00\x00\x01\xb3\x04", "video/mpeg"),
    ((b"\x47" + bytes(187)) * 3, "video/mp2t"),
    ((bytes(4) + b"\x47" + bytes(187)) * 3, "video/mp2t"),
    (b"OggS\x00\x02" + bytes(20) + b"\x01\x2a\x80theora" + bytes(35), "video/ogg"),
    (b"RF64\xff\xff\xff\xffWAVEds64", "audio/wav"),
    (b"FORM\x00\x00\x00\x24AIFFCOMM", "audio/aiff"),
    (b"FORM\x00\x00\x00\x24AIFCFVER", "audio/aiff"),
    (b"#!AMR\n\x3c", "audio/amr"),
    (b"#!AMR-WB\n\x3c", "audio/amr-wb"),
    (b"ID3\x04\x00\x00\x00\x00\x00\x01\x00\xff\xf1\x50\x80", "audio/aac"),
    (b"ID3\x04\x00\x00\x00\x00\x00\x01\x00fLaC", "audio/flac"),
    (b"II*\x00\x08\x00\x00\x00", "image/tiff"),
    (b"MM\x00*\x00\x00\x00\x08", "image/tiff"),
    (b"II+\x00\x08\x00\x00\x00", "image/tiff"),
    (b"BM\x46\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00\x28\x00\x00\x00", "image/bmp"),
]
AUDIO_ONLY = {"audio/webm", "audio/x-matroska", "audio/3gpp", "audio/x-ms-wma"}
"""Types that a file has by its tracks alone."""


@pytest.mark.parametrize(("head", "content_type"), HEADS)
def test_sniff_detects_content_type(head: bytes, content_type: str) -> None:
    assert sniff(head) == content_type
    for media_type in ("image", "video", "audio"):
        matches = content_type.startswith(f"{media_type}/")
        assert (media_type_of(content_type) == media_type) is matches


def test_every_content_type_has_extension_and_test() -> None:
    assert {content_type for _, content_type in HEADS} | AUDIO_ONLY == set(EXTENSIONS)


@pytest.mark.parametrize(
    "head",
    [
        *(b"", b"\x00", b"<!doctype html>", b'{"error": 1}', b"%PDF is an acronym"),
        *(b"RIFF is down, AVI too", b"FLV\x01 is a video", b"FLV\x01\x85\x00\x00\x00\x09"),
        *(b"BM is not answering you", b"II*", b"MM is short", b"GIF images only", b"OggX"),
        *(b"\x00\x00\x01\x00hello icon of 32 bytes", b"glTF\x01\x00\x00\x00", b"PK\x01\x02"),
        *(b"\x1a\x45\xdf\xa3\x84\x42\x82\x81x", b"G" * 600, b"\x00\x00\x01\xb6", b"#!/bin/sh\n"),
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
    assert not is_input(SVG, "image")


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


def test_every_type_of_an_input_has_an_extension_of_its_own() -> None:
    assert len(set(EXTENSIONS.values())) == len(EXTENSIONS)
    assert EXTENSIONS.items() <= OUTPUT_EXTENSIONS.items()
    assert all(extension_of(name) == extension for name, extension in OUTPUT_EXTENSIONS.items())
    assert all(TYPES_BY_EXTENSION[extension] == name for name, extension in EXTENSIONS.items())
    assert set(SYNONYMS.values()) <= set(EXTENSIONS.values())
    assert set(SYNONYMS).isdisjoint(EXTENSIONS.values())
    assert set(TYPE_SYNONYMS.values()) <= set(EXTENSIONS)
    assert set(TYPE_SYNONYMS).isdisjoint(EXTENSIONS)


OUTPUTS_ONLY = [
    (b"%PDF-1.7\n", "application/pdf"),
    (b"PK\x03\x04\x14\x00", "application/zip"),
    (b"PK\x05\x06" + bytes(18), "application/zip"),
    (b"0.png".ljust(257, b"\0") + b"ustar\x0000", "application/x-tar"),
    (b"glTF\x02\x00\x00\x00", "model/gltf-binary"),
    (
        b"\x00\x00\x01\x00\x01\x00\x10\x10\x00\x00\x01\x00\x20\x00" + bytes(4) + b"\x16\0\0\0",
        "image/x-icon",
    ),
    (b"\xff\x0a\xfa\x1f", "image/jxl"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "image/jxl"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "image/jp2"),
    (b"\x00\x00\x00\x18ftypcrx \x00\x00\x00\x01crx isom", "image/x-canon-cr3"),
    (b"FLV\x01\x04\x00\x00\x00\x09", "audio/x-flv"),
    (b"RIFF\x24\x00\x00\x00AVI LIST\x00\x00\x00\x00hdrlstrhauds", "audio/x-msvideo"),
]


@pytest.mark.parametrize(("head", "content_type"), OUTPUTS_ONLY)
def test_other_known_types_are_outputs_only(head: bytes, content_type: str) -> None:
    assert sniff_output(head) == content_type
    assert sniff(head) is None
    assert not any(is_input(content_type, name) for name in ("image", "video", "audio"))


def test_samples_are_no_text() -> None:
    """The first sample may be a byte order mark: -2 and -257 are common in silence."""
    for samples in ((-2, 3, 0, -1), (-257, 1, 2, 300), (0,) * 40):
        content = b"".join(sample.to_bytes(2, "little", signed=True) for sample in samples)
        assert pcm_type(content, "audio/L16;rate=24000")
    assert pcm_type(b"\x80\x81\x7f\x80" * 50, "audio/L8;rate=8000")


@pytest.mark.parametrize(
    ("declared", "found"),
    [
        ("audio/L16;rate=24000", "audio/L16;rate=24000"),
        ("audio/L16; codec=pcm; rate=24000", "audio/L16;codec=pcm;rate=24000"),
        ("audio/pcm", "audio/pcm"),
        ("AUDIO/X-PCM;channels=2", "audio/X-PCM;channels=2"),
        ("audio/L16;\r\nx: y", None),
        ("audio/L16;charset=utf-8", None),
        ("audio/wav", None),
        ("application/octet-stream", None),
        (None, None),
    ],
)
def test_raw_pcm_has_the_declared_type(declared: str | None, found: str | None) -> None:
    samples = bytes(range(256))
    assert pcm_type(samples, None, declared) == found
    assert pcm_type(b"<html>the plan has ended</html>", declared) is None
    assert pcm_type("an error".encode("utf-16"), declared) is None
    if found:
        assert (media_type_of(found), extension_of(found)) == ("audio", "pcm")


@pytest.mark.parametrize(
    "page",
    [
        *(
            b"<html>expired</html>",
            b'{"error": "gone"}',
            b"The free plan has ended",
            b"8BPS is one",
        ),
        *(b"RIFF is down", "an error".encode("utf-16"), b"", bytes(600), b"\xff" * 600, b"MThd"),
        *(b"\x1f\x8b\x08\x00" + bytes(50), b"\x89PNG\x00", b"\x7fELF\x02\x01\x01\x00"),
    ],
)
def test_pages_and_programs_have_no_rare_type(page: bytes) -> None:
    assert rare_type(page) is None


@pytest.mark.parametrize(
    ("content_type", "extension"),
    [
        *(("image/tga", "tga"), ("audio/x-caf", "caf"), ("model/obj", "bin"), ("text/html", "bin")),
        *(
            ("image/vnd.adobe.photoshop", "bin"),
            ("video/../x", "bin"),
            ("application/json", "json"),
        ),
    ],
)
def test_extension_of_a_rare_type_is_its_name(content_type: str, extension: str) -> None:
    assert extension_of(content_type) == extension


@pytest.mark.parametrize(
    ("extension", "declared", "content_type"),
    [
        *(("jpeg", None, "image/jpeg"), ("OPUS", None, "audio/ogg"), ("exe", None, None)),
        *(
            ("mp4", "audio/mp4", "audio/mp4"),
            ("mp4", "audio/mpeg", None),
            ("mp3", "video/mpeg", None),
        ),
        *(("jpg", "image/jpg", "image/jpeg"), ("jpg", "IMAGE/JPEG; q=1", "image/jpeg")),
        *(("weba", "video/webm", "video/webm"), ("png", "image/jpeg", None), ("png", "", None)),
    ],
)
def test_upload_type_agrees_with_both_names(
    extension: str, declared: str | None, content_type: str | None
) -> None:
    assert upload_type(extension, declared) == content_type


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


@given(st.binary(max_size=512))
def test_is_truncated_accepts_any_bytes(head: bytes) -> None:
    assert is_truncated(head) in (True, False)


@given(st.binary(max_size=512))
def test_sniff_accepts_any_bytes(head: bytes) -> None:
    assert sniff(head) in {None, *EXTENSIONS}


@pytest.mark.parametrize("content_type", [None, "", "text/html", "images/png", "application/json"])
def test_media_type_of_returns_empty_string_for_other_types(content_type: str | None) -> None:
    assert media_type_of(content_type) == ""
