"""Sizes such as `1280x720`, and the resolutions and aspect ratios that they stand for."""

from fractions import Fraction
from functools import lru_cache

ASPECT_RATIOS = ("16:9", "9:16", "1:1", "4:3", "3:4", "21:9", "9:21", "3:2", "2:3")
TOLERANCE = 0.04
"""Relative. Providers call 832x480 16:9, although it differs by a fortieth."""
LINES = {"2k": "1440p", "4k": "2160p", "8k": "4320p"}
"""Resolutions with other names, in lower case."""
KEPT = 1024
"""Number of results kept of each calculation: a model has the same sizes for every request."""
RATIOS_OF_INPUT = ("16:9", "9:16", "1:1")
"""Aspect ratios of the listed sizes of a model whose videos have the ratio of the input file."""


def width_and_height(size: str | None) -> dict[str, int]:
    return dict(zip(("width", "height"), map(int, size.split("x")), strict=True)) if size else {}


@lru_cache(KEPT)
def resolution(size: str) -> str:
    """Return the shorter side, as in `720p`."""
    return f"{min(width_and_height(size).values())}p"


@lru_cache(KEPT)
def aspect_ratio(size: str) -> str:
    """Return the common name of the ratio within `TOLERANCE`, or else the reduced fraction."""
    exact = exact_ratio(size)
    for name in ASPECT_RATIOS:
        if is_near(exact, name):
            return name
    return f"{exact.numerator}:{exact.denominator}"


def resolution_and_aspect_ratio(size: str | None) -> dict[str, str]:
    return {"resolution": resolution(size), "aspect_ratio": aspect_ratio(size)} if size else {}


def exact_ratio(size: str) -> Fraction:
    return Fraction(*width_and_height(size).values())


@lru_cache(KEPT)
def ratio_of(name: str) -> Fraction:
    """Parse an aspect ratio such as `16:9`."""
    width, _, height = name.partition(":")
    return Fraction(int(width), int(height))


def is_near(ratio: Fraction, name: str) -> bool:
    return abs(ratio / ratio_of(name) - 1) < TOLERANCE


def lines_of(resolution_name: str) -> int:
    """Return the shorter side of a resolution such as `720p`, in pixels."""
    return int(resolution_name.removesuffix("p"))


def resolution_name(text: str) -> str:
    """Return `720p` for spellings such as `720P`, `720` or `4k`."""
    lower = text.strip().lower()
    return f"{lower}p" if lower.isdecimal() else LINES.get(lower, lower)


def size_of(resolution_name: str, ratio_name: str) -> str:
    """Return the size of a resolution and an aspect ratio; the longer side is an even number."""
    shorter, ratio = lines_of(resolution_name), ratio_of(ratio_name)
    longer = round(shorter * max(ratio, 1 / ratio) / 2) * 2
    return f"{longer}x{shorter}" if ratio >= 1 else f"{shorter}x{longer}"
