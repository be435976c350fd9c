"""The local stack as fixtures, for integration and end-to-end tests. One for each test process."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import httpx
import pytest

from local.stack import Stack

REGION = "us-east-1"
WAIT_SCALE = "0.2"
"""The state machine's waits are a fifth of what they are for real."""


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("stack") / "state", wait_scale=WAIT_SCALE) as running:
        yield running


@pytest.fixture(scope="session")
def aws(stack: Stack) -> Callable[[str], Any]:
    """A boto3 client for a service of the stack's engine, with its owner's rights."""
    environment = stack.environment()
    session = boto3.Session(
        environment["AWS_ACCESS_KEY_ID"],
        environment["AWS_SECRET_ACCESS_KEY"],
        region_name=REGION,
    )
    make: Any = session.client
    return lambda service: make(service, endpoint_url=environment["AWS_ENDPOINT_URL"])


@pytest.fixture
def client(stack: Stack) -> Iterator[httpx.Client]:
    """Account demo's way to the API."""
    key = {"authorization": f"Bearer {stack.environment()['RUSHES_API_KEY']}"}
    with httpx.Client(base_url=stack.url, headers=key, timeout=60) as made:
        yield made


ENDINGS = json.dumps(
    {"source": ["rushes"], "detail-type": ["job.completed", "job.failed", "job.cancelled"]}
)


class Events:
    """How jobs ended, as the bus has told a queue of ours, by job."""

    def __init__(self, sqs: Any, url: str) -> None:
        self._sqs = sqs
        self._url = url
        self._told: dict[str, list[dict[str, Any]]] = {}

    def of(self, job_id: str, seconds: float) -> list[dict[str, Any]]:
        """Those of a job, waiting so long for the first of them."""
        deadline = time.monotonic() + seconds
        while True:
            self._receive()
            if job_id in self._told or time.monotonic() > deadline:
                return self._told.get(job_id, [])
            time.sleep(0.1)

    def _receive(self) -> None:
        while messages := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for message in messages:
                event = json.loads(message["Body"])["detail"]
                self._told.setdefault(event["data"]["id"], []).append(event)
                self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])


@pytest.fixture(scope="session")
def events(stack: Stack, aws: Callable[[str], Any]) -> Events:
    sqs, bus = aws("sqs"), stack.outputs["BusName"]
    url = sqs.create_queue(QueueName="tests")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    rules = aws("events")
    rules.put_rule(Name="tests", EventBusName=bus, EventPattern=ENDINGS)
    target = {"Id": "queue", "Arn": arn["QueueArn"]}
    rules.put_targets(Rule="tests", EventBusName=bus, Targets=[target])
    return Events(sqs, url)
