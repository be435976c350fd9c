"""Job events."""

import json

import pytest

from rushes.jobs.events import JobError as EventError
from rushes.jobs.events import JobEvent, JobStarted, started_event, terminal_event
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
def test_terminal_event_id_is_derived_from_job_and_status(outcome: JobOutcome) -> None:
    job = finished(outcome)
    event = terminal_event(job, "media")
    assert event.type == f"job.{outcome.status.value}"
    assert event.id == f"evt_{job.id}_{outcome.status.value}"
    assert terminal_event(job, "media") == event


def test_timestamps_are_utc_with_milliseconds() -> None:
    event = terminal_event(finished(FAILURE), "media").model_dump(mode="json")
    assert event["timestamp"] == event["data"]["finished_at"] == "2027-01-15T08:00:12.346000Z"
    assert event["data"]["created_at"] == "2027-01-15T08:00:00Z"


def test_artifact_data_names_bucket() -> None:
    job = Harness().completed()
    (artifact,) = terminal_event(job, "media").data.artifacts
    stored = job.artifacts[0].model_dump(exclude={"etag"})
    assert artifact.model_dump() == {"bucket": "media", **stored}


def test_failed_event_contains_error() -> None:
    event = terminal_event(finished(FAILURE), "media")
    assert event.data.error == EventError.of(FAILURE.error)


def test_events_exclude_prompt() -> None:
    job = Harness().completed()
    assert job.request.prompt not in terminal_event(job, "media").model_dump_json()
    assert job.request.prompt not in started_event(job).model_dump_json()


def test_events_round_trip() -> None:
    job = Harness().completed()
    event, first = terminal_event(job, "media"), started_event(job)
    assert JobEvent.model_validate(json.loads(event.model_dump_json())) == event
    assert JobStarted.model_validate(json.loads(first.model_dump_json())) == first


def test_sequence_orders_events() -> None:
    job = Harness().completed()
    events = [started_event(job), terminal_event(job, "media")]
    assert [event.sequence for event in events] == [1, 2]
    assert len({event.id for event in events}) == 2


def test_started_event_contains_time_and_provider() -> None:
    job = Harness().running()
    event = started_event(job)
    assert (event.type, event.id) == ("job.started", f"evt_{job.id}_started")
    assert event.timestamp == event.data.started_at
    assert event.data.started_at.timestamp() == job.submitted_at
    assert (event.data.model, event.data.provider) == ("sandbox/one", "sandbox")


@pytest.mark.parametrize("upstream", [*UpstreamCancelled, None])
def test_cancelled_event_contains_upstream_cancelled(upstream: UpstreamCancelled | None) -> None:
    job = finished(JobOutcome(status=JobStatus.CANCELLED))
    event = terminal_event(job.model_copy(update={"upstream_cancelled": upstream}), "media")
    assert event.data.upstream_cancelled is upstream


THROTTLED = JobError(code="upstream_busy", message="later")
UNCONFIRMED = JobError(code="upstream_outcome_unknown", message="no answer")


def cost_of(job: Job, outcome: JobOutcome) -> float | None:
    job = job.model_copy(update={"cost": 0.4})
    return terminal_event(job.finished(job.created_at, outcome, job.id, 3600.0), "media").data.cost


@pytest.mark.parametrize("outcome", [FAILURE, JobOutcome(status=JobStatus.CANCELLED)])
def test_cost_is_null_if_no_provider_accepted_job(outcome: JobOutcome) -> None:
    job = Harness().accepted()
    assert cost_of(job, outcome) is None
    assert cost_of(failed_over(job, THROTTLED), outcome) is None


@pytest.mark.parametrize("outcome", [FAILURE, JobOutcome(status=JobStatus.CANCELLED)])
def test_cost_is_estimate_if_provider_may_have_accepted_job(outcome: JobOutcome) -> None:
    assert cost_of(Harness().running(), outcome) == 0.4
    assert cost_of(failed_over(Harness().running(), THROTTLED), outcome) == 0.4
    job = Harness().accepted()
    assert cost_of(job.submission_unconfirmed(job.created_at), outcome) == 0.4
    assert cost_of(failed_over(job, UNCONFIRMED), outcome) == 0.4
    assert cost_of(job, JobOutcome(status=JobStatus.FAILED, error=UNCONFIRMED)) == 0.4


def failed_over(job: Job, error: JobError) -> Job:
    return job.failed_over(
        job.created_at, error, model="b/b", provider="b", upstream_model="b", cost=0.4
    )
