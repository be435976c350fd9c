"""Whatever a provider returns as result, the job ends or goes on within two polls, and its item
stays below DynamoDB's 400 KB.
"""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic_core import to_json

from rushes.api.choose_models import MAX_FALLBACKS
from rushes.catalog.model_entry import ModelEntry
from rushes.dialects.validation import MAX_REQUEST_BYTES, check_request_size
from rushes.jobs.events import terminal_event
from rushes.jobs.job import Job
from rushes.jobs.job_state import MAX_WARNINGS
from rushes.jobs.request import StoredFile, WebhookTarget
from rushes.jobs.result import Artifact, JobError, JobOutcome, Output, ProviderAttempt
from rushes.jobs.status import JobStatus
from rushes.ports.http import HttpCall, HttpReply
from rushes.providers import limits
from rushes.providers.base import PollResult, Profile, Submitted, Succeeded
from rushes.providers.fal_queue.fal_queue import Fal
from rushes.providers.runway.adapter import Runway
from rushes.providers.together.adapter import Together
from rushes.workflow.poll import DOCUMENT_BYTES, RETRY_WINDOW
from tests.harness import CONTENT, MP4_BYTES, POLL_CALL, Harness, reply, video

ITEM_BYTES = 400 * 1024
URL = "https://cdn.example/video.mp4"
LONG_URL = f"{URL}?{'x' * 500_000}"


@dataclass
class ResultProvider:
    """Returns one result for every poll."""

    result: PollResult
    profile: Profile = Profile()  # noqa: RUF009 - frozen

    def submit_request(self, _job: Job, _model: ModelEntry | None = None) -> HttpCall:
        return HttpCall("POST", "/videos")

    def parse_submit(self, _reply: HttpReply) -> Submitted:
        return Submitted({"id": "up-1"})

    def poll_request(self, _operation: dict[str, Any]) -> HttpCall:
        return HttpCall("GET", "/videos/up-1")

    def parse_poll(self, _operation: dict[str, Any], _reply: HttpReply) -> PollResult:
        return self.result


def polled(harness: Harness, result: PollResult) -> Job:
    """Return a job after one poll with this result."""
    harness.adapter = lambda _entry: ResultProvider(result)
    job = harness.running(reply(200))
    harness.poll(job)
    return harness.now(job)


def failed(harness: Harness, job: Job) -> Job:
    """Poll until the window of invalid results is over."""
    harness.clock.advance(RETRY_WINDOW + 1)
    harness.poll(job)
    return harness.now(job)


@pytest.mark.parametrize(
    ("result", "named"),
    [
        (Succeeded((Output(url=LONG_URL),)), "the output's URL must have at most 8192 bytes"),
        (Succeeded((Output(url=URL, pointer=LONG_URL),)), "the output's pointer must have"),
        (
            Succeeded(tuple(Output(url=f"{URL}?{'x' * 2000}{n}") for n in range(64))),
            "must have at most 49152 bytes",
        ),
    ],
)
def test_result_that_cannot_be_recorded_fails_the_job_in_the_end(
    harness: Harness, result: PollResult, named: str
) -> None:
    job = failed(harness, polled(harness, result))
    assert harness.error_code(job) == "bad_output"
    assert named in harness.error(job).message
    assert len(job.model_dump_json()) < 4000


def test_implausible_cost_and_excess_outputs_are_warnings(harness: Harness) -> None:
    outputs = tuple(Output(url=f"{URL}?{n}") for n in range(1000))
    job = polled(harness, Succeeded(outputs, cost=1e308))
    assert (len(job.outputs), job.cost) == (64, 0.4)
    assert job.warnings == (
        "the provider's cost is ignored: it must be 0 to 40 US dollars (got 1e+308)",
        "the provider returned 1000 outputs; 64 are stored",
    )
    harness.poll(job)  # for fresh URLs
    assert harness.now(job).warnings == job.warnings


@pytest.mark.parametrize("size", [DOCUMENT_BYTES - 20, DOCUMENT_BYTES + 1, 12 * 1024 * 1024])
def test_large_document_is_a_file(harness: Harness, size: int) -> None:
    job = polled(harness, Succeeded(document={"text": "x" * size}))
    assert (job.document is None) is (size > DOCUMENT_BYTES)
    assert (job.document_file is not None) is (size > DOCUMENT_BYTES)
    assert len(job.model_dump_json()) < DOCUMENT_BYTES + 4000


COSTS = [-5, 1e308, 10**400, "free", [], {"usd": 1}, True, "NaN"]


@pytest.mark.parametrize("cost", COSTS)
def test_unusable_cost_does_not_cost_the_job_its_result(harness: Harness, cost: object) -> None:
    harness.adapter = lambda _entry: Together()
    harness.answer("POST /v2/videos", video("queued"))
    body = {"video_url": URL, "cost": cost}
    harness.answer("GET /v2/videos/up-1", video("completed", outputs=body, error=[5]))
    job = harness.accepted()
    harness.submit(job)
    assert harness.poll(job)["status"] == "succeeded"
    done = harness.now(job)
    assert (done.outputs, done.cost, len(done.warnings)) == ((Output(url=URL),), 0.4, 1)


@pytest.mark.parametrize("progress", ["half", [50], {"percent": 50}, -5, 1e308, 10**400, True])
def test_unusable_progress_does_not_cost_the_job_its_result(
    harness: Harness, progress: object
) -> None:
    job = harness.running(video("in_progress", progress=progress))
    assert harness.poll(job)["status"] == "pending"
    assert harness.now(job).failing_since is None
    harness.answer(POLL_CALL, video("completed", progress=progress, error={"message": []}))
    assert harness.poll(job)["status"] == "succeeded"


@pytest.mark.parametrize(
    "status",
    [
        {"queue_position": "first"},
        {"queue_position": [1]},
        {"etaSeconds": "soon"},
        {"etaSeconds": 1e308},
        {"queue_position": 1.5},
    ],
)
def test_unusable_queue_position_or_estimate_is_ignored(status: dict[str, Any]) -> None:
    body = json.dumps({"status": "IN_QUEUE", **status}).encode()
    pending = limits.check_poll(Fal().parse_poll({}, HttpReply(200, {}, body)), None)
    assert getattr(pending, "queued", False)


def test_output_url_of_another_adapter_is_bounded(harness: Harness) -> None:
    harness.adapter = lambda _entry: Runway()
    harness.answer("POST /text_to_video", reply(200, id="up-1"))
    done = reply(200, id="up-1", status="SUCCEEDED", output=[LONG_URL])
    harness.answer("GET /tasks/up-1", done)
    job = harness.accepted()
    harness.submit(job)
    harness.poll(job)
    failed(harness, job)
    assert harness.error_code(job) == "bad_output"


def test_result_after_cancel_that_cannot_be_recorded_is_polled_again(harness: Harness) -> None:
    harness.adapter = lambda _entry: ResultProvider(Succeeded((Output(url=LONG_URL),)))
    job = harness.running(reply(200))
    harness.service.cancel(job.account, job.id)
    harness.poll(job)
    harness.finish(job)
    assert harness.poll(job)["status"] == "pending"
    assert harness.now(job).is_tracked


def test_warnings_are_few_short_and_different(harness: Harness) -> None:
    job = harness.running()
    for number in range(200):
        job = job.warned(1.0, f"{number // 2}" + "x" * 10_000)
        job = job.failing(1.0, f"{number // 2}" + "y" * 10_000)
    warnings = job.warnings
    assert len(warnings) == len(set(warnings)) == MAX_WARNINGS
    assert max(map(len, warnings)) == 300


# One takes four bytes, and one takes six in JSON.
WIDE = ["\N{CLAPPER BOARD}", "\x01"]


def largest(job: Job, wide: str) -> Job:
    """Return the job with each text of a client or a provider at its bound, in wide characters."""
    bytes_each = len(to_json(wide)) - 2
    error = JobError(code="c" * 900, message=wide * 9000, upstream_code=wide * 900)
    operation = {"id": wide * ((limits.MAX_OPERATION_BYTES - 20) // bytes_each)}
    limits.check_submitted(Submitted(operation))
    attempt = ProviderAttempt(
        model="m" * 100, provider="p" * 50, operation=operation, started_at=1.5, ended_at=2.5,
        error=error,
    )  # fmt: skip
    output = Output(url=wide * (600 // bytes_each), needs_key=True)
    count = limits.MAX_OUTPUTS_BYTES // len(output.model_dump_json().encode())
    limits.check_result(Succeeded((output,) * count), None)
    artifact = Artifact(key="k" * 120, content_type="video/mp4", size=10**9, sha256="0" * 64)
    prompt = wide * ((MAX_REQUEST_BYTES - 1000) // bytes_each)
    request = job.request.model_copy(update={"prompt": prompt})
    check_request_size(request)
    warned = job
    for number in range(MAX_WARNINGS):
        warned = warned.warned(1.0, f"{number:02}" + wide * 298)
    done = job.model_copy(
        update={
            "request": request,
            "attempts": (attempt,) * MAX_FALLBACKS,
            "operation": operation,
            "outputs": (output,) * count,
            "document": {"text": wide * ((DOCUMENT_BYTES - 20) // bytes_each)},
            "artifacts": (artifact,) * limits.MAX_OUTPUTS,
            "warnings": warned.warnings,
            "webhook": WebhookTarget(url="https://" + wide * 2000),
            "outcome": JobOutcome(status=JobStatus.FAILED, error=error),
            "error": error,
            "document_file": StoredFile(key="k" * 120, content_type="application/json", size=1),
        }
    )
    return done.with_event(terminal_event(done, "bucket").model_dump(mode="json"))


@pytest.mark.parametrize("wide", WIDE)
def test_item_of_the_largest_job_can_be_written(harness: Harness, wide: str) -> None:
    assert len(largest(harness.completed(), wide).model_dump_json().encode()) < ITEM_BYTES


@pytest.mark.parametrize("wide", WIDE)
def test_urls_of_wide_characters_are_bounded_by_their_bytes(harness: Harness, wide: str) -> None:
    outputs = tuple(Output(url=f"https://cdn.example/{number}{wide * 640}") for number in range(64))
    job = failed(harness, polled(harness, Succeeded(outputs)))
    assert "at most 49152 bytes" in harness.error(job).message


@pytest.mark.parametrize("length", [0, 1, 12, 24, 31])
def test_truncated_video_fails_with_a_named_error(harness: Harness, length: int) -> None:
    job = harness.running(video("completed"))
    harness.http_client.files[CONTENT] = MP4_BYTES[:length]
    harness.poll(job)
    harness.collect_to_end(job)
    assert harness.error_code(job) == "bad_output"
    assert harness.blobs.objects == {}
