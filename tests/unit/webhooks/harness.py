"""Webhooks on a virtual clock: the real fan-out, delivery and sweeper with in-memory adapters."""

import heapq
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from rushes.api.webhooks.message_service import MessageService
from rushes.jobs.job import Job
from rushes.jobs.request import GenerationRequest, WebhookTarget
from rushes.ports.http import HttpReply
from rushes.webhooks.deliver import Deliver
from rushes.webhooks.delivery import Delivery
from rushes.webhooks.endpoint import SLOW_RESPONSES, Endpoint, RequestSecrets, Secret
from rushes.webhooks.fanout import Fanout
from rushes.webhooks.payloads import supports
from rushes.webhooks.ports import RenderPayload, WebhookClient
from rushes.webhooks.queue_message import DeliveryTask
from rushes.webhooks.requeue import DeliverySweeper
from tests.fakes import FakeClock, FakeJobs
from tests.unit.webhooks import fakes
from tests.unit.webhooks.fakes import FakeDeliveries, FakeEndpoints, FakeQueue, FakeWebhookClient

URL = "https://hooks.example/in"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
START = 1_800_000_000.0
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
EVENT_ID = "evt_job_1_completed"


def endpoint(endpoint_id: str = "we_1", **fields: Any) -> Endpoint:
    fixed = {"account": "one", "url": URL, "secrets": (Secret(value=SECRET),)}
    times = {"created_at": START - DAY, "updated_at": START - DAY}
    return Endpoint.model_validate({"id": endpoint_id, **fixed, **times, **fields})


def slowed(endpoint: Endpoint) -> Endpoint:
    """Return the endpoint after the slow responses that make it slow."""
    for _ in range(SLOW_RESPONSES):
        endpoint = endpoint.record_response_time(START, 14.0)
    return endpoint


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


@dataclass
class Harness:
    http_client: WebhookClient = field(default_factory=FakeWebhookClient)
    jitter: Callable[[], float] = lambda: 0.5
    """0.5 stands for no jitter."""
    render: RenderPayload = lambda delivery: json.dumps(delivery.event).encode()
    clock: FakeClock = field(default_factory=lambda: FakeClock(START))
    jobs: FakeJobs = field(default_factory=FakeJobs)
    endpoints: FakeEndpoints = field(default_factory=FakeEndpoints)
    deliveries: FakeDeliveries = field(default_factory=FakeDeliveries)
    queue: FakeQueue = field(default_factory=FakeQueue)
    bus: fakes.FakeBus = field(default_factory=fakes.FakeBus)
    key: fakes.FakeKeySecret = field(default_factory=fakes.FakeKeySecret)

    def __post_init__(self) -> None:
        self.signing_secrets = fakes.signing_secrets(self.endpoints, self.key)
        self.delayed: list[tuple[float, int, DeliveryTask]] = []
        self.swept_at = self.clock.now

    @property
    def fanout(self) -> Fanout:
        return Fanout(self.jobs, self.endpoints, self.deliveries, self.queue, supports, self.clock)

    @property
    def deliver(self) -> Deliver:
        return Deliver(
            deliveries=self.deliveries,
            endpoints=self.endpoints,
            signing_secrets=self.signing_secrets,
            queue=self.queue,
            bus=self.bus,
            http_client=self.http_client,
            render=self.render,
            clock=self.clock,
            jitter=self.jitter,
        )

    @property
    def sweeper(self) -> DeliverySweeper:
        return DeliverySweeper(self.deliveries, self.endpoints, self.queue, self.clock)

    @property
    def messages(self) -> MessageService:
        return MessageService(self.endpoints, self.deliveries, self.queue, self.clock, self.run)

    @classmethod
    def with_delivery(cls, *answers: HttpReply | Exception | int, **fields: Any) -> Self:
        """Return a harness with one endpoint and one queued delivery."""
        harness = cls(FakeWebhookClient(*answers))
        harness.endpoints.add(endpoint(**fields))
        harness.fanout.run(event())
        return harness

    @classmethod
    def with_request_url(cls, *answers: int, **fields: Any) -> Self:
        """Return a harness with one queued delivery to the URL of a create request."""
        harness = cls(FakeWebhookClient(*answers), **fields)
        harness.jobs.add(job(WebhookTarget(url="https://other.example/x")))
        harness.fanout.run(event())
        return harness

    @property
    def receiver(self) -> FakeWebhookClient:
        assert isinstance(self.http_client, FakeWebhookClient)
        return self.http_client

    def attempt(self, message_id: str = EVENT_ID, receiver: str = "we_1") -> str:
        """Run `deliver`, whether the queue holds the delivery or not."""
        return self.deliver.run("one", message_id, receiver)

    def delivery(self, message_id: str = EVENT_ID, receiver: str = "we_1") -> Delivery:
        found = self.deliveries.get("one", message_id, receiver)
        assert found is not None
        return found

    def triggers(self) -> list[str]:
        return [attempt.trigger for attempt in self.delivery().attempts]

    def stored_endpoint(self, endpoint_id: str = "we_1") -> Endpoint:
        found = self.endpoints.get("one", endpoint_id)
        assert found is not None
        return found

    def request_secrets(self, account: str = "one") -> RequestSecrets:
        return self.signing_secrets.of_requests(account)

    def change_endpoint(
        self, change: Callable[[Endpoint], Endpoint], endpoint_id: str = "we_1"
    ) -> Endpoint:
        return self.endpoints.change("one", endpoint_id, change)

    def publish(self, number: int) -> str:
        """Fan out an event of another job now and return its id."""
        happened = event(job_id=f"job_{number}", at=self.clock())
        self.fanout.run(happened)
        return str(happened["id"])

    def resend(self, message_id: str = EVENT_ID) -> Delivery:
        return self.messages.resend_delivery("one", message_id, "we_1")

    def run(self, seconds: float) -> None:
        """Advance the clock; handle queued tasks when they are due, and sweep every minute."""
        end = self.clock.now + seconds
        while True:
            self.handle_queued()
            moments = [self.swept_at + MINUTE, *(moment for moment, _, _ in self.delayed[:1])]
            if min(moments) > end:
                break
            self.clock.now = max(self.clock.now, min(moments))
            if self.clock.now >= self.swept_at + MINUTE:
                self.swept_at = self.clock.now
                self.sweeper.sweep()
        self.clock.now = max(self.clock.now, end)

    def handle_queued(self) -> None:
        """Handle all tasks that are due."""
        while True:
            for task, seconds in self.queue.later:
                moment = self.clock.now + seconds
                heapq.heappush(self.delayed, (moment, id(task), task))
            self.queue.later.clear()
            while self.delayed and self.delayed[0][0] <= self.clock.now:
                self.fanout.run(heapq.heappop(self.delayed)[2].as_message())
            if not self.queue.now:
                return
            task = self.queue.now.pop(0)
            self.deliver.run(task.account, task.message_id, task.receiver, task.message_group_id)
