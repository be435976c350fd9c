"""Boxes of ISO base media files."""

import struct


def box(kind: bytes, *children: bytes, size: int | None = None) -> bytes:
    content = b"".join(children)
    return struct.pack(">I", len(content) + 8 if size is None else size) + kind + content


def long_box(kind: bytes, size: int) -> bytes:
    """A box with a size of 64 bits."""
    return struct.pack(">I", 1) + kind + struct.pack(">Q", size)


def track(handler: bytes, sample_format: bytes = b"avc1") -> bytes:
    description = box(b"stsd", bytes(7), b"\x01", box(sample_format, bytes(8)))
    handler_box = box(b"hdlr", bytes(8), handler, bytes(13))
    return box(b"trak", box(b"mdia", handler_box, box(b"minf", box(b"stbl", description))))


FTYP = b"\x00\x00\x00\x14ftypisom\x00\x00\x00\x00mp42"
MDAT = box(b"mdat", bytes(200_000))
AUDIO_INDEX = box(b"moov", box(b"mvhd", bytes(100)), track(b"soun"))
SOUND = FTYP + MDAT + AUDIO_INDEX
"""A file with the brand of video whose only track, which is audio, is described at its end."""
