"""Names of the arguments of fal's endpoints, by their meaning."""

from typing import Any

Schema = dict[str, Any]

PROMPTS = ("prompt", "text", "text_input", "gen_text")
AUDIO_SWITCHES = ("generate_audio", "generate_audio_switch", "enable_audio", "audio")
LENGTHS = ("duration", "duration_seconds", "seconds_total", "music_length_ms")
FRAME_COUNTS = ("num_frames", "number_of_frames")
FRAME_RATES = ("fps", "frames_per_second", "frame_rate", "export_fps")
EXACT_SIZES = ("image_size", "video_size", "dimensions")

FILES = {
    "image_url": "image",
    "start_image_url": "image",
    "first_frame_url": "image",
    "first_image_url": "image",
    "subject_reference_image_url": "image",
    "end_image_url": "last_frame",
    "tail_image_url": "last_frame",
    "last_frame_url": "last_frame",
    "last_image_url": "last_frame",
    "video_url": "source_video",
    "control_video_url": "source_video",
    "audio_url": "audio",
    "first_audio_url": "audio",
    "ref_audio_url": "audio",
}
"""Arguments with one file, and the roles of the files."""
FILE_LISTS = ("reference_image_urls", "ref_image_urls", "image_urls", "input_image_urls")
"""Arguments with reference images."""
VIDEO_LISTS = ("video_urls", "reference_video_urls")
"""Arguments with several videos; a request has one."""
CONDITIONS = {"images": ("image", "image_url"), "video": ("source_video", "video_url")}
"""Arguments with objects around a file: the role, and the member with the URL."""
NOT_OFFERED = frozenset({"model", "size", "seconds", "sync_mode", "user", "metadata", "max_images"})
"""Arguments with the name of a request's own field, with an effect on the reply's form, or
(`max_images`) that multiply the price of `num_images`."""
AUTOMATIC = ("auto", "adaptive")
"""Beginnings of values by which an endpoint chooses a length or a size."""
NAMED_SIZES = ("1024x768", "768x1024", "1024x576", "576x1024", "1024x1024", "512x512")
"""Sizes that fal names landscape_4_3, portrait_4_3, landscape_16_9, portrait_16_9, square_hd and
square; the arguments take the numbers, too."""
SIZE_NAMES = {
    "landscape_4_3": "1024x768",
    "portrait_4_3": "768x1024",
    "landscape_16_9": "1024x576",
    "portrait_16_9": "576x1024",
    "square_hd": "1024x1024",
    "square": "512x512",
}


def first_of(names: tuple[str, ...], properties: dict[str, Schema]) -> str:
    """Return the first of the names that the endpoint has, or an empty text."""
    return next((name for name in names if name in properties), "")


def choices(schema: Schema) -> list[Any]:
    """Return the listed values of an argument, also if it accepts others."""
    if "enum" in schema:
        return list(schema["enum"])
    return [value for member in schema.get("anyOf", ()) for value in member.get("enum", ())]


def type_of(schema: Schema) -> str:
    """Return the JSON type of an argument, or an empty text if it accepts several."""
    if "type" in schema:
        return str(schema["type"])
    types = {type(value) for value in schema.get("enum", ())}
    if types == {str}:
        return "string"
    return "number" if types and types <= {int, float} else ""
