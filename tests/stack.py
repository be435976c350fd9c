"""Fixtures of the local stack, one per test process, for integration and end-to-end tests."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from local.stack import Stack
from tests.waiting import MAX_WAIT_SECONDS, PAUSE_SECONDS

REGION = "us-east-1"
WAIT_SCALE = "0.2"
"""Factor of the state machine's waits."""
QUIET_SECONDS = 5.0
"""Wait for the absence of a message; the emulator dispatches within PutEvents."""
FINAL_EVENTS = json.dumps(
    {"source": ["rushes"], "detail-type": ["job.completed", "job.failed", "job.cancelled"]}
)


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("stack") / "state", wait_scale=WAIT_SCALE) as running:
        yield running


@pytest.fixture(scope="session")
def aws(stack: Stack) -> Callable[[str], Any]:
    """Return boto3 clients of the emulator, with the rights of the account's root user."""
    make: Any = stack.session().client
    return lambda service: make(service, endpoint_url=stack.engine_url)


@pytest.fixture
def client(stack: Stack) -> Iterator[httpx.Client]:
    """An HTTP client of the API with the key of account demo."""
    key = {"authorization": f"Bearer {stack.environment()['RUSHES_API_KEY']}"}
    with httpx.Client(base_url=stack.url, headers=key, timeout=120) as http:
        yield http


class Events:
    """Final job events that a queue on the bus received, by job and without duplicates.

    Delivery is at least once: an event with a known id replaces the earlier copy.
    """

    def __init__(self, sqs: Any, url: str) -> None:
        self._sqs = sqs
        self._url = url
        self._received: dict[str, dict[str, dict[str, Any]]] = {}
        self._sqs_ids: dict[str, set[str]] = {}

    def of(self, job_id: str, seconds: float = MAX_WAIT_SECONDS) -> list[dict[str, Any]]:
        """Wait for the job's first event, and return its distinct events."""
        deadline = time.monotonic() + seconds
        while True:
            self._receive()
            if job_id in self._received or time.monotonic() > deadline:
                return list(self._received.get(job_id, {}).values())
            time.sleep(PAUSE_SECONDS)

    def copies(self, event_id: str, seconds: float = 0.0) -> int:
        """Count published copies of the event, including those of the next `seconds`.

        A redelivery has the MessageId of its message, so it adds none.
        """
        deadline = time.monotonic() + seconds
        self._receive()
        while time.monotonic() < deadline:
            time.sleep(PAUSE_SECONDS)
            self._receive()
        return len(self._sqs_ids.get(event_id, ()))

    def _receive(self) -> None:
        while messages := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for message in messages:
                event = json.loads(message["Body"])["detail"]
                self._received.setdefault(event["data"]["id"], {})[event["id"]] = event
                self._sqs_ids.setdefault(event["id"], set()).add(message["MessageId"])
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])


@pytest.fixture(scope="session")
def events(stack: Stack, aws: Callable[[str], Any]) -> Events:
    sqs, bus = aws("sqs"), stack.outputs["BusName"]
    url = sqs.create_queue(QueueName="tests")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    rules = aws("events")
    rules.put_rule(Name="tests", EventBusName=bus, EventPattern=FINAL_EVENTS)
    target = {"Id": "queue", "Arn": arn["QueueArn"]}
    rules.put_targets(Rule="tests", EventBusName=bus, Targets=[target])
    return Events(sqs, url)
