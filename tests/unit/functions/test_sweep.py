"""Sweep function: called by a schedule and by events of failed executions."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from functions.sweep.app import lambda_handler
from rushes.aws.step_functions import VERSION
from rushes.wiring import sweep
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
    delivery_sweeper = SimpleNamespace(sweep=lambda: 0)
    monkeypatch.setattr(sweep, "job_sweeper", lambda: harness.sweeper)
    monkeypatch.setattr(sweep, "delivery_sweeper", lambda: delivery_sweeper)
    return harness


def event(case: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((CASES / case).read_text("utf-8"))
    return read


def test_failed_execution_event_restarts_its_job_only(harness: Harness) -> None:
    job, other = harness.running(), harness.running()
    for each in (job, other):
        harness.executions.running[each.id] = False
    failed = event("broken_off.json")
    start = {"version": VERSION, "account": ACCOUNT, "job_id": job.id}
    failed["detail"]["input"] = json.dumps(start)
    assert lambda_handler(failed, CONTEXT) == {"repaired": 1}
    assert harness.now(job).executions == 2
    assert harness.now(other).executions == 1  # left to the schedule


def test_failed_execution_event_of_an_unknown_job_repairs_nothing(harness: Harness) -> None:
    assert harness.jobs.rows == {}
    assert lambda_handler(event("broken_off.json"), CONTEXT) == {"repaired": 0}


def test_schedule_repairs_all_jobs(harness: Harness) -> None:
    jobs = [harness.running() for _ in range(2)]
    for job in jobs:
        harness.executions.running[job.id] = False
    harness.clock.advance(60)
    assert lambda_handler(event("scheduled.json"), CONTEXT) == {"repaired": 2}
