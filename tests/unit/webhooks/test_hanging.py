"""An endpoint that does not answer, with many messages to it, on a virtual clock."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from typing_extensions import override

from rushes.errors import UpstreamNoResponse
from rushes.jobs.request import WebhookTarget
from rushes.ports import HttpReply
from rushes.webhooks.delivery import DeliveryStatus
from rushes.webhooks.endpoint import LONGEST_HOLD, QUIET_SECONDS, SHORTEST_HOLD, Endpoint
from rushes.webhooks.ports import Ticket
from rushes.webhooks.requeue import HELD_AT_ONCE
from rushes.webhooks.retry_policy import DISABLED_AFTER
from tests.unit.webhooks.fakes import FakeNotifier, FakeQueue
from tests.unit.webhooks.harness import DAY, HOUR, MINUTE, START, Harness, endpoint, event, job

SILENT = UpstreamNoResponse("no answer", code="timeout")
WAIT_SECONDS = 15.0
BACKLOG = 150


class CountingQueue(FakeQueue):
    """`puts`: how many were put there at a time, and when none were."""

    def __init__(self) -> None:
        super().__init__()
        self.puts: list[int] = []

    @override
    def put(self, tickets: Sequence[Ticket]) -> list[int]:
        self.puts.append(len(tickets))
        return super().put(tickets)


class Hanging(FakeNotifier):
    """Whoever waits for it waits for all the time that there is."""

    def __init__(self, harness: Harness) -> None:
        super().__init__(SILENT)
        self.harness = harness
        self.moments: list[float] = []
        self.during = self.wait

    def wait(self) -> None:
        self.moments.append(self.harness.clock())
        if self.answers == [SILENT]:
            self.harness.clock.advance(WAIT_SECONDS)


def hanging(messages: int = BACKLOG) -> tuple[Harness, Hanging, CountingQueue]:
    queue = CountingQueue()
    harness = Harness(queue=queue)
    harness.notifier = notifier = Hanging(harness)
    harness.endpoints.add(endpoint())
    for number in range(messages):
        harness.fanout(event(job_id=f"job_{number}"))
    return harness, notifier, queue


def kept(harness: Harness) -> Endpoint:
    found = harness.endpoints.get("one", "we_1")
    assert found
    return found


def test_a_backlog_waits_for_who_hangs_and_nothing_of_it_is_lost():
    harness, notifier, queue = hanging()
    queue.puts.clear()
    harness.run(6 * HOUR)
    assert max(queue.puts) <= HELD_AT_ONCE
    pauses = [after - before for before, after in pairwise(notifier.moments)]
    assert min(pauses) >= SHORTEST_HOLD
    assert LONGEST_HOLD <= pauses[-1] <= LONGEST_HOLD + 2 * MINUTE
    assert len(notifier.posts) <= 6 * HOUR / LONGEST_HOLD + 10
    attempts = [it for one in harness.deliveries.everything() for it in one.attempts]
    assert len(attempts) == len(notifier.posts)
    notifier.answers = [200]
    harness.run(LONGEST_HOLD + (BACKLOG / HELD_AT_ONCE + 25) * MINUTE)
    statuses = [it.status for it in harness.deliveries.everything() if not it.attempts[:-1]]
    assert set(statuses) == {DeliveryStatus.DELIVERED}
    harness.run(DAY)  # what had its turn while nobody answered has a schedule of its own
    told = [post.headers["webhook-id"] for post in notifier.posts[len(attempts) :]]
    assert sorted(told) == sorted(it.message_id for it in harness.deliveries.everything())
    assert {it.status for it in harness.deliveries.everything()} == {DeliveryStatus.DELIVERED}
    assert kept(harness).held_until == 0.0


def test_whoever_answers_is_heard_at_once_again():
    harness, notifier, _ = hanging(1)
    harness.run(HOUR)
    notifier.answers = [200]
    harness.run(3 * HOUR)
    happened = harness.clock()
    harness.fanout(event(job_id="job_new", at=happened))
    harness.run(1)
    assert notifier.moments[-1] == pytest.approx(happened, abs=1)


def test_an_endpoint_that_answers_is_not_held_whatever_it_says():
    harness = Harness(FakeNotifier(500))
    harness.endpoints.add(endpoint())
    for number in range(BACKLOG):
        harness.fanout(event(job_id=f"job_{number}"))
    harness.run(6 * DAY)
    for delivery in harness.deliveries.everything():
        second, third = delivery.attempts[1:3]
        assert second.at - START == pytest.approx(5, abs=1)
        assert third.at - second.at == pytest.approx(300, abs=1)
        assert len(delivery.attempts) == 10


def test_others_hear_in_time_of_what_they_listen_to():
    harness, notifier, _ = hanging()
    harness.run(HOUR)
    harness.endpoints.add(endpoint("we_2", created_at=START))
    notifier.answers = [200]
    harness.endpoints.change("one", "we_1", lambda it: it.failing(harness.clock(), timed_out=True))
    happened = event(job_id="job_new", at=harness.clock())
    harness.fanout(happened)
    harness.run(1)
    assert harness.delivery(happened["id"], "we_2").status is DeliveryStatus.DELIVERED
    assert harness.delivery(happened["id"], "we_1").attempts == ()


def test_a_hold_grows_with_the_time_of_failing_and_ends_with_it():
    failing = endpoint()
    holds = []
    for moment in (START, START + 30, START + 200, START + 5000):
        failing = failing.failing(moment, timed_out=True)
        holds.append(failing.held_until - moment)
    assert holds == [SHORTEST_HOLD, SHORTEST_HOLD, 200.0, LONGEST_HOLD]
    assert failing.failing(START + 6000).held_until == 0.0
    assert failing.well().held_until == 0.0
    assert failing.enabled(START).held_until == 0.0


def test_an_attempt_that_is_asked_for_is_made_though_it_is_held():
    """One: if it is not answered either, the others wait again."""
    harness, notifier, _ = hanging(5)
    harness.run(2 * HOUR)
    made = len(notifier.posts)
    for number in range(5):
        harness.clock.advance(0.1)
        harness.mailer.resend("one", f"evt_job_{number}_completed", "we_1")
    harness.run(1)
    assert len(notifier.posts) == made + 1
    notifier.answers = [200]
    harness.mailer.resend("one", "evt_job_4_completed", "we_1")
    harness.run(DAY)
    assert {it.status for it in harness.deliveries.everything()} == {DeliveryStatus.DELIVERED}


def test_what_stands_in_a_lane_is_not_put_there_again_and_again():
    """Addresses of requests are not held: what waits behind one is queued ever more rarely."""
    queue = CountingQueue()
    harness = Harness(queue=queue)
    harness.jobs.add(job(WebhookTarget(url="https://other.example/x")))
    harness.fanout(event())
    queue.now.clear()  # it waits somewhere in its lane
    for _ in range(24 * 60):
        harness.clock.advance(MINUTE)
        harness.overdue.sweep()
    assert sum(queue.puts) <= 12


def test_a_quiet_time_ends_a_series_of_failures():
    """One message failed for three days, and 26 days later another fails once."""
    harness = Harness(FakeNotifier(500))
    harness.endpoints.add(endpoint())
    harness.fanout(event())
    harness.run(26 * DAY)
    harness.fanout(event(job_id="job_2", at=harness.clock()))
    harness.run(MINUTE)
    assert len(harness.delivery("evt_job_2_completed").attempts) == 2
    assert kept(harness).is_enabled
    assert kept(harness).failing_since == START + 26 * DAY


def test_a_series_is_one_as_long_as_it_has_no_long_pause():
    series = endpoint().failing(START)
    while series.failed_at is not None and series.failed_at < START + DISABLED_AFTER:
        series = series.failing(series.failed_at + QUIET_SECONDS)
    assert series.failing_since == START
    assert series.failed_at is not None
    later = series.failed_at + QUIET_SECONDS + 1
    assert series.failing(later).failing_since == later
    older = endpoint(failing_since=START)  # as it was written before `failed_at` was
    assert older.failing(START + HOUR).failing_since == START


@pytest.mark.parametrize("answer", [SILENT, 500, 200])
def test_a_test_is_tried_once_and_tells_nothing(answer: HttpReply | Exception | int):
    harness = Harness(FakeNotifier(answer))
    tried = endpoint(failing_since=START - HOUR)
    harness.endpoints.add(tried)
    sent = harness.mailer.send(tried, event("webhook.test"))
    harness.run(5 * DAY)
    assert len(harness.delivery(sent.message_id).attempts) == 1
    assert kept(harness) == tried
    expected = DeliveryStatus.DELIVERED if answer == 200 else DeliveryStatus.FAILED
    assert harness.delivery(sent.message_id).status is expected


def test_a_test_that_is_answered_with_gone_is_believed():
    harness = Harness(FakeNotifier(410))
    harness.endpoints.add(endpoint())
    harness.mailer.send(endpoint(), event("webhook.test"))
    harness.run(1)
    assert kept(harness).disabled_reason == "gone"


def test_a_test_goes_to_who_is_held():
    harness, notifier, _ = hanging(3)
    harness.run(2 * HOUR)
    notifier.answers = [200]
    sent = harness.mailer.send(kept(harness), event("webhook.test"))
    harness.run(1)
    assert harness.delivery(sent.message_id).status is DeliveryStatus.DELIVERED
