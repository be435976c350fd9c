"""What a film file really is, by decoding it."""

import subprocess
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg


class FilmError(Exception):
    """The file does not decode; the message is ffmpeg's."""


@dataclass(frozen=True)
class Film:
    """`size` is width and height in pixels."""

    codec: str
    size: tuple[int, int]
    pictures: int
    seconds: float


def measure(path: Path) -> Film:
    """Decode every picture, and say what it is."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-xerror", "-i", path]
    decoded = subprocess.run(
        [*command, "-f", "null", "-"], capture_output=True, text=True, check=False
    )
    if decoded.returncode or decoded.stderr:
        raise FilmError(f"{path.name} does not decode: {decoded.stderr.strip()}")
    with closing(imageio_ffmpeg.read_frames(path)) as frames:
        facts = next(frames)
    pictures, seconds = imageio_ffmpeg.count_frames_and_secs(path)
    return Film(facts["codec"], tuple(facts["source_size"]), pictures, seconds)
