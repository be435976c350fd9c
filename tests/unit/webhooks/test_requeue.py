"""Deliveries that are due and in no queue."""

from rushes.webhooks.delivery import DeliveryStatus
from tests.unit.webhooks.fakes import FakeNotifier
from tests.unit.webhooks.harness import MINUTE, Harness, endpoint, event


def forgotten() -> Harness:
    """A delivery that was made, and whose maker died before it was queued."""
    harness = Harness(FakeNotifier(200))
    harness.endpoints.add(endpoint())
    harness.fanout(event())
    harness.queue.now.clear()
    return harness


def test_what_should_be_in_a_queue_is_trusted_for_a_minute():
    harness = forgotten()
    harness.clock.advance(MINUTE - 1)
    assert harness.overdue.sweep() == 0
    harness.clock.advance(1)
    assert harness.overdue.sweep() == 1
    harness.run(0)
    assert harness.delivery().status is DeliveryStatus.DELIVERED


def test_what_was_swept_up_is_left_in_its_queue_for_a_quarter_of_an_hour():
    """A hanging endpoint has a long queue; each minute's sweep must not make it longer."""
    harness = forgotten()
    harness.clock.advance(MINUTE)
    assert [harness.overdue.sweep() for _ in range(8)] == [1, 0, 0, 0, 0, 0, 0, 0]
    harness.clock.advance(15 * MINUTE)
    assert harness.overdue.sweep() == 1


def test_sweepers_that_overlap_queue_it_twice_and_it_is_sent_once():
    harness = forgotten()
    harness.clock.advance(MINUTE)
    harness.deliveries.kept.before_write = harness.overdue.sweep
    harness.overdue.sweep()
    assert len(harness.queue.now) == 2
    harness.run(0)
    assert len(harness.delivery().attempts) == 1


def test_what_the_queue_refuses_is_taken_up_by_the_next_sweep():
    harness = forgotten()
    harness.clock.advance(MINUTE)
    harness.queue.refused = [0]
    assert harness.overdue.sweep() == 0
    harness.queue.refused = []
    assert harness.overdue.sweep() == 1


def test_an_attempt_whose_maker_died_is_made_again():
    harness = forgotten()
    harness.deliveries.change(
        "one", event()["id"], "we_1", lambda it: it.leased(harness.clock(), 45.0)
    )
    harness.clock.advance(44)
    assert harness.attempt() == "not_due"
    harness.run(3 * MINUTE)
    assert harness.delivery().status is DeliveryStatus.DELIVERED
