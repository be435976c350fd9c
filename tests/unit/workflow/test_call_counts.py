"""Counts of calls to providers: added up in memory, written rarely, no failure of a job."""

import pytest

from rushes.errors import AwsUnavailable, UpstreamError, UpstreamUnavailable, UpstreamUnreachable
from rushes.ports.provider_calls import CallCounts, FailedCall
from rushes.workflow.call_counts import ERROR_SECONDS, WRITE_SECONDS, CallCounter
from tests.fakes import FakeClock, FakeProviderCalls
from tests.harness import CREATE, POLL_CALL, Harness, reply, video

DOWN = UpstreamUnavailable("acme is down", upstream_code="E503")


def test_calls_are_written_at_most_every_minute_and_none_is_lost():
    table, clock = FakeProviderCalls(), FakeClock()
    counter = CallCounter(table, clock)
    for _ in range(10 * int(WRITE_SECONDS)):
        counter.succeeded("acme")
        clock.advance(0.1)
    clock.advance(ERROR_SECONDS)
    counter.failed("acme", "poll", DOWN)
    assert len(table.rows["acme"]) == 2
    found = table.recent("acme", 0)
    assert (found.calls, found.errors) == (10 * int(WRITE_SECONDS) + 1, 1)
    assert found.last_error == FailedCall(clock(), "upstream_unavailable", "poll", "E503")


def test_failed_calls_are_written_every_ten_seconds_with_the_others():
    table, clock = FakeProviderCalls(), FakeClock()
    counter = CallCounter(table, clock)
    for _ in range(6):
        counter.failed("acme", "poll", DOWN)
        counter.succeeded("acme")
        clock.advance(ERROR_SECONDS / 2)
    assert len(table.rows["acme"]) == 3
    assert (table.recent("acme", 0).calls, table.recent("acme", 0).errors) == (9, 5)


def test_providers_are_counted_apart():
    table = FakeProviderCalls()
    counter = CallCounter(table, FakeClock())
    counter.succeeded("acme")
    counter.failed("other", "create", DOWN)
    assert (table.recent("acme", 0).calls, table.recent("other", 0).error_rate) == (1, 1.0)


def test_counts_that_could_not_be_written_are_written_later():
    table, clock = FakeProviderCalls(), FakeClock()
    counter = CallCounter(table, clock)
    table.error = AwsUnavailable("throttled")
    counter.failed("acme", "poll", DOWN)
    counter.succeeded("acme")
    table.error = None
    clock.advance(WRITE_SECONDS)
    counter.succeeded("acme")
    assert table.recent("acme", 0).error_rate == pytest.approx(1 / 3)


@pytest.mark.parametrize("code", ["content_filtered", "upstream_refused"])
def test_refused_request_is_no_error_of_the_provider(code: str):
    table = FakeProviderCalls()
    CallCounter(table, FakeClock()).failed("acme", "create", UpstreamError("no", code=code))
    assert table.recent("acme", 0) == CallCounts(1, 0)


def test_error_rate_without_a_call_is_unknown():
    assert CallCounts().error_rate is None


def test_created_job_is_recorded_before_its_create_call_is_counted(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
):
    """A function that ends while it counts loses no generation."""
    job, recorded = harness.accepted(), []
    monkeypatch.setattr(
        harness.provider_calls, "add", lambda *_: recorded.append(harness.now(job).operation)
    )
    harness.answer(CREATE, video("queued"))
    harness.submit(job)
    assert len(recorded) == 1
    assert recorded[0] is not None


def test_calls_of_jobs_are_counted(harness: Harness):
    failing, job = harness.accepted(), harness.accepted()
    harness.answer(CREATE, UpstreamUnreachable("the provider cannot be reached"))
    harness.submit(failing)
    harness.clock.advance(1)
    harness.answer(CREATE, video("queued"))
    harness.submit(job)
    harness.answer(POLL_CALL, reply(500), video("in_progress"))
    harness.poll(job)
    harness.poll(job)
    found = harness.provider_calls.recent("sandbox", 0)
    assert (found.calls, found.errors) == (4, 2)
    assert found.last_error is not None
    assert found.last_error.call == "poll"
