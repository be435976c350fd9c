"""Who hears of an event."""

import pytest

from rushes.errors import StoreUnavailable
from rushes.jobs.request import WebhookTarget
from rushes.webhooks.queue_message import ticket
from tests.unit.webhooks.harness import DAY, START, World, endpoint, event, job


@pytest.fixture
def world() -> World:
    return World()


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
def test_an_endpoint_gets_what_it_wants(world: World, types: tuple[str, ...], wanted: bool):  # noqa: FBT001
    world.endpoints.add(endpoint(event_types=types))
    assert world.fanout(event()) == wanted
    assert len(world.queue.now) == wanted


def test_nothing_goes_to_others_accounts_or_to_disabled_endpoints(world: World):
    world.endpoints.add(endpoint("we_1", account="two"))
    world.endpoints.add(endpoint("we_2", status="disabled"))
    assert world.fanout(event()) == 0


def test_nothing_goes_where_the_format_has_no_word_for_it(world: World):
    world.endpoints.add(endpoint("we_1", format="openai"))
    world.endpoints.add(endpoint("we_2"))
    assert world.fanout(event("job.started")) == 1
    assert [it.receiver for it in world.queue.now] == ["we_2"]


def test_an_endpoint_does_not_hear_of_what_was_before_it(world: World):
    world.endpoints.add(endpoint(created_at=START))
    assert world.fanout(event(at=START - 0.1)) == 0
    assert world.fanout(event(at=START)) == 1


def test_the_same_event_again_makes_nothing_new(world: World):
    world.endpoints.add(endpoint())
    assert world.fanout(event()) == 1
    world.run(1)
    before = world.delivery()
    assert world.fanout(event()) == 0
    world.run(DAY)
    assert world.delivery() == before
    assert len(before.attempts) == 1


def test_a_request_of_its_own_target_is_told_as_well(world: World):
    world.jobs.add(job(WebhookTarget(url="https://other.example/x", format="fal")))
    world.endpoints.add(endpoint())
    assert world.fanout(event()) == 2
    target = world.delivery(receiver="target")
    assert (target.endpoint_id, target.format) == (None, "fal")
    assert world.fanout(event("job.started")) == 1, "fal has no word for it, the endpoint has"


def test_an_event_of_no_job_asks_for_none(world: World):
    world.endpoints.add(endpoint())
    assert world.fanout(event("endpoint.disabled", job_id="job_1")) == 1


def test_a_queue_that_takes_not_all_makes_the_message_come_again(world: World):
    world.endpoints.add(endpoint())
    world.queue.refused = [0]
    with pytest.raises(StoreUnavailable):
        world.fanout(event())
    world.queue.refused = []
    assert world.fanout(event()) == 0
    assert len(world.queue.now) == 1


def test_a_ticket_that_was_kept_back_is_handed_on(world: World):
    world.endpoints.add(endpoint())
    world.fanout(event())
    kept_back = ticket(world.delivery())
    world.queue.now.clear()
    assert world.fanout.take({"ticket": vars(kept_back)}) == 0
    assert world.queue.now == [kept_back]


def test_lanes_are_endpoints_and_the_hosts_of_targets(world: World):
    world.jobs.add(job(WebhookTarget(url="https://other.example/x?secret")))
    world.endpoints.add(endpoint("we_1"))
    world.endpoints.add(endpoint("we_2"))
    world.fanout(event("job.started"))
    world.fanout(event())
    lanes = [it.lane for it in world.queue.now]
    assert lanes[0:2] == ["we_1", "we_2"]
    assert len(set(lanes)) == 3
    assert all("other" not in lane for lane in lanes)
