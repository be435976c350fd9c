"""Events stay in their job's row until they are on the bus."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from typing_extensions import override

from rushes.errors import StoreUnavailable
from rushes.jobs.job import Job
from tests.fakes import FakeBus
from tests.harness import ACCOUNT, World

EVENTS: tuple[dict[str, Any], ...] = tuple(
    {"id": f"evt_{n}", "type": "job.started", "data": {"n": n, "text": "é🦊"}} for n in range(4)
)


@pytest.fixture
def world() -> World:
    return World()


def untold(world: World, *events: dict[str, Any]) -> Job:
    job = world.accepted()

    def tell(it: Job) -> Job:
        told = it.warned(world.clock(), "told")
        for event in events or EVENTS:
            told = told.telling(event)
        return told

    return world.jobs.change(ACCOUNT, job.id, tell)


def ids(events: Sequence[Mapping[str, Any]]) -> list[str]:
    return [event["id"] for event in events]


def test_what_is_put_on_the_bus_leaves_the_row(world: World) -> None:
    job = untold(world)
    assert world.announcer(job) is True
    assert world.bus.events == list(EVENTS)
    assert (world.now(job).outbox, world.now(job).version) == ((), job.version + 1)


def test_nothing_to_tell_is_no_call_and_no_write(world: World) -> None:
    job = world.accepted()
    world.bus.refusals = [StoreUnavailable("nobody should ask")]
    assert world.announcer(job) is True
    assert world.now(job) == job


def test_only_what_was_refused_is_put_again(world: World) -> None:
    """The bus may take some of a call's entries and refuse others."""
    job = untold(world)
    world.bus.refusals = [[1, 3]]
    assert world.announcer(job) is False
    assert ids(world.now(job).outbox) == ["evt_1", "evt_3"]
    assert world.announcer(world.now(job)) is True
    assert ids(world.bus.events) == ["evt_0", "evt_2", "evt_1", "evt_3"]
    assert world.now(job).outbox == ()


def test_where_all_are_refused_nothing_is_written(world: World) -> None:
    job = untold(world)
    world.bus.refusals = [[0, 1, 2, 3]]
    assert world.announcer(job) is False
    assert world.now(job) == job


def test_a_bus_that_is_down_costs_nothing_but_time(world: World) -> None:
    job = untold(world)
    world.bus.refusals = [StoreUnavailable("PutEvents answered InternalFailure")]
    assert world.announcer(job) is False
    assert world.now(job) == job
    assert world.announcer(job) is True


class Deadly(FakeBus):
    """Takes what it is given, and whoever gave it dies of it, once."""

    deaths = 1

    @override
    def put(self, events: Sequence[Mapping[str, Any]]) -> list[int]:
        refused = super().put(events)
        if self.deaths:
            self.deaths -= 1
            raise MemoryError
        return refused


def test_who_dies_between_the_bus_and_the_row_says_it_twice_never_less(world: World) -> None:
    world.bus = Deadly()
    job = untold(world)
    with pytest.raises(MemoryError):
        world.announcer(job)
    assert ids(world.now(job).outbox) == ids(EVENTS)
    assert world.announcer(world.now(job)) is True
    assert ids(world.bus.events) == ids(EVENTS) * 2
    assert world.bus.events[:4] == world.bus.events[4:]


def test_a_row_that_cannot_be_written_keeps_its_events(world: World) -> None:
    job = untold(world)
    world.jobs.before_write = _no_store
    assert world.announcer(job) is False
    assert world.now(job).outbox == EVENTS


def test_what_was_added_meanwhile_stays(world: World) -> None:
    job = untold(world, EVENTS[0])
    world.jobs.before_write = lambda: _tell(world, job)
    assert world.announcer(job) is True
    assert world.now(job).outbox == (EVENTS[1],)


def test_two_that_announce_at_once_leave_an_empty_row(world: World) -> None:
    job = untold(world)
    world.jobs.before_write = lambda: world.announcer(job)
    assert world.announcer(job) is True
    assert world.now(job).outbox == ()
    assert ids(world.bus.events) == ids(EVENTS) * 2


def _tell(world: World, job: Job) -> None:
    world.jobs.change(ACCOUNT, job.id, lambda it: it.warned(world.clock(), "x").telling(EVENTS[1]))


def _no_store() -> None:
    raise StoreUnavailable("throttled")
