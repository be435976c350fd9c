"""Fields of models and aliases in a model list, beyond those of the vendors' formats."""

from collections.abc import Sequence
from typing import Any

from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.models import Alias
from rushes.jobs.request import IMAGE_ROLES, Role

COPIED = (
    *("inputs", "seconds", "sizes", "options", "rules", "max_input_seconds"),
    *("price_source", "price_date", "price_unknown"),
)
RENAMED = {"needs": "required_inputs"}
MAX_SECONDS_LISTED = 64
"""A model that accepts more lengths is described by their bounds."""


def category(entry: ModelEntry) -> str:
    """Return the kind of generation in fal's form, such as `image-to-video`."""
    if entry.modality == "transcription":
        return "speech-to-text"
    if Role.SOURCE_VIDEO in entry.needs:
        return f"video-to-{entry.modality}"
    source = "image" if IMAGE_ROLES.intersection(entry.needs) else "text"
    return f"{source}-to-{entry.modality}"


def alias_details(alias: Alias, entry: ModelEntry) -> dict[str, Any]:
    """`entry` is the alias's first model."""
    models = list(alias.models)
    return {"modality": entry.modality, "models": models, "on_mismatch": alias.on_mismatch}


def model_details(entry: ModelEntry, aliases: Sequence[str]) -> dict[str, Any]:
    """Return the limits and prices of a model; an absent field is empty."""
    fields = entry.model_dump(mode="json", exclude_defaults=True, include={*COPIED, *RENAMED})
    details: dict[str, Any] = {
        "modality": entry.modality,
        **{RENAMED.get(name, name): value for name, value in fields.items()},
    }
    if len(entry.seconds) > MAX_SECONDS_LISTED:
        details["seconds"] = _bounds(entry.seconds)
    rows = [row.model_dump(mode="json", exclude_defaults=True) for row in entry.price_rows]
    if prices := [row for row in rows if row]:
        details["prices"] = prices
    return {**details, "aliases": list(aliases)} if aliases else details


def _bounds(seconds: Sequence[int]) -> dict[str, int]:
    return {"min": min(seconds), "max": max(seconds), "default": seconds[0]}
