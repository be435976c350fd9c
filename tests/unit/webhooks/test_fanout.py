"""Tests of the fan-out of events to deliveries."""

import pytest

from rushes.errors import AwsUnavailable
from rushes.jobs.request import WebhookTarget
from rushes.webhooks.delivery import Delivery, DeliveryStatus
from rushes.webhooks.queue_message import ENDPOINT_GROUPS, DeliveryTask
from tests.unit.webhooks.harness import DAY, MINUTE, START, Harness, endpoint, event, job


@pytest.fixture
def harness() -> Harness:
    return Harness()


@pytest.mark.parametrize(
    ("types", "wanted"),
    [
        ((), True),
        (("*",), True),
        (("job.completed",), True),
        (("job.failed", "job.completed"), True),
        (("job.failed",), False),
    ],
)
def test_fanout_respects_the_endpoints_event_types(
    harness: Harness,
    types: tuple[str, ...],
    wanted: bool,  # noqa: FBT001 - a parameter of pytest
):
    harness.endpoints.add(endpoint(event_types=types))
    assert harness.fanout.run(event()) == wanted
    assert len(harness.queue.now) == wanted


@pytest.mark.parametrize(
    ("types", "wanted"),
    [
        ((), 0),
        (("*",), 0),
        (("job.completed",), 0),
        (("job.progress",), 1),
        (("*", "job.progress"), 1),
    ],
)
def test_progress_is_delivered_to_endpoints_that_name_it(
    harness: Harness, types: tuple[str, ...], wanted: int
):
    harness.jobs.add(job(WebhookTarget(url="https://other.example/x")))
    harness.endpoints.add(endpoint(event_types=types))
    assert harness.fanout.run(event("job.progress")) == wanted


def test_fanout_skips_other_accounts_and_disabled_endpoints(harness: Harness):
    harness.endpoints.add(endpoint("we_1", account="two"))
    harness.endpoints.add(endpoint("we_2", status="disabled"))
    assert harness.fanout.run(event()) == 0


def test_fanout_skips_formats_that_do_not_support_the_event(harness: Harness):
    harness.endpoints.add(endpoint("we_1", format="openai"))
    harness.endpoints.add(endpoint("we_2"))
    assert harness.fanout.run(event("job.started")) == 1
    assert [task.receiver for task in harness.queue.now] == ["we_2"]


def test_fanout_skips_endpoints_created_after_the_event(harness: Harness):
    harness.endpoints.add(endpoint(created_at=START))
    assert harness.fanout.run(event(at=START - 0.1)) == 0
    assert harness.fanout.run(event(at=START)) == 1


def test_fanout_creates_no_second_delivery_for_a_repeated_event(harness: Harness):
    harness.endpoints.add(endpoint())
    assert harness.fanout.run(event()) == 1
    harness.run(1)
    before = harness.delivery()
    assert harness.fanout.run(event()) == 0
    harness.run(DAY)
    assert harness.delivery() == before
    assert len(before.attempts) == 1


def test_fanout_includes_the_webhook_url_of_the_request(harness: Harness):
    harness.jobs.add(job(WebhookTarget(url="https://other.example/x", format="fal")))
    harness.endpoints.add(endpoint())
    assert harness.fanout.run(event()) == 2
    target = harness.delivery(receiver="target")
    assert (target.endpoint_id, target.format) == (None, "fal")
    assert harness.fanout.run(event("job.started")) == 1, (
        "fal does not support it, the endpoint does"
    )


def test_fanout_loads_no_job_for_an_endpoint_event(harness: Harness):
    harness.endpoints.add(endpoint())
    assert harness.fanout.run(event("endpoint.disabled", job_id="job_1")) == 1


def test_fanout_fails_if_the_queue_rejects_a_task(harness: Harness):
    harness.endpoints.add(endpoint())
    harness.queue.rejected = [0]
    with pytest.raises(AwsUnavailable):
        harness.fanout.run(event())
    harness.queue.rejected = []
    assert harness.fanout.run(event()) == 0
    assert len(harness.queue.now) == 1


def test_fanout_queues_a_delayed_task(harness: Harness):
    harness.endpoints.add(endpoint())
    harness.fanout.run(event())
    delayed = DeliveryTask.for_delivery(harness.delivery())
    harness.queue.now.clear()
    assert harness.fanout.run(delayed.as_message()) == 0
    assert harness.queue.now == [delayed]


def test_fanout_uses_a_message_group_per_endpoint_and_host(harness: Harness):
    harness.jobs.add(job(WebhookTarget(url="https://other.example/x?secret")))
    harness.endpoints.add(endpoint("we_1"))
    harness.endpoints.add(endpoint("we_2"))
    harness.fanout.run(event("job.started"))
    harness.fanout.run(event())
    groups = [task.message_group_id for task in harness.queue.now]
    assert groups[:3] == groups[3:]
    assert len(set(groups)) == 3
    assert all("other" not in group for group in groups)


def test_fanout_gives_each_of_the_first_endpoints_a_message_group(harness: Harness):
    """The others share these groups, also after an endpoint was disabled."""
    for number in range(2 * ENDPOINT_GROUPS):
        harness.endpoints.add(endpoint(f"we_{number:02}", created_at=START - DAY + number))
    harness.fanout.run(event())
    groups = [task.message_group_id for task in harness.queue.now]
    assert len(set(groups)) == ENDPOINT_GROUPS
    assert groups[:ENDPOINT_GROUPS] == groups[ENDPOINT_GROUPS:]
    harness.queue.now.clear()
    harness.change_endpoint(lambda one: one.disabled(START, "owner"), "we_00")
    harness.fanout.run(event(job_id="job_2"))
    assert [task.message_group_id for task in harness.queue.now] == groups[1:]


def test_fanout_leaves_deliveries_to_a_slow_endpoint_to_the_sweeper(harness: Harness):
    harness.endpoints.add(endpoint("we_1", slow_since=START - 1))
    harness.endpoints.add(endpoint("we_2"))
    assert harness.fanout.run(event()) == 2
    assert [task.receiver for task in harness.queue.now] == ["we_2"]
    harness.run(0)
    assert harness.delivery().attempts == ()
    harness.run(MINUTE)
    assert harness.delivery().status is DeliveryStatus.DELIVERED


def test_fanout_queues_most_deliveries_before_a_failure(harness: Harness):
    """The function may time out, too. The repeated event completes the rest."""
    for number in range(35):
        harness.endpoints.add(endpoint(f"we_{number:02}"))
    add, stored = harness.deliveries.add, []

    def add_some(delivery: Delivery) -> bool:
        stored.append(delivery)
        if len(stored) == 26:
            raise AwsUnavailable("PutItem returned ThrottlingException")
        return add(delivery)

    harness.deliveries.add = add_some  # type: ignore[method-assign]
    with pytest.raises(AwsUnavailable):
        harness.fanout.run(event())
    assert len(harness.queue.now) == 20
    assert harness.fanout.run(event()) == 10
    harness.run(0)
    assert {one.status for one in harness.deliveries.all()} == {DeliveryStatus.DELIVERED}
    assert len(harness.receiver.posts) == 35
