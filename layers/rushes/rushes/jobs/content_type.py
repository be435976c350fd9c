"""Detect a file's content type from its bytes: signature, brands and tracks.

Declared types and names are ignored, but for raw PCM audio, which has no signature.
"""

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE, getincrementaldecoder

from rushes.jobs.file_window import FileWindow
from rushes.jobs.iso_media import is_iso_media, iso_media_type
from rushes.jobs.matroska import SIGNATURE as MATROSKA
from rushes.jobs.matroska import matroska_type
from rushes.jobs.streams import (
    ASF,
    FLV,
    OGG,
    asf_type,
    avi_type,
    flv_type,
    ogg_type,
    transport_stream_type,
)

HEAD_BYTES = 64 * 1024
"""Number of bytes that `sniff` and `is_truncated` need; tracks may be described later on."""
MIN_FILE_BYTES = 26
"""No file with an image, a video or audio is smaller: this is the smallest GIF."""
MAX_TEXT_BYTES = 4096
"""Of a beginning that is searched for markup."""

EXTENSIONS = {
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "video/webm": "webm",
    "video/x-matroska": "mkv",
    "video/x-msvideo": "avi",
    "video/x-flv": "flv",
    "video/x-ms-wmv": "wmv",
    "video/mpeg": "mpg",
    "video/mp2t": "ts",
    "video/3gpp": "3gp",
    "video/3gpp2": "3g2",
    "video/ogg": "ogv",
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "image/gif": "gif",
    "image/avif": "avif",
    "image/heic": "heic",
    "image/heif": "heif",
    "image/bmp": "bmp",
    "image/tiff": "tiff",
    "audio/wav": "wav",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/flac": "flac",
    "audio/mp4": "m4a",
    "audio/aac": "aac",
    "audio/aiff": "aiff",
    "audio/amr": "amr",
    "audio/amr-wb": "awb",
    "audio/webm": "weba",
    "audio/x-matroska": "mka",
    "audio/3gpp": "3ga",
    "audio/x-ms-wma": "wma",
}
"""Of the types that `sniff` returns: those of an input."""
SVG = "image/svg+xml"
ARCHIVES = {"application/zip": "zip", "application/x-tar": "tar", "model/gltf-binary": "glb"}
"""Types of outputs that contain what other types express alone."""
OUTPUT_EXTENSIONS = {
    **EXTENSIONS,
    **ARCHIVES,
    SVG: "svg",
    "application/pdf": "pdf",
    "image/x-icon": "ico",
    "image/jxl": "jxl",
    "image/jp2": "jp2",
    "image/x-canon-cr3": "cr3",
    "audio/x-flv": "flv",
    "audio/mp2t": "ts",
    "audio/x-msvideo": "avi",
}
"""Of the types that `sniff_output` returns."""
SYNONYMS = {
    "jpeg": "jpg",
    "jpe": "jpg",
    "jfif": "jpg",
    "tif": "tiff",
    "hif": "heif",
    "m4v": "mp4",
    "qt": "mov",
    "mpeg": "mpg",
    "m2ts": "ts",
    "mts": "ts",
    "3gpp": "3gp",
    "wave": "wav",
    "opus": "ogg",
    "oga": "ogg",
    "m4b": "m4a",
    "mp2": "mp3",
    "mpga": "mp3",
    "aif": "aiff",
    "aifc": "aiff",
}
"""Further extensions in use, by which a client may name a file."""
TYPES_BY_EXTENSION = {
    **{extension: content_type for content_type, extension in EXTENSIONS.items()},
    **{
        name: content_type
        for name, extension in SYNONYMS.items()
        for content_type in EXTENSIONS
        if EXTENSIONS[content_type] == extension
    },
}
TYPE_SYNONYMS = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-png": "image/png",
    "image/x-ms-bmp": "image/bmp",
    "image/tif": "image/tiff",
    "video/x-m4v": "video/mp4",
    "video/avi": "video/x-msvideo",
    "video/vnd.avi": "video/x-msvideo",
    "video/matroska": "video/x-matroska",
    "video/mpeg2": "video/mpeg",
    "audio/matroska": "audio/x-matroska",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/mp3": "audio/mpeg",
    "audio/x-mp3": "audio/mpeg",
    "audio/x-m4a": "audio/mp4",
    "audio/m4a": "audio/mp4",
    "audio/x-aac": "audio/aac",
    "audio/aacp": "audio/aac",
    "audio/x-flac": "audio/flac",
    "audio/x-aiff": "audio/aiff",
    "audio/opus": "audio/ogg",
    "audio/vorbis": "audio/ogg",
}
"""Further names in use of the types in `EXTENSIONS`."""
SHARED_CONTAINERS = frozenset({"mp4", "webm", "ogg", "3gpp", "x-matroska"})
"""Subtypes of files with video, or with audio only, that may have the same extension."""

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"II+\0\x08\0\0\0", "image/tiff"),  # of more than 4 GB
    (b"MM\0+\0\x08\0\0", "image/tiff"),
    (b"\0\0\0\x0cJXL \r\n\x87\n", "image/jxl"),
    (b"\xff\x0a", "image/jxl"),
    (b"\0\0\0\x0cjP  \r\n\x87\n", "image/jp2"),
    (b"fLaC", "audio/flac"),
    (b"#!AMR\n", "audio/amr"),
    (b"#!AMR-WB\n", "audio/amr-wb"),
    (b"ADIF", "audio/aac"),
    (b"\0\0\x01\xba", "video/mpeg"),
    (b"\0\0\x01\xb3", "video/mpeg"),
    (b"glTF\x02\0\0\0", "model/gltf-binary"),
    (b"PK\x03\x04", "application/zip"),
    (b"PK\x05\x06", "application/zip"),  # without a file
    (b"%PDF-", "application/pdf"),
)
_CHUNK_FORMS = {
    (b"RIFF", b"WEBP"): "image/webp",
    (b"RIFF", b"WAVE"): "audio/wav",
    (b"RF64", b"WAVE"): "audio/wav",
    (b"BW64", b"WAVE"): "audio/wav",
    (b"RIFX", b"WAVE"): "audio/wav",
    (b"FORM", b"AIFF"): "audio/aiff",
    (b"FORM", b"AIFC"): "audio/aiff",
}
"""By the name of the outer chunk and its form."""
_ID3_HEADER_BYTES = 10
_BMP_HEADER_BYTES = frozenset({12, 16, 40, 52, 56, 64, 108, 124})
_ICON_ENTRY_BYTES = 16
_TAR_MAGIC, _TAR_MAGIC_OFFSET = b"ustar", 257
_SVG_PROLOG = re.compile(
    rb"(?:\xef\xbb\xbf)?(?:<\?xml\s[^>]*>)?\s*"
    rb"(?:<!--(?:(?!-->).)*-->\s*)*"
    rb"(?:<svg[\s/>]|<!DOCTYPE svg[\s>\[])",
    re.DOTALL,
)
_PCM = re.compile(
    r"audio/(?:L(?:8|16|20|24)|pcm|x-pcm)(?:;(?:rate|channels|codec)=[\w.-]{1,16}){0,4}",
    re.IGNORECASE,
)


def sniff(content: bytes) -> str | None:
    """Return the content type of an input, or None for a type that is no input."""
    found = content_type_of(FileWindow(content))
    return found if found in EXTENSIONS else None


def sniff_output(head: bytes) -> str | None:
    """Return the content type of an output: SVG, archives and documents are no inputs."""
    return content_type_of(FileWindow(head))


def content_type_of(file: FileWindow) -> str | None:
    """Return the content type, or None for an unknown signature."""
    head = file.read(0, MAX_TEXT_BYTES)
    if is_iso_media(head):
        return iso_media_type(file)
    if head.startswith(b"ID3"):
        return _after_id3(file, head)
    found = _stream_type(file, head) or _CHUNK_FORMS.get((head[:4], head[8:12]))
    found = found or next((name for magic, name in _SIGNATURES if head.startswith(magic)), None)
    return found or _mpeg_audio(head) or _other_type(file, head)


def _stream_type(file: FileWindow, head: bytes) -> str | None:
    """Return the type of a container of streams."""
    if head.startswith(MATROSKA):
        return matroska_type(file)
    if head.startswith(OGG):
        return ogg_type(file)
    if head.startswith(ASF):
        return asf_type(file)
    if head.startswith(FLV):
        return flv_type(head)
    return avi_type(file) if head[:4] == b"RIFF" and head[8:12] == b"AVI " else None


def _other_type(file: FileWindow, head: bytes) -> str | None:
    """Return the type of a file without a signature of its own at the beginning."""
    if not is_text(head) and (found := transport_stream_type(file)):
        return found
    if _is_bitmap(head):
        return "image/bmp"
    if _is_icon(head):
        return "image/x-icon"
    if head[_TAR_MAGIC_OFFSET:].startswith(_TAR_MAGIC):
        return "application/x-tar"
    return SVG if _SVG_PROLOG.match(head) else None


def _is_bitmap(head: bytes) -> bool:
    """Text may begin with BM, but not with the length of a known header after it."""
    reserved, header_bytes = head[6:10], int.from_bytes(head[14:18], "little")
    return head.startswith(b"BM") and reserved == bytes(4) and header_bytes in _BMP_HEADER_BYTES


def _is_icon(head: bytes) -> bool:
    """Compare the place of the first image with the number of entries before it."""
    count, reserved = int.from_bytes(head[4:6], "little"), head[9:10]
    start = int.from_bytes(head[18:22], "little")
    is_first = count > 0 and start == 6 + count * _ICON_ENTRY_BYTES
    return head.startswith(b"\0\0\x01\0") and reserved == b"\0" and is_first


def _after_id3(file: FileWindow, head: bytes) -> str:
    """Return the type of the audio behind ID3 tags, which contain cover images."""
    if len(head) < _ID3_HEADER_BYTES:
        return "audio/mpeg"
    length = 0
    for byte in head[6:_ID3_HEADER_BYTES]:
        length = length << 7 | byte & 0x7F
    audio = file.read(_ID3_HEADER_BYTES + length, 4)
    if audio == b"fLaC":
        return "audio/flac"
    return "audio/aac" if _mpeg_audio(audio) == "audio/aac" else "audio/mpeg"


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


def pcm_type(head: bytes, *declared: str | None) -> str | None:
    """Return the declared type of raw PCM audio with its parameters, unless the file is text."""
    names = [re.sub(r"\s", "", name or "") for name in declared]
    found = next((name for name in names if _PCM.fullmatch(name)), None)
    return f"audio/{found.partition('/')[2]}" if found and not is_text(head) else None


def is_text(head: bytes) -> bool:
    """Return whether the bytes are the beginning of a text, such as an error page."""
    start = head[:MAX_TEXT_BYTES]
    encoding = "utf-16" if start.startswith((BOM_UTF16_LE, BOM_UTF16_BE)) else "utf-8"
    try:
        text = getincrementaldecoder(encoding)().decode(start)
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character.isspace() for character in text)


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
    bare = content_type.partition(";")[0]
    if bare == "application/json":
        return "json"
    known = OUTPUT_EXTENSIONS.get(bare)
    if known is None and _PCM.fullmatch(content_type):
        return "pcm"
    subtype = bare.partition("/")[2].removeprefix("x-")
    is_extension = bool(media_type_of(bare)) and bool(re.fullmatch("[a-z0-9]{1,8}", subtype))
    return known or (subtype if is_extension else "bin")


def media_type_of(content_type: str | None) -> str:
    """Return `video`, `image` or `audio`, or an empty string."""
    media_type = (content_type or "").partition("/")[0]
    return media_type if media_type in ("video", "image", "audio") else ""


def upload_type(extension: str, declared: str | None = None) -> str | None:
    """Return the type of a file that its client names so, or None if the names do not agree.

    An extension of a shared container may be declared as audio, such as `mp4` with `audio/mp4`.
    """
    named = TYPES_BY_EXTENSION.get(extension.lower())
    if named is None or declared is None:
        return named
    bare = declared.partition(";")[0].strip().lower()
    found = TYPE_SYNONYMS.get(bare, bare)
    subtype = found.partition("/")[2]
    is_twin = subtype == named.partition("/")[2] and subtype in SHARED_CONTAINERS
    return found if found == named or (is_twin and found in EXTENSIONS) else None


def is_input(content_type: str | None, media_type: str) -> bool:
    """Return whether a field for videos, images or audio takes files of this type."""
    return content_type in EXTENSIONS and media_type_of(content_type) == media_type


def found_and_allowed(content_type: str | None, media_type: str) -> str:
    """Describe a refused input and the types that a field for `media_type` takes."""
    allowed = ", ".join(sorted(name for name in EXTENSIONS if is_input(name, media_type)))
    return f"(found {content_type or 'an unknown type'}; allowed: {allowed})"
