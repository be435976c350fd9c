"""Tests of webhook bodies in each format; vendors' SDKs parse them if they support it."""

import json
import time
from collections.abc import Callable
from typing import Any, cast

import openai
import pytest

from rushes.api.webhooks import samples
from rushes.dialects.base import JobView
from rushes.dialects.fal_queue.fal_errors import detail_of_failure
from rushes.dialects.fal_queue.queue_dialect import failure_of
from rushes.dialects.json_format import as_json
from rushes.jobs import budget_events
from rushes.jobs.charges import Threshold
from rushes.jobs.events import started_event, terminal_event
from rushes.jobs.job import Job
from rushes.jobs.request import StoredFile
from rushes.jobs.result import JobError, JobOutcome
from rushes.jobs.status import JobStatus
from rushes.webhooks import operational_events
from rushes.webhooks.payloads import GONE, render, supports
from rushes.webhooks.signature import headers
from tests.harness import Harness
from tests.unit.webhooks.harness import SECRET, endpoint

FORMATS = ("rushes", "openai", "fal", "pipelet")
ENDINGS = ("job.completed", "job.failed", "job.cancelled")
EVERY = (
    *samples.JOB_EVENT_TYPES,
    budget_events.THRESHOLD_REACHED,
    operational_events.DISABLED,
    operational_events.TEST,
)
NOW = 1_800_000_000.0
LINKS = iter(range(10**6))


def not_loaded() -> JobView | None:
    raise AssertionError("the job was loaded")


def view(job: Job) -> JobView:
    def link(file: StoredFile) -> str:
        return f"https://bucket.example/{file.key}?signed={next(LINKS)}"

    def read(file: StoredFile) -> bytes:
        raise AssertionError(f"{file.key} was read")

    return JobView(job, link, read, "")


def body_of(event: Any, form: str, get_view: Callable[[], JobView | None] = not_loaded) -> Any:
    return json.loads(render(event, form, get_view))


def sample(event_type: str) -> dict[str, Any]:
    if event_type == operational_events.TEST:
        return operational_events.webhook_test(endpoint(), NOW, "1")
    if event_type == budget_events.THRESHOLD_REACHED:
        return budget_events.threshold_reached(Threshold("one#2027-01", 80, 8.0, 10.0, NOW))
    if event_type == operational_events.DISABLED:
        return operational_events.endpoint_disabled(endpoint(failing_since=NOW - 9), NOW, "failing")
    return samples.sample(event_type, "one", "job_1", NOW)


def test_supports_lists_the_event_types_of_each_format():
    assert {form: [name for name in EVERY if supports(form, name)] for form in FORMATS} == {
        "rushes": list(EVERY),
        "openai": list(ENDINGS),
        "fal": list(ENDINGS),
        "pipelet": ["job.started", *ENDINGS],
    }


@pytest.mark.parametrize("event_type", EVERY)
def test_render_rushes_returns_the_event_byte_for_byte(event_type: str):
    event = sample(event_type)
    first = render(event, "rushes", not_loaded)
    assert json.loads(first) == event
    assert first == json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    assert first == render(json.loads(as_json(event)), "rushes", not_loaded)


@pytest.mark.parametrize(
    ("event_type", "openai_type"),
    list(zip(ENDINGS, ("video.completed", "video.failed", "video.failed"), strict=True)),
)
def test_render_openai_returns_a_thin_event_that_the_sdk_parses(event_type: str, openai_type: str):
    event = sample(event_type)
    text = render(event, "openai", not_loaded)
    assert json.loads(text) == {
        "id": event["id"],
        "object": "event",
        "created_at": int(NOW),
        "type": openai_type,
        "data": {"id": "job_1"},
    }
    signed = headers(event["id"], time.time(), text.encode(), [SECRET])
    parsed = openai.OpenAI(api_key="none").webhooks.unwrap(text, signed, secret=SECRET)
    assert (parsed.type, cast("Any", parsed).data.id) == (openai_type, "job_1")


def test_render_fal_returns_the_result_with_fresh_links():
    job = Harness().completed()
    event = terminal_event(job, "media").model_dump(mode="json")
    bodies = [body_of(event, "fal", lambda: view(job)) for _ in range(2)]
    artifact = job.artifacts[0]
    payload = bodies[0].pop("payload")
    assert bodies[0] == {"request_id": job.id, "gateway_request_id": job.id, "status": "OK"}
    url = payload["video"].pop("url")
    assert payload["video"] == {
        "content_type": "video/mp4", "file_name": f"{job.id}.mp4", "file_size": artifact.size,
    }  # fmt: skip
    assert url.startswith(f"https://bucket.example/{artifact.key}?")
    assert url != bodies[1]["payload"]["video"]["url"]


def test_render_pipelet_returns_the_result_as_a_link():
    job = Harness().completed()
    event = terminal_event(job, "media").model_dump(mode="json")
    body = body_of(event, "pipelet", lambda: view(job))
    link = body["video"]["data_uri"]
    assert link.startswith("https://bucket.example/")
    assert body == {
        "eventType": "completed",
        "jobId": job.id,
        "video": {"data_uri": link, "data_url": link},
    }


def test_render_pipelet_supports_job_started():
    job = Harness().running()
    event = started_event(job).model_dump(mode="json")
    assert body_of(event, "pipelet") == {"eventType": "acquired", "jobId": job.id}


def test_render_failure_does_not_load_the_job():
    event = sample("job.failed")
    message = event["data"]["error"]["message"]
    assert body_of(event, "fal") == {
        "request_id": "job_1",
        "gateway_request_id": "job_1",
        "status": "ERROR",
        "error": message,
        "payload": {"detail": detail_of_failure(JobError.model_validate(event["data"]["error"]))},
    }
    assert body_of(event, "pipelet") == {
        "eventType": "failed",
        "jobId": "job_1",
        "statusMessages": {"message": message, "detail_message": "content_filtered"},
    }


def test_render_cancelled_job_in_each_format():
    event = sample("job.cancelled")
    assert body_of(event, "fal")["status"] == "ERROR"
    assert body_of(event, "fal")["error"] == "the request was cancelled"
    body = body_of(event, "pipelet")
    assert body["eventType"] == "cancelled"
    assert body["statusMessages"]["detail_message"] == "request_cancelled"


def test_render_failure_without_error_has_a_default_message():
    job = Harness().running().finished(NOW, JobOutcome(status=JobStatus.FAILED), "run", 60)
    event = terminal_event(job, "media").model_dump(mode="json")
    assert body_of(event, "fal")["error"] == "it failed"
    assert body_of(event, "pipelet")["statusMessages"]["detail_message"] == "internal_error"


def test_render_reports_a_deleted_result():
    event = sample("job.completed")
    body = body_of(event, "fal", lambda: None)
    assert (body["status"], body["payload"], body["payload_error"]) == ("OK", None, GONE)
    body = body_of(event, "pipelet", lambda: None)
    assert body == {"eventType": "completed", "jobId": "job_1", "statusMessages": {"message": GONE}}


def test_render_includes_a_transcript():
    changes = {"artifacts": (), "document": {"text": "good morning"}, "kind": "transcription"}
    job = Harness().completed().model_copy(update=changes)
    event = terminal_event(job, "media").model_dump(mode="json")
    assert body_of(event, "fal", lambda: view(job))["payload"] == {"text": "good morning"}
    assert body_of(event, "pipelet", lambda: view(job))["text"] == "good morning"


def test_render_error_equals_the_error_of_a_status_request():
    error = JobError(code="upstream_refused", message="the prompt was refused")
    running = Harness().running()
    for status, reason in ((JobStatus.FAILED, error), (JobStatus.CANCELLED, None)):
        job = running.finished(NOW, JobOutcome(status=status, error=reason), "run", 60)
        event = terminal_event(job, "media").model_dump(mode="json")
        trouble = failure_of(job)
        assert trouble
        messages = body_of(event, "pipelet")["statusMessages"]
        assert messages == {"message": trouble.message, "detail_message": trouble.code}


def test_render_stays_below_20_kilobytes():
    job = Harness().completed()
    event = terminal_event(job, "media").model_dump(mode="json")
    for form in FORMATS:
        assert len(render(event, form, lambda: view(job))) < 20_000
