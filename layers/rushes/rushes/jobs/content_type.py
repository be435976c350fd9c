"""Detect a file's content type from its first bytes; declared types and names are ignored."""

import re

HEAD_BYTES = 512
"""Number of bytes that `sniff` and `is_truncated` need."""
MIN_FILE_BYTES = 26
"""No file with an image, a video or audio is smaller: this is the smallest GIF."""

EXTENSIONS = {
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "video/webm": "webm",
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "image/gif": "gif",
    "image/avif": "avif",
    "image/heic": "heic",
    "audio/wav": "wav",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/flac": "flac",
    "audio/mp4": "m4a",
    "audio/aac": "aac",
}
"""Of the types that `sniff` returns."""
SVG = "image/svg+xml"
OUTPUT_EXTENSIONS = {**EXTENSIONS, SVG: "svg"}

_SIGNATURES = (
    (b"\x1a\x45\xdf\xa3", "video/webm"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"ID3", "audio/mpeg"),
    (b"OggS", "audio/ogg"),
    (b"fLaC", "audio/flac"),
)
_BRANDS = {
    b"qt  ": "video/quicktime",
    **dict.fromkeys((b"M4A ", b"M4B ", b"M4P ", b"F4A ", b"F4B "), "audio/mp4"),
    **dict.fromkeys((b"avif", b"avis"), "image/avif"),
    **dict.fromkeys((b"heic", b"heix", b"hevc", b"hevx", b"mif1", b"msf1"), "image/heic"),
}
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}
_QUICKTIME_BOXES = (b"wide", b"moov", b"mdat", b"free", b"skip")
"""First boxes of a QuickTime file without `ftyp`."""
_SVG_PROLOG = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:<\?xml\s[^>]*>)?\s*"
    rb"(?:<!--(?:(?!-->).)*-->\s*)*"
    rb"(?:<svg[\s/>]|<!DOCTYPE svg[\s>\[])",
    re.DOTALL,
)


def sniff(head: bytes) -> str | None:
    """Return the content type of an input or output, or None for an unknown signature."""
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], "video/mp4")
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12])
    if _is_quicktime(head):
        return "video/quicktime"
    found = next((name for magic, name in _SIGNATURES if head.startswith(magic)), None)
    return found or _mpeg_audio(head)


def sniff_output(head: bytes) -> str | None:
    """Return the content type as `sniff` does; an SVG image is an output, but never an input."""
    return sniff(head) or (SVG if _SVG_PROLOG.match(head) else None)


def _is_quicktime(head: bytes) -> bool:
    """Text may contain a box's name, but does not begin with the size of a small box."""
    size, box = int.from_bytes(head[:4]), head[4:8]
    if box not in _QUICKTIME_BOXES:
        return False
    if box == b"mdat":  # 0: up to the end of the file
        return size in (0, 1) or size >= 8
    return size == 1 or 8 <= size < int.from_bytes(b"\t\0\0\0")


def _mpeg_audio(head: bytes) -> str | None:
    """Return the type of a file that begins with the header of an MPEG audio or AAC frame.

    Layer I is unknown: the byte order mark of UTF-16, FF FE, looks like one of its headers.
    """
    if len(head) < 3 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    layer, version = head[1] >> 1 & 3, head[1] >> 3 & 3
    if layer == 0:  # ADTS: 12 bits are set; 15 is no sampling rate
        is_adts = head[1] & 0xF0 == 0xF0 and head[2] >> 2 & 15 != 15
        return "audio/aac" if is_adts else None
    is_reserved = layer == 3 or version == 1 or head[2] >> 4 == 15 or head[2] >> 2 & 3 == 3
    return None if is_reserved else "audio/mpeg"


def is_truncated(head: bytes) -> bool:
    """Return whether a file that begins with `head` ends before its media data.

    `head` has `HEAD_BYTES` bytes, or the whole file if that is shorter.
    """
    if len(head) >= HEAD_BYTES:
        return False
    if head[4:8] == b"ftyp":  # the header's length; another box has to follow
        return len(head) < int.from_bytes(head[:4]) + 8
    return len(head) < MIN_FILE_BYTES


def extension_of(content_type: str) -> str:
    """Return the extension of a stored file's name in a download, without its dot."""
    if content_type == "application/json":
        return "json"
    return OUTPUT_EXTENSIONS.get(content_type, "bin")


def media_type_of(content_type: str | None) -> str:
    """Return `video`, `image` or `audio`, or an empty string."""
    media_type = (content_type or "").partition("/")[0]
    return media_type if media_type in ("video", "image", "audio") else ""
