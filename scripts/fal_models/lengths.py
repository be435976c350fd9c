"""Length of a video: its argument, the legal seconds and their spelling."""

import re
from collections.abc import Iterable
from typing import Any

from scripts.fal_models.fields import (
    FRAME_COUNTS,
    FRAME_RATES,
    LENGTHS,
    Schema,
    choices,
    first_of,
    type_of,
)

PREFERRED_SECONDS = 5
"""Default length where the vendor's is automatic."""
MAX_SECONDS = 60
TOLERANCE = 0.25
"""Seconds by which a number of frames may miss the length."""
_SECONDS = re.compile(r"(\d+)(s?)")


def length_of(properties: dict[str, Schema], hints: dict[str, Any]) -> dict[str, Any]:
    """Return the model's keys about its length: seconds, frames, arguments."""
    if field := first_of(LENGTHS, properties):
        return _by_seconds(field, properties[field], hints)
    if field := first_of(FRAME_COUNTS, properties):
        return _by_frames(field, properties, hints)
    return {"seconds": hints["seconds"]} if "seconds" in hints else {}


def _by_seconds(field: str, schema: Schema, hints: dict[str, Any]) -> dict[str, Any]:
    texts = [str(value) for value in choices(schema)] or [str(schema.get("default", ""))]
    matches = [match for text in texts if (match := _SECONDS.fullmatch(text))]
    listed = [int(match[1]) for match in matches if int(match[1])]
    if not listed and "seconds" not in hints:
        return {}
    default = _SECONDS.fullmatch(str(schema.get("default", "")))
    seconds = hints.get("seconds") or in_order(listed, int(default[1]) if default else None)
    return {"seconds": seconds, "arguments": {field: _spelling(schema, matches)}}


def _spelling(schema: Schema, matches: list[re.Match[str]]) -> str:
    if any(match[2] for match in matches):
        return "{seconds}s"
    return "{seconds!text}" if type_of(schema) == "string" else "{seconds}"


def _by_frames(field: str, properties: dict[str, Schema], hints: dict[str, Any]) -> dict[str, Any]:
    schema = properties[field]
    rate_field = first_of(FRAME_RATES, properties)
    rate = hints.get("fps") or properties.get(rate_field, {}).get("default")
    if not rate:
        return {}
    grid: dict[str, int] = {name: hints[name] for name in ("step", "offset") if name in hints}
    frames: dict[str, int] = {"fps": int(rate)} | grid | _frame_limits(schema, hints)
    legal = legal_seconds(frames)
    default = round(int(schema.get("default", 0)) / rate)
    arguments: dict[str, Any] = {
        field: "{frames!text}" if type_of(schema) == "string" else "{frames}"
    }
    if rate_field:
        arguments[rate_field] = int(rate)
    return {
        "seconds": hints.get("seconds") or in_order(legal, default),
        "frames": frames,
        "arguments": arguments,
    }


def _frame_limits(schema: Schema, hints: dict[str, Any]) -> dict[str, int]:
    """Without limits, the default is the only number of frames that is known to be legal."""
    listed = sorted(int(value) for value in choices(schema))
    default = int(schema.get("default", 1))
    low = hints.get("min_frames") or schema.get("minimum") or next(iter(listed), default)
    high = hints.get("max_frames") or schema.get("maximum") or (listed or [default])[-1]
    return {"min": int(low), "max": int(high)}


def legal_seconds(frames: dict[str, int]) -> list[int]:
    rate = frames["fps"]
    return [
        seconds
        for seconds in range(1, MAX_SECONDS + 1)
        if abs(count_frames(frames, seconds) - seconds * rate) <= TOLERANCE * rate
    ]


def count_frames(frames: dict[str, int], seconds: int) -> int:
    """Convert as the catalog does."""
    step, offset = frames.get("step", 1), frames.get("offset", 0)
    count = round((seconds * frames["fps"] - offset) / step) * step + offset
    return min(max(count, frames["min"]), frames["max"])


def in_order(seconds: Iterable[int], default: int | None) -> list[int]:
    """Sort, with the default first."""
    ordered = sorted(set(seconds))
    if default not in ordered:
        default = PREFERRED_SECONDS if PREFERRED_SECONDS in ordered else next(iter(ordered), None)
    return sorted(ordered, key=lambda value: (value != default, value))
