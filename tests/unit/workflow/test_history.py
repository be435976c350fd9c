"""Length of an execution's history: Step Functions stops an execution at 25,000 events."""

from collections.abc import Callable

import pytest
from typing_extensions import override

from rushes.catalog.models import read_catalog
from rushes.errors import DownloadInterrupted, UpstreamUnreachable
from rushes.jobs.job import Job
from rushes.jobs.request import Input, Role
from rushes.jobs.status import UpstreamCancelled
from rushes.ports.http import HttpReply
from rushes.ports.providers import Circuit, Pace, ProviderPause, RateLimit, Slots
from rushes.workflow.slots import INPUT_FETCHES, OUTPUT_DOWNLOADS, Pool
from rushes.workflow.task import NextStep
from tests.fakes import FakeRateLimits
from tests.harness import CONTENT, CREATE, MP4_BYTES, POLL_CALL, Harness, reply, video

HOUR, DAY = 3600.0, 86_400.0
MAX_EVENTS_HOUR, MAX_EVENTS = 1_500, 24_000
"""Allowed events of a job of one hour, and of any job."""
TASK, WAIT, CHOICE, EXECUTION = 5, 2, 2, 4
"""Events per state: a task is entered, scheduled, started, completed and exited."""

CATALOG = """
default_model = "sandbox/one"
[providers.sandbox]
protocol = "PROTOCOL"
idempotency = "IDEMPOTENCY"
creates_per_minute = 60
[[models]]
name = "sandbox/one"
deadline_seconds = DEADLINE
"""
LOOKUP_CALL = "GET /videos?limit=100&order=desc"


@pytest.fixture(params=[HOUR, DAY])
def deadline(request: pytest.FixtureRequest) -> float:
    return float(request.param)


def harness_of(deadline: float, idempotency: str = "none") -> Harness:
    protocol = "openai_with_lookup" if idempotency == "lookup" else "openai_compatible"
    text = CATALOG.replace("PROTOCOL", protocol).replace("IDEMPOTENCY", idempotency)
    harness = Harness(catalog=read_catalog(text.replace("DEADLINE", str(int(deadline)))))
    harness.answer(CREATE, video("queued"))
    harness.answer(POLL_CALL, video("in_progress"))
    return harness


def history_of(
    harness: Harness, job: Job, step: Callable[[Harness, Job], NextStep] = Harness.submit
) -> int:
    """Run an execution to its end and count its events."""
    events, steps = EXECUTION + TASK, {"submitted": Harness.poll, "succeeded": Harness.collect}
    while True:
        next_step = step(harness, job)
        events += TASK + CHOICE
        if next_step["status"] == "ending":
            harness.finish(job)
            return events
        if next_step["wait_seconds"]:
            events += WAIT
            harness.clock.advance(next_step["wait_seconds"])
        if next_step["status"] == "pending":
            step = Harness.poll if step is Harness.collect else step
        else:
            step = steps[next_step["status"]]
        assert events < 100_000


def limit_of(deadline: float) -> int:
    return MAX_EVENTS_HOUR if deadline == HOUR else MAX_EVENTS


@pytest.mark.parametrize(
    "answer",
    [
        *(video("in_progress"), reply(503), UpstreamUnreachable("refused")),
        *(reply(429, {"retry-after": "1"}), reply(503, {"retry-after": "0"})),
    ],
)
def test_history_of_job_that_never_finishes(deadline: float, answer: HttpReply | Exception) -> None:
    harness = harness_of(deadline)
    harness.answer(POLL_CALL, answer)
    harness.answer("DELETE /videos/up-1", reply(200))
    assert history_of(harness, harness.accepted()) <= limit_of(deadline)


class NoFreeTurn(FakeRateLimits):
    """Other jobs take every turn."""

    now: Callable[[], float]

    @override
    def get(self, provider: str) -> RateLimit:
        return RateLimit(pace=Pace(next_at=self.now() + 1))


class CircuitOpen(FakeRateLimits):
    """The trial call of another job is rejected again and again."""

    now: Callable[[], float]

    @override
    def get(self, provider: str) -> RateLimit:
        circuit = Circuit(accounts=("demo",), open_until=self.now() + 1, failing_since=self.now())
        return RateLimit(circuits={"one": circuit})


class AlwaysThrottled(FakeRateLimits):
    """The provider throttles other jobs again and again."""

    now: Callable[[], float]

    @override
    def get(self, provider: str) -> RateLimit:
        return RateLimit(not_before=self.now() + 2)


@pytest.mark.parametrize("rate_limits", [NoFreeTurn, AlwaysThrottled, CircuitOpen])
def test_history_of_job_that_is_always_throttled(
    deadline: float, rate_limits: type[NoFreeTurn | AlwaysThrottled | CircuitOpen]
) -> None:
    harness = harness_of(deadline)
    harness.rate_limits = limits = rate_limits()
    limits.now = harness.clock
    assert history_of(harness, harness.accepted()) <= limit_of(deadline)
    assert not harness.creates()


def test_history_of_job_whose_provider_is_paused_all_the_time(deadline: float) -> None:
    harness = harness_of(deadline)
    pause = ProviderPause(reason="maintenance", since=harness.clock())
    harness.rate_limits.rows["sandbox"] = RateLimit(pause=pause)
    assert history_of(harness, harness.accepted()) <= limit_of(deadline)
    assert not harness.creates()


def fill(harness: Harness, pool: Pool, until: float) -> None:
    holders = {f"job_{number}": until for number in range(pool.slots)}
    harness.account_slots.rows["demo", pool.name] = Slots(holders=holders)


def test_history_of_job_without_slot_for_its_inputs(deadline: float) -> None:
    harness = harness_of(deadline)
    job = harness.accepted()
    url = Input(role=Role.IMAGE, url="https://images.example/ball.png")
    harness.change(job, lambda job, now: job.fetched(now, (url,)))
    fill(harness, INPUT_FETCHES, harness.clock() + 2 * DAY)
    assert history_of(harness, job) <= limit_of(deadline)
    assert harness.error_code(job) == "upstream_timeout"


def test_history_of_job_without_slot_for_its_outputs(deadline: float) -> None:
    harness = harness_of(deadline)
    harness.answer(POLL_CALL, video("completed"))
    harness.http_client.files[CONTENT] = MP4_BYTES
    fill(harness, OUTPUT_DOWNLOADS, harness.clock() + deadline)
    job = harness.accepted()
    assert history_of(harness, job) <= 1.5 * limit_of(HOUR) + (limit_of(deadline) - 1_500) / 3
    assert harness.now(job).artifacts


@pytest.mark.parametrize(
    "answer",
    [
        *(reply(429), reply(429, {"retry-after": "1"}), reply(401)),
        UpstreamUnreachable("refused"),
    ],
)
def test_history_of_job_that_no_provider_accepts(
    deadline: float, answer: HttpReply | Exception
) -> None:
    harness = harness_of(deadline)
    harness.answer(CREATE, answer)
    assert history_of(harness, harness.accepted()) <= limit_of(deadline)


@pytest.mark.parametrize("capability", ["key", "lookup"])
def test_history_of_unconfirmed_submission(deadline: float, capability: str) -> None:
    harness = harness_of(deadline, capability)
    harness.answer(CREATE, reply(503))
    harness.answer(LOOKUP_CALL, reply(503))
    assert history_of(harness, harness.accepted()) <= limit_of(deadline)


def test_history_of_output_that_cannot_be_downloaded(deadline: float) -> None:
    harness = harness_of(deadline)
    harness.answer(POLL_CALL, video("completed"))
    harness.http_client.files[CONTENT] = DownloadInterrupted("the output's URL answered 403")
    assert history_of(harness, harness.accepted()) <= MAX_EVENTS_HOUR


@pytest.mark.parametrize(
    "answer", [video("in_progress"), reply(503, {"retry-after": "1"}), video("completed")]
)
def test_history_of_job_tracked_after_cancel(deadline: float, answer: HttpReply) -> None:
    """An archived output that cannot be downloaded is one of the cases."""
    harness = harness_of(deadline)
    harness.http_client.files[CONTENT] = DownloadInterrupted("the output's URL answered 403")
    job = harness.running()
    harness.change(job, lambda job, now: job.cancelled_by_client(now, UpstreamCancelled.NO))
    harness.finish(job)
    harness.answer(POLL_CALL, answer)
    assert history_of(harness, job) <= limit_of(deadline)
