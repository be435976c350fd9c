"""Functions whose clocks are ten minutes apart: time is lost by it, never a job or a film.

Each function runs somewhere else, and reads the clock of wherever that is.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product

import pytest

from rushes.jobs.job import Job
from rushes.jobs.status import JobStatus, Stage
from rushes.workflow.submit import LEASE_SECONDS
from rushes.workflow.task import ENDING
from tests.fakes import FakeClock
from tests.harness import ACCOUNT, ASK, CONTENT, CREATE, FILM, STOP, Harness, reply, video
from tests.unit.workflow.test_unknown_outcomes import CATALOG, entry, failure, keys, page

APART = 600.0
OFFSETS = (-APART, 0.0, APART)
SEARCH = "GET /videos?limit=100&order=desc"


@contextmanager
def elsewhere(harness: Harness, offset: float) -> Iterator[None]:
    """What is done in it is done by a clock that is so many seconds fast."""
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
    harness.answer(STOP, reply(200))
    return harness


@pytest.mark.parametrize("offsets", list(product(OFFSETS, repeat=4)))
@pytest.mark.parametrize("model", ["none/one", "key/one", "find/one"])
def test_a_job_is_made_whatever_the_clocks_say(
    harness: Harness, model: str, offsets: tuple[float, ...]
) -> None:
    """Submit, poll, collect and finish, each by its own clock."""
    submit, poll, collect, finish = offsets
    job = harness.accepted(model=model)
    if model == "find/one":
        harness.answer(CREATE, video("queued", user=job.create_key))
    with elsewhere(harness, submit):
        assert harness.submit(job)["status"] == "submitted"
    harness.clock.advance(20)
    harness.answer(ASK, video("completed"))
    harness.http_client.files[CONTENT] = FILM
    with elsewhere(harness, poll):
        assert harness.poll(job)["status"] == "succeeded"
    with elsewhere(harness, collect):
        assert harness.collect(job) == ENDING
    with elsewhere(harness, finish):
        harness.finish(job)
    ended = harness.now(job)
    assert (ended.status, ended.stage) == (JobStatus.COMPLETED, Stage.FINISHED)
    assert len(harness.creates()) == 1
    assert [event["type"] for event in harness.bus.events] == ["job.started", "job.completed"]
    assert [event["sequence"] for event in harness.bus.events] == sorted(
        event["sequence"] for event in harness.bus.events
    )


@pytest.mark.parametrize("offset", [-APART, APART])
def test_a_create_call_on_its_way_is_not_made_again_elsewhere(
    harness: Harness, offset: float
) -> None:
    """By a clock that is fast its lease is over already: what became of it counts as unknown."""
    job = claimed(harness, "none/one")
    with elsewhere(harness, offset):
        harness.submit(job)
    assert harness.creates() == []
    assert failure(harness, job) == ("upstream_outcome_unknown" if offset > 0 else None)


@pytest.mark.parametrize("offset", [-APART, APART])
def test_with_a_key_it_is_the_same_call_by_any_clock(harness: Harness, offset: float) -> None:
    job = claimed(harness, "key/one")
    with elsewhere(harness, offset):
        harness.submit(job)
    harness.clock.advance(LEASE_SECONDS)
    for _ in range(3):
        harness.submit(job)
        harness.clock.advance(LEASE_SECONDS)
    assert set(keys(harness)) == {f"{job.id}-1"}
    assert harness.now(job).operation == {"id": "up-1"}


@pytest.mark.parametrize("offset", OFFSETS)
def test_what_a_list_shows_is_found_by_any_clock(harness: Harness, offset: float) -> None:
    job = claimed(harness, "find/one")
    harness.clock.advance(LEASE_SECONDS)
    harness.answer(SEARCH, page(entry(job)))
    with elsewhere(harness, offset):
        harness.submit(job)
    harness.clock.advance(APART)
    harness.submit(job)
    assert harness.now(job).operation == {"id": "up-1"}
    assert harness.creates() == []


def test_by_a_fast_clock_a_list_is_not_believed_too_early(harness: Harness) -> None:
    """It lags behind, and the film is there: nothing is made again."""
    job = claimed(harness, "find/one")
    harness.clock.advance(LEASE_SECONDS + 1)
    harness.answer(SEARCH, page())
    with elsewhere(harness, APART):
        harness.submit(job)
        harness.submit(job)
    harness.answer(SEARCH, page(entry(job)))
    harness.submit(job)
    assert harness.now(job).operation == {"id": "up-1"}
    assert harness.creates() == []


@pytest.mark.parametrize("offset", [-APART, APART])
def test_a_sweeper_whose_clock_is_wrong_starts_nothing_twice(
    harness: Harness, offset: float
) -> None:
    jobs = [harness.running(model="none/one") for _ in range(3)]
    before = dict(harness.executions.running)
    for _ in range(3):
        with elsewhere(harness, offset):
            harness.sweeper.sweep()
        harness.clock.advance(60)
    assert harness.executions.running == before
    assert [harness.now(job).executions for job in jobs] == [1, 1, 1]


@pytest.mark.parametrize("offset", [-APART, APART])
def test_a_broken_execution_is_replaced_though_the_clock_is_wrong(
    harness: Harness, offset: float
) -> None:
    """By a clock that is slow the row seems to have been written just now: ten minutes later."""
    job = harness.running(model="none/one")
    harness.executions.running[job.id] = False
    harness.clock.advance(APART + 61)
    with elsewhere(harness, offset):
        assert harness.sweeper.sweep() == 1
    assert harness.now(job).executions == 2


def claimed(harness: Harness, model: str) -> Job:
    """A job whose create call is on its way at this moment."""
    job = harness.accepted(model=model)
    harness.jobs.change(ACCOUNT, job.id, lambda it: it.submitting(harness.clock(), LEASE_SECONDS))
    return harness.now(job)
