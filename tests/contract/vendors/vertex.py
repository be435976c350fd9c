"""Check create calls for Veo on Vertex AI against the SDK's converters and the model page."""

from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import unquote

import jsonschema

from rushes.catalog.model_entry import ModelEntry
from rushes.ports.http import HttpCall
from tests.contract.vendors.published_files import read

TYPES = read("vertex")
PAGE = read("vertex-documented")
SOURCE = f"{TYPES['package']} {TYPES['version']} (PyPI), {PAGE['source']} (read {PAGE['date']})"


@cache
def _validator() -> jsonschema.Draft202012Validator:
    schema = {
        "type": "object",
        "properties": TYPES["request"],
        "required": ["instances", "parameters"],
        "additionalProperties": False,
    }
    return jsonschema.Draft202012Validator(schema)


def errors(model: ModelEntry, call: HttpCall) -> list[str]:
    expected = TYPES["path"].format(model=f"/models/{model.model_at_provider}")
    if (call.method, unquote(call.path)) != ("POST", expected):
        return [f"Vertex AI has no {call.method} {call.path}"]
    invalid = [
        f"{'.'.join(map(str, error.absolute_path)) or 'body'}: {error.message[:200]}"
        for error in _validator().iter_errors(call.json)
    ]
    if model.model_at_provider not in PAGE["models"]:
        return [*invalid, f"{model.model_at_provider} is not on the page"]
    return invalid or list(_beyond(call.json, PAGE["models"][model.model_at_provider]))


def _beyond(body: dict[str, Any], limits: dict[str, Any]) -> Iterator[str]:
    """Yield the values and combinations that the page does not have."""
    (instance,), parameters = body["instances"], body["parameters"]
    allowed = {**PAGE["parameters"], "resolution": limits["resolution"]}
    for name, values in allowed.items():
        if name in parameters and parameters[name] not in values:
            yield f"{name}: {parameters[name]!r} is not in {values}"
    if "storageUri" in parameters:
        yield "storageUri: the video would be in a Google bucket"
    references = len(instance.get("referenceImages", ()))
    if references > limits["references"]:
        yield f"referenceImages: at most {limits['references']} (got {references})"
    if references and {"image", "lastFrame", "video"}.intersection(instance):
        yield "referenceImages: excludes image, lastFrame and video"
    if references and parameters["durationSeconds"] != 8:
        yield "referenceImages: requires 8 seconds"
    if "lastFrame" in instance and "image" not in instance:
        yield "lastFrame: requires image"
