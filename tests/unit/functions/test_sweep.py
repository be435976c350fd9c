"""What wakes the sweeper: a schedule, or word of an execution that broke off."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from functions.sweep.app import lambda_handler
from rushes import wiring
from rushes.aws.step_functions import VERSION
from tests.harness import ACCOUNT, Harness

CASES = Path(__file__).parents[3] / "events/invoke/sweep"
CONTEXT: Any = SimpleNamespace(
    function_name="sweep",
    memory_limit_in_mb=512,
    invoked_function_arn="arn:aws:lambda:eu-central-1:000000000000:function:sweep",
    aws_request_id="request",
)


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch) -> Harness:
    harness = Harness()
    overdue = SimpleNamespace(sweep=lambda: 0)
    monkeypatch.setattr(wiring, "sweeper", lambda: harness.sweeper)
    monkeypatch.setattr(wiring, "overdue", lambda: overdue)
    return harness


def event(case: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((CASES / case).read_text("utf-8"))
    return read


def test_word_of_a_broken_execution_brings_its_job_back_at_once(harness: Harness) -> None:
    job, other = harness.running(), harness.running()
    for each in (job, other):
        harness.executions.running[each.id] = False
    word = event("broken_off.json")
    start = {"version": VERSION, "account": ACCOUNT, "job_id": job.id}
    word["detail"]["input"] = json.dumps(start)
    assert lambda_handler(word, CONTEXT) == {"repaired": 1}
    assert harness.now(job).executions == 2
    assert harness.now(other).executions == 1  # it is left to the schedule


def test_word_of_a_job_that_is_not_there_is_no_trouble(harness: Harness) -> None:
    assert harness.jobs.rows == {}
    assert lambda_handler(event("broken_off.json"), CONTEXT) == {"repaired": 0}


def test_the_schedule_has_all_jobs_looked_after(harness: Harness) -> None:
    jobs = [harness.running() for _ in range(2)]
    for job in jobs:
        harness.executions.running[job.id] = False
    harness.clock.advance(60)
    assert lambda_handler(event("scheduled.json"), CONTEXT) == {"repaired": 2}
