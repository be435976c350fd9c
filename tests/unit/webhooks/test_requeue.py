"""Tests of the sweeper of due deliveries."""

from rushes.webhooks.delivery import DeliveryStatus
from tests.unit.webhooks.harness import EVENT_ID, MINUTE, START, Harness


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
