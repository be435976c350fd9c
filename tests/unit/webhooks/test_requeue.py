"""Tests of the sweeper of due deliveries."""

import zlib
from collections.abc import Sequence
from typing import Any

import pytest
from typing_extensions import override

from rushes.errors import AwsUnavailable, CorruptRecord
from rushes.jobs.request import WebhookTarget
from rushes.webhooks.delivery import Delivery, DeliveryStatus
from rushes.webhooks.endpoint import Endpoint
from rushes.webhooks.queue_message import SLOW_GROUPS, DeliveryTask, message_group_id
from rushes.webhooks.requeue import BATCH, CHUNK, DEFERRED_BATCH, SLOW_BATCH
from tests.unit.webhooks.fakes import FakeQueue
from tests.unit.webhooks.harness import EVENT_ID, MINUTE, START, Harness, endpoint, event


def unqueued() -> Harness:
    """Return a harness with a stored delivery in no queue."""
    harness = Harness.with_delivery(200)
    harness.queue.now.clear()
    return harness


def test_sweep_queues_a_due_delivery_after_a_minute():
    harness = unqueued()
    harness.clock.advance(MINUTE - 1)
    assert harness.sweeper.sweep() == 0
    harness.clock.advance(1)
    assert harness.sweeper.sweep() == 1
    harness.run(0)
    assert harness.delivery().status is DeliveryStatus.DELIVERED


def test_sweep_queues_a_delivery_again_after_15_minutes():
    """The message group of a hanging endpoint must not grow with each sweep."""
    harness = unqueued()
    harness.clock.advance(MINUTE)
    assert [harness.sweeper.sweep() for _ in range(8)] == [1, 0, 0, 0, 0, 0, 0, 0]
    harness.clock.advance(15 * MINUTE)
    assert harness.sweeper.sweep() == 1


def test_overlapping_sweeps_queue_a_delivery_twice_and_it_is_sent_once():
    harness = unqueued()
    harness.clock.advance(MINUTE)
    harness.deliveries.items.before_write = harness.sweeper.sweep
    harness.sweeper.sweep()
    assert len(harness.queue.now) == 2
    harness.run(0)
    assert len(harness.delivery().attempts) == 1


def test_sweep_retries_a_delivery_that_the_queue_rejected():
    harness = unqueued()
    harness.clock.advance(MINUTE)
    harness.queue.rejected = [0]
    assert harness.sweeper.sweep() == 0
    harness.queue.rejected = []
    assert harness.sweeper.sweep() == 1


def test_sweep_queues_a_delivery_whose_lease_expired():
    harness = unqueued()
    harness.deliveries.change("one", EVENT_ID, "we_1", lambda one: one.leased(START, 45.0))
    harness.clock.advance(44)
    assert harness.attempt() == "not_due"
    harness.run(3 * MINUTE)
    assert harness.delivery().status is DeliveryStatus.DELIVERED


def add_due(harness: Harness, account: str, number: int, receiver: str = "we_1") -> None:
    """Store a due delivery in no queue; those with lower numbers are longer overdue."""
    happened = event(job_id=f"job_{account}_{number}")
    if receiver.startswith("https"):
        made = Delivery.for_url(WebhookTarget(url=receiver), account, happened, START)
    else:
        made = Delivery.for_endpoint(endpoint(receiver, account=account), happened, START)
    due = made.paused(START, START - 10_000 + number)
    harness.deliveries.add(due)


def due_of(account: str, count: int, **fields: Any) -> Harness:
    """Return a harness with due deliveries of an account and one, due last, of another."""
    harness = Harness()
    for owner in (account, "other"):
        harness.endpoints.add(endpoint(account=owner, **(fields if owner == account else {})))
    for number in range(count):
        add_due(harness, account, number)
    add_due(harness, "other", count)
    return harness


@pytest.mark.parametrize("count", [50, 3 * BATCH])
def test_sweep_lets_accounts_take_turns(count: int):
    """The time suffices for one call of the queue and its writes."""
    harness = due_of("many", count)
    assert harness.sweeper.sweep(lambda: not harness.queue.now) == CHUNK
    assert harness.queue.now[1].account == "other"


def test_sweep_stops_when_there_is_no_time_left():
    """The deliveries that it has not queued stay due."""
    harness = due_of("many", 50)
    sweeper = harness.sweeper
    assert sweeper.sweep(lambda: False) == 0
    assert sweeper.sweep(lambda: len(harness.queue.now) < 25) == 30
    assert sweeper.sweep() == 21
    assert len({task.message_id for task in harness.queue.now}) == 51


def test_sweep_queues_few_deliveries_to_the_slow_endpoints_of_an_account():
    """In turns, to the message groups for slow receivers; the others become due later."""
    harness = due_of("slow", 0, slow_since=START - 1)
    endpoints = [endpoint(f"we_{n}", account="slow", slow_since=START - 1) for n in range(2, 9)]
    for one in endpoints:
        harness.endpoints.add(one)
        for number in range(40):
            add_due(harness, "slow", number, one.id)
    assert harness.sweeper.sweep() == SLOW_GROUPS * SLOW_BATCH + 1
    queued = [task for task in harness.queue.now if task.account == "slow"]
    assert {task.receiver for task in queued} == {one.id for one in endpoints}
    for task in queued:
        stored = harness.deliveries.get("slow", task.message_id, task.receiver)
        assert stored is not None
        assert task.message_group_id == message_group_id(stored, slow=True)
    assert harness.sweeper.sweep() == 0
    harness.clock.advance(MINUTE)
    due = list(harness.deliveries.due(harness.clock(), 1000))
    assert len(due) == SLOW_GROUPS * (DEFERRED_BATCH - SLOW_BATCH)
    assert harness.sweeper.sweep() == SLOW_GROUPS * SLOW_BATCH


@pytest.mark.parametrize("receivers", [1, 3])
def test_sweep_queues_no_more_to_a_slow_message_group_than_it_attempts(receivers: int):
    """Also if the receivers of the other group are fast."""
    harness = Harness()
    names = [f"we_{n}" for n in range(30) if zlib.crc32(f"we_{n}".encode()) % SLOW_GROUPS == 0]
    for name in names[:receivers]:
        harness.endpoints.add(endpoint(name, account="slow", slow_since=START - 1))
        for number in range(20):
            add_due(harness, "slow", number, name)
    for _ in range(3):
        harness.queue.now.clear()
        assert harness.sweeper.sweep() == SLOW_BATCH
        assert len({task.message_group_id for task in harness.queue.now}) == 1
        harness.clock.advance(MINUTE)


def test_sweep_queues_few_deliveries_to_slow_hosts_of_an_account():
    harness = Harness()
    for number in range(30):
        add_due(harness, "slow", number, f"https://h{number}.example/in")
    hosts = {f"h{number}.example": START for number in range(30)}
    harness.request_secrets("slow")
    harness.endpoints.change_request_secrets(
        "slow", lambda secrets: secrets.model_copy(update={"slow_hosts": hosts})
    )
    add_due(harness, "slow", 30, "https://fast.example/in")
    assert harness.sweeper.sweep() == SLOW_GROUPS * SLOW_BATCH + 1


def test_sweep_postpones_deliveries_to_a_paused_endpoint_until_the_pause_ends():
    harness = due_of("slow", 20, failing_since=START - 5, timed_out_at=START - 1)
    assert harness.sweeper.sweep() == 1
    stored = [one for one in harness.deliveries.all() if one.account == "slow"]
    [paused_until] = {one.next_check_at for one in stored}
    assert paused_until == START - 1 + MINUTE


class FailingQueue(FakeQueue):
    """Fails once."""

    @override
    def put(self, tasks: Sequence[DeliveryTask]) -> list[int]:
        error, self.error = self.error, None
        if error:
            raise error
        return super().put(tasks)


def test_sweep_continues_after_an_error_of_the_queue():
    harness = due_of("many", 30)
    harness.queue = FailingQueue()
    harness.queue.error = AwsUnavailable("SendMessageBatch returned ServiceUnavailable")
    assert harness.sweeper.sweep() == 31 - CHUNK
    assert harness.sweeper.sweep() == CHUNK


@pytest.mark.parametrize("error", [CorruptRecord("not JSON"), AwsUnavailable("throttled")])
def test_sweep_queues_deliveries_of_an_endpoint_that_cannot_be_read(error: Exception):
    """The deliver function decides; the sweep of the others goes on."""
    harness = due_of("many", 1)
    get = harness.endpoints.get

    def fail(account: str, endpoint_id: str) -> Endpoint | None:
        if account == "many":
            raise error
        return get(account, endpoint_id)

    harness.endpoints.get = fail  # type: ignore[method-assign]
    assert harness.sweeper.sweep() == 2
