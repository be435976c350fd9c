"""Write published/vertex.json: the body that google-genai sends to Vertex AI for Veo.

Run `python -m tests.contract.vendors.extract_vertex [file]`.

The converters of the package run on a value for each field of its configuration.
"""

from enum import Enum
from importlib.metadata import version
from typing import Any, get_args

from google.genai import models, types  # type: ignore[import-not-found]

from tests.contract.vendors.published_files import write
from tests.contract.vendors.typed_dicts import Schema

PACKAGE = "google-genai"
IMAGE = types.Image(gcs_uri="gs://bucket/image", image_bytes=b"image", mime_type="image/png")
VIDEO = types.Video(uri="gs://bucket/video", video_bytes=b"video", mime_type="video/mp4")
SAMPLES: dict[Any, Any] = {
    int: 1,
    str: "text",
    bool: True,
    types.Image: IMAGE,
    types.Video: VIDEO,
    list[types.VideoGenerationReferenceImage]: [
        types.VideoGenerationReferenceImage(
            image=IMAGE, reference_type=types.VideoGenerationReferenceType.ASSET
        )
    ],
}
"""Values by type; other fields, such as a mask, are not read."""


def plain_type(annotation: Any) -> Any:
    """Return the type of an optional field."""
    members = [member for member in get_args(annotation) if member is not type(None)]
    return members[0] if len(members) == 1 and type(None) in get_args(annotation) else annotation


def sample_of(kind: Any) -> Any:
    if isinstance(kind, type) and issubclass(kind, Enum):
        return next(member for member in kind if "UNSPECIFIED" not in member.value)
    return SAMPLES.get(kind)


def merged(into: Schema, schema: Schema) -> Schema:
    """Add the properties of a schema of an object to another one."""
    properties = dict(into.get("properties", {}))
    for name, member in schema["properties"].items():
        known = properties.get(name)
        properties[name] = merged(known, member) if known and "properties" in member else member
        if known and "items" in member:
            properties[name] = {**member, "items": merged(known["items"], member["items"])}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def schema_of(value: Any) -> Schema:
    """Return the schema of what a converter made of a sample."""
    if isinstance(value, Enum):
        values = [member.value for member in type(value) if "UNSPECIFIED" not in member.value]
        return {"enum": values}
    if isinstance(value, dict):
        properties = {name: schema_of(member) for name, member in value.items()}
        return {"type": "object", "properties": properties, "additionalProperties": False}
    if isinstance(value, list):
        return {"type": "array", "items": schema_of(value[0])}
    names = {bool: "boolean", int: "integer", str: "string"}
    return {"type": names[type(value)]}


def bodies() -> list[dict[str, Any]]:
    """Return a converted body for each field that a sample exists for."""
    converted: list[dict[str, Any]] = []
    for name, field in types.GenerateVideosConfig.model_fields.items():
        value = sample_of(plain_type(field.annotation))
        if value is None or name == "http_options":
            continue
        body: dict[str, Any] = {}
        config = types.GenerateVideosConfig(**{name: value})
        models._GenerateVideosConfig_to_vertex(config, body, config)
        converted.append(body)
    source = types.GenerateVideosSource(prompt="text", image=IMAGE, video=VIDEO)
    body = {}
    models._GenerateVideosSource_to_vertex(source, body, source)
    return [*converted, body]


def main() -> None:
    request: Schema = {"type": "object", "properties": {}}
    for body in bodies():
        if body:
            request = merged(request, schema_of(body))
    document = {
        "package": PACKAGE,
        "version": version(PACKAGE),
        "path": "{model}:predictLongRunning",
        "request": request["properties"],
    }
    write("vertex", document)


if __name__ == "__main__":
    main()
