"""Tests of SQS batches."""

import json
from typing import Any

from rushes.aws.sqs_batch import handle_each


def batch(count: int) -> dict[str, Any]:
    fixed = {"eventSource": "aws:sqs", "receiptHandle": "r", "attributes": {}}
    records = [
        {**fixed, "messageId": f"m{number}", "body": json.dumps({"number": number})}
        for number in range(count)
    ]
    return {"Records": records}


def failures(response: dict[str, Any]) -> list[str]:
    return [failure["itemIdentifier"] for failure in response["batchItemFailures"]]


def test_messages_after_the_time_limit_are_returned_to_the_queue():
    """A timeout of the function would return those that it has handled, too."""
    handled: list[int] = []
    response = handle_each(
        batch(10), lambda message: handled.append(message["number"]), lambda: len(handled) < 4
    )
    assert handled == [0, 1, 2, 3]
    assert failures(response) == ["m4", "m5", "m6", "m7", "m8", "m9"]


def test_failed_message_does_not_stop_the_others():
    handled: list[int] = []

    def handle(message: dict[str, int]) -> None:
        handled.append(message["number"] // (message["number"] != 1))

    assert failures(handle_each(batch(3), handle)) == ["m1"]
    assert handled == [0, 2]
