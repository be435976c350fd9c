"""What a file is, by its first bytes. The names that others give a file are not believed."""

HEAD = 64
"""Bytes that are enough to tell."""

EXTENSIONS = {
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "video/webm": "webm",
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "image/gif": "gif",
}

_STARTS = (
    (b"\x1a\x45\xdf\xa3", "video/webm"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
)


def sniff(head: bytes) -> str | None:
    """The content type, None where the bytes are nothing that we know."""
    if head[4:8] == b"ftyp":
        return "video/quicktime" if head[8:12] == b"qt  " else "video/mp4"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in _STARTS if head.startswith(start)), None)


def is_image(content_type: str | None) -> bool:
    return (content_type or "").startswith("image/")


def is_video(content_type: str | None) -> bool:
    return (content_type or "").startswith("video/")
