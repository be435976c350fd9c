"""The stack's parameters and outputs, as `scripts/jobs.py` reads them."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import boto3
import pytest

from rushes.jobs.job import Job
from scripts import jobs
from tests.unit.jobs.plain_job import plain_job


@pytest.mark.parametrize(
    ("parameters", "daily_dollars"),
    [
        ([{"ParameterKey": "DailyDollars", "ParameterValue": "0.55"}], 0.55),
        ([{"ParameterKey": "DailyDollars", "ParameterValue": "0"}], None),
        ([{"ParameterKey": "OutputDays", "ParameterValue": "30"}], None),
        (None, None),
    ],
)
def test_retry_has_the_daily_budget_of_the_stack(
    parameters: list[dict[str, str]] | None,
    daily_dollars: float | None,
    monkeypatch: pytest.MonkeyPatch,
):
    described: dict[str, Any] = {"Outputs": [{"OutputKey": "TableName", "OutputValue": "jobs"}]}
    if parameters is not None:
        described["Parameters"] = parameters
    answer = {"Stacks": [described]}
    cloudformation = SimpleNamespace(describe_stacks=lambda **_: answer)
    monkeypatch.setattr(boto3, "client", lambda _: cloudformation)
    deployment = jobs.deployment_of("rushes")
    assert deployment == jobs.Deployment({"TableName": "jobs"}, daily_dollars)
    monkeypatch.setattr(boto3, "client", lambda *_, **__: None)
    complete = jobs.Deployment({"TableName": "", "BucketName": "", "StateMachineArn": ""}, 0.55)
    assert complete.create_job.limits.defaults.daily_dollars == 0.55


@pytest.mark.parametrize(
    ("fields", "lines"),
    [
        ({"model": "fal/fast", "cost": 1.2}, ["  model fal/fast, price $1.20"]),
        ({}, ["  model sandbox/one, price unknown"]),
        (
            {
                "finished_at": 160.0,
                "error": {"code": "upstream_refused", "message": "duration must be 8s"},
            },
            ["  1970-01-01 00:02:40  ended: upstream_refused: duration must be 8s"],
        ),
    ],
)
def test_show_has_the_price_and_the_error(fields: dict[str, Any], lines: list[str]):
    job = plain_job(**fields)
    deployment = deployment_with(job)
    shown = list(jobs.show(deployment, job.id))
    assert [line for line in lines if line not in shown] == []


def deployment_with(job: Job, last_poll: float | None = None) -> Any:
    """Return a deployment whose only job this is."""
    executions = SimpleNamespace(is_running=lambda _: False)
    return SimpleNamespace(find=lambda _: job, executions=executions, last_poll=lambda _: last_poll)


@pytest.mark.parametrize(
    ("fields", "last_poll", "lines"),
    [
        (
            {"operation": {"id": "up-1"}, "request_id": "req=1"},
            None,
            ["  at sandbox: model one, id up-1", "  request id req=1"],
        ),
        (
            {"operation": {"id": "up-1"}, "progress": 40, "failing_since": 100.0},
            160.0,
            [
                "  last poll 1970-01-01 00:02:40, progress 40 %",
                "  polls fail since 1970-01-01 00:01:40",
            ],
        ),
        (
            {"status": "completed", "finished_at": 160.0, "cost": 0.4, "generated_at": 150.0},
            None,
            ["  at sandbox: model one", "  cost $0.40"],
        ),
        (
            {
                "status": "failed",
                "finished_at": 160.0,
                "cost": 0.4,
                "error": {"code": "upstream_refused", "message": "no"},
            },
            None,
            ["  cost $0.00"],
        ),
    ],
)
def test_show_has_the_state_at_the_provider(
    fields: dict[str, Any], last_poll: float | None, lines: list[str]
):
    job = plain_job(**fields)
    shown = list(jobs.show(deployment_with(job, last_poll), job.id))
    assert [line for line in lines if line not in shown] == []


UNPAID: dict[str, Any] = {"code": "upstream_account", "message": "kling refuses (1102)"}


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        (
            {
                "finished_at": 160.0,
                "error": UNPAID,
                "outcome": {"status": "failed", "error": UNPAID, "detail": "HTTP 429: top up"},
            },
            (
                "  1970-01-01 00:02:40  ended: upstream_account: kling refuses (1102)"
                " [HTTP 429: top up]"
            ),
        ),
        (
            {
                "attempts": (
                    {
                        "model": "kling/3",
                        "provider": "kling",
                        "operation": None,
                        "started_at": 100.0,
                        "ended_at": 160.0,
                        "error": {**UNPAID, "upstream_code": "1102"},
                        "detail": "HTTP 429: top up",
                    },
                )
            },
            (
                "  1970-01-01 00:02:40  failed over from kling: upstream_account (1102):"
                " kling refuses (1102) [HTTP 429: top up]"
            ),
        ),
        (
            {
                "waiting": {
                    "error": {"code": "upstream_unreachable", "message": "cannot be reached"},
                    "detail": "h: ConnectError",
                    "since": 160.0,
                    "tries": 3,
                }
            },
            (
                "  waits for sandbox since 00:02:40, 3 tries: "
                "upstream_unreachable: cannot be reached"
                " [h: ConnectError]"
            ),
        ),
    ],
)
def test_show_has_the_words_of_the_provider(fields: dict[str, Any], line: str):
    job = plain_job(**fields)
    deployment = deployment_with(job)
    assert line in list(jobs.show(deployment, job.id))


DEAD_LETTER: dict[str, Any] = {
    "status": "failed",
    "stage": "finished",
    "finished_at": 160.0,
    "track_until": 86_560.0,
    "operation": {"id": "up-1"},
    "outputs": ({"url": "https://cdn.example/1?signature=s"},),
    "error": {"code": "bad_output", "message": "output is empty"},
}


def test_show_has_the_places_of_a_dead_letter():
    job = plain_job(**DEAD_LETTER)
    deployment = deployment_with(job)
    shown = list(jobs.show(deployment, job.id))
    for line in (
        "  dead letter: the result is fetched again until 1970-01-02 00:02:40",
        "  at sandbox: model one, id up-1",
        "  output: https://cdn.example/1?signature=s",
    ):
        assert line in shown


def test_stuck_lists_overdue_jobs_and_dead_letters_only(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(jobs, "time", SimpleNamespace(time=lambda: 1000.0))
    found = (
        plain_job(id="letter", updated_at=990.0, **DEAD_LETTER),
        plain_job(id="overdue", updated_at=500.0),
        plain_job(id="running", updated_at=990.0, stage="running"),
    )
    deployment: Any = SimpleNamespace(jobs=SimpleNamespace(due=lambda *_: found))
    lines = list(jobs.stuck(deployment, ""))
    assert [line.split()[0] for line in lines] == ["letter", "overdue"]
    assert "dead letter: id up-1" in lines[0]


class States:
    """A client of Step Functions with the history of one execution, newest event first."""

    class exceptions:  # noqa: N801 - as boto3
        ExecutionDoesNotExist = LookupError

    def __init__(self, *entered: str) -> None:
        self.entered = entered
        self.arns: list[str] = []

    def get_execution_history(self, **call: Any) -> dict[str, Any]:
        self.arns.append(call["executionArn"])
        if not self.entered:
            raise LookupError
        return {
            "events": [
                {
                    "timestamp": datetime.fromtimestamp(200.0 - number, UTC),
                    **({"stateEnteredEventDetails": {"name": name}} if name else {}),
                }
                for number, name in enumerate(self.entered)
            ]
        }


@pytest.mark.parametrize(
    ("entered", "expected"),
    [
        (("Wait for provider", "", "Poll provider", "Poll provider"), 198.0),
        (("Submit to provider",), None),
        ((), None),
    ],
)
def test_last_poll_is_read_from_the_history_of_the_newest_execution(
    entered: tuple[str, ...], expected: float | None, monkeypatch: pytest.MonkeyPatch
):
    states = States(*entered)
    monkeypatch.setattr(boto3, "client", lambda _: states)
    deployment = jobs.Deployment({"StateMachineArn": "arn:aws:states:r:1:stateMachine:m"})
    assert deployment.last_poll(plain_job(executions=2)) == expected
    assert states.arns == ["arn:aws:states:r:1:execution:m:job_1-r2"]
