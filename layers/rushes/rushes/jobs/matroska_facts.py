"""Size and duration of Matroska and WebM files (RFC 9559)."""

import struct

from rushes.jobs.file_window import FileWindow
from rushes.jobs.matroska import (
    SEGMENT,
    TRACK_ENTRY,
    TRACKS,
    Element,
    child_value,
    elements,
    find_in_segment,
)

INFO, TIMESTAMP_SCALE, DURATION = 0x1549A966, 0x2AD7B1, 0x4489
VIDEO_SETTINGS, PIXEL_WIDTH, PIXEL_HEIGHT = 0xE0, 0xB0, 0xBA
NANOSECONDS = 1_000_000_000
DEFAULT_SCALE = 1_000_000
FORMATS = {4: ">f", 8: ">d"}


def matroska_duration(file: FileWindow) -> float | None:
    segment = _segment(file)
    info = find_in_segment(file, segment, INFO) if segment else None
    if info is None:
        return None
    raw = child_value(file, info, DURATION)
    scale = int.from_bytes(child_value(file, info, TIMESTAMP_SCALE)) or DEFAULT_SCALE
    if len(raw) not in FORMATS:
        return None
    (ticks,) = struct.unpack(FORMATS[len(raw)], raw)
    return float(ticks) * scale / NANOSECONDS


def matroska_size(file: FileWindow) -> tuple[int, int] | None:
    """Return the size of the first video track, in stored pixels."""
    segment = _segment(file)
    tracks = find_in_segment(file, segment, TRACKS) if segment else None
    for entry in elements(file, tracks.start, tracks.end) if tracks else ():
        settings = _child(file, entry, VIDEO_SETTINGS) if entry.id == TRACK_ENTRY else None
        if settings:
            width, height = (
                int.from_bytes(child_value(file, settings, side))
                for side in (PIXEL_WIDTH, PIXEL_HEIGHT)
            )
            return width, height
    return None


def _segment(file: FileWindow) -> Element | None:
    top = elements(file, 0, file.size)
    return next((element for element in top if element.id == SEGMENT), None)


def _child(file: FileWindow, parent: Element, wanted: int) -> Element | None:
    children = elements(file, parent.start, parent.end)
    return next((child for child in children if child.id == wanted), None)
