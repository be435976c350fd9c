"""What looks after due deliveries in no queue: their time was far, or whoever had them died."""

from dataclasses import dataclass

from aws_lambda_powertools import Logger

from rushes.errors import RushesError
from rushes.ports import Clock
from rushes.webhooks.delivery import Delivery
from rushes.webhooks.ports import Deliveries, Queue
from rushes.webhooks.tickets import ticket

BATCH = 500
TRUSTED_SECONDS = 900.0
"""A hanging receiver has a long queue: what was put there by hand is left there for a while."""

logger = Logger(service="rushes", child=True)


@dataclass(frozen=True)
class Overdue:
    deliveries: Deliveries
    queue: Queue
    clock: Clock

    def sweep(self) -> int:
        """How many were queued. Any number of these may run at once."""
        due = self.deliveries.due(self.clock(), BATCH)
        refused = set(self.queue.put([ticket(delivery) for delivery in due]))
        queued = [delivery for index, delivery in enumerate(due) if index not in refused]
        for delivery in queued:
            self._trust(delivery)
        return len(queued)

    def _trust(self, seen: Delivery) -> None:
        def change(delivery: Delivery) -> Delivery:
            if delivery.version != seen.version:
                return delivery
            now = self.clock()
            return delivery.queued(now, now + TRUSTED_SECONDS)

        try:
            self.deliveries.change(seen.account, seen.message_id, seen.receiver, change)
        except RushesError as error:  # then it is queued twice, and delivered once
            logger.warning("queued, not noted", delivery=seen.id, reason=error.message)
