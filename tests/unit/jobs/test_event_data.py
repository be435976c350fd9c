"""What the events of a job say about it."""

import pytest

from rushes.jobs.events import started_event, terminal_event
from rushes.jobs.job import Job
from rushes.jobs.labels import Labels
from rushes.jobs.result import JobError, JobOutcome
from rushes.jobs.status import JobStatus, UpstreamCancelled
from tests.harness import Harness

LABELS = Labels(tags={"team": "ads"}, metadata={"asset": "7"}, user="user-1")
BUSY = JobError(code="upstream_busy", message="later")
FAILED = JobError(code="upstream_failed", message="no")


def labelled(job: Job) -> Job:
    return job.model_copy(update={"labels": LABELS, "key_id": "0123456789abcdef", "estimate": 0.4})


def finished(job: Job, status: JobStatus, error: JobError | None = None) -> Job:
    outcome = JobOutcome(status=status, error=error)
    return job.finished(job.created_at + 60, outcome, job.id, 3600.0)


def failed_over(job: Job) -> Job:
    return job.failed_over(
        job.created_at + 5, BUSY, model="b/two", provider="b", upstream_model="two-v1", cost=0.3
    )


def test_events_have_labels_key_and_request():
    job = labelled(Harness().completed())
    for data in (started_event(job).data, terminal_event(job, "media").data):
        assert (data.tags, data.metadata, data.user) == (LABELS.tags, LABELS.metadata, LABELS.user)
        assert (data.key_id, data.modality, data.estimated_cost) == (
            "0123456789abcdef",
            "video",
            0.4,
        )
        assert (data.seconds, data.size) == (job.request.seconds, job.request.size)


def test_event_names_the_model_that_made_it_after_a_failover():
    job = failed_over(labelled(Harness().accepted()))
    job = job.submitted(job.created_at + 6, {"id": "x"}, ())
    data = terminal_event(finished(job, JobStatus.COMPLETED), "media").data
    assert (data.model, data.made_by) == ("sandbox/one", "b/two")
    assert (data.provider, data.upstream_model) == ("b", "two-v1")
    attempts = [(attempt.model, attempt.provider, attempt.error_code) for attempt in data.attempts]
    assert attempts == [("sandbox/one", "sandbox", "upstream_busy"), ("b/two", "b", None)]
    first, second = data.attempts
    assert first.started_at < first.ended_at == second.started_at < second.ended_at


def test_last_attempt_of_a_failed_job_has_its_error():
    data = terminal_event(finished(Harness().running(), JobStatus.FAILED, FAILED), "media").data
    assert [attempt.error_code for attempt in data.attempts] == ["upstream_failed"]


@pytest.mark.parametrize(
    ("status", "error", "settled"),
    [
        (JobStatus.COMPLETED, None, 0.25),
        (JobStatus.FAILED, FAILED, 0.0),
        (JobStatus.FAILED, JobError(code="upstream_timeout", message="late"), 0.25),
        (JobStatus.CANCELLED, None, 0.25),
    ],
)
def test_settled_cost_is_that_of_budgets_and_usage(
    status: JobStatus, error: JobError | None, settled: float
):
    job = labelled(Harness().running()).model_copy(update={"cost": 0.25})
    job = job.model_copy(update={"upstream_cancelled": UpstreamCancelled.NO})
    data = terminal_event(finished(job, status, error), "media").data
    assert (data.settled_cost, data.estimated_cost) == (settled, 0.4)


def test_unknown_price_is_null():
    job = Harness().completed().model_copy(update={"cost": None})
    assert terminal_event(job, "media").data.settled_cost is None


def test_events_of_a_deleted_job_have_no_personal_data():
    job = finished(labelled(Harness().running()), JobStatus.CANCELLED)
    data = terminal_event(job.deleted(job.updated_at), "media").data
    assert (data.user, data.metadata, data.tags) == (None, {}, LABELS.tags)
