"""null, an empty text and an absent field are the same for an optional field, in every dialect."""

import json
from typing import Any

import pytest

from tests.unit.dialects.api_client import BIFROST, OPENAI, Caller, Reply, cases

TOGETHER, PIPELET, FAL, TIYARO = "/v2/videos", "/pipelet/queue/sora-2", "/fal/sora-2", "/v1/async/x"
VIDEO_FIELDS = {"prompt": "a cat", "model": "sandbox/video"}
BODIES: dict[str, dict[str, Any]] = {
    BIFROST: VIDEO_FIELDS,
    OPENAI: VIDEO_FIELDS,
    TOGETHER: VIDEO_FIELDS,
    PIPELET: {"prompt": "a cat"},
    FAL: {"prompt": "a cat"},
    "/v1/async/sandbox/video": {"input": {"prompt": "a cat"}},
}
OPTIONAL = {
    BIFROST: [
        "seconds", "size", "input_reference", "seed", "negative_prompt", "audio", "fallbacks",
        "webhook", "video_uri", "guidance_scale", "unknown_option", "unknown[0]",
    ],
    OPENAI: [
        "seconds", "size", "input_reference", "seed", "negative_prompt", "audio",
        "generate_audio", "fallbacks", "webhook", "guidance_scale", "unknown_option",
    ],
    TOGETHER: [
        "width", "height", "seconds", "fps", "steps", "seed", "guidance_scale", "output_format",
        "output_quality", "negative_prompt", "generate_audio", "media", "frame_images",
        "reference_images", "webhook", "ratio", "resolution", "unknown_option",
    ],
    PIPELET: [
        "data_uri", "duration", "width", "height", "seed", "negative_prompt", "unknown_option",
    ],
    FAL: [
        "duration", "seed", "negative_prompt", "generate_audio", "video_size", "image_size",
        "image_url", "image_urls", "video_url", "aspect_ratio", "resolution", "unknown_option",
    ],
    "/v1/async/sandbox/video": ["URL"],
}  # fmt: skip


def post(caller: Caller, path: str, **fields: Any) -> Reply:
    return caller.call("POST", path, {**BODIES[path], **fields})


@pytest.mark.parametrize("value", [None, ""])
@pytest.mark.parametrize(("path", "name"), cases(OPTIONAL))
def test_empty_optional_field_is_absent(caller: Caller, path: str, name: str, value: str | None):
    without = caller.job(post(caller, path), 202 if "async" in path else 200)
    reply = post(caller, path, **{name: value})
    given = caller.job(reply, 202 if "async" in path else 200)
    assert given.request == without.request
    assert (given.webhook, given.fallbacks) == (without.webhook, without.fallbacks)


@pytest.mark.parametrize("model", [None, ""])
def test_empty_model_is_the_default_in_openais_api(caller: Caller, model: str | None):
    job = caller.job(caller.call("POST", OPENAI, {"prompt": "a cat", "model": model}))
    assert job.request.model == "sora-2"


NESTED: dict[str, list[dict[str, Any]]] = {
    BIFROST: [
        {"fallbacks": [{"provider": "sandbox", "model": "video", "key": None}]},
        {"webhook": {"url": "https://93.184.216.34/", "format": None}},
        {"input_reference": {"image_url": None, "file_id": None}},
        {"input_reference": {"image_url": "https://images.example/1", "file_id": None}},
    ],
    TOGETHER: [
        {"media": {"frame_images": None, "source_video": None, "reference_images": None}},
        {"media": {"frame_images": []}},
    ],
}


@pytest.mark.parametrize(("path", "fields"), cases(NESTED))
def test_empty_member_of_a_field_is_absent(caller: Caller, path: str, fields: dict[str, Any]):
    assert post(caller, path, **fields).status == 200


REQUIRED = {BIFROST: ["prompt", "model"], OPENAI: ["prompt"], TOGETHER: ["model"]}


@pytest.mark.parametrize("value", [None, ""])
@pytest.mark.parametrize(("path", "name"), cases(REQUIRED))
def test_empty_required_field_is_named(caller: Caller, path: str, name: str, value: str | None):
    reply = post(caller, path, **{name: value})
    assert (reply.status, reply.param) == (400, name)
    assert f"{name} is required" in reply.text
    assert not reply.has_side_effects


@pytest.mark.parametrize("path", [PIPELET, FAL])
def test_empty_prompt_of_a_queue_is_named(caller: Caller, path: str):
    for value in (None, ""):
        reply = post(caller, path, prompt=value)
        assert reply.status in (400, 422)
        assert "prompt" in reply.text


def form_part(name: str, filename: str | None = None, content: bytes = b"") -> bytes:
    attribute = "" if filename is None else f'; filename="{filename}"'
    head = f'--limit\r\nContent-Disposition: form-data; name="{name}"{attribute}\r\n'
    if filename is not None:
        head += "Content-Type: application/octet-stream\r\n"
    return head.encode() + b"\r\n" + content + b"\r\n"


def submit(caller: Caller, path: str, *parts: bytes) -> Reply:
    fields = [form_part(name, content=text.encode()) for name, text in VIDEO_FIELDS.items()]
    body = b"".join((*fields, *parts, b"--limit--\r\n"))
    headers = {"content-type": "multipart/form-data; boundary=limit"}
    return caller.call("POST", path, body, headers)


@pytest.mark.parametrize(
    "parts",
    [
        [form_part("input_reference", "")],
        [form_part("input_reference", ""), form_part("seconds"), form_part("size")],
        [form_part("unknown", "")],
        [form_part("fallbacks[]"), form_part("input_reference[image_url]"), form_part("webhook")],
    ],
)
def test_empty_part_of_a_browsers_form_is_absent(caller: Caller, base: str, parts: list[bytes]):
    job = caller.job(submit(caller, base, *parts))
    assert (job.request.inputs, job.request.provider_options) == ((), {})


def test_empty_file_with_a_name_is_refused(caller: Caller, base: str):
    reply = submit(caller, base, form_part("input_reference", "cat.png"))
    assert (reply.status, reply.param) == (400, "input_reference")


@pytest.mark.parametrize("verb", ["edits", "{id}/remix"])
def test_empty_prompt_of_an_edit_is_named(caller: Caller, base: str, verb: str):
    path = f"{base}/{verb.format(id='job_1')}"
    for prompt in (None, ""):
        reply = caller.call("POST", path, {"prompt": prompt, "video": {"id": "job_1"}})
        assert (reply.status, reply.param) == (400, "prompt")


def test_false_zero_and_empty_lists_are_values(caller: Caller, base: str):
    options = {"extras": {"a": [None, "", 0]}, "guidance_scale": 0}
    job = caller.job(caller.create(base, seed=0, **options))
    assert (job.request.seed, job.request.provider_options) == (0, options)
    assert json.loads(job.request.model_dump_json())["provider_options"] == options
