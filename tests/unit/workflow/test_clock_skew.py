"""Ten minutes of clock skew between functions delay a job, but lose or duplicate none."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product

import pytest

from rushes.jobs.status import JobStatus, Stage
from rushes.workflow.lease import LEASE_SECONDS
from rushes.workflow.task import TO_FINISH
from tests.fakes import FakeClock
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
from tests.unit.workflow.test_reconcile import CATALOG, LOOKUP_CALL, entry, keys, page

CLOCK_SKEW = 600.0
OFFSETS = (-CLOCK_SKEW, 0.0, CLOCK_SKEW)


@contextmanager
def skewed_clock(harness: Harness, offset: float) -> Iterator[None]:
    """Run the body with a clock that is `offset` seconds fast."""
    true = harness.clock
    harness.clock = FakeClock(true.now + offset)
    try:
        yield
    finally:
        harness.clock = true


@pytest.fixture
def harness() -> Harness:
    harness = Harness(catalog=CATALOG)
    harness.answer(CREATE, video("queued"))
    harness.answer(CANCEL_CALL, reply(200))
    return harness


@pytest.mark.parametrize("offsets", list(product(OFFSETS, repeat=4)))
@pytest.mark.parametrize("model", ["none/one", "key/one", "lookup/one"])
def test_job_completes_with_any_clock_skew(
    harness: Harness, model: str, offsets: tuple[float, ...]
) -> None:
    """Submit, poll, collect and finish each read a different clock."""
    submit, poll, collect, finish = offsets
    job = harness.accepted(model=model)
    if model == "lookup/one":
        harness.answer(CREATE, video("queued", user=job.create_key))
    with skewed_clock(harness, submit):
        assert harness.submit(job)["status"] == "submitted"
    harness.clock.advance(20)
    harness.answer(POLL_CALL, video("completed"))
    harness.http_client.files[CONTENT] = MP4_BYTES
    with skewed_clock(harness, poll):
        assert harness.poll(job)["status"] == "succeeded"
    with skewed_clock(harness, collect):
        assert harness.collect(job) == TO_FINISH
    with skewed_clock(harness, finish):
        harness.finish(job)
    ended = harness.now(job)
    assert (ended.status, ended.stage) == (JobStatus.COMPLETED, Stage.FINISHED)
    assert len(harness.creates()) == 1
    assert harness.event_types() == ["job.started", "job.completed"]
    sequences = [event["sequence"] for event in harness.bus.events]
    assert sequences == sorted(sequences)


@pytest.mark.parametrize("offset", [-CLOCK_SKEW, CLOCK_SKEW])
def test_clock_skew_never_repeats_create_call(harness: Harness, offset: float) -> None:
    """By a fast clock the lease has expired: the outcome counts as unknown."""
    job = harness.leased(model="none/one")
    with skewed_clock(harness, offset):
        harness.submit(job)
    assert harness.creates() == []
    assert harness.error_code(job) == ("upstream_outcome_unknown" if offset > 0 else None)


@pytest.mark.parametrize("offset", [-CLOCK_SKEW, CLOCK_SKEW])
def test_clock_skew_keeps_idempotency_key(harness: Harness, offset: float) -> None:
    job = harness.leased(model="key/one")
    with skewed_clock(harness, offset):
        harness.submit(job)
    harness.clock.advance(LEASE_SECONDS)
    for _ in range(3):
        harness.submit(job)
        harness.clock.advance(LEASE_SECONDS)
    assert set(keys(harness)) == {f"{job.id}-1"}
    assert harness.now(job).operation == {"id": "up-1"}


@pytest.mark.parametrize("offset", OFFSETS)
def test_lookup_finds_job_with_any_clock_skew(harness: Harness, offset: float) -> None:
    job = harness.leased(model="lookup/one")
    harness.clock.advance(LEASE_SECONDS)
    harness.answer(LOOKUP_CALL, page(entry(job)))
    with skewed_clock(harness, offset):
        harness.submit(job)
    harness.clock.advance(CLOCK_SKEW)
    harness.submit(job)
    assert harness.now(job).operation == {"id": "up-1"}
    assert harness.creates() == []


def test_fast_clock_does_not_confirm_absence_early(harness: Harness) -> None:
    """The list lags behind, but the job exists: no second create call."""
    job = harness.leased(model="lookup/one")
    harness.clock.advance(LEASE_SECONDS + 1)
    harness.answer(LOOKUP_CALL, page())
    with skewed_clock(harness, CLOCK_SKEW):
        harness.submit(job)
        harness.submit(job)
    harness.answer(LOOKUP_CALL, page(entry(job)))
    harness.submit(job)
    assert harness.now(job).operation == {"id": "up-1"}
    assert harness.creates() == []


@pytest.mark.parametrize("offset", [-CLOCK_SKEW, CLOCK_SKEW])
def test_clock_skew_of_sweeper_restarts_no_running_job(harness: Harness, offset: float) -> None:
    jobs = [harness.running(model="none/one") for _ in range(3)]
    before = dict(harness.executions.running)
    for _ in range(3):
        with skewed_clock(harness, offset):
            harness.sweeper.sweep()
        harness.clock.advance(60)
    assert harness.executions.running == before
    assert [harness.now(job).executions for job in jobs] == [1, 1, 1]


@pytest.mark.parametrize("offset", [-CLOCK_SKEW, CLOCK_SKEW])
def test_sweeper_with_clock_skew_replaces_failed_execution(harness: Harness, offset: float) -> None:
    """By a slow clock the item seems to have been written just now."""
    job = harness.running(model="none/one")
    harness.executions.running[job.id] = False
    harness.clock.advance(CLOCK_SKEW + 61)
    with skewed_clock(harness, offset):
        assert harness.sweeper.sweep() == 1
    assert harness.now(job).executions == 2
