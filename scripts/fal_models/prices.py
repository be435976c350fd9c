"""Price rows of a model, from fal's unit prices and from the tables of its model pages."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

Row = dict[str, Any]
Model = dict[str, Any]

SECONDS = {"seconds": 1, "minutes": 60}
MULTIPLES = {
    "1000 characters": ("per_thousand_characters", 1),
    "1m tokens": ("per_million_tokens", 1),
    "1000 tokens": ("per_million_tokens", 1000),
    **dict.fromkeys(("videos", "images", "audios", "generations"), ("per_job", 1)),
}
_BLOCK = re.compile(r"(\d+) seconds")
FRAMES_PER_SECOND = 24
"""Of models whose arguments do not say it, for prices by the pixels of all frames."""


@dataclass(frozen=True)
class UnknownPriceError(Exception):
    reason: str


def priced(model: Model, facts: dict[str, Any]) -> Model:
    """Return the model with prices, their source and date, or with the reason for none."""
    try:
        rows, source, date = _rows_of(model, facts)
    except UnknownPriceError as error:
        return {**model, "price_unknown": error.reason}
    return {**model, "price_source": source, "price_date": date, "prices": rows}


def _rows_of(model: Model, facts: dict[str, Any]) -> tuple[list[Row], str, str]:
    name = model["id"]
    for page in facts["pages"]:
        if any(fnmatchcase(name, pattern) for pattern in page["models"]):
            source = page.get("source", facts["page_source"]).format(id=name)
            return _page_rows(model, page), source, page.get("date", facts["page_date"])
    unit_price = facts["unit_prices"].get(name)
    if unit_price is None:
        raise UnknownPriceError("neither the pricing API nor the model page states one")
    amount, _, unit = unit_price.partition(" ")
    row = _unit_row(model, float(amount), unit)
    return [row] if isinstance(row, dict) else row, facts["unit_source"], facts["unit_date"]


def _unit_row(model: Model, amount: float, unit: str) -> Row | list[Row]:
    """Convert a price of fal's pricing API, which is per billing unit."""
    if unit in SECONDS:
        return _per_second(model, _rounded(amount / SECONDS[unit]))
    if unit in MULTIPLES:
        name, factor = MULTIPLES[unit]
        return {name: _rounded(amount * factor)}
    if unit.endswith("megapixels"):
        return _per_megapixel(model, amount)
    if block := _BLOCK.fullmatch(unit):
        return _per_block(model, amount, int(block[1]))
    raise UnknownPriceError(f"billed by {unit} ({amount} US dollars each)")


def _per_megapixel(model: Model, amount: float) -> Row:
    """Price the pixels of an image, or of all frames of a video."""
    if model["modality"] == "image":
        return {"per_megapixel": amount}
    rate = model.get("frames", {}).get("fps", FRAMES_PER_SECOND)
    return {"per_megapixel_second": _rounded(amount * rate)}


def _per_second(model: Model, amount: float) -> Row:
    if model.get("seconds"):
        return {"per_second": amount}
    if {"source_video", "audio"}.intersection(model.get("needs", ())):
        return {"per_input_second": amount}
    raise UnknownPriceError(f"{amount} US dollars per second of a length that the model chooses")


def _per_block(model: Model, amount: float, block: int) -> Row | list[Row]:
    """Price started blocks of seconds."""
    lengths = _listed_seconds(model)
    if not lengths:
        return {"per_job": amount}
    blocks = sorted({math.ceil(length / block) for length in lengths})
    return [
        {
            "when": {"seconds": [s for s in sorted(lengths) if math.ceil(s / block) == count]},
            "per_job": _rounded(amount * count),
        }
        for count in blocks
    ]


def _page_rows(model: Model, page: dict[str, Any]) -> list[Row]:
    """Return a row per resolution, audio setting and length that the page prices apart."""
    unit, factors = page["unit"], page.get("seconds_factors", {})
    rows = []
    for condition, amount in _amounts(model, page):
        if not factors:
            rows.append({**condition, unit: amount})
        for seconds, factor in factors.items():
            when = {**condition.get("when", {}), "seconds": [int(seconds)]}
            if int(seconds) in _listed_seconds(model):
                rows.append({"when": when, unit: _rounded(amount * factor)})
    return [{**row, "fps": page["fps"]} if "fps" in page else row for row in rows]


def _amounts(model: Model, page: dict[str, Any]) -> Iterator[tuple[Row, float]]:
    if "audio_price" not in page:
        yield from _by_resolution(model, page["price"], {})
        return
    yield from _by_resolution(model, page["audio_price"], {"generate_audio": [True]})
    yield from _by_resolution(model, page["price"], {})


def _by_resolution(
    model: Model, price: float | dict[str, float], when: dict[str, Any]
) -> Iterator[tuple[Row, float]]:
    if not isinstance(price, dict):
        yield ({"when": when} if when else {}), price
        return
    offered = model.get("resolutions", [])
    if missing := [name for name in offered if name not in price]:
        raise ValueError(f"{model['id']}: the page has no price for {', '.join(missing)}")
    for name in offered:
        yield {"when": {**when, "resolution": [name]}}, price[name]


def _listed_seconds(model: Model) -> list[int]:
    seconds = model.get("seconds", [])
    if isinstance(seconds, dict):
        return list(range(seconds["min"], seconds["max"] + 1, seconds.get("step", 1)))
    return list(seconds)


def _rounded(amount: float) -> float:
    return float(f"{amount:.10g}")
