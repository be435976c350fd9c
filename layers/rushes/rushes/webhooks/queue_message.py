"""A delivery's place in a queue."""

import hashlib
import zlib
from urllib.parse import urlsplit

from rushes.webhooks.delivery import Delivery
from rushes.webhooks.ports import Ticket

TARGET_LANES = 8
"""An account's, for all addresses that its requests name."""


def ticket(delivery: Delivery) -> Ticket:
    return Ticket(
        account=delivery.account,
        message_id=delivery.message_id,
        receiver=delivery.receiver,
        lane=_lane(delivery),
        version=delivery.version,
    )


def _lane(delivery: Delivery) -> str:
    """An endpoint is one; the addresses that requests name have a few, told apart by their hosts.

    An account can name as many hosts as it likes: it must not fill all lanes that there are.
    """
    if delivery.target is None:
        return delivery.receiver
    host = urlsplit(delivery.target.url).hostname or ""
    number = zlib.crc32(host.encode()) % TARGET_LANES
    return hashlib.sha256(f"{delivery.account} {number}".encode()).hexdigest()
