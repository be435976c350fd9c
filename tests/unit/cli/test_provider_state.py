"""`rushes provider status`, `pause` and `resume`, on a deployment in this process."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from cli.publication import Publisher
from rushes.aws.dynamodb.audit import AuditTable
from rushes.aws.dynamodb.provider_limits import RateLimitTable
from rushes.jobs.job import Job
from rushes.ports.audit import AuditFilter
from rushes.ports.providers import Circuit, RateLimit
from tests.unit.cli.test_app import CONFIG, SESSION, Deployment
from tests.unit.jobs.plain_job import plain_job

PAUSE = ("provider", "pause", "sandbox", "--reason", "new data centre")


@pytest.fixture
def deployment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    with mock_aws():
        made = Deployment(SESSION, tmp_path, monkeypatch)
        Publisher(made.target.store, "").push(CONFIG)
        yield made


def limits_of(deployment: Deployment) -> RateLimitTable:
    return RateLimitTable(deployment.client("dynamodb"), "jobs")


def running(**changes: Any) -> Job:
    fields = {"provider": "sandbox", "operation": {"id": "up-1"}, **changes}
    return plain_job(**fields)


def test_pause_and_resume_change_the_state_and_the_audit_log(deployment: Deployment):
    result = deployment.rushes(*PAUSE)
    assert (result.exit_code, result.stdout) == (0, "sandbox is paused until it is resumed\n")
    view = deployment.json("provider", "status", "sandbox")
    assert (view["state"], view["pause"]["reason"]) == ("paused", "new data centre")
    result = deployment.rushes("provider", "resume", "sandbox")
    assert result.stdout == "sandbox resumed; waiting jobs begin within a minute\n"
    assert deployment.json("provider", "resume", "sandbox") == {
        "provider": "sandbox",
        "was_paused": False,
    }
    audit = AuditTable(deployment.client("dynamodb"), "jobs")
    entries = audit.page(AuditFilter(target="provider:sandbox"), 10).entries
    assert [entry.action for entry in reversed(entries)] == ["provider.pause", "provider.resume"]
    assert all(entry.actor.startswith("arn:aws:") for entry in entries)


@pytest.mark.parametrize("until", ["30m", "2h", "1d", "2999-01-01T00:00:00Z"])
def test_pause_with_an_end(deployment: Deployment, until: str):
    result = deployment.rushes(*PAUSE, "--until", until)
    if until.startswith("2999"):
        assert (result.exit_code, "30 days ahead at most" in result.stderr) == (2, True)
        return
    assert result.stdout.startswith("sandbox is paused until 2")
    assert limits_of(deployment).get("sandbox").pause is not None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("provider", "pause", "sandbox", "--reason", " "), "reason must have 1 to 200"),
        (("provider", "pause", "sandbix", "--reason", "x"), "similar: sandbox"),
        ((*PAUSE, "--until", "later"), "or 30m, 2h, 1d from now (got 'later')"),
        ((*PAUSE, "--until", "2001-01-01T00:00:00Z"), "until must be in the future"),
        ((*PAUSE, "--until", "2001-01-01T00:00:00"), "--until must be a UTC day"),
        (("provider", "resume", "absent"), "the configuration has no provider 'absent'"),
        (("provider", "status", "absent"), "the configuration has no provider 'absent'"),
    ],
)
def test_other_values_are_refused_by_name(
    deployment: Deployment, arguments: tuple[str, ...], message: str
):
    result = deployment.rushes(*arguments)
    code = 1 if "similar" in message or "has no provider" in message else 2
    assert (result.exit_code, message in result.stderr) == (code, True), result.output
    assert limits_of(deployment).get("sandbox").pause is None


def test_drain_waits_until_no_job_runs(deployment: Deployment, monkeypatch: pytest.MonkeyPatch):
    deployment.jobs = (running(), running(), running(operation=None))
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        deployment.jobs = deployment.jobs[1:]

    monkeypatch.setattr("cli.provider_state_commands.time.sleep", sleep)
    result = deployment.rushes(*PAUSE, "--drain", "--json")
    assert json.loads(result.stdout)["is_drained"] is True
    assert result.stderr.splitlines() == [
        "sandbox: 2 jobs run, 0 create calls are sent",
        "sandbox: 1 jobs run, 0 create calls are sent",
    ]
    assert len(waits) == 2


def test_status_lists_all_providers_with_their_open_jobs(deployment: Deployment):
    deployment.jobs = (running(), running(operation=None))
    deployment.rushes(*PAUSE)
    lines = deployment.rushes("provider", "status").stdout.splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [
        ["other", "available"],
        ["sandbox", "paused"],
    ]
    assert lines[2].endswith("1        1        new data centre")


def test_status_of_a_provider_explains_circuits_and_jobs(deployment: Deployment):
    circuit = Circuit(
        rejections=4, failing_since=1e9, open_until=9e9, reason="sandbox cannot be reached"
    )
    table = limits_of(deployment)
    table.decide("sandbox", lambda limit: (RateLimit(circuits={"*": circuit}), limit))
    text = deployment.rushes("provider", "status", "sandbox").stdout
    assert text.startswith("sandbox: circuit_open\n")
    assert "circuit of all models: open until" in text
    assert "4 failed calls: sandbox cannot be reached" in text
    assert "calls of the last hour: 0, failed 0" in text
    assert "jobs: 0 waiting, 0 creating, 0 running" in text
