"""Sweep function: called by a schedule, and by events of executions and uploads."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from functions.sweep import app
from functions.sweep.app import lambda_handler
from local.packaging import read_template
from rushes.aws.step_functions import VERSION
from rushes.errors import AwsUnavailable
from rushes.wiring import sweep
from rushes.workflow import oversized_uploads
from rushes.workflow.oversized_uploads import OversizedUploads
from tests.fakes import FakeClock
from tests.harness import ACCOUNT, Harness
from tests.lambda_context import InvocationContext

ROOT = Path(__file__).parents[3]
CASES = ROOT / "events/invoke/sweep"
FUNCTION = read_template(ROOT / "template.yaml")["Resources"]["SweepFunction"]["Properties"]
CONTEXT: Any = InvocationContext("sweep")


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch) -> Harness:
    harness = Harness()
    delivery_sweeper = SimpleNamespace(sweep=lambda _: 0)
    monkeypatch.setattr(sweep, "job_sweeper", lambda: harness.sweeper)
    monkeypatch.setattr(sweep, "delivery_sweeper", lambda: delivery_sweeper)
    monkeypatch.setattr(sweep, "oversized_uploads", lambda: OversizedUploads(harness.blobs))
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


@pytest.mark.parametrize(
    "start",
    [
        *(None, 5, "", "not JSON", "[]", "{}", "null", "9" * 5000, "[" * 100_000),
        json.dumps({"account": ACCOUNT}),
        json.dumps({"account": 1, "job_id": ["x"]}),
    ],
)
@pytest.mark.usefixtures("harness")
def test_event_of_an_execution_without_a_job_repairs_nothing(start: object) -> None:
    failed = event("broken_off.json")
    failed["detail"]["input"] = start
    assert lambda_handler(failed, CONTEXT) == {"repaired": 0}
    del failed["detail"]["input"]
    assert lambda_handler(failed, CONTEXT) == {"repaired": 0}


def test_event_of_an_oversized_upload_deletes_it_only(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = event("oversized_upload.json")
    key = upload["detail"]["object"]["key"]
    harness.blobs.objects = {key: bytes(1000), "uploads/demo/1.mp3": bytes(1000)}
    monkeypatch.setattr(oversized_uploads, "MAX_UPLOAD_BYTES", 999)
    assert lambda_handler(upload, CONTEXT) == {"deleted": 1}
    assert set(harness.blobs.objects) == {"uploads/demo/1.mp3"}


def test_schedule_repairs_all_jobs(harness: Harness) -> None:
    jobs = [harness.running() for _ in range(2)]
    for job in jobs:
        harness.executions.running[job.id] = False
    harness.clock.advance(60)
    assert lambda_handler(event("scheduled.json"), CONTEXT) == {"repaired": 2}


class TimedSweeper:
    """Uses up its time: `seconds` on the clock until there is none left."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.begun: float | None = None
        self.seconds = 0.0
        self.error: Exception | None = None

    def sweep(self, has_time: Callable[[], bool]) -> int:
        self.begun = self.clock()
        if self.error:
            raise self.error
        while has_time():
            self.clock.advance(1)
        self.seconds = self.clock() - self.begun
        return 1


@pytest.fixture
def sweepers(monkeypatch: pytest.MonkeyPatch) -> tuple[TimedSweeper, TimedSweeper]:
    clock = FakeClock(1000.0)
    jobs, deliveries = TimedSweeper(clock), TimedSweeper(clock)
    monkeypatch.setattr(sweep, "job_sweeper", lambda: jobs)
    monkeypatch.setattr(sweep, "delivery_sweeper", lambda: deliveries)
    monkeypatch.setattr(app, "time", SimpleNamespace(monotonic=clock))
    return jobs, deliveries


@pytest.mark.parametrize("case", ["scheduled.json", "due_deliveries.json"])
def test_sweep_ends_before_the_time_limit_of_the_function(
    sweepers: tuple[TimedSweeper, TimedSweeper], case: str
) -> None:
    """A slow call takes up to 15 seconds more: two tries of 2 + 5 seconds."""
    assert list(lambda_handler(event(case), CONTEXT).values()) == [1]
    busy, idle = sweepers if case == "scheduled.json" else reversed(sweepers)
    assert (busy.seconds, idle.begun) == (40, None)
    assert busy.seconds + 15 < FUNCTION["Timeout"]


def test_each_schedule_has_its_own_work() -> None:
    """Many jobs do not delay the deliveries, nor does an error of their sweeper."""
    schedules = {
        name: rule["Properties"].get("Input")
        for name, rule in FUNCTION["Events"].items()
        if rule["Type"] == "Schedule"
    }
    assert schedules == {"EveryMinute": None, "DueDeliveries": json.dumps(app.DELIVERIES)}
    assert event("due_deliveries.json") == app.DELIVERIES


def test_error_of_a_sweeper_fails_the_invocation(
    sweepers: tuple[TimedSweeper, TimedSweeper],
) -> None:
    """For the alarm."""
    jobs, _ = sweepers
    jobs.error = AwsUnavailable("Query returned ThrottlingException")
    with pytest.raises(AwsUnavailable):
        lambda_handler(event("scheduled.json"), CONTEXT)
