"""Check create calls for the Gemini API against the types of its SDK and the Omni page."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema

from rushes.catalog.model_entry import ModelEntry
from rushes.ports.http import HttpCall
from tests.contract.vendors.published_files import read

TYPES = read("google")
PAGE = read("google-documented")
SOURCE = f"{TYPES['package']} {TYPES['version']} (PyPI), {PAGE['source']} (copy of {PAGE['date']})"
DURATION = re.compile(r"([1-9]\d*)s")
"""Duration of protobuf in JSON."""


@cache
def _validator() -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator({**TYPES["request"], "$defs": TYPES["$defs"]})


def errors(model: ModelEntry, call: HttpCall) -> list[str]:
    path = TYPES["path"].removeprefix("/{api_version}")
    if (call.method, call.path) != ("POST", path):
        return [f"the Interactions API has no {call.method} {call.path}"]
    invalid = [
        f"{'.'.join(map(str, error.absolute_path)) or 'body'}: {error.message[:200]}"
        for error in _validator().iter_errors(call.json)
    ]
    if call.json.get("background") is not True:
        invalid.append("background: the call would wait for the result")
    limits = PAGE["models"].get(model.model_at_provider)
    return invalid or (list(_beyond(call.json, limits)) if limits else [])


def _beyond(body: dict[str, Any], limits: dict[str, Any]) -> Iterator[str]:
    """Yield the arguments of an Omni model that its page does not allow."""
    task = body["generation_config"]["video_config"]["task"]
    kinds = [block["type"] for block in body["input"]]
    text = next(block["text"] for block in body["input"] if block["type"] == "text")
    if task not in PAGE["tasks"]:
        yield f"task: {task!r} is not documented"
    for kind in ("image", "video"):
        if kinds.count(kind) > limits[f"{kind}s"]:
            yield f"input: {kinds.count(kind)} of type {kind}"
    if (task == "text_to_video") is not (kinds == ["text"]):
        yield f"task: {task} with {kinds}"
    tags = {"image_to_video": "<FIRST_FRAME>", "edit": "<VIDEO_0>@Video1"}
    if (tag := tags.get(task)) and tag not in text:
        yield f"input: the prompt lacks {tag}"
    if ("<LAST_FRAME>" in text) is not (task == "image_to_video" and kinds.count("image") == 2):
        yield "input: <LAST_FRAME> does not fit the images"
    yield from _invalid_duration(task, body["response_format"], limits)


def _invalid_duration(
    task: str, response_format: dict[str, Any], limits: dict[str, Any]
) -> Iterator[str]:
    if task == "edit":
        if {"duration", "aspect_ratio"}.intersection(response_format):
            yield "response_format: an edited video keeps its length and ratio"
        return
    lowest, highest = limits["seconds_with_frames" if task == "image_to_video" else "seconds"]
    match = DURATION.fullmatch(response_format["duration"])
    if match is None or not lowest <= int(match[1]) <= highest:
        yield f"duration: {response_format['duration']!r} is not {lowest}s to {highest}s"
