"""Pictures and videos that clients send: checked, and kept as files for ffmpeg."""

import asyncio
import base64
import binascii
import io
import uuid
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import httpx
import imageio_ffmpeg
from PIL import Image, UnidentifiedImageError

from sandbox.errors import UnusableInputError

PICTURE_FORMATS = ("PNG", "JPEG", "WEBP")
MOST_PICTURE_BYTES = 20 * 1024 * 1024
FETCH_SECONDS = 10


class ClipFacts(NamedTuple):
    width: int
    height: int
    seconds: float


async def read_picture_url(url: str) -> bytes:
    """The bytes behind a data URL or a fetched http(s) URL."""
    if url.startswith("data:"):
        return _read_data_url(url)
    try:
        async with httpx.AsyncClient(timeout=FETCH_SECONDS, follow_redirects=True) as client:
            reply = (await client.get(url)).raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as problem:
        raise UnusableInputError(f"The picture cannot be fetched: {problem}") from problem
    return reply.content


def _read_data_url(url: str) -> bytes:
    head, _, payload = url.partition(",")
    if not head.endswith(";base64"):
        raise UnusableInputError("A data URL must be base64-encoded.")
    try:
        return base64.b64decode(payload, validate=True)
    except binascii.Error as problem:
        raise UnusableInputError("The data URL is not valid base64.") from problem


def keep_picture(content: bytes, folder: Path) -> Path:
    """Store a PNG, JPEG or WebP picture; refuse everything else."""
    if len(content) > MOST_PICTURE_BYTES:
        raise UnusableInputError("The picture is larger than 20 MiB.")
    try:
        with Image.open(io.BytesIO(content), formats=PICTURE_FORMATS) as picture:
            picture.load()
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as problem:
        raise UnusableInputError("The picture is not a PNG, JPEG or WebP image.") from problem
    return _keep(content, folder)


async def keep_clip(content: bytes, folder: Path) -> tuple[Path, ClipFacts]:
    """Store a video that ffmpeg can read, and tell its size and length."""
    path = _keep(content, folder)
    try:
        return path, await asyncio.to_thread(_inspect, path)
    except (OSError, RuntimeError, StopIteration, KeyError) as problem:
        path.unlink()
        raise UnusableInputError("The file is not a video that ffmpeg can read.") from problem


def share_clip(video: Path, folder: Path) -> Path:
    """A second name for a job's video, which outlives the deletion of that job."""
    path = folder / uuid.uuid4().hex
    path.hardlink_to(video)
    return path


def _keep(content: bytes, folder: Path) -> Path:
    path = folder / uuid.uuid4().hex
    path.write_bytes(content)
    return path


def _inspect(path: Path) -> ClipFacts:
    with closing(imageio_ffmpeg.read_frames(str(path))) as frames:
        facts = next(frames)
    width, height = facts["source_size"]
    return ClipFacts(width, height, facts["duration"])
