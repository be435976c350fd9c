"""Tests of one delivery attempt, with conflicts, failures and crashes."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from rushes.errors import AwsUnavailable, CorruptRecord, UpstreamNoResponse
from rushes.ports.http import HttpReply
from rushes.webhooks.delivery import DeliveryStatus
from rushes.webhooks.endpoint import MAX_SLOW_HOSTS, SLOW_RESPONSES, RequestSecrets
from rushes.webhooks.queue_message import DeliveryTask
from rushes.webhooks.signature import headers
from tests.unit.webhooks.fakes import FakeWebhookClient
from tests.unit.webhooks.harness import (
    DAY,
    EVENT_ID,
    HOUR,
    MINUTE,
    SECRET,
    START,
    Harness,
    endpoint,
    event,
    slowed,
)

STATUS = DeliveryStatus


def test_attempt_with_success_is_the_last():
    harness = Harness.with_delivery()
    assert harness.attempt() == "delivered"
    assert harness.delivery().next_attempt_at is None
    assert harness.delivery().next_check_at is None
    assert harness.queue.later == []


def test_attempt_is_signed_with_its_own_timestamp():
    harness = Harness.with_delivery(500)
    harness.clock.advance(0.7)
    harness.attempt()
    harness.clock.advance(10)
    harness.attempt()
    first, second = harness.receiver.posts
    assert first.url == "https://hooks.example/in"
    assert first.headers["content-type"] == "application/json"
    assert first.headers.items() >= headers(event()["id"], START, first.body, [SECRET]).items()
    assert second.headers["webhook-timestamp"] == str(int(START + 10))
    assert second.headers["webhook-signature"] != first.headers["webhook-signature"]


def test_run_skips_a_repeated_queue_message():
    harness = Harness.with_delivery()
    assert [harness.attempt() for _ in range(3)] == ["delivered", "not_due", "not_due"]
    assert len(harness.receiver.posts) == 1


def test_run_skips_a_delivery_leased_by_another_invocation():
    harness = Harness.with_delivery()
    answers: list[str] = []
    harness.receiver.during = lambda: answers.append(harness.attempt())
    assert harness.attempt() == "delivered"
    assert answers == ["not_due"]


def test_run_skips_the_attempt_after_a_lost_write_race():
    harness = Harness.with_delivery()
    answers: list[str] = []
    harness.deliveries.items.before_write = lambda: answers.append(harness.attempt())
    assert harness.attempt() == "not_due"
    assert answers == ["delivered"]
    assert len(harness.receiver.posts) == 1


def test_run_returns_gone_for_an_unknown_delivery():
    assert Harness().attempt() == "gone"


def test_failed_attempt_is_queued_with_the_next_delay():
    harness = Harness.with_delivery(500)
    assert harness.attempt() == "pending"
    [(delayed, seconds)] = harness.queue.later
    assert (delayed.receiver, seconds) == ("we_1", 5.0)
    assert harness.delivery().next_attempt_at == START + 5
    assert harness.stored_endpoint().failing_since == START


def test_sweeper_queues_the_retry_if_the_queue_fails():
    harness = Harness.with_delivery(500, 200)
    harness.queue.error = AwsUnavailable("SQS failed")
    assert harness.attempt() == "pending"
    harness.queue.error = None
    harness.queue.now.clear()
    harness.run(130)
    assert harness.delivery().status is STATUS.DELIVERED


@pytest.mark.parametrize("end", ["deleted", "disabled"])
def test_run_cancels_the_delivery_to_a_deleted_or_disabled_endpoint(end: str):
    harness = Harness.with_delivery()
    if end == "deleted":
        harness.endpoints.delete("one", "we_1")
    else:
        harness.change_endpoint(lambda current: current.disabled(START, "owner"))
    assert harness.attempt() == "cancelled"
    assert len(harness.receiver.posts) == 0


def test_attempt_is_the_last_if_the_endpoint_is_deleted_during_it():
    harness = Harness.with_delivery(500)
    harness.receiver.during = lambda: harness.endpoints.delete("one", "we_1")
    assert harness.attempt() == "failed"


def test_response_of_a_replaced_url_does_not_count_for_the_endpoint():
    harness = Harness.with_delivery(410)
    harness.receiver.during = lambda: harness.change_endpoint(
        lambda current: current.updated(START, url="https://new.example/")
    )
    harness.attempt()
    assert harness.stored_endpoint().is_enabled


@pytest.mark.parametrize("answer", [500, UpstreamNoResponse("no answer", code="timeout")])
def test_endpoint_is_disabled_after_five_days_of_failures(answer: Exception | int):
    """The event is published once, and no attempt follows."""
    harness = Harness.with_delivery(answer)
    harness.endpoints.add(endpoint("we_2", event_types=("endpoint.disabled",)))
    moments = []
    for number in range(40):
        harness.publish(number + 2)
        harness.run(6 * HOUR)
        moments += [START + (number + 1) * 6 * HOUR] if harness.stored_endpoint().is_enabled else []
    assert harness.stored_endpoint().disabled_reason == "failing"
    assert 119 * HOUR <= moments[-1] - START <= 126 * HOUR
    attempts = [one for delivery in harness.deliveries.all() for one in delivery.attempts]
    assert 120 * HOUR <= max(attempt.at for attempt in attempts) - START <= 126 * HOUR
    [published] = harness.bus.events
    assert published["id"] == f"evt_we_1_disabled_{int(START)}"
    assert harness.stored_endpoint().outbox == ()
    assert STATUS.PENDING not in {delivery.status for delivery in harness.deliveries.all()}


def test_endpoint_stays_enabled_after_one_success_in_five_days():
    harness = Harness.with_delivery(500)
    for number in range(45):
        harness.receiver.answers = [200 if number == 15 else 500]
        harness.publish(number + 2)
        harness.run(5 * HOUR)
        if number == 30:
            assert harness.stored_endpoint().is_enabled
    assert not harness.stored_endpoint().is_enabled


def test_endpoint_disabled_event_is_published_after_a_bus_failure():
    harness = Harness.with_delivery(410)
    harness.bus.rejects = True
    with pytest.raises(AwsUnavailable):
        harness.attempt()
    assert not harness.stored_endpoint().is_enabled
    harness.bus.rejects = False
    harness.run(5 * 60)
    assert [published["type"] for published in harness.bus.events] == ["endpoint.disabled"]
    assert harness.delivery().status is STATUS.CANCELLED
    assert len(harness.receiver.posts) == 1


@pytest.mark.parametrize("event_type", [None, "", 5])
def test_event_without_type_in_the_outbox_of_an_endpoint_stops_no_delivery(event_type: object):
    """It stays, and the others are published."""
    harness = Harness.with_delivery(410)
    unusable = {"id": "evt_1", "type": event_type}
    harness.change_endpoint(lambda one: one.model_copy(update={"outbox": (unusable,)}))
    assert harness.attempt() == "failed"
    assert [published["type"] for published in harness.bus.events] == ["endpoint.disabled"]
    assert harness.stored_endpoint().outbox == (unusable,)
    harness.change_endpoint(lambda one: one.enabled(START))
    harness.receiver.answers = [500]
    harness.publish(2)
    assert harness.attempt("evt_job_2_completed") == "pending"


def test_request_url_is_signed_with_the_accounts_request_secrets():
    harness = Harness.with_request_url(200)
    assert harness.attempt(receiver="target") == "delivered"
    [post] = harness.receiver.posts
    active = harness.signing_secrets.active(harness.request_secrets(), START)
    assert post.url == "https://other.example/x"
    assert post.headers.items() >= headers(event()["id"], START, post.body, active).items()


def test_request_url_gets_no_retry_after_410():
    harness = Harness.with_request_url(410)
    assert harness.attempt(receiver="target") == "failed"
    assert harness.bus.events == []


@pytest.mark.parametrize("answer", [200, 500])
def test_resend_makes_one_manual_attempt(answer: int):
    """A failure restores the earlier status."""
    harness = Harness.with_delivery(500)
    harness.run(5 * DAY)
    assert harness.delivery().status is STATUS.FAILED
    harness.receiver.answers = [answer]
    assert harness.resend().status is STATUS.PENDING
    harness.run(DAY)
    expected = STATUS.DELIVERED if answer == 200 else STATUS.FAILED
    assert harness.delivery().status is expected
    assert harness.triggers() == ["scheduled"] * 10 + ["manual"]


def test_resend_does_not_use_up_a_scheduled_attempt():
    harness = Harness.with_delivery(500)
    harness.run(HOUR)
    before = harness.delivery().scheduled_attempts
    harness.resend()
    harness.run(5 * DAY)
    assert (before, harness.delivery().scheduled_attempts) == (4, 10)
    assert harness.triggers().count("manual") == 1


def test_failed_resend_of_a_delivered_message_keeps_its_status():
    harness = Harness.with_delivery(200, 500)
    harness.run(1)
    harness.resend()
    harness.run(DAY)
    assert harness.delivery().status is STATUS.DELIVERED
    assert len(harness.receiver.posts) == 2


def test_send_test_ignores_the_endpoints_event_types():
    harness = Harness(FakeWebhookClient(200))
    subscriber = endpoint(event_types=("job.failed",))
    harness.endpoints.add(subscriber)
    harness.queue.error = AwsUnavailable("SQS failed")
    sent = harness.messages.send_test(subscriber, event("webhook.test"))
    assert sent.status is STATUS.PENDING
    harness.queue.error = None
    harness.run(130)
    assert harness.delivery(sent.message_id).status is STATUS.DELIVERED


def test_response_excerpt_accepts_any_bytes():
    harness = Harness.with_delivery(HttpReply(500, {}, b"\xff" + "é".encode() * 2000))
    harness.attempt()
    [attempt] = harness.delivery().attempts
    assert len(attempt.response_excerpt.encode()) <= 1030
    assert attempt.response_excerpt.startswith("\ufffdé")


class SlowClient(FakeWebhookClient):
    """Advances the clock by `seconds` during each POST."""

    def __init__(self, harness: Harness, *answers: HttpReply | Exception | int) -> None:
        super().__init__(*answers)
        self.seconds = 0.0
        self.during = lambda: harness.clock.advance(self.seconds)


def with_slow_client(*answers: HttpReply | Exception | int) -> tuple[Harness, SlowClient]:
    harness = Harness()
    harness.endpoints.add(endpoint())
    harness.http_client = client = SlowClient(harness, *answers)
    return harness, client


@pytest.mark.parametrize("answer", [200, 500, UpstreamNoResponse("no answer", code="timeout")])
def test_slow_attempts_mark_the_endpoint_and_a_fast_one_unmarks_it(answer: Exception | int):
    """Whatever the response is."""
    harness, client = with_slow_client(answer, 200)
    almost = {"slow_responses": SLOW_RESPONSES - 1}
    harness.change_endpoint(lambda one: one.model_copy(update=almost))
    client.seconds = 5.1
    harness.publish(1)
    harness.run(0)
    assert harness.stored_endpoint().slow_since == START + 5.1
    client.seconds = 5.0
    harness.run(2 * MINUTE)
    harness.publish(2)
    harness.run(MINUTE)
    marked = harness.stored_endpoint()
    assert (marked.slow_since, marked.slow_responses) == (None, 0)
    harness.publish(3)
    harness.run(0)
    assert harness.stored_endpoint() == marked, "only a change is written"


def test_fast_response_ends_a_series_of_slow_ones():
    harness, client = with_slow_client()
    for number, seconds in enumerate([14.0, 14.0, 0.1] * 3):
        client.seconds = seconds
        harness.publish(number)
        harness.run(0)
    assert harness.stored_endpoint().slow_since is None
    assert harness.stored_endpoint().version == 9, "each slow response and each end is written"
    harness.publish(9)
    harness.run(0)
    assert harness.stored_endpoint().version == 9, "further fast responses are not"


def test_slow_attempts_of_a_slow_endpoint_do_not_write_it():
    harness, client = with_slow_client()
    client.seconds = 14.0
    for number in range(5):
        harness.publish(number)
        harness.run(2 * MINUTE)
    assert len(client.posts) == 5
    assert harness.stored_endpoint().version == SLOW_RESPONSES


def test_slow_tests_mark_the_endpoint():
    """Otherwise tests could keep the message groups of the account busy."""
    harness, client = with_slow_client()
    client.seconds = 14.0
    for number in range(SLOW_RESPONSES):
        happened = event("webhook.test", f"test_{number}")
        harness.messages.send_test(harness.stored_endpoint(), happened)
    harness.run(0)
    assert harness.stored_endpoint().slow_since is not None
    assert harness.stored_endpoint().failing_since is None


def test_attempt_that_sent_nothing_does_not_change_the_response_time():
    harness, _ = with_slow_client()
    harness.change_endpoint(slowed)

    def render(_: object) -> bytes:
        raise KeyError("data")

    harness.render = render
    harness.publish(1)
    harness.run(MINUTE)
    assert harness.delivery("evt_job_1_completed").attempts[0].error == "unwritable"
    assert harness.stored_endpoint().slow_since == START


def test_delivery_that_waits_when_its_endpoint_becomes_slow_changes_the_message_group():
    harness, client = with_slow_client()
    for number in range(SLOW_RESPONSES + 1):
        harness.publish(number)
    client.seconds = 14.0
    harness.run(0)
    assert len(client.posts) == SLOW_RESPONSES
    waiting = harness.delivery(f"evt_job_{SLOW_RESPONSES}_completed")
    assert (waiting.is_paused, waiting.attempts) == (True, ())
    harness.run(MINUTE)
    assert len(client.posts) == SLOW_RESPONSES + 1


def test_message_of_an_older_release_is_attempted():
    """Its message group is the id of the endpoint; without an endpoint it is another hash."""
    harness = Harness.with_delivery()
    [task] = harness.queue.now
    old = {**vars(task), "message_group_id": "we_1"}
    harness.queue.now = [DeliveryTask.parse({"delivery_task": old})]
    harness.run(0)
    assert harness.delivery().status is STATUS.DELIVERED


def test_slow_host_of_a_request_url_is_marked_and_unmarked():
    harness = Harness.with_request_url()
    harness.http_client = client = SlowClient(harness)
    client.seconds = 14.0
    harness.run(0)
    for _ in range(SLOW_RESPONSES - 1):
        assert harness.request_secrets().slow_hosts == {}
        harness.clock.advance(MINUTE)
        harness.messages.resend_delivery("one", EVENT_ID, "target")
        harness.run(0)
    slow = harness.request_secrets()
    assert (slow.slow_hosts, slow.slow_responses) == ({"other.example": harness.clock()}, {})
    client.seconds = 0.1
    harness.clock.advance(MINUTE)
    harness.messages.resend_delivery("one", EVENT_ID, "target")
    harness.run(0)
    assert harness.request_secrets().slow_hosts == {}
    assert len(client.posts) == SLOW_RESPONSES + 1


def test_fast_response_of_a_host_ends_its_series_of_slow_ones():
    secrets = RequestSecrets(account="one", secrets=())
    for seconds in [14.0, 14.0, 0.1] * 3:
        secrets = secrets.record_response_time("h.example", START, seconds)
    assert (secrets.slow_hosts, secrets.slow_responses, secrets.version) == ({}, {}, 9)
    assert secrets.record_response_time("h.example", START, 0.1) is secrets


def test_slow_hosts_of_an_account_are_limited():
    secrets = RequestSecrets(account="one", secrets=())
    for number in range(MAX_SLOW_HOSTS + 5):
        secrets = secrets.record_response_time(f"once{number}.example", START, 14.0)
        for _ in range(SLOW_RESPONSES):
            secrets = secrets.record_response_time(f"h{number}.example", START + number, 14.0)
    assert len(secrets.slow_hosts) == MAX_SLOW_HOSTS
    assert len(secrets.slow_responses) < MAX_SLOW_HOSTS + 1
    assert "once4.example" not in secrets.slow_responses
    assert f"once{MAX_SLOW_HOSTS + 4}.example" in secrets.slow_responses
    assert "h4.example" not in secrets.slow_hosts
    assert "h5.example" in secrets.slow_hosts


@pytest.mark.parametrize("part", ["endpoint", "delivery", "secrets"])
def test_corrupt_item_does_not_block_its_message_group(
    part: str, capsys: pytest.CaptureFixture[str]
):
    """An error would, for five tries of 90 seconds: the deliveries of other endpoints wait."""
    harness = Harness.with_request_url() if part == "secrets" else Harness.with_delivery()
    receiver = "target" if part == "secrets" else "we_1"

    def corrupt(*_: object) -> Any:
        raise CorruptRecord("not JSON")

    names = {"endpoint": "get", "delivery": "change", "secrets": "request_secrets"}
    port = harness.deliveries if part == "delivery" else harness.endpoints
    vars(port)[names[part]] = corrupt
    assert harness.attempt(receiver=receiver) == "corrupt"
    assert "CorruptRecord" in capsys.readouterr().out
    del vars(port)[names[part]]
    harness.run(20 * MINUTE)
    assert harness.delivery(receiver=receiver).status is STATUS.DELIVERED


class Crashed(BaseException):
    """End of the function's process."""


@dataclass
class Crashing:
    """Wraps a port, so that `step` runs before and after each of its calls."""

    port: object
    step: Callable[[], None]

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self.port, name)

        def call(*arguments: Any) -> Any:
            self.step()
            answer = attribute(*arguments)
            self.step()
            return answer

        return call if callable(attribute) else attribute


@pytest.mark.parametrize("answer", [200, 500, 410])
@pytest.mark.parametrize("calls", range(24))
def test_delivery_completes_after_a_crash_at_any_call(answer: int, calls: int):
    """The receiver gets at most one more POST, with the same id."""
    harness = Harness(FakeWebhookClient(answer, 200 if answer == 500 else answer))
    harness.endpoints.add(endpoint())
    names = "deliveries", "endpoints", "queue", "bus", "http_client"
    ports = {name: getattr(harness, name) for name in names}
    left = iter(range(calls))

    def step() -> None:
        if next(left, None) is None:
            raise Crashed

    vars(harness).update({name: Crashing(port, step) for name, port in ports.items()})
    crashed = False
    try:
        harness.fanout.run(event())
        harness.attempt()
    except Crashed:
        crashed = True
    vars(harness).update(ports)
    if not harness.deliveries.all() or calls < 6:
        harness.fanout.run(event())  # SQS redelivers the message
    harness.run(DAY)
    delivery = harness.delivery()
    usual = 2 if answer == 500 else 1
    assert usual <= len(harness.receiver.posts) <= usual + crashed
    assert {post.headers["webhook-id"] for post in harness.receiver.posts} == {delivery.message_id}
    if answer == 410:
        assert not harness.stored_endpoint().is_enabled
        assert len({published["id"] for published in harness.bus.events}) == 1
        assert delivery.status in (STATUS.FAILED, STATUS.CANCELLED)
    else:
        assert delivery.status is STATUS.DELIVERED
