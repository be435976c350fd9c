"""Check create calls for OpenRouter against its SDK and its list of models."""

from collections.abc import Iterator
from typing import Any

from rushes.catalog.model_entry import ModelEntry
from rushes.ports.http import HttpCall
from tests.contract.vendors.published_files import read
from tests.contract.vendors.schema_checks import body_errors

TYPES = read("openrouter")
LISTED = read("openrouter-models")
SOURCE = f"{TYPES['package']} {TYPES['version']} (PyPI), {LISTED['source']} (read {LISTED['date']})"
MODALITIES = {"image_url": "image", "video_url": "video", "audio_url": "audio"}
CHOICES = {
    "resolution": "resolutions",
    "aspect_ratio": "aspect_ratios",
    "size": "sizes",
    "creativity": "creativity",
}
"""Arguments with listed values, by the field of the list."""
DECLARED = ("generate_audio", "seed", "upscale_factor")
"""Arguments that only models take whose entry in the list says so."""


def errors(model: ModelEntry, call: HttpCall) -> list[str]:
    if (call.method, call.path) != ("POST", "/videos"):
        return [f"OpenRouter has no {call.method} {call.path}"]
    invalid = body_errors(TYPES["request"], call.json)
    listed = LISTED["models"].get(model.model_at_provider)
    if listed is None:
        return [*invalid, f"{model.model_at_provider} is not in the list of models"]
    if call.json.get("model") != model.model_at_provider:
        invalid.append(f"model: {call.json.get('model')!r} is not the model")
    return invalid or list(_unlisted(call.json, listed))


def _unlisted(body: dict[str, Any], listed: dict[str, Any]) -> Iterator[str]:
    """Yield the arguments that the list does not have for the model."""
    for argument, field in CHOICES.items():
        if argument in body and body[argument] not in (listed.get(field) or ()):
            yield f"{argument}: {body[argument]!r} is not in {field}"
    for argument in DECLARED:
        if argument in body and not listed.get(argument):
            yield f"{argument}: the model does not declare it"
    if "duration" in body and not _has_duration(listed["durations"], body["duration"]):
        yield f"duration: {body['duration']!r} is not in {listed['durations']}"
    if "size" in body and {"resolution", "aspect_ratio"}.intersection(body):
        yield "size: excludes resolution and aspect_ratio"
    yield from _unlisted_files(body, listed)
    yield from _dropped_options(body, listed)


def _dropped_options(body: dict[str, Any], listed: dict[str, Any]) -> Iterator[str]:
    for slug, options in body.get("provider", {}).get("options", {}).items():
        for option in set(options) - set(listed["passthrough_options"]):
            yield f"provider.options.{slug}.{option}: dropped silently"


def _unlisted_files(body: dict[str, Any], listed: dict[str, Any]) -> Iterator[str]:
    frames, references = body.get("frame_images", ()), body.get("input_references", ())
    for frame in frames:
        if frame["frame_type"] not in (listed["frame_images"] or ()):
            yield f"frame_images: the model has no {frame['frame_type']}"
    for reference in references:
        if MODALITIES[reference["type"]] not in listed["input_modalities"]:
            yield f"input_references: the model reads no {reference['type']}"
    if frames and references:
        yield "frame_images and input_references: the references are ignored"


def _has_duration(durations: dict[str, int] | list[int] | None, seconds: int) -> bool:
    if isinstance(durations, dict):
        return seconds in range(durations["min"], durations["max"] + 1, durations["step"])
    return seconds in (durations or ())
