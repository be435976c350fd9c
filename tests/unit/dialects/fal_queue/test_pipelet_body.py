"""Tests of the body and the headers of Pipelet's create call."""

import base64
from typing import Any

import pytest

from rushes.dialects.fal_queue.pipelet_body import read_body
from rushes.jobs.request import Role
from tests.unit.dialects.api_client import PNG, Caller, Reply, Texts, assert_refused_in_queue, cases

IMAGE = base64.b64encode(PNG).decode()


def create(caller: Caller, headers: Texts = None, **fields: Any) -> Reply:
    return caller.call("POST", "/queue/sora-2", {"prompt": "a cat", **fields}, headers)


def test_read_body_accepts_every_documented_field(caller: Caller):
    size: dict[str, Any] = {"width": 720, "height": 1280}
    reply = create(caller, duration=8, **size, seed=7, negative_prompt="dogs", extras="x")
    request = caller.job(reply).request
    assert (request.model, request.prompt, request.seconds) == ("sora-2", "a cat", 8)
    assert (request.size, request.seed, request.negative_prompt) == ("720x1280", 7, "dogs")
    assert request.provider_options == {"extras": "x"}


def test_height_alone_selects_the_models_width(caller: Caller):
    assert caller.job(create(caller, height=1280)).request.size == "720x1280"
    assert caller.job(create(caller, height=720)).request.size == "1280x720"


@pytest.mark.parametrize("width", [None, 720, 999])
def test_image_determines_the_width(caller: Caller, width: int | None):
    reply = create(caller, data_uri=IMAGE, width=width, height=720)
    assert caller.job(reply).request.size == "1280x720"


def test_width_without_height_is_ignored_with_an_image(caller: Caller):
    reply = create(caller, data_uri=IMAGE, width=999)
    assert caller.job(reply).request.size == caller.job(create(caller)).request.size


NO_IMAGE = base64.b64encode(b"no image").decode()
INVALID = {
    "width and height": [{"height": 333}, {"width": 3, "height": 4}],
    "width": [{"width": 1280}],
    "height": [{"height": 0}, {"height": "tall"}, {"height": True}],
    "data_uri": [{"data_uri": 5}, {"data_uri": "no base64 at all!"}, {"data_uri": NO_IMAGE}],
    "audio_uri": [{"audio_uri": "https://audio.example/"}],
    "priority": [{"priority": 2}],
}


@pytest.mark.parametrize(("named", "fields"), cases(INVALID))
def test_read_body_refuses_invalid_field_by_name(
    caller: Caller, fields: dict[str, Any], named: str
):
    assert_refused_in_queue(create(caller, **fields), named)


@pytest.mark.parametrize(
    "image", [IMAGE, f"{IMAGE[:20]}\n{IMAGE[20:]}\n", f"data:image/png;base64,{IMAGE}"]
)
def test_data_uri_may_be_wrapped_base64_or_a_data_url(caller: Caller, image: str):
    file = caller.job(create(caller, data_uri=image)).request.file(Role.IMAGE)
    assert file
    assert (file.content_type, caller.blobs.objects[file.key]) == ("image/png", PNG)


def test_data_uri_may_be_an_http_url(caller: Caller):
    (file,) = caller.job(create(caller, data_uri="https://images.example/1")).request.inputs
    assert file.url == "https://images.example/1"


def test_model_without_image_input_refuses_data_uri(caller: Caller):
    reply = caller.call("POST", "/queue/openai/plain", {"prompt": "x", "data_uri": IMAGE})
    assert reply.json["detail"] == "data_uri: openai/plain does not accept image"


@pytest.mark.parametrize(
    ("name", "value"), [("x-pipelet-output", "stone"), ("x-pipelet-webhook", "hooks.example")]
)
def test_invalid_header_is_refused_by_name(caller: Caller, name: str, value: str):
    assert_refused_in_queue(create(caller, {name: value}), name)


@pytest.mark.parametrize("separator", [" ", "\t", "\r\n", "\n\n", "\v", "\f"])
def test_data_uri_may_have_whitespace_anywhere(caller: Caller, separator: str):
    file = caller.job(create(caller, data_uri=separator.join(IMAGE))).request.file(Role.IMAGE)
    assert file
    assert caller.blobs.objects[file.key] == PNG


@pytest.mark.parametrize(
    ("field", "role"), [("second_image_uri", Role.LAST_FRAME), ("audio_uri", Role.AUDIO)]
)
def test_further_files_have_their_roles(field: str, role: Role):
    fields = {"prompt": "x", "data_uri": IMAGE, field: "https://files.example/1"}
    request, uploads = read_body("a", fields)
    assert [(entry.role, entry.url) for entry in request.inputs] == [(role, fields[field])]
    assert [entry for entry, _ in uploads] == [Role.IMAGE]


@pytest.mark.parametrize(
    "fields",
    [
        {"width": None, "height": None, "duration": None},
        {"data_uri": None, "second_image_uri": None, "seed": None},
        {"data_uri": "", "negative_prompt": "", "duration": ""},
    ],
)
def test_null_and_empty_fields_are_absent(caller: Caller, fields: dict[str, Any]):
    assert caller.job(create(caller, **fields)).request == caller.job(create(caller)).request
