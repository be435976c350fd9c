"""Text that fits a box, in the one font that Pillow carries."""

import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import groupby

from PIL import ImageFont

# At any of our sizes the rest would not be readable, and measuring it would take seconds.
MOST_CHARACTERS = 3000
_LOOK_ALIKES = str.maketrans(
    {
        "\N{EN DASH}": "-",
        "\N{EM DASH}": "-",
        "\N{MINUS SIGN}": "-",
        "\N{MULTIPLICATION SIGN}": "x",
        "\N{BULLET}": "·",
    }
)


@cache
def font(size: int) -> ImageFont.FreeTypeFont:
    loaded = ImageFont.load_default(size)
    if not isinstance(loaded, ImageFont.FreeTypeFont):
        raise TypeError("This Pillow has no FreeType: install a wheel from PyPI")
    return loaded


def line_height(size: int) -> int:
    return round(size * 1.3)


def drawable(text: str) -> str:
    """The text in characters the font has: accents dropped, the rest as code points, <2713>."""
    tidy = " ".join(text.translate(_LOOK_ALIKES).split())
    parts = []
    for are_codes, run in groupby(map(_replacement, tidy), key=lambda shown: len(shown) > 1):
        shown = list(run)
        parts.append(f"<{' '.join(shown)}>" if are_codes else "".join(shown))
    return "".join(parts)


def fit(text: str, width: int, height: int, largest: int) -> tuple[int, list[str]]:
    """The largest font size, and the lines, in which the text fits; at worst its beginning."""
    beginning = text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"
    smallest = max(6, largest // 3)
    size, lines = largest, wrap(beginning, largest, width)
    while len(lines) * line_height(size) > height and size > smallest:
        size = max(smallest, size - max(1, largest // 20))
        lines = wrap(beginning, size, width)
    room = max(1, height // line_height(size))
    if len(lines) > room:
        lines = [*lines[: room - 1], shorten(lines[room - 1], size, width)]
    return size, lines


def shorten(line: str, size: int, width: int) -> str:
    """The line with an ellipsis, however much of it that costs."""
    while line and font(size).getlength(f"{line}…") > width:
        line = line[:-1]
    return f"{line}…"


def wrap(text: str, size: int, width: int) -> list[str]:
    """Lines of whole words; widths are added up, for measuring whole lines again takes long."""
    space = font(size).getlength(" ")
    lines: list[list[str]] = [[]]
    used = 0.0
    for word in text.split():
        for piece in _pieces(word, size, width):
            length = font(size).getlength(piece)
            if lines[-1] and used + space + length > width:
                lines.append([])
            used = used + space + length if lines[-1] else length
            lines[-1].append(piece)
    return [" ".join(line) for line in lines if line]


def _pieces(word: str, size: int, width: int) -> Iterator[str]:
    """The word, cut wherever it is wider than a whole line."""
    # No letter is narrower than a fifth of the size, so more than this is never worth measuring.
    most = max(1, width * 5 // size)
    while word:
        length = min(len(word), most)
        while length > 1 and (measured := font(size).getlength(word[:length])) > width:
            length = max(1, int(length * width / measured))
        yield word[:length]
        word = word[length:]


@cache
def _replacement(character: str) -> str:
    if character == " " or _has_glyph(character):
        return character
    base = unicodedata.normalize("NFKD", character)[0]
    return base if _has_glyph(base) else f"{ord(character):04X}"


def _has_glyph(character: str) -> bool:
    missing = font(24).getmask("\uffff")
    return bytes(font(24).getmask(character)) != bytes(missing)
