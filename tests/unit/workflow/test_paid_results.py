"""A generation that is paid for is neither dropped nor made twice because of passing errors."""

from dataclasses import dataclass
from itertools import chain, repeat

import pytest
from typing_extensions import override

from rushes.catalog.models import Catalog, read_catalog
from rushes.errors import DownloadInterrupted
from rushes.jobs.job import Job
from rushes.jobs.status import JobStatus
from rushes.ports.http import HttpCall, HttpReply, Upstream
from rushes.workflow.poll import OUTAGE_WINDOW, RETRY_WINDOW
from rushes.workflow.task import TO_COLLECT, TO_FINISH
from tests.fakes import FakeHttpClient, FixedCatalogs
from tests.harness import (
    CANCEL_CALL,
    CONTENT,
    CREATE,
    MP4_BYTES,
    POLL_CALL,
    Harness,
    reply,
    video,
)

WITHOUT = read_catalog("""
    default_model = "spare/one"
    [providers.spare]
    protocol = "openai_compatible"
    [[models]]
    name = "spare/one"
    """)
"""The catalog without the provider of the job."""
GONE, DOWN, RUNNING, UNKNOWN = reply(404), reply(503), video("in_progress"), video("levitating")
INTERRUPTED = DownloadInterrupted("the output's URL returned 403")


@pytest.fixture
def harness() -> Harness:
    return Harness()


def running(harness: Harness, *answers: HttpReply) -> Job:
    """A running job with two hours left."""

    def change(job: Job, now: float) -> Job:
        return job.model_copy(update={"deadline_at": now + 7200, "version": job.version + 1})

    return harness.change(harness.running(*answers), change)


def poll_each_minute(harness: Harness, job: Job, minutes: int) -> None:
    for _ in range(minutes):
        assert harness.poll(job)["status"] == "pending"
        harness.clock.advance(60)


@pytest.mark.parametrize("invalid", [GONE, reply(401), HttpReply(200, {}, b"<html>")])
@pytest.mark.parametrize("earlier", [DOWN, reply(429), reply(402), UNKNOWN])
def test_other_errors_do_not_shorten_the_time_for_invalid_responses(
    harness: Harness, earlier: HttpReply, invalid: HttpReply
) -> None:
    job = running(harness, *repeat(earlier, 20), *repeat(invalid, 5), RUNNING)
    poll_each_minute(harness, job, 26)
    polled = harness.now(job)
    assert (polled.failing_since, polled.invalid_since) == (None, None)


@pytest.mark.parametrize("error", [DOWN, reply(402)])
def test_unknown_status_is_no_outage(harness: Harness, error: HttpReply) -> None:
    job = running(harness, *repeat(UNKNOWN, 40), *repeat(error, 20), RUNNING)
    poll_each_minute(harness, job, 61)


def test_invalid_responses_between_other_errors_end_the_job(harness: Harness) -> None:
    job = running(harness, *chain.from_iterable(repeat((GONE, DOWN), 20)))
    poll_each_minute(harness, job, 6)
    assert harness.poll(job) == TO_FINISH
    assert harness.error_code(job) == "upstream_job_not_found"


def test_series_that_an_older_release_recorded_begins_anew(harness: Harness) -> None:
    job = running(harness, GONE)
    harness.change(job, lambda job, now: job.failing(now - RETRY_WINDOW - 1))
    assert harness.poll(job)["status"] == "pending"


def interrupted(harness: Harness) -> Job:
    """A generated job whose first download failed."""
    job = harness.generated(INTERRUPTED)
    assert harness.collect(job)["status"] == "pending"
    return job


def test_result_is_stored_though_the_provider_has_forgotten_the_job(harness: Harness) -> None:
    job = interrupted(harness)
    harness.answer(POLL_CALL, GONE)
    harness.http_client.files[CONTENT] = MP4_BYTES
    assert harness.poll(job)["status"] == "pending"
    harness.clock.advance(RETRY_WINDOW + 1)
    assert harness.poll(job) == TO_COLLECT
    assert harness.collect(job) == TO_FINISH
    assert harness.finish(job)["status"] == "completed"


def test_result_is_stored_though_the_provider_is_down(harness: Harness) -> None:
    job = interrupted(harness)
    harness.answer(POLL_CALL, DOWN)
    harness.http_client.files[CONTENT] = MP4_BYTES
    assert harness.poll(job)["status"] == "pending"
    harness.clock.advance(OUTAGE_WINDOW + 1)
    assert harness.poll(job) == TO_COLLECT
    assert harness.collect(job) == TO_FINISH
    assert harness.finish(job)["status"] == "completed"


@pytest.mark.parametrize("answer", [GONE, DOWN])
def test_result_that_cannot_be_read_becomes_a_dead_letter(
    harness: Harness, answer: HttpReply
) -> None:
    job = interrupted(harness)
    harness.answer(POLL_CALL, answer)
    steps = 0
    while (step := harness.poll(job)) != TO_FINISH and steps < 200:
        step = harness.collect(job) if step == TO_COLLECT else step
        if step == TO_FINISH:
            break
        harness.clock.advance(step["wait_seconds"])
        steps += 1
    harness.finish(job)
    assert harness.now(job).is_dead_letter
    assert steps < 200


@pytest.mark.parametrize("answer", [GONE, DOWN, reply(401)])
def test_result_read_before_a_cancel_is_archived_by_its_urls(
    harness: Harness, answer: HttpReply
) -> None:
    job = interrupted(harness)
    harness.service.cancel(job.account, job.id)
    harness.answer(POLL_CALL, answer)
    assert harness.poll(job) == TO_FINISH
    harness.finish(job)
    harness.http_client.files[CONTENT] = MP4_BYTES
    assert harness.poll(job) == TO_COLLECT
    assert harness.collect(job) == TO_FINISH
    archived = harness.now(job)
    assert (archived.status, len(archived.archived_artifacts)) == (JobStatus.CANCELLED, 1)
    assert CANCEL_CALL not in harness.calls()


class ChangingCatalogs(FixedCatalogs):
    """Source of a job without a version: `now[0]` is in force."""

    def __init__(self, now: list[Catalog]) -> None:
        super().__init__(now[0])
        self._now = now

    @override
    def for_job(self, job: Job) -> Catalog:
        return self._now[0]


class PublishingClient(FakeHttpClient):
    """A configuration is published while the create call is in flight."""

    def __init__(self, now: list[Catalog]) -> None:
        super().__init__()
        self._now = now

    @override
    def send(self, upstream: Upstream, call: HttpCall) -> HttpReply:
        self._now[0] = WITHOUT
        return super().send(upstream, call)


@dataclass
class ChangingHarness(Harness):
    def __post_init__(self) -> None:
        self.in_force = [self.catalog]
        self.http_client = PublishingClient(self.in_force)

    @property
    @override
    def catalogs(self) -> ChangingCatalogs:
        return ChangingCatalogs(self.in_force)


def test_job_is_recorded_though_its_provider_leaves_the_catalog_during_the_create_call() -> None:
    harness = ChangingHarness()
    job = harness.of_older_release(harness.accepted(video("queued"), model="sure"))
    harness.answer(CREATE, video("queued"))
    assert harness.submit(job)["status"] == "submitted"
    recorded = harness.now(job)
    assert (recorded.provider, recorded.operation) == ("sandbox", {"id": "up-1"})
    assert len(harness.creates()) == 1
