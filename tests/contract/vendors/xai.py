"""Check create calls for xAI against the messages of its SDK and its documented limits.

A field of the REST API has the name of the message's field; a file is an object with `url`.
"""

from collections.abc import Iterator
from typing import Any

from rushes.catalog.model_entry import ModelEntry
from rushes.ports.http import HttpCall
from tests.contract.vendors.published_files import read
from tests.contract.vendors.schema_checks import Schema, body_errors

TYPES = read("xai")
DOCUMENTED = read("xai-documented")
SOURCE = f"{TYPES['package']} {TYPES['version']} (PyPI), docs.x.ai"
CHOICES = TYPES["choices"]
FILE: Schema = {
    "type": "object",
    "properties": {"url": {"type": "string", "pattern": "^(https://|data:)"}},
    "required": ["url"],
    "additionalProperties": False,
}
KINDS: dict[str, Schema] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "bool": {"type": "boolean"},
    "ImageUrlContent": FILE,
    "VideoUrlContent": FILE,
    "ImageAspectRatio": {"enum": CHOICES["image_aspect_ratio"]},
    "ImageResolution": {"enum": CHOICES["image_resolution"]},
    "ImageQuality": {"enum": CHOICES["image_quality"]},
    "VideoResolution": {"enum": CHOICES["video_resolution"]},
}
"""Schema of a kind of field; a message has further kinds that no model uses."""
REFERENCES = ("reference_images", "reference_audios", "last_frame", "keyframes")


def errors(model: ModelEntry, call: HttpCall) -> list[str]:
    facts = DOCUMENTED["models"].get(model.model_at_provider)
    if facts is None:
        return [f"{model.model_at_provider} is not documented"]
    if call.method != "POST" or call.path not in facts["paths"]:
        return [f"{model.model_at_provider} has no {call.method} {call.path}"]
    if call.json.get("model") != model.model_at_provider:
        return [f"model: {call.json.get('model')!r} is not the model"]
    invalid = body_errors(_schema(call.path, facts), call.json)
    return invalid or list(_forbidden(call.path, call.json, facts))


def _schema(path: str, facts: dict[str, Any]) -> Schema:
    documented = DOCUMENTED["paths"][path]
    fields = TYPES["messages"][documented["message"]]
    properties = {
        name: _field(kind, facts)
        for name, kind in fields.items()
        if name not in documented["without"] and kind.strip("[]") in {*KINDS, "VideoAspectRatio"}
    }
    return {
        "type": "object",
        "properties": properties,
        "required": documented["required"],
        "additionalProperties": False,
    }


def _field(kind: str, facts: dict[str, Any]) -> Schema:
    if kind.startswith("["):
        maximum = DOCUMENTED["max_reference_images"]
        return {"type": "array", "items": KINDS[kind.strip("[]")], "maxItems": maximum}
    if kind == "VideoAspectRatio":  # the SDK lacks some
        return {"enum": [*CHOICES["video_aspect_ratio"], *facts["aspect_ratios"]]}
    return KINDS[kind]


def _forbidden(path: str, body: dict[str, Any], facts: dict[str, Any]) -> Iterator[str]:
    given = {name for name in ("image", "images", *REFERENCES) if name in body}
    references = given.intersection(REFERENCES)
    for name in given - set(facts["inputs"]):
        yield f"{name}: the model does not accept it"
    if {"image", "images"} <= given:
        yield "images: excludes image"
    if "image" in given and references and not facts.get("pins_first_frame"):
        yield f"image: excludes {min(references)}"
    if not given and not body.get("prompt"):
        yield "prompt: is required without files"
    if "resolution" in body and path.startswith("/videos"):
        allowed = facts["reference_resolutions"] if references else facts["resolutions"]
        if body["resolution"] not in allowed:
            yield f"resolution: must be one of {allowed}"
    yield from _wrong_length(path, body, facts, references)


def _wrong_length(
    path: str, body: dict[str, Any], facts: dict[str, Any], references: set[str]
) -> Iterator[str]:
    if "duration" not in body:
        return
    name = "extension_duration" if path.endswith("extensions") else "duration"
    if references:
        name = "reference_duration" if "reference_duration" in facts else name
    low, high = facts[name]
    if not low <= body["duration"] <= high:
        yield f"duration: must be between {low} and {high}"
