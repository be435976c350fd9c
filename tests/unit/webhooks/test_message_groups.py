"""What is delivered one by one, and what side by side."""

from rushes.jobs.request import WebhookTarget
from rushes.webhooks.new_delivery import to_endpoint, to_target
from rushes.webhooks.queue_message import TARGET_LANES, ticket
from tests.unit.webhooks.harness import START, endpoint, event


def lane(url: str, account: str = "one") -> str:
    return ticket(to_target(WebhookTarget(url=url), account, event(), START)).lane


def test_an_account_has_few_lanes_however_many_hosts_it_names():
    lanes = {lane(f"https://h{number}.example/") for number in range(500)}
    assert len(lanes) == TARGET_LANES
    others = {lane(f"https://h{number}.example/", "two") for number in range(500)}
    assert not lanes & others


def test_a_host_has_one_lane():
    urls = ["https://h.example/a", "https://h.example:443/b?c=1", "https://H.example/"]
    assert len({lane(url) for url in urls}) == 1


def test_each_endpoint_has_a_lane_of_its_own():
    lanes = {
        ticket(to_endpoint(endpoint(f"we_{number}"), event(), START)).lane for number in range(50)
    }
    assert len(lanes) == 50
