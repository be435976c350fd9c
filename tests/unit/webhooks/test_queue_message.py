"""Tests of queue messages and their message groups."""

import pytest

from rushes.jobs.request import WebhookTarget
from rushes.webhooks.delivery import Delivery
from rushes.webhooks.queue_message import URL_MESSAGE_GROUPS, DeliveryTask, is_task
from tests.unit.webhooks.harness import START, endpoint, event


def group_of(delivery: Delivery) -> str:
    return DeliveryTask.for_delivery(delivery).message_group_id


def url_group(url: str, account: str = "one") -> str:
    return group_of(Delivery.for_url(WebhookTarget(url=url), account, event(), START))


def test_message_group_count_of_an_account_is_limited_for_any_number_of_hosts():
    groups = {url_group(f"https://h{number}.example/") for number in range(500)}
    assert len(groups) == URL_MESSAGE_GROUPS
    others = {url_group(f"https://h{number}.example/", "two") for number in range(500)}
    assert not groups & others


def test_message_group_is_the_same_for_all_urls_of_a_host():
    urls = ["https://h.example/a", "https://h.example:443/b?c=1", "https://H.example/"]
    assert len({url_group(url) for url in urls}) == 1


def test_message_group_is_different_for_each_endpoint():
    endpoints = [endpoint(f"we_{number}") for number in range(50)]
    assert len({group_of(Delivery.for_endpoint(one, event(), START)) for one in endpoints}) == 50


def test_task_is_read_from_its_message_and_from_one_of_version_0_1_0():
    task = DeliveryTask.for_delivery(Delivery.for_endpoint(endpoint(), event(), START))
    assert is_task(task.as_message())
    assert DeliveryTask.parse(task.as_message()) == task
    ticket = vars(task) | {"lane": task.message_group_id}
    del ticket["message_group_id"]
    assert is_task({"ticket": ticket})
    assert DeliveryTask.parse({"ticket": ticket}) == task


def test_parse_refuses_a_message_without_a_task():
    assert not is_task(event())
    with pytest.raises(KeyError):
        DeliveryTask.parse(event())
