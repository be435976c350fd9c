"""Size of an image or a video: its arguments, the legal values and their spelling."""

import re
from collections.abc import Collection
from typing import Any

from scripts.fal_models.fields import (
    EXACT_SIZES,
    NAMED_SIZES,
    SIZE_NAMES,
    Schema,
    choices,
    first_of,
    type_of,
)

LINES = {"2k": 1440, "4k": 2160}
IMAGE_LINES = {"0.5k": 512, "1k": 1024, "2k": 2048, "4k": 4096}
NOMINAL = {"video": {"720p": ""}, "image": {"1024p": ""}}
"""Resolution of an endpoint that takes an aspect ratio only."""
OF_INPUT = ("auto", "adaptive", None)
"""Defaults with which a result has the shape of the input file."""
_LINES = re.compile(r"(\d+)p", re.IGNORECASE)
_RATIO = re.compile(r"[1-9]\d?:[1-9]\d?")
_SIZE = re.compile(r"\d+x\d+")


def size_of(
    properties: dict[str, Schema],
    hints: dict[str, Any],
    modality: str,
    required: Collection[str] = (),
) -> dict[str, Any]:
    """Return the model's keys about its size: sizes or resolutions, values, arguments."""
    keys = _size_of(properties, hints, modality)
    field = first_of((*EXACT_SIZES, "aspect_ratio"), properties)
    is_optional = field and field not in required
    if is_optional and keys and properties[field].get("default") in OF_INPUT:
        return {**keys, "follows_input": True}
    return keys


def _size_of(properties: dict[str, Schema], hints: dict[str, Any], modality: str) -> dict[str, Any]:
    if field := first_of(EXACT_SIZES, properties):
        return _exact(field, properties[field], hints)
    resolutions = _resolutions(properties.get("resolution", {}), hints, modality)
    ratios = _ratios(properties.get("aspect_ratio", {}), hints)
    if not resolutions:
        resolutions = NOMINAL[modality] if ratios else {}
    arguments = {}
    values: dict[str, dict[str, str]] = {}
    if "resolution" in properties:
        arguments["resolution"] = "{resolution}"
        if spelling := {name: text for name, text in resolutions.items() if name != text}:
            values["resolution"] = spelling
    if "aspect_ratio" in properties and ratios:
        arguments["aspect_ratio"] = "{aspect_ratio}"
    if not arguments:
        return {}
    keys: dict[str, Any] = {"resolutions": list(resolutions), "arguments": arguments}
    if ratios:
        keys["aspect_ratios"] = ratios
    return {**keys, "values": values} if values else keys


def _exact(field: str, schema: Schema, hints: dict[str, Any]) -> dict[str, Any]:
    listed = [str(value) for value in choices(schema) if _SIZE.fullmatch(str(value))]
    if listed:
        sizes = _default_first(listed, schema.get("default"))
        return {"sizes": sizes, "arguments": {field: "{size}"}}
    default = SIZE_NAMES.get(str(schema.get("default")))
    sizes = hints.get("sizes") or _default_first(list(NAMED_SIZES), default)
    arguments = {field: {"width": "{width}", "height": "{height}"}}
    return {"sizes": sizes, "arguments": arguments}


def _resolutions(schema: Schema, hints: dict[str, Any], modality: str) -> dict[str, str]:
    """Return the vendor's spelling by neutral name, the default first."""
    listed = [str(value) for value in choices(schema)]
    if not listed and type_of(schema) == "string":
        listed = [str(schema.get("default"))]
    if "resolutions" in hints:
        named: dict[str, str] = hints["resolutions"]
        return dict(named)
    known = IMAGE_LINES if modality == "image" else LINES
    found: dict[str, str] = {}
    for text in _default_first(listed, schema.get("default")):
        match = _LINES.fullmatch(text)
        lines = int(match[1]) if match else known.get(text.lower())
        if lines:
            found.setdefault(f"{lines}p", text)
    return found


def _ratios(schema: Schema, hints: dict[str, Any]) -> list[str]:
    if "aspect_ratios" in hints:
        return list(hints["aspect_ratios"])
    listed = [str(value) for value in choices(schema) if _RATIO.fullmatch(str(value))]
    preferred = schema.get("default") if schema.get("default") in listed else "16:9"
    return _default_first(listed, preferred)


def _default_first(values: list[str], default: object) -> list[str]:
    return sorted(values, key=lambda value: value != default)
