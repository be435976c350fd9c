"""Slow receivers of one account: its share of the concurrent attempts, and the others' delay."""

from collections.abc import Callable
from random import Random

import pytest

from rushes.webhooks.delivery import DeliveryStatus
from rushes.webhooks.endpoint import SLOW_RESPONSES
from rushes.webhooks.queue_message import ENDPOINT_GROUPS, SLOW_GROUPS, URL_GROUPS
from rushes.webhooks.requeue import SLOW_BATCH
from tests.unit.webhooks.delivery_slots import SLOTS, TIMEOUT_SECONDS, DeliverySlots
from tests.unit.webhooks.harness import HOUR, MINUTE, event

SHARE = ENDPOINT_GROUPS + URL_GROUPS + SLOW_GROUPS
SLOW, HANGING = 14.0, 60.0
ENDPOINTS, EVENTS = 100, 20
GAP = 3.0
"""Seconds between two events of the other account."""
FAST = "fast.example"

Flood = Callable[[DeliverySlots], None]


def slow_endpoints(slots: DeliverySlots, seconds: float = SLOW, events: int = EVENTS) -> None:
    for number in range(ENDPOINTS):
        slots.add_endpoint("slow", f"h{number}.example", seconds)
    for _ in range(events):
        slots.publish("slow")


def hanging_endpoints(slots: DeliverySlots) -> None:
    slow_endpoints(slots, HANGING)


def slow_urls(slots: DeliverySlots) -> None:
    """Each job names a webhook URL of another host."""
    for number in range(ENDPOINTS * 2):
        host = f"h{number % ENDPOINTS}.example"
        slots.receivers.seconds[host] = SLOW
        slots.publish("slow", f"https://{host}/in")


def both(slots: DeliverySlots) -> None:
    slow_endpoints(slots, events=2)
    slow_urls(slots)


def delays(flood: Flood | None) -> tuple[list[float], DeliverySlots]:
    """Return the delay of each webhook of a second account, in seconds."""
    slots = DeliverySlots()
    slots.add_endpoint("other", FAST, 0.1)
    if flood:
        flood(slots)
    published: dict[str, float] = {}
    for _ in range(100):
        message_id = slots.publish("other")
        published[message_id] = slots.scheduler.clock()
        slots.run(GAP)
    received = slots.receivers.moments(FAST)
    return [received[name] - at for name, at in published.items()], slots


@pytest.mark.parametrize("flood", [slow_endpoints, hanging_endpoints, slow_urls, both])
def test_slow_receivers_of_an_account_do_not_delay_another_account(flood: Flood):
    alone, _ = delays(None)
    beside, slots = delays(flood)
    assert max(beside) <= 2 * max(alone)
    assert slots.queue.most["slow"] <= SHARE <= SLOTS / 3


def test_slow_endpoints_use_two_attempts_at_a_time_after_the_first_wave():
    """The first wave is three attempts of each endpoint."""
    slots = DeliverySlots()
    slow_endpoints(slots)
    slots.run(SLOW_RESPONSES * ENDPOINTS / ENDPOINT_GROUPS * TIMEOUT_SECONDS + MINUTE)
    slots.queue.most.clear()
    for _ in range(5):
        slots.publish("slow")
        slots.run(MINUTE)
    assert slots.queue.most["slow"] <= SLOW_GROUPS


def test_slow_endpoint_does_not_fill_the_queue():
    """SQS looks at the first 120,000 messages only."""
    slots = DeliverySlots()
    slow_endpoints(slots)
    slots.run(10 * MINUTE)
    slots.queue.most_waiting = 0
    for _ in range(15):
        slots.publish("slow")
        slots.run(MINUTE)
    assert slots.queue.most_waiting <= 20


@pytest.mark.parametrize("seconds", [SLOW, HANGING])
def test_receiver_gets_one_message_at_a_time(seconds: float):
    """Also while it becomes slow and fast again."""
    slots = DeliverySlots()
    hosts = [f"h{number}.example" for number in range(12)]
    for host in hosts:
        slots.add_endpoint("slow", host, 0.1)
    for number in range(60):
        for position, host in enumerate(hosts):
            is_slow = (number // 7 + position) % 3 == 0
            slots.receivers.seconds[host] = seconds if is_slow else 0.1
        slots.publish("slow")
        slots.run(7)
    slots.run(HOUR)
    assert set(slots.receivers.most.values()) == {1}


@pytest.mark.parametrize("seconds", [SLOW, HANGING])
def test_every_message_is_delivered_after_slow_receivers_recover(seconds: float):
    slots = DeliverySlots()
    for number in range(20):
        slots.add_endpoint("slow", f"h{number}.example", seconds)
        slots.receivers.seconds[f"u{number}.example"] = seconds
    for number in range(10):
        slots.publish("slow", f"https://u{number}.example/in")
    slots.run(5 * MINUTE)
    slots.receivers.seconds.clear()
    slots.run(HOUR)
    assert slots.statuses("slow") == {DeliveryStatus.DELIVERED: 10 * 20 + 10}
    if seconds < TIMEOUT_SECONDS:
        assert len(slots.receivers.posts) == 10 * 20 + 10


def test_slow_endpoint_delays_fast_ones_of_its_account_by_three_attempts():
    slots = DeliverySlots()
    slots.add_endpoint("one", FAST, 0.1)
    for number in range(ENDPOINT_GROUPS):  # the last one shares the group of the fast endpoint
        slots.add_endpoint("one", f"h{number}.example", SLOW)
    published: dict[str, float] = {}
    for _ in range(20):
        published[slots.publish("one")] = slots.scheduler.clock()
        slots.run(1)
    slots.run(MINUTE)
    received = slots.receivers.moments(FAST)
    waits = [received[name] - at for name, at in published.items()]
    assert max(waits) <= SLOW_RESPONSES * SLOW + 1
    later = slots.publish("one")
    now = slots.scheduler.clock()
    slots.run(1)
    assert slots.receivers.moments(FAST)[later] - now <= 0.1


def sometimes_slow(share: float, url: str | None) -> tuple[list[float], DeliverySlots]:
    """Return the delays of the messages to one receiver; that share of its responses takes 6 s.

    It can respond to all of them: they use two thirds of the time.
    """
    slots, published = DeliverySlots(), {}
    if url is None:
        slots.add_endpoint("one", FAST, 0.2)
    seconds = Random(1)  # noqa: S311 - a repeatable sequence
    slots.receivers.response_time = lambda _: 6.0 if seconds.random() < share else 0.2
    gap = 1.5 * (0.25 + 6 * share)
    for _ in range(1200):
        published[slots.publish("one", url)] = slots.scheduler.clock()
        slots.run(gap)
    slots.run(10 * MINUTE)
    received = slots.receivers.moments(FAST)
    return [received[name] - at for name, at in published.items()], slots


@pytest.mark.parametrize("url", [None, f"https://{FAST}/in"])
@pytest.mark.parametrize(("share", "longest"), [(0.01, 15.0), (0.05, 30.0), (0.2, 4 * MINUTE)])
def test_receiver_that_is_slow_sometimes_gets_every_message(
    share: float, longest: float, url: str | None
):
    """Once each, and the delay is bounded."""
    waits, slots = sometimes_slow(share, url)
    assert slots.statuses("one") == {DeliveryStatus.DELIVERED: 1200}
    assert len(slots.receivers.posts) == 1200
    assert set(slots.receivers.most.values()) == {1}
    assert max(waits) <= longest


def test_messages_in_the_slow_group_follow_at_once_when_the_endpoint_is_fast_again():
    """They do not wait for another sweep."""
    slots = DeliverySlots()
    slots.add_endpoint("one", FAST, SLOW)
    for _ in range(3 + SLOW_BATCH):
        slots.publish("one")
    slots.run(MINUTE + SLOW + 1)  # the second one in its slow group is being attempted
    slots.receivers.seconds.clear()
    before = len(slots.receivers.moments(FAST))
    assert before < 3 + SLOW_BATCH
    slots.run(SLOW + 1)
    assert len(slots.receivers.moments(FAST)) == 3 + SLOW_BATCH


def test_tests_of_an_endpoint_wait_for_its_other_messages():
    """Also after an older endpoint was deleted: its number decides the message group."""
    slots = DeliverySlots()
    for number in range(3):
        slots.add_endpoint("one", f"h{number}.example", 4.0)
    slots.publish("one")
    slots.run(1)
    slots.harness.endpoints.delete("one", "we_00001")
    for number in (2, 3):
        tested = slots.harness.endpoints.get("one", f"we_{number:05}")
        assert tested
        happened = event("webhook.test", f"test_{number}", slots.scheduler.clock())
        slots.harness.messages.send_test(tested, happened)
    slots.publish("one")
    slots.run(MINUTE)
    assert slots.receivers.most["https://h1.example/in"] == 1
    assert slots.receivers.most["https://h2.example/in"] == 1
    assert len(slots.receivers.posts) == 1 + 2 * 3
