"""Check create calls for fal against the types of its client and the documented ones."""

from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema

from rushes.catalog.model_entry import ModelEntry
from rushes.ports.http import HttpCall
from scripts.fal_models.published import inputs
from tests.contract.vendors.published_files import read

TYPES = read("fal")
DOCUMENTED = read("fal-documented")
SOURCE = f"{TYPES['package']} {TYPES['version']} (npm), documentation (read {DOCUMENTED['date']})"
Schema = dict[str, Any]

FIRST_FRAMES = ("image_url", "start_image_url", "first_frame_url", "first_image_url")
LAST_FRAMES = ("end_image_url", "tail_image_url", "last_frame_url", "last_image_url")
LENGTHS = ("duration", "num_frames", "number_of_frames")
SIZES = ("resolution", "aspect_ratio", "video_size", "dimensions")


@cache
def _schemas() -> dict[str, Schema]:
    return inputs()


def schema_of(endpoint: str) -> Schema | None:
    """Return the schema of an endpoint's arguments."""
    return _schemas().get(endpoint)


@cache
def _validator(endpoint: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(schema_of(endpoint))


def errors(model: ModelEntry, call: HttpCall) -> list[str]:
    endpoint = model.model_at_provider
    if (call.method, call.path) != ("POST", f"/{endpoint}"):
        return [f"{call.method} {call.path} is not the endpoint"]
    if schema_of(endpoint) is None:
        return [f"{endpoint} is neither typed nor documented"]
    return [
        f"{'.'.join(map(str, error.absolute_path)) or 'body'}: {error.message[:200]}"
        for error in _validator(endpoint).iter_errors(call.json or {})
    ]


def example(model: ModelEntry, option: str) -> Any:
    """Return a value that the endpoint accepts for an option that is a list or an object."""
    schema = schema_of(model.model_at_provider) or {}
    return _example(schema["properties"][option])


def _example(schema: Schema) -> Any:
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "array":
        return [_example(schema["items"])]
    if schema.get("type") == "object":
        members: dict[str, Schema] = schema.get("properties", {})
        required: list[str] = schema.get("required", list(members))
        return {name: _example(members[name]) for name in required}
    return {"string": "text", "boolean": True}.get(schema.get("type", "string"), 1)


def not_expressed(model: ModelEntry, body: dict[str, Any]) -> Iterator[str]:
    """Yield what the endpoint has an argument for and the call does not carry.

    `body` is the call for all optional files, a length and a size.
    """
    schema = schema_of(model.model_at_provider) or {}
    arguments = schema.get("properties", {})
    for field in schema.get("required", ()):
        if field not in body:
            yield field
    groups = {"first frame": FIRST_FRAMES, "last frame": LAST_FRAMES, "length": LENGTHS}
    for name, fields in groups.items():
        known = [field for field in fields if field in arguments]
        if known and not any(field in body for field in known):
            yield name
    for field in SIZES:
        if field in arguments and field not in body:
            yield field
