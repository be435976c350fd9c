"""Events for the real notify function, and receivers' responses for the real deliver function.

The HTTP client is real; tables and queues are in memory.
"""

import json
from collections.abc import Callable
from typing import Any

from functions.deliver.app import lambda_handler as deliver
from functions.notify.app import lambda_handler as notify
from rushes.http.client import SafeHttpClient
from rushes.webhooks.queue_message import DeliveryTask
from rushes.wiring import webhooks
from rushes.wiring.aws import client, s3_config
from tests.fakes import FakeBlobs
from tests.lambda_context import InvocationContext
from tests.security.memory.meter import KILOBYTE, Bomb, Bombs, Run
from tests.unit.webhooks.harness import EVENT_ID, Harness, endpoint, event

MAX_MESSAGE = 256 * KILOBYTE
ENDPOINTS = 100
CONTEXT: Any = InvocationContext("deliver")
CLIENTS: list[Any] = []
"""A function has its clients in memory."""


def _record(body: str) -> dict[str, Any]:
    return {
        "messageId": "1",
        "receiptHandle": "1",
        "body": body,
        "attributes": {},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-central-1:000000000000:events",
        "awsRegion": "eu-central-1",
    }


def _create_clients() -> None:
    CLIENTS.extend(client(name) for name in ("dynamodb", "sqs", "events"))
    CLIENTS.append(client("s3", s3_config(local_mode=True)))


def notify_bombs(_url: str) -> Bombs:
    _create_clients()

    def bomb(extra: Callable[[], str], outcome: str, records: int = 1) -> Bomb:
        def prepare() -> Run:
            harness = Harness()
            for number in range(ENDPOINTS):
                harness.endpoints.add(endpoint(f"we_{number}"))
            webhooks.fanout = lambda: harness.fanout  # type: ignore[assignment]
            body = json.dumps(event())[:-1] + f', "extra": {extra()}}}'
            given = {"Records": [_record(body) for _ in range(records)]}

            def run() -> str:
                failed = notify(given, CONTEXT)["batchItemFailures"]
                return f"failed {len(failed)}, created {len(harness.deliveries.all())}"

            return run

        return Bomb(prepare, outcome)

    def fill(piece: str) -> str:
        return piece * (MAX_MESSAGE // len(piece))

    created = f"failed 0, created {ENDPOINTS}"
    return {
        "text": bomb(lambda: json.dumps(fill("x")), created),
        "ten messages": bomb(lambda: json.dumps(fill("x")), created, records=10),
        "lists": bomb(lambda: f"[{fill('[],')}0]", created),
        "depth": bomb(lambda: fill("["), "failed 1, created 0"),
        "digits": bomb(lambda: fill("9"), "failed 1, created 0"),
    }


def deliver_bombs(url: str) -> Bombs:
    _create_clients()

    def bomb(answer: str, outcome: str, size: int = 0) -> Bomb:
        def prepare() -> Run:
            harness = Harness(SafeHttpClient(FakeBlobs(), local_mode=True))
            harness.endpoints.add(endpoint(url=f"{url}/{answer}"))
            harness.fanout.run({**event(), "extra": "x" * size})
            webhooks.deliver = lambda: harness.deliver  # type: ignore[assignment]
            task = DeliveryTask.for_delivery(harness.delivery())
            given = {"Records": [_record(json.dumps(task.as_message()))]}

            def run() -> str:
                failed = deliver(given, CONTEXT)["batchItemFailures"]
                attempt = harness.delivery(EVENT_ID).attempts[-1]
                size = len(attempt.response_excerpt)
                return f"failed {len(failed)}: {attempt.status_code} {attempt.error} {size}"

            return run

        return Bomb(prepare, outcome)

    return {
        "endless response": bomb("endless", "failed 0: 200 None 1024"),
        "endless chunks": bomb("endless-chunks", "failed 0: 200 None 1024"),
        "gzip": bomb("gzip", "failed 0: 200 None"),
        "gzip, twice": bomb("gzip-twice", "failed 0: 200 None"),
        "empty deflate blocks": bomb("empty-blocks", "failed 0: 200 None"),
        "endless header": bomb("long-header", "failed 0: None broken"),
        "10,000 headers": bomb("many-headers", "failed 0: 200 None"),
        "24,000 equal headers": bomb("same-header", "failed 0: 200 None"),
        "large event": bomb("ok", "failed 0: 200 None", size=MAX_MESSAGE),
    }
