"""Bifrost's own fields: ids with a provider, `video_uri`, and the fallbacks of a remix."""

import base64
from typing import Any

import pytest

from rushes.jobs.request import Input, Role
from rushes.jobs.result import JobError, ProviderAttempt
from rushes.jobs.status import JobStatus
from tests.unit.dialects.api_client import (
    BIFROST,
    BIFROST_BASES,
    CATALOG,
    OPENAI,
    VIDEO,
    Caller,
    assert_refused,
)

URL = "https://videos.example/cat.mp4"
PLAIN = {"provider": "openai", "model": "plain"}
EDITOR = CATALOG.model_copy(
    update={
        "models": (
            *CATALOG.models,
            CATALOG.models[0].model_copy(update={"name": "openai/editor", "seconds": (8,)}),
        )
    }
)
"""The catalog with a model of another provider that edits videos of 8 seconds."""


@pytest.mark.parametrize("base", BIFROST_BASES)
def test_video_uri_is_the_source_video(caller: Caller, base: str):
    job = caller.job(caller.create(base, video_uri=URL))
    assert job.request.inputs == (Input(role=Role.SOURCE_VIDEO, url=URL),)
    assert job.request.provider_options == {}


def test_video_uri_may_be_a_data_url_or_a_file(caller: Caller):
    data_url = f"data:video/mp4;base64,{base64.b64encode(VIDEO).decode()}"
    fields = tuple({"prompt": "x", "model": "sandbox/video"}.items())
    for reply in (
        caller.create(BIFROST, video_uri=data_url),
        caller.form(BIFROST, *fields, ("video_uri", "video/mp4", VIDEO)),
        caller.form(BIFROST, *fields, ("video_uri", data_url)),
    ):
        file = caller.job(reply).request.file(Role.SOURCE_VIDEO)
        assert file
        assert caller.blobs.objects[file.key] == VIDEO


@pytest.mark.parametrize("value", ["gs://bucket/1", "cat.mp4", "file:///etc/passwd", 5, [URL], {}])
def test_other_video_uri_is_refused_by_name(caller: Caller, value: Any):
    reply = caller.create(BIFROST, video_uri=value)
    assert_refused(reply, BIFROST, 400, "video_uri")


@pytest.mark.parametrize("host", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "[::1]"])
def test_video_uri_inside_the_network_is_refused_by_name(caller: Caller, host: str):
    reply = caller.create(BIFROST, video_uri=f"http://{host}/1.mp4")
    assert_refused(reply, BIFROST, 400, "video_uri")


def test_model_without_source_video_refuses_video_uri_by_name(caller: Caller):
    reply = caller.create(BIFROST, model="openai/plain", video_uri=URL)
    assert_refused(reply, BIFROST, 400, "video_uri")


def test_openais_api_has_no_video_uri(caller: Caller):
    assert_refused(caller.create(OPENAI, video_uri=URL), OPENAI, 400, "video_uri")


@pytest.mark.parametrize("suffix", ["", ":sandbox", ":sandbox:sandbox", "%3Asandbox"])
def test_source_of_a_remix_has_the_id_of_its_api(caller: Caller, suffix: str):
    source = caller.finished_job(JobStatus.COMPLETED)
    for base, expected in ((BIFROST, f"{source}:sandbox"), (OPENAI, source)):
        reply = caller.call("POST", f"{base}/{source}{suffix}/remix", {"prompt": "at night"})
        assert reply.json["remixed_from_video_id"] == expected
        found = caller.call("GET", f"{base}/{reply.json['id']}").json
        assert found["remixed_from_video_id"] == expected
        source_found = caller.call("GET", f"{base}/{expected}")
        assert (source_found.status, source_found.json["id"]) == (200, expected)


def test_id_keeps_the_provider_of_the_create_response_after_a_failover(caller: Caller):
    caller.use(EDITOR)
    source = caller.finished_job(JobStatus.COMPLETED)
    before = caller.call("GET", f"{BIFROST}/{source}").json["id"]
    error = JobError(code="upstream_unreachable", message="x")
    attempt = ProviderAttempt(
        model="sandbox/video",
        provider="sandbox",
        operation=None,
        started_at=1,
        ended_at=2,
        error=error,
    )
    changes = {"provider": "openai", "attempts": (attempt,)}
    caller.change(source, lambda job: job.warned(1, "x").model_copy(update=changes))
    assert caller.call("GET", f"{BIFROST}/{source}").json["id"] == before == f"{source}:sandbox"
    for suffix in ("", ":sandbox", ":openai"):
        body = {"prompt": "at night"}
        made = caller.call("POST", f"{BIFROST}/{source}{suffix}/remix", body).json
        assert made["remixed_from_video_id"] == before


def test_remix_of_an_earlier_release_has_the_bare_id_of_its_source(caller: Caller):
    source = caller.finished_job(JobStatus.COMPLETED)
    made = caller.job(caller.call("POST", f"{BIFROST}/{source}/remix", {"prompt": "at night"}))
    change = {"remixed_from_provider": None}
    caller.change(made.id, lambda job: job.warned(1, "x").model_copy(update=change))
    found = caller.call("GET", f"{BIFROST}/{made.id}").json
    assert found["remixed_from_video_id"] == source


@pytest.mark.parametrize("base", [BIFROST, OPENAI])
def test_remix_has_fallbacks_that_adapt_the_length(caller: Caller, base: str):
    caller.use(EDITOR)
    source = caller.finished_job(JobStatus.COMPLETED)
    fallbacks = [{"provider": "openai", "model": "editor"}]
    reply = caller.call(
        "POST", f"{base}/{source}/remix", {"prompt": "at night", "fallbacks": fallbacks}
    )
    job = caller.job(reply)
    assert (job.model, job.fallbacks) == ("sandbox/video", ("openai/editor",))
    assert job.nearest_models == ("openai/editor",)
    assert job.request.fallbacks == ("openai/editor",)
    assert (job.request.prompt, job.request.seconds) == ("at night", 4)


def test_remix_takes_a_webhook(caller: Caller):
    source = caller.finished_job(JobStatus.COMPLETED)
    body = {"prompt": "x", "webhook": "https://203.0.114.7/"}
    job = caller.job(caller.call("POST", f"{BIFROST}/{source}/remix", body))
    assert job.webhook
    assert job.webhook.url == body["webhook"]


@pytest.mark.parametrize(
    ("fallbacks", "param", "message"),
    [
        ([PLAIN], "fallbacks", "openai/plain"),
        ([{"provider": "openai", "model": "none"}], "model", "openai/none"),
        ([{"provider": "openai"}], "fallbacks.0.model", "is required"),
        ("openai/plain", "fallbacks", "must be a list"),
    ],
)
def test_remix_refuses_other_fallbacks_by_name(
    caller: Caller, fallbacks: Any, param: str, message: str
):
    source = caller.finished_job(JobStatus.COMPLETED)
    body = {"prompt": "x", "fallbacks": fallbacks}
    reply = caller.call("POST", f"{BIFROST}/{source}/remix", body)
    assert_refused(reply, BIFROST, 400, param)
    assert message in reply.json["error"]["message"]


@pytest.mark.parametrize("base", [BIFROST, OPENAI])
def test_error_of_a_fallback_names_it(caller: Caller, base: str):
    reply = caller.create(base, seconds="8", fallbacks=[PLAIN])
    assert_refused(reply, base, 400, "seconds")
    message = reply.json["error"]["message"]
    assert message == "fallbacks: openai/plain: seconds must be one of 4 (got 8)"


@pytest.mark.parametrize("base", [BIFROST, OPENAI])
def test_error_names_the_alias_and_its_model(caller: Caller, base: str):
    reply = caller.create(base, model="sora-2", seconds="9")
    message = reply.json["error"]["message"]
    assert message == "sora-2 (sandbox/video): seconds must be one of 4, 8 (got 9)"


@pytest.mark.parametrize("name", ["zzzzzz", "", " ", "\u96ea"])
def test_error_for_an_unknown_model_lists_valid_ones(caller: Caller, name: str):
    reply = caller.create(OPENAI, model=name or "?")
    assert_refused(reply, OPENAI, 400, "model", "model_not_found")
    message = reply.json["error"]["message"]
    assert "such as sora-2, video, sandbox/video" in message
    assert "GET /v1/models lists all" in message
