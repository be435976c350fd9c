"""Drills with a rejected API key: jobs of many accounts on the queue of one state machine."""

import heapq
import itertools
from collections.abc import Callable

import pytest
from typing_extensions import override

from rushes.jobs.job import Job
from rushes.jobs.status import Stage
from rushes.metrics import Metric
from rushes.ports.http import HttpCall, HttpReply, Upstream
from rushes.workflow import rate_limiter
from rushes.workflow.rate_limiter import MAX_HOLD_SECONDS
from rushes.workflow.submit import KEY_RETRY_DELAYS
from tests.fakes import FakeHttpClient
from tests.harness import Harness, reply, video

A, B, C = "account-a", "account-b", "account-c"
ONE, PLAIN = "sandbox/one", "sandbox/plain"
CALL_SECONDS = 0.2
MINUTE = 60.0
LONGEST = MAX_HOLD_SECONDS + KEY_RETRY_DELAYS[-1] + MINUTE
"""A trial call at the end of the longest hold is followed by the longest retry delay."""

Rule = Callable[[str, str, float], bool]
"""Whether the provider accepts the API key, by model, prompt and seconds since the beginning."""


class KeyCheckingClient(FakeHttpClient):
    """A provider that checks its API key by a rule; the prompt of a job names its account."""

    def __init__(self, harness: Harness, accepts: Rule) -> None:
        super().__init__()
        self.clock = harness.clock
        self.began = harness.clock()
        self.accepts = accepts
        self.rejected = 0
        self.created: list[str] = []

    @override
    def send(self, upstream: Upstream, call: HttpCall) -> HttpReply:
        fields = {str(name): str(value) for name, value in (call.form or {}).items()}
        elapsed = self.clock() - self.began
        if not self.accepts(fields["model"], fields["prompt"], elapsed):
            self.rejected += 1
            return reply(401, error={"message": "invalid API key"})
        self.created.append(fields["prompt"])
        return video("queued")


class Drill:
    def __init__(self, harness: Harness, accepts: Rule) -> None:
        self.harness = harness
        self.client = harness.http_client = KeyCheckingClient(harness, accepts)
        self.numbers = itertools.count()
        self.queue: list[tuple[float, int, Job]] = []
        self.waited: dict[str, float] = {}
        """Seconds until the create call was accepted, by job."""

    def add(self, account: str, jobs: int = 1, model: str = ONE) -> list[Job]:
        added = []
        for _ in range(jobs):
            prompt = f"{account} {next(self.numbers)}"
            job = self.harness.accepted(account=account, prompt=prompt, model=model)
            heapq.heappush(self.queue, (self.harness.clock(), next(self.numbers), job))
            added.append(job)
        return added

    def run(self, seconds: float) -> None:
        clock = self.harness.clock
        end = clock() + seconds
        while self.queue and self.queue[0][0] <= end:
            due, number, job = heapq.heappop(self.queue)
            clock.now = max(clock.now, due)
            step = self.harness.submit(job)
            if step["status"] == "pending":
                next_due = clock() + step["wait_seconds"] + CALL_SECONDS
                heapq.heappush(self.queue, (next_due, number, job))
            elif step["status"] == "submitted":
                self.waited[job.id] = clock() - job.created_at
        clock.now = max(clock.now, end)

    def error_codes(self, jobs: list[Job]) -> list[str | None]:
        return [self.harness.error_code(job) for job in jobs]


def test_key_without_permission_for_a_model_delays_that_account_only(harness: Harness) -> None:
    """The provider rejects the calls of one account for one model."""
    drill = Drill(harness, lambda model, prompt, _: A not in prompt or model == "plain")
    rejected = drill.add(A, 50)
    drill.run(10)
    others = drill.add(B, model=PLAIN) + drill.add(A, model=PLAIN)
    drill.run(5)
    others += drill.add(B)
    drill.run(20 * MINUTE)
    assert [drill.waited[job.id] <= 1 for job in others] == [True] * 3
    assert drill.error_codes(rejected) == ["upstream_unauthorized"] * 50
    assert drill.client.rejected <= 15


def test_key_without_permission_for_a_model_costs_few_calls(harness: Harness) -> None:
    """No call of another account succeeds meanwhile; each job ends with the reason."""
    drill = Drill(harness, lambda model, *_: model == "plain")
    rejected = drill.add(A, 50)
    drill.run(25 * MINUTE)
    assert drill.error_codes(rejected) == ["upstream_unauthorized"] * 50
    assert drill.client.rejected <= 12
    assert max(harness.now(job).updated_at - job.created_at for job in rejected) <= LONGEST


@pytest.mark.parametrize("jobs", [1, 2, 3, 50])
@pytest.mark.parametrize("accounts", [1, 3])
def test_key_renewed_after_five_minutes_fails_no_job(
    harness: Harness, jobs: int, accounts: int
) -> None:
    drill = Drill(harness, lambda *given: given[2] >= 5 * MINUTE)
    held = [job for name in (A, B, C)[:accounts] for job in drill.add(name, jobs)]
    drill.run(15 * MINUTE)
    assert drill.error_codes(held) == [None] * len(held)
    assert sorted(drill.waited) == sorted(job.id for job in held)
    assert sorted(drill.client.created) == sorted(job.request.prompt for job in held)
    assert max(drill.waited.values()) <= 10 * MINUTE
    assert drill.client.rejected <= 12
    assert {harness.now(job).stage for job in held} == {Stage.RUNNING}


@pytest.mark.parametrize("outage", [1, 4, 9])
def test_jobs_accepted_during_the_outage_are_held_as_well(harness: Harness, outage: int) -> None:
    drill = Drill(harness, lambda *given: given[2] >= outage * MINUTE)
    jobs = []
    for _ in range(2 * outage):
        jobs += drill.add(A, 2) + drill.add(B, 1) + drill.add(A, 1, model=PLAIN)
        drill.run(30)
    drill.run(20 * MINUTE)
    failed = [code for code in drill.error_codes(jobs) if code]
    assert failed == []
    assert len(drill.client.created) == len(jobs)


def test_revoked_key_fails_jobs_after_a_bounded_time(harness: Harness) -> None:
    drill = Drill(harness, lambda *_: False)
    jobs = drill.add(A, 20) + drill.add(B, 20)
    drill.run(25 * MINUTE)
    assert drill.error_codes(jobs) == ["upstream_unauthorized"] * 40
    assert max(harness.now(job).updated_at - job.created_at for job in jobs) <= LONGEST
    assert drill.client.rejected <= 12


def test_alarm_metric_counts_each_opening(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[Metric] = []
    monkeypatch.setattr(rate_limiter, "count", lambda metric, _: counted.append(metric))
    drill = Drill(harness, lambda *_: False)
    drill.add(A, 2)
    drill.run(30)
    assert counted == []
    drill.add(A, 1)
    drill.run(30)
    assert counted == [Metric.PROVIDER_KEY_REJECTED]
    drill.run(2 * MINUTE)
    assert counted == [Metric.PROVIDER_KEY_REJECTED] * 2
