"""Tests of failing receivers on the full stack: rule, queues, functions and permissions."""

import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from io import BufferedIOBase
from typing import Any

import pytest

from local.stack import NAME, Stack
from rushes.aws.dynamodb.webhooks import DeliveryTable, EndpointTable
from rushes.webhooks.delivery import Delivery, DeliveryStatus
from tests.raw_http import Answer, RawServer, reply
from tests.unit.webhooks.harness import endpoint, event
from tests.waiting import MAX_WAIT_SECONDS, wait_for

Clients = Callable[[str], Any]
MAX_SECONDS_WITHOUT_HANG = 4.0
"""A quarter of the timeout of a POST: a slower machine cannot show a delay."""


class Account:
    """New account with endpoints at paths of the server."""

    def __init__(self, stack: Stack, aws: Clients, server: RawServer) -> None:
        self.name = secrets.token_hex(6)
        self.server = server
        self._bus = (aws("events"), stack.outputs["BusName"])
        self.endpoints = EndpointTable(aws("dynamodb"), stack.outputs["TableName"])
        self.deliveries = DeliveryTable(aws("dynamodb"), stack.outputs["TableName"])

    def add_endpoint(self, path: str, answer: Answer, **fields: Any) -> str:
        """Create an endpoint with this answer and return its id."""
        self.server.answers[path] = answer
        now, name = time.time(), f"we_{secrets.token_hex(6)}"
        fixed = {"account": self.name, "url": f"{self.server.url}{path}"}
        self.endpoints.add(endpoint(name, created_at=now, updated_at=now, **fixed, **fields))
        return name

    def publish(self) -> str:
        """Put an event on the bus and return its id."""
        happened = event(job_id=f"job_{secrets.token_hex(8)}", at=time.time())
        happened["data"]["account"] = self.name
        client, name = self._bus
        entry = {"Source": "rushes", "DetailType": happened["type"], "Detail": json.dumps(happened)}
        client.put_events(Entries=[{**entry, "EventBusName": name}])
        return str(happened["id"])

    def wait_until_final(self, message_id: str, receiver: str) -> Delivery:
        def final() -> Delivery | None:
            found = self.deliveries.get(self.name, message_id, receiver)
            return found if found and found.status is not DeliveryStatus.PENDING else None

        delivery = wait_for(final)
        assert delivery is not None
        return delivery

    def received(self, path: str) -> list[dict[str, Any]]:
        return [json.loads(post.body) for post in self.server.received if post.path == path]


@pytest.fixture
def released() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def account(stack: Stack, aws: Clients, server: RawServer) -> Account:
    return Account(stack, aws, server)


def test_failed_attempt_is_retried_within_seconds(account: Account, server: RawServer):
    stored: list[Delivery] = []

    def fail_once(stream: BufferedIOBase) -> None:
        message_id = server.received[-1].headers["webhook-id"]
        delivery = account.deliveries.get(account.name, message_id, endpoint_id)
        assert delivery is not None
        stored.append(delivery)
        stream.write(reply(b"thanks") if delivery.attempts else reply(status="500 Oh"))

    endpoint_id = account.add_endpoint("/in", fail_once)
    message_id = account.publish()
    delivery = account.wait_until_final(message_id, endpoint_id)
    assert [attempt.status_code for attempt in delivery.attempts] == [500, 200]
    first, second = delivery.attempts
    planned = stored[-1].next_attempt_at
    assert planned is not None
    assert 4 <= planned - first.at <= 30
    assert 4 <= second.at - first.at <= MAX_WAIT_SECONDS
    assert {request.headers["webhook-id"] for request in server.received} == {message_id}


def test_410_disables_the_endpoint_and_informs_the_others(account: Account):
    going = account.add_endpoint("/gone", reply(status="410 Gone"))
    account.add_endpoint("/others", reply(), event_types=("endpoint.disabled",))
    message_id = account.publish()
    delivery = account.wait_until_final(message_id, going)
    assert delivery.status is DeliveryStatus.FAILED
    stored = account.endpoints.get(account.name, going)
    assert stored is not None
    assert (stored.is_enabled, stored.outbox) == (False, ())
    for other in wait_for(lambda: account.received("/others")):
        assert (other["type"], other["data"]["id"]) == ("endpoint.disabled", going)
    assert [attempt.status_code for attempt in delivery.attempts] == [410]
    posts = [post for post in account.server.received if post.path == "/gone"]
    assert {post.headers["webhook-id"] for post in posts} == {message_id}


def test_sweeper_queues_a_delivery_that_is_in_no_queue(
    account: Account, stack: Stack, aws: Clients
):
    """The function crashed before it queued the delivery; the sweeper has the permissions."""
    endpoint_id = account.add_endpoint("/in", reply())
    message_id = account.publish()
    account.wait_until_final(message_id, endpoint_id)
    account.deliveries.change(
        account.name, message_id, endpoint_id, lambda one: one.resent(time.time() - 100)
    )
    resource = {"StackName": NAME, "LogicalResourceId": "SweepFunction"}
    sweep = aws("cloudformation").describe_stack_resource(**resource)["StackResourceDetail"]
    aws("lambda").invoke(FunctionName=sweep["PhysicalResourceId"], Payload=json.dumps({}))
    assert account.wait_until_final(message_id, endpoint_id).attempts[-1].trigger == "manual"
    stack.check()


def test_hanging_receiver_does_not_delay_another_account(
    server: RawServer, stack: Stack, aws: Clients, released: threading.Event
):
    """A try counts if the machine is fast, and publishes before the hanging POST's timeout."""

    def hang(_: BufferedIOBase) -> None:
        released.wait()

    fast = Account(stack, aws, server)
    listening = fast.add_endpoint("/in", reply())
    fast.wait_until_final(fast.publish(), listening)  # no cold start follows

    def is_delivered_during_hang() -> bool:
        begun = time.monotonic()
        fast.wait_until_final(fast.publish(), listening)
        seconds_without_hang = time.monotonic() - begun
        slow, path = Account(stack, aws, server), f"/hangs/{secrets.token_hex(6)}"
        hanging, message_id = slow.add_endpoint(path, hang), slow.publish()
        wait_for(lambda: any(request.path == path for request in server.received))

        def is_hanging() -> bool:
            waiting = slow.deliveries.get(slow.name, message_id, hanging)
            assert waiting is not None
            return waiting.attempts == ()

        published = fast.publish()
        if seconds_without_hang > MAX_SECONDS_WITHOUT_HANG or not is_hanging():
            return False
        delivered = fast.wait_until_final(published, listening)
        assert delivered.status is DeliveryStatus.DELIVERED
        assert is_hanging()
        return True

    wait_for(is_delivered_during_hang)
