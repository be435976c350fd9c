"""The vendors' published schemas, and what in an answer does not fit them."""

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
"""OpenAI's own `ErrorResponse`; its video paths list no errors."""


@cache
def spec(base: str) -> dict[str, Any]:
    """The specification with its references where a validator finds them."""
    text = (SPECS / FILES[base]).read_text()
    loaded: dict[str, Any] = yaml.safe_load(text)  # which reads JSON as well
    return loaded


def schema(base: str, verb: str, status: int) -> dict[str, Any]:
    """What `base` may answer, with nothing in it that the schema does not name."""
    if base == OPENAI and status >= 400:
        return OPENAI_ERROR
    method, path = verb.split(" ")
    prefix = "/videos" if base == OPENAI else base
    responses = spec(base)["paths"][prefix + path][method]["responses"]
    found: dict[str, Any] = responses[str(status)]["content"]["application/json"]["schema"]
    return {**closed(base, found), "components": spec(base)["components"]}


def closed(base: str, found: dict[str, Any]) -> dict[str, Any]:
    """The schema, unfolded, refusing what it does not name: misspelt fields must not pass."""
    if "$ref" in found:
        target: Any = spec(base)
        for step in found["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        return closed(base, target)
    new = dict(found)
    if "properties" in found:
        parts = found["properties"].items()
        new["properties"] = {name: closed(base, part) for name, part in parts}
        new["additionalProperties"] = False
    if "items" in found:
        new["items"] = closed(base, found["items"])
    for several in ("anyOf", "oneOf"):
        if several in found:
            new[several] = [closed(base, part) for part in found[several]]
    return new


def problems(body: Any, base: str, verb: str, status: int) -> list[str]:
    """`verb` is a method and a path below `base`, as in `get /{video_id}`."""
    validator = Draft202012Validator(schema(base, verb, status), format_checker=FormatChecker())
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(body)]
