"""Queue message of a delivery."""

import hashlib
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from rushes.webhooks.delivery import Delivery

EVENT_OF_JOB = re.compile(r"evt_(job_[0-9a-f]+)_")
KEY, KEY_0_1_0 = "delivery_task", "ticket"
"""Members of the SQS body that hold the task; messages of version 0.1.0 may be in flight."""
ENDPOINT_GROUPS, URL_GROUPS, SLOW_GROUPS = 10, 4, 2
"""Message groups of an account: for its endpoints, for the webhook URLs of its create requests,
and for the slow ones of both. A group has one attempt at a time, so their sum is the number of the
fifty concurrent attempts that one account can take up."""


@dataclass(frozen=True)
class DeliveryTask:
    """Request to attempt a delivery. A queue may hold it twice: the delivery's item decides."""

    account: str
    message_id: str
    receiver: str
    message_group_id: str
    """SQS delivers a group in order, one message at a time."""
    version: int
    """Version of the delivery; SQS drops a second message with the same version."""

    @property
    def job_id(self) -> str | None:
        """None if the event is not about a job."""
        match = EVENT_OF_JOB.match(self.message_id)
        return match[1] if match else None

    @classmethod
    def for_delivery(cls, delivery: Delivery, *, slow: bool = False) -> Self:
        return cls(
            account=delivery.account,
            message_id=delivery.message_id,
            receiver=delivery.receiver,
            message_group_id=message_group_id(delivery, slow=slow),
            version=delivery.version,
        )

    @classmethod
    def parse(cls, message: Mapping[str, Any]) -> Self:
        """Read the body of a queue message; raise KeyError if it holds no task."""
        if KEY in message:
            return cls(**message[KEY])
        ticket = dict(message[KEY_0_1_0])
        return cls(message_group_id=ticket.pop("lane"), **ticket)

    def as_message(self) -> dict[str, Any]:
        return {KEY: vars(self)}


def is_task(message: Mapping[str, Any]) -> bool:
    return KEY in message or KEY_0_1_0 in message


def message_group_id(delivery: Delivery, *, slow: bool = False) -> str:
    """Return a hash of the account and the number of one of its message groups.

    An account has few numbers whatever it creates: it must not use up all concurrent attempts. All
    deliveries to an endpoint, or to a host, have the same number.
    """
    number = zlib.crc32((delivery.host or delivery.receiver).encode())
    if slow:
        name = f"slow {number % SLOW_GROUPS}"
    elif delivery.target:
        name = f"url {number % URL_GROUPS}"
    else:
        if delivery.endpoint_number is not None:
            number = delivery.endpoint_number
        name = f"endpoint {number % ENDPOINT_GROUPS}"
    return hashlib.sha256(f"{name} {delivery.account}".encode()).hexdigest()
