"""Receivers that fail, on the whole stack: rule, queues, both functions, and their permissions."""

import json
import secrets
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from local.stack import NAME, Stack
from rushes.aws.dynamodb.webhooks import DeliveryTable, EndpointTable
from rushes.webhooks.delivery import Delivery, DeliveryStatus
from rushes.webhooks.endpoint import Endpoint, Secret
from rushes.webhooks.signature import new_secret
from tests.raw_http import Answer, RawServer, reply, serving

Clients = Callable[[str], Any]
COLD_SECONDS = 60.0
"""Two functions start for the first time, and others use this machine as well."""


@pytest.fixture
def server() -> Iterator[RawServer]:
    with serving() as it:
        yield it


class Account:
    """One of its own, with endpoints at paths of the server."""

    def __init__(self, stack: Stack, aws: Clients, server: RawServer) -> None:
        self.name = secrets.token_hex(6)
        self.server = server
        self._bus = (aws("events"), stack.outputs["BusName"])
        self.endpoints = EndpointTable(aws("dynamodb"), stack.outputs["TableName"])
        self.deliveries = DeliveryTable(aws("dynamodb"), stack.outputs["TableName"])

    def listen(self, path: str, answer: Answer, **facts: Any) -> str:
        """An endpoint that answers so; gives its id."""
        self.server.answers[path] = answer
        now, name = time.time(), f"we_{secrets.token_hex(6)}"
        fixed = {"account": self.name, "secrets": (Secret(value=new_secret()),)}
        times = {"created_at": now, "updated_at": now}
        url = f"{self.server.url}{path}"
        self.endpoints.add(
            Endpoint.model_validate({"id": name, "url": url, **fixed, **times, **facts})
        )
        return name

    def happen(self) -> str:
        """An event on the bus; gives its id."""
        job_id = f"job_{secrets.token_hex(8)}"
        event = {
            "id": f"evt_{job_id}_completed",
            "type": "job.completed",
            "timestamp": datetime.now(UTC).isoformat(),
            "sequence": 2,
            "data": {"id": job_id, "account": self.name},
        }
        client, name = self._bus
        entry = {"Source": "rushes", "DetailType": event["type"], "Detail": json.dumps(event)}
        client.put_events(Entries=[{**entry, "EventBusName": name}])
        return str(event["id"])

    def ended(self, message_id: str, receiver: str) -> Delivery:
        deadline = time.monotonic() + COLD_SECONDS
        while True:
            found = self.deliveries.get(self.name, message_id, receiver)
            if found and found.status is not DeliveryStatus.PENDING:
                return found
            assert time.monotonic() < deadline, found
            time.sleep(0.1)

    def heard(self, path: str) -> list[dict[str, Any]]:
        return [json.loads(it.body) for it in self.server.received if it.path == path]


@pytest.fixture
def account(stack: Stack, aws: Clients, server: RawServer) -> Account:
    return Account(stack, aws, server)


def test_what_fails_at_first_comes_again_in_seconds(account: Account, server: RawServer):
    endpoint = account.listen("/in", reply(status="500 Oh"))
    message_id = account.happen()
    deadline = time.monotonic() + COLD_SECONDS
    while not server.received and time.monotonic() < deadline:
        time.sleep(0.05)
    server.answers["/in"] = reply(b"thanks")
    delivery = account.ended(message_id, endpoint)
    assert [it.status_code for it in delivery.attempts] == [500, 200]
    first, second = delivery.attempts
    assert 4 <= second.at - first.at <= 30
    assert {it.headers["webhook-id"] for it in server.received} == {message_id}


def test_gone_disables_and_the_others_hear_of_it(account: Account):
    going = account.listen("/gone", reply(status="410 Gone"))
    account.listen("/others", reply(), event_types=("endpoint.disabled",))
    delivery = account.ended(account.happen(), going)
    assert delivery.status is DeliveryStatus.FAILED
    kept = account.endpoints.get(account.name, going)
    assert kept is not None
    assert (kept.is_enabled, kept.outbox) == (False, ())
    deadline = time.monotonic() + COLD_SECONDS
    while not account.heard("/others"):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    [told] = account.heard("/others")
    assert (told["type"], told["data"]["id"]) == ("endpoint.disabled", going)
    assert len(account.heard("/gone")) == 1


def test_what_was_forgotten_is_swept_up(account: Account, stack: Stack, aws: Clients):
    """Its maker died before it was queued; the sweeper may do what it has to do for that."""
    endpoint = account.listen("/in", reply())
    message_id = account.happen()
    account.ended(message_id, endpoint)

    def forgotten(delivery: Delivery) -> Delivery:
        return delivery.resent(time.time() - 100)

    account.deliveries.change(account.name, message_id, endpoint, forgotten)
    sweep = aws("cloudformation").describe_stack_resource(
        StackName=NAME, LogicalResourceId="SweepFunction"
    )
    name = sweep["StackResourceDetail"]["PhysicalResourceId"]
    aws("lambda").invoke(FunctionName=name, Payload=json.dumps({}))
    assert account.ended(message_id, endpoint).attempts[-1].trigger == "manual"
    stack.check()
