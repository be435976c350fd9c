"""Tests of fal's arguments and request headers."""

import base64
from typing import Any

import pytest

from rushes.dialects.fal_queue.fal_arguments import FILES, read_arguments
from rushes.errors import InvalidRequest
from rushes.jobs.request import Role
from tests.unit.dialects.api_client import (
    CATALOG,
    PNG,
    Caller,
    Reply,
    Texts,
    assert_refused_in_queue,
    cases,
)

IMAGE_DATA_URL = "data:image/png;base64," + base64.b64encode(PNG).decode()
URL = "https://images.example/1"


def create(caller: Caller, headers: Texts = None, **fields: Any) -> Reply:
    return caller.call("POST", "/fal/sandbox/video", {"prompt": "a cat", **fields}, headers)


def test_arguments_are_read_by_fals_names(caller: Caller):
    fields: dict[str, Any] = {"duration": "8s", "seed": 7, "negative_prompt": "dogs"}
    size = {"width": 720, "height": 1280}
    reply = create(caller, **fields, video_size=size, guidance_scale=5)
    request = caller.job(reply).request
    assert (request.model, request.seconds, request.size) == ("sandbox/video", 8, "720x1280")
    assert (request.seed, request.negative_prompt) == (7, "dogs")
    assert request.provider_options == {"guidance_scale": 5}


@pytest.mark.parametrize("duration", [8, "8", "8s", 8.0])
def test_duration_may_be_number_or_text(caller: Caller, duration: Any):
    assert caller.job(create(caller, duration=duration)).request.seconds == 8


@pytest.mark.parametrize(
    ("value", "size"),
    [
        ("landscape_16_9", "1024x576"),
        ("portrait_4_3", "768x1024"),
        ("1280x720", "1280x720"),
        ({"width": 640, "height": 480}, "640x480"),
        (None, None),
    ],
)
def test_size_may_be_name_or_width_and_height(value: Any, size: str | None):
    for name in ("video_size", "image_size"):
        request, _ = read_arguments("a/b", {"prompt": "x", name: value})
        assert request.size == size


@pytest.mark.parametrize("field", FILES)
def test_file_argument_has_its_role(field: str):
    value: Any = [URL] if FILES[field] is Role.REFERENCE else URL
    request, uploads = read_arguments("a/b", {field: value, "generate_audio": True})
    assert [(file.role, file.url) for file in request.inputs] == [(FILES[field], URL)]
    assert (uploads, request.generate_audio, request.provider_options) == ((), True, {})


def test_references_may_mix_urls_and_data_urls():
    fields = {"image_urls": [URL, IMAGE_DATA_URL], "audio_url": None}
    request, uploads = read_arguments("a/b", fields)
    assert [file.role for file in request.inputs] == [Role.REFERENCE]
    assert [(role, upload.content) for role, upload in uploads] == [(Role.REFERENCE, PNG)]


INVALID = {
    "image_size": [{"image_size": "square", "video_size": "square"}],
    "video_size": [{"video_size": 5}],
    "video_size.height": [
        {"video_size": {"width": 5}},
        {"video_size": {"width": 5, "height": 0}},
    ],
    "video_size.depth": [{"video_size": {"width": 5, "height": 5, "depth": 5}}],
    "first_frame_url": [{"image_url": URL, "first_frame_url": URL}],
    "image_urls": [{"image_urls": URL}, {"image_urls": [5]}],
    "image_url": [{"image_url": "a cat"}, {"image_url": "data:image/png;base64,!"}],
    "generate_audio": [{"generate_audio": "perhaps"}],
}


@pytest.mark.parametrize(("named", "fields"), cases(INVALID))
def test_read_arguments_refuses_invalid_argument_by_name(fields: dict[str, Any], named: str):
    with pytest.raises(InvalidRequest) as refusal:
        read_arguments("a/b", fields)
    assert refusal.value.param == named


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"duration": 5}, "duration: "),
        ({"video_size": "4x4"}, "video_size: "),
        ({"aspect_ratio": "4:3"}, "aspect_ratio: "),
        ({"resolution": "480p"}, "resolution: "),
        ({"generate_audio": True}, "generate_audio"),
        ({"audio_url": URL}, "does not accept audio"),
        ({"end_image_url": IMAGE_DATA_URL}, "end_image_url: "),
    ],
)
def test_create_refuses_unsupported_argument_by_fals_name(
    caller: Caller, fields: dict[str, Any], named: str
):
    reply = create(caller, **fields)
    assert_refused_in_queue(reply, named)
    assert reply.headers["x-fal-error-type"]


def test_create_refuses_missing_file_by_fals_name(caller: Caller):
    model = CATALOG.models[0].model_copy(update={"needs": (Role.IMAGE,)})
    caller.use(CATALOG.model_copy(update={"models": (model,)}))
    assert_refused_in_queue(create(caller), "image_url: sandbox/video requires image")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("queue-priority", "normal"), ("runner-hint", "h"), ("no-retry", "1"),
        ("disable-fallbacks", "true"), ("store-io", "1"),
    ],
)  # fmt: skip
def test_headers_without_effect_are_accepted(caller: Caller, name: str, value: str):
    assert caller.job(create(caller, {f"x-fal-{name}": value})).preferences == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-fal-queue-priority", "low"),
        ("x-fal-store-io", "0"),
        ("x-fal-object-lifecycle-preference", '{"expiration_duration_seconds": 5}'),
        ("x-fal-request-timeout", "soon"),
    ],
)
def test_unsupported_header_value_is_refused_by_name(caller: Caller, name: str, value: str):
    assert_refused_in_queue(create(caller, {name: value}), name)


@pytest.mark.parametrize("name", ["image_urls", "reference_image_urls"])
@pytest.mark.parametrize("value", [URL, IMAGE_DATA_URL, 5, None])
def test_list_of_images_has_at_most_32_members(caller: Caller, name: str, value: Any):
    fields: dict[str, Any] = {name: [value] * 33}
    reply = create(caller, **fields)
    assert_refused_in_queue(reply, f"{name} must have at most 32 members")
