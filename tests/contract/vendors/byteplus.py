"""Check create calls for ModelArk against the types of its SDK and the documented combinations."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from rushes.catalog.model_entry import ModelEntry
from rushes.ports.http import HttpCall
from tests.contract.vendors.published_files import read
from tests.contract.vendors.schema_checks import Schema, body_errors

TYPES = read("byteplus")
DOCUMENTED = read("byteplus-documented")
SOURCE = f"{TYPES['package']} {TYPES['version']} (PyPI), documentation (read {DOCUMENTED['date']})"
FRAMES = ("first_frame", "last_frame")
VISIBLE = ("reference_image", "reference_video")
ANY_LENGTH = -1


def errors(model: ModelEntry, call: HttpCall) -> list[str]:
    if (call.method, call.path) != ("POST", TYPES["path"]):
        return [f"ModelArk has no {call.method} {call.path}"]
    documented = DOCUMENTED["models"].get(model.model_at_provider)
    if documented is None or call.json.get("model") != model.model_at_provider:
        return [f"model: {call.json.get('model')!r} is not the model"]
    return body_errors(TYPES["request"], call.json) or [
        *body_errors(_schema(documented), call.json),
        *_forbidden(documented, call.json),
    ]


def _schema(documented: dict[str, Any]) -> Schema:
    """Return the fields of the model with their values."""
    fields = [*DOCUMENTED["fields"]["all"], *DOCUMENTED["fields"][documented["family"]]]
    lowest, highest = documented["seconds"]
    any_length = [{"const": ANY_LENGTH}] if documented["any_length"] else []
    values: dict[str, Schema] = {
        "resolution": {"enum": documented["resolutions"]},
        "ratio": {"enum": DOCUMENTED["ratios"]},
        "duration": {"anyOf": [{"minimum": lowest, "maximum": highest}, *any_length]},
        **{name: {"enum": allowed} for name, allowed in DOCUMENTED["values"].items()},
        **{
            name: {"minimum": bounds[0], "maximum": bounds[1]}
            for name, bounds in DOCUMENTED["ranges"].items()
        },
    }
    return {
        "properties": {name: values.get(name, {}) for name in fields},
        "additionalProperties": False,
    }


def _forbidden(documented: dict[str, Any], body: dict[str, Any]) -> Iterator[str]:
    files = Counter(item["role"] for item in body["content"] if item["type"] != "text")
    yield from _forbidden_files(documented, files)
    for item in body["content"]:
        if item["type"] == "video_url" and not item["video_url"]["url"].startswith("https://"):
            yield "content: a video is given as a link"
    if documented["family"] == "1.0" and not files and body.get("ratio") == "adaptive":
        yield "ratio: text excludes adaptive"
    if documented["family"] == "2.5":
        yield from _forbidden_2_5(set(files), body)


def _forbidden_files(documented: dict[str, Any], files: Counter[str]) -> Iterator[str]:
    for role, number in files.items():
        if number > documented["roles"].get(role, 0):
            yield f"content: {number} of {role}"
    roles = set(files)
    if roles.intersection(FRAMES) and not roles.issubset(FRAMES):
        yield "content: frames exclude references"
    if "last_frame" in roles and "first_frame" not in roles:
        yield "content: last_frame requires first_frame"
    alone = "reference_audio" in roles and not roles.intersection(VISIBLE)
    if alone and not documented["audio_alone"]:
        yield "content: a sound requires an image or a video"


def _forbidden_2_5(files: set[str], body: dict[str, Any]) -> Iterator[str]:
    task = body.get("omni_reference_task_type")
    if (files.intersection(FRAMES) or task in ("edit", "extend")) and body["ratio"] != "adaptive":
        yield "ratio: must be adaptive"
    if task in ("edit", "extend") and "reference_video" not in files:
        yield f"omni_reference_task_type: {task} requires a video"
    if task == "edit" and body["duration"] != ANY_LENGTH:
        yield "duration: edit requires -1"
