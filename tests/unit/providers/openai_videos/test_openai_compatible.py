"""The statuses of OpenAI-compatible upstreams, and the shape of their ids and progress."""

import json
import re
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.errors import UnknownUpstreamStatus, UpstreamProtocolError
from rushes.ports import HttpReply
from rushes.providers.base import Cancels, Failed, Pending, PollResult, Succeeded
from rushes.providers.openai_videos.openai_compatible import OpenAICompatible

PROVIDER = OpenAICompatible()


def polled(**video: Any) -> PollResult:
    body = json.dumps({"id": "video_1", **video}).encode()
    return PROVIDER.polled({"id": "video_1"}, HttpReply(200, {}, body))


@pytest.mark.parametrize("status", ["queued", "pending", "in_progress", "processing", "running"])
def test_a_job_on_its_way_is_pending(status: str):
    assert polled(status=status) == Pending(queued=status in ("queued", "pending"))


@pytest.mark.parametrize("status", ["completed", "succeeded"])
def test_a_job_that_is_done_has_its_film_at_the_content_route(status: str):
    result = polled(status=status)
    assert isinstance(result, Succeeded)
    assert [(it.url, it.needs_key) for it in result.outputs] == [("/videos/video_1/content", True)]


@pytest.mark.parametrize("status", ["failed", "cancelled", "canceled", "expired"])
def test_a_job_that_ended_otherwise_has_failed(status: str):
    result = polled(status=status)
    assert isinstance(result, Failed)
    assert (result.error.code, result.error.upstream_code) == ("upstream_failed", status)


@pytest.mark.parametrize("status", ["melting", "QUEUED", "done", "Completed", " queued", "", "5"])
def test_an_unknown_status_is_an_error_that_names_it(status: str):
    with pytest.raises(UnknownUpstreamStatus, match=re.escape(repr(status))):
        polled(status=status)


@pytest.mark.parametrize("status", [None, 5, ["queued"]])
def test_a_status_that_is_no_word_is_nonsense(status: object):
    with pytest.raises(UpstreamProtocolError):
        polled(status=status)


@pytest.mark.parametrize(
    ("progress", "percent"),
    [(0, 0), (41, 41), (66.6, 67), ("12", 12), (-3, -3), (250, 250), (None, None)],
)
def test_progress_is_a_whole_number_whatever_it_comes_as(progress: object, percent: int | None):
    """Whether it makes sense is judged where it is kept: a job's progress runs from 0 to 99."""
    assert polled(status="in_progress", progress=progress) == Pending(percent)


def test_a_provider_that_says_when_to_ask_again_is_heard():
    body = b'{"id": "video_1", "status": "queued"}'
    result = PROVIDER.polled({"id": "video_1"}, HttpReply(200, {"retry-after": "8"}, body))
    assert result == Pending(wait_seconds=8, queued=True)


@given(st.text(st.characters(codec="utf-8"), min_size=1).filter(lambda it: it.strip(".")))
def test_any_id_is_one_segment_of_the_path_and_arrives_as_it_was_given(video_id: str):
    path = PROVIDER.poll({"id": video_id}).path
    assert path.count("/") == 2
    url = httpx.URL("https://provider.example/v1" + path)
    assert url.raw_path.decode() == f"/v1{path}"
    assert unquote(path.removeprefix("/videos/")) == video_id


def test_it_can_be_told_to_stop():
    assert isinstance(PROVIDER, Cancels)
    assert PROVIDER.cancel({"id": "a/b"}).path == "/videos/a%2Fb"
