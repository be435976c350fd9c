"""Who hears of an event."""

import pytest

from rushes.errors import AwsUnavailable
from rushes.jobs.request import WebhookTarget
from rushes.webhooks.queue_message import ticket
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
def test_an_endpoint_gets_what_it_wants(harness: Harness, types: tuple[str, ...], wanted: bool):  # noqa: FBT001
    harness.endpoints.add(endpoint(event_types=types))
    assert harness.fanout(event()) == wanted
    assert len(harness.queue.now) == wanted


def test_nothing_goes_to_others_accounts_or_to_disabled_endpoints(harness: Harness):
    harness.endpoints.add(endpoint("we_1", account="two"))
    harness.endpoints.add(endpoint("we_2", status="disabled"))
    assert harness.fanout(event()) == 0


def test_nothing_goes_where_the_format_has_no_word_for_it(harness: Harness):
    harness.endpoints.add(endpoint("we_1", format="openai"))
    harness.endpoints.add(endpoint("we_2"))
    assert harness.fanout(event("job.started")) == 1
    assert [it.receiver for it in harness.queue.now] == ["we_2"]


def test_an_endpoint_does_not_hear_of_what_was_before_it(harness: Harness):
    harness.endpoints.add(endpoint(created_at=START))
    assert harness.fanout(event(at=START - 0.1)) == 0
    assert harness.fanout(event(at=START)) == 1


def test_the_same_event_again_makes_nothing_new(harness: Harness):
    harness.endpoints.add(endpoint())
    assert harness.fanout(event()) == 1
    harness.run(1)
    before = harness.delivery()
    assert harness.fanout(event()) == 0
    harness.run(DAY)
    assert harness.delivery() == before
    assert len(before.attempts) == 1


def test_a_request_of_its_own_target_is_told_as_well(harness: Harness):
    harness.jobs.add(job(WebhookTarget(url="https://other.example/x", format="fal")))
    harness.endpoints.add(endpoint())
    assert harness.fanout(event()) == 2
    target = harness.delivery(receiver="target")
    assert (target.endpoint_id, target.format) == (None, "fal")
    assert harness.fanout(event("job.started")) == 1, "fal has no word for it, the endpoint has"


def test_an_event_of_no_job_asks_for_none(harness: Harness):
    harness.endpoints.add(endpoint())
    assert harness.fanout(event("endpoint.disabled", job_id="job_1")) == 1


def test_a_queue_that_takes_not_all_makes_the_message_come_again(harness: Harness):
    harness.endpoints.add(endpoint())
    harness.queue.refused = [0]
    with pytest.raises(AwsUnavailable):
        harness.fanout(event())
    harness.queue.refused = []
    assert harness.fanout(event()) == 0
    assert len(harness.queue.now) == 1


def test_a_ticket_that_was_kept_back_is_handed_on(harness: Harness):
    harness.endpoints.add(endpoint())
    harness.fanout(event())
    kept_back = ticket(harness.delivery())
    harness.queue.now.clear()
    assert harness.fanout.take({"ticket": vars(kept_back)}) == 0
    assert harness.queue.now == [kept_back]


def test_lanes_are_endpoints_and_the_hosts_of_targets(harness: Harness):
    harness.jobs.add(job(WebhookTarget(url="https://other.example/x?secret")))
    harness.endpoints.add(endpoint("we_1"))
    harness.endpoints.add(endpoint("we_2"))
    harness.fanout(event("job.started"))
    harness.fanout(event())
    lanes = [it.lane for it in harness.queue.now]
    assert lanes[0:2] == ["we_1", "we_2"]
    assert len(set(lanes)) == 3
    assert all("other" not in lane for lane in lanes)
