"""Lease: submit while another invocation changes the job."""

from rushes.jobs.job import Job
from rushes.jobs.request import Input, Role
from rushes.jobs.status import JobStatus, Stage
from rushes.workflow.lease import LEASE_SECONDS
from rushes.workflow.task import TO_FINISH
from tests.harness import ACCOUNT, PNG_BYTES, Harness

IMAGE_URL = "https://images.example/ball.png"


def test_concurrent_submit_makes_one_call(harness: Harness) -> None:
    job = harness.accepted()
    seen = []
    harness.jobs.before_write = lambda: seen.append(harness.submit(job)["status"])
    assert harness.submit(job)["status"] == "pending"
    assert seen == ["submitted"]
    assert len(harness.creates()) == 1


def test_submit_waits_for_lease_acquired_concurrently(harness: Harness) -> None:
    job = harness.accepted()
    harness.jobs.before_write = lambda: harness.change(
        job, lambda job, now: job.submitting(now, LEASE_SECONDS)
    )
    assert harness.submit(job) == {"status": "pending", "wait_seconds": LEASE_SECONDS}
    assert not harness.creates()


def test_cancel_during_input_fetch_prevents_create_call(harness: Harness) -> None:
    job = harness.accepted(inputs=[Input(role=Role.IMAGE, url=IMAGE_URL)])
    harness.http_client.files[IMAGE_URL] = PNG_BYTES
    harness.jobs.before_write = lambda: _cancel_and_finish(harness, job)
    assert harness.submit(job)["status"] == "pending"
    assert not harness.creates()
    ended = harness.now(job)
    assert (ended.status, ended.stage) == (JobStatus.CANCELLED, Stage.FINISHED)
    assert harness.submit(job) == TO_FINISH


def test_cancel_request_before_lease_prevents_create_call(harness: Harness) -> None:
    job = harness.accepted()
    harness.jobs.before_write = lambda: harness.service.cancel(ACCOUNT, job.id)
    assert harness.submit(job)["status"] == "pending"
    assert not harness.creates()


def test_submit_does_not_change_job_finished_during_the_call(harness: Harness) -> None:
    job = harness.leased()
    harness.finish(job)
    ended = harness.now(job)
    assert harness.submit(job) == TO_FINISH
    assert harness.now(job) == ended


def _cancel_and_finish(harness: Harness, job: Job) -> None:
    harness.service.cancel(ACCOUNT, job.id)
    harness.submit(job)
    harness.finish(job)
