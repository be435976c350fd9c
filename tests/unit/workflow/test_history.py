"""How long an execution's history becomes: Step Functions ends one that has 25,000 events."""

from collections.abc import Callable

import pytest
from typing_extensions import override

from rushes.catalog.models import read_catalog
from rushes.errors import DownloadInterrupted, UpstreamUnreachable
from rushes.jobs.job import Job
from rushes.jobs.status import UpstreamCancelled
from rushes.ports import HttpReply, RateLimit
from rushes.workflow.task import Outcome
from tests.fakes import FakeRateLimits
from tests.harness import ACCOUNT, ASK, CONTENT, CREATE, Harness, reply, video

HOUR, DAY = 3600.0, 86_400.0
AN_HOURS, ANY = 1_500, 24_000
"""The most events that a job of an hour may have, and any job at all: some way from the limit."""
TASK, WAIT, CHOICE, AROUND = 5, 2, 2, 4
"""Events of each kind of state: a task is entered, scheduled, started, done and left."""

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
SEARCH = "GET /videos?limit=100&order=desc"


def harness_of(deadline: float, idempotency: str = "none") -> Harness:
    protocol = "openai_with_lookup" if idempotency == "lookup" else "openai_compatible"
    text = CATALOG.replace("PROTOCOL", protocol).replace("IDEMPOTENCY", idempotency)
    harness = Harness(catalog=read_catalog(text.replace("DEADLINE", str(int(deadline)))))
    harness.answer(CREATE, video("queued"))
    harness.answer(ASK, video("in_progress"))
    return harness


def history_of(
    harness: Harness, job: Job, step: Callable[[Harness, Job], Outcome] = Harness.submit
) -> int:
    """The number of events of an execution that goes all the way."""
    events, steps = AROUND + TASK, {"submitted": Harness.poll, "succeeded": Harness.collect}
    while True:
        outcome = step(harness, job)
        events += TASK + CHOICE
        if outcome["status"] == "ending":
            harness.finish(job)
            return events
        if outcome["wait_seconds"]:
            events += WAIT
            harness.clock.advance(outcome["wait_seconds"])
        if outcome["status"] == "pending":
            step = Harness.poll if step is Harness.collect else step
        else:
            step = steps[outcome["status"]]
        assert events < 100_000


def limit_of(deadline: float) -> int:
    return AN_HOURS if deadline == HOUR else ANY


@pytest.mark.parametrize("deadline", [HOUR, DAY])
@pytest.mark.parametrize(
    "answer",
    [
        video("in_progress"),
        reply(503),
        reply(429, {"retry-after": "1"}),
        reply(503, {"retry-after": "0"}),
        UpstreamUnreachable("refused"),
    ],
)
def test_a_job_that_its_provider_never_finishes(
    deadline: float, answer: HttpReply | Exception
) -> None:
    harness = harness_of(deadline)
    harness.answer(ASK, answer)
    harness.answer("DELETE /videos/up-1", reply(200))
    assert history_of(harness, harness.accepted()) <= limit_of(deadline)


class Crowded(FakeRateLimits):
    """Each place goes to somebody else."""

    @override
    def admit(self, provider: str, now: float, interval: float) -> bool:
        return False


class Held(FakeRateLimits):
    """Others are told again and again to have a little patience."""

    now: Callable[[], float]

    @override
    def get(self, provider: str) -> RateLimit:
        return RateLimit(not_before=self.now() + 2)


@pytest.mark.parametrize("deadline", [HOUR, DAY])
@pytest.mark.parametrize("rate_limits", [Crowded, Held])
def test_a_job_that_never_gets_its_turn(deadline: float, rate_limits: type[FakeRateLimits]) -> None:
    harness = harness_of(deadline)
    harness.rate_limits = rate_limits()
    if isinstance(harness.rate_limits, Held):
        harness.rate_limits.now = harness.clock
    assert history_of(harness, harness.accepted()) <= limit_of(deadline)
    assert not harness.creates()


@pytest.mark.parametrize("deadline", [HOUR, DAY])
@pytest.mark.parametrize(
    "answer", [reply(429), reply(429, {"retry-after": "1"}), UpstreamUnreachable("refused")]
)
def test_a_job_that_nobody_takes(deadline: float, answer: HttpReply | Exception) -> None:
    harness = harness_of(deadline)
    harness.answer(CREATE, answer)
    assert history_of(harness, harness.accepted()) <= limit_of(deadline)


@pytest.mark.parametrize("deadline", [HOUR, DAY])
@pytest.mark.parametrize("capability", ["key", "lookup"])
def test_a_create_call_of_which_nothing_is_ever_heard(deadline: float, capability: str) -> None:
    harness = harness_of(deadline, capability)
    harness.answer(CREATE, reply(503))
    harness.answer(SEARCH, reply(503))
    assert history_of(harness, harness.accepted()) <= limit_of(deadline)


@pytest.mark.parametrize("deadline", [HOUR, DAY])
def test_a_film_that_cannot_be_fetched(deadline: float) -> None:
    harness = harness_of(deadline)
    harness.answer(ASK, video("completed"))
    harness.http_client.files[CONTENT] = DownloadInterrupted("the output's address answered 403")
    assert history_of(harness, harness.accepted()) <= AN_HOURS


@pytest.mark.parametrize("deadline", [HOUR, DAY])
@pytest.mark.parametrize("answer", [video("in_progress"), reply(503, {"retry-after": "1"})])
def test_a_result_that_is_waited_for_after_a_cancel(deadline: float, answer: HttpReply) -> None:
    harness = harness_of(deadline)
    job = harness.running()
    harness.jobs.change(
        ACCOUNT, job.id, lambda it: it.cancelled_by_client(harness.clock(), UpstreamCancelled.NO)
    )
    harness.finish(job)
    harness.answer(ASK, answer)
    assert history_of(harness, job) <= limit_of(deadline)


@pytest.mark.parametrize("deadline", [HOUR, DAY])
def test_a_film_that_comes_late_and_cannot_be_fetched(deadline: float) -> None:
    harness = harness_of(deadline)
    job = harness.running()
    harness.jobs.change(
        ACCOUNT, job.id, lambda it: it.cancelled_by_client(harness.clock(), UpstreamCancelled.NO)
    )
    harness.finish(job)
    harness.answer(ASK, video("completed"))
    harness.http_client.files[CONTENT] = DownloadInterrupted("the output's address answered 403")
    assert history_of(harness, job) <= limit_of(deadline)
