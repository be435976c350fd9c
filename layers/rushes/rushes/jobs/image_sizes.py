"""Width and height of images, from their headers."""

from rushes.jobs.file_window import FileWindow

MAX_SEGMENTS = 500
"""Of a JPEG file in front of the one with its size."""
START_OF_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of the segments with a size; the others are tables."""
WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9
VP8_START = b"\x9d\x01\x2a"
VP8L_SIGNATURE = 0x2F
SIDE_14 = (1 << 14) - 1

Size = tuple[int, int]


def png_size(file: FileWindow) -> Size | None:
    header = file.read(0, 24)
    if len(header) < 24 or header[12:16] != b"IHDR":
        return None
    return int.from_bytes(header[16:20]), int.from_bytes(header[20:24])


def gif_size(file: FileWindow) -> Size | None:
    header = file.read(6, 4)
    if len(header) < 4:
        return None
    return int.from_bytes(header[:2], "little"), int.from_bytes(header[2:4], "little")


def webp_size(file: FileWindow) -> Size | None:
    """Return the size of the canvas, or of the only image."""
    chunk = file.read(12, 18)
    if len(chunk) < 18:
        return None
    kind, content = chunk[:4], chunk[8:]
    if kind == b"VP8X":
        return _plus_one(content[4:7]), _plus_one(content[7:10])
    if kind == b"VP8L" and content[0] == VP8L_SIGNATURE:
        bits = int.from_bytes(content[1:5], "little")
        return (bits & SIDE_14) + 1, (bits >> 14 & SIDE_14) + 1
    if kind == b"VP8 " and content[3:6] == VP8_START:
        bits = int.from_bytes(content[6:10], "little")
        return bits & SIDE_14, bits >> 16 & SIDE_14
    return None


def jpeg_size(file: FileWindow) -> Size | None:
    """Return the size of the first frame, without the orientation of its metadata."""
    start = 2
    for _ in range(MAX_SEGMENTS):
        header = file.read(start, 9)
        if len(header) < 4 or header[0] != 0xFF:
            return None
        marker = header[1]
        if marker in (0xFF, *WITHOUT_LENGTH):  # fill bytes
            start += 1 if marker == 0xFF else 2
        elif marker in START_OF_FRAME:
            height, width = int.from_bytes(header[5:7]), int.from_bytes(header[7:9])
            return (width, height) if len(header) == 9 else None
        elif marker in (START_OF_SCAN, END_OF_IMAGE):
            return None
        else:
            start += 2 + int.from_bytes(header[2:4])
    return None


def _plus_one(value: bytes) -> int:
    return int.from_bytes(value, "little") + 1
