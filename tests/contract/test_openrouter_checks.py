"""The check of OpenRouter's create calls finds each kind of wrong argument; prices of examples."""

from typing import Any

import pytest

from rushes.catalog.model_entry import ModelEntry
from rushes.catalog.vendor_data import read_vendor
from rushes.jobs.request import GenerationRequest, Input, Role
from rushes.ports.http import HttpCall
from rushes.providers.states import State, state_of
from tests.contract.vendors import openrouter

ENTRIES = {model.model_at_provider: model for model in read_vendor("openrouter").entries()}
VEO = {"model": "google/veo-3.1", "prompt": "a", "duration": 8}
URL = {"url": "https://a.example/1"}


def errors(body: dict[str, Any], identifier: str = "google/veo-3.1") -> list[str]:
    return openrouter.errors(ENTRIES[identifier], HttpCall("POST", "/videos", json=body))


def test_legal_call_is_accepted():
    assert errors({**VEO, "resolution": "4K", "aspect_ratio": "16:9", "seed": 1}) == []


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"duration": 5}, "duration: 5"),
        ({"duration": "8"}, "duration: '8' is not valid"),
        ({"resolution": "4k"}, "resolution: '4k' is not valid"),
        ({"resolution": "480p"}, "resolution: '480p' is not in"),
        ({"aspect_ratio": "1:1"}, "aspect_ratio: '1:1' is not in"),
        ({"negative_prompt": "b"}, "Additional properties"),
        ({"model": "google/veo-3.1-fast"}, "model: 'google/veo-3.1-fast'"),
        ({"size": "1280x720", "resolution": "720p"}, "size: excludes"),
        ({"upscale_factor": 2}, "upscale_factor"),
        ({"provider": {"options": {"google-vertex": {"cfg_scale": 1}}}}, "dropped silently"),
        ({"provider": {"options": {"no-provider": {}}}}, "provider: "),
        ({"input_references": [{"type": "video_url", "video_url": URL}]}, "reads no video_url"),
        ({"frame_images": [{"type": "image_url", "image_url": URL}]}, "frame_images: "),
    ],
)
def test_wrong_argument_is_found(change: dict[str, Any], error: str):
    found = errors({**VEO, **change})
    assert any(error in each for each in found), found


def test_argument_that_the_model_does_not_declare_is_found():
    hailuo = {"model": "minimax/hailuo-2.3", "prompt": "a"}
    found = errors({**hailuo, "seed": 1, "generate_audio": True}, "minimax/hailuo-2.3")
    assert [each.partition(":")[0] for each in found] == ["generate_audio", "seed"]
    last = {"type": "image_url", "image_url": URL, "frame_type": "last_frame"}
    found = errors({**hailuo, "frame_images": [last]}, "minimax/hailuo-2.3")
    assert found == ["frame_images: the model has no last_frame"]


def test_adapter_knows_each_status_of_the_sdk():
    assert {status: state_of(status) for status in openrouter.TYPES["statuses"]} == {
        "pending": State.QUEUED,
        "in_progress": State.RUNNING,
        "completed": State.SUCCEEDED,
        "failed": State.FAILED,
        "cancelled": State.CANCELLED,
        "expired": State.FAILED,
    }


def test_catalog_has_each_listed_model():
    assert set(ENTRIES) == set(openrouter.LISTED["models"])


@pytest.mark.parametrize(
    ("identifier", "request_fields", "roles", "dollars"),
    [
        ("google/veo-3.1", {"seconds": 8, "size": "1920x1080"}, (), 3.2),
        ("google/veo-3.1", {"seconds": 8, "size": "3840x2160", "generate_audio": False}, (), 3.2),
        ("google/veo-3.1-fast", {"seconds": 4, "size": "1280x720"}, (), 0.4),
        ("x-ai/grok-imagine-video-1.5", {"seconds": 10, "size": "1280x720"}, (Role.IMAGE,), 1.41),
        ("bytedance/seedance-2.0", {"seconds": 5, "size": "1280x720"}, (), 0.756),
        (
            "bytedance/seedance-2.0",
            {"seconds": 5, "size": "1280x720"},
            (Role.SOURCE_VIDEO,),
            0.4644,
        ),
        ("kwaivgi/kling-v3.0-std", {"seconds": 5, "size": "1280x720"}, (), 0.63),
        ("alibaba/wan-2.6", {"seconds": 5, "size": "1280x720"}, (Role.IMAGE,), 0.5),
        ("minimax/hailuo-3", {"seconds": 5, "size": "2560x1440"}, (Role.REFERENCE,), 0.69),
    ],
)
def test_price_of_a_request(
    identifier: str, request_fields: dict[str, Any], roles: tuple[Role, ...], dollars: float
):
    inputs = tuple(Input(role=role) for role in roles)
    request = GenerationRequest(model=identifier, prompt="a", inputs=inputs, **request_fields)
    assert price(ENTRIES[identifier], request) == pytest.approx(dollars)


def price(model: ModelEntry, request: GenerationRequest) -> float:
    return model.price(model.validate_and_fill(request))
