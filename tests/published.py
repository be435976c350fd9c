"""Validate response bodies against the vendors' published schemas."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, FormatChecker

BIFROST, OPENAI = "/v1/videos", "/openai/v1/videos"
SPECS = Path(__file__).parent / "contract/specs"
FILES = {OPENAI: "openai-videos.yaml", BIFROST: "bifrost-videos.json"}
OPENAI_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["type", "message", "param", "code"],
            "properties": {
                "code": {"type": ["string", "null"]},
                "message": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "type": {"type": "string"},
            },
        }
    },
}
"""OpenAI's `ErrorResponse`; its video paths list no errors."""


@cache
def spec(base: str) -> dict[str, Any]:
    """Load the specification, which contains the targets of its references."""
    text = (SPECS / FILES[base]).read_text()
    loaded: dict[str, Any] = yaml.safe_load(text)  # JSON is YAML
    return loaded


def schema(base: str, verb: str, status: int) -> dict[str, Any]:
    """Return the schema of a response, closed against unnamed fields."""
    if base == OPENAI and status >= 400:
        return OPENAI_ERROR
    method, path = verb.split(" ")
    prefix = "/videos" if base == OPENAI else base
    responses = spec(base)["paths"][prefix + path][method]["responses"]
    published: dict[str, Any] = responses[str(status)]["content"]["application/json"]["schema"]
    return {**closed(base, published), "components": spec(base)["components"]}


def closed(base: str, original: dict[str, Any]) -> dict[str, Any]:
    """Resolve references and forbid unnamed fields, so that misspelt fields fail."""
    if "$ref" in original:
        target: Any = spec(base)
        for step in original["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        return closed(base, target)
    schema = dict(original)
    if "properties" in original:
        parts = original["properties"].items()
        schema["properties"] = {name: closed(base, part) for name, part in parts}
        schema["additionalProperties"] = False
    if "items" in original:
        schema["items"] = closed(base, original["items"])
    for union in ("anyOf", "oneOf"):
        if union in original:
            schema[union] = [closed(base, part) for part in original[union]]
    return schema


def problems(body: Any, base: str, verb: str, status: int) -> list[str]:
    """List schema violations; `verb` is a method and a path below `base`, as `get /{video_id}`."""
    validator = Draft202012Validator(schema(base, verb, status), format_checker=FormatChecker())
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(body)]
