"""A delivery's place in a queue."""

import hashlib
from urllib.parse import urlsplit

from rushes.webhooks.delivery import Delivery
from rushes.webhooks.ports import Ticket


def ticket(delivery: Delivery) -> Ticket:
    return Ticket(
        account=delivery.account,
        message_id=delivery.message_id,
        receiver=delivery.receiver,
        lane=_lane(delivery),
        version=delivery.version,
    )


def _lane(delivery: Delivery) -> str:
    """An endpoint is one; the addresses that requests name are told apart by their hosts."""
    if delivery.target is None:
        return delivery.receiver
    host = urlsplit(delivery.target.url).netloc
    return hashlib.sha256(f"{delivery.account} {host}".encode()).hexdigest()
