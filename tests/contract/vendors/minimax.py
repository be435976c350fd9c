"""Check create calls for MiniMax against the types of its command-line client and documentation."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from rushes.catalog.model_entry import ModelEntry
from rushes.ports.http import HttpCall
from tests.contract.vendors.published_files import read
from tests.contract.vendors.schema_checks import Schema, body_errors

TYPES = read("minimax")
DOCUMENTED = read("minimax-documented")
SOURCE = f"{TYPES['package']} {TYPES['version']} (npm), documentation (read {DOCUMENTED['date']})"
V2 = "/v2/video_generation"
FRAMES = ("first_frame", "last_frame")
REFERENCES = ("reference_image", "reference_video", "reference_audio")


def errors(model: ModelEntry, call: HttpCall) -> list[str]:
    if call.method != "POST" or call.path not in TYPES["requests"]:
        return [f"MiniMax has no {call.method} {call.path}"]
    if call.json.get("model") != model.model_at_provider:
        return [f"model: {call.json.get('model')!r} is not the model"]
    found = body_errors(_schema(call.path, model.model_at_provider), call.json)
    return found or list(_forbidden_v2(call.json) if call.path == V2 else _forbidden_v1(call.json))


def _schema(path: str, model: str) -> Schema:
    """Return the schema of the package with the documented fields and values."""
    schema = TYPES["requests"][path]
    properties = {**schema["properties"], **DOCUMENTED["fields"][path]}
    required = set(schema["required"])
    if path == V2:
        resolutions = DOCUMENTED["v2"][model]["resolutions"]
        properties |= {"model": {"const": model}, "resolution": {"enum": resolutions}}
    elif not DOCUMENTED["v1"][model]["prompt"]:
        required.discard("prompt")
    return {**schema, "properties": properties, "required": sorted(required)}


def _forbidden_v1(body: dict[str, Any]) -> Iterator[str]:
    documented = DOCUMENTED["v1"][body["model"]]
    if "resolution" in body or "duration" in body:
        lengths = documented["lengths"].get(body.get("resolution"), [])
        if body.get("duration") not in lengths:
            yield f"duration: {body.get('duration')} with {body.get('resolution')}"
    first, last = "first_frame_image" in body, "last_frame_image" in body
    needs_first = documented["first_frame"] == "required" or last
    if (needs_first or body.get("resolution") in documented["first_frame_for"]) and not first:
        yield "first_frame_image: required"
    if first and documented["first_frame"] == "none":
        yield "first_frame_image: not an argument of the model"
    if last and not documented["last_frame"]:
        yield "last_frame_image: not an argument of the model"
    if ("subject_reference" in body) != (body["model"] == "S2V-01"):
        yield "subject_reference: required by S2V-01 only"


def _forbidden_v2(body: dict[str, Any]) -> Iterator[str]:
    roles = Counter(item.get("role", item["type"]) for item in body["content"])
    frames, references = _sum(roles, FRAMES), _sum(roles, REFERENCES)
    if roles["text"] != 1:
        yield "content: one text is required"
    if any(
        len(item.get("text", "")) > DOCUMENTED["v2_limits"]["prompt"] for item in body["content"]
    ):
        yield "content.text: too long"
    if frames and references:
        yield "content: frames exclude references"
    yield from (f"content: more than one {role}" for role in FRAMES if roles[role] > 1)
    yield from (
        f"content: too many of {role}"
        for role in REFERENCES
        if roles[role] > DOCUMENTED["v2_limits"][role]
    )
    if roles["reference_audio"] and not roles["reference_image"] and not roles["reference_video"]:
        yield "content: a sound requires an image or a video"
    if not frames and not references and body.get("ratio") in (None, "adaptive"):
        yield "ratio: text requires one"


def _sum(roles: Counter[str], names: tuple[str, ...]) -> int:
    return sum(roles[name] for name in names)
