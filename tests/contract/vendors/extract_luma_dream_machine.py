"""Write published/luma-dream-machine.json: the create requests and states of lumaai.

Run `python -m tests.contract.vendors.extract_luma_dream_machine [file]`.

The package accepts any text beside the listed lengths and resolutions; the schema does not.
"""

from importlib import import_module
from importlib.metadata import version
from typing import Any

from lumaai.types import Generation

from tests.contract.vendors.published_files import write
from tests.contract.vendors.typed_dicts import Schema, members_of, schema_of

PACKAGE = "lumaai"
REQUESTS = {
    "/generations/video": ("video_create_params", "VideoCreateParams"),
    "/generations/image": ("image_create_params", "ImageCreateParams"),
    "/generations/video/modify": ("video_modify_params", "VideoModifyParams"),
    "/generations/video/reframe": ("video_reframe_params", "VideoReframeParams"),
    "/generations/image/reframe": ("image_reframe_params", "ImageReframeParams"),
}


def request(module: str, name: str) -> Schema:
    schema = schema_of(getattr(import_module(f"{PACKAGE}.types.generations.{module}"), name))
    properties = {name: closed(member) for name, member in schema["properties"].items()}
    return {**schema, "properties": properties}


def closed(schema: Schema) -> Schema:
    """Remove "any text" from a choice of texts."""
    choices: list[Any] = schema.get("anyOf", [])
    if {"type": "string"} not in choices or not any("enum" in choice for choice in choices):
        return schema
    return {"anyOf": [choice for choice in choices if choice != {"type": "string"}]}


def states() -> list[str]:
    schemas = map(schema_of, members_of(Generation.model_fields["state"].annotation))
    return [state for schema in schemas for state in schema.get("enum", ())]


def main() -> None:
    document = {
        "package": PACKAGE,
        "version": version(PACKAGE),
        "requests": {path: request(*source) for path, source in REQUESTS.items()},
        "statuses": states(),
    }
    write("luma-dream-machine", document)


if __name__ == "__main__":
    main()
