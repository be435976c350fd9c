"""A verdict in a poll's body counts before the HTTP status, for each adapter."""

import pytest

from rushes.errors import UpstreamError, UpstreamProtocolError, UpstreamThrottled
from rushes.ports.http import HttpReply
from rushes.providers import adapter
from rushes.providers.base import Failed, FetchResult, Pending, PollResult, Succeeded
from rushes.providers.openai_videos.openai_compatible import OpenAICompatible
from rushes.providers.runway.adapter import Runway
from rushes.providers.tiyaro.adapter import Tiyaro
from rushes.providers.xai.adapter import XAI
from tests.contract.fault_catalogue_runner import Adapter
from tests.contract.test_fault_catalogue import ADAPTERS
from tests.unit.providers.job import json_reply

STATUSES = (200, 202, 400, 401, 403, 404, 409, 410, 418, 422, 429, 500, 502, 503, 520, 599)
OPERATION = {"id": "1", "path": "/create"}


def poll(subject: Adapter, status: int, body: bytes) -> PollResult | FetchResult:
    provider = adapter(subject.entry)
    return provider.parse_poll(subject.operation, HttpReply(status, {}, body))


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("subject", ADAPTERS, ids=str)
def test_verdict_counts_with_any_http_status(subject: Adapter, status: int):
    assert isinstance(poll(subject, status, subject.body(subject.failed)), Failed)
    done = poll(subject, status, subject.body(subject.done))
    assert isinstance(done, Succeeded | FetchResult)


@pytest.mark.parametrize("subject", ADAPTERS, ids=str)
def test_running_job_in_an_http_error_is_that_error(subject: Adapter):
    with pytest.raises(UpstreamThrottled):
        poll(subject, 503, subject.body(subject.running))


@pytest.mark.parametrize("body", [b"", b" \n", b"<html>", b"Accepted", b"{}", b"null"])
@pytest.mark.parametrize("subject", ADAPTERS, ids=str)
def test_accepted_request_without_a_state_is_pending(subject: Adapter, body: bytes):
    assert poll(subject, 202, body) == Pending()


@pytest.mark.parametrize("status", [400, 401, 404, 500, 503])
@pytest.mark.parametrize(
    "body",
    [
        {"status": "error", "message": "internal error"},
        {"status": "fail", "error": {"message": "unauthorized"}},
        {"status": "success", "data": None},
        {"status": 500, "title": "Internal Server Error"},
    ],
)
def test_status_of_an_error_body_is_no_verdict(status: int, body: object):
    for provider in (OpenAICompatible(), Runway(), Tiyaro(), XAI()):
        with pytest.raises(UpstreamError):
            provider.parse_poll({"id": "1", "url": "/x"}, json_reply(body, status))


def test_error_body_with_the_id_of_the_job_is_a_verdict():
    body = {"id": "1", "status": "error", "error": {"message": "CUDA out of memory"}}
    result = OpenAICompatible().parse_poll(OPERATION, json_reply(body, 500))
    assert isinstance(result, Failed)
    assert result.error.message == "CUDA out of memory"


@pytest.mark.parametrize("word", ["cancelled", "Canceled", "CANCEL"])
def test_cancelled_job_is_not_a_failed_one(word: str):
    body = {"id": "1", "status": word}
    result = OpenAICompatible().parse_poll(OPERATION, json_reply(body, 410))
    assert isinstance(result, Failed)
    assert result.cancelled


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b"[]", b'{"id": "1"}', b'{"status": {}}'])
def test_success_without_a_state_is_invalid(body: bytes):
    with pytest.raises(UpstreamProtocolError):
        OpenAICompatible().parse_poll(OPERATION, HttpReply(200, {}, body))


@pytest.mark.parametrize("word", ["Content Moderated", "request_moderated", "BLOCKED", "filtered"])
def test_status_of_the_content_filter_is_one(word: str):
    result = OpenAICompatible().parse_poll(OPERATION, json_reply({"id": "1", "status": word}))
    assert isinstance(result, Failed)
    assert result.error.code == "content_filtered"
