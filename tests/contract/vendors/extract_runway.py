"""Write published/runway.json: the request types and task statuses of the package runwayml.

Run `python -m tests.contract.vendors.extract_runway [file]`.
"""

import inspect
from importlib import import_module
from importlib.metadata import version
from typing import Any

from tests.contract.vendors.published_files import write
from tests.contract.vendors.typed_dicts import Schema, members_of, schema_of

PACKAGE = "runwayml"
ENDPOINTS = (
    *("text_to_video", "image_to_video", "video_to_video", "character_performance"),
    *("avatar_videos", "video_upscale", "video_to_hdr", "video_to_audio", "text_to_image"),
    *("image_upscale", "sound_effect", "text_to_speech", "speech_to_speech"),
    *("voice_dubbing", "voice_isolation"),
)


def path_of(endpoint: str) -> str:
    """Return the path that the SDK calls.

    Raises
    ------
    LookupError
        If the SDK's source has another one.
    """
    path = f"/v1/{endpoint}"
    if f'"{path}"' not in inspect.getsource(import_module(f"{PACKAGE}.resources.{endpoint}")):
        raise LookupError(f"{PACKAGE} does not call {path}")
    return path


def types_of(endpoint: str) -> list[Any]:
    module_name = f"{endpoint.removesuffix('s')}_create_params"
    class_name = "".join(word.capitalize() for word in module_name.split("_"))
    module = import_module(f"{PACKAGE}.types.{module_name}")
    return members_of(getattr(module, class_name))


def model_of(schema: Schema) -> str:
    (model,) = schema["properties"]["model"]["enum"]
    return str(model)


def requests() -> dict[str, Schema]:
    """Return the schemas by path and model, joined by a space."""
    return {
        f"{path_of(endpoint)} {model_of(schema)}": schema
        for endpoint in ENDPOINTS
        for schema in map(schema_of, types_of(endpoint))
    }


def statuses() -> dict[str, list[str]]:
    """Return the fields of a task by its status."""
    module = import_module(f"{PACKAGE}.types.task_retrieve_response")
    return {
        status: [field.alias or name for name, field in task.model_fields.items()]
        for task in members_of(module.TaskRetrieveResponse)
        for status in schema_of(task.model_fields["status"].annotation)["enum"]
    }


def main() -> None:
    document = {
        "package": PACKAGE,
        "version": version(PACKAGE),
        "requests": requests(),
        "statuses": statuses(),
    }
    write("runway", document)


if __name__ == "__main__":
    main()
