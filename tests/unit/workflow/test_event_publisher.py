"""EventPublisher: events stay in the outbox until the bus accepts them."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from typing_extensions import override

from rushes.errors import AwsUnavailable
from rushes.jobs.job import Job
from tests.fakes import FakeBus, unavailable
from tests.harness import ACCOUNT, Harness

EVENTS: tuple[dict[str, Any], ...] = tuple(
    {"id": f"evt_{n}", "type": "job.started", "data": {"n": n, "text": "é🦊"}} for n in range(4)
)


def with_events(harness: Harness, *events: dict[str, Any]) -> Job:
    job = harness.accepted()

    def add_events(job: Job) -> Job:
        job = job.warned(harness.clock(), "added")
        for event in events or EVENTS:
            job = job.with_event(event)
        return job

    return harness.jobs.change(ACCOUNT, job.id, add_events)


def ids(events: Sequence[Mapping[str, Any]]) -> list[str]:
    return [event["id"] for event in events]


def test_publish_empties_outbox(harness: Harness) -> None:
    job = with_events(harness)
    assert harness.event_publisher.publish(job) is True
    assert harness.bus.events == list(EVENTS)
    assert (harness.now(job).outbox, harness.now(job).version) == ((), job.version + 1)


def test_publish_without_events_makes_no_call_and_no_write(harness: Harness) -> None:
    job = harness.accepted()
    harness.bus.rejections = [AwsUnavailable("unexpected call")]
    assert harness.event_publisher.publish(job) is True
    assert harness.now(job) == job


def test_publish_repeats_rejected_events_only(harness: Harness) -> None:
    """PutEvents may reject single entries of a call."""
    job = with_events(harness)
    harness.bus.rejections = [[1, 3]]
    assert harness.event_publisher.publish(job) is False
    assert ids(harness.now(job).outbox) == ["evt_1", "evt_3"]
    assert harness.event_publisher.publish(harness.now(job)) is True
    assert ids(harness.bus.events) == ["evt_0", "evt_2", "evt_1", "evt_3"]
    assert harness.now(job).outbox == ()


def test_publish_writes_nothing_if_all_events_are_rejected(harness: Harness) -> None:
    job = with_events(harness)
    harness.bus.rejections = [[0, 1, 2, 3]]
    assert harness.event_publisher.publish(job) is False
    assert harness.now(job) == job


def test_publish_keeps_events_while_bus_is_unavailable(harness: Harness) -> None:
    job = with_events(harness)
    harness.bus.rejections = [AwsUnavailable("PutEvents returned InternalFailure")]
    assert harness.event_publisher.publish(job) is False
    assert harness.now(job) == job
    assert harness.event_publisher.publish(job) is True


class CrashingBus(FakeBus):
    """Accepts the events; the first call then crashes its caller."""

    crashes = 1

    @override
    def put(self, events: Sequence[Mapping[str, Any]]) -> list[int]:
        rejected = super().put(events)
        if self.crashes:
            self.crashes -= 1
            raise MemoryError
        return rejected


def test_publish_repeats_events_after_crash_before_the_write(harness: Harness) -> None:
    harness.bus = CrashingBus()
    job = with_events(harness)
    with pytest.raises(MemoryError):
        harness.event_publisher.publish(job)
    assert ids(harness.now(job).outbox) == ids(EVENTS)
    assert harness.event_publisher.publish(harness.now(job)) is True
    assert ids(harness.bus.events) == ids(EVENTS) * 2
    assert harness.bus.events[:4] == harness.bus.events[4:]


def test_publish_keeps_events_if_the_write_fails(harness: Harness) -> None:
    job = with_events(harness)
    harness.jobs.before_write = unavailable
    assert harness.event_publisher.publish(job) is False
    assert harness.now(job).outbox == EVENTS


def test_publish_keeps_events_added_during_the_call(harness: Harness) -> None:
    job = with_events(harness, EVENTS[0])
    harness.jobs.before_write = lambda: _add_event(harness, job)
    assert harness.event_publisher.publish(job) is True
    assert harness.now(job).outbox == (EVENTS[1],)


def test_concurrent_publishers_leave_empty_outbox(harness: Harness) -> None:
    job = with_events(harness)
    harness.jobs.before_write = lambda: harness.event_publisher.publish(job)
    assert harness.event_publisher.publish(job) is True
    assert harness.now(job).outbox == ()
    assert ids(harness.bus.events) == ids(EVENTS) * 2


def _add_event(harness: Harness, job: Job) -> None:
    harness.change(job, lambda job, now: job.warned(now, "x").with_event(EVENTS[1]))
