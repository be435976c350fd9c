"""Size and duration of ISO base media files (MP4, QuickTime, 3GP) from their index `moov`."""

from rushes.jobs.file_window import FileWindow
from rushes.jobs.iso_media import Box, boxes, descend, handler_of

LONG = 1
"""Version of a box with times of 64 bits."""


def iso_duration(file: FileWindow) -> float | None:
    """Return the duration of the movie, or of its fragments if it names none."""
    moov = _moov(file)
    header = descend(file, moov, b"mvhd") if moov else None
    if moov is None or header is None:
        return None
    start, length = _times(file, header)
    scale = int.from_bytes(file.read(start, 4))
    ticks = _ticks(file, start + 4, length) or _fragments(file, moov)
    return ticks / scale if ticks and scale else None


def iso_size(file: FileWindow) -> tuple[int, int] | None:
    """Return the size of the first video track that has one, turned as its matrix says."""
    moov = _moov(file)
    for track in boxes(file, moov.start, moov.end) if moov else ():
        if track.kind == b"trak" and (size := _track_size(file, track)):
            return size
    return None


def _moov(file: FileWindow) -> Box | None:
    return next((box for box in boxes(file, 0, file.size) if box.kind == b"moov"), None)


def _times(file: FileWindow, header: Box) -> tuple[int, int]:
    """Return the offset behind the times of creation and change, and the length of a time."""
    length = 8 if file.read(header.start, 1) == bytes([LONG]) else 4
    return header.start + 4 + 2 * length, length


def _ticks(file: FileWindow, start: int, length: int) -> int:
    """Return a duration, or 0 if it is absent or unknown, which is all ones."""
    raw = file.read(start, length)
    is_known = len(raw) == length and raw != b"\xff" * length
    return int.from_bytes(raw) if is_known else 0


def _fragments(file: FileWindow, moov: Box) -> int:
    header = descend(file, moov, b"mvex", b"mehd")
    if header is None:
        return 0
    length = 8 if file.read(header.start, 1) == bytes([LONG]) else 4
    return _ticks(file, header.start + 4, length)


def _track_size(file: FileWindow, track: Box) -> tuple[int, int] | None:
    media, header = descend(file, track, b"mdia"), descend(file, track, b"tkhd")
    if media is None or header is None or handler_of(file, media) != b"vide":
        return None
    start, length = _times(file, header)
    matrix = start + 8 + length + 16
    raw = file.read(matrix, 44)
    if len(raw) < 44 or matrix + 44 > header.end:
        return None
    width, height = int.from_bytes(raw[36:38]), int.from_bytes(raw[40:42])  # 16.16
    is_turned = raw[:4] == raw[16:20] == bytes(4)
    if not width or not height:
        return None
    return (height, width) if is_turned else (width, height)
