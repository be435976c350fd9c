import re
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.catalog.model_entry import ModelEntry
from rushes.errors import UnknownUpstreamStatus, UpstreamProtocolError, UpstreamThrottled
from rushes.jobs.request import Role
from rushes.ports.http import HttpCall, JsonFile
from rushes.providers.base import Failed, Pending, PollResult, Succeeded, SupportsCancel
from rushes.providers.openai_videos.openai_compatible import OpenAICompatible
from rushes.providers.openai_videos.openai_with_lookup import OpenAIWithLookup
from tests.unit.providers.job import job, json_reply, with_role

PROVIDER = OpenAICompatible()


def parse_poll(**video: Any) -> PollResult:
    return PROVIDER.parse_poll({"id": "video_1"}, json_reply({"id": "video_1", **video}))


@pytest.mark.parametrize("status", ["queued", "pending", "in_progress", "processing", "running"])
def test_waiting_status_is_pending(status: str):
    assert parse_poll(status=status) == Pending(queued=status in ("queued", "pending"))


@pytest.mark.parametrize("status", ["completed", "succeeded"])
def test_success_status_has_the_content_route_as_output(status: str):
    result = parse_poll(status=status)
    assert isinstance(result, Succeeded)
    (output,) = result.outputs
    assert (output.url, output.needs_key) == ("/videos/video_1/content", True)


@pytest.mark.parametrize("status", ["failed", "cancelled", "canceled", "expired"])
def test_failure_status_is_failed(status: str):
    result = parse_poll(status=status)
    assert isinstance(result, Failed)
    assert (result.error.code, result.error.upstream_code) == ("upstream_failed", status)


@pytest.mark.parametrize("status", ["melting", "warming up", "", "5"])
def test_unknown_status_raises_an_error_that_names_it(status: str):
    with pytest.raises(UnknownUpstreamStatus, match=re.escape(repr(status))):
        parse_poll(status=status)


@pytest.mark.parametrize("status", [None, 5, ["queued"]])
def test_status_that_is_not_text_is_invalid(status: object):
    with pytest.raises(UpstreamProtocolError):
        parse_poll(status=status)


@pytest.mark.parametrize(
    ("progress", "percent"),
    [
        *((0, 0), (41, 41), (66.6, 67), ("12", 12), (-3, 0), (250, 100), (None, None)),
        *((1e308, 100), (-1e308, 0), ("1e308", 100)),
    ],
)
def test_progress_is_rounded_and_clamped(progress: object, percent: int | None):
    assert parse_poll(status="in_progress", progress=progress) == Pending(percent)


def test_retry_after_of_a_pending_job_is_the_wait():
    reply = json_reply({"id": "video_1", "status": "queued"}, retry_after="8")
    assert PROVIDER.parse_poll({"id": "video_1"}, reply) == Pending(wait_seconds=8, queued=True)


@given(st.text(st.characters(codec="utf-8"), min_size=1).filter(lambda text: text.strip(".")))
def test_any_id_is_one_path_segment_and_is_sent_unchanged(video_id: str):
    path = PROVIDER.poll_request({"id": video_id}).path
    assert path.count("/") == 2
    url = httpx.URL("https://provider.example/v1" + path)
    assert url.raw_path.decode() == f"/v1{path}"
    assert unquote(path.removeprefix("/videos/")) == video_id


def test_cancel_request_deletes_the_video():
    assert isinstance(PROVIDER, SupportsCancel)
    assert PROVIDER.cancel_request({"id": "a/b"}).path == "/videos/a%2Fb"


BIFROST = ModelEntry.model_validate(
    {
        "name": "one/sora-2",
        "seconds": [4],
        "inputs": ["image"],
        "files": {"forms": ["data_url"]},
        "arguments": {
            "model": "{model}",
            "prompt": "{prompt}",
            "seconds": "{seconds!text}",
            "input_reference": "{image}",
        },
    }
)


def test_arguments_of_the_model_are_sent_as_json():
    image = with_role(Role.IMAGE)
    created = job("openai/sora-2", prompt="a fox", seconds=4, inputs=(image,))
    assert image.file is not None
    body = {
        "model": "openai/sora-2",
        "prompt": "a fox",
        "seconds": "4",
        "input_reference": JsonFile(image.file, "data_url"),
    }
    assert PROVIDER.submit_request(created, BIFROST) == HttpCall("POST", "/videos", json=body)
    with_user = OpenAIWithLookup().submit_request(created, BIFROST)
    assert with_user.json == {**body, "user": created.create_key}


def test_model_without_arguments_is_sent_as_form():
    created = job("sora-2", prompt="a fox", seconds=4)
    call = PROVIDER.submit_request(created, ModelEntry(name="one/sora-2"))
    assert call.form == {"model": "sora-2", "prompt": "a fox", "seconds": "4"}


@pytest.mark.parametrize("status", [400, 422, 500, 503])
def test_failed_video_in_an_http_error_is_failed(status: int):
    body = {"id": "video_1", "status": "failed", "error": {"code": status, "message": "no memory"}}
    result = PROVIDER.parse_poll({"id": "video_1"}, json_reply(body, status))
    assert isinstance(result, Failed)
    assert result.error.message == "no memory"


@pytest.mark.parametrize(
    "body", [{"error": {"message": "busy"}}, {"id": "video_1", "status": "in_progress"}, []]
)
def test_other_bodies_of_an_http_error_are_that_error(body: object):
    with pytest.raises(UpstreamThrottled):
        PROVIDER.parse_poll({"id": "video_1"}, json_reply(body, 500))


def test_completed_video_without_files_was_withheld_by_the_filter():
    withheld = parse_poll(status="completed", content_filter={"filtered_count": 1, "reasons": []})
    assert isinstance(withheld, Failed)
    assert withheld.error.code == "content_filtered"
    partly = {"filtered_count": 1, "reasons": ["one of two"]}
    kept = parse_poll(status="completed", content_filter=partly, videos=[{"type": "url"}])
    assert isinstance(kept, Succeeded)


@pytest.mark.parametrize("name", ["error_message", "fail_reason", "failure_reason", "message"])
def test_reason_of_a_failure_may_have_another_name(name: str):
    result = parse_poll(status="FAILED", **{name: "out of memory"})
    assert isinstance(result, Failed)
    assert result.error.message == "out of memory"
