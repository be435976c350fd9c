"""An event becomes a delivery to each who wants it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rushes.errors import AwsUnavailable
from rushes.ports import Clock, Jobs
from rushes.webhooks.delivery import Delivery
from rushes.webhooks.new_delivery import to_endpoint, to_target
from rushes.webhooks.ports import Deliveries, Endpoints, Queue, Speaks, Ticket
from rushes.webhooks.queue_message import ticket

Event = Mapping[str, Any]


@dataclass(frozen=True)
class Fanout:
    jobs: Jobs
    endpoints: Endpoints
    deliveries: Deliveries
    queue: Queue
    speaks: Speaks
    clock: Clock

    def take(self, message: Mapping[str, Any]) -> int:
        """A message of the queue: an event, or a ticket that was kept back until now."""
        if "detail" in message:  # as EventBridge puts it aside: the whole envelope
            return self(message["detail"])
        if "ticket" not in message:
            return self(message)
        self._queue([Ticket(**message["ticket"])])
        return 0

    def __call__(self, event: Event) -> int:
        """How many deliveries the event has become; the same event again makes no more of them.

        All are queued even if they were there: who made them may have died before queueing them.
        """
        made = [*self._to_endpoints(event), *self._to_target(event)]
        new = sum([self.deliveries.add(delivery) for delivery in made])
        self._queue([ticket(delivery) for delivery in made])
        return new

    def _to_endpoints(self, event: Event) -> Iterator[Delivery]:
        """An endpoint hears of what happens while it is there, not of what was before."""
        happened_at = datetime.fromisoformat(event["timestamp"]).timestamp()
        for endpoint in self.endpoints.all(event["data"]["account"]):
            is_there = endpoint.is_enabled and endpoint.created_at <= happened_at
            if is_there and endpoint.wants(event["type"]) and self._speaks(endpoint.format, event):
                yield to_endpoint(endpoint, event, self.clock())

    def _to_target(self, event: Event) -> Iterator[Delivery]:
        """To the address that the job's own request named."""
        if not event["type"].startswith("job."):
            return
        job = self.jobs.get(event["data"]["account"], event["data"]["id"])
        if job and job.webhook and self._speaks(job.webhook.format, event):
            yield to_target(job.webhook, job.account, event, self.clock())

    def _speaks(self, form: str, event: Event) -> bool:
        return self.speaks(form, event["type"])

    def _queue(self, tickets: Sequence[Ticket]) -> None:
        if self.queue.put(tickets):
            raise AwsUnavailable("the queue did not take every delivery")
