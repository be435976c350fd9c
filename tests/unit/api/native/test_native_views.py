"""A job in responses of the native API: timeline, attempts, waiting reasons, cost and files."""

from collections.abc import Callable
from typing import Any

import pytest

from rushes.api.native.job_views import provider_job_id
from rushes.api.native.waiting import waiting_of
from rushes.jobs.job import Job
from rushes.jobs.pause import Pause, PauseReason
from rushes.jobs.result import Artifact, JobError, JobOutcome
from rushes.jobs.status import JobStatus, UpstreamCancelled
from rushes.ports.jobs import Change
from tests.unit.api.native.native_caller import JOBS, NativeCaller

BUSY = JobError(code="upstream_busy", message="sandbox throttles requests")


def waiting(native: NativeCaller, job: Job) -> Any:
    return native.retrieve(job.id)["waiting"]


def test_timeline_has_the_time_of_each_step(native: NativeCaller):
    job = native.new_job()
    done = JobOutcome(status=JobStatus.COMPLETED)
    steps: tuple[Callable[[Job, float], Job], ...] = (
        lambda job, now: job.submitted(now, {"id": "up-1", "url": "https://x/?key=s"}, ()),
        lambda job, now: job.progressed(now, 10),
        lambda job, now: job.generated(now, (), 0.3),
        lambda job, now: job.stored(now, (video(job),)),
        lambda job, now: job.finished(now, done, "run", 60),
    )
    for step in steps:
        native.clock.advance(1.5)
        native.change(job.id, at(native.clock(), step))
    native.blobs.objects[f"outputs/alice/{job.id}/0.mp4"] = b"x"
    shown = native.retrieve(job.id)
    assert shown["timeline"] == {
        "accepted_at": "2027-01-15T08:00:00Z",
        "submitted_at": "2027-01-15T08:00:01.500000Z",
        "started_at": "2027-01-15T08:00:01.500000Z",
        "expected_at": None,
        "generated_at": "2027-01-15T08:00:04.500000Z",
        "stored_at": "2027-01-15T08:00:06Z",
        "finished_at": "2027-01-15T08:00:07.500000Z",
        "cancel_requested_at": None,
        "content_expires_at": "2027-01-15T08:01:07.500000Z",
    }
    assert shown["provider_job_id"] == "up-1"
    assert "key=s" not in str(shown)
    assert shown["cost"]["settled"] == 0.3
    assert shown["cost"]["refunded"] == 0.1
    (file,) = shown["artifacts"]
    assert file["url"].startswith("https://")
    assert (file["width"], file["height"], file["duration"]) == (1280, 720, 4.0)
    assert shown["waiting"] is None


def test_attempts_are_in_order(native: NativeCaller):
    job = native.new_job(model="boat")
    native.submitted(job.id)
    error = JobError(code="upstream_failed", message="it failed")
    native.clock.advance(9)
    native.change(
        job.id,
        lambda job: job.failed_over(
            native.clock(), error, model="spare/video", provider="spare",
            upstream_model="video", cost=1.0,
        ),
    )  # fmt: skip
    shown = native.retrieve(job.id)
    first, second = shown["attempts"]
    assert (first["number"], first["model"], first["provider_job_id"]) == (
        1, "sandbox/video", "up-1",
    )  # fmt: skip
    assert first["error"] == {
        "code": "upstream_failed", "message": "it failed", "upstream_code": None,
    }  # fmt: skip
    assert (second["number"], second["model"], second["ended_at"]) == (2, "spare/video", None)
    assert (shown["provider"], shown["made_by"], shown["fallbacks"]) == (
        "spare", "spare/video", [],
    )  # fmt: skip


def test_failed_job_has_its_error(native: NativeCaller):
    job = native.new_job()
    error = JobError(code="content_filtered", message="refused", upstream_code="nsfw")
    native.finish(job, JobStatus.FAILED, error)
    shown = native.retrieve(job.id)
    assert shown["error"] == {
        "code": "content_filtered", "message": "refused", "upstream_code": "nsfw",
    }  # fmt: skip
    assert shown["artifacts"] == []


def test_document_is_the_result_of_a_transcription(native: NativeCaller):
    inputs = [{"role": "audio", "url": "https://example.com/a.mp3"}]
    job = native.new_job(model="sandbox/transcriber", prompt="", seconds=None, inputs=inputs)
    native.submitted(job.id)
    document = {"text": "hello"}
    native.change(job.id, lambda job: job.generated(native.clock(), (), None, document))
    assert native.retrieve(job.id)["document"] is None
    native.finish(job, JobStatus.COMPLETED, None)
    native.change(job.id, lambda job: job.model_copy(update={"document": document}))
    assert native.retrieve(job.id)["document"] == document


def test_new_job_is_about_to_start(native: NativeCaller):
    reason = waiting(native, native.new_job())
    assert (reason["code"], reason["needs_operator"]) == ("starting", False)
    assert reason["until"] == "2027-01-15T09:00:00Z"


@pytest.mark.parametrize(
    ("error", "action"),
    [
        (BUSY, "Wait"),
        (JobError(code="too_many_jobs", message="too many"), "higher limit"),
        (JobError(code="provider_paused", message="paused"), "another model"),
        (JobError(code="provider_not_configured", message="no key"), "configure"),
        (JobError(code="upstream_account", message="account"), "account at the provider"),
        (JobError(code="upstream_unauthorized", message="key"), "replace the API key"),
        (JobError(code="internal_error", message="failed"), "Ask the operator"),
        (JobError(code="something_new", message="new"), "Wait"),
    ],
)
def test_reason_of_the_provider_says_what_can_be_done(
    native: NativeCaller, error: JobError, action: str
):
    job = native.new_job()
    native.change(job.id, lambda job: job.held(native.clock(), error, "secret detail"))
    reason = waiting(native, job)
    assert (reason["code"], reason["message"]) == (error.code, error.message)
    assert action in reason["action"]
    assert "secret detail" not in str(native.retrieve(job.id))


def test_unconfirmed_create_call_is_looked_up(native: NativeCaller):
    job = native.new_job()
    native.change(job.id, lambda job: job.submission_unconfirmed(native.clock()))
    reason = waiting(native, job)
    assert reason["code"] == "upstream_outcome_unknown"
    assert "not made twice" in reason["action"]


def test_position_in_the_queue_of_the_provider(native: NativeCaller):
    job = native.new_job()
    native.change(
        job.id,
        lambda job: job.submitted(native.clock(), {"id": "1"}, (), waiting=True, queue_position=3),
    )
    reason = waiting(native, job)
    assert (reason["code"], reason["queue_position"]) == ("queued_at_provider", 3)
    native.change(job.id, lambda job: job.progressed(native.clock(), 5))
    assert waiting(native, job) is None
    native.change(job.id, lambda job: job.failing(native.clock()))
    assert waiting(native, job)["code"] == "status_unknown"


@pytest.mark.parametrize(
    ("reason", "needs_operator", "code"),
    [
        (PauseReason.RESTORED, True, "restored"),
        (PauseReason.RESTARTS, True, "interrupted"),
        (PauseReason.RESTARTS, False, "interrupted"),
    ],
)
def test_paused_job_says_who_decides(
    native: NativeCaller, reason: PauseReason, code: str, *, needs_operator: bool
):
    job, now = native.new_job(), native.clock()
    pause = Pause(
        reason=reason, detail="internal detail", since=now, check_at=now + 60,
        until=None if needs_operator else now + 60, needs_operator=needs_operator,
    )  # fmt: skip
    native.change(job.id, lambda job: job.paused(now, pause))
    shown = waiting(native, job)
    assert (shown["code"], shown["needs_operator"]) == (code, needs_operator)
    assert shown["until"] == (None if needs_operator else "2027-01-15T08:01:00Z")
    assert ("operator" in shown["action"]) is needs_operator
    assert "internal detail" not in str(shown)


def test_storing_is_reported_after_a_failure(native: NativeCaller):
    job = native.new_job()
    native.submitted(job.id)
    native.change(job.id, lambda job: job.generated(native.clock(), (), None))
    assert waiting(native, job) is None
    for _ in range(2):
        native.change(job.id, lambda job: job.collecting(native.clock()))
    assert waiting(native, job)["code"] == "storing"


def test_decided_job_does_not_wait(native: NativeCaller):
    job = native.new_job()
    failed = job.will_fail(native.clock(), BUSY)
    assert waiting_of(failed) is None
    done = failed.finished(native.clock(), JobOutcome(status=JobStatus.FAILED), "run", 60)
    assert waiting_of(done) is None


@pytest.mark.parametrize(
    ("upstream", "shown"),
    [(UpstreamCancelled.YES, "yes"), (UpstreamCancelled.NO, "no"),
     (UpstreamCancelled.UNSUPPORTED, "unsupported")],
)  # fmt: skip
def test_effect_of_a_cancel_at_the_provider(
    native: NativeCaller, upstream: UpstreamCancelled, shown: str
):
    job = native.new_job()
    native.submitted(job.id)
    native.change(job.id, lambda job: job.cancel_requested(native.clock()))
    native.change(job.id, lambda job: job.cancelled_by_client(native.clock(), upstream))
    reply = native.send("GET", f"{JOBS}/{job.id}")
    assert reply.json["cancel"]["upstream"] == shown
    assert reply.headers["rushes-upstream-cancelled"] == shown


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        (None, None),
        ({}, None),
        ({"id": "a"}, "a"),
        ({"request_id": "r", "status_url": "https://q.example/?k=1"}, "r"),
        ({"name": "operations/1", "model": "veo"}, "operations/1"),
        ({"arn": "arn:aws:bedrock:eu:1:x"}, "arn:aws:bedrock:eu:1:x"),
        ({"id": "https://signed.example/?sig=1"}, None),
        ({"id": 7}, None),
        ({"images": ["x"]}, None),
    ],
)
def test_id_of_the_provider_is_shown_without_urls(operation: Any, expected: str | None):
    assert provider_job_id(operation) == expected


def at(now: float, step: Callable[[Job, float], Job]) -> Change:
    return lambda job: step(job, now)


def video(job: Job) -> Artifact:
    return Artifact(
        key=f"outputs/alice/{job.id}/0.mp4", content_type="video/mp4", size=1, sha256="0" * 64,
        width=1280, height=720, duration=4.0,
    )  # fmt: skip
