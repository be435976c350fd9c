"""Times of the sweeper's checks: a job that advances costs no check, one that stops is found."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from rushes.errors import AwsUnavailable
from rushes.jobs.job import Job
from rushes.jobs.job_state import MIN_CHECK_DELAY, STALE_AFTER
from rushes.jobs.status import Stage
from rushes.ports.providers import Timing
from rushes.workflow import wait_times
from rushes.workflow.paced_executions import PacedExecutions
from tests.fakes import FakeClock, FakeExecutions
from tests.harness import Harness, reply, video


def check_at(harness: Harness, job: Job) -> float:
    """The time until the next check."""
    at = harness.now(job).next_check_at
    assert at is not None
    return at - harness.clock()


def writes_of(harness: Harness, job: Job) -> int:
    return harness.now(job).version


def describes(harness: Harness) -> list[str]:
    """Return the names of the executions that the sweeper asks for, from now on."""
    asked: list[str] = []
    is_running = harness.executions.is_running

    def ask(job: Job) -> bool | None:
        asked.append(job.execution_name)
        return is_running(job)

    harness.executions.is_running = ask  # type: ignore[method-assign]
    return asked


@pytest.mark.parametrize("requested", [None, 5, 45, 300])
def test_polls_without_news_cost_no_check(harness: Harness, requested: int | None) -> None:
    """For an hour, with a sweep each minute."""
    headers = {"retry-after": str(requested)} if requested else {}
    answer = reply(200, headers, id="up-1", status="in_progress")
    job = harness.running(answer)
    before, asked, polls = writes_of(harness, job), describes(harness), 0
    swept = harness.clock()
    while harness.clock() - job.created_at < 3600 / 2:
        wait = harness.poll(job)["wait_seconds"]
        polls += 1
        for _ in range(wait):
            harness.clock.advance(1)
            if harness.clock() - swept >= 60:
                swept = harness.clock()
                harness.sweeper.sweep()
    assert asked == []
    assert writes_of(harness, job) - before <= 1800 / MIN_CHECK_DELAY


@pytest.mark.parametrize("state", [Harness.running, Harness.waiting])
def test_execution_that_is_lost_is_found_a_minute_after_its_next_step_was_due(
    harness: Harness, state: object
) -> None:
    job = state(harness, video("in_progress"))  # type: ignore[operator]
    for _ in range(20):
        wait = harness.poll(job)["wait_seconds"]
        assert MIN_CHECK_DELAY <= check_at(harness, job) - wait <= STALE_AFTER
        harness.clock.advance(wait)


def test_first_poll_delay_moves_the_check_behind_it(harness: Harness) -> None:
    job = harness.accepted(video("in_progress"))
    harness.timings.put(wait_times.timing_key(job), Timing(count=9, mean=5.5, variance=0.01))
    wait = harness.submit(job)["wait_seconds"]
    assert wait > STALE_AFTER
    assert check_at(harness, job) == wait + STALE_AFTER


def test_job_that_waits_for_its_create_call_costs_no_check(harness: Harness) -> None:
    """Its execution is known to run: it is no longer looked at in each sweep."""
    job = harness.accepted(reply(429, {"retry-after": "40"}))
    wait = harness.submit(job)["wait_seconds"]
    assert harness.now(job).stage is Stage.WAITING
    asked = describes(harness)
    harness.sweeper.sweep()
    assert asked == []
    assert check_at(harness, job) >= wait + MIN_CHECK_DELAY


def test_failed_plan_does_not_fail_the_step(harness: Harness) -> None:
    job = harness.running(video("in_progress"))
    harness.clock.advance(STALE_AFTER)

    def unavailable(*_: object) -> Job:
        raise AwsUnavailable("throttled")

    harness.jobs.change = unavailable  # type: ignore[method-assign, assignment]
    assert harness.poll(job)["status"] == "pending"


def test_cancel_brings_the_check_forward(harness: Harness) -> None:
    """A new execution stops the job."""
    job = harness.running()
    harness.change(job, lambda job, now: job.planned(now, 300))
    harness.service.cancel(job.account, job.id)
    assert check_at(harness, job) == STALE_AFTER


def test_paced_executions_ask_at_a_limited_rate() -> None:
    clock, executions = FakeClock(100.0), FakeExecutions()
    slept: list[float] = []
    lock = threading.Lock()

    def sleep(seconds: float) -> None:
        with lock:
            slept.append(round(seconds, 3))

    paced = PacedExecutions(executions, 8, clock, sleep)
    job = Harness().accepted()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: paced.is_running(job), range(16)))
    assert sorted(slept) == [number / 8 for number in range(16)]
    clock.advance(60)
    assert paced.is_running(job) is None
    assert slept[-1] == 0
