import re
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.errors import UnknownUpstreamStatus, UpstreamProtocolError
from rushes.providers.base import Failed, Pending, PollResult, Succeeded, SupportsCancel
from rushes.providers.openai_videos.openai_compatible import OpenAICompatible
from tests.unit.providers.job import json_reply

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


@pytest.mark.parametrize("status", ["melting", "QUEUED", "done", "Completed", " queued", "", "5"])
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
