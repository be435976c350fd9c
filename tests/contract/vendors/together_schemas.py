"""JSON Schema of Together's create call: the SDK's type, and the documented limits per model."""

from copy import deepcopy
from typing import Any

from tests.contract.vendors.published_files import read
from tests.contract.vendors.schema_checks import Schema

TYPES = read("together")
DOCUMENTED = read("together-models")
SOURCE = f"{TYPES['package']} {TYPES['version']} (PyPI), docs.together.ai"
Facts = dict[str, Any]
MEDIA = TYPES["request"]["properties"]["media"]["properties"]
NOTHING: Schema = {"not": {}}
"""Schema of a field that a model does not have."""


def request_schema() -> Schema:
    """Return the schema of every create call; the service refuses others at once."""
    schema: Schema = deepcopy(TYPES["request"])
    limits = DOCUMENTED["limits"]
    schema["properties"]["prompt"] |= _lengths(limits["prompt"])
    schema["properties"]["steps"] |= {"minimum": limits["steps"][0], "maximum": limits["steps"][1]}
    return schema


def model_schemas() -> dict[str, Schema]:
    """Return the schema of each model; the service fails the jobs of others."""
    return {name: _model_schema(facts) for name, facts in DOCUMENTED["models"].items()}


def _model_schema(facts: Facts) -> Schema:
    properties: dict[str, Any] = {}
    if "seconds" in facts:
        properties["seconds"] = {"enum": [str(length) for length in facts["seconds"]]}
    if facts.get("prompt"):
        properties["prompt"] = _lengths(facts["prompt"])
    if "negative_prompt" in facts:
        properties["negative_prompt"] = {"maxLength": facts["negative_prompt"]}
    if "seed" in facts:
        properties["seed"] = {"minimum": facts["seed"][0], "maximum": facts["seed"][1]}
    schema: Schema = {"properties": properties, "allOf": [_size_schema(facts), *_needs(facts)]}
    if media := _media_schema(facts):
        properties["media"] = media
    return schema


def _size_schema(facts: Facts) -> Schema:
    """Pixels for models with sizes, resolution and ratio for the others."""
    if "resolutions" in facts:
        ratio: Schema = {} if "any_ratio" in facts else NOTHING
        if "ratios" in facts:
            ratio = {"enum": facts["ratios"]}
        resolution = {"enum": facts["resolutions"]}
        return _properties(resolution=resolution, ratio=ratio, width=NOTHING, height=NOTHING)
    if not facts.get("sizes"):
        return {}
    pairs = [tuple(map(int, size.split("x"))) for size in facts["sizes"]]
    sizes = [
        _properties(width={"const": width}, height={"const": height}) for width, height in pairs
    ]
    return {
        **_properties(resolution=NOTHING, ratio=NOTHING),
        "dependentRequired": {"width": ["height"], "height": ["width"]},
        "anyOf": sizes,
    }


def _media_schema(facts: Facts) -> Schema:
    properties: dict[str, Schema] = {}
    if keyframes := facts.get("keyframes"):
        frames = _properties(frame={"enum": [*keyframes, 0]})
        properties["frame_images"] = {"maxItems": len(keyframes), "items": frames}
    if "max_references" in facts:
        properties["reference_images"] = {"maxItems": facts["max_references"]}
    accepted = _media_of(facts)
    properties |= {name: NOTHING for name in MEDIA if accepted is not None and name not in accepted}
    schema: Schema = {"properties": properties} if properties else {}
    if "frames_exclude_references" in facts:
        references = [{"required": [f"reference_{kind}"]} for kind in ("images", "videos")]
        schema["not"] = {"required": ["frame_images"], "anyOf": references}
    return schema


def _media_of(facts: Facts) -> list[str] | None:
    """Return the names of the accepted media; None if they are not documented."""
    if "media" in facts:
        media: list[str] = facts["media"]
        return media
    if not facts.get("sizes"):
        return None
    return ["frame_images", "reference_images"] if "references" in facts else ["frame_images"]


def _needs(facts: Facts) -> list[Schema]:
    """Return what a request must have: a prompt, unless a frame replaces it, and its media."""
    if "needs_frame" in facts:
        return [_with_media(["frame_images"])]
    prompt: list[Schema] = [{"required": ["prompt"]}]
    return [*prompt, _with_media(facts["needs"])] if "needs" in facts else prompt


def _with_media(names: list[str]) -> Schema:
    one = {"anyOf": [{"required": [name]} for name in names]}
    return {"required": ["media"], "properties": {"media": one}}


def _properties(**schemas: Any) -> Schema:
    return {"properties": schemas}


def _lengths(bounds: list[int]) -> Schema:
    return {"minLength": bounds[0], "maxLength": bounds[1]}
