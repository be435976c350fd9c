"""The check of Replicate's create calls finds wrong arguments; prices of examples, output forms."""

from typing import Any

import pytest

from rushes.catalog.vendor_data import read_vendor
from rushes.errors import InvalidRequest
from rushes.jobs.request import GenerationRequest, Input, Role
from rushes.ports.http import HttpCall
from rushes.providers.base import Succeeded
from rushes.providers.replicate.adapter import Replicate
from tests.contract.vendors import replicate
from tests.contract.vendors.refresh_replicate import published_model
from tests.unit.providers.job import json_reply

ENTRIES = {model.model_at_provider: model for model in read_vendor("replicate").entries()}
OUTPUTS = {
    name: model["output"]
    for name, model in replicate.PUBLISHED["models"].items()
    if "output" in model
}
URL = "https://replicate.delivery/1.mp4"


def errors(identifier: str, **arguments: Any) -> list[str]:
    path = f"/models/{identifier}/predictions"
    call = HttpCall("POST", path, json={"input": {"prompt": "a", **arguments}})
    return replicate.errors(ENTRIES[identifier], call)


def test_legal_call_is_accepted():
    assert errors("google/veo-3.1", duration=8, image=URL, last_frame=URL) == []


@pytest.mark.parametrize(
    ("identifier", "arguments", "error"),
    [
        ("google/veo-3.1", {"duration": "8s"}, "duration: "),
        ("google/veo-3.1", {"duration": 5}, "duration: "),
        ("google/veo-3.1", {"last_frame": URL}, "last_frame needs image"),
        ("google/veo-3.1", {"last_frame_image": URL}, "Additional properties"),
        ("google/veo-3.1", {"reference_images": [URL], "duration": 4}, "reference_images only"),
        ("google/veo-3.1-lite", {"resolution": "1080p", "duration": 4}, "1080p only"),
        ("bytedance/seedance-2.0", {"image": URL, "reference_images": [URL]}, "excludes"),
        ("bytedance/seedance-2.0", {"reference_audios": [URL]}, "need an image or a video"),
        ("bytedance/seedance-2.5", {"image": URL, "aspect_ratio": "16:9"}, "adaptive"),
        ("kwaivgi/kling-o1", {"duration": 7}, "5 or 10 seconds"),
        ("kwaivgi/kling-v2.1", {"start_image": URL, "end_image": URL}, "only in pro mode"),
        ("minimax/hailuo-2.3", {"resolution": "1080p", "duration": 10}, "6 seconds"),
        ("wan-video/wan-2.2-t2v-fast", {"num_frames": 17}, "num_frames: "),
    ],
)
def test_wrong_argument_is_found(identifier: str, arguments: dict[str, Any], error: str):
    found = errors(identifier, **arguments)
    assert any(error in each for each in found), found


def test_call_of_another_path_or_body_is_found():
    model = ENTRIES["google/veo-3.1"]
    assert replicate.errors(model, HttpCall("POST", "/predictions", json={"input": {}}))
    path = "/models/google/veo-3.1/predictions"
    assert replicate.errors(model, HttpCall("POST", path, json={"input": {}, "webhook": URL}))


@pytest.mark.parametrize("name", OUTPUTS)
def test_each_published_output_type_yields_its_files(name: str):
    output = OUTPUTS[name]
    is_list = output["type"] == "array"
    assert (output["items"] if is_list else output) == {"type": "string", "format": "uri"}
    reply = json_reply(
        {"id": "p1", "status": "succeeded", "output": [URL, URL] if is_list else URL}
    )
    result = Replicate().parse_poll({"id": "p1"}, reply)
    assert isinstance(result, Succeeded)
    assert [file.url for file in result.outputs] == [URL] * (2 if is_list else 1)


@pytest.mark.parametrize(
    ("identifier", "fields", "roles", "dollars"),
    [
        ("google/veo-3.1", {"seconds": 8}, (), 3.2),
        ("google/veo-3.1", {"seconds": 8, "generate_audio": False}, (), 1.6),
        ("kwaivgi/kling-v3-video", {"seconds": 5, "size": "1920x1080"}, (), 1.12),
        ("kwaivgi/kling-v3-video", {"seconds": 5, "size": "3840x2160"}, (), 2.1),
        ("bytedance/seedance-2.5", {"seconds": 5}, (Role.SOURCE_VIDEO,), 4.838),
        ("wan-video/wan-2.2-i2v-fast", {"seconds": 7}, (Role.IMAGE,), 0.05),
        (
            "wan-video/wan-2.2-i2v-fast",
            {"size": "1280x720", "provider_options": {"interpolate_output": True}},
            (Role.IMAGE,),
            0.145,
        ),
        ("prunaai/p-video", {"seconds": 10, "provider_options": {"draft": True}}, (), 0.05),
        ("openai/gpt-image-2", {"provider_options": {"number_of_images": 3}}, (), 0.384),
    ],
)
def test_price_of_a_request(
    identifier: str, fields: dict[str, Any], roles: tuple[Role, ...], dollars: float
):
    model = ENTRIES[identifier]
    inputs = tuple(Input(role=role) for role in roles)
    request = GenerationRequest(model=identifier, prompt="a", inputs=inputs, **fields)
    assert model.price(model.validate_and_fill(request)) == pytest.approx(dollars)


def test_combination_that_replicate_forbids_is_refused_by_name():
    inputs = (Input(role=Role.REFERENCE),)
    request = GenerationRequest(model="m", prompt="a", seconds=4, inputs=inputs)
    with pytest.raises(InvalidRequest, match="seconds must be one of 8 with reference") as caught:
        ENTRIES["google/veo-3.1"].validate_and_fill(request)
    assert caught.value.param == "seconds"


def test_schema_of_the_api_is_published_with_its_enums_in_place():
    openapi = {
        "components": {
            "schemas": {
                "Input": {
                    "type": "object",
                    "required": ["prompt"],
                    "properties": {
                        "prompt": {"type": "string", "title": "Prompt", "x-order": 0},
                        "duration": {
                            "allOf": [{"$ref": "#/components/schemas/duration"}],
                            "default": 8,
                            "description": "Seconds",
                        },
                        "images": {
                            "type": "array",
                            "items": {"type": "string", "format": "uri", "title": "Image"},
                        },
                    },
                },
                "duration": {"type": "integer", "enum": [4, 8], "title": "duration"},
                "Output": {"type": "string", "format": "uri", "title": "Output"},
            }
        }
    }
    assert published_model(openapi, "2026-11-28") == {
        "read": "2026-11-28",
        "input": {
            "type": "object",
            "properties": {
                "prompt": {"type": "string"},
                "duration": {"type": "integer", "enum": [4, 8], "default": 8},
                "images": {"type": "array", "items": {"type": "string", "format": "uri"}},
            },
            "required": ["prompt"],
            "additionalProperties": False,
        },
        "output": {"type": "string", "format": "uri"},
    }
