"""Move the messages of the dead-letter queues back to their queues."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

DEAD_LETTERS = (
    ("EventDeadLetterQueueUrl", "EventQueueUrl"),
    ("DeliveryDeadLetterQueueUrl", "DeliveryQueueUrl"),
)
"""Outputs of the stack."""
WAIT_SECONDS = 3
"""Long polling reads all hosts of the queue."""


@dataclass(frozen=True)
class Moved:
    queue: str
    messages: int


def redrive(sqs: Any, outputs: Mapping[str, str]) -> list[Moved]:  # noqa: ANN401 - as Target.client
    """Move all messages. One that is interrupted stays in its dead-letter queue, or is in both."""
    return [
        Moved(outputs[alive], _move(sqs, outputs[dead], outputs[alive]))
        for dead, alive in DEAD_LETTERS
    ]


def _move(sqs: Any, source: str, target: str) -> int:  # noqa: ANN401 - as Target.client
    moved = 0
    names = ["MessageGroupId", "MessageDeduplicationId"]
    while True:
        reply = sqs.receive_message(
            QueueUrl=source,
            MaxNumberOfMessages=10,
            MessageSystemAttributeNames=names,
            WaitTimeSeconds=WAIT_SECONDS,
        )
        for message in reply.get("Messages", []):
            place = message.get("Attributes", {})
            sqs.send_message(QueueUrl=target, MessageBody=message["Body"], **place)
            sqs.delete_message(QueueUrl=source, ReceiptHandle=message["ReceiptHandle"])
            moved += 1
        if not reply.get("Messages"):
            return moved
