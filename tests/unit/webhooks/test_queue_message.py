"""Tests of queue messages and their message groups."""

import pytest

from rushes.jobs.request import WebhookTarget
from rushes.webhooks.delivery import Delivery
from rushes.webhooks.queue_message import (
    ENDPOINT_GROUPS,
    SLOW_GROUPS,
    URL_GROUPS,
    DeliveryTask,
    is_task,
)
from tests.unit.webhooks.harness import START, endpoint, event

NUMBERS = range(10_000)
SHARE = 16
"""Of the fifty concurrent attempts: about a third."""


def group_of(delivery: Delivery, *, slow: bool = False) -> str:
    return DeliveryTask.for_delivery(delivery, slow=slow).message_group_id


def url_group(url: str, account: str = "one", *, slow: bool = False) -> str:
    delivery = Delivery.for_url(WebhookTarget(url=url), account, event(), START)
    return group_of(delivery, slow=slow)


def endpoint_group(endpoint_id: str, account: str = "one", *, slow: bool = False) -> str:
    delivery = Delivery.for_endpoint(endpoint(endpoint_id, account=account), event(), START)
    return group_of(delivery, slow=slow)


def all_groups(account: str) -> set[str]:
    """Return the message groups of any number of endpoints and URLs, fast and slow."""
    return {
        group
        for number in NUMBERS
        for slow in (False, True)
        for group in (
            url_group(f"https://h{number}.example/{number}", account, slow=slow),
            endpoint_group(f"we_{number}", account, slow=slow),
        )
    }


def test_message_groups_of_an_account_are_a_third_of_the_concurrent_attempts():
    assert ENDPOINT_GROUPS + URL_GROUPS + SLOW_GROUPS == SHARE
    groups = all_groups("one")
    assert len(groups) == SHARE
    assert not groups & all_groups("two")


def test_message_group_names_of_accounts_do_not_collide():
    """The name of an account may look like a part of the hashed text."""
    accounts = ("one", "1 one", "slow 1 one", "one 1", "endpoint 1")
    groups = [
        group
        for account in accounts
        for group in {
            *(url_group(f"https://h{number}.example/", account) for number in range(50)),
            *(endpoint_group(f"we_{number}", account, slow=True) for number in range(50)),
        }
    ]
    assert len(groups) == len(set(groups)) == len(accounts) * (URL_GROUPS + SLOW_GROUPS)


def test_message_group_of_an_endpoint_does_not_depend_on_the_event():
    first, second = (
        Delivery.for_endpoint(endpoint(), event(job_id=f"job_{number}"), START)
        for number in range(2)
    )
    assert group_of(first) == group_of(second)
    assert group_of(first, slow=True) == group_of(second, slow=True) != group_of(first)


def test_message_group_is_the_same_for_all_urls_of_a_host():
    urls = ["https://h.example/a", "https://h.example:443/b?c=1", "https://H.example/"]
    assert len({url_group(url) for url in urls}) == 1
    assert len({url_group(url, slow=True) for url in urls}) == 1


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
