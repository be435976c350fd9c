"""Events stay in their job's row until they are on the bus."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from typing_extensions import override

from rushes.errors import AwsUnavailable
from rushes.jobs.job import Job
from tests.fakes import FakeBus
from tests.harness import ACCOUNT, Harness

EVENTS: tuple[dict[str, Any], ...] = tuple(
    {"id": f"evt_{n}", "type": "job.started", "data": {"n": n, "text": "é🦊"}} for n in range(4)
)


@pytest.fixture
def harness() -> Harness:
    return Harness()


def untold(harness: Harness, *events: dict[str, Any]) -> Job:
    job = harness.accepted()

    def tell(it: Job) -> Job:
        told = it.warned(harness.clock(), "told")
        for event in events or EVENTS:
            told = told.with_event(event)
        return told

    return harness.jobs.change(ACCOUNT, job.id, tell)


def ids(events: Sequence[Mapping[str, Any]]) -> list[str]:
    return [event["id"] for event in events]


def test_what_is_put_on_the_bus_leaves_the_row(harness: Harness) -> None:
    job = untold(harness)
    assert harness.event_publisher(job) is True
    assert harness.bus.events == list(EVENTS)
    assert (harness.now(job).outbox, harness.now(job).version) == ((), job.version + 1)


def test_nothing_to_tell_is_no_call_and_no_write(harness: Harness) -> None:
    job = harness.accepted()
    harness.bus.refusals = [AwsUnavailable("nobody should ask")]
    assert harness.event_publisher(job) is True
    assert harness.now(job) == job


def test_only_what_was_refused_is_put_again(harness: Harness) -> None:
    """The bus may take some of a call's entries and refuse others."""
    job = untold(harness)
    harness.bus.refusals = [[1, 3]]
    assert harness.event_publisher(job) is False
    assert ids(harness.now(job).outbox) == ["evt_1", "evt_3"]
    assert harness.event_publisher(harness.now(job)) is True
    assert ids(harness.bus.events) == ["evt_0", "evt_2", "evt_1", "evt_3"]
    assert harness.now(job).outbox == ()


def test_where_all_are_refused_nothing_is_written(harness: Harness) -> None:
    job = untold(harness)
    harness.bus.refusals = [[0, 1, 2, 3]]
    assert harness.event_publisher(job) is False
    assert harness.now(job) == job


def test_a_bus_that_is_down_costs_nothing_but_time(harness: Harness) -> None:
    job = untold(harness)
    harness.bus.refusals = [AwsUnavailable("PutEvents answered InternalFailure")]
    assert harness.event_publisher(job) is False
    assert harness.now(job) == job
    assert harness.event_publisher(job) is True


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


def test_who_dies_between_the_bus_and_the_row_says_it_twice_never_less(harness: Harness) -> None:
    harness.bus = Deadly()
    job = untold(harness)
    with pytest.raises(MemoryError):
        harness.event_publisher(job)
    assert ids(harness.now(job).outbox) == ids(EVENTS)
    assert harness.event_publisher(harness.now(job)) is True
    assert ids(harness.bus.events) == ids(EVENTS) * 2
    assert harness.bus.events[:4] == harness.bus.events[4:]


def test_a_row_that_cannot_be_written_keeps_its_events(harness: Harness) -> None:
    job = untold(harness)
    harness.jobs.before_write = _no_store
    assert harness.event_publisher(job) is False
    assert harness.now(job).outbox == EVENTS


def test_what_was_added_meanwhile_stays(harness: Harness) -> None:
    job = untold(harness, EVENTS[0])
    harness.jobs.before_write = lambda: _tell(harness, job)
    assert harness.event_publisher(job) is True
    assert harness.now(job).outbox == (EVENTS[1],)


def test_two_that_announce_at_once_leave_an_empty_row(harness: Harness) -> None:
    job = untold(harness)
    harness.jobs.before_write = lambda: harness.event_publisher(job)
    assert harness.event_publisher(job) is True
    assert harness.now(job).outbox == ()
    assert ids(harness.bus.events) == ids(EVENTS) * 2


def _tell(harness: Harness, job: Job) -> None:
    harness.jobs.change(
        ACCOUNT, job.id, lambda it: it.warned(harness.clock(), "x").with_event(EVENTS[1])
    )


def _no_store() -> None:
    raise AwsUnavailable("throttled")
