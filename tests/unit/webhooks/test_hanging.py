"""Tests of an endpoint that times out with a backlog of messages, on a virtual clock."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise

import pytest
from typing_extensions import override

from rushes.errors import UpstreamNoResponse
from rushes.ports.http import HttpReply
from rushes.webhooks.delivery import DeliveryStatus
from rushes.webhooks.endpoint import MAX_FAILURE_GAP, MAX_PAUSE, MIN_PAUSE, SLOW_RESPONSES
from rushes.webhooks.queue_message import DeliveryTask
from rushes.webhooks.requeue import SLOW_BATCH
from rushes.webhooks.retry_policy import DISABLE_AFTER
from tests.fakes import FakeClock
from tests.unit.webhooks.fakes import FakeQueue, FakeWebhookClient
from tests.unit.webhooks.harness import DAY, HOUR, MINUTE, START, Harness, endpoint, event

TIMEOUT = UpstreamNoResponse("no answer", code="timeout")
WAIT_SECONDS = 15.0
BACKLOG = 150


class CountingQueue(FakeQueue):
    """Records the number of tasks per moment in `puts`: those of a sweep have the same one."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.clock = clock
        self.puts: Counter[float] = Counter()

    @override
    def put(self, tasks: Sequence[DeliveryTask]) -> list[int]:
        self.puts[self.clock()] += len(tasks)
        return super().put(tasks)


class HangingClient(FakeWebhookClient):
    """Advances the clock by the full time limit of each POST."""

    def __init__(self, harness: Harness) -> None:
        super().__init__(TIMEOUT)
        self.harness = harness
        self.moments: list[float] = []
        self.during = self.wait

    def wait(self) -> None:
        self.moments.append(self.harness.clock())
        if self.answers == [TIMEOUT]:
            self.harness.clock.advance(WAIT_SECONDS)


def hanging(messages: int = BACKLOG) -> tuple[Harness, HangingClient, CountingQueue]:
    clock = FakeClock(START)
    queue = CountingQueue(clock)
    harness = Harness(queue=queue, clock=clock)
    harness.http_client = http_client = HangingClient(harness)
    harness.endpoints.add(endpoint())
    for number in range(messages):
        harness.publish(number)
    return harness, http_client, queue


def statuses(harness: Harness) -> set[DeliveryStatus]:
    return {delivery.status for delivery in harness.deliveries.all()}


def test_backlog_of_a_hanging_endpoint_is_paused_and_delivered_later():
    """Few messages are queued at a time after the timeouts that make the endpoint slow."""
    harness, http_client, queue = hanging()
    harness.run(5 * MINUTE)
    assert len(http_client.posts) == SLOW_RESPONSES
    queue.puts.clear()
    harness.run(6 * HOUR)
    assert max(queue.puts.values()) <= SLOW_BATCH
    pauses = [after - before for before, after in pairwise(http_client.moments)]
    assert min(pauses) >= MIN_PAUSE
    assert MAX_PAUSE <= pauses[-1] <= MAX_PAUSE + 2 * MINUTE
    assert len(http_client.posts) <= 6 * HOUR / MAX_PAUSE + 10
    attempts = [one for delivery in harness.deliveries.all() for one in delivery.attempts]
    assert len(attempts) == len(http_client.posts)
    http_client.answers = [200]
    harness.run(MAX_PAUSE + 10 * MINUTE)
    once = [delivery for delivery in harness.deliveries.all() if not delivery.attempts[:-1]]
    assert {delivery.status for delivery in once} == {DeliveryStatus.DELIVERED}
    harness.run(DAY)  # messages attempted during the outage follow their own schedule
    ids = [post.headers["webhook-id"] for post in http_client.posts[len(attempts) :]]
    assert sorted(ids) == sorted(delivery.message_id for delivery in harness.deliveries.all())
    assert statuses(harness) == {DeliveryStatus.DELIVERED}
    assert harness.stored_endpoint().paused_until == 0.0


def test_endpoint_that_recovered_is_not_paused():
    harness, http_client, _ = hanging(1)
    harness.run(HOUR)
    http_client.answers = [200]
    harness.run(3 * HOUR)
    happened = harness.clock()
    harness.publish(2)
    harness.run(1)
    assert http_client.moments[-1] == pytest.approx(happened, abs=1)


def test_endpoint_that_answers_500_is_not_paused():
    harness = Harness(FakeWebhookClient(500))
    harness.endpoints.add(endpoint())
    for number in range(BACKLOG):
        harness.publish(number)
    harness.run(6 * DAY)
    for delivery in harness.deliveries.all():
        second, third = delivery.attempts[1:3]
        assert second.at - START == pytest.approx(5, abs=1)
        assert third.at - second.at == pytest.approx(300, abs=1)
        assert len(delivery.attempts) == 10


def test_paused_endpoint_does_not_delay_others():
    harness, http_client, _ = hanging()
    harness.run(HOUR)
    harness.endpoints.add(endpoint("we_2", created_at=START))
    http_client.answers = [200]
    harness.change_endpoint(lambda one: one.record_failure(harness.clock(), timed_out=True))
    message_id = harness.publish(BACKLOG)
    harness.run(1)
    assert harness.delivery(message_id, "we_2").status is DeliveryStatus.DELIVERED
    assert harness.delivery(message_id, "we_1").attempts == ()


def test_pause_grows_with_the_failure_series_and_ends_with_it():
    failing, pauses = endpoint(), []
    for moment in (START, START + 30, START + 200, START + 5000):
        failing = failing.record_failure(moment, timed_out=True)
        pauses.append(failing.paused_until - moment)
    assert pauses == [MIN_PAUSE, MIN_PAUSE, 200.0, MAX_PAUSE]
    assert failing.record_failure(START + 6000).paused_until == 0.0
    assert failing.record_success().paused_until == 0.0
    assert failing.enabled(START).paused_until == 0.0


def test_resend_is_attempted_once_during_a_pause():
    """If it times out, too, the others are paused again."""
    harness, http_client, _ = hanging(5)
    harness.run(2 * HOUR)
    before = len(http_client.posts)
    for number in range(5):
        harness.clock.advance(0.1)
        harness.resend(f"evt_job_{number}_completed")
    harness.run(1)
    assert len(http_client.posts) == before + 1
    http_client.answers = [200]
    harness.resend("evt_job_4_completed")
    harness.run(DAY)
    assert statuses(harness) == {DeliveryStatus.DELIVERED}


def test_sweeper_requeues_a_waiting_delivery_ever_more_rarely():
    """URLs of create requests are not paused: their deliveries wait in the message group."""
    clock = FakeClock(START)
    queue = CountingQueue(clock)
    harness = Harness.with_request_url(queue=queue, clock=clock)
    queue.now.clear()  # it waits in its message group
    for _ in range(24 * 60):
        harness.clock.advance(MINUTE)
        harness.sweeper.sweep()
    assert queue.puts.total() <= 12


def test_long_gap_ends_a_failure_series():
    """One message fails for three days, and 26 days later another fails once."""
    harness = Harness.with_delivery(500)
    harness.run(26 * DAY)
    harness.publish(2)
    harness.run(MINUTE)
    assert len(harness.delivery("evt_job_2_completed").attempts) == 2
    assert harness.stored_endpoint().is_enabled
    assert harness.stored_endpoint().failing_since == START + 26 * DAY


def test_failure_series_lasts_while_its_gaps_are_short():
    series = endpoint().record_failure(START)
    while series.failed_at is not None and series.failed_at < START + DISABLE_AFTER:
        series = series.record_failure(series.failed_at + MAX_FAILURE_GAP)
    assert series.failing_since == START
    assert series.failed_at is not None
    later = series.failed_at + MAX_FAILURE_GAP + 1
    assert series.record_failure(later).failing_since == later
    older = endpoint(failing_since=START)  # stored before `failed_at` existed
    assert older.record_failure(START + HOUR).failing_since == START


@pytest.mark.parametrize("answer", [TIMEOUT, 500, 200])
def test_test_message_is_attempted_once_and_does_not_count_for_the_endpoint(
    answer: HttpReply | Exception | int,
):
    harness = Harness(FakeWebhookClient(answer))
    harness.endpoints.add(endpoint(failing_since=START - HOUR))
    tested = harness.stored_endpoint()
    sent = harness.messages.send_test(tested, event("webhook.test"))
    harness.run(5 * DAY)
    assert len(harness.delivery(sent.message_id).attempts) == 1
    assert harness.stored_endpoint() == tested
    expected = DeliveryStatus.DELIVERED if answer == 200 else DeliveryStatus.FAILED
    assert harness.delivery(sent.message_id).status is expected


def test_test_message_answered_410_disables_the_endpoint():
    harness = Harness(FakeWebhookClient(410))
    harness.endpoints.add(endpoint())
    harness.messages.send_test(endpoint(), event("webhook.test"))
    harness.run(1)
    assert harness.stored_endpoint().disabled_reason == "gone"


def test_test_message_is_sent_to_a_paused_endpoint():
    harness, http_client, _ = hanging(3)
    harness.run(2 * HOUR)
    http_client.answers = [200]
    sent = harness.messages.send_test(harness.stored_endpoint(), event("webhook.test"))
    harness.run(1)
    assert harness.delivery(sent.message_id).status is DeliveryStatus.DELIVERED
