"""Validate images and videos sent by clients, and store them as files for ffmpeg."""

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

IMAGE_FORMATS = ("PNG", "JPEG", "WEBP")
MAX_IMAGE_BYTES = 20 * 1024 * 1024
FETCH_SECONDS = 10


class ClipInfo(NamedTuple):
    width: int
    height: int
    seconds: float


async def read_url(url: str) -> bytes:
    """Decode a data URL, or fetch an http(s) URL."""
    if url.startswith("data:"):
        return _read_data_url(url)
    try:
        async with httpx.AsyncClient(timeout=FETCH_SECONDS, follow_redirects=True) as client:
            reply = (await client.get(url)).raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise UnusableInputError(f"The input URL cannot be fetched: {error}") from error
    return reply.content


def _read_data_url(url: str) -> bytes:
    head, _, payload = url.partition(",")
    if not head.endswith(";base64"):
        raise UnusableInputError("A data URL must be base64-encoded.")
    try:
        return base64.b64decode(payload, validate=True)
    except binascii.Error as error:
        raise UnusableInputError("The data URL is not valid base64.") from error


def store_image(content: bytes, folder: Path) -> Path:
    """Store a PNG, JPEG or WebP of at most 20 MiB; raise UnusableInputError otherwise."""
    if len(content) > MAX_IMAGE_BYTES:
        raise UnusableInputError("The image is larger than 20 MiB.")
    try:
        with Image.open(io.BytesIO(content), formats=IMAGE_FORMATS) as image:
            image.load()
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise UnusableInputError("The file is not a PNG, JPEG or WebP image.") from error
    return _store(content, folder)


async def store_clip(content: bytes, folder: Path) -> tuple[Path, ClipInfo]:
    """Store a video that ffmpeg can decode, and return its path, size and length."""
    path = _store(content, folder)
    try:
        return path, await asyncio.to_thread(_inspect, path)
    except (OSError, RuntimeError, StopIteration, KeyError) as error:
        path.unlink()
        raise UnusableInputError("The file is not a video that ffmpeg can read.") from error


def link_clip(video: Path, folder: Path) -> Path:
    """Hard-link a job's video, so that the link outlives the deletion of that job."""
    path = folder / uuid.uuid4().hex
    path.hardlink_to(video)
    return path


def _store(content: bytes, folder: Path) -> Path:
    path = folder / uuid.uuid4().hex
    path.write_bytes(content)
    return path


def _inspect(path: Path) -> ClipInfo:
    with closing(imageio_ffmpeg.read_frames(str(path))) as frames:
        info = next(frames)
    width, height = info["source_size"]
    return ClipInfo(width, height, info["duration"])
