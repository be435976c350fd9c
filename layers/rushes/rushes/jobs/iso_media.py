"""Content type of ISO base media files (MP4, QuickTime, 3GP, HEIF) by their brands and tracks.

The brand alone does not say it: ffmpeg gives audio the brands of video. A file's tracks are in
its box `moov`, which may be at the end. Image sequences have tracks too, with the handler `pict`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from rushes.jobs.file_window import FileWindow

MAX_BRANDS = 64
MAX_BOXES = 2000
"""Of one box's children."""
AVIF_BRANDS = frozenset({b"avif", b"avis", b"avio"})
HEIC_BRANDS = frozenset(
    {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
)
HEIF_BRANDS = frozenset(
    {b"mif2", b"mif3", b"miaf", b"jpeg", b"jpgs", b"vvic", b"vvis", b"evbi", b"evbs", b"j2ki"}
    | {b"j2is", b"unif"}
)
IMAGE_BRANDS = AVIF_BRANDS | HEIC_BRANDS | HEIF_BRANDS
CANON_RAW = b"crx "
"""Brand of Canon's raw images; they have video tracks."""
AUDIO_BRANDS = frozenset({b"M4A ", b"M4B ", b"M4P ", b"F4A ", b"F4B "})
STILL_FORMATS = frozenset({b"jpeg", b"png ", b"mjpa", b"mjpb"})
"""Sample formats of chapter images in audio books."""
QUICKTIME_BOXES = (b"wide", b"moov", b"mdat", b"free", b"skip", b"pnot")
"""First boxes of a QuickTime file without `ftyp`."""
MAX_FIRST_BOX = 0x09000000
"""Text may contain a box's name, but does not begin with the size of a small box."""


@dataclass(frozen=True)
class Box:
    """A box and the offsets of its content, which ends before `end`."""

    kind: bytes
    start: int
    end: int


@dataclass(frozen=True)
class Track:
    handler: bytes
    sample_format: bytes


def is_iso_media(head: bytes) -> bool:
    return head[4:8] == b"ftyp" or _is_quicktime(head)


def _is_quicktime(head: bytes) -> bool:
    size, box = int.from_bytes(head[:4]), head[4:8]
    if box not in QUICKTIME_BOXES:
        return False
    if box == b"mdat":  # 0: up to the end of the file
        return size in (0, 1) or size >= 8
    return size == 1 or 8 <= size < MAX_FIRST_BOX


def iso_media_type(file: FileWindow) -> str:
    """Return the content type; without a readable track, the brand decides."""
    major, *compatible = _brands(file) or [b"qt  "]
    brands = {major, *compatible}
    if major == CANON_RAW:
        return "image/x-canon-cr3"
    if major in IMAGE_BRANDS:
        return _image_type(brands)
    tracks, has_pictures = _tracks(file)
    handlers = {track.handler for track in tracks}
    if b"vide" in handlers and not _is_audio_with_pictures(major, tracks):
        return _video_type(major)
    is_image = bool(brands & IMAGE_BRANDS) or b"pict" in handlers or has_pictures
    if is_image and b"soun" not in handlers:
        return _image_type(brands)
    is_audio = b"soun" in handlers or major in AUDIO_BRANDS
    return _audio_type(major) if is_audio else _video_type(major)


def _audio_type(major: bytes) -> str:
    return "audio/3gpp" if major[:2] == b"3g" else "audio/mp4"


def _is_audio_with_pictures(major: bytes, tracks: list[Track]) -> bool:
    videos = [track for track in tracks if track.handler == b"vide"]
    only_stills = all(track.sample_format in STILL_FORMATS for track in videos)
    has_sound = any(track.handler == b"soun" for track in tracks)
    return major in AUDIO_BRANDS and has_sound and only_stills


def _image_type(brands: set[bytes]) -> str:
    if brands & AVIF_BRANDS:
        return "image/avif"
    return "image/heic" if brands & HEIC_BRANDS else "image/heif"


def _video_type(major: bytes) -> str:
    if major == b"qt  ":
        return "video/quicktime"
    if major[:2] == b"3g":
        return "video/3gpp2" if major[2:3] == b"2" else "video/3gpp"
    return "video/mp4"


def _brands(file: FileWindow) -> list[bytes]:
    """Return the major brand and the compatible ones, or nothing without `ftyp`."""
    header = file.read(0, 16)
    if header[4:8] != b"ftyp":
        return []
    length = min(int.from_bytes(header[:4]), 16 + 4 * MAX_BRANDS)
    compatible = file.read(16, max(0, length - 16))
    return [header[8:12], *(compatible[n : n + 4] for n in range(0, len(compatible) - 3, 4))]


def _tracks(file: FileWindow) -> tuple[list[Track], bool]:
    """Return the tracks, and whether the file has a box of still images."""
    has_pictures = False
    for box in boxes(file, 0, file.size):
        if box.kind == b"moov":
            return list(_tracks_of(file, box)), has_pictures
        if box.kind == b"meta":  # its version precedes its children
            meta = Box(box.kind, box.start + 4, box.end)
            has_pictures = has_pictures or handler_of(file, meta) == b"pict"
    return [], has_pictures


def _tracks_of(file: FileWindow, moov: Box) -> Iterator[Track]:
    for box in boxes(file, moov.start, moov.end):
        media = descend(file, box, b"mdia") if box.kind == b"trak" else None
        if media:
            handler = handler_of(file, media)
            yield Track(handler, _sample_format(file, media) if handler == b"vide" else b"")


def handler_of(file: FileWindow, parent: Box) -> bytes:
    box = descend(file, parent, b"hdlr")
    return file.read(box.start + 8, 4) if box else b""


def _sample_format(file: FileWindow, media: Box) -> bytes:
    """Return the format of the first sample description."""
    box = descend(file, media, b"minf", b"stbl", b"stsd")
    return file.read(box.start + 12, 4) if box else b""


def descend(file: FileWindow, box: Box, *kinds: bytes) -> Box | None:
    found: Box | None = box
    for kind in kinds:
        if found is None:
            return None
        children = boxes(file, found.start, found.end)
        found = next((child for child in children if child.kind == kind), None)
    return found


def boxes(file: FileWindow, start: int, end: int) -> Iterator[Box]:
    """Yield the boxes between two offsets; each begins after the one before it."""
    for _ in range(MAX_BOXES):
        header = file.read(start, 16)
        if len(header) < 8 or start >= end:
            return
        size, kind, length = int.from_bytes(header[:4]), header[4:8], 8
        if size == 1:  # the size has 64 bits
            size, length = int.from_bytes(header[8:16]), 16
        elif size == 0:  # up to the end
            size = end - start
        if size < length:
            return
        yield Box(kind, start + length, min(start + size, end))
        start += size
