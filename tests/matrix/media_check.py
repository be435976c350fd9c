"""Decode an output file completely, and compare its size and length with the request."""

import tempfile
import wave
from io import BytesIO
from pathlib import Path

from PIL import Image

from local.video_probe import VideoProbeError, probe_video
from rushes.jobs.content_type import sniff

SIZE, SECONDS = (128, 72), 1
TOLERANCE_SECONDS = 1 / 12


def check_media(content: bytes) -> str:
    """Return `image`, `audio` or `video`; raise VideoProbeError for a wrong file."""
    content_type = sniff(content) or "unknown"
    if content_type.startswith("image/"):
        with Image.open(BytesIO(content)) as image:
            image.load()
        return "image"
    if content_type.startswith("audio/"):
        with wave.open(BytesIO(content)) as audio:
            seconds = len(audio.readframes(audio.getnframes())) / audio.getsampwidth()
        check_length(seconds / audio.getnchannels() / audio.getframerate())
        return "audio"
    with tempfile.NamedTemporaryFile(suffix=".mp4") as file:
        file.write(content)
        file.flush()
        video = probe_video(Path(file.name))
    if video.size != SIZE:
        raise VideoProbeError(f"size is {video.size}, not {SIZE}")
    check_length(video.seconds)
    return "video"


def check_length(seconds: float) -> None:
    if abs(seconds - SECONDS) > TOLERANCE_SECONDS:
        raise VideoProbeError(f"length is {seconds} s, not {SECONDS} s")
