"""What looks after due deliveries in no queue: their time was far, or whoever had them died."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from rushes.errors import RushesError
from rushes.ports import Clock
from rushes.webhooks.delivery import Delivery
from rushes.webhooks.ports import Deliveries, Queue
from rushes.webhooks.queue_message import ticket

BATCH = 500
TRUSTED_SECONDS = 900.0
"""What was put into a queue is left there for a while, each time for twice as long: a receiver
that hangs has a long queue."""
MOST_DOUBLINGS = 4
HELD_AT_ONCE = 20
"""Deliveries that were put off for one endpoint: one of them will show whether it answers."""
ROUND_SECONDS = 60.0
"""How often the sweeper comes."""

logger = Logger(service="rushes", child=True)


@dataclass(frozen=True)
class DeliverySweeper:
    deliveries: Deliveries
    queue: Queue
    clock: Clock

    def sweep(self) -> int:
        """How many were queued. Any number of these may run at once."""
        due = self.deliveries.due(self.clock(), BATCH)
        rounds = list(zip(due, _rounds(due), strict=True))
        for delivery, number in rounds:
            if number:
                self._put_off(delivery, number * ROUND_SECONDS)
        ready = [delivery for delivery, number in rounds if not number]
        refused = set(self.queue.put([ticket(delivery) for delivery in ready]))
        queued = [delivery for index, delivery in enumerate(ready) if index not in refused]
        for delivery in queued:
            self._trust(delivery)
        return len(queued)

    def _trust(self, seen: Delivery) -> None:
        now = self.clock()
        until = now + TRUSTED_SECONDS * 2 ** min(seen.requeues, MOST_DOUBLINGS)
        self._note(seen, lambda delivery: delivery.queued(now, until))

    def _put_off(self, seen: Delivery, seconds: float) -> None:
        now = self.clock()
        self._note(seen, lambda delivery: delivery.waiting(now, now + seconds))

    def _note(self, seen: Delivery, change: Callable[[Delivery], Delivery]) -> None:
        def unless_changed(delivery: Delivery) -> Delivery:
            return change(delivery) if delivery.version == seen.version else delivery

        try:
            self.deliveries.change(seen.account, seen.message_id, seen.receiver, unless_changed)
        except RushesError as error:  # then it is queued twice, and delivered once
            logger.warning("not noted", delivery=seen.id, reason=error.message)


def _rounds(due: Sequence[Delivery]) -> list[int]:
    """In which round from now each is queued: those held for one endpoint a few at a time."""
    seen: Counter[tuple[str, str]] = Counter()
    rounds = []
    for delivery in due:
        receiver = (delivery.account, delivery.receiver)
        rounds.append(seen[receiver] // HELD_AT_ONCE if delivery.is_held else 0)
        seen[receiver] += delivery.is_held
    return rounds
