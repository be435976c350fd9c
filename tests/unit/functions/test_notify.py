"""Notify function: a batch of events within the function's timeout."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from functions.notify import app
from local.packaging import read_template
from rushes.wiring import webhooks
from tests.fakes import FakeClock
from tests.lambda_context import InvocationContext
from tests.unit.webhooks.harness import Harness, endpoint, event

CONTEXT: Any = InvocationContext("notify")
TEMPLATE = read_template(Path(__file__).parents[3] / "template.yaml")
TIMEOUT = TEMPLATE["Resources"]["NotifyFunction"]["Properties"]["Timeout"]
ENDPOINTS = 100


def batch(count: int) -> dict[str, Any]:
    fixed = {"eventSource": "aws:sqs", "receiptHandle": "r", "attributes": {}}
    return {
        "Records": [
            {
                **fixed,
                "messageId": f"m{number}",
                "body": json.dumps(event(job_id=f"job_{number}")),
            }
            for number in range(count)
        ]
    }


def test_batch_of_events_with_100_receivers_ends_within_the_timeout(
    monkeypatch: pytest.MonkeyPatch,
):
    """Each write takes 85 ms. The rest of the batch is redelivered and creates the other ones."""
    harness = Harness()
    for number in range(ENDPOINTS):
        harness.endpoints.add(endpoint(f"we_{number}"))
    clock, add = FakeClock(0.0), harness.deliveries.add

    def add_slowly(delivery: Any) -> bool:
        clock.advance(0.085)
        return add(delivery)

    harness.deliveries.add = add_slowly  # type: ignore[method-assign]
    monkeypatch.setattr(webhooks, "fanout", lambda: harness.fanout)
    monkeypatch.setattr(app, "time", SimpleNamespace(monotonic=clock))
    response = app.lambda_handler(batch(10), CONTEXT)
    assert clock() < TIMEOUT
    failed = [failure["itemIdentifier"] for failure in response["batchItemFailures"]]
    assert failed == ["m5", "m6", "m7", "m8", "m9"]
    assert len(harness.deliveries.all()) == 5 * ENDPOINTS == len(harness.queue.now)
    again = app.lambda_handler(batch(10), CONTEXT)
    assert len(again["batchItemFailures"]) == 5
    assert len(harness.deliveries.all()) == 5 * ENDPOINTS, "no second delivery of an event"
