"""Tests of a resend request during an attempt or before a planned one."""

from datetime import UTC, datetime

import pytest

from rushes.api.webhooks.schemas import ResendRequest
from rushes.errors import AwsUnavailable, CorruptRecord, InvalidInputFile
from rushes.ports.http import HttpReply
from rushes.webhooks.delivery import Delivery, DeliveryStatus
from rushes.webhooks.requeue import SLOW_BATCH
from tests.unit.webhooks.harness import EVENT_ID, HOUR, MINUTE, START, Harness, slowed

STATUS = DeliveryStatus


def resend_once(harness: Harness) -> None:
    """Request a resend during the next POST."""

    def resend() -> None:
        harness.receiver.during = None
        harness.clock.advance(0.5)
        harness.resend()

    harness.receiver.during = resend


@pytest.mark.parametrize("answers", [(200, 200), (200, 500), (500, 200)])
def test_resend_during_an_attempt_makes_another_attempt(answers: tuple[int, ...]):
    harness = Harness.with_delivery(*answers)
    resend_once(harness)
    harness.run(4)
    delivery = harness.delivery()
    assert harness.triggers() == ["scheduled", "manual"]
    assert [attempt.status_code for attempt in delivery.attempts] == list(answers)
    assert (delivery.status, delivery.next_attempt_at) == (STATUS.DELIVERED, None)


def test_resend_is_due_at_once_without_a_queue_message():
    harness = Harness.with_delivery(200)
    resend_once(harness)
    harness.attempt()
    harness.queue.now.clear()
    assert harness.delivery().is_due(harness.clock())
    harness.run(60)
    assert len(harness.receiver.posts) == 2


def test_schedule_continues_after_a_failed_attempt_and_a_failed_resend():
    harness = Harness.with_delivery(500)
    resend_once(harness)
    harness.run(4)
    assert harness.triggers() == ["scheduled", "manual"]
    assert harness.delivery().next_attempt_at == pytest.approx(START + 5.5)
    harness.run(5 * 24 * HOUR)
    assert harness.delivery().scheduled_attempts == 10
    assert harness.delivery().status is STATUS.FAILED


def test_resend_during_the_last_attempt_is_attempted():
    harness = Harness.with_delivery(500)
    harness.run(60 * HOUR)
    assert harness.delivery().scheduled_attempts == 9
    resend_once(harness)
    harness.run(20 * HOUR)
    assert harness.triggers() == ["scheduled"] * 10 + ["manual"]
    assert harness.delivery().status is STATUS.FAILED


@pytest.mark.parametrize("resends", [1, 3])
def test_failed_resend_keeps_the_planned_attempt(resends: int):
    harness = Harness.with_delivery(500)
    harness.run(HOUR)
    planned = harness.delivery().next_attempt_at
    for _ in range(resends):
        harness.resend()
    harness.run(1)
    assert harness.delivery().next_attempt_at == planned
    assert harness.delivery().planned_at is None


def test_failed_resend_respects_retry_after():
    harness = Harness.with_delivery(500)
    harness.run(30)
    harness.receiver.answers = [HttpReply(503, {"retry-after": "600"}, b"")]
    harness.resend()
    harness.run(1)
    assert harness.delivery().next_attempt_at == pytest.approx(START + 630, abs=1)


@pytest.mark.parametrize(
    "error",
    [
        CorruptRecord("the record cannot be read"),
        InvalidInputFile("the file was deleted"),
        AwsUnavailable("GetObject returned AccessDenied"),
        KeyError("data"),
    ],
)
def test_payload_that_cannot_be_rendered_is_retried_by_the_schedule(error: Exception):
    """Its attempts do not count for the endpoint."""

    def render(delivery: Delivery) -> bytes:
        if delivery.message_id == EVENT_ID:
            raise error
        return b"{}"

    harness = Harness.with_delivery(200)
    harness.render = render
    harness.publish(2)
    harness.run(1)
    [post] = harness.receiver.posts
    assert post.headers["webhook-id"] == "evt_job_2_completed"
    harness.run(5 * 24 * HOUR)
    delivery = harness.delivery()
    assert [attempt.error for attempt in delivery.attempts] == ["unwritable"] * 10
    assert delivery.status is STATUS.FAILED
    assert harness.stored_endpoint().failing_since is None


def test_repeated_resend_requests_queue_one_message_per_minute():
    """Otherwise an account could fill the queue with messages for one delivery."""
    harness = Harness.with_delivery(200)
    harness.run(1)
    for _ in range(500):
        harness.resend()
        harness.clock.advance(0.1)
    assert len(harness.queue.now) == 1
    harness.clock.advance(11)
    harness.resend()
    assert len(harness.queue.now) == 2
    harness.run(0)
    assert harness.triggers() == ["scheduled", "manual"]
    harness.resend()
    assert len(harness.queue.now) == 1


def test_resend_to_a_slow_endpoint_is_attempted_at_once():
    harness = Harness.with_delivery(200)
    harness.run(1)
    harness.change_endpoint(slowed)
    harness.resend()
    harness.run(0)
    assert harness.triggers() == ["scheduled", "manual"]


def test_resent_range_of_a_slow_endpoint_is_left_to_the_sweeper():
    harness = Harness.with_delivery(200)
    for number in range(2, 102):
        harness.publish(number)
    harness.run(1)
    slow = harness.change_endpoint(slowed)
    since = datetime.fromtimestamp(START, UTC)
    resent = harness.messages.resend(slow, ResendRequest(since=since))
    assert (resent.count, harness.queue.now) == (101, [])
    harness.clock.advance(MINUTE)
    assert harness.sweeper.sweep() == SLOW_BATCH
    harness.run(HOUR)
    assert len(harness.receiver.posts) == 202
