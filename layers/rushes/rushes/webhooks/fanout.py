"""Create one delivery per event and receiver."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rushes.errors import AwsUnavailable
from rushes.jobs.events import log_fields
from rushes.jobs.progress_events import TYPE as PROGRESS
from rushes.ports import Clock
from rushes.ports.jobs import Jobs
from rushes.webhooks.attempt_result import is_slow
from rushes.webhooks.delivery import Delivery
from rushes.webhooks.ports import DeliveryRepository, EndpointRepository, Queue, SupportsEvent
from rushes.webhooks.queue_message import DeliveryTask, is_task

CHUNK = 10
"""Deliveries that are stored and then queued: after a timeout, most of an event's are queued."""
Event = Mapping[str, Any]


def ids_of(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ids in each log line about a message of the events queue, None for others."""
    if is_task(message):
        task = DeliveryTask.parse(message)
        return {"job_id": task.job_id, "account": task.account, "request_id": None}
    return log_fields(event_of(message))


def event_of(message: Mapping[str, Any]) -> Event:
    """Return the event of a message, which may be an EventBridge envelope."""
    event: Event = message.get("detail", message)
    return event


@dataclass(frozen=True)
class Fanout:
    jobs: Jobs
    endpoints: EndpointRepository
    deliveries: DeliveryRepository
    queue: Queue
    supports: SupportsEvent
    clock: Clock

    def run(self, message: Mapping[str, Any]) -> int:
        """Handle a message of the events queue and return the number of new deliveries.

        The message is an event, an EventBridge envelope from the dead-letter queue, or a delayed
        `DeliveryTask`. A repeated event creates no new deliveries.
        """
        if is_task(message):
            self._queue(DeliveryTask.parse(message))
            return 0
        event = event_of(message)
        deliveries = [*self._for_endpoints(event), *self._for_request_url(event)]
        chunks = [deliveries[start : start + CHUNK] for start in range(0, len(deliveries), CHUNK)]
        return sum([self._store_and_queue(chunk) for chunk in chunks])

    def _store_and_queue(self, deliveries: list[Delivery]) -> int:
        """Queue existing ones, too: an earlier invocation may have crashed between the two writes.

        The sweeper queues deliveries to slow endpoints.
        """
        new = sum([self.deliveries.add(delivery) for delivery in deliveries])
        ready = [delivery for delivery in deliveries if not delivery.is_paused]
        self._queue(*(DeliveryTask.for_delivery(delivery) for delivery in ready))
        return new

    def _for_endpoints(self, event: Event) -> Iterator[Delivery]:
        """Skip endpoints younger than the event."""
        happened_at = datetime.fromisoformat(event["timestamp"]).timestamp()
        for endpoint in self.endpoints.all(event["data"]["account"]):
            is_active = endpoint.is_enabled and endpoint.created_at <= happened_at
            is_wanted = is_active and endpoint.subscribes_to(event["type"])
            if is_wanted and self.supports(endpoint.format, event["type"]):
                now = self.clock()
                delivery = Delivery.for_endpoint(endpoint, event, now)
                yield delivery.paused(now, now) if is_slow(delivery, endpoint) else delivery

    def _for_request_url(self, event: Event) -> Iterator[Delivery]:
        if not event["type"].startswith("job.") or event["type"] == PROGRESS:
            return
        job = self.jobs.get(event["data"]["account"], event["data"]["id"])
        if job and job.webhook and self.supports(job.webhook.format, event["type"]):
            yield Delivery.for_url(job.webhook, job.account, event, self.clock())

    def _queue(self, *tasks: DeliveryTask) -> None:
        if self.queue.put(tasks):
            raise AwsUnavailable("SQS rejected some deliveries")
