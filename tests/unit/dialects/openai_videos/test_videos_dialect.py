"""Tests of create, edit, remix and content in the OpenAI and the Bifrost dialect."""

import json
from typing import Any

import pytest

from rushes.jobs.request import Role
from rushes.jobs.status import JobStatus
from tests.unit.dialects.api_client import (
    BIFROST,
    FIELDS,
    OPENAI,
    PNG,
    VIDEO,
    Caller,
    assert_refused,
    cases,
    form,
)


def test_create_reads_json_and_form_alike(caller: Caller, base: str):
    fields = {**FIELDS, "seed": "7", "negative_prompt": "dogs", "seconds": "8"}
    in_json = caller.job(caller.create(base, **{**fields, "seed": 7}))
    as_form = caller.job(caller.form(base, *fields.items()))
    assert in_json.request == as_form.request
    assert (in_json.request.seconds, in_json.request.seed) == (8, 7)


def test_create_stores_and_starts_a_job(caller: Caller, base: str):
    reply = caller.create(base)
    job = caller.job(reply)
    assert reply.status == 200
    assert job.status is JobStatus.QUEUED
    assert caller.executions.running == {job.id: True}


@pytest.mark.parametrize("seconds", ["4", 4, 4.0])
def test_create_accepts_seconds_as_integer_or_text(caller: Caller, base: str, seconds: Any):
    assert caller.create(base, seconds=seconds).json["seconds"] == "4"


@pytest.mark.parametrize(
    "seconds", ["4.5", 4.5, True, False, "true", " ", 0, -4, "0", "five", [4], {}, 5, 3601]
)
def test_create_refuses_other_seconds_by_name(caller: Caller, base: str, seconds: Any):
    assert_refused(caller.create(base, seconds=seconds), base, 400, param="seconds")


@pytest.mark.parametrize("field", ["seconds", "size"])
def test_create_fills_omitted_field_from_the_model(caller: Caller, base: str, field: str):
    fields = {name: value for name, value in FIELDS.items() if name != field}
    reply = caller.call("POST", base, fields)
    assert reply.json[field] == FIELDS[field]


def test_openai_create_uses_the_default_model(caller: Caller):
    reply = caller.call("POST", OPENAI, {"prompt": "a cat"})
    assert (reply.status, reply.json["model"]) == (200, "sora-2")
    assert caller.job(reply).provider == "sandbox"


@pytest.mark.parametrize("fields", [{"prompt": "a cat"}, {"prompt": "a cat", "model": ""}])
def test_bifrost_create_requires_a_model(caller: Caller, fields: dict[str, str]):
    assert_refused(caller.call("POST", BIFROST, fields), BIFROST, 400, param="model")


INVALID = {
    "model": ["sandbox/none", "a\nb" * 5_000, ["sandbox/video"]],
    "size": ["1x1", " ", 720],
    "seconds": [12],
    "prompt": [
        "", " \t\n ", "x" * 40_000, "\U0001f600" * 40_000, None, {"text": "a cat"},
    ],
    "seed": [2**63, True, 0.5],
    "negative_prompt": [5],
    "audio": ["perhaps", True],
    "fallbacks": ["sandbox/video"],
    "video_uri": ["gs://videos/1", "videos/1.mp4", 5],
    "steps": [30],
    "": [1],
    "model_config": [1],
    "__class__": [1],
}  # fmt: skip


@pytest.mark.parametrize(("field", "value"), cases(INVALID))
def test_create_refuses_invalid_field_by_name(caller: Caller, base: str, field: str, value: Any):
    assert_refused(caller.create(base, **{field: value}), base, param=field)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"fallbacks": [{"provider": "sandbox"}]}, "fallbacks.0.model"),
        ({"fallbacks": [{"provider": "sandbox", "model": "none"}]}, "model"),
        ({"fallbacks": [{"provider": "sandbox", "model": "video", "key": "x"}]}, "fallbacks.0.key"),
        ({"prompt": "x", "n" * 500: 1}, "n" * 80),
        ({"negative_prompt": "x" * 200_000}, "body"),
        ({"guidance_scale": "x" * 200_000}, "body"),
        ({"input_reference": "https://images.example/" + "x" * 200_000}, "body"),
    ],
)
def test_create_refuses_invalid_fallback_and_long_field(
    caller: Caller, base: str, fields: dict[str, Any], param: str
):
    assert_refused(caller.create(base, **fields), base, param=param)


def test_create_accepts_the_longest_prompt_in_any_script(caller: Caller, base: str):
    assert caller.create(base, prompt="\U0001f600" * 32_000).status == 200


def test_create_requires_a_prompt(caller: Caller, base: str):
    reply = caller.call("POST", base, {"model": "sandbox/video"})
    assert_refused(reply, base, 400, param="prompt")


def test_create_keeps_options_that_the_catalog_lists(caller: Caller, base: str):
    options = {"guidance_scale": 7.5, "extras": {"url": "https://a.example", "on": ["done", None]}}
    assert caller.job(caller.create(base, **options)).request.provider_options == options


def test_create_reads_brackets_in_form_names(caller: Caller, base: str):
    scales = (("guidance_scale[]", "1"), ("guidance_scale[]", "2"))
    reply = caller.form(base, *FIELDS.items(), ("extras[url]", "https://a.example"), *scales)
    expected = {"extras": {"url": "https://a.example"}, "guidance_scale": ["1", "2"]}
    assert caller.job(reply).request.provider_options == expected


def test_create_reads_json_without_content_type(caller: Caller, base: str):
    headers = {"authorization": f"Bearer {caller.key}"}
    assert caller.raw("POST", base, json.dumps(FIELDS).encode(), headers).status == 200


def test_create_ignores_case_of_headers_and_media_types(caller: Caller, base: str):
    media_type = {"Content-Type": "Multipart/Form-Data; Boundary=limit"}
    headers = {"AUTHORIZATION": f"Bearer {caller.key}", **media_type}
    assert caller.raw("POST", base, form(list(FIELDS.items())), headers).status == 200


def test_response_has_poll_interval(caller: Caller, base: str):
    created = caller.create(base)
    for reply in (created, caller.call("GET", f"{base}/{created.json['id']}")):
        assert 2000 <= int(reply.headers["openai-poll-after-ms"]) <= 5000


@pytest.mark.parametrize("video", [VIDEO, b"\x1a\x45\xdf\xa3" + bytes(16)])
def test_edit_accepts_a_video_file(caller: Caller, base: str, video: bytes):
    reply = caller.form(f"{base}/edits", ("prompt", "at night"), ("video", "video/mp4", video))
    (stored,) = caller.job(reply).request.files(Role.SOURCE_VIDEO)
    assert caller.blobs.objects == {stored.key: video}


def test_edit_accepts_a_finished_job_by_id(caller: Caller, base: str):
    source = caller.finished_job(JobStatus.COMPLETED)
    in_json = caller.call("POST", f"{base}/edits", {"prompt": "x", "video": {"id": source}})
    as_form = caller.form(f"{base}/edits", ("prompt", "x"), ("video[id]", f"{source}:sandbox"))
    for reply in (in_json, as_form):
        assert caller.job(reply).remixed_from == source


def test_remix_changes_the_prompt_only(caller: Caller, base: str):
    source = caller.finished_job(JobStatus.COMPLETED)
    for reply in (
        caller.call("POST", f"{base}/{source}/remix", {"prompt": "at night"}),
        caller.form(f"{base}/{source}/remix", ("prompt", "at night")),
    ):
        job = caller.job(reply)
        assert (job.request.prompt, job.remixed_from) == ("at night", source)
        assert (job.request.size, job.request.seconds) == ("1280x720", 4)


@pytest.mark.parametrize(
    ("verb", "body", "param"),
    [
        ("edits", {"prompt": "x"}, "video"),
        ("edits", {"prompt": "x", "video": "job_1"}, "video"),
        ("edits", {"prompt": "x", "video": {"id": 1}}, "video"),
        ("edits", {"prompt": "x", "video": {"id": ""}}, "video_id"),
        ("edits", {"prompt": "x", "video": {}}, "video"),
        ("edits", {"prompt": "x", "video": {"id": "job_1"}, "seconds": "4"}, "seconds"),
        ("edits", {"video": {"id": "job_1"}}, "prompt"),
        ("{source}/remix", {}, "prompt"),
        ("{source}/remix", {"prompt": " "}, "prompt"),
        ("{source}/remix", {"prompt": "x" * 40_000}, "prompt"),
        ("{source}/remix", {"prompt": "x", "size": "1280x720"}, "size"),
        ("{queued}/remix", {"prompt": "x"}, "video_id"),
    ],
)
def test_edit_and_remix_refuse_invalid_field_by_name(
    caller: Caller, base: str, verb: str, body: dict[str, Any], param: str
):
    source, queued = caller.finished_job(JobStatus.COMPLETED), caller.create().json["id"]
    path = f"{base}/{verb.format(source=source, queued=queued)}"
    assert_refused(caller.call("POST", path, body), base, param=param)


def test_edit_refuses_file_that_is_not_a_video(caller: Caller, base: str):
    reply = caller.form(f"{base}/edits", ("prompt", "x"), ("video", "video/mp4", PNG))
    assert_refused(reply, base, 400, param="video")


UNAVAILABLE = ("thumbnail", "spritesheet", "sprite_sheet")
UNKNOWN = ("", "Video", "audio", "video,thumbnail", "x" * 5000)


@pytest.mark.parametrize("variant", [*UNAVAILABLE, *UNKNOWN])
def test_content_refuses_unavailable_and_unknown_variants(caller: Caller, base: str, variant: str):
    job_id = caller.finished_job(JobStatus.COMPLETED)
    reply = caller.call("GET", f"{base}/{job_id}/content", query={"variant": variant})
    assert_refused(reply, base, 404 if variant in UNAVAILABLE else 400, "variant")
    assert (reply.code == "variant_not_available") is (variant in UNAVAILABLE)
