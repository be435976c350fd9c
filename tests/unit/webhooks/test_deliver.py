"""One attempt at one delivery, whatever comes in between."""

from collections.abc import Callable
from typing import Any

import pytest

from rushes.errors import AwsUnavailable, UpstreamNoResponse
from rushes.jobs.request import WebhookTarget
from rushes.ports import HttpReply
from rushes.webhooks.delivery import DeliveryStatus
from rushes.webhooks.endpoint import Endpoint
from rushes.webhooks.signature import headers
from tests.unit.webhooks.fakes import FakeNotifier
from tests.unit.webhooks.harness import DAY, HOUR, SECRET, START, Harness, endpoint, event, job

STATUS = DeliveryStatus


def made(*answers: HttpReply | Exception | int, **facts: Any) -> Harness:
    """A world with one endpoint and one delivery to it, still in the queue."""
    harness = Harness(FakeNotifier(*answers))
    harness.endpoints.add(endpoint(**facts))
    harness.fanout(event())
    return harness


def posts(harness: Harness) -> int:
    assert isinstance(harness.notifier, FakeNotifier)
    return len(harness.notifier.posts)


def the_endpoint(harness: Harness) -> Endpoint:
    found = harness.endpoints.get("one", "we_1")
    assert found is not None
    return found


def test_a_success_ends_it():
    harness = made()
    assert harness.attempt() == "delivered"
    assert harness.delivery().next_attempt_at is None
    assert harness.delivery().next_check_at is None
    assert harness.queue.later == []


def test_what_is_sent_is_signed_at_that_moment():
    harness = made(500)
    harness.clock.advance(0.7)
    harness.attempt()
    harness.clock.advance(10)
    harness.attempt()
    assert isinstance(harness.notifier, FakeNotifier)
    first, second = harness.notifier.posts
    assert first.url == "https://hooks.example/in"
    assert first.headers["content-type"] == "application/json"
    assert first.headers.items() >= headers(event()["id"], START, first.body, [SECRET]).items()
    assert second.headers["webhook-timestamp"] == str(int(START + 10))
    assert second.headers["webhook-signature"] != first.headers["webhook-signature"]


def test_a_message_that_comes_many_times_is_sent_once():
    harness = made()
    assert [harness.attempt() for _ in range(3)] == ["delivered", "not_due", "not_due"]
    assert posts(harness) == 1


def test_two_that_have_the_same_message_send_it_once():
    harness = made()
    answers: list[str] = []
    assert isinstance(harness.notifier, FakeNotifier)
    harness.notifier.during = lambda: answers.append(harness.attempt())
    assert harness.attempt() == "delivered"
    assert answers == ["not_due"]


def test_who_is_faster_by_a_write_has_it():
    harness = made()
    answers: list[str] = []
    harness.deliveries.kept.before_write = lambda: answers.append(harness.attempt())
    assert harness.attempt() == "not_due"
    assert answers == ["delivered"]
    assert posts(harness) == 1


def test_a_delivery_that_nobody_knows_is_gone():
    assert Harness().attempt() == "gone"


def test_a_failure_is_put_back_for_the_next_time():
    harness = made(500)
    assert harness.attempt() == "pending"
    [(kept_back, seconds)] = harness.queue.later
    assert (kept_back.receiver, seconds) == ("we_1", 5.0)
    assert harness.delivery().next_attempt_at == START + 5
    assert the_endpoint(harness).failing_since == START


def test_a_queue_that_does_not_take_it_back_costs_a_minute():
    harness = made(500, 200)
    harness.queue.trouble = AwsUnavailable("SQS answered no")
    assert harness.attempt() == "pending"
    harness.queue.trouble = None
    harness.queue.now.clear()
    harness.run(130)
    assert harness.delivery().status is STATUS.DELIVERED


def test_nothing_is_sent_to_an_endpoint_that_is_deleted():
    harness = made()
    harness.endpoints.delete("one", "we_1")
    assert harness.attempt() == "cancelled"
    assert posts(harness) == 0


def test_nothing_is_sent_to_an_endpoint_that_is_disabled():
    harness = made()
    harness.endpoints.change("one", "we_1", lambda it: it.disabled(START, "by its owner"))
    assert harness.attempt() == "cancelled"
    assert posts(harness) == 0


def test_an_endpoint_that_is_deleted_while_it_is_asked_is_not_asked_again():
    harness = made(500)
    assert isinstance(harness.notifier, FakeNotifier)
    harness.notifier.during = lambda: harness.endpoints.delete("one", "we_1")
    assert harness.attempt() == "failed"


def test_what_an_old_address_answers_says_nothing_of_the_new_one():
    harness = made(410)
    assert isinstance(harness.notifier, FakeNotifier)
    harness.notifier.during = lambda: harness.endpoints.change(
        "one", "we_1", lambda it: it.step(START, url="https://new.example/")
    )
    harness.attempt()
    assert the_endpoint(harness).is_enabled


@pytest.mark.parametrize("answer", [500, UpstreamNoResponse("no answer", code="timeout")])
def test_five_days_of_nothing_but_failures_disable_an_endpoint(answer: Exception | int):
    """It is said once, and then nothing is sent any more."""
    harness = made(answer)
    harness.endpoints.add(endpoint("we_2", event_types=("endpoint.disabled",)))
    moments = []
    for number in range(40):
        harness.fanout(event(job_id=f"job_{number + 2}", at=harness.clock()))
        harness.run(6 * HOUR)
        moments += [START + (number + 1) * 6 * HOUR] if the_endpoint(harness).is_enabled else []
    assert the_endpoint(harness).disabled_reason == "failing"
    assert 119 * HOUR <= moments[-1] - START <= 126 * HOUR
    attempts = [it for delivery in harness.deliveries.everything() for it in delivery.attempts]
    assert 120 * HOUR <= max(it.at for it in attempts) - START <= 126 * HOUR
    assert [it["id"] for it in harness.bus.events] == [f"evt_we_1_disabled_{int(START)}"]
    assert the_endpoint(harness).outbox == ()
    assert not [it for it in harness.deliveries.everything() if it.status is STATUS.PENDING]


def test_one_success_in_five_days_is_enough():
    harness = made(500)
    for number in range(45):
        assert isinstance(harness.notifier, FakeNotifier)
        harness.notifier.answers = [200 if number == 15 else 500]
        harness.fanout(event(job_id=f"job_{number + 2}", at=harness.clock()))
        harness.run(5 * HOUR)
        if number == 30:
            assert the_endpoint(harness).is_enabled
    assert not the_endpoint(harness).is_enabled


def test_a_disabled_endpoint_that_could_not_be_announced_is_announced_later():
    harness = made(410)
    harness.bus.refuses = True
    with pytest.raises(AwsUnavailable):
        harness.attempt()
    assert not the_endpoint(harness).is_enabled
    harness.bus.refuses = False
    harness.run(5 * 60)
    assert [it["type"] for it in harness.bus.events] == ["endpoint.disabled"]
    assert harness.delivery().status is STATUS.CANCELLED
    assert posts(harness) == 1


def test_a_target_is_signed_with_its_accounts_own_secrets():
    harness = Harness(FakeNotifier(200))
    harness.jobs.add(job(WebhookTarget(url="https://other.example/x")))
    harness.fanout(event())
    assert harness.attempt(receiver="target") == "delivered"
    assert isinstance(harness.notifier, FakeNotifier)
    [post] = harness.notifier.posts
    live = harness.endpoints.request_secrets("one").live_secrets(START)
    assert post.url == "https://other.example/x"
    assert post.headers.items() >= headers(event()["id"], START, post.body, live).items()


def test_a_target_that_is_gone_hears_nothing_more():
    harness = Harness(FakeNotifier(410))
    harness.jobs.add(job(WebhookTarget(url="https://other.example/x")))
    harness.fanout(event())
    assert harness.attempt(receiver="target") == "failed"
    assert harness.bus.events == []


@pytest.mark.parametrize("answer", [200, 500])
def test_one_more_attempt_can_be_asked_for(answer: int):
    """It is one: if it fails, all is as before."""
    harness = made(500)
    harness.run(5 * DAY)
    assert harness.delivery().status is STATUS.FAILED
    assert isinstance(harness.notifier, FakeNotifier)
    harness.notifier.answers = [answer]
    assert harness.mailer.resend("one", event()["id"], "we_1").status is STATUS.PENDING
    harness.run(DAY)
    expected = STATUS.DELIVERED if answer == 200 else STATUS.FAILED
    assert harness.delivery().status is expected
    assert [it.trigger for it in harness.delivery().attempts] == ["scheduled"] * 10 + ["manual"]


def test_an_attempt_in_between_leaves_the_schedule_alone():
    harness = made(500)
    harness.run(HOUR)
    tries = harness.delivery().tries
    harness.mailer.resend("one", event()["id"], "we_1")
    harness.run(5 * DAY)
    assert (tries, harness.delivery().tries) == (4, 10)
    assert [it.trigger for it in harness.delivery().attempts].count("manual") == 1


def test_a_delivered_message_that_is_sent_again_in_vain_stays_delivered():
    harness = made(200, 500)
    harness.run(1)
    harness.mailer.resend("one", event()["id"], "we_1")
    harness.run(DAY)
    assert harness.delivery().status is STATUS.DELIVERED
    assert posts(harness) == 2


def test_a_test_goes_to_one_endpoint_whatever_it_wants():
    harness = Harness(FakeNotifier(200))
    wants_little = endpoint(event_types=("job.failed",))
    harness.endpoints.add(wants_little)
    harness.queue.trouble = AwsUnavailable("SQS answered no")
    sent = harness.mailer.send(wants_little, event("webhook.test"))
    assert sent.status is STATUS.PENDING
    harness.queue.trouble = None
    harness.run(130)
    assert harness.delivery(sent.message_id).status is STATUS.DELIVERED


def test_an_answers_beginning_is_kept_whatever_its_bytes_are():
    harness = made(HttpReply(500, {}, b"\xff" + "é".encode() * 2000))
    harness.attempt()
    [attempt] = harness.delivery().attempts
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
    harness = Harness(FakeNotifier(answer, 200 if answer == 500 else answer))
    harness.endpoints.add(endpoint())
    ports = {name: getattr(harness, name) for name in ("deliveries", "endpoints", "queue", "bus")}
    notifier, left = harness.notifier, iter(range(life))

    def step() -> None:
        if next(left, None) is None:
            raise Died

    for name, port in {**ports, "notifier": notifier}.items():
        setattr(harness, name, dying(port, step))
    died = False
    try:
        harness.fanout(event())
        harness.attempt()
    except Died:
        died = True
    for name, port in {**ports, "notifier": notifier}.items():
        setattr(harness, name, port)
    if not harness.deliveries.everything() or life < 6:
        harness.fanout(event())  # the queue brings its message again
    harness.run(DAY)
    delivery = harness.delivery()
    usual = {200: 1, 500: 2, 410: 1}[answer]
    assert usual <= posts(harness) <= usual + died
    assert {post.headers["webhook-id"] for post in harness.notifier.posts} == {delivery.message_id}  # type: ignore[attr-defined]
    if answer == 410:
        assert not the_endpoint(harness).is_enabled
        assert len({it["id"] for it in harness.bus.events}) == 1
        assert delivery.status in (STATUS.FAILED, STATUS.CANCELLED)
    else:
        assert delivery.status is STATUS.DELIVERED
