"""Sizes in the words of providers that want shapes, and files in the form that carries best."""

from fractions import Fraction

from rushes.jobs.request import StoredFile
from rushes.ports import JsonFile

SHAPES = ("16:9", "9:16", "1:1", "4:3", "3:4", "21:9", "9:21", "3:2", "2:3")
LIKENESS = 0.04
"""832x480 is called 16:9 by those who offer it, and is a fortieth off."""
INLINE_BYTES = 4 * 1024 * 1024
"""A larger file goes as a link, which the provider must follow within the hour."""


def width_and_height(size: str) -> tuple[int, int]:
    width, _, height = size.partition("x")
    return int(width), int(height)


def resolution(size: str) -> str:
    """The shorter side, as in `720p`."""
    return f"{min(width_and_height(size))}p"


def aspect_ratio(size: str) -> str:
    """The usual name of a shape; one that has none is told as it is."""
    exact = Fraction(*width_and_height(size))
    for shape in SHAPES:
        width, _, height = shape.partition(":")
        if abs(exact / Fraction(int(width), int(height)) - 1) < LIKENESS:
            return shape
    return f"{exact.numerator}:{exact.denominator}"


def film_shape(size: str | None) -> dict[str, str]:
    """What most models for films ask for in place of pixels."""
    return {"resolution": resolution(size), "aspect_ratio": aspect_ratio(size)} if size else {}


def enclosed(file: StoredFile) -> JsonFile:
    return JsonFile(file, "data_url" if file.size <= INLINE_BYTES else "link")
