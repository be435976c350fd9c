"""Deliveries that are due and in no queue."""

from rushes.webhooks.delivery import DeliveryStatus
from tests.unit.webhooks.fakes import FakeNotifier
from tests.unit.webhooks.harness import MINUTE, World, endpoint, event


def forgotten() -> World:
    """A delivery that was made, and whose maker died before it was queued."""
    world = World(FakeNotifier(200))
    world.endpoints.add(endpoint())
    world.fanout(event())
    world.queue.now.clear()
    return world


def test_what_should_be_in_a_queue_is_trusted_for_a_minute():
    world = forgotten()
    world.clock.advance(MINUTE - 1)
    assert world.overdue.sweep() == 0
    world.clock.advance(1)
    assert world.overdue.sweep() == 1
    world.run(0)
    assert world.delivery().status is DeliveryStatus.DELIVERED


def test_what_was_swept_up_is_left_in_its_queue_for_a_quarter_of_an_hour():
    """A hanging endpoint has a long queue; each minute's sweep must not make it longer."""
    world = forgotten()
    world.clock.advance(MINUTE)
    assert [world.overdue.sweep() for _ in range(8)] == [1, 0, 0, 0, 0, 0, 0, 0]
    world.clock.advance(15 * MINUTE)
    assert world.overdue.sweep() == 1


def test_sweepers_that_overlap_queue_it_twice_and_it_is_sent_once():
    world = forgotten()
    world.clock.advance(MINUTE)
    world.deliveries.kept.before_write = world.overdue.sweep
    world.overdue.sweep()
    assert len(world.queue.now) == 2
    world.run(0)
    assert len(world.delivery().attempts) == 1


def test_what_the_queue_refuses_is_taken_up_by_the_next_sweep():
    world = forgotten()
    world.clock.advance(MINUTE)
    world.queue.refused = [0]
    assert world.overdue.sweep() == 0
    world.queue.refused = []
    assert world.overdue.sweep() == 1


def test_an_attempt_whose_maker_died_is_made_again():
    world = forgotten()
    world.deliveries.change("one", event()["id"], "we_1", lambda it: it.leased(world.clock(), 45.0))
    world.clock.advance(44)
    assert world.attempt() == "not_due"
    world.run(3 * MINUTE)
    assert world.delivery().status is DeliveryStatus.DELIVERED
