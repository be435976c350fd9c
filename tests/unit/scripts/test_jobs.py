"""The stack's parameters and outputs, as `scripts/jobs.py` reads them."""

from types import SimpleNamespace
from typing import Any

import boto3
import pytest

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
    assert complete.create_job.daily_dollars == 0.55


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
    executions = SimpleNamespace(is_running=lambda _: False)
    deployment: Any = SimpleNamespace(find=lambda _: job, executions=executions)
    shown = list(jobs.show(deployment, job.id))
    assert [line for line in lines if line not in shown] == []
