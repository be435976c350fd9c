"""Submitting a job that others change at the same time."""

import pytest

from rushes.jobs.job import Job
from rushes.jobs.request import Input, Role
from rushes.jobs.status import JobStatus, Stage
from rushes.workflow.submit import LEASE_SECONDS
from rushes.workflow.task import ENDING
from tests.harness import ACCOUNT, CREATE, PICTURE, Harness, video

ADDRESS = "https://pictures.example/ball.png"


@pytest.fixture
def harness() -> Harness:
    harness = Harness()
    harness.answer(CREATE, video("queued"))
    return harness


def test_of_two_that_submit_at_once_one_waits(harness: Harness) -> None:
    job = harness.accepted()
    seen = []
    harness.jobs.before_write = lambda: seen.append(harness.submit(job)["status"])
    assert harness.submit(job)["status"] == "pending"
    assert seen == ["submitted"]
    assert len(harness.creates()) == 1


def test_of_two_that_claim_at_once_one_waits_for_the_others_lease(harness: Harness) -> None:
    job = harness.accepted()
    harness.jobs.before_write = lambda: _claim(harness, job)
    assert harness.submit(job) == {"status": "pending", "wait_seconds": LEASE_SECONDS}
    assert not harness.creates()


def test_a_cancel_that_comes_while_the_picture_is_fetched_is_in_time(harness: Harness) -> None:
    """And the job stays ended: no claim is laid to it afterwards."""
    job = harness.accepted(inputs=[Input(role=Role.IMAGE, url=ADDRESS)])
    harness.http_client.files[ADDRESS] = PICTURE
    harness.jobs.before_write = lambda: _cancel_to_the_end(harness, job)
    assert harness.submit(job)["status"] == "pending"
    assert not harness.creates()
    ended = harness.now(job)
    assert (ended.status, ended.stage) == (JobStatus.CANCELLED, Stage.FINISHED)
    assert harness.submit(job) == ENDING


def test_a_cancel_that_is_only_asked_for_meanwhile_is_in_time_as_well(harness: Harness) -> None:
    job = harness.accepted()
    harness.jobs.before_write = lambda: _cancel(harness, job)
    assert harness.submit(job)["status"] == "pending"
    assert not harness.creates()


def test_a_job_that_ended_while_its_create_call_was_made_stays_ended(harness: Harness) -> None:
    job = harness.accepted()
    harness.jobs.change(ACCOUNT, job.id, lambda it: it.submitting(harness.clock(), LEASE_SECONDS))
    harness.finish(job, cause="Lambda.Unknown")
    ended = harness.now(job)
    assert harness.submit(job) == ENDING
    assert harness.now(job) == ended


def _claim(harness: Harness, job: Job) -> None:
    harness.jobs.change(ACCOUNT, job.id, lambda it: it.submitting(harness.clock(), LEASE_SECONDS))


def _cancel(harness: Harness, job: Job) -> None:
    harness.service.cancel(ACCOUNT, job.id)


def _cancel_to_the_end(harness: Harness, job: Job) -> None:
    harness.service.cancel(ACCOUNT, job.id)
    harness.submit(job)
    harness.finish(job)
