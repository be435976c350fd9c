"""Webhooks on the real table and queues: the cases of the fakes, and the two functions in a row."""

import json
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import pytest

from functions.deliver import app as deliver
from functions.notify import app as notify
from local.stack import Stack
from rushes import wiring
from rushes.aws.dynamodb.webhooks import DeliveryTable, EndpointTable
from rushes.aws.sqs import WebhookQueues
from rushes.errors import AwsUnavailable, CorruptRecord, NotFound, WriteConflict
from rushes.webhooks.delivery import Delivery, DeliveryStatus
from rushes.webhooks.new_delivery import to_endpoint
from rushes.webhooks.ports import Deliveries, Endpoints, Ticket
from rushes.webhooks.queue_message import ticket
from tests.integration.test_handlers import Context, forget
from tests.raw_http import RawServer, reply, serving
from tests.stack import REGION
from tests.unit.webhooks.fakes import FakeDeliveries, FakeEndpoints
from tests.unit.webhooks.harness import START, endpoint, event

BOTH = ["fake", "real"]
Clients = Callable[[str], Any]
CASES = [
    path
    for name in ("notify", "deliver")
    for path in sorted((Path(__file__).parents[2] / "events/invoke" / name).glob("*.json"))
]


@pytest.fixture
def account() -> str:
    """One that no other test has."""
    return secrets.token_hex(6)


@pytest.fixture(params=BOTH)
def endpoints(request: pytest.FixtureRequest) -> Endpoints:
    if request.param == "fake":
        return FakeEndpoints()
    make: Clients = request.getfixturevalue("as_wired")
    return EndpointTable(make("dynamodb"), request.getfixturevalue("table"))


@pytest.fixture(params=BOTH)
def deliveries(request: pytest.FixtureRequest) -> Deliveries:
    if request.param == "fake":
        return FakeDeliveries()
    make: Clients = request.getfixturevalue("as_wired")
    return DeliveryTable(make("dynamodb"), request.getfixturevalue("table"))


def delivery(account: str, number: int = 1, at: float = START) -> Delivery:
    happened = event(job_id=f"job_{number}", at=at)
    return to_endpoint(endpoint(account=account), happened, at)


def test_endpoints_are_kept_changed_and_deleted(endpoints: Endpoints, account: str):
    first, second = endpoint("we_1", account=account), endpoint("we_2", account=account)
    for it in (second, first):
        endpoints.add(it)
    with pytest.raises(WriteConflict):
        endpoints.add(first)
    assert endpoints.all(account) == (first, second)
    assert endpoints.all(f"{account}2") == ()
    assert endpoints.get(account, "we_1") == first
    assert endpoints.get("another", "we_1") is None
    changed = endpoints.change(account, "we_1", lambda it: it.failing(START))
    assert endpoints.get(account, "we_1") == changed
    assert changed.version == 1
    endpoints.delete(account, "we_1")
    assert endpoints.all(account) == (second,)
    with pytest.raises(NotFound):
        endpoints.change(account, "we_1", lambda it: it.well())


def test_an_account_has_secrets_of_its_own_once_they_are_asked_for(
    endpoints: Endpoints, account: str
):
    made = endpoints.request_secrets(account)
    assert endpoints.request_secrets(account) == made
    changed = endpoints.change_request_secrets(
        account, lambda it: it.model_copy(update={"secrets": (), "version": it.version + 1})
    )
    assert endpoints.request_secrets(account) == changed
    assert endpoints.request_secrets(f"{account}2").secrets != made.secrets


def test_a_delivery_is_made_once(deliveries: Deliveries, account: str):
    made = delivery(account)
    assert deliveries.add(made) is True
    assert deliveries.add(delivery(account, at=START + 9)) is False
    assert deliveries.get(account, made.message_id, "we_1") == made
    assert deliveries.get("another", made.message_id, "we_1") is None
    assert deliveries.of_message(account, made.message_id) == (made,)


def test_who_was_slower_decides_again(deliveries: Deliveries, account: str):
    made = delivery(account)
    deliveries.add(made)
    interfering = iter([True])

    def change(current: Delivery) -> Delivery:
        if next(interfering, False):
            deliveries.change(
                account, made.message_id, "we_1", lambda it: it.leased(START + 1, 45.0)
            )
        return current.queued(START + 2, START + 900)

    changed = deliveries.change(account, made.message_id, "we_1", change)
    assert (changed.lease_until, changed.queued_until, changed.version) == (
        START + 46,
        START + 900,
        2,
    )


def test_an_endpoints_deliveries_are_listed_newest_first(deliveries: Deliveries, account: str):
    made = [delivery(account, number, START + number) for number in range(5)]
    for it in made:
        deliveries.add(it)
    first = deliveries.page(account, "we_1", 2, None)
    rest = deliveries.page(account, "we_1", 3, first.deliveries[-1].cursor)
    assert [*first.deliveries, *rest.deliveries] == made[::-1]
    assert (first.has_more, rest.has_more) == (True, False)
    assert deliveries.page(account, "we_2", 5, None).deliveries == ()


def test_what_is_due_is_found_until_it_has_ended(deliveries: Deliveries, account: str):
    """Long ago, and before all others: this test shares its table with many."""
    made = [delivery(account, number, number + 1.0) for number in range(3)]
    for it in made:
        deliveries.add(it)

    def due(now: float, limit: int = 50) -> list[str]:
        return [it.message_id for it in deliveries.due(now, limit) if it.account == account]

    assert due(60.9) == []
    assert due(62.5) == [made[0].message_id, made[1].message_id]
    assert due(63.5, 1) == [made[0].message_id]
    for it in made:
        deliveries.change(account, it.message_id, "we_1", lambda it: it.cancelled(64.0))
    assert due(1e9) == []


def test_a_damaged_row_does_not_stop_the_others(as_wired: Clients, table: str, account: str):
    """Somebody edited it by hand; it is in every list, and in what is due."""
    dynamodb = as_wired("dynamodb")
    endpoints, deliveries = EndpointTable(dynamodb, table), DeliveryTable(dynamodb, table)
    made = [endpoint(name, account=account) for name in ("we_1", "we_2", "we_3")]
    for it in made:
        endpoints.add(it)
    told = [delivery(account, number, number + 1.0) for number in range(3)]
    for row in told:
        deliveries.add(row)

    def damage(family: str, name: str, sort: str) -> None:
        dynamodb.update_item(
            TableName=table,
            Key={"pk": {"S": f"{family}#{name}"}, "sk": {"S": sort}},
            UpdateExpression="SET document = :nonsense",
            ExpressionAttributeValues={":nonsense": {"S": "{"}},
        )

    damage("ENDPOINTS", account, "we_2")
    damage("DELIVERY", f"{account}#{told[1].message_id}", "we_1")
    assert endpoints.all(account) == (made[0], made[2])
    page = deliveries.page(account, "we_1", 10, None)
    assert page.deliveries == (told[2], told[0])
    due = [it for it in deliveries.due(64.0, 50) if it.account == account]
    assert due == [told[0], told[2]]
    with pytest.raises(CorruptRecord):
        endpoints.get(account, "we_2")
    for row in told:
        dynamodb.delete_item(
            TableName=table,
            Key={
                "pk": {"S": f"DELIVERY#{account}#{row.message_id}"},
                "sk": {"S": row.receiver},
            },
        )


@pytest.fixture
def queues(as_wired: Clients) -> Iterator[dict[str, str]]:
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


def taken(sqs: Any, url: str) -> list[dict[str, Any]]:
    """All bodies that can be taken at once, as a function's records would have them."""
    found: list[dict[str, Any]] = []
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            found.append(json.loads(message["Body"]))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return found


def test_tickets_are_taken_once_for_each_version(as_wired: Clients, queues: dict[str, str]):
    sqs = as_wired("sqs")
    queue = WebhookQueues(sqs, **queues)
    made = [ticket(delivery("one", number)) for number in range(25)]
    assert queue.put(made) == []
    assert queue.put(made) == []
    later = ticket(delivery("one").leased(START, 45.0))
    assert queue.put([later]) == []
    bodies = taken(sqs, queues["deliveries"])
    assert len(bodies) == 26
    assert [Ticket(**it["ticket"]) for it in bodies if it["ticket"]["version"]] == [later]


def test_a_ticket_can_be_kept_back(as_wired: Clients, queues: dict[str, str]):
    sqs = as_wired("sqs")
    WebhookQueues(sqs, **queues).put_later(ticket(delivery("one")), 0.4)
    assert taken(sqs, queues["events"]) == []
    time.sleep(1.2)
    assert taken(sqs, queues["events"]) == [{"ticket": vars(ticket(delivery("one")))}]


def test_a_queue_that_is_not_there_is_unavailable(as_wired: Clients):
    url = "http://127.0.0.1/000000000000/nothing"
    queue = WebhookQueues(as_wired("sqs"), deliveries=f"{url}.fifo", events=url)
    with pytest.raises(AwsUnavailable):
        queue.put([ticket(delivery("one"))])


@pytest.fixture
def server() -> Iterator[RawServer]:
    with serving() as it:
        yield it


@pytest.fixture
def environment(
    stack: Stack, table: str, queues: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    variables = {
        "TABLE_NAME": table,
        "BUCKET_NAME": stack.outputs["BucketName"],
        "PROVIDER_SECRET_ARN": stack.outputs["ProviderSecretArn"],
        "OUTPUT_DAYS": "30",
        "OUTPUT_BYTES": "1000",
        "LOCAL_MODE": "true",
        "BUS_NAME": stack.outputs["BusName"],
        "DELIVERIES_QUEUE_URL": queues["deliveries"],
        "EVENTS_QUEUE_URL": queues["events"],
        "AWS_REGION": REGION,
        **{name: it for name, it in stack.environment().items() if name.startswith("AWS_")},
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(wiring, "ONE_SESSION", boto3.session.Session())
    forget()
    yield
    forget()


def run(function: ModuleType, *bodies: dict[str, Any]) -> list[str]:
    """Which of the messages shall come again."""
    record = {"eventSource": "aws:sqs", "awsRegion": REGION, "attributes": {}}
    records = [
        {**record, "messageId": str(index), "body": json.dumps(body)}
        for index, body in enumerate(bodies)
    ]
    answer = function.lambda_handler({"Records": records}, Context())
    return [it["itemIdentifier"] for it in answer["batchItemFailures"]]


@pytest.mark.usefixtures("environment")
def test_an_event_is_heard_of_once_however_often_it_comes(
    as_wired: Clients, table: str, queues: dict[str, str], server: RawServer, account: str
):
    server.answers["/in"] = reply(b"thanks")
    sqs, dynamodb = as_wired("sqs"), as_wired("dynamodb")
    EndpointTable(dynamodb, table).add(endpoint(account=account, url=f"{server.url}/in"))
    happened = event()
    happened["data"]["account"] = account
    assert run(notify, happened, {"nonsense": True}, happened) == ["1"]
    [message] = taken(sqs, queues["deliveries"])
    assert run(deliver, message, message) == []
    assert run(notify, happened) == []
    [received] = server.received
    assert json.loads(received.body) == happened
    assert received.headers["webhook-id"] == happened["id"]
    kept = DeliveryTable(dynamodb, table).get(account, happened["id"], "we_1")
    assert kept is not None
    assert kept.status is DeliveryStatus.DELIVERED


@pytest.mark.parametrize("case", CASES, ids=lambda it: f"{it.parent.name}/{it.stem}")
@pytest.mark.usefixtures("environment")
def test_a_function_answers_each_case_that_it_may_be_invoked_with(case: Path):
    function = {"notify": notify, "deliver": deliver}[case.parent.name]
    answer = function.lambda_handler(json.loads(case.read_text()), Context())
    assert answer == {"batchItemFailures": []}


@pytest.mark.usefixtures("environment")
def test_what_failed_comes_again_by_way_of_the_events_queue(
    as_wired: Clients, table: str, queues: dict[str, str], server: RawServer, account: str
):
    server.answers["/in"] = reply(status="500 Oh")
    sqs, dynamodb = as_wired("sqs"), as_wired("dynamodb")
    EndpointTable(dynamodb, table).add(endpoint(account=account, url=f"{server.url}/in"))
    happened = event()
    happened["data"]["account"] = account
    run(notify, happened)
    run(deliver, *taken(sqs, queues["deliveries"]))
    time.sleep(7)
    kept_back = taken(sqs, queues["events"])
    assert run(notify, *kept_back) == []
    server.answers["/in"] = reply()
    assert run(deliver, *taken(sqs, queues["deliveries"])) == []
    kept = DeliveryTable(dynamodb, table).get(account, happened["id"], "we_1")
    assert kept is not None
    assert [it.status_code for it in kept.attempts] == [500, 200]
