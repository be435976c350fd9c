"""Check create calls for Luma Agents against its SDK's request type and documented rules."""

from collections.abc import Iterator
from typing import Any

from rushes.catalog.model_entry import ModelEntry
from rushes.ports.http import HttpCall
from tests.contract.vendors.published_files import read
from tests.contract.vendors.schema_checks import body_errors

TYPES = read("luma")
SOURCE = f"{TYPES['package']} {TYPES['version']} (PyPI)"
FRAMES = ("start_frame", "end_frame")
LAST_POSITION = {"5s": 120, "10s": 240}


def errors(model: ModelEntry, call: HttpCall) -> list[str]:
    schema = TYPES["requests"].get(call.path)
    if call.method != "POST" or schema is None:
        return [f"Luma has no {call.method} {call.path}"]
    if call.json.get("model") != model.model_at_provider:
        return [f"model: {call.json.get('model')!r} is not the model"]
    invalid = body_errors(schema, call.json)
    return invalid or [*_wrong_source(call.json), *_wrong_video(call.json)]


def _wrong_source(body: dict[str, Any]) -> Iterator[str]:
    """Yield a missing source, or a video without its type."""
    if body["type"] in ("video", "image"):
        return
    if "source" not in body:
        yield f"source: {body['type']} requires it"
    elif body["type"].startswith("video_") and "video/" not in body["source"]["media_type"]:
        yield "source.media_type: must be a video's"


def _wrong_video(body: dict[str, Any]) -> Iterator[str]:
    """Yield combinations that the documentation of the types excludes."""
    video = body.get("video", {})
    long, hdr = video.get("duration") == "10s", video.get("hdr", False)
    if body["type"] == "video" and set(video).intersection(FRAMES) and (long or hdr):
        yield "video: start_frame and end_frame exclude 10s and hdr"
    if video.get("loop") and (long or hdr or {"end_frame", "keyframes"}.intersection(video)):
        yield "video.loop: excludes 10s, hdr, end_frame and keyframes"
    if hdr and (long or video.get("resolution") not in ("720p", "1080p")):
        yield "video.hdr: requires 5s and 720p or 1080p"
    if video.get("exr_export") and not hdr:
        yield "video.exr_export: requires hdr"
    if "keyframes" in video:
        yield from _misplaced(video)


def _misplaced(video: dict[str, Any]) -> Iterator[str]:
    positions = video.get("keyframe_indexes", [])
    if len(positions) != len(video["keyframes"]) or sorted(set(positions)) != positions:
        yield f"video.keyframe_indexes: {positions} for {len(video['keyframes'])} keyframes"
    if any(position > LAST_POSITION[video["duration"]] for position in positions):
        yield f"video.keyframe_indexes: {positions} is longer than {video['duration']}"
    if set(video).intersection(FRAMES):
        yield "video.keyframes: exclude start_frame and end_frame"
