"""What the world is told of a job that ended."""

import json

import pytest

from rushes.events import JobEvent, ending
from rushes.job import Job, JobError, JobStatus, Verdict
from tests.world import World

FAILURE = Verdict(
    status=JobStatus.FAILED, error=JobError(code="upstream_failed", message="no", upstream_code="7")
)


def finished(verdict: Verdict) -> Job:
    job = World().running()
    return job.finished(job.created_at + 12.34567, verdict, job.id, 3600.0)


@pytest.mark.parametrize(
    "verdict",
    [FAILURE, Verdict(status=JobStatus.CANCELLED), Verdict(status=JobStatus.COMPLETED)],
)
def test_the_type_and_the_id_follow_from_the_job_and_its_ending_alone(verdict: Verdict) -> None:
    job = finished(verdict)
    event = ending(job, "media")
    assert event.type == f"job.{verdict.status.value}"
    assert event.id == f"evt_{job.id}_{verdict.status.value}"
    assert ending(job, "media") == event


def test_moments_are_in_utc_and_exact_to_the_millisecond() -> None:
    event = ending(finished(FAILURE), "media").model_dump(mode="json")
    assert event["timestamp"] == event["data"]["finished_at"] == "2027-01-15T08:00:12.346000Z"
    assert event["data"]["created_at"] == "2027-01-15T08:00:00Z"


def test_an_artifact_is_told_with_its_bucket() -> None:
    world = World()
    job = world.completed()
    (artifact,) = ending(job, "media").data.artifacts
    assert artifact.model_dump() == {
        "bucket": "media",
        **job.artifacts[0].model_dump(exclude={"etag"}),
    }


def test_a_failure_is_told_with_its_reason_and_the_providers_own_code() -> None:
    event = ending(finished(FAILURE), "media")
    assert event.data.error == FAILURE.error


def test_the_prompt_is_not_told() -> None:
    world = World()
    job = world.completed()
    assert job.request.prompt not in ending(job, "media").model_dump_json()


def test_an_event_can_be_read_again() -> None:
    event = ending(World().completed(), "media")
    assert JobEvent.model_validate(json.loads(event.model_dump_json())) == event
