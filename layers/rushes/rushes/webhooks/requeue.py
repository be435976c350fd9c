"""Queue due deliveries that are in no queue.

After a long delay or a crash, or because the receiver is slow.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import takewhile

from aws_lambda_powertools import Logger

from rushes.errors import RushesError
from rushes.fair_order import in_turns
from rushes.ports import Clock
from rushes.webhooks.attempt_result import is_slow, must_pause
from rushes.webhooks.delivery import TARGET, Delivery
from rushes.webhooks.endpoint import Endpoint, RequestSecrets
from rushes.webhooks.log_events import DELIVERY_NOT_MARKED, DELIVERY_NOT_QUEUED
from rushes.webhooks.ports import DeliveryRepository, EndpointRepository, Queue
from rushes.webhooks.queue_message import DeliveryTask

BATCH = 500
"""Due deliveries that are read, per account."""
READ_SECONDS = 10.0
"""Time limit for it."""
REQUEUE_SECONDS = 900.0
"""Seconds until a delivery is queued again, doubled each time: a message group may take long to
empty."""
MAX_DOUBLINGS = 4
SLOW_BATCH = 4
"""Deliveries that are queued per sweep in a message group for slow receivers: it attempts as many
in a minute if each takes the whole 15 seconds, so that few wait in the queue."""
DEFERRED_BATCH = 100
"""Further ones of the group that become due per sweep."""
SWEEP_SECONDS = 60.0
"""Interval of the sweeper."""
CHUNK = 10
"""Tasks per call of the queue."""

Step = Callable[[Delivery], Delivery]
logger = Logger(service="rushes", child=True)


@dataclass(frozen=True)
class DeliverySweeper:
    deliveries: DeliveryRepository
    endpoints: EndpointRepository
    queue: Queue
    clock: Clock

    def sweep(self, has_time: Callable[[], bool] = lambda: True) -> int:
        """Queue due deliveries until there is no time left, and return their number.

        Accounts take turns, and so do the receivers of an account. Concurrent sweeps are safe.
        """
        by_receiver = in_turns(self._due(), lambda one: (one.account, one.endpoint_id, one.host))
        plan = Plan(self.endpoints, self.clock())
        for delivery in in_turns(by_receiver, lambda one: one.account):
            if not has_time():
                break
            plan.add(delivery)
        queued = 0
        for start in range(0, len(plan.ready), CHUNK):
            if has_time():
                queued += self._queue(plan.ready[start : start + CHUNK])
        for delivery, step in plan.postponed:
            if has_time():
                self._mark(delivery, step)
        return queued

    def _due(self) -> list[Delivery]:
        """Return the due deliveries without events and attempts, which would fill the memory."""
        now = self.clock()
        due = takewhile(
            lambda _: self.clock() < now + READ_SECONDS, self.deliveries.due(now, BATCH)
        )
        return [one.model_copy(update={"event": {}, "attempts": ()}) for one in due]

    def _queue(self, chunk: list[tuple[Delivery, DeliveryTask]]) -> int:
        try:
            rejected = set(self.queue.put([task for _, task in chunk]))
        except RushesError as error:
            for delivery, _ in chunk:
                logger.warning(
                    DELIVERY_NOT_QUEUED,
                    **delivery.log_fields,
                    delivery=delivery.id,
                    reason=error.message,
                )
            return 0
        queued = [delivery for index, (delivery, _) in enumerate(chunk) if index not in rejected]
        for delivery in queued:
            self._mark(delivery, self._as_queued)
        return len(queued)

    def _as_queued(self, delivery: Delivery) -> Delivery:
        now = self.clock()
        seconds = REQUEUE_SECONDS * 2 ** min(delivery.requeues, MAX_DOUBLINGS)
        return delivery.queued(now, now + seconds)

    def _mark(self, seen: Delivery, step: Step) -> None:
        """Apply `step`, unless the delivery has changed since it was read."""

        def unless_changed(delivery: Delivery) -> Delivery:
            return step(delivery) if delivery.version == seen.version else delivery

        try:
            self.deliveries.change(seen.account, seen.message_id, seen.receiver, unless_changed)
        except RushesError as error:  # harmless: it is queued twice and delivered once
            logger.warning(
                DELIVERY_NOT_MARKED, **seen.log_fields, delivery=seen.id, reason=error.message
            )


@dataclass
class Plan:
    """Deliveries to queue now, and deliveries to postpone with the change that does it."""

    endpoints: EndpointRepository
    now: float
    ready: list[tuple[Delivery, DeliveryTask]] = field(default_factory=list)
    postponed: list[tuple[Delivery, Step]] = field(default_factory=list)
    _slow: Counter[str] = field(default_factory=Counter)
    """Deliveries to slow receivers, by message group."""
    _receivers: dict[tuple[str, str], Endpoint | RequestSecrets | None] = field(
        default_factory=dict
    )

    def add(self, delivery: Delivery) -> None:
        receiver = self._receiver(delivery.account, delivery.receiver)
        if isinstance(receiver, Endpoint) and must_pause(delivery, receiver, self.now):
            self._postpone(delivery, lambda one: one.paused(self.now, receiver.paused_until))
            return
        slow = is_slow(delivery, receiver)
        task = DeliveryTask.for_delivery(delivery, slow=slow)
        number = self._slow[task.message_group_id]
        self._slow[task.message_group_id] += slow
        if slow and number >= SLOW_BATCH:
            seconds = (1 + number // DEFERRED_BATCH) * SWEEP_SECONDS
            self._postpone(delivery, lambda one: one.deferred(self.now, self.now + seconds))
        else:
            self.ready.append((delivery, task))

    def _postpone(self, delivery: Delivery, step: Step) -> None:
        self.postponed.append((delivery, step))

    def _receiver(self, account: str, name: str) -> Endpoint | RequestSecrets | None:
        """Read each receiver once; one that cannot be read is left to the deliver function."""
        if (account, name) not in self._receivers:
            self._receivers[account, name] = self._read(account, name)
        return self._receivers[account, name]

    def _read(self, account: str, name: str) -> Endpoint | RequestSecrets | None:
        try:
            if name == TARGET:
                return self.endpoints.request_secrets(account)
            return self.endpoints.get(account, name)
        except RushesError:
            return None
