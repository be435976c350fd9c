"""Convert sizes to aspect ratio and resolution; choose the form of a file in JSON."""

from fractions import Fraction

from rushes.jobs.request import StoredFile
from rushes.ports.http import JsonFile

ASPECT_RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4", "21:9", "9:21", "3:2", "2:3")
TOLERANCE = 0.04
"""Relative. Providers call 832x480 16:9, although it differs by a fortieth."""
MAX_INLINE_BYTES = 4 * 1024 * 1024
"""A larger file is sent as a link, which expires after an hour."""


def width_and_height(size: str | None) -> dict[str, int]:
    return dict(zip(("width", "height"), map(int, size.split("x")), strict=True)) if size else {}


def resolution(size: str) -> str:
    """Return the shorter side, as in `720p`."""
    return f"{min(width_and_height(size).values())}p"


def aspect_ratio(size: str) -> str:
    """Return the common name of the ratio within `TOLERANCE`, or else the reduced fraction."""
    exact = Fraction(*width_and_height(size).values())
    for name in ASPECT_RATIOS:
        width, _, height = name.partition(":")
        if abs(exact / Fraction(int(width), int(height)) - 1) < TOLERANCE:
            return name
    return f"{exact.numerator}:{exact.denominator}"


def resolution_and_aspect_ratio(size: str | None) -> dict[str, str]:
    return {"resolution": resolution(size), "aspect_ratio": aspect_ratio(size)} if size else {}


def as_json_file(file: StoredFile) -> JsonFile:
    return JsonFile(file, "data_url" if file.size <= MAX_INLINE_BYTES else "link")
