"""Submit: providers that require an upload before the create call."""

import json
from typing import Any

import pytest

from rushes.catalog.model_entry import ModelEntry
from rushes.errors import (
    AwsUnavailable,
    UpstreamNoResponse,
    UpstreamProtocolError,
    UpstreamThrottled,
    UpstreamUnreachable,
)
from rushes.jobs.job import Job
from rushes.jobs.request import CreateRequest, GenerationRequest, Input, Role, Upload
from rushes.jobs.status import Stage
from rushes.ports.http import HttpCall, HttpReply
from rushes.providers.base import PollResult, Profile, Submitted, Succeeded, SupportsUpload
from rushes.providers.replies import raise_for_create_status, raise_for_status
from rushes.workflow.lease import LEASE_SECONDS
from rushes.workflow.rate_limiter import DEFAULT_RETRY_AFTER
from rushes.workflow.submit import KEY_RETRY_DELAYS
from rushes.workflow.task import AWS_RETRY_SECONDS, TO_FINISH
from tests.harness import ACCOUNT, CREATE, PNG_BYTES, Harness, reply, video

UPLOAD_URL = "https://uploads.example/put/1?signature=x"
IMAGE_URL = "https://images.example/ball.png"
UPLOAD_CALL = "POST /uploads"


class UploadProvider:
    """Issues an upload URL for the image before the create call."""

    profile = Profile()

    def upload_url_request(self, job: Job) -> HttpCall | None:
        image = job.request.file(Role.IMAGE)
        if image is None:
            return None
        return HttpCall("POST", "/uploads", json={"type": image.content_type})

    def parse_upload_url(self, reply: HttpReply) -> str:
        raise_for_status(reply)
        url: str = json.loads(reply.body)["url"]
        return url

    def submit_request_with_upload(
        self, job: Job, url: str, _model: ModelEntry | None = None
    ) -> HttpCall:
        return HttpCall("POST", "/videos", json={"prompt": job.request.prompt, "image": url})

    def submit_request(self, job: Job, _model: ModelEntry | None = None) -> HttpCall:
        return HttpCall("POST", "/videos", json={"prompt": job.request.prompt})

    def parse_submit(self, reply: HttpReply) -> Submitted:
        raise_for_create_status(reply)
        return Submitted({"id": "up-1"})

    def poll_request(self, _operation: dict[str, Any]) -> HttpCall:
        return HttpCall("GET", "/videos/up-1")

    def parse_poll(self, _operation: dict[str, Any], _reply: HttpReply) -> PollResult:
        return Succeeded()


@pytest.fixture
def harness() -> Harness:
    harness = Harness(adapter=lambda _entry: UploadProvider())
    harness.answer(UPLOAD_CALL, reply(200, url=UPLOAD_URL))
    harness.answer(CREATE, video("queued"))
    harness.http_client.files[IMAGE_URL] = PNG_BYTES
    return harness


@pytest.fixture
def job(harness: Harness) -> Job:
    request = GenerationRequest(model="sandbox/one", prompt="a red ball")
    upload = Upload("input_reference", "image/png", PNG_BYTES)
    create_request = CreateRequest(request, uploads=((Role.IMAGE, upload),))
    return harness.service.create(ACCOUNT, "openai", create_request).job


def assert_without_lease(harness: Harness, job: Job) -> None:
    """The job has the reason of its wait, and no create call was begun."""
    stored = harness.now(job)
    assert (stored.lease_until, stored.submissions, stored.stage) == (None, 0, Stage.WAITING)
    assert stored.waiting is not None


def test_provider_of_these_tests_supports_upload() -> None:
    assert isinstance(UploadProvider(), SupportsUpload)


def test_submit_uploads_file_and_sends_its_url(harness: Harness, job: Job) -> None:
    assert harness.submit(job)["status"] == "submitted"
    assert harness.http_client.puts == {UPLOAD_URL: job.request.file(Role.IMAGE)}
    upload, create = harness.http_client.calls
    assert (upload.path, upload.json) == ("/uploads", {"type": "image/png"})
    assert (create.path, create.json) == ("/videos", {"prompt": "a red ball", "image": UPLOAD_URL})
    running = harness.now(job)
    assert (running.stage, running.submissions) == (Stage.RUNNING, 1)


def test_submit_fetches_input_url_and_uploads_it(harness: Harness) -> None:
    job = harness.accepted(inputs=[Input(role=Role.IMAGE, url=IMAGE_URL)])
    assert harness.submit(job)["status"] == "pending"
    assert harness.submit(job)["status"] == "submitted"
    (file,) = harness.http_client.puts.values()
    assert (file.content_type, harness.blobs.objects[file.key]) == ("image/png", PNG_BYTES)
    assert harness.http_client.calls[-1].json["image"] == UPLOAD_URL


def test_submit_without_file_makes_no_upload(harness: Harness) -> None:
    assert harness.submit(harness.accepted())["status"] == "submitted"
    assert harness.calls() == [CREATE]
    assert harness.http_client.calls[0].json == {"prompt": "a red ball"}
    assert harness.http_client.puts == {}


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (UpstreamThrottled("the upload was answered 503"), 2),
        (UpstreamUnreachable("refused"), 2),
        (UpstreamNoResponse("no answer"), 2),
    ],
)
def test_submit_retries_failed_upload_without_lease(
    harness: Harness, job: Job, answer: Exception, wait: int
) -> None:
    harness.http_client.put_error = answer
    assert harness.submit(job) == {"status": "pending", "wait_seconds": wait}
    assert_without_lease(harness, job)
    assert harness.calls() == [UPLOAD_CALL]
    harness.http_client.put_error = None
    assert harness.submit(job)["status"] == "submitted"
    assert (harness.calls()[1:], harness.now(job).submissions) == ([UPLOAD_CALL, CREATE], 1)


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (reply(429), 2),
        (reply(429, {"retry-after": "45"}), 45),
        (reply(503), 2),
        (UpstreamUnreachable("refused"), 2),
        (UpstreamNoResponse("no answer"), 2),
    ],
)
def test_submit_requests_upload_url_again_after_error(
    harness: Harness, job: Job, answer: HttpReply | Exception, wait: int
) -> None:
    """Nothing billed was begun: even a call without a response may be repeated."""
    harness.answer(UPLOAD_CALL, answer)
    assert harness.submit(job) == {"status": "pending", "wait_seconds": wait}
    assert_without_lease(harness, job)
    assert (harness.calls(), harness.http_client.puts) == ([UPLOAD_CALL], {})
    harness.answer(UPLOAD_CALL, reply(200, url=UPLOAD_URL))
    assert harness.submit(job)["status"] == "submitted"


def test_submit_fails_job_if_upload_url_is_refused(harness: Harness, job: Job) -> None:
    harness.answer(UPLOAD_CALL, reply(403))
    assert harness.submit(job) == TO_FINISH
    assert harness.error_code(job) == "upstream_unauthorized"
    assert (harness.calls(), harness.http_client.puts) == ([UPLOAD_CALL], {})


def test_rejected_key_of_an_upload_call_is_retried(harness: Harness, job: Job) -> None:
    harness.answer(UPLOAD_CALL, reply(401))
    assert harness.submit(job) == {"status": "pending", "wait_seconds": KEY_RETRY_DELAYS[0]}
    assert (harness.now(job).key_rejections, harness.now(job).submissions) == (1, 0)
    harness.answer(UPLOAD_CALL, reply(200, url=UPLOAD_URL))
    assert harness.submit(job)["status"] == "submitted"


def test_rejected_key_of_an_upload_call_keeps_the_lease_of_another_invocation(
    harness: Harness, job: Job
) -> None:
    harness.answer(UPLOAD_CALL, reply(401))
    harness.jobs.before_write = lambda: harness.change(
        job, lambda job, now: job.submitting(now, LEASE_SECONDS)
    )
    harness.submit(job)
    assert harness.now(job).lease_until == harness.clock() + LEASE_SECONDS


def test_submit_fails_job_with_invalid_upload_url(harness: Harness, job: Job) -> None:
    harness.http_client.put_error = UpstreamProtocolError("invalid upload URL")
    assert harness.submit(job) == TO_FINISH
    assert harness.now(job).submissions == 0
    assert harness.calls() == [UPLOAD_CALL]


def test_submit_retries_when_uploaded_file_is_unavailable(harness: Harness, job: Job) -> None:
    harness.http_client.put_error = AwsUnavailable("throttled")
    assert harness.submit(job) == {"status": "pending", "wait_seconds": AWS_RETRY_SECONDS}
    assert harness.now(job) == job
    harness.http_client.put_error = None
    assert harness.submit(job)["status"] == "submitted"


def test_submit_stops_uploads_at_deadline(harness: Harness, job: Job) -> None:
    harness.http_client.put_error = UpstreamThrottled("the upload was answered 503")
    harness.clock.advance(1800)
    assert harness.submit(job)["status"] == "pending"
    harness.clock.advance(0.1)
    assert harness.submit(job) == TO_FINISH
    assert harness.calls() == [UPLOAD_CALL]


def test_submit_makes_unanswered_call_once_after_upload(harness: Harness, job: Job) -> None:
    harness.answer(CREATE, UpstreamNoResponse("no answer"))
    assert harness.submit(job) == harness.submit(job) == TO_FINISH
    assert harness.calls() == [UPLOAD_CALL, CREATE]


def test_submit_uploads_again_before_retried_call(harness: Harness, job: Job) -> None:
    fresh = UPLOAD_URL.replace("/1", "/2")
    harness.answer(UPLOAD_CALL, reply(200, url=UPLOAD_URL), reply(200, url=fresh))
    harness.answer(CREATE, reply(429), video("queued"))
    assert harness.submit(job)["status"] == "pending"
    assert (harness.now(job).stage, harness.now(job).submissions) == (Stage.WAITING, 1)
    harness.clock.advance(DEFAULT_RETRY_AFTER)
    assert harness.submit(job)["status"] == "submitted"
    assert list(harness.http_client.puts) == [UPLOAD_URL, fresh]
    assert harness.http_client.calls[-1].json["image"] == fresh


def test_cancel_during_upload_prevents_create_call(harness: Harness, job: Job) -> None:
    harness.jobs.before_write = lambda: harness.service.cancel(ACCOUNT, job.id)
    assert harness.submit(job)["status"] == "pending"
    assert harness.calls() == [UPLOAD_CALL]
    assert harness.submit(job) == TO_FINISH
    assert harness.finish(job, f"{job.id}-r2")["status"] == "cancelled"


def test_submit_makes_no_upload_while_lease_is_held(harness: Harness, job: Job) -> None:
    harness.change(job, lambda job, now: job.submitting(now, 150.0))
    assert harness.submit(job)["status"] == "pending"
    assert (harness.calls(), harness.http_client.puts) == ([], {})
