"""The checks of create calls refuse wrong ones, as the vendors do.

Fal, OpenRouter and Replicate have files of their own.
"""

from dataclasses import replace
from typing import Any

import pytest

from rushes.catalog.vendor_data import read_vendor
from rushes.errors import InvalidRequest
from rushes.jobs.request import GenerationRequest, Input, Role
from rushes.ports.http import HttpCall
from rushes.providers import adapter
from tests.contract.vendors import (
    byteplus,
    dashscope,
    kling,
    kling_v1,
    luma,
    luma_dream_machine,
    minimax,
    report,
    runway,
    xai,
)

CHECKS: dict[str, Any] = {
    "kling": kling,
    "kling-v1": kling_v1,
    "minimax": minimax,
    "byteplus": byteplus,
    "dashscope": dashscope,
    "runway": runway,
    "luma": luma,
    "luma-dream-machine": luma_dream_machine,
    "xai": xai,
}
MODELS = {model.name: model for vendor in CHECKS for model in read_vendor(vendor).entries()}
H3 = "minimax/MiniMax-H3"
HAILUO = "minimax/MiniMax-Hailuo-02"
SEEDANCE_2 = "byteplus/dreamina-seedance-2-0-260128"
SEEDANCE_25 = "byteplus/dreamina-seedance-2-5-260628"
WAN = "dashscope/wan2.7-i2v"


def call_of(name: str, **fields: Any) -> HttpCall:
    """Return the call of a legal request for the model."""
    model = MODELS[name]
    default = (Role.IMAGE,) if name == WAN else tuple(model.needs)
    roles = fields.pop("roles", default)
    fields.setdefault("prompt", "A fox")
    inputs = tuple(Input(role=role, file=report.file_of(role)) for role in roles)
    request = GenerationRequest(model=name, inputs=inputs, **fields)
    job = report.job_of(model, model.validate_and_fill(request))
    call = adapter(read_vendor(model.provider).vendor.provider()).submit_request(job, model)
    return report.rendered(call)


def errors(name: str, call: HttpCall) -> list[str]:
    found: list[str] = CHECKS[MODELS[name].provider].errors(MODELS[name], call)
    return found


def changed(call: HttpCall, pointer: str, value: Any) -> HttpCall:
    """Return the call with another value in its body; None removes the member."""
    body = copied(call.json)
    *parents, last = pointer.strip("/").split("/")
    place = body
    for name in parents:
        place = place[int(name)] if isinstance(place, list) else place[name]
    if value is None:
        del place[last]
    elif isinstance(place, list):
        place.insert(int(last), value)
    else:
        place[last] = value
    return replace(call, json=body)


def copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: copied(member) for name, member in value.items()}
    return [copied(member) for member in value] if isinstance(value, list) else value


def image(role: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": "https://a.example/1.png"}, "role": role}


SOUND = {
    "type": "audio_url",
    "audio_url": {"url": "https://a.example/1.mp3"},
    "role": "reference_audio",
}
DATA_VIDEO = {
    "type": "video_url",
    "video_url": {"url": "data:video/mp4;base64,AA=="},
    "role": "reference_video",
}
WRONG_CHANGES = [
    ("kling/kling-3.0", {}, "/settings/duration", 16, "duration"),
    ("kling/kling-3.0", {}, "/settings/seed", 1, "seed"),
    ("kling/kling-2.6", {}, "/settings/audio", "native", "resolution"),
    ("kling/kling-3.0", {"roles": [Role.IMAGE]}, "/contents/1/url", "data:,", "contents"),
    ("kling/kling-o1", {}, "/settings/duration", 7, "duration"),
    ("kling/kling-o1", {}, "/settings/aspect_ratio", None, "aspect_ratio"),
    ("kling-v1/kling-v3", {}, "/duration", 5, "duration"),
    ("kling-v1/kling-v2-6", {}, "/sound", "on", "mode"),
    ("kling-v1/kling-v3", {}, "/model_name", "kling-v9", "no POST"),
    ("kling-v1/avatar", {"roles": [Role.IMAGE, Role.AUDIO]}, "/audio_id", "1", "valid under each"),
    (H3, {}, "/duration", 16, "duration"),
    (H3, {}, "/resolution", "1080P", "resolution"),
    (H3, {}, "/ratio", "adaptive", "ratio"),
    (H3, {}, "/seed", 1, "seed"),
    (H3, {}, "/content/1", SOUND, "a sound requires"),
    (H3, {"roles": [Role.IMAGE]}, "/content/1", image("reference_image"), "exclude"),
    (H3, {"roles": [Role.IMAGE]}, "/content/1", image("first_frame"), "more than one"),
    (H3, {"roles": [Role.REFERENCE] * 9}, "/content/1", image("reference_image"), "too many"),
    (H3, {}, "/content/0", {"type": "text", "text": "A fox"}, "one text"),
    (H3, {}, "/content/0/text", "x" * 7001, "too long"),
    (HAILUO, {"size": "1920x1080"}, "/duration", 10, "duration"),
    (HAILUO, {}, "/resolution", "512P", "first_frame_image"),
    (HAILUO, {}, "/last_frame_image", "https://a.example/1.png", "first_frame_image"),
    (HAILUO, {}, "/subject_reference", [], "S2V-01"),
    (
        *("minimax/MiniMax-Hailuo-2.3", {"roles": [Role.IMAGE]}, "/last_frame_image"),
        *("https://a.example/1.png", "not an argument"),
    ),
    ("minimax/T2V-01", {}, "/first_frame_image", "https://a.example/1.png", "not an argument"),
    ("minimax/S2V-01", {}, "/subject_reference", None, "S2V-01"),
    (SEEDANCE_2, {}, "/seed", 1, "seed"),
    (SEEDANCE_2, {}, "/duration", 16, "duration"),
    (SEEDANCE_2, {}, "/resolution", "2k", "resolution"),
    (SEEDANCE_2, {}, "/content/1", SOUND, "a sound requires"),
    (SEEDANCE_2, {}, "/content/1", DATA_VIDEO, "link"),
    (SEEDANCE_2, {}, "/content/1", image("last_frame"), "requires first_frame"),
    (SEEDANCE_2, {"roles": [Role.IMAGE]}, "/content/1", image("reference_image"), "exclude"),
    (SEEDANCE_2, {"roles": [Role.IMAGE]}, "/content/1", image("first_frame"), "2 of first_frame"),
    (SEEDANCE_25, {"roles": [Role.IMAGE]}, "/ratio", "16:9", "adaptive"),
    (SEEDANCE_25, {"roles": [Role.SOURCE_VIDEO]}, "/duration", 5, "edit requires -1"),
    (SEEDANCE_25, {}, "/omni_reference_task_type", "extend", "requires a video"),
    ("byteplus/seedance-1-0-pro-250528", {}, "/generate_audio", True, "generate_audio"),
    ("byteplus/seedance-1-0-pro-250528", {}, "/ratio", "adaptive", "ratio"),
    (WAN, {}, "/input/img_url", "https://a.example/1.png", "img_url"),
    (WAN, {}, "/parameters/size", "1280*720", "size"),
    (WAN, {}, "/parameters/resolution", "720p", "resolution"),
    (WAN, {}, "/parameters/seed", "7", "seed"),
    (WAN, {}, "/input/media/0/type", "image", "media"),
    (WAN, {}, "/input/frames", 1, "no such member"),
    (WAN, {"roles": [Role.IMAGE, Role.LAST_FRAME]}, "/input/media/0/type", "video", "media"),
    ("dashscope/wan2.6-t2v", {}, "/parameters/duration", 7, "duration"),
]


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, model in MODELS.items()
        if not any(option.required for option in model.options.values())
    ],
)
def test_legal_call_is_accepted(name: str) -> None:
    assert errors(name, call_of(name)) == []


@pytest.mark.parametrize(("name", "fields", "pointer", "value", "part"), WRONG_CHANGES)
def test_check_refuses_a_wrong_body(
    name: str, fields: dict[str, Any], pointer: str, value: Any, part: str
) -> None:
    call = call_of(name, **fields)
    assert errors(name, call) == []
    found = errors(name, changed(call, pointer, value))
    assert any(part in error for error in found), found


@pytest.mark.parametrize("name", ["kling/kling-3.0", "kling-v1/kling-v3", H3, SEEDANCE_2, WAN])
def test_check_refuses_another_path_or_model(name: str) -> None:
    call = call_of(name)
    assert errors(name, replace(call, path="/v1/other"))
    if "model" in call.json:
        assert errors(name, changed(call, "/model", "other"))


def test_check_refuses_the_path_of_another_model_of_kling() -> None:
    call = call_of("kling/kling-2.5-turbo")
    (error,) = errors("kling/kling-3.0-turbo", call)
    assert "not a path of the model" in error


def test_check_refuses_a_synchronous_call_of_dashscope() -> None:
    (error,) = errors(WAN, replace(call_of(WAN), headers={}))
    assert "x-dashscope-async" in error


@pytest.mark.parametrize(
    ("name", "option", "roles"),
    [
        ("kling/kling-3.0", "elements", [Role.IMAGE]),
        ("kling/kling-3.0-omni", "elements", []),
        ("kling/kling-o1", "elements", []),
        ("kling-v1/kling-v3-omni", "element_list", []),
    ],
)
def test_elements_are_among_the_contents(name: str, option: str, roles: list[Role]) -> None:
    value = CHECKS[MODELS[name].provider].example(MODELS[name], option)
    call = call_of(name, roles=roles, provider_options={option: value})
    assert errors(name, call) == []
    members = call.json.get("contents") or call.json[option]
    assert value[0] in members


@pytest.mark.parametrize(
    ("name", "fields", "message"),
    [
        ("kling/kling-3.0", {"seconds": 16}, "seconds"),
        ("kling/kling-2.6", {"generate_audio": True, "size": "1280x720"}, "resolution"),
        ("kling/kling-3.0", {"roles": [Role.LAST_FRAME]}, "image"),
        (H3, {"roles": [Role.AUDIO]}, "reference"),
        (HAILUO, {"seconds": 10, "size": "1920x1080"}, "seconds"),
        (SEEDANCE_2, {"roles": [Role.IMAGE, Role.REFERENCE]}, "reference"),
        (SEEDANCE_25, {"provider_options": {"omni_reference_task_type": "extend"}}, "source_video"),
        ("dashscope/wan2.6-t2v", {"seconds": 7}, "seconds"),
        (WAN, {"roles": []}, "requires image"),
    ],
)
def test_request_that_the_vendor_refuses_is_refused_before_the_call(
    name: str, fields: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidRequest, match=message):
        call_of(name, **fields)


RUNWAY_HEADERS = {"x-runway-version": "2024-11-06"}
GEN45 = {"model": "gen4.5", "promptText": "A fox", "ratio": "1280:720", "duration": 5}
RUNWAY_HAILUO = {"model": "hailuo3", "promptText": "A fox"}
LAST = {"uri": "https://a.example/1.png", "position": "last"}
RAY = {"model": "ray-3.2", "type": "video", "prompt": "A fox"}
FRAME = {"url": "https://a.example/1.png"}
GROK = {"model": "grok-imagine-video-1.5", "prompt": "A fox"}
OLD_GROK = {"model": "grok-imagine-video", "prompt": "A fox"}
ONE_IMAGE = {"reference_images": [FRAME]}
WRONG_BODIES = [
    ("runway/gen4.5", "/text_to_video", {**GEN45, "ratio": "960:960"}, "ratio"),
    ("runway/gen4.5", "/text_to_video", {**GEN45, "negativePrompt": "rain"}, "negativePrompt"),
    ("runway/gen4.5", "/text_to_video", {"model": "gen4.5", "promptText": "A"}, "duration"),
    ("runway/gen4.5", "/video_to_video", GEN45, "no POST /video_to_video"),
    ("runway/hailuo3", "/image_to_video", {**RUNWAY_HAILUO, "promptImage": [LAST]}, "positions"),
    ("luma/ray-3.2", "/generations", {**RAY, "video": {"duration": "8s"}}, "video"),
    ("luma/ray-3.2", "/generations", {**RAY, "seed": 1}, "seed"),
    ("luma/ray-3.2", "/generations", {**RAY, "model": "ray-2"}, "model"),
    (
        "luma/ray-3.2",
        "/generations",
        {**RAY, "video": {"duration": "10s", "start_frame": FRAME}},
        "exclude 10s",
    ),
    (
        "luma/ray-3.2",
        "/generations",
        {**RAY, "video": {"duration": "5s", "keyframes": [FRAME], "keyframe_indexes": [121]}},
        "longer than 5s",
    ),
    ("luma/ray-3.2/edit", "/generations", {**RAY, "type": "video_edit"}, "source"),
    ("luma-dream-machine/ray-2", "/generations/video", {"model": "ray-2", "seed": 1}, "seed"),
    ("luma-dream-machine/ray-2", "/generations", {"model": "ray-2"}, "no POST"),
    ("xai/grok-imagine-video-1.5", "/videos/generations", {**GROK, "seed": 1}, "seed"),
    ("xai/grok-imagine-video-1.5", "/videos/generations", {**GROK, "duration": 16}, "duration"),
    ("xai/grok-imagine-video-1.5", "/videos/edits", GROK, "no POST /videos/edits"),
    (
        "xai/grok-imagine-video-1.5",
        "/videos/generations",
        {**GROK, **ONE_IMAGE, "resolution": "1080p"},
        "resolution",
    ),
    (
        "xai/grok-imagine-video",
        "/videos/generations",
        {**OLD_GROK, **ONE_IMAGE, "image": FRAME},
        "excludes reference_images",
    ),
    (
        "xai/grok-imagine-video",
        "/videos/generations",
        {**OLD_GROK, **ONE_IMAGE, "duration": 11},
        "duration",
    ),
]


@pytest.mark.parametrize(("name", "path", "body", "part"), WRONG_BODIES)
def test_check_refuses_a_wrong_call(name: str, path: str, body: dict[str, Any], part: str) -> None:
    found = errors(name, HttpCall("POST", path, json=body, headers=RUNWAY_HEADERS))
    assert any(part in error for error in found), found
