"""Content type of Matroska and WebM files by the DocType and the tracks (RFC 9559)."""

from collections.abc import Iterator
from dataclasses import dataclass

from rushes.jobs.file_window import FileWindow

EBML = 0x1A45DFA3
SIGNATURE = EBML.to_bytes(4)
DOC_TYPE = 0x4282
SEGMENT = 0x18538067
SEEK_HEAD, SEEK, SEEK_ID, SEEK_POSITION = 0x114D9B74, 0x4DBB, 0x53AB, 0x53AC
TRACKS, TRACK_ENTRY, TRACK_TYPE = 0x1654AE6B, 0xAE, 0x83
CLUSTER = 0x1F43B675
VIDEO, AUDIO = 1, 2
MAX_ELEMENTS = 2000
"""Of one element's children."""
MAX_VALUE_BYTES = 64
DOC_TYPES = {b"webm": "webm", b"matroska": "x-matroska"}


@dataclass(frozen=True)
class Element:
    """An element and the offsets of its content, which ends before `end`."""

    id: int
    start: int
    end: int
    has_size: bool
    """False for a live stream: the size is unknown."""


def matroska_type(file: FileWindow) -> str | None:
    """Return the content type, or None for another DocType; without tracks it is video."""
    top = elements(file, 0, file.size)
    header = next(top, None)
    doc_type = _doc_type(file, header) if header and header.id == EBML else b""
    subtype = DOC_TYPES.get(doc_type or b"webm")
    if subtype is None:
        return None
    segment = next((element for element in top if element.id == SEGMENT), None)
    types = _track_types(file, segment) if segment else set()
    is_audio = AUDIO in types and VIDEO not in types
    return f"{'audio' if is_audio else 'video'}/{subtype}"


def _doc_type(file: FileWindow, header: Element) -> bytes:
    return child_value(file, header, DOC_TYPE).rstrip(b"\0")


def _track_types(file: FileWindow, segment: Element) -> set[int]:
    tracks = find_in_segment(file, segment, TRACKS)
    return _types_in(file, tracks) if tracks else set()


def find_in_segment(file: FileWindow, segment: Element, wanted: int) -> Element | None:
    """Find an element, which precedes the first cluster unless the index names another place."""
    position: int | None = None
    for element in elements(file, segment.start, segment.end):
        if element.id == wanted:
            return element
        if element.id == SEEK_HEAD and position is None:
            position = _position_of(file, element, wanted)
        if element.id == CLUSTER and (position is not None or not element.has_size):
            break
    if position is None:
        return None
    found = next(elements(file, segment.start + position, segment.end), None)
    return found if found and found.id == wanted else None


def _position_of(file: FileWindow, index: Element, wanted: int) -> int | None:
    for seek in elements(file, index.start, index.end):
        if seek.id == SEEK and child_value(file, seek, SEEK_ID) == wanted.to_bytes(4):
            return int.from_bytes(child_value(file, seek, SEEK_POSITION))
    return None


def _types_in(file: FileWindow, tracks: Element) -> set[int]:
    entries = elements(file, tracks.start, tracks.end)
    return {
        int.from_bytes(child_value(file, entry, TRACK_TYPE))
        for entry in entries
        if entry.id == TRACK_ENTRY
    }


def child_value(file: FileWindow, parent: Element, wanted: int) -> bytes:
    """Return the bytes of a child, or nothing if there is none or it is too long."""
    for child in elements(file, parent.start, parent.end):
        if child.id == wanted:
            length = child.end - child.start
            return file.read(child.start, length) if length <= MAX_VALUE_BYTES else b""
    return b""


def elements(file: FileWindow, start: int, end: int) -> Iterator[Element]:
    """Yield the elements between two offsets; each begins after the one before it."""
    for _ in range(MAX_ELEMENTS):
        header = file.read(start, 12) if start < end else b""
        element = _parse(header, start, end)
        if element is None:
            return
        yield element
        start = element.end


def _parse(header: bytes, start: int, end: int) -> Element | None:
    """Parse an id of 1 to 4 bytes and a size of 1 to 8; their first bits tell their lengths."""
    id_length = _length(header, 0, 4)
    size_length = _length(header, id_length, 8) if id_length else 0
    if not size_length or len(header) < id_length + size_length:
        return None
    content = start + id_length + size_length
    value_bits = 7 * size_length
    size = int.from_bytes(header[id_length : id_length + size_length]) & ((1 << value_bits) - 1)
    has_size = size != (1 << value_bits) - 1
    last = min(content + size, end) if has_size else end
    return Element(int.from_bytes(header[:id_length]), content, last, has_size)


def _length(header: bytes, index: int, limit: int) -> int:
    """Return the length of the number at `index`, or 0 if it is too long or missing."""
    first = header[index] if index < len(header) else 0
    length = 9 - first.bit_length()
    return length if length <= limit else 0
