"""Delivery on a virtual clock: a FIFO queue with message groups, and 50 concurrent attempts.

The fan-out, the deliver function and the sweeper are the real ones. An attempt takes as long as its
receiver needs, and then one of the concurrent attempts is free for the next message group.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from rushes.aws.sqs import deduplication_id
from rushes.errors import UpstreamNoResponse
from rushes.jobs.request import WebhookTarget
from rushes.ports.http import HttpReply
from rushes.webhooks.queue_message import DeliveryTask
from tests.fakes import FakeClock
from tests.simulation.actors import Actor
from tests.simulation.scheduler import Scheduler
from tests.unit.webhooks.harness import MINUTE, START, Harness, endpoint, event, job

SLOTS = 50
"""`MaximumConcurrency` of the queue's event source mapping."""
TIMEOUT_SECONDS = 15.0
OVERHEAD_SECONDS = 0.05
"""Reads and writes of one invocation."""
DEDUPLICATION_SECONDS = 300.0


class FirstReady:
    """A schedule without faults: the actor that has waited longest continues."""

    def choose(self, ready: Sequence[Actor]) -> Actor | None:
        return ready[0] if ready else None

    def fault(self, operation: str, kinds: Sequence[str]) -> str:  # noqa: ARG002
        return ""

    def number(self, operation: str, low: int, high: int) -> int:  # noqa: ARG002
        return low


@dataclass
class Receivers:
    """Answer 200 after the response time, at most the timeout; counts concurrent POSTs."""

    scheduler: Scheduler
    seconds: dict[str, float] = field(default_factory=dict)
    posts: list[tuple[str, str, float]] = field(default_factory=list)
    """Host, message id and time."""
    most: Counter[str] = field(default_factory=Counter)
    """Largest number of concurrent POSTs per URL."""
    _open: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.response_time: Callable[[str], float] = lambda host: self.seconds.get(host, 0.1)

    def post_webhook(self, url: str, headers: Mapping[str, str], _body: bytes) -> HttpReply:
        host = urlsplit(url).hostname or ""
        self.posts.append((host, headers["webhook-id"], self.scheduler.clock()))
        self._open[url] += 1
        self.most[url] = max(self.most[url], self._open[url])
        seconds = self.response_time(host)
        self.scheduler.sleep(min(seconds, TIMEOUT_SECONDS))
        self._open[url] -= 1
        if seconds > TIMEOUT_SECONDS:
            raise UpstreamNoResponse("no answer", code="timeout")
        return HttpReply(200, {}, b"")

    def moments(self, host: str) -> dict[str, float]:
        """Return the first POST of each message to the host."""
        found: dict[str, float] = {}
        for one, message_id, moment in self.posts:
            if one == host:
                found.setdefault(message_id, moment)
        return found


@dataclass
class SlotQueue:
    """SQS FIFO queue: a group has one message in flight, and the oldest message comes first."""

    scheduler: Scheduler
    deliver: Callable[[DeliveryTask], object]
    groups: dict[str, deque[tuple[int, DeliveryTask]]] = field(
        default_factory=lambda: defaultdict(deque)
    )
    in_flight: dict[str, str] = field(default_factory=dict)
    """Account by message group."""
    most: Counter[str] = field(default_factory=Counter)
    """Largest number of concurrent attempts per account."""
    most_waiting: int = 0
    _sent: dict[tuple[str, str], float] = field(default_factory=dict)
    _count: int = 0

    def put(self, tasks: Sequence[DeliveryTask]) -> list[int]:
        now = self.scheduler.clock()
        for task in tasks:
            key = task.message_group_id, deduplication_id(task)
            if now - self._sent.get(key, -DEDUPLICATION_SECONDS) >= DEDUPLICATION_SECONDS:
                self._sent[key] = now
                self._count += 1
                self.groups[task.message_group_id].append((self._count, task))
        self.most_waiting = max(self.most_waiting, sum(map(len, self.groups.values())))
        self._fill()
        return []

    def put_later(self, task: DeliveryTask, seconds: float) -> None:
        self.scheduler.after(seconds, lambda: self._put_now(task))

    def _put_now(self, task: DeliveryTask) -> None:
        self.put([task])

    def _fill(self) -> None:
        while len(self.in_flight) < SLOTS:
            waiting = [
                (messages[0][0], name)
                for name, messages in self.groups.items()
                if messages and name not in self.in_flight
            ]
            if not waiting:
                return
            self._start(min(waiting)[1])

    def _start(self, name: str) -> None:
        _, task = self.groups[name].popleft()
        self.in_flight[name] = task.account
        held = Counter(self.in_flight.values())[task.account]
        self.most[task.account] = max(self.most[task.account], held)

        def run() -> None:
            self.scheduler.sleep(OVERHEAD_SECONDS)
            self.deliver(task)

        def end(result: object) -> None:
            assert not isinstance(result, BaseException), result
            del self.in_flight[name]
            self._fill()

        self.scheduler.start("deliver", run, on_end=end)


class DeliverySlots:
    """Endpoints and events of several accounts, and a sweep every minute."""

    def __init__(self) -> None:
        clock = FakeClock(START)
        self.scheduler = Scheduler(FirstReady(), clock)
        self.receivers = Receivers(self.scheduler)
        self.harness = Harness(http_client=self.receivers, clock=clock)
        self.queue = SlotQueue(self.scheduler, self._deliver)
        vars(self.harness)["queue"] = self.queue
        self._numbers: Counter[str] = Counter()
        self.scheduler.after(MINUTE, self._sweep)

    def add_endpoint(self, account: str, host: str, seconds: float) -> None:
        self.receivers.seconds[host] = seconds
        self._numbers["endpoints"] += 1
        name = f"we_{self._numbers['endpoints']:05}"
        created = START - 1000 + self._numbers["endpoints"]
        url = f"https://{host}/in"
        self.harness.endpoints.add(
            endpoint(name, account=account, url=url, created_at=created, updated_at=created)
        )

    def publish(self, account: str, url: str | None = None) -> str:
        """Fan out an event of a new job now; `url` is the webhook URL of its create request."""
        self._numbers[account] += 1
        job_id = f"job_{account}_{self._numbers[account]}"
        happened = event(job_id=job_id, at=self.scheduler.clock())
        happened["data"]["account"] = account
        if url:
            fields = {"id": job_id, "account": account}
            self.harness.jobs.add(job(WebhookTarget(url=url)).model_copy(update=fields))
        self.harness.fanout.run(happened)
        return str(happened["id"])

    def run(self, seconds: float) -> None:
        end = self.scheduler.clock() + seconds
        while self.scheduler.ready or self.scheduler.timers[0][0] <= end:
            self.scheduler.step()
        self.scheduler.clock.now = end

    def statuses(self, account: str) -> Counter[Any]:
        deliveries = self.harness.deliveries.all()
        return Counter(one.status for one in deliveries if one.account == account)

    def _deliver(self, task: DeliveryTask) -> None:
        self.harness.deliver.run(
            task.account, task.message_id, task.receiver, task.message_group_id
        )

    def _sweep(self) -> None:
        self.harness.sweeper.sweep()
        self.scheduler.after(MINUTE, self._sweep)
