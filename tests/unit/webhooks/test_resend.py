"""One more attempt that somebody asks for, while another one is being made or planned."""

import pytest

from rushes.errors import AwsUnavailable, CorruptRecord, InvalidInputFile
from rushes.ports import HttpReply
from rushes.webhooks.delivery import Delivery, DeliveryStatus
from tests.unit.webhooks.fakes import FakeNotifier
from tests.unit.webhooks.harness import EVENT_ID, HOUR, START, Harness, endpoint, event

STATUS = DeliveryStatus


def made(*answers: HttpReply | Exception | int) -> tuple[Harness, FakeNotifier]:
    notifier = FakeNotifier(*answers)
    harness = Harness(notifier)
    harness.endpoints.add(endpoint())
    harness.fanout(event())
    return harness, notifier


def resend_once(harness: Harness, notifier: FakeNotifier) -> None:
    """While the next POST is on its way."""

    def resend() -> None:
        notifier.during = None
        harness.clock.advance(0.5)
        harness.mailer.resend("one", EVENT_ID, "we_1")

    notifier.during = resend


@pytest.mark.parametrize(
    ("answers", "status"),
    [
        ((200, 200), STATUS.DELIVERED),
        ((200, 500), STATUS.DELIVERED),
        ((500, 200), STATUS.DELIVERED),
    ],
)
def test_what_is_asked_for_during_an_attempt_is_one_more(answers: tuple[int, ...], status: STATUS):
    harness, notifier = made(*answers)
    resend_once(harness, notifier)
    harness.run(4)
    delivery = harness.delivery()
    assert [it.trigger for it in delivery.attempts] == ["scheduled", "manual"]
    assert [it.status_code for it in delivery.attempts] == list(answers)
    assert (delivery.status, delivery.next_attempt_at) == (status, None)


def test_it_is_due_at_once_though_no_queue_has_it():
    harness, notifier = made(200)
    resend_once(harness, notifier)
    harness.attempt()
    harness.queue.now.clear()
    assert harness.delivery().is_due(harness.clock())
    harness.run(60)
    assert len(notifier.posts) == 2


def test_the_schedule_goes_on_after_both_have_failed():
    harness, notifier = made(500)
    resend_once(harness, notifier)
    harness.run(4)
    assert [it.trigger for it in harness.delivery().attempts] == ["scheduled", "manual"]
    assert harness.delivery().next_attempt_at == pytest.approx(START + 5.5)
    harness.run(5 * 24 * HOUR)
    assert harness.delivery().tries == 10
    assert harness.delivery().status is STATUS.FAILED


def test_what_is_asked_for_during_the_last_attempt_is_made():
    harness, notifier = made(500)
    harness.run(60 * HOUR)
    assert harness.delivery().tries == 9
    resend_once(harness, notifier)
    harness.run(20 * HOUR)
    assert [it.trigger for it in harness.delivery().attempts] == ["scheduled"] * 10 + ["manual"]
    assert harness.delivery().status is STATUS.FAILED


@pytest.mark.parametrize("resends", [1, 3])
def test_a_vain_attempt_in_between_puts_nothing_off(resends: int):
    harness, _ = made(500)
    harness.run(HOUR)
    planned = harness.delivery().next_attempt_at
    for _ in range(resends):
        harness.mailer.resend("one", EVENT_ID, "we_1")
    harness.run(1)
    assert harness.delivery().next_attempt_at == planned
    assert harness.delivery().planned_at is None


def test_a_receiver_that_asks_for_time_gets_it_all_the_same():
    harness, notifier = made(500)
    harness.run(30)
    notifier.answers = [HttpReply(503, {"retry-after": "600"}, b"")]
    harness.mailer.resend("one", EVENT_ID, "we_1")
    harness.run(1)
    assert harness.delivery().next_attempt_at == pytest.approx(START + 630, abs=1)


@pytest.mark.parametrize(
    "trouble",
    [
        CorruptRecord("the record cannot be read"),
        InvalidInputFile("the file is gone"),
        AwsUnavailable("GetObject answered AccessDenied"),
        KeyError("data"),
    ],
)
def test_what_cannot_be_written_ends_like_everything_else(
    trouble: Exception, monkeypatch: pytest.MonkeyPatch
):
    """It is tried as often as what is not taken, and says nothing of the endpoint."""
    harness, notifier = made(200)
    deliver = Harness.deliver.fget  # type: ignore[attr-defined]

    def unwritable(self: Harness) -> object:
        def write(delivery: Delivery) -> bytes:
            if delivery.message_id == EVENT_ID:
                raise trouble
            return b"{}"

        return type(deliver(self))(**{**vars(deliver(self)), "write": write})

    monkeypatch.setattr(Harness, "deliver", property(unwritable))
    harness.fanout(event(job_id="job_2"))
    harness.run(1)
    assert [post.headers["webhook-id"] for post in notifier.posts] == ["evt_job_2_completed"]
    harness.run(5 * 24 * HOUR)
    delivery = harness.delivery()
    assert [it.error for it in delivery.attempts] == ["unwritable"] * 10
    assert delivery.status is STATUS.FAILED
    kept = harness.endpoints.get("one", "we_1")
    assert kept
    assert kept.failing_since is None
