"""Place the overlays of a frame, for any size and either orientation."""

from typing import NamedTuple


class Box(NamedTuple):
    x: int
    y: int
    width: int
    height: int


class Layout(NamedTuple):
    card: Box
    """Maximum area of prompt and settings; the drawn card may be lower."""
    clock: Box
    inset: Box


def lay_out(width: int, height: int) -> Layout:
    """Put the card on top, the clock at the lower left and the source clip at the lower right."""
    margin = _even(max(2, min(width, height) // 28))
    card = Box(margin, margin, _even(width - 2 * margin), _even(height * 0.56 - margin))
    below = card.y + card.height + margin
    clock_width = _even(width * 0.54 - margin)
    clock_height = _even(min(height * 0.16, clock_width / 5))
    clock = Box(margin, _even(height - margin - clock_height), clock_width, clock_height)
    left = margin + clock_width + margin
    inset = Box(left, below, _even(width - left - margin), _even(height - below - margin))
    return Layout(card, clock, inset)


def _even(length: float) -> int:
    """Round down to an even number: yuv420p stores colour per pair of pixels."""
    return max(2, int(length) // 2 * 2)
