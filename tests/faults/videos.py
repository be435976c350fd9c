"""Minimal MP4 files with different contents."""

import hashlib
from functools import lru_cache

HEADER = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp41"


@lru_cache(maxsize=4096)
def video_bytes(name: str) -> bytes:
    """Return an MP4 of a file type and a free box, some hundred to some thousand bytes long."""
    seed = hashlib.sha256(name.encode()).digest()
    filling = seed * (8 + seed[0] // 2)
    return HEADER + (len(filling) + 8).to_bytes(4, "big") + b"free" + filling


def digest(name: str) -> str:
    return hashlib.sha256(video_bytes(name)).hexdigest()
