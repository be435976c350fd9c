"""One more attempt that somebody asks for, while another one is being made or planned."""

import pytest

from rushes.errors import BadInputFile, DamagedRecord, StoreUnavailable
from rushes.ports import HttpReply
from rushes.webhooks.delivery import Delivery, DeliveryStatus
from tests.unit.webhooks.fakes import FakeNotifier
from tests.unit.webhooks.harness import EVENT_ID, HOUR, START, World, endpoint, event

STATUS = DeliveryStatus


def made(*answers: HttpReply | Exception | int) -> tuple[World, FakeNotifier]:
    notifier = FakeNotifier(*answers)
    world = World(notifier)
    world.endpoints.add(endpoint())
    world.fanout(event())
    return world, notifier


def resend_once(world: World, notifier: FakeNotifier) -> None:
    """While the next POST is on its way."""

    def resend() -> None:
        notifier.during = None
        world.clock.advance(0.5)
        world.mailer.resend("one", EVENT_ID, "we_1")

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
    world, notifier = made(*answers)
    resend_once(world, notifier)
    world.run(4)
    delivery = world.delivery()
    assert [it.kind for it in delivery.attempts] == ["scheduled", "manual"]
    assert [it.status_code for it in delivery.attempts] == list(answers)
    assert (delivery.status, delivery.next_attempt_at) == (status, None)


def test_it_is_due_at_once_though_no_queue_has_it():
    world, notifier = made(200)
    resend_once(world, notifier)
    world.attempt()
    world.queue.now.clear()
    assert world.delivery().is_due(world.clock())
    world.run(60)
    assert len(notifier.posts) == 2


def test_the_schedule_goes_on_after_both_have_failed():
    world, notifier = made(500)
    resend_once(world, notifier)
    world.run(4)
    assert [it.kind for it in world.delivery().attempts] == ["scheduled", "manual"]
    assert world.delivery().next_attempt_at == pytest.approx(START + 5.5)
    world.run(5 * 24 * HOUR)
    assert world.delivery().tries == 10
    assert world.delivery().status is STATUS.FAILED


def test_what_is_asked_for_during_the_last_attempt_is_made():
    world, notifier = made(500)
    world.run(60 * HOUR)
    assert world.delivery().tries == 9
    resend_once(world, notifier)
    world.run(20 * HOUR)
    assert [it.kind for it in world.delivery().attempts] == ["scheduled"] * 10 + ["manual"]
    assert world.delivery().status is STATUS.FAILED


@pytest.mark.parametrize("resends", [1, 3])
def test_a_vain_attempt_in_between_puts_nothing_off(resends: int):
    world, _ = made(500)
    world.run(HOUR)
    planned = world.delivery().next_attempt_at
    for _ in range(resends):
        world.mailer.resend("one", EVENT_ID, "we_1")
    world.run(1)
    assert world.delivery().next_attempt_at == planned
    assert world.delivery().planned_at is None


def test_a_receiver_that_asks_for_time_gets_it_all_the_same():
    world, notifier = made(500)
    world.run(30)
    notifier.answers = [HttpReply(503, {"retry-after": "600"}, b"")]
    world.mailer.resend("one", EVENT_ID, "we_1")
    world.run(1)
    assert world.delivery().next_attempt_at == pytest.approx(START + 630, abs=1)


@pytest.mark.parametrize(
    "trouble",
    [
        DamagedRecord("the record cannot be read"),
        BadInputFile("the file is gone"),
        StoreUnavailable("GetObject answered AccessDenied"),
        KeyError("data"),
    ],
)
def test_what_cannot_be_written_ends_like_everything_else(
    trouble: Exception, monkeypatch: pytest.MonkeyPatch
):
    """It is tried as often as what is not taken, and says nothing of the endpoint."""
    world, notifier = made(200)
    deliver = World.deliver.fget  # type: ignore[attr-defined]

    def unwritable(self: World) -> object:
        def write(delivery: Delivery) -> bytes:
            if delivery.message_id == EVENT_ID:
                raise trouble
            return b"{}"

        return type(deliver(self))(**{**vars(deliver(self)), "write": write})

    monkeypatch.setattr(World, "deliver", property(unwritable))
    world.fanout(event(job_id="job_2"))
    world.run(1)
    assert [post.headers["webhook-id"] for post in notifier.posts] == ["evt_job_2_completed"]
    world.run(5 * 24 * HOUR)
    delivery = world.delivery()
    assert [it.error for it in delivery.attempts] == ["unwritable"] * 10
    assert delivery.status is STATUS.FAILED
    kept = world.endpoints.get("one", "we_1")
    assert kept
    assert kept.failing_since is None
