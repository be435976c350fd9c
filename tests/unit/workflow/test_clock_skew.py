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
from tests.harness import ACCOUNT, ASK, CONTENT, CREATE, FILM, STOP, World, reply, video
from tests.unit.workflow.test_unknown_outcomes import CATALOG, entry, failure, keys, page

APART = 600.0
OFFSETS = (-APART, 0.0, APART)
SEARCH = "GET /videos?limit=100&order=desc"


@contextmanager
def elsewhere(world: World, offset: float) -> Iterator[None]:
    """What is done in it is done by a clock that is so many seconds fast."""
    true = world.clock
    world.clock = FakeClock(true.now + offset)
    try:
        yield
    finally:
        world.clock = true


@pytest.fixture
def world() -> World:
    world = World(catalog=CATALOG)
    world.answer(CREATE, video("queued"))
    world.answer(STOP, reply(200))
    return world


@pytest.mark.parametrize("offsets", list(product(OFFSETS, repeat=4)))
@pytest.mark.parametrize("model", ["none/one", "key/one", "find/one"])
def test_a_job_is_made_whatever_the_clocks_say(
    world: World, model: str, offsets: tuple[float, ...]
) -> None:
    """Submit, poll, collect and finish, each by its own clock."""
    submit, poll, collect, finish = offsets
    job = world.accepted(model=model)
    if model == "find/one":
        world.answer(CREATE, video("queued", user=job.create_key))
    with elsewhere(world, submit):
        assert world.submit(job)["status"] == "submitted"
    world.clock.advance(20)
    world.answer(ASK, video("completed"))
    world.egress.files[CONTENT] = FILM
    with elsewhere(world, poll):
        assert world.poll(job)["status"] == "succeeded"
    with elsewhere(world, collect):
        assert world.collect(job) == ENDING
    with elsewhere(world, finish):
        world.finish(job)
    ended = world.now(job)
    assert (ended.status, ended.stage) == (JobStatus.COMPLETED, Stage.FINISHED)
    assert len(world.creates()) == 1
    assert [event["type"] for event in world.bus.events] == ["job.started", "job.completed"]
    assert [event["sequence"] for event in world.bus.events] == sorted(
        event["sequence"] for event in world.bus.events
    )


@pytest.mark.parametrize("offset", [-APART, APART])
def test_a_create_call_on_its_way_is_not_made_again_elsewhere(world: World, offset: float) -> None:
    """By a clock that is fast its lease is over already: what became of it counts as unknown."""
    job = claimed(world, "none/one")
    with elsewhere(world, offset):
        world.submit(job)
    assert world.creates() == []
    assert failure(world, job) == ("upstream_outcome_unknown" if offset > 0 else None)


@pytest.mark.parametrize("offset", [-APART, APART])
def test_with_a_key_it_is_the_same_call_by_any_clock(world: World, offset: float) -> None:
    job = claimed(world, "key/one")
    with elsewhere(world, offset):
        world.submit(job)
    world.clock.advance(LEASE_SECONDS)
    for _ in range(3):
        world.submit(job)
        world.clock.advance(LEASE_SECONDS)
    assert set(keys(world)) == {f"{job.id}-1"}
    assert world.now(job).operation == {"id": "up-1"}


@pytest.mark.parametrize("offset", OFFSETS)
def test_what_a_list_shows_is_found_by_any_clock(world: World, offset: float) -> None:
    job = claimed(world, "find/one")
    world.clock.advance(LEASE_SECONDS)
    world.answer(SEARCH, page(entry(job)))
    with elsewhere(world, offset):
        world.submit(job)
    world.clock.advance(APART)
    world.submit(job)
    assert world.now(job).operation == {"id": "up-1"}
    assert world.creates() == []


def test_by_a_fast_clock_a_list_is_not_believed_too_early(world: World) -> None:
    """It lags behind, and the film is there: nothing is made again."""
    job = claimed(world, "find/one")
    world.clock.advance(LEASE_SECONDS + 1)
    world.answer(SEARCH, page())
    with elsewhere(world, APART):
        world.submit(job)
        world.submit(job)
    world.answer(SEARCH, page(entry(job)))
    world.submit(job)
    assert world.now(job).operation == {"id": "up-1"}
    assert world.creates() == []


@pytest.mark.parametrize("offset", [-APART, APART])
def test_a_sweeper_whose_clock_is_wrong_starts_nothing_twice(world: World, offset: float) -> None:
    jobs = [world.running(model="none/one") for _ in range(3)]
    before = dict(world.executions.running)
    for _ in range(3):
        with elsewhere(world, offset):
            world.sweeper.sweep()
        world.clock.advance(60)
    assert world.executions.running == before
    assert [world.now(job).executions for job in jobs] == [1, 1, 1]


@pytest.mark.parametrize("offset", [-APART, APART])
def test_a_broken_execution_is_replaced_though_the_clock_is_wrong(
    world: World, offset: float
) -> None:
    """By a clock that is slow the row seems to have been written just now: ten minutes later."""
    job = world.running(model="none/one")
    world.executions.running[job.id] = False
    world.clock.advance(APART + 61)
    with elsewhere(world, offset):
        assert world.sweeper.sweep() == 1
    assert world.now(job).executions == 2


def claimed(world: World, model: str) -> Job:
    """A job whose create call is on its way at this moment."""
    job = world.accepted(model=model)
    world.jobs.change(ACCOUNT, job.id, lambda it: it.submitting(world.clock(), LEASE_SECONDS))
    return world.now(job)
