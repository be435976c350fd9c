"""One attempt at one delivery, whatever comes in between."""

from collections.abc import Callable
from typing import Any

import pytest

from rushes.errors import StoreUnavailable, UpstreamSilent
from rushes.jobs.request import WebhookTarget
from rushes.ports import HttpReply
from rushes.webhooks.delivery import DeliveryStatus
from rushes.webhooks.endpoint import Endpoint
from rushes.webhooks.signature import headers
from tests.unit.webhooks.fakes import FakeNotifier
from tests.unit.webhooks.harness import DAY, HOUR, SECRET, START, World, endpoint, event, job

STATUS = DeliveryStatus


def made(*answers: HttpReply | Exception | int, **facts: Any) -> World:
    """A world with one endpoint and one delivery to it, still in the queue."""
    world = World(FakeNotifier(*answers))
    world.endpoints.add(endpoint(**facts))
    world.fanout(event())
    return world


def posts(world: World) -> int:
    assert isinstance(world.notifier, FakeNotifier)
    return len(world.notifier.posts)


def the_endpoint(world: World) -> Endpoint:
    found = world.endpoints.get("one", "we_1")
    assert found is not None
    return found


def test_a_success_ends_it():
    world = made()
    assert world.attempt() == "delivered"
    assert world.delivery().next_attempt_at is None
    assert world.delivery().care_at is None
    assert world.queue.later == []


def test_what_is_sent_is_signed_at_that_moment():
    world = made(500)
    world.clock.advance(0.7)
    world.attempt()
    world.clock.advance(10)
    world.attempt()
    assert isinstance(world.notifier, FakeNotifier)
    first, second = world.notifier.posts
    assert first.url == "https://hooks.example/in"
    assert first.headers["content-type"] == "application/json"
    assert first.headers.items() >= headers(event()["id"], START, first.body, [SECRET]).items()
    assert second.headers["webhook-timestamp"] == str(int(START + 10))
    assert second.headers["webhook-signature"] != first.headers["webhook-signature"]


def test_a_message_that_comes_many_times_is_sent_once():
    world = made()
    assert [world.attempt() for _ in range(3)] == ["delivered", "not_due", "not_due"]
    assert posts(world) == 1


def test_two_that_have_the_same_message_send_it_once():
    world = made()
    answers: list[str] = []
    assert isinstance(world.notifier, FakeNotifier)
    world.notifier.during = lambda: answers.append(world.attempt())
    assert world.attempt() == "delivered"
    assert answers == ["not_due"]


def test_who_is_faster_by_a_write_has_it():
    world = made()
    answers: list[str] = []
    world.deliveries.kept.before_write = lambda: answers.append(world.attempt())
    assert world.attempt() == "not_due"
    assert answers == ["delivered"]
    assert posts(world) == 1


def test_a_delivery_that_nobody_knows_is_gone():
    assert World().attempt() == "gone"


def test_a_failure_is_put_back_for_the_next_time():
    world = made(500)
    assert world.attempt() == "pending"
    [(kept_back, seconds)] = world.queue.later
    assert (kept_back.receiver, seconds) == ("we_1", 5.0)
    assert world.delivery().next_attempt_at == START + 5
    assert the_endpoint(world).failing_since == START


def test_a_queue_that_does_not_take_it_back_costs_a_minute():
    world = made(500, 200)
    world.queue.trouble = StoreUnavailable("SQS answered no")
    assert world.attempt() == "pending"
    world.queue.trouble = None
    world.queue.now.clear()
    world.run(130)
    assert world.delivery().status is STATUS.DELIVERED


def test_nothing_is_sent_to_an_endpoint_that_is_deleted():
    world = made()
    world.endpoints.delete("one", "we_1")
    assert world.attempt() == "cancelled"
    assert posts(world) == 0


def test_nothing_is_sent_to_an_endpoint_that_is_disabled():
    world = made()
    world.endpoints.change("one", "we_1", lambda it: it.disabled(START, "by its owner"))
    assert world.attempt() == "cancelled"
    assert posts(world) == 0


def test_an_endpoint_that_is_deleted_while_it_is_asked_is_not_asked_again():
    world = made(500)
    assert isinstance(world.notifier, FakeNotifier)
    world.notifier.during = lambda: world.endpoints.delete("one", "we_1")
    assert world.attempt() == "failed"


def test_what_an_old_address_answers_says_nothing_of_the_new_one():
    world = made(410)
    assert isinstance(world.notifier, FakeNotifier)
    world.notifier.during = lambda: world.endpoints.change(
        "one", "we_1", lambda it: it.step(START, url="https://new.example/")
    )
    world.attempt()
    assert the_endpoint(world).is_enabled


@pytest.mark.parametrize("answer", [500, UpstreamSilent("no answer", code="timeout")])
def test_five_days_of_nothing_but_failures_disable_an_endpoint(answer: Exception | int):
    """It is said once, and then nothing is sent any more."""
    world = made(answer)
    world.endpoints.add(endpoint("we_2", event_types=("endpoint.disabled",)))
    moments = []
    for number in range(40):
        world.fanout(event(job_id=f"job_{number + 2}", at=world.clock()))
        world.run(6 * HOUR)
        moments += [START + (number + 1) * 6 * HOUR] if the_endpoint(world).is_enabled else []
    assert the_endpoint(world).disabled_reason == "failing"
    assert 119 * HOUR <= moments[-1] - START <= 126 * HOUR
    attempts = [it for delivery in world.deliveries.everything() for it in delivery.attempts]
    assert 120 * HOUR <= max(it.at for it in attempts) - START <= 126 * HOUR
    assert [it["id"] for it in world.bus.events] == [f"evt_we_1_disabled_{int(START)}"]
    assert the_endpoint(world).outbox == ()
    assert not [it for it in world.deliveries.everything() if it.status is STATUS.PENDING]


def test_one_success_in_five_days_is_enough():
    world = made(500)
    for number in range(45):
        assert isinstance(world.notifier, FakeNotifier)
        world.notifier.answers = [200 if number == 15 else 500]
        world.fanout(event(job_id=f"job_{number + 2}", at=world.clock()))
        world.run(5 * HOUR)
        if number == 30:
            assert the_endpoint(world).is_enabled
    assert not the_endpoint(world).is_enabled


def test_a_disabled_endpoint_that_could_not_be_announced_is_announced_later():
    world = made(410)
    world.bus.refuses = True
    with pytest.raises(StoreUnavailable):
        world.attempt()
    assert not the_endpoint(world).is_enabled
    world.bus.refuses = False
    world.run(5 * 60)
    assert [it["type"] for it in world.bus.events] == ["endpoint.disabled"]
    assert world.delivery().status is STATUS.CANCELLED
    assert posts(world) == 1


def test_a_target_is_signed_with_its_accounts_own_secrets():
    world = World(FakeNotifier(200))
    world.jobs.add(job(WebhookTarget(url="https://other.example/x")))
    world.fanout(event())
    assert world.attempt(receiver="target") == "delivered"
    assert isinstance(world.notifier, FakeNotifier)
    [post] = world.notifier.posts
    live = world.endpoints.request_secrets("one").live_secrets(START)
    assert post.url == "https://other.example/x"
    assert post.headers.items() >= headers(event()["id"], START, post.body, live).items()


def test_a_target_that_is_gone_hears_nothing_more():
    world = World(FakeNotifier(410))
    world.jobs.add(job(WebhookTarget(url="https://other.example/x")))
    world.fanout(event())
    assert world.attempt(receiver="target") == "failed"
    assert world.bus.events == []


@pytest.mark.parametrize("answer", [200, 500])
def test_one_more_attempt_can_be_asked_for(answer: int):
    """It is one: if it fails, all is as before."""
    world = made(500)
    world.run(5 * DAY)
    assert world.delivery().status is STATUS.FAILED
    assert isinstance(world.notifier, FakeNotifier)
    world.notifier.answers = [answer]
    assert world.mailer.resend("one", event()["id"], "we_1").status is STATUS.PENDING
    world.run(DAY)
    expected = STATUS.DELIVERED if answer == 200 else STATUS.FAILED
    assert world.delivery().status is expected
    assert [it.kind for it in world.delivery().attempts] == ["scheduled"] * 10 + ["manual"]


def test_an_attempt_in_between_leaves_the_schedule_alone():
    world = made(500)
    world.run(HOUR)
    tries = world.delivery().tries
    world.mailer.resend("one", event()["id"], "we_1")
    world.run(5 * DAY)
    assert (tries, world.delivery().tries) == (4, 10)
    assert [it.kind for it in world.delivery().attempts].count("manual") == 1


def test_a_delivered_message_that_is_sent_again_in_vain_stays_delivered():
    world = made(200, 500)
    world.run(1)
    world.mailer.resend("one", event()["id"], "we_1")
    world.run(DAY)
    assert world.delivery().status is STATUS.DELIVERED
    assert posts(world) == 2


def test_a_test_goes_to_one_endpoint_whatever_it_wants():
    world = World(FakeNotifier(200))
    wants_little = endpoint(event_types=("job.failed",))
    world.endpoints.add(wants_little)
    world.queue.trouble = StoreUnavailable("SQS answered no")
    sent = world.mailer.send(wants_little, event("webhook.test"))
    assert sent.status is STATUS.PENDING
    world.queue.trouble = None
    world.run(130)
    assert world.delivery(sent.message_id).status is STATUS.DELIVERED


def test_an_answers_beginning_is_kept_whatever_its_bytes_are():
    world = made(HttpReply(500, {}, b"\xff" + "é".encode() * 2000))
    world.attempt()
    [attempt] = world.delivery().attempts
    assert len(attempt.response_excerpt.encode()) <= 1030
    assert attempt.response_excerpt.startswith("\ufffdé")


class Died(BaseException):
    """A process that is no more."""


def dying(port: object, step: Callable[[], None]) -> Any:
    """The port; `step` is called before and after each of its calls."""

    class Dying:
        def __getattr__(self, name: str) -> Any:
            it = getattr(port, name)
            if not callable(it):
                return it

            def call(*arguments: Any) -> Any:
                step()
                answer = it(*arguments)
                step()
                return answer

            return call

    return Dying()


@pytest.mark.parametrize("answer", [200, 500, 410])
@pytest.mark.parametrize("life", range(24))
def test_whoever_dies_anywhere_leaves_nothing_undone(answer: int, life: int):
    """A receiver hears of it, at most once more than it would have, and by the same id."""
    world = World(FakeNotifier(answer, 200 if answer == 500 else answer))
    world.endpoints.add(endpoint())
    ports = {name: getattr(world, name) for name in ("deliveries", "endpoints", "queue", "bus")}
    notifier, left = world.notifier, iter(range(life))

    def step() -> None:
        if next(left, None) is None:
            raise Died

    for name, port in {**ports, "notifier": notifier}.items():
        setattr(world, name, dying(port, step))
    died = False
    try:
        world.fanout(event())
        world.attempt()
    except Died:
        died = True
    for name, port in {**ports, "notifier": notifier}.items():
        setattr(world, name, port)
    if not world.deliveries.everything() or life < 6:
        world.fanout(event())  # the queue brings its message again
    world.run(DAY)
    delivery = world.delivery()
    usual = {200: 1, 500: 2, 410: 1}[answer]
    assert usual <= posts(world) <= usual + died
    assert {post.headers["webhook-id"] for post in world.notifier.posts} == {delivery.message_id}  # type: ignore[attr-defined]
    if answer == 410:
        assert not the_endpoint(world).is_enabled
        assert len({it["id"] for it in world.bus.events}) == 1
        assert delivery.status in (STATUS.FAILED, STATUS.CANCELLED)
    else:
        assert delivery.status is STATUS.DELIVERED
