"""What messages say in each format; where there are SDKs for it, they are given it to read."""

import json
import time
from collections.abc import Callable
from typing import Any, cast

import openai
import pytest

from rushes.api.webhooks import samples
from rushes.dialects.base import JobView
from rushes.dialects.fal_queue.queue_dialect import trouble_of
from rushes.dialects.openai_videos.openai_format import as_json
from rushes.jobs.events import ending, started
from rushes.jobs.job import Job
from rushes.jobs.request import StoredFile
from rushes.jobs.result import Artifact, JobError, JobOutcome
from rushes.jobs.status import JobStatus
from rushes.webhooks import operational_events
from rushes.webhooks.payloads import GONE, body_of, speaks
from rushes.webhooks.signature import headers
from tests.harness import Harness
from tests.unit.webhooks.harness import SECRET, endpoint

FORMATS = ("rushes", "openai", "fal", "pipelet")
ENDINGS = ("job.completed", "job.failed", "job.cancelled")
EVERY = (*samples.TYPES, operational_events.DISABLED, operational_events.TEST)
NOW = 1_800_000_000.0
LINKS = iter(range(10**6))


def never() -> JobView | None:
    raise AssertionError("nobody asked for the job")


def view(job: Job) -> JobView:
    def link(artifact: Artifact) -> str:
        return f"https://bucket.example/{artifact.key}?signed={next(LINKS)}"

    def read(file: StoredFile) -> bytes:
        raise AssertionError(f"{file.key} has no place in a message")

    return JobView(job, link, read, "")


def said(event: Any, form: str, look: Callable[[], JobView | None] = never) -> Any:
    return json.loads(body_of(event, form, look))


def sample(event_type: str) -> dict[str, Any]:
    if event_type == operational_events.TEST:
        return operational_events.test(endpoint(), NOW, "1")
    if event_type == operational_events.DISABLED:
        return operational_events.disabled(
            endpoint(failing_since=NOW - 9), NOW, "it failed for five days"
        )
    return samples.sample(event_type, "one", "job_1", NOW)


def test_each_format_has_words_for_what_its_api_knows():
    assert {form: [it for it in EVERY if speaks(form, it)] for form in FORMATS} == {
        "rushes": list(EVERY),
        "openai": list(ENDINGS),
        "fal": list(ENDINGS),
        "pipelet": ["job.started", *ENDINGS],
    }


@pytest.mark.parametrize("event_type", EVERY)
def test_in_its_own_words_a_message_is_the_event_to_the_byte_each_time(event_type: str):
    event = sample(event_type)
    first = body_of(event, "rushes", never)
    assert json.loads(first) == event
    assert first == json.dumps(event, ensure_ascii=False, separators=(",", ":"))
    assert first == body_of(json.loads(as_json(event)), "rushes", never)


@pytest.mark.parametrize(
    ("event_type", "told"),
    [
        ("job.completed", "video.completed"),
        ("job.failed", "video.failed"),
        ("job.cancelled", "video.failed"),
    ],
)
def test_openai_is_told_thinly_and_its_sdk_reads_it(event_type: str, told: str):
    event = sample(event_type)
    text = body_of(event, "openai", never)
    assert json.loads(text) == {
        "id": event["id"],
        "object": "event",
        "created_at": int(NOW),
        "type": told,
        "data": {"id": "job_1"},
    }
    signed = headers(event["id"], time.time(), text.encode(), [SECRET])
    read = openai.OpenAI(api_key="none").webhooks.unwrap(text, signed, secret=SECRET)
    assert (read.type, cast("Any", read).data.id) == (told, "job_1")


def test_fal_is_told_the_result_with_fresh_links():
    harness = Harness()
    job = harness.completed()
    event = ending(job, "media").model_dump(mode="json")
    told = [said(event, "fal", lambda: view(job)) for _ in range(2)]
    artifact = job.artifacts[0]
    payload = told[0].pop("payload")
    assert told[0] == {"request_id": job.id, "gateway_request_id": job.id, "status": "OK"}
    url = payload["video"].pop("url")
    assert payload["video"] == {
        "content_type": "video/mp4", "file_name": f"{job.id}.mp4", "file_size": artifact.size,
    }  # fmt: skip
    assert url.startswith(f"https://bucket.example/{artifact.key}?")
    assert url != told[1]["payload"]["video"]["url"]


def test_pipelet_is_told_the_result_as_a_link():
    job = Harness().completed()
    event = ending(job, "media").model_dump(mode="json")
    told = said(event, "pipelet", lambda: view(job))
    link = told["video"]["data_uri"]
    assert link.startswith("https://bucket.example/")
    assert told == {
        "eventType": "completed",
        "jobId": job.id,
        "video": {"data_uri": link, "data_url": link},
    }


def test_pipelet_hears_of_the_beginning_as_well():
    job = Harness().running()
    event = started(job).model_dump(mode="json")
    assert said(event, "pipelet") == {"eventType": "acquired", "jobId": job.id}


def test_a_bad_end_is_told_without_looking_at_the_job():
    event = sample("job.failed")
    message = event["data"]["error"]["message"]
    assert said(event, "fal") == {
        "request_id": "job_1",
        "gateway_request_id": "job_1",
        "status": "ERROR",
        "error": message,
        "payload": {"detail": message},
    }
    assert said(event, "pipelet") == {
        "eventType": "failed",
        "jobId": "job_1",
        "statusMessages": {"message": message, "detail_message": "content_filtered"},
    }


def test_a_cancelled_job_has_each_apis_word_for_it():
    event = sample("job.cancelled")
    assert said(event, "fal")["status"] == "ERROR"
    assert said(event, "fal")["error"] == "the request was cancelled"
    told = said(event, "pipelet")
    assert told["eventType"] == "cancelled"
    assert told["statusMessages"]["detail_message"] == "request_cancelled"


def test_a_failure_without_a_reason_has_one_all_the_same():
    harness = Harness()
    job = harness.running()
    job = job.finished(NOW, JobOutcome(status=JobStatus.FAILED), "run", 60)
    event = ending(job, "media").model_dump(mode="json")
    assert said(event, "fal")["error"] == "it failed"
    assert said(event, "pipelet")["statusMessages"]["detail_message"] == "internal_error"


def test_a_result_that_is_gone_by_now_is_said_to_be():
    event = sample("job.completed")
    told = said(event, "fal", lambda: None)
    assert (told["status"], told["payload"], told["payload_error"]) == ("OK", None, GONE)
    told = said(event, "pipelet", lambda: None)
    assert told == {"eventType": "completed", "jobId": "job_1", "statusMessages": {"message": GONE}}


def test_a_transcript_is_there_itself():
    job = (
        Harness()
        .completed()
        .model_copy(
            update={"artifacts": (), "document": {"text": "good morning"}, "kind": "transcription"}
        )
    )
    event = ending(job, "media").model_dump(mode="json")
    assert said(event, "fal", lambda: view(job))["payload"] == {"text": "good morning"}
    assert said(event, "pipelet", lambda: view(job))["text"] == "good morning"


def test_an_errors_text_is_what_a_look_at_the_job_would_find():
    """The two ways to learn of a failure agree."""
    harness = Harness()
    error = JobError(code="upstream_refused", message="the prompt was refused")
    running = harness.running()
    for outcome in (
        JobOutcome(status=JobStatus.FAILED, error=error),
        JobOutcome(status=JobStatus.CANCELLED),
    ):
        job = running.finished(NOW, outcome, "run", 60)
        event = ending(job, "media").model_dump(mode="json")
        trouble = trouble_of(job)
        assert trouble
        messages = said(event, "pipelet")["statusMessages"]
        assert messages == {"message": trouble.message, "detail_message": trouble.code}


def test_no_message_is_longer_than_receivers_take():
    job = Harness().completed()
    event = ending(job, "media").model_dump(mode="json")
    for form in FORMATS:
        assert len(body_of(event, form, lambda: view(job))) < 20_000
