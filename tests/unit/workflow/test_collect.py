"""Collect: outputs are stored before their URLs expire."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from typing_extensions import override

from rushes.errors import AwsUnavailable, DownloadInterrupted, InvalidOutput, UpstreamNoResponse
from rushes.jobs.job import Job
from rushes.jobs.result import JobOutcome, Output
from rushes.jobs.status import JobStatus
from rushes.ports.http import Upstream
from rushes.ports.storage import Download
from rushes.workflow.collect import MIN_TRIES, RETRY_WINDOW
from rushes.workflow.task import AWS_RETRY_SECONDS, TO_FINISH
from tests.fakes import FakeHttpClient
from tests.harness import ACCOUNT, CONTENT, MP3_BYTES, MP4_BYTES, PNG_BYTES, Harness


def failure(harness: Harness, job: Job) -> str:
    error = harness.error(job)
    return f"{error.code}: {error.message}"


class BytewiseClient(FakeHttpClient):
    """Downloads byte by byte, without a declared length."""

    @override
    @contextmanager
    def download(self, upstream: Upstream, output: Output) -> Iterator[Download]:
        with super().download(upstream, output) as whole:
            content = b"".join(whole.chunks)
            yield Download(None, None, (content[n : n + 1] for n in range(len(content))))


class TruncatedClient(FakeHttpClient):
    """Declares one byte more than it downloads."""

    @override
    @contextmanager
    def download(self, upstream: Upstream, output: Output) -> Iterator[Download]:
        with super().download(upstream, output) as whole:
            yield Download((whole.length or 0) + 1, whole.content_type, whole.chunks)


@pytest.mark.parametrize(
    ("content", "name", "content_type"),
    [(MP4_BYTES, "0.mp4", "video/mp4"), (MP3_BYTES, "0.mp3", "audio/mpeg")],
)
def test_collect_stores_output_and_sets_outcome(
    harness: Harness, content: bytes, name: str, content_type: str
) -> None:
    job = harness.generated(content)
    assert harness.collect(job) == TO_FINISH
    (artifact,) = harness.now(job).artifacts
    assert artifact.key == f"outputs/{ACCOUNT}/{job.id}/{name}"
    assert (artifact.content_type, artifact.size) == (content_type, len(content))
    assert artifact.sha256 == hashlib.sha256(content).hexdigest()
    assert harness.blobs.objects[artifact.key] == content
    assert harness.finish(job)["status"] == "completed"


def test_collect_stores_each_output_by_number_and_detected_type(harness: Harness) -> None:
    job = harness.generated()
    outputs = (Output(url="/a"), Output(url="/b", content_type="video/mp4"))
    harness.change(job, lambda job, now: job.generated(now, outputs, None))
    harness.http_client.files = {"/a": MP4_BYTES, "/b": PNG_BYTES}
    harness.collect(job)
    names = [artifact.key.rpartition("/")[2] for artifact in harness.now(job).artifacts]
    assert names == ["0.mp4", "1.png"]


@pytest.mark.parametrize("content", [MP4_BYTES, MP4_BYTES[:12], MP4_BYTES[:64], MP4_BYTES[:65]])
def test_collect_keeps_bytes_read_for_type_detection(harness: Harness, content: bytes) -> None:
    harness.http_client = BytewiseClient()
    job = harness.generated(content)
    harness.collect(job)
    assert list(harness.blobs.objects.values()) == [content]


@pytest.mark.parametrize("error", [DownloadInterrupted("410"), UpstreamNoResponse("no answer")])
def test_collect_retries_interrupted_download_after_poll(
    harness: Harness, error: Exception
) -> None:
    job = harness.generated(error)
    assert harness.collect(job) == {"status": "pending", "wait_seconds": 2}
    assert harness.collect(job) == {"status": "pending", "wait_seconds": 4}
    harness.poll(job)
    harness.http_client.files[CONTENT] = MP4_BYTES
    assert harness.collect(job) == TO_FINISH
    assert harness.now(job).artifacts


def test_collect_stores_nothing_of_truncated_download(harness: Harness) -> None:
    harness.http_client = TruncatedClient()
    job = harness.generated()
    assert harness.collect(job)["status"] == "pending"
    assert harness.blobs.objects == {}


def test_collect_fails_after_retry_window(harness: Harness) -> None:
    job = harness.generated(DownloadInterrupted("the output's URL answered 403"))
    outcomes = [harness.collect(job)["status"] for _ in range(MIN_TRIES)]
    assert outcomes == ["pending"] * MIN_TRIES
    harness.clock.advance(RETRY_WINDOW)
    assert harness.collect(job)["status"] == "pending"
    harness.clock.advance(1)
    assert harness.collect(job) == TO_FINISH
    assert failure(harness, job) == "output_interrupted: the output's URL answered 403"


def test_collect_makes_minimum_number_of_tries(harness: Harness) -> None:
    job = harness.generated(DownloadInterrupted("the output's URL answered 403"))
    harness.clock.advance(RETRY_WINDOW + 1)
    outcomes = [harness.collect(job)["status"] for _ in range(MIN_TRIES)]
    assert outcomes == ["pending"] * (MIN_TRIES - 1) + ["ending"]


@pytest.mark.parametrize("content", [b"", b"<html>expired</html>", b'{"error": "gone"}'])
def test_collect_refuses_unknown_file_type(harness: Harness, content: bytes) -> None:
    job = harness.generated(content)
    assert harness.collect(job) == TO_FINISH
    assert failure(harness, job) == (
        "bad_output: output is not a known media type (declared: no content type)"
    )
    assert harness.blobs.objects == {}


def test_collect_fails_job_without_output(harness: Harness) -> None:
    job = harness.running()
    harness.change(job, lambda job, now: job.generated(now, (), None))
    assert harness.collect(job) == TO_FINISH
    assert failure(harness, job) == "bad_output: the provider finished without an output"


def test_collect_leaves_failed_over_job_to_poll(harness: Harness) -> None:
    """Another execution moved it on: that it has no outputs yet is no fault of its provider."""
    job = harness.running()
    assert harness.collect(job) == {"status": "pending", "wait_seconds": 1}
    assert harness.now(job) == job


@pytest.mark.parametrize(
    "document", [{"text": "hello", "segments": [{"start": 0.5, "words": []}]}, {}]
)
def test_collect_accepts_document_without_output(
    harness: Harness, document: dict[str, object]
) -> None:
    job = harness.running()
    harness.change(job, lambda job, now: job.generated(now, (), 0.1, document))
    assert harness.collect(job) == TO_FINISH
    collected = harness.now(job)
    assert (collected.outcome, collected.artifacts) == (JobOutcome(status=JobStatus.COMPLETED), ())
    assert harness.blobs.objects == {}
    assert len(harness.http_client.calls) == 1
    assert harness.finish(job)["status"] == "completed"
    assert (harness.now(job).document, harness.now(job).progress) == (document, 100)


def test_collect_stores_outputs_beside_document(harness: Harness) -> None:
    job = harness.generated()
    outputs = (Output(url="/a"), Output(url="/b"))
    harness.change(job, lambda job, now: job.generated(now, outputs, None, {"seed": 7}))
    harness.http_client.files = {"/a": MP3_BYTES, "/b": InvalidOutput("no")}
    assert harness.collect(job) == TO_FINISH
    assert failure(harness, job) == "bad_output: no"


def test_collect_retries_when_bucket_is_unavailable(harness: Harness) -> None:
    job = harness.generated(AwsUnavailable("throttled"))
    for _ in range(MIN_TRIES + 1):
        assert harness.collect(job) == {"status": "pending", "wait_seconds": AWS_RETRY_SECONDS}


def test_collect_skips_job_with_outcome(harness: Harness) -> None:
    job = harness.completed()
    assert harness.collect(job) == TO_FINISH
    assert harness.now(job) == job


def test_collect_does_not_change_finished_job(harness: Harness) -> None:
    job = harness.generated()
    harness.jobs.before_write = lambda: harness.end(job)
    assert harness.collect(job) == TO_FINISH
    ended = harness.now(job)
    assert (ended.status, ended.collect_attempts, ended.artifacts) == (JobStatus.CANCELLED, 0, ())
