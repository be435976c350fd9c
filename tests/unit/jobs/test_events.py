"""What the world is told of a job."""

import json

import pytest

from rushes.jobs.events import JobEvent, JobStarted, ending, started
from rushes.jobs.job import Job
from rushes.jobs.result import JobError, JobOutcome
from rushes.jobs.status import JobStatus, UpstreamCancelled
from tests.harness import Harness

FAILURE = JobOutcome(
    status=JobStatus.FAILED, error=JobError(code="upstream_failed", message="no", upstream_code="7")
)


def finished(outcome: JobOutcome) -> Job:
    job = Harness().running()
    return job.finished(job.created_at + 12.34567, outcome, job.id, 3600.0)


@pytest.mark.parametrize(
    "outcome",
    [FAILURE, JobOutcome(status=JobStatus.CANCELLED), JobOutcome(status=JobStatus.COMPLETED)],
)
def test_the_type_and_the_id_follow_from_the_job_and_its_ending_alone(outcome: JobOutcome) -> None:
    job = finished(outcome)
    event = ending(job, "media")
    assert event.type == f"job.{outcome.status.value}"
    assert event.id == f"evt_{job.id}_{outcome.status.value}"
    assert ending(job, "media") == event


def test_moments_are_in_utc_and_exact_to_the_millisecond() -> None:
    event = ending(finished(FAILURE), "media").model_dump(mode="json")
    assert event["timestamp"] == event["data"]["finished_at"] == "2027-01-15T08:00:12.346000Z"
    assert event["data"]["created_at"] == "2027-01-15T08:00:00Z"


def test_an_artifact_is_told_with_its_bucket() -> None:
    harness = Harness()
    job = harness.completed()
    (artifact,) = ending(job, "media").data.artifacts
    assert artifact.model_dump() == {
        "bucket": "media",
        **job.artifacts[0].model_dump(exclude={"etag"}),
    }


def test_a_failure_is_told_with_its_reason_and_the_providers_own_code() -> None:
    event = ending(finished(FAILURE), "media")
    assert event.data.error == FAILURE.error


def test_the_prompt_is_not_told() -> None:
    harness = Harness()
    job = harness.completed()
    assert job.request.prompt not in ending(job, "media").model_dump_json()
    assert job.request.prompt not in started(job).model_dump_json()


def test_an_event_can_be_read_again() -> None:
    job = Harness().completed()
    event, first = ending(job, "media"), started(job)
    assert JobEvent.model_validate(json.loads(event.model_dump_json())) == event
    assert JobStarted.model_validate(json.loads(first.model_dump_json())) == first


def test_what_arrives_out_of_order_can_be_put_in_order() -> None:
    job = Harness().completed()
    events = [started(job), ending(job, "media")]
    assert [it.sequence for it in events] == [1, 2]
    assert len({it.id for it in events}) == 2


def test_a_start_is_told_with_its_moment_and_its_provider() -> None:
    harness = Harness()
    job = harness.running()
    event = started(job)
    assert (event.type, event.id) == ("job.started", f"evt_{job.id}_started")
    assert event.timestamp == event.data.started_at
    assert event.data.started_at.timestamp() == job.submitted_at
    assert (event.data.model, event.data.provider) == ("sandbox/one", "sandbox")


@pytest.mark.parametrize("upstream", [*UpstreamCancelled, None])
def test_a_cancelled_job_says_whether_its_provider_has_stopped(
    upstream: UpstreamCancelled | None,
) -> None:
    job = finished(JobOutcome(status=JobStatus.CANCELLED))
    told = ending(job.model_copy(update={"upstream_cancelled": upstream}), "media")
    assert told.data.upstream_cancelled is upstream


MOVED = JobError(code="upstream_busy", message="later")
UNSURE = JobError(code="upstream_outcome_unknown", message="no answer")


def cost_of(job: Job, outcome: JobOutcome) -> float | None:
    job = job.model_copy(update={"cost": 0.4})
    return ending(job.finished(job.created_at, outcome, job.id, 3600.0), "media").data.cost


@pytest.mark.parametrize("outcome", [FAILURE, JobOutcome(status=JobStatus.CANCELLED)])
def test_what_no_provider_ever_took_has_no_cost(outcome: JobOutcome) -> None:
    job = Harness().accepted()
    assert cost_of(job, outcome) is None
    assert cost_of(failed_over(job, MOVED), outcome) is None


@pytest.mark.parametrize("outcome", [FAILURE, JobOutcome(status=JobStatus.CANCELLED)])
def test_what_may_have_been_taken_has_its_estimate(outcome: JobOutcome) -> None:
    assert cost_of(Harness().running(), outcome) == 0.4
    assert cost_of(failed_over(Harness().running(), MOVED), outcome) == 0.4
    job = Harness().accepted()
    assert cost_of(job.unsure(job.created_at), outcome) == 0.4
    assert cost_of(failed_over(job, UNSURE), outcome) == 0.4
    assert cost_of(job, JobOutcome(status=JobStatus.FAILED, error=UNSURE)) == 0.4


def failed_over(job: Job, error: JobError) -> Job:
    return job.failed_over(
        job.created_at, error, model="b/b", provider="b", upstream_model="b", cost=0.4
    )
