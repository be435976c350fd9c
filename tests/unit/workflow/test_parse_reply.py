"""A parser that fails unexpectedly: the reply keeps its meaning, and the job its next state."""

from collections.abc import Callable
from typing import Any

import pytest
from typing_extensions import override

from rushes.catalog.model_entry import ModelEntry
from rushes.errors import (
    UpstreamError,
    UpstreamJobNotFound,
    UpstreamNoResponse,
    UpstreamProtocolError,
    UpstreamRefused,
    UpstreamThrottled,
)
from rushes.jobs.job import Job
from rushes.jobs.status import JobStatus
from rushes.ports.http import HttpCall, HttpReply
from rushes.providers.base import Pending, PollResult, Profile, Submitted
from rushes.workflow.parse_reply import parse_create_reply, parse_reply
from tests.harness import CREATE, POLL_CALL, Harness, reply

CRASHES: list[type[Exception]] = [OverflowError, RecursionError, KeyError, TypeError, MemoryError]


def crash(error: type[Exception]) -> Callable[[Any], Any]:
    def parse(_reply: object) -> object:
        raise error("boom")

    return parse


@pytest.fixture
def job(harness: Harness) -> Job:
    return harness.accepted()


def test_parsed_value_and_upstream_errors_pass(job: Job):
    assert parse_create_reply(job, reply(200), lambda reply: reply.status) == 200
    assert parse_reply(job, reply(204), lambda reply: reply.status) == 204

    def refuse(_reply: object) -> object:
        raise UpstreamRefused("no")

    for parse in (parse_create_reply, parse_reply):
        with pytest.raises(UpstreamRefused, match=r"^no$"):
            parse(job, reply(200), refuse)


@pytest.mark.parametrize("error", CRASHES)
@pytest.mark.parametrize(
    ("status", "create_error", "repeatable_error"),
    [
        (200, UpstreamProtocolError, UpstreamProtocolError),
        (201, UpstreamProtocolError, UpstreamProtocolError),
        (400, UpstreamRefused, UpstreamRefused),
        (404, UpstreamRefused, UpstreamJobNotFound),
        (408, UpstreamNoResponse, UpstreamThrottled),
        (429, UpstreamThrottled, UpstreamThrottled),
        (503, UpstreamNoResponse, UpstreamThrottled),
    ],
)
def test_status_decides_when_the_parser_fails(
    job: Job,
    error: type[Exception],
    status: int,
    create_error: type[UpstreamError],
    repeatable_error: type[UpstreamError],
):
    with pytest.raises(UpstreamError) as raised:
        parse_create_reply(job, reply(status, {"retry-after": "x"}), crash(error))
    assert type(raised.value) is create_error
    with pytest.raises(UpstreamError) as raised:
        parse_reply(job, reply(status), crash(error))
    assert type(raised.value) is repeatable_error


class CrashingProvider:
    """A provider whose parsers fail for every reply."""

    profile = Profile()

    def submit_request(self, _job: Job, _model: ModelEntry | None = None) -> HttpCall:
        return HttpCall("POST", "/videos")

    def parse_submit(self, _reply: HttpReply) -> Submitted:
        raise OverflowError("date value out of range")

    def poll_request(self, _operation: dict[str, Any]) -> HttpCall:
        return HttpCall("GET", "/videos/up-1")

    def parse_poll(self, _operation: dict[str, Any], _reply: HttpReply) -> PollResult:
        raise ZeroDivisionError


class CrashingPoll(CrashingProvider):
    @override
    def parse_submit(self, _reply: HttpReply) -> Submitted:
        return Submitted({"id": "up-1"})


class HugeHandle(CrashingProvider):
    @override
    def parse_submit(self, _reply: HttpReply) -> Submitted:
        return Submitted({"id": "x" * 500_000})

    @override
    def parse_poll(self, _operation: dict[str, Any], _reply: HttpReply) -> PollResult:
        return Pending()


def test_rate_limited_create_call_is_repeated_although_its_parser_fails(harness: Harness):
    harness.adapter = lambda _entry: CrashingProvider()
    job = harness.accepted(reply(429))
    assert harness.submit(job)["status"] == "pending"
    assert harness.now(job).lease_until is None
    assert harness.submit(job)["status"] == "pending"
    assert not harness.now(job).has_outcome


def test_refused_create_call_fails_over_although_its_parser_fails(harness: Harness):
    harness.adapter = lambda _entry: CrashingProvider()
    job = harness.accepted(reply(400), model="sure")
    assert harness.submit(job)["status"] == "resubmit"
    assert harness.now(job).provider == "spare"


@pytest.mark.parametrize("provider", [CrashingProvider(), HugeHandle()])
def test_accepted_create_call_without_a_usable_handle_is_not_repeated(
    harness: Harness, provider: CrashingProvider
):
    harness.adapter = lambda _entry: provider
    job = harness.accepted(reply(200), model="sure")
    assert harness.submit(job)["status"] == "ending"
    assert harness.error_code(job) == "upstream_bad_response"
    assert harness.calls() == [CREATE]


def test_poll_whose_parser_fails_is_repeated_for_five_minutes(harness: Harness):
    harness.adapter = lambda _entry: CrashingPoll()
    job = harness.running(reply(200))
    assert harness.poll(job)["status"] == "pending"
    assert harness.now(job).warnings == ("sandbox's response (200) cannot be parsed",)
    harness.clock.advance(301)
    harness.poll(job)
    assert harness.error_code(job) == "upstream_bad_response"
    assert harness.calls().count(POLL_CALL) == 2
    assert harness.finish(job)["status"] == JobStatus.FAILED.value
