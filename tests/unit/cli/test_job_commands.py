"""`./rushes job paused`, `./rushes job resume`, `./rushes job fail`, `./rushes job orphans`."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from cli import deployment_options
from cli.target import Target
from rushes.aws.dynamodb.jobs import JobTable
from rushes.jobs.job import Job
from rushes.jobs.job_id import new_id
from rushes.jobs.pause import Pause, PauseReason
from rushes.jobs.status import JobStatus
from tests.faults.moto_stack import ENVIRONMENT, MotoStack
from tests.unit.cli.test_app import run
from tests.unit.jobs.plain_job import plain_job

NOW = time.time()
REASONS = {"job_1": PauseReason.RESTORED, "job_2": PauseReason.RESTARTS, "job_3": None}
SINCE = "2026-11-20T10:00:00Z"


class Deployment:
    def __init__(self, stack: MotoStack) -> None:
        stack.reset()
        self.stack = stack
        session = boto3.Session("id", "secret", region_name="us-east-1")
        bucket, table = ENVIRONMENT["BUCKET_NAME"], ENVIRONMENT["TABLE_NAME"]
        machine = ENVIRONMENT["STATE_MACHINE_ARN"]
        self.target = Target("rushes", session, bucket, table, "", state_machine=machine)
        self.jobs = JobTable(stack.client("dynamodb"), table)
        for job_id, reason in REASONS.items():
            self.jobs.add(job(job_id, reason))

    def find(self, job_id: str) -> Job:
        found = self.jobs.get("demo", job_id)
        assert found is not None
        return found

    def json(self, *arguments: str) -> Any:
        result = run("jobs", *arguments, "--stack", "rushes", "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)


def job(job_id: str, reason: PauseReason | None) -> Job:
    pause = reason and Pause(
        reason=reason, detail="why", since=NOW, check_at=NOW + 3600, needs_operator=True
    )
    quarantine = {"epoch": "old", "restored_to": "new", "lease_until": NOW}
    fields = quarantine if reason is PauseReason.RESTORED else {}
    times = {"created_at": NOW, "updated_at": NOW, "deadline_at": NOW + 3600}
    return plain_job(id=job_id, pause=pause, **times, **fields)


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    stack = MotoStack()
    try:
        deployment = Deployment(stack)

        def find_target(stack: str | None, *, local: bool, env_file: Path | None) -> Target:
            assert (stack, local, env_file) == ("rushes", False, None)
            return deployment.target

        monkeypatch.setattr(deployment_options, "find_target", find_target)
        yield deployment
    finally:
        stack.stop()


def test_paused_lists_the_jobs_that_wait_for_an_operator(deployment: Deployment) -> None:
    rows = deployment.json("paused")
    assert {row["job"]: row["reason"] for row in rows} == {
        "job_1": "restored",
        "job_2": "restarts",
    }
    table = run("jobs", "paused", "--stack", "rushes").stdout
    assert "job_1" in table
    assert "why" in table


def test_paused_lists_jobs_of_a_newer_release(deployment: Deployment) -> None:
    deployment.jobs.change("demo", "job_3", lambda job: Job.model_validate_json(upscaling(job)))
    (row,) = [row for row in deployment.json("paused") if row["job"] == "job_3"]
    assert (row["reason"], "upscaling" in row["detail"]) == ("newer release", True)


def upscaling(job: Job) -> str:
    document = json.loads(job.model_dump_json())
    return json.dumps({**document, "stage": "upscaling", "version": job.version + 1})


def test_resume_ends_the_pause_of_one_job(deployment: Deployment) -> None:
    result = run("jobs", "resume", "job_1", "--stack", "rushes")
    assert (result.exit_code, result.stdout[:13]) == (0, "resumed job_1")
    resumed = deployment.find("job_1")
    assert (resumed.pause, resumed.epoch, resumed.lease_until) == (None, "new", None)
    assert not resumed.is_quarantined
    assert deployment.find("job_2").pause is not None


def test_resume_ends_all_pauses_of_one_reason(deployment: Deployment) -> None:
    result = run("jobs", "resume", "--reason", "restarts", "--stack", "rushes")
    assert result.exit_code == 0
    assert [deployment.find(job_id).pause is None for job_id in REASONS] == [False, True, True]
    again = run("jobs", "resume", "--reason", "restarts", "--stack", "rushes")
    assert "no job waits" in again.stdout


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("resume",), 2),
        (("resume", "job_1", "--reason", "restored"), 2),
        (("resume", "job_3"), 1),
        (("fail", "job_9"), 1),
        (("orphans", "--since", "2099-01-01T00:00:00Z"), 2),
    ],
)
def test_wrong_use_changes_nothing(
    deployment: Deployment, arguments: tuple[str, ...], code: int
) -> None:
    before = [deployment.find(job_id) for job_id in REASONS]
    assert run("jobs", *arguments, "--stack", "rushes").exit_code == code
    assert [deployment.find(job_id) for job_id in REASONS] == before


@pytest.mark.parametrize(
    ("job_id", "error_code"), [("job_1", "upstream_outcome_unknown"), ("job_2", "internal_error")]
)
def test_fail_decides_the_outcome(deployment: Deployment, job_id: str, error_code: str) -> None:
    assert run("jobs", "fail", job_id, "--stack", "rushes").exit_code == 0
    outcome = deployment.find(job_id).outcome
    assert outcome is not None
    assert outcome.error is not None
    assert (outcome.status, outcome.error.code) == (JobStatus.FAILED, error_code)
    assert deployment.find(job_id).pause is None


def test_fail_refuses_a_job_with_an_outcome(deployment: Deployment) -> None:
    deployment.jobs.change("demo", "job_2", lambda job: job.stored(NOW, ()))
    result = run("jobs", "fail", "job_2", "--stack", "rushes")
    assert (result.exit_code, "resume it" in result.stderr) == (1, True)


def test_orphans_are_files_and_executions_without_a_job(deployment: Deployment) -> None:
    since = 1_795_168_800.0
    lost, old = new_id(since + 60, "0" * 20), new_id(since - 60, "0" * 20)
    known = new_id(since + 90, "0" * 20)
    deployment.jobs.add(job(known, None))
    s3 = deployment.stack.client("s3")
    for job_id in (lost, old, known):
        for folder in ("outputs", "inputs"):
            key = f"{folder}/demo/{job_id}/0.mp4"
            s3.put_object(Bucket=deployment.target.bucket, Key=key, Body=b"x")
    (orphan,) = deployment.json("orphans", "--since", SINCE)
    assert (orphan["account"], orphan["job_id"]) == ("demo", lost)
    assert sorted(orphan["folders"]) == [f"inputs/demo/{lost}/", f"outputs/demo/{lost}/"]
    assert lost in run("jobs", "orphans", "--since", SINCE, "--stack", "rushes").stdout
