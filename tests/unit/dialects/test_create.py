"""What a create call may say, in JSON and as a form, on the same paths."""

import json
from typing import Any

import pytest

from rushes.jobs.request import Role
from rushes.jobs.status import JobStatus
from tests.unit.dialects.api_client import (
    BIFROST,
    FIELDS,
    FILM,
    OPENAI,
    PNG,
    Caller,
    assert_refused,
    form,
)


def test_json_and_forms_say_the_same_on_the_same_path(caller: Caller, base: str):
    in_json = caller.job(caller.create(base, seed=7, negative_prompt="dogs", seconds="8"))
    as_form = caller.job(
        caller.form(
            base, *{**FIELDS, "seed": "7", "negative_prompt": "dogs", "seconds": "8"}.items()
        )
    )
    assert in_json.request == as_form.request
    assert (in_json.request.seconds, in_json.request.seed) == (8, 7)


def test_a_created_job_is_stored_and_started(caller: Caller, base: str):
    reply = caller.create(base)
    job = caller.job(reply)
    assert reply.status == 200
    assert job.status is JobStatus.QUEUED
    assert caller.executions.running == {job.id: True}


@pytest.mark.parametrize("seconds", ["4", 4, 4.0])
def test_seconds_are_a_whole_number_or_its_text(caller: Caller, base: str, seconds: Any):
    assert caller.create(base, seconds=seconds).json["seconds"] == "4"


@pytest.mark.parametrize(
    "seconds", ["4.5", 4.5, True, False, "true", "", " ", 0, -4, "0", "five", [4], {}, 5, 3601]
)
def test_other_seconds_are_refused_by_name(caller: Caller, base: str, seconds: Any):
    reply = caller.create(base, seconds=seconds)
    assert_refused(reply, base, 400)
    assert reply.param == "seconds"


@pytest.mark.parametrize("field", ["seconds", "size"])
def test_what_a_request_leaves_out_the_model_decides(caller: Caller, base: str, field: str):
    fields = {name: value for name, value in FIELDS.items() if name != field}
    reply = caller.call("POST", base, fields)
    assert reply.json[field] == FIELDS[field]


def test_openai_clients_may_leave_out_the_model(caller: Caller):
    reply = caller.call("POST", OPENAI, {"prompt": "a cat"})
    assert (reply.status, reply.json["model"]) == (200, "sora-2")
    assert caller.job(reply).provider == "sandbox"


@pytest.mark.parametrize("fields", [{"prompt": "a cat"}, {"prompt": "a cat", "model": ""}])
def test_bifrost_clients_must_name_the_model(caller: Caller, fields: dict[str, str]):
    reply = caller.call("POST", BIFROST, fields)
    assert_refused(reply, BIFROST, 400)
    assert reply.param == "model"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": "sandbox/none"}, "model"),
        ({"model": "a\nb" * 5_000}, "model"),
        ({"model": None}, "model"),
        ({"model": ["sandbox/film"]}, "model"),
        ({"size": "1x1"}, "size"),
        ({"size": ""}, "size"),
        ({"size": 720}, "size"),
        ({"seconds": 12}, "seconds"),
        ({"prompt": ""}, "prompt"),
        ({"prompt": " \t\n "}, "prompt"),
        ({"prompt": "x" * 40_000}, "prompt"),
        ({"prompt": "\U0001f600" * 40_000}, "prompt"),
        ({"prompt": None}, "prompt"),
        ({"prompt": {"text": "a cat"}}, "prompt"),
        ({"seed": 2**63}, "seed"),
        ({"seed": True}, "seed"),
        ({"seed": 0.5}, "seed"),
        ({"negative_prompt": 5}, "negative_prompt"),
        ({"audio": "perhaps"}, "audio"),
        ({"audio": True}, "audio"),
        ({"fallbacks": "sandbox/film"}, "fallbacks"),
        ({"fallbacks": [{"provider": "sandbox"}]}, "fallbacks.0.model"),
        ({"fallbacks": [{"provider": "sandbox", "model": "none"}]}, "model"),
        ({"fallbacks": [{"provider": "sandbox", "model": "film", "key": "x"}]}, "fallbacks.0.key"),
        ({"video_uri": "https://films.example/1"}, "video_uri"),
        ({"steps": 30}, "steps"),
        ({"": 1}, ""),
        ({"model_config": 1}, "model_config"),
        ({"__class__": 1}, "__class__"),
        ({"prompt": "x", "n" * 500: 1}, "n" * 80),
        ({"negative_prompt": "x" * 200_000}, "body"),
        ({"guidance_scale": "x" * 200_000}, "body"),
        ({"input_reference": "https://pictures.example/" + "x" * 200_000}, "body"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(
    caller: Caller, base: str, fields: dict[str, Any], param: str
):
    reply = caller.create(base, **fields)
    assert_refused(reply, base)
    assert reply.param == param
    assert caller.traces() == ({}, {}, {})


def test_a_longest_prompt_fits_in_any_script(caller: Caller, base: str):
    assert caller.create(base, prompt="\U0001f600" * 32_000).status == 200


def test_a_missing_prompt_is_named(caller: Caller, base: str):
    reply = caller.call("POST", base, {"model": "sandbox/film"})
    assert_refused(reply, base, 400)
    assert reply.param == "prompt"


def test_options_that_the_catalog_lists_reach_the_provider(caller: Caller, base: str):
    options = {"guidance_scale": 7.5, "extras": {"url": "https://a.example", "on": ["done", None]}}
    assert caller.job(caller.create(base, **options)).request.provider_options == options


def test_forms_write_lists_and_objects_with_brackets(caller: Caller, base: str):
    reply = caller.form(
        base, *FIELDS.items(), ("extras[url]", "https://a.example"), ("guidance_scale[]", "1"),
        ("guidance_scale[]", "2"),
    )  # fmt: skip
    assert caller.job(reply).request.provider_options == {
        "extras": {"url": "https://a.example"},
        "guidance_scale": ["1", "2"],
    }


def test_a_body_without_a_content_type_is_json(caller: Caller, base: str):
    headers = {"authorization": f"Bearer {caller.key}"}
    assert caller.raw("POST", base, json.dumps(FIELDS).encode(), headers).status == 200


def test_header_names_and_media_types_may_be_written_in_capitals(caller: Caller, base: str):
    body = form(list(FIELDS.items()))
    headers = {
        "AUTHORIZATION": f"Bearer {caller.key}",
        "Content-Type": "Multipart/Form-Data; Boundary=limit",
    }
    assert caller.raw("POST", base, body, headers).status == 200


def test_pollers_are_told_when_to_come_back(caller: Caller, base: str):
    created = caller.create(base)
    for reply in (created, caller.call("GET", f"{base}/{created.json['id']}")):
        assert 2000 <= int(reply.headers["openai-poll-after-ms"]) <= 5000


@pytest.mark.parametrize("video", [FILM, b"\x1a\x45\xdf\xa3" + bytes(16)])
def test_an_edit_takes_a_film_as_a_file(caller: Caller, base: str, video: bytes):
    reply = caller.form(f"{base}/edits", ("prompt", "at night"), ("video", "video/mp4", video))
    (stored,) = caller.job(reply).request.files(Role.SOURCE_VIDEO)
    assert caller.blobs.objects == {stored.key: video}


def test_an_edit_takes_a_finished_job_by_its_id(caller: Caller, base: str):
    source = caller.ended(JobStatus.COMPLETED)
    in_json = caller.call("POST", f"{base}/edits", {"prompt": "x", "video": {"id": source}})
    as_form = caller.form(f"{base}/edits", ("prompt", "x"), ("video[id]", f"{source}:sandbox"))
    for reply in (in_json, as_form):
        assert caller.job(reply).remixed_from == source


def test_a_remix_keeps_all_but_the_prompt(caller: Caller, base: str):
    source = caller.ended(JobStatus.COMPLETED)
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
def test_a_wrong_edit_or_remix_is_refused_by_name(
    caller: Caller, base: str, verb: str, body: dict[str, Any], param: str
):
    source, queued = caller.ended(JobStatus.COMPLETED), caller.create().json["id"]
    before = caller.traces()
    path = f"{base}/{verb.format(source=source, queued=queued)}"
    reply = caller.call("POST", path, body)
    assert_refused(reply, base)
    assert reply.param == param
    assert caller.traces() == before


def test_a_film_that_is_none_is_refused(caller: Caller, base: str):
    reply = caller.form(f"{base}/edits", ("prompt", "x"), ("video", "video/mp4", PNG))
    assert_refused(reply, base, 400)
    assert reply.param == "video"
    assert caller.traces() == ({}, {}, {})
