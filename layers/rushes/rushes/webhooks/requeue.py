"""Queue due deliveries that are in no queue: after a long delay, or after a function crashed."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from rushes.errors import RushesError
from rushes.ports import Clock
from rushes.webhooks.delivery import Delivery
from rushes.webhooks.log_events import DELIVERY_NOT_MARKED
from rushes.webhooks.ports import DeliveryRepository, Queue
from rushes.webhooks.queue_message import DeliveryTask

BATCH = 500
REQUEUE_SECONDS = 900.0
"""Seconds until a delivery is queued again, doubled each time: a slow receiver's message group
takes long to empty."""
MAX_DOUBLINGS = 4
PAUSED_BATCH = 20
"""Paused deliveries queued at once per endpoint; one of them shows whether it responds again."""
SWEEP_SECONDS = 60.0
"""Interval of the sweeper."""

Step = Callable[[Delivery, float, float], Delivery]
logger = Logger(service="rushes", child=True)


@dataclass(frozen=True)
class DeliverySweeper:
    deliveries: DeliveryRepository
    queue: Queue
    clock: Clock

    def sweep(self) -> int:
        """Queue due deliveries and return their number. Concurrent sweeps are safe."""
        due = self.deliveries.due(self.clock(), BATCH)
        rounds = list(zip(due, _rounds(due), strict=True))
        for delivery, number in rounds:
            if number:
                self._mark(delivery, Delivery.deferred, number * SWEEP_SECONDS)
        ready = [delivery for delivery, number in rounds if not number]
        tasks = [DeliveryTask.for_delivery(delivery) for delivery in ready]
        rejected = set(self.queue.put(tasks))
        queued = [delivery for index, delivery in enumerate(ready) if index not in rejected]
        for delivery in queued:
            seconds = REQUEUE_SECONDS * 2 ** min(delivery.requeues, MAX_DOUBLINGS)
            self._mark(delivery, Delivery.queued, seconds)
        return len(queued)

    def _mark(self, seen: Delivery, change: Step, seconds: float) -> None:
        """Apply `change` for this time, unless the delivery has changed since it was read."""
        now = self.clock()

        def unless_changed(delivery: Delivery) -> Delivery:
            is_same = delivery.version == seen.version
            return change(delivery, now, now + seconds) if is_same else delivery

        try:
            self.deliveries.change(seen.account, seen.message_id, seen.receiver, unless_changed)
        except RushesError as error:  # harmless: it is queued twice and delivered once
            logger.warning(DELIVERY_NOT_MARKED, delivery=seen.id, reason=error.message)


def _rounds(due: Sequence[Delivery]) -> list[int]:
    """Assign each delivery to a sweep, 0 being this one: paused ones go in batches per endpoint."""
    seen: Counter[tuple[str, str]] = Counter()
    rounds = []
    for delivery in due:
        receiver = (delivery.account, delivery.receiver)
        rounds.append(seen[receiver] // PAUSED_BATCH if delivery.is_paused else 0)
        seen[receiver] += delivery.is_paused
    return rounds
