"""Deliveries that somebody asks for: a test, or one more attempt."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger

from rushes.errors import RushesError
from rushes.ports import Clock
from rushes.webhooks.delivery import Delivery
from rushes.webhooks.endpoint import Endpoint
from rushes.webhooks.new_delivery import as_test
from rushes.webhooks.ports import Deliveries, Queue
from rushes.webhooks.queue_message import ticket

logger = Logger(service="rushes", child=True)


@dataclass(frozen=True)
class Mailer:
    deliveries: Deliveries
    queue: Queue
    clock: Clock

    def send(self, endpoint: Endpoint, event: Mapping[str, Any]) -> Delivery:
        """An event to one endpoint, to try it with, whatever it wants to hear of."""
        delivery = as_test(endpoint, event, self.clock())
        self.deliveries.add(delivery)
        return self._queued(delivery)

    def resend(self, account: str, message_id: str, receiver: str) -> Delivery:
        """One more attempt. NotFound where there is no such delivery."""
        return self._queued(
            self.deliveries.change(
                account, message_id, receiver, lambda delivery: delivery.resent(self.clock())
            )
        )

    def _queued(self, delivery: Delivery) -> Delivery:
        """What goes wrong here costs a minute: then the sweeper finds it."""
        try:
            refused = self.queue.put([ticket(delivery)])
        except RushesError as error:
            logger.warning("not queued", delivery=delivery.id, reason=error.message)
        else:
            if refused:
                logger.warning("not queued", delivery=delivery.id, reason="the queue refused it")
        return delivery
