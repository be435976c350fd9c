"""Size and length of a media file, read from its headers.

A fact that is absent, implausible, or beyond the bounds of `FileWindow` is None, never an error.
"""

from collections.abc import Callable
from dataclasses import dataclass

from rushes.jobs.file_window import FileWindow
from rushes.jobs.image_sizes import gif_size, jpeg_size, png_size, webp_size
from rushes.jobs.iso_facts import iso_duration, iso_size
from rushes.jobs.matroska_facts import matroska_duration, matroska_size
from rushes.jobs.wav import wav_duration

MAX_PIXELS = 65_535
MAX_SECONDS = 7 * 24 * 3600.0
DECIMALS = 3

ReadSize = Callable[[FileWindow], tuple[int, int] | None]
ReadDuration = Callable[[FileWindow], float | None]


@dataclass(frozen=True)
class MediaFacts:
    """Width and height in pixels, as displayed; duration in seconds."""

    width: int | None = None
    height: int | None = None
    duration: float | None = None


NO_FACTS = MediaFacts()
_ISO_SUBTYPES = frozenset({"mp4", "quicktime", "3gpp", "3gpp2"})
_MATROSKA_SUBTYPES = frozenset({"webm", "x-matroska"})
_SIZES: dict[str, ReadSize] = {
    "image/png": png_size,
    "image/jpeg": jpeg_size,
    "image/gif": gif_size,
    "image/webp": webp_size,
    **{f"video/{name}": iso_size for name in _ISO_SUBTYPES},
    **{f"video/{name}": matroska_size for name in _MATROSKA_SUBTYPES},
}
_DURATIONS: dict[str, ReadDuration] = {
    "audio/wav": wav_duration,
    **{f"{kind}/{name}": iso_duration for kind in ("video", "audio") for name in _ISO_SUBTYPES},
    **{
        f"{kind}/{name}": matroska_duration
        for kind in ("video", "audio")
        for name in _MATROSKA_SUBTYPES
    },
}


def facts_of(file: FileWindow, content_type: str) -> MediaFacts:
    read_size, read_duration = _SIZES.get(content_type), _DURATIONS.get(content_type)
    size = read_size(file) if read_size else None
    width, height = size if size and all(1 <= side <= MAX_PIXELS for side in size) else (None, None)
    return MediaFacts(width, height, _plausible(read_duration(file) if read_duration else None))


def _plausible(seconds: float | None) -> float | None:
    if seconds is None or not 0 < seconds <= MAX_SECONDS:
        return None
    return round(seconds, DECIMALS) or None
