"""SQS queues of webhooks."""

import hashlib
import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rushes.aws.errors import translate_aws_errors
from rushes.webhooks.queue_message import DeliveryTask

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

MAX_BATCH = 10


class WebhookQueues:
    """`deliveries` is a FIFO queue; `events` is a standard queue, which supports delays."""

    def __init__(self, client: "SQSClient", *, deliveries: str, events: str) -> None:
        self._client = client
        self._deliveries = deliveries
        self._events = events

    def put(self, tasks: Sequence[DeliveryTask]) -> list[int]:
        """Queue tasks and return the rejected indexes: SQS answers 200 to a partial failure."""
        rejected: list[int] = []
        for start in range(0, len(tasks), MAX_BATCH):
            batch = tasks[start : start + MAX_BATCH]
            entries: Any = [_entry(index, task) for index, task in enumerate(batch, start)]
            with translate_aws_errors():
                reply = self._client.send_message_batch(QueueUrl=self._deliveries, Entries=entries)
            rejected += [int(failure["Id"]) for failure in reply.get("Failed", [])]
        return rejected

    def put_later(self, task: DeliveryTask, seconds: float) -> None:
        body = json.dumps(task.as_message())
        with translate_aws_errors():
            self._client.send_message(
                QueueUrl=self._events, MessageBody=body, DelaySeconds=math.ceil(seconds)
            )


def deduplication_id(task: DeliveryTask) -> str:
    """SQS drops a second message of a group with the same id within five minutes."""
    name = f"{task.account} {task.message_id} {task.receiver} {task.version}"
    return hashlib.sha256(name.encode()).hexdigest()


def _entry(index: int, task: DeliveryTask) -> dict[str, str]:
    return {
        "Id": str(index),
        "MessageBody": json.dumps(task.as_message()),
        "MessageGroupId": task.message_group_id,
        "MessageDeduplicationId": deduplication_id(task),
    }
