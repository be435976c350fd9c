"""Queue message of a delivery."""

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from rushes.webhooks.delivery import Delivery

KEY, KEY_0_1_0 = "delivery_task", "ticket"
"""Members of the SQS body that hold the task; messages of version 0.1.0 may be in flight."""
URL_MESSAGE_GROUPS = 8
"""Message groups of an account for the webhook URLs of its create requests."""


@dataclass(frozen=True)
class DeliveryTask:
    """Request to attempt a delivery. A queue may hold it twice: the delivery's item decides."""

    account: str
    message_id: str
    receiver: str
    message_group_id: str
    """SQS delivers a group in order, so a slow receiver blocks only its own group."""
    version: int
    """Version of the delivery; SQS drops a second message with the same version."""

    @classmethod
    def for_delivery(cls, delivery: Delivery) -> Self:
        return cls(
            account=delivery.account,
            message_id=delivery.message_id,
            receiver=delivery.receiver,
            message_group_id=_message_group_id(delivery),
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


def _message_group_id(delivery: Delivery) -> str:
    """Return the endpoint's id, or a hash of account and host for a create request's URL.

    The hash has few values per account: requests may name any number of hosts, and one account
    must not use up all message groups.
    """
    if delivery.target is None:
        return delivery.receiver
    host = urlsplit(delivery.target.url).hostname or ""
    number = zlib.crc32(host.encode()) % URL_MESSAGE_GROUPS
    return hashlib.sha256(f"{delivery.account} {number}".encode()).hexdigest()
