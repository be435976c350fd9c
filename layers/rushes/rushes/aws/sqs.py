"""The queues of webhooks. The only user of the SQS client."""

import hashlib
import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rushes.aws.errors import translate_aws_errors
from rushes.webhooks.ports import Ticket

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

MOST = 10
"""Messages that one call may have."""


class WebhookQueues:
    """`deliveries` is a FIFO queue, in which a lane is a group; `events` can keep things back."""

    def __init__(self, client: "SQSClient", *, deliveries: str, events: str) -> None:
        self._client = client
        self._deliveries = deliveries
        self._events = events

    def put(self, tickets: Sequence[Ticket]) -> list[int]:
        """SQS answers 200 even where it has taken some of them only, or none."""
        refused: list[int] = []
        for start in range(0, len(tickets), MOST):
            part = tickets[start : start + MOST]
            entries: Any = [_entry(index, it) for index, it in enumerate(part, start)]
            with translate_aws_errors():
                reply = self._client.send_message_batch(QueueUrl=self._deliveries, Entries=entries)
            refused += [int(failure["Id"]) for failure in reply.get("Failed", [])]
        return refused

    def put_later(self, ticket: Ticket, seconds: float) -> None:
        with translate_aws_errors():
            self._client.send_message(
                QueueUrl=self._events, MessageBody=_body(ticket), DelaySeconds=math.ceil(seconds)
            )


def _body(ticket: Ticket) -> str:
    return json.dumps({"ticket": vars(ticket)})


def _entry(index: int, ticket: Ticket) -> dict[str, str]:
    """The same row at the same version is taken once within SQS's five minutes."""
    name = f"{ticket.account} {ticket.message_id} {ticket.receiver} {ticket.version}"
    return {
        "Id": str(index),
        "MessageBody": _body(ticket),
        "MessageGroupId": ticket.lane,
        "MessageDeduplicationId": hashlib.sha256(name.encode()).hexdigest(),
    }
