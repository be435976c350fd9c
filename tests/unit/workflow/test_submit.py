"""Submit: at most one create call without idempotency support."""

import math
from collections.abc import Callable

import pytest

from rushes.errors import (
    AwsUnavailable,
    InvalidInputFile,
    UpstreamNoResponse,
    UpstreamThrottled,
    UpstreamUnreachable,
)
from rushes.jobs.content_type import found_and_allowed
from rushes.jobs.job import Job
from rushes.jobs.request import Input, Role, StoredFile, role_media_type
from rushes.jobs.result import JobError
from rushes.jobs.status import JobStatus, Stage
from rushes.ports.http import FormFile, HttpReply
from rushes.ports.providers import Timing
from rushes.workflow.lease import LEASE_SECONDS
from rushes.workflow.task import AWS_RETRY_SECONDS, TO_FINISH
from rushes.workflow.wait_times import MAX_QUEUED_DELAY
from tests.fakes import unavailable
from tests.harness import (
    ACCOUNT,
    CATALOG,
    CREATE,
    MP3_BYTES,
    MP4_BYTES,
    PNG_BYTES,
    Harness,
    reply,
    video,
)
from tests.media_boxes import SOUND

IMAGE_URL = "https://images.example/ball.png"
OTHER_URL = "https://images.example/other.png"
FETCHED = {"status": "pending", "wait_seconds": 1}
"""Inputs are fetched in an invocation of their own."""
SOURCE = Role.SOURCE_VIDEO
AVIF_BYTES = b"\x00\x00\x00\x18ftypiso8\x00\x00\x00\x00avismif1" + bytes(100)
IMAGE_INPUT = Input(role=Role.IMAGE, url=IMAGE_URL)


def test_submit_starts_job_and_waits_half_the_typical_time(harness: Harness) -> None:
    job = harness.accepted()
    assert harness.submit(job) == {"status": "submitted", "wait_seconds": 10}
    running = harness.now(job)
    assert (running.status, running.stage) == (JobStatus.QUEUED, Stage.RUNNING)
    assert running.submissions == 1
    assert (running.operation, running.submitted_at) == ({"id": "up-1"}, harness.clock())


def test_submit_uses_recorded_durations_for_first_poll_delay(harness: Harness) -> None:
    job = harness.accepted()
    timing_key = "sandbox/one-at-home/4s/1280x720"
    harness.timings.put(timing_key, Timing(count=9, mean=5.0, variance=0.0))
    assert harness.submit(job)["wait_seconds"] == MAX_QUEUED_DELAY


def test_submit_polls_a_job_that_has_begun_after_the_recorded_durations(harness: Harness) -> None:
    job = harness.accepted(video("in_progress"))
    timing_key = "sandbox/one-at-home/4s/1280x720"
    harness.timings.put(timing_key, Timing(count=9, mean=5.0, variance=0.0))
    assert harness.submit(job)["wait_seconds"] == 126
    assert harness.now(job).status is JobStatus.IN_PROGRESS


def test_submit_sends_request_in_provider_format(harness: Harness) -> None:
    harness.submit(harness.accepted(seed=7))
    (call,) = harness.creates()
    assert call.form == {
        "model": "one-at-home",
        "prompt": "a red ball",
        "seconds": "4",
        "size": "1280x720",
        "seed": "7",
    }
    assert [upstream.base_url for upstream in harness.http_client.upstreams] == [
        "https://sandbox.example/v1"
    ]


def test_repeated_submit_makes_no_second_call(harness: Harness) -> None:
    job = harness.running()
    assert harness.submit(job) == {"status": "submitted", "wait_seconds": 1}
    assert len(harness.creates()) == 1


@pytest.mark.parametrize("state", [Harness.stored, Harness.completed])
def test_submit_skips_job_with_outcome(state: Callable[[Harness], Job], harness: Harness) -> None:
    assert harness.submit(state(harness)) == TO_FINISH


def test_submit_finishes_execution_of_unknown_job(harness: Harness) -> None:
    job = harness.accepted()
    harness.jobs.rows.clear()
    assert harness.submit(job) == TO_FINISH


def test_submit_waits_while_lease_is_held(harness: Harness) -> None:
    job = harness.leased()
    harness.clock.advance(50)
    assert harness.submit(job) == {"status": "pending", "wait_seconds": 100}
    assert not harness.creates()


def test_submit_never_repeats_call_after_expired_lease(harness: Harness) -> None:
    """The function crashed between the lease and the response."""
    job = harness.leased()
    harness.clock.advance(LEASE_SECONDS)
    assert harness.submit(job) == TO_FINISH
    assert harness.error_code(job) == "upstream_outcome_unknown"
    assert not harness.creates()


@pytest.mark.parametrize(
    "answer",
    [UpstreamNoResponse("no answer"), *map(reply, (408, 500, 502, 503, 504, 529))],
)
def test_submit_never_repeats_call_with_unknown_outcome(
    harness: Harness, answer: HttpReply | Exception
) -> None:
    job = harness.accepted(answer)
    assert harness.submit(job) == harness.submit(job) == TO_FINISH
    assert harness.error_code(job) == "upstream_outcome_unknown"
    assert len(harness.creates()) == 1


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (UpstreamUnreachable("refused"), 2),
        (reply(429), 2),
        (reply(429, {"retry-after": "45"}), 45),
        (UpstreamThrottled("later", wait_seconds=math.nan), 1),
    ],
)
def test_submit_retries_call_that_created_nothing(
    harness: Harness, answer: HttpReply | Exception, wait: int
) -> None:
    job = harness.accepted(answer)
    assert harness.submit(job) == {"status": "pending", "wait_seconds": wait}
    assert (harness.now(job).stage, harness.now(job).lease_until) == (Stage.WAITING, None)
    harness.clock.advance(wait)
    harness.answer(CREATE, video("queued"))
    assert harness.submit(job)["status"] == "submitted"
    assert harness.now(job).submissions == 2


def test_submit_retry_delay_doubles(harness: Harness) -> None:
    job = harness.accepted(reply(429))
    waits = []
    for _ in range(4):
        waits.append(harness.submit(job)["wait_seconds"])
        harness.clock.advance(waits[-1])
    assert waits == [2, 4, 8, 16]


@pytest.mark.parametrize(
    ("answer", "code", "upstream_code"),
    [
        (reply(400, error={"message": "no", "code": "too_rude"}), "upstream_refused", "too_rude"),
        (
            reply(400, error={"message": "no", "code": "content_filter"}),
            "content_filtered",
            "content_filter",
        ),
        (reply(403), "upstream_unauthorized", None),
        (HttpReply(200, {}, b"<html>"), "upstream_bad_response", None),
    ],
)
def test_submit_fails_job_after_refusal_or_invalid_response(
    harness: Harness, answer: HttpReply, code: str, upstream_code: str | None
) -> None:
    job = harness.accepted(answer)
    assert harness.submit(job) == TO_FINISH
    error = harness.error(job)
    assert (error.code, error.upstream_code) == (code, upstream_code)


def test_submit_retries_when_secret_is_unavailable(harness: Harness) -> None:
    job = harness.accepted()
    harness.upstreams.error = AwsUnavailable("throttled")
    assert harness.submit(job) == {"status": "pending", "wait_seconds": AWS_RETRY_SECONDS}
    harness.upstreams.error = None
    assert harness.submit(job)["status"] == "submitted"
    assert len(harness.creates()) == 1


def test_submit_takes_no_lease_while_no_access_token_can_be_made(harness: Harness) -> None:
    """A token request may take as long as a create call, and the lease covers only one."""
    job = harness.accepted()
    harness.upstreams.error = UpstreamUnreachable("no access token")
    assert harness.submit(job)["status"] == "pending"
    assert (harness.now(job).submissions, harness.now(job).lease_until) == (0, None)
    harness.upstreams.error = None
    assert harness.submit(job)["status"] == "submitted"


def test_submit_retries_when_input_file_is_unavailable(harness: Harness) -> None:
    job = harness.accepted(AwsUnavailable("throttled"), video("queued"))
    assert harness.submit(job)["status"] == "pending"
    assert harness.submit(job)["status"] == "submitted"


def test_submit_makes_no_call_without_lease(harness: Harness) -> None:
    job = harness.accepted()
    harness.jobs.before_write = unavailable
    assert harness.submit(job) == {"status": "pending", "wait_seconds": AWS_RETRY_SECONDS}
    assert not harness.creates()
    assert harness.submit(job)["status"] == "submitted"


def test_submit_fails_job_after_deadline(harness: Harness) -> None:
    job = harness.accepted()
    harness.clock.advance(1800.1)
    assert harness.submit(job) == TO_FINISH
    assert harness.error_code(job) == "upstream_timeout"
    assert not harness.creates()


def test_submit_makes_no_call_for_cancelled_job(harness: Harness) -> None:
    job = harness.accepted()
    harness.service.cancel(ACCOUNT, job.id)
    assert harness.submit(job) == TO_FINISH
    assert harness.finish(job)["status"] == "cancelled"
    assert not harness.creates()


def test_submit_delays_cancel_while_lease_is_held(harness: Harness) -> None:
    job = harness.leased()
    harness.service.cancel(ACCOUNT, job.id)
    assert harness.submit(job)["status"] == "pending"
    assert harness.now(job).outcome is None


def sent_file(harness: Harness, field: str) -> StoredFile:
    """Return the file part of the only create call."""
    (call,) = harness.creates()
    assert call.form is not None
    part = call.form[field]
    assert isinstance(part, FormFile)
    return part.file


def test_submit_fetches_image_url_and_sends_file(harness: Harness) -> None:
    job = harness.accepted(inputs=[IMAGE_INPUT])
    harness.http_client.files[IMAGE_URL] = PNG_BYTES
    assert harness.submit(job) == FETCHED
    harness.http_client.files.clear()  # the file is in the bucket now
    harness.submit(job)
    file = sent_file(harness, "input_reference")
    assert file.key == f"inputs/{ACCOUNT}/{job.id}/0"
    assert (file.content_type, file.size) == ("image/png", len(PNG_BYTES))
    assert harness.blobs.objects[file.key] == PNG_BYTES


def test_submit_fetches_video_url_and_sends_file(harness: Harness) -> None:
    source = Input(role=Role.SOURCE_VIDEO, url=IMAGE_URL)
    job = harness.accepted(inputs=[IMAGE_INPUT.model_copy(update={"url": OTHER_URL}), source])
    harness.http_client.files = {OTHER_URL: PNG_BYTES, IMAGE_URL: MP4_BYTES}
    harness.answer("POST /videos/edits", video("queued"))
    assert harness.submit(job) == FETCHED
    assert harness.submit(job)["status"] == "submitted"
    file = sent_file(harness, "video")
    folder = f"inputs/{ACCOUNT}/{job.id}"
    assert (file.key, file.content_type) == (f"{folder}/1", "video/mp4")
    assert harness.blobs.objects == {f"{folder}/0": PNG_BYTES, file.key: MP4_BYTES}


@pytest.mark.parametrize(
    ("role", "content", "message"),
    [
        (Role.IMAGE, MP4_BYTES, "image must be a URL of type image (found video/mp4; "),
        (Role.IMAGE, MP3_BYTES, "image must be a URL of type image (found audio/mpeg; "),
        (Role.IMAGE, b"<svg>", "image must be a URL of type image (found image/svg+xml; "),
        (SOURCE, PNG_BYTES, "source_video must be a URL of type video (found image/png; "),
        (SOURCE, b"", "source_video must be a URL of type video (found an unknown type; "),
        (SOURCE, AVIF_BYTES, "source_video must be a URL of type video (found image/avif; "),
        (SOURCE, SOUND, "source_video must be a URL of type video (found audio/mp4; "),
    ],
)
def test_submit_fails_job_if_file_type_does_not_fit_role(
    harness: Harness, role: Role, content: bytes, message: str
) -> None:
    job = harness.accepted(inputs=[Input(role=role, url=IMAGE_URL)])
    harness.http_client.files[IMAGE_URL] = content
    assert harness.submit(job) == TO_FINISH
    error = harness.error(job)
    allowed = found_and_allowed(None, role_media_type(role)).partition("; ")[2]
    assert error == JobError(code="invalid_input_reference", message=message + allowed)
    assert (harness.http_client.calls, harness.blobs.objects) == ([], {})


@pytest.mark.parametrize("content", [b"<html>", InvalidInputFile("input_reference returned 404")])
def test_submit_fails_job_with_invalid_image_before_the_call(
    harness: Harness, content: bytes | Exception
) -> None:
    job = harness.accepted(inputs=[IMAGE_INPUT])
    harness.http_client.files[IMAGE_URL] = content
    assert harness.submit(job) == TO_FINISH
    assert harness.error_code(job) == "invalid_input_reference"
    assert not harness.creates()


def test_submit_accepts_job_of_an_older_release_with_a_removed_model(harness: Harness) -> None:
    job = harness.of_older_release(harness.accepted())
    harness.catalog = CATALOG.model_copy(update={"models": CATALOG.models[1:], "aliases": {}})
    assert harness.submit(job) == {"status": "submitted", "wait_seconds": 15}
