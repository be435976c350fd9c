"""Webhooks on a virtual clock: fan-out, queue, deliveries and sweep, each as real as can be.

`World.run` lets time pass: it hands each ticket to `deliver` when the queue would, and sweeps every
minute.
"""

import heapq
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from rushes.api.webhooks.send import Mailer
from rushes.jobs.job import Job
from rushes.jobs.request import GenerationRequest, WebhookTarget
from rushes.webhooks.deliver import Deliver
from rushes.webhooks.delivery import Delivery
from rushes.webhooks.endpoint import Endpoint, Secret
from rushes.webhooks.fanout import Fanout
from rushes.webhooks.payloads import speaks
from rushes.webhooks.ports import Notifier, Ticket
from rushes.webhooks.requeue import DeliverySweeper
from tests.fakes import FakeClock, FakeJobs
from tests.unit.webhooks.fakes import (
    FakeBus,
    FakeDeliveries,
    FakeEndpoints,
    FakeNotifier,
    FakeQueue,
)

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
START = 1_800_000_000.0
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
EVENT_ID = "evt_job_1_completed"


def endpoint(endpoint_id: str = "we_1", **facts: Any) -> Endpoint:
    fixed = {
        "account": "one",
        "url": "https://hooks.example/in",
        "secrets": (Secret(value=SECRET),),
    }
    times = {"created_at": START - DAY, "updated_at": START - DAY}
    return Endpoint.model_validate({"id": endpoint_id, **fixed, **times, **facts})


def event(event_type: str = "job.completed", job_id: str = "job_1", at: float = START) -> Any:
    return {
        "id": f"evt_{job_id}_{event_type.removeprefix('job.')}",
        "type": event_type,
        "timestamp": datetime.fromtimestamp(at, UTC).isoformat(),
        "sequence": 2,
        "data": {"id": job_id, "account": "one", "status": "completed"},
    }


def job(webhook: WebhookTarget | None = None) -> Job:
    return Job(
        id="job_1",
        account="one",
        dialect="openai",
        provider="sandbox",
        upstream_model="sora-2",
        request=GenerationRequest(model="sora-2", prompt="a boat"),
        created_at=START,
        updated_at=START,
        deadline_at=START + HOUR,
        webhook=webhook,
    )


def as_json(body: bytes) -> Mapping[str, Any]:
    read: Mapping[str, Any] = json.loads(body)
    return read


@dataclass
class Harness:
    notifier: Notifier = field(default_factory=FakeNotifier)
    dice: Callable[[], float] = lambda: 0.5
    """0.5 is no jitter at all."""
    clock: FakeClock = field(default_factory=lambda: FakeClock(START))
    jobs: FakeJobs = field(default_factory=FakeJobs)
    endpoints: FakeEndpoints = field(default_factory=FakeEndpoints)
    deliveries: FakeDeliveries = field(default_factory=FakeDeliveries)
    queue: FakeQueue = field(default_factory=FakeQueue)
    bus: FakeBus = field(default_factory=FakeBus)

    def __post_init__(self) -> None:
        self.kept_back: list[tuple[float, int, Ticket]] = []
        self.swept_at = self.clock.now

    @property
    def fanout(self) -> Fanout:
        return Fanout(self.jobs, self.endpoints, self.deliveries, self.queue, speaks, self.clock)

    @property
    def deliver(self) -> Deliver:
        return Deliver(
            deliveries=self.deliveries,
            endpoints=self.endpoints,
            queue=self.queue,
            bus=self.bus,
            notifier=self.notifier,
            write=lambda delivery: json.dumps(delivery.event).encode(),
            clock=self.clock,
            dice=self.dice,
        )

    @property
    def overdue(self) -> DeliverySweeper:
        return DeliverySweeper(self.deliveries, self.queue, self.clock)

    @property
    def mailer(self) -> Mailer:
        return Mailer(self.deliveries, self.queue, self.clock)

    def attempt(self, message_id: str = EVENT_ID, receiver: str = "we_1") -> str:
        """Let `deliver` have the ticket, whether it is in the queue or not."""
        return self.deliver("one", message_id, receiver)

    def delivery(self, message_id: str = EVENT_ID, receiver: str = "we_1") -> Delivery:
        found = self.deliveries.get("one", message_id, receiver)
        assert found is not None
        return found

    def run(self, seconds: float) -> None:
        """Let so much time pass."""
        end = self.clock.now + seconds
        while True:
            self._work()
            moments = [self.swept_at + MINUTE, *(moment for moment, _, _ in self.kept_back[:1])]
            if min(moments) > end:
                break
            self.clock.now = max(self.clock.now, min(moments))
            if self.clock.now >= self.swept_at + MINUTE:
                self.swept_at = self.clock.now
                self.overdue.sweep()
        self.clock.now = max(self.clock.now, end)

    def _work(self) -> None:
        """What the queues hold is handled until there is nothing left that could be."""
        while True:
            for ticket, seconds in self.queue.later:
                moment = self.clock.now + seconds
                heapq.heappush(self.kept_back, (moment, id(ticket), ticket))
            self.queue.later.clear()
            while self.kept_back and self.kept_back[0][0] <= self.clock.now:
                self.fanout.take({"ticket": vars(heapq.heappop(self.kept_back)[2])})
            if not self.queue.now:
                return
            ticket = self.queue.now.pop(0)
            self.deliver(ticket.account, ticket.message_id, ticket.receiver)
