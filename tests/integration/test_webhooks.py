"""Tests of webhooks on the emulator's table and queues; the fakes pass the same cases."""

import json
import secrets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest

from functions.deliver import app as deliver
from functions.notify import app as notify
from local.stack import Stack
from rushes.aws.dynamodb.webhooks import DeliveryTable, EndpointTable
from rushes.aws.sqs import WebhookQueues
from rushes.errors import AwsUnavailable, CorruptRecord, NotFound, WriteConflict
from rushes.webhooks.delivery import Delivery, DeliveryStatus
from rushes.webhooks.endpoint import MAX_ENDPOINTS
from rushes.webhooks.ports import DeliveryRepository, EndpointRepository
from rushes.webhooks.queue_message import DeliveryTask
from rushes.wiring import aws as aws_wiring
from tests.lambda_context import InvocationContext
from tests.raw_http import RawServer, reply
from tests.stack import REGION
from tests.unit.webhooks.fakes import FakeDeliveries, FakeEndpoints, signing_secrets
from tests.unit.webhooks.harness import START, endpoint, event
from tests.waiting import wait_for
from tests.wiring_caches import clear_wiring

BOTH = ["fake", "real"]
Urls = dict[str, str]
Clients = Callable[[str], Any]
CASES = [
    path
    for name in ("notify", "deliver")
    for path in sorted((Path(__file__).parents[2] / "events/invoke" / name).glob("*.json"))
]


@pytest.fixture
def account() -> str:
    """Return an account that no other test uses."""
    return secrets.token_hex(6)


@pytest.fixture(params=BOTH)
def endpoints(request: pytest.FixtureRequest) -> EndpointRepository:
    if request.param == "fake":
        return FakeEndpoints()
    make: Clients = request.getfixturevalue("as_wired")
    return EndpointTable(make("dynamodb"), request.getfixturevalue("table"))


@pytest.fixture(params=BOTH)
def deliveries(request: pytest.FixtureRequest) -> DeliveryRepository:
    if request.param == "fake":
        return FakeDeliveries()
    make: Clients = request.getfixturevalue("as_wired")
    return DeliveryTable(make("dynamodb"), request.getfixturevalue("table"))


def delivery(account: str, number: int = 1, at: float = START) -> Delivery:
    happened = event(job_id=f"job_{number}", at=at)
    return Delivery.for_endpoint(endpoint(account=account), happened, at)


def test_endpoints_are_stored_changed_and_deleted(endpoints: EndpointRepository, account: str):
    first, second = endpoint("we_1", account=account), endpoint("we_2", account=account)
    for one in (second, first):
        endpoints.add(one)
    with pytest.raises(WriteConflict):
        endpoints.add(first)
    first, second = (one.model_copy(update={"number": n}) for one, n in ((first, 1), (second, 0)))
    assert endpoints.all(account) == (first, second)
    assert endpoints.all(f"{account}2") == ()
    assert endpoints.get(account, "we_1") == first
    assert endpoints.get("another", "we_1") is None
    changed = endpoints.change(account, "we_1", lambda current: current.record_failure(START))
    assert endpoints.get(account, "we_1") == changed
    assert changed.version == 1
    endpoints.delete(account, "we_1")
    assert endpoints.all(account) == (second,)
    with pytest.raises(NotFound):
        endpoints.change(account, "we_1", lambda current: current.record_success())


def test_add_refuses_more_than_the_maximum(endpoints: EndpointRepository, account: str):
    made = [endpoint(f"we_{number:03}", account=account) for number in range(MAX_ENDPOINTS)]
    assert all(endpoints.add(one) for one in made)
    assert endpoints.add(endpoint("we_more", account=account)) is False
    endpoints.delete(account, "we_000")
    assert endpoints.add(endpoint("we_more", account=account)) is True
    assert len(endpoints.all(account)) == MAX_ENDPOINTS


def test_concurrent_adds_never_exceed_the_maximum(as_wired: Clients, table: str, account: str):
    """Calls refused for conflicts are repeated; the last places are assigned once."""
    endpoints = EndpointTable(as_wired("dynamodb"), table)
    for number in range(MAX_ENDPOINTS - 3):
        endpoints.add(endpoint(f"we_{number}", account=account))

    def add(number: int) -> bool:
        while True:
            try:
                return endpoints.add(endpoint(f"we_more_{number}", account=account))
            except WriteConflict:
                continue

    with ThreadPoolExecutor(10) as pool:
        assert list(pool.map(add, range(10))).count(True) == 3
    assert len(endpoints.all(account)) == MAX_ENDPOINTS


def test_request_secrets_are_created_at_the_first_call(endpoints: EndpointRepository, account: str):
    assert endpoints.request_secrets(account) is None
    secrets = signing_secrets(endpoints)
    made = secrets.of_requests(account)
    assert endpoints.request_secrets(account) == made
    assert secrets.of_requests(account) == made
    changed = endpoints.change_request_secrets(
        account, lambda old: old.model_copy(update={"secrets": (), "version": old.version + 1})
    )
    assert endpoints.request_secrets(account) == changed
    assert secrets.of_requests(f"{account}2").secrets != made.secrets


def test_add_stores_a_delivery_once(deliveries: DeliveryRepository, account: str):
    made = delivery(account)
    assert deliveries.add(made) is True
    assert deliveries.add(delivery(account, at=START + 9)) is False
    assert deliveries.get(account, made.message_id, "we_1") == made
    assert deliveries.get("another", made.message_id, "we_1") is None
    assert deliveries.of_message(account, made.message_id) == (made,)


def test_change_is_repeated_after_a_conflict(deliveries: DeliveryRepository, account: str):
    made = delivery(account)
    deliveries.add(made)
    interfering, key = iter([True]), (account, made.message_id, "we_1")

    def change(current: Delivery) -> Delivery:
        if next(interfering, False):
            deliveries.change(*key, lambda other: other.leased(START + 1, 45.0))
        return current.queued(START + 2, START + 900)

    changed = deliveries.change(*key, change)
    times = changed.lease_until, changed.queued_until
    assert (times, changed.version) == ((START + 46, START + 900), 2)


def test_page_returns_deliveries_newest_first(deliveries: DeliveryRepository, account: str):
    made = [delivery(account, number, START + number) for number in range(5)]
    for one in made:
        deliveries.add(one)
    first = deliveries.page(account, "we_1", 2, None)
    rest = deliveries.page(account, "we_1", 3, first.deliveries[-1].cursor)
    assert [*first.deliveries, *rest.deliveries] == made[::-1]
    assert (first.has_more, rest.has_more) == (True, False)
    assert deliveries.page(account, "we_2", 5, None).deliveries == ()


def test_due_returns_deliveries_until_they_are_terminal(
    deliveries: DeliveryRepository, account: str
):
    """The times are older than those of other tests, which share the table."""
    made = [delivery(account, number, number + 1.0) for number in range(3)]
    for one in made:
        deliveries.add(one)

    def due(now: float, limit: int = 50) -> list[str]:
        return [one.message_id for one in deliveries.due(now, limit) if one.account == account]

    assert due(60.9) == []
    assert due(62.5) == [made[0].message_id, made[1].message_id]
    assert due(63.5, 1) == [made[0].message_id]
    for one in made:
        deliveries.change(account, one.message_id, "we_1", lambda current: current.cancelled(64.0))
    assert due(1e9) == []


def test_corrupt_item_does_not_hide_the_others(as_wired: Clients, table: str, account: str):
    """An item was edited by hand; lists and `due` skip it."""
    dynamodb = as_wired("dynamodb")
    endpoints, deliveries = EndpointTable(dynamodb, table), DeliveryTable(dynamodb, table)
    made = [endpoint(name, account=account) for name in ("we_1", "we_2", "we_3")]
    for one in made:
        endpoints.add(one)
    stored = [delivery(account, number, number + 1.0) for number in range(3)]
    for row in stored:
        deliveries.add(row)

    def corrupt(family: str, name: str, sort: str) -> None:
        dynamodb.update_item(
            TableName=table,
            Key={"pk": {"S": f"{family}#{name}"}, "sk": {"S": sort}},
            UpdateExpression="SET document = :invalid",
            ExpressionAttributeValues={":invalid": {"S": "{"}},
        )

    corrupt("ENDPOINTS", account, "we_2")
    corrupt("DELIVERY", f"{account}#{stored[1].message_id}", "we_1")
    assert [one.id for one in endpoints.all(account)] == ["we_1", "we_3"]
    page = deliveries.page(account, "we_1", 10, None)
    assert page.deliveries == (stored[2], stored[0])
    due = [one for one in deliveries.due(64.0, 50) if one.account == account]
    assert due == [stored[0], stored[2]]
    with pytest.raises(CorruptRecord):
        endpoints.get(account, "we_2")
    for row in stored:
        dynamodb.delete_item(
            TableName=table,
            Key={"pk": {"S": f"DELIVERY#{account}#{row.message_id}"}, "sk": {"S": row.receiver}},
        )


@pytest.fixture
def queues(as_wired: Clients) -> Iterator[Urls]:
    sqs = as_wired("sqs")
    name = secrets.token_hex(4)
    fifo = {"FifoQueue": "true", "DeduplicationScope": "messageGroup"}
    fifo["FifoThroughputLimit"] = "perMessageGroupId"
    made = {
        "deliveries": sqs.create_queue(QueueName=f"{name}.fifo", Attributes=fifo)["QueueUrl"],
        "events": sqs.create_queue(QueueName=name)["QueueUrl"],
    }
    yield made
    for url in made.values():
        sqs.delete_queue(QueueUrl=url)


def receive(sqs: Any, url: str) -> list[dict[str, Any]]:
    """Receive and delete all available messages, and return their bodies."""
    found: list[dict[str, Any]] = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            found.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


def test_put_queues_a_task_once_per_version(as_wired: Clients, queues: Urls):
    sqs = as_wired("sqs")
    queue = WebhookQueues(sqs, **queues)
    tasks = [DeliveryTask.for_delivery(delivery("one", number)) for number in range(25)]
    assert queue.put(tasks) == []
    assert queue.put(tasks) == []
    later = DeliveryTask.for_delivery(delivery("one").leased(START, 45.0))
    assert queue.put([later]) == []
    bodies = receive(sqs, queues["deliveries"])
    assert len(bodies) == 26
    assert [task for task in map(DeliveryTask.parse, bodies) if task.version] == [later]


def test_put_later_delays_a_task(as_wired: Clients, queues: Urls):
    sqs, task = as_wired("sqs"), DeliveryTask.for_delivery(delivery("one"))
    begun = time.monotonic()
    WebhookQueues(sqs, **queues).put_later(task, 1.0)
    assert wait_for(lambda: receive(sqs, queues["events"])) == [task.as_message()]
    assert time.monotonic() - begun > 0.9


def test_put_raises_aws_unavailable_for_a_missing_queue(as_wired: Clients):
    url = "http://127.0.0.1/000000000000/nothing"
    queue = WebhookQueues(as_wired("sqs"), deliveries=f"{url}.fifo", events=url)
    with pytest.raises(AwsUnavailable):
        queue.put([DeliveryTask.for_delivery(delivery("one"))])


@pytest.fixture
def environment(
    stack: Stack, table: str, queues: Urls, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    variables = {
        "TABLE_NAME": table,
        "BUCKET_NAME": stack.outputs["BucketName"],
        "PROVIDER_SECRETS": stack.outputs["ProviderSecrets"],
        "OUTPUT_DAYS": "30",
        "OUTPUT_BYTES": "1000",
        "LOCAL_MODE": "true",
        "BUS_NAME": stack.outputs["BusName"],
        "DELIVERIES_QUEUE_URL": queues["deliveries"],
        "EVENTS_QUEUE_URL": queues["events"],
        "AWS_REGION": REGION,
        **{name: value for name, value in stack.environment().items() if name.startswith("AWS_")},
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(aws_wiring, "SESSION", boto3.session.Session())
    clear_wiring()
    yield
    clear_wiring()


def run(function: ModuleType, *bodies: dict[str, Any]) -> list[str]:
    """Return the ids of the messages that SQS is to redeliver."""
    record = {"eventSource": "aws:sqs", "awsRegion": REGION, "attributes": {}}
    records = [
        {**record, "messageId": str(index), "body": json.dumps(body)}
        for index, body in enumerate(bodies)
    ]
    answer = function.lambda_handler({"Records": records}, InvocationContext())
    return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]


@pytest.fixture
def happened(as_wired: Clients, table: str, server: RawServer, account: str) -> Any:
    """Create an endpoint at the server and return an event for it."""
    subscriber = endpoint(account=account, url=f"{server.url}/in")
    EndpointTable(as_wired("dynamodb"), table).add(subscriber)
    made = event()
    made["data"]["account"] = account
    return made


@pytest.mark.usefixtures("environment")
def test_repeated_event_is_posted_once(
    as_wired: Clients, table: str, queues: Urls, server: RawServer, account: str, happened: Any
):
    server.answers["/in"] = reply(b"thanks")
    assert run(notify, happened, {"invalid": True}, happened) == ["1"]
    [message] = receive(as_wired("sqs"), queues["deliveries"])
    assert run(deliver, message, message) == []
    assert run(notify, happened) == []
    [received] = server.received
    assert json.loads(received.body) == happened
    assert received.headers["webhook-id"] == happened["id"]
    stored = DeliveryTable(as_wired("dynamodb"), table).get(account, happened["id"], "we_1")
    assert stored is not None
    assert stored.status is DeliveryStatus.DELIVERED


@pytest.mark.parametrize("case", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
@pytest.mark.usefixtures("environment")
def test_function_handles_each_example_event(case: Path):
    function = {"notify": notify, "deliver": deliver}[case.parent.name]
    answer = function.lambda_handler(json.loads(case.read_text()), InvocationContext())
    assert answer == {"batchItemFailures": []}


@pytest.mark.usefixtures("environment")
def test_failed_attempt_is_retried_through_the_events_queue(
    as_wired: Clients, table: str, queues: Urls, server: RawServer, account: str, happened: Any
):
    server.answers["/in"] = reply(status="500 Oh")
    sqs = as_wired("sqs")
    run(notify, happened)
    run(deliver, *receive(sqs, queues["deliveries"]))
    delayed = wait_for(lambda: receive(sqs, queues["events"]))
    assert run(notify, *delayed) == []
    server.answers["/in"] = reply()
    assert run(deliver, *receive(sqs, queues["deliveries"])) == []
    stored = DeliveryTable(as_wired("dynamodb"), table).get(account, happened["id"], "we_1")
    assert stored is not None
    assert [attempt.status_code for attempt in stored.attempts] == [500, 200]
