"""Tests of the fan-out of events to deliveries."""

import pytest

from rushes.errors import AwsUnavailable
from rushes.jobs.request import WebhookTarget
from rushes.webhooks.queue_message import DeliveryTask
from tests.unit.webhooks.harness import DAY, START, Harness, endpoint, event, job


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
    assert groups[0:2] == ["we_1", "we_2"]
    assert len(set(groups)) == 3
    assert all("other" not in group for group in groups)
