"""Write published/xai.json: the messages, choices and states of xai-sdk.

Run `python -m tests.contract.vendors.extract_xai [file]`.

The SDK speaks gRPC. The fields of the REST API have the names of the messages' fields.
"""

from importlib.metadata import version
from typing import Any, get_args

from xai_sdk.cost import USD_PER_TICK
from xai_sdk.proto import deferred_pb2, image_pb2, video_pb2
from xai_sdk.types import ImageGenerationModel, VideoGenerationModel
from xai_sdk.types.image import ImageAspectRatio, ImageQuality, ImageResolution
from xai_sdk.types.video import VideoAspectRatio, VideoResolution

from tests.contract.vendors.published_files import write

PACKAGE = "xai-sdk"
MESSAGES = (
    video_pb2.GenerateVideoRequest,
    video_pb2.ExtendVideoRequest,
    video_pb2.VideoResponse,
    video_pb2.GeneratedVideo,
    video_pb2.VideoError,
    image_pb2.GenerateImageRequest,
    image_pb2.GeneratedImage,
)
CHOICES = {
    "video_aspect_ratio": VideoAspectRatio,
    "video_resolution": VideoResolution,
    "image_aspect_ratio": ImageAspectRatio,
    "image_resolution": ImageResolution,
    "image_quality": ImageQuality,
    "video_model": VideoGenerationModel,
    "image_model": ImageGenerationModel,
}


def fields_of(message: Any) -> dict[str, str]:
    """Return the kind of each field: message, enum, string …, in brackets if it is repeated."""
    return {
        field.name: f"[{kind_of(field)}]" if field.is_repeated else kind_of(field)
        for field in message.DESCRIPTOR.fields
    }


def kind_of(field: Any) -> str:
    """Return the name of the type of a field, as in the .proto file."""
    named = field.message_type or field.enum_type
    if named:
        return str(named.name)
    kinds = {field.TYPE_STRING: "string", field.TYPE_BOOL: "bool", field.TYPE_FLOAT: "float"}
    return kinds.get(field.type, "integer")


def main() -> None:
    states = deferred_pb2.DESCRIPTOR.enum_types_by_name["DeferredStatus"].values_by_name
    document = {
        "package": PACKAGE,
        "version": version(PACKAGE),
        "messages": {message.DESCRIPTOR.name: fields_of(message) for message in MESSAGES},
        "choices": {name: list(get_args(literal)) for name, literal in CHOICES.items()},
        "statuses": [name.lower() for name in states if not name.startswith("INVALID")],
        "dollars_per_tick": USD_PER_TICK,
    }
    write("xai", document)


if __name__ == "__main__":
    main()
