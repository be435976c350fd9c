"""Decode a video file with ffmpeg to measure it."""

import subprocess
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import imageio_ffmpeg


class VideoProbeError(Exception):
    """The file does not decode; the message is ffmpeg's."""


@dataclass(frozen=True)
class VideoInfo:
    """`size` is width and height in pixels."""

    codec: str
    size: tuple[int, int]
    frames: int
    seconds: float


def probe_video(path: Path) -> VideoInfo:
    """Decode every frame, and return the measured properties."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-xerror", "-i", path]
    decoded = subprocess.run(
        [*command, "-f", "null", "-"], capture_output=True, text=True, check=False
    )
    if decoded.returncode or decoded.stderr:
        raise VideoProbeError(f"{path.name} does not decode: {decoded.stderr.strip()}")
    with closing(imageio_ffmpeg.read_frames(path)) as reader:
        info = next(reader)
    frames, seconds = imageio_ffmpeg.count_frames_and_secs(path)
    return VideoInfo(info["codec"], tuple(info["source_size"]), frames, seconds)
