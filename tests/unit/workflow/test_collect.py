"""Collect: outputs are stored before their URLs expire."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from typing_extensions import override

from rushes.errors import (
    AwsUnavailable,
    DownloadInterrupted,
    InvalidOutput,
    UpstreamNoResponse,
    UpstreamRefused,
)
from rushes.jobs.content import ordered_artifacts, primary_artifact
from rushes.jobs.job import Job
from rushes.jobs.result import JobOutcome, Output
from rushes.jobs.status import JobStatus
from rushes.ports.http import Upstream
from rushes.ports.storage import Download
from rushes.workflow.collect import MIN_TRIES, RETRY_WINDOW
from rushes.workflow.task import AWS_RETRY_SECONDS, DEAD_LETTER, TO_FINISH
from tests.fakes import FakeHttpClient
from tests.harness import ACCOUNT, CONTENT, MP3_BYTES, MP4_BYTES, PNG_BYTES, Harness

WEBM_BYTES = b"\x1a\x45\xdf\xa3" + bytes(100)
MOV_BYTES = b"\x00\x00\x00\x08wide" + bytes(100)
AAC_BYTES = b"\xff\xf1\x50\x80" + bytes(100)
GIF_BYTES = b"GIF89a" + bytes(100)
WEBP_BYTES = b"RIFF\x70\x00\x00\x00WEBP" + bytes(100)
AVIF_BYTES = b"\x00\x00\x00\x18ftypavis" + bytes(100)
JPEG_BYTES = b"\xff\xd8\xff" + bytes(100)
SVG_BYTES = b"<?xml version='1.0'?><svg width='9' height='9'></svg>"


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
    [(MP4_BYTES, "0.mp4", "video/mp4"), (WEBM_BYTES, "0.webm", "video/webm")],
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


@pytest.mark.parametrize(
    "content", [MP4_BYTES, MP4_BYTES[:32], MP4_BYTES[:511], MP4_BYTES[:512], MP4_BYTES[:513]]
)
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
    assert (
        failure(harness, job) == f"output_interrupted: the output's URL answered 403{DEAD_LETTER}"
    )


def test_collect_makes_minimum_number_of_tries(harness: Harness) -> None:
    job = harness.generated(DownloadInterrupted("the output's URL answered 403"))
    harness.clock.advance(RETRY_WINDOW + 1)
    outcomes = [harness.collect(job)["status"] for _ in range(MIN_TRIES)]
    assert outcomes == ["pending"] * (MIN_TRIES - 1) + ["ending"]


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", "output is empty (0 bytes)"),
        (MP4_BYTES[:8], "output is truncated: video/mp4 of 8 bytes"),
        (MP4_BYTES[:24], "output is truncated: video/mp4 of 24 bytes"),
        (PNG_BYTES[:20], "output is truncated: image/png of 20 bytes"),
        (b"\x00\x00\x02\x00ftypisom" + bytes(490), "output is truncated: video/mp4 of 502 bytes"),
    ],
)
def test_collect_refuses_empty_or_truncated_file(
    harness: Harness, content: bytes, named: str
) -> None:
    job = harness.generated(content)
    assert harness.collect_to_end(job) == TO_FINISH
    assert failure(harness, job) == f"bad_output: {named}{DEAD_LETTER}"
    assert harness.blobs.objects == {}


@pytest.mark.parametrize("content", [b"<html>expired</html>", b'{"error": "gone"}'])
def test_collect_refuses_unknown_file_type(harness: Harness, content: bytes) -> None:
    job = harness.generated(content)
    assert harness.collect_to_end(job) == TO_FINISH
    assert failure(harness, job) == (
        f"bad_output: output is not a known media type (declared: no content type){DEAD_LETTER}"
    )
    assert harness.blobs.objects == {}


def test_collect_fails_job_without_output(harness: Harness) -> None:
    job = harness.running()
    harness.change(job, lambda job, now: job.generated(now, (), None))
    assert harness.collect_to_end(job) == TO_FINISH
    assert failure(harness, job) == (
        f"bad_output: the provider finished without an output{DEAD_LETTER}"
    )


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
    job = of_modality(harness, "transcription")
    harness.change(job, lambda job, now: job.generated(now, (), 0.1, document))
    assert harness.collect(job) == TO_FINISH
    collected = harness.now(job)
    assert (collected.outcome, collected.artifacts) == (JobOutcome(status=JobStatus.COMPLETED), ())
    assert harness.blobs.objects == {}
    assert len(harness.http_client.calls) == 1
    assert harness.finish(job)["status"] == "completed"
    assert (harness.now(job).document, harness.now(job).progress) == (document, 100)


def of_modality(harness: Harness, modality: str) -> Job:
    """A submitted job of a model of this modality."""
    job = harness.running()
    changes = {"modality": modality, "version": job.version + 1}
    return harness.change(job, lambda job, _now: job.model_copy(update=changes))


def collected(harness: Harness, modality: str, *contents: bytes, document: bool = False) -> Job:
    """A job of this modality whose provider returned these files."""
    job = of_modality(harness, modality)
    outputs = tuple(Output(url=f"/{n}") for n in range(len(contents)))
    harness.http_client.files = {f"/{n}": content for n, content in enumerate(contents)}
    result = {"text": "hello"} if document else None
    harness.change(job, lambda job, now: job.generated(now, outputs, None, result))
    assert harness.collect_to_end(job) == TO_FINISH
    return harness.now(job)


@pytest.mark.parametrize(
    ("modality", "contents", "types"),
    [
        ("video", [PNG_BYTES, MP4_BYTES], ["video/mp4", "image/png"]),
        ("video", [MP3_BYTES, PNG_BYTES, WEBM_BYTES], ["video/webm", "audio/mpeg", "image/png"]),
        ("image", [MP4_BYTES, PNG_BYTES], ["image/png", "video/mp4"]),
        ("audio", [PNG_BYTES, MP3_BYTES], ["audio/mpeg", "image/png"]),
        ("audio", [MP4_BYTES], ["video/mp4"]),
        ("audio", [PNG_BYTES, MOV_BYTES], ["video/quicktime", "image/png"]),
        ("audio", [WEBM_BYTES, AAC_BYTES], ["audio/aac", "video/webm"]),
        ("video", [GIF_BYTES], ["image/gif"]),
        ("video", [PNG_BYTES, WEBP_BYTES], ["image/webp", "image/png"]),
        ("video", [MP3_BYTES, AVIF_BYTES], ["image/avif", "audio/mpeg"]),
        ("video", [PNG_BYTES, GIF_BYTES, MOV_BYTES], ["video/quicktime", "image/gif", "image/png"]),
        ("image", [SVG_BYTES], ["image/svg+xml"]),
    ],
)
def test_file_of_the_modality_is_the_primary_one_and_others_are_stored(
    harness: Harness, modality: str, contents: list[bytes], types: list[str]
) -> None:
    job = collected(harness, modality, *contents)
    assert [artifact.content_type for artifact in ordered_artifacts(job)] == types
    harness.finish(job)
    finished = harness.now(job)
    assert primary_artifact(finished, harness.clock()).content_type == types[0]
    (event,) = [event for event in harness.bus.events if event["type"] == "job.completed"]
    assert [entry["content_type"] for entry in event["data"]["artifacts"]] == types


@pytest.mark.parametrize(
    ("modality", "contents", "document", "named"),
    [
        ("video", [MP3_BYTES], False, "must contain a file of type video (found audio/mpeg)"),
        ("video", [PNG_BYTES, MP3_BYTES], True, "type video (found audio/mpeg, image/png)"),
        ("video", [], True, "type video (found a JSON result only)"),
        ("video", [JPEG_BYTES], False, "type video (found image/jpeg)"),
        ("video", [SVG_BYTES], False, "type video (found image/svg+xml)"),
        ("image", [MP4_BYTES], False, "must contain an image (found video/mp4)"),
        ("audio", [PNG_BYTES], False, "must contain a file of type audio (found image/png)"),
        ("transcription", [MP3_BYTES], False, "must contain a transcript (found audio/mpeg)"),
    ],
)
def test_result_of_another_modality_is_invalid(
    harness: Harness,
    modality: str,
    contents: list[bytes],
    document: bool,  # noqa: FBT001 - a parameter of pytest
    named: str,
) -> None:
    job = collected(harness, modality, *contents, document=document)
    assert failure(harness, job).startswith("bad_output: the provider's result ")
    assert named in failure(harness, job)


def test_collect_stores_outputs_beside_document(harness: Harness) -> None:
    job = harness.generated()
    outputs = (Output(url="/a"), Output(url="/b"))
    harness.change(job, lambda job, now: job.generated(now, outputs, None, {"seed": 7}))
    harness.http_client.files = {"/a": MP3_BYTES, "/b": InvalidOutput("no")}
    assert harness.collect_to_end(job) == TO_FINISH
    assert failure(harness, job) == f"bad_output: no{DEAD_LETTER}"


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


def in_bucket(harness: Harness, uri: str) -> Job:
    """Return a job whose only output is at an S3 URI, in which `{job}` is its id."""
    job = harness.generated()
    outputs = (Output(url=uri.format(job=job.id)),)
    return harness.jobs.change(
        job.account, job.id, lambda current: current.model_copy(update={"outputs": outputs})
    )


@pytest.mark.parametrize("name", ["abc/output.mp4", "output.mp4"])
def test_collect_copies_the_output_that_the_provider_stored_in_the_bucket(
    harness: Harness, name: str
) -> None:
    job = in_bucket(harness, f"s3://bucket/provider/{ACCOUNT}/{{job}}/{name}")
    stored = f"provider/{ACCOUNT}/{job.id}/{name}"
    harness.blobs.objects[stored] = MP4_BYTES
    assert harness.collect(job) == TO_FINISH
    (artifact,) = harness.now(job).artifacts
    assert artifact.key == f"outputs/{ACCOUNT}/{job.id}/0.mp4"
    assert harness.blobs.objects[artifact.key] == MP4_BYTES
    assert stored.startswith(job.folders)


@pytest.mark.parametrize(
    "uri",
    [
        "s3://bucket/outputs/victim/job_1/0.mp4",
        "s3://bucket/provider/victim/{job}/0.mp4",
        f"s3://bucket/provider/{ACCOUNT}/{{job}}0/0.mp4",
        f"s3://other/provider/{ACCOUNT}/{{job}}/0.mp4",
    ],
)
def test_collect_refuses_another_object_of_a_bucket(harness: Harness, uri: str) -> None:
    """A provider must not be able to name the file of another job as its output."""
    job = in_bucket(harness, uri)
    harness.blobs.objects[uri.format(job=job.id).removeprefix("s3://bucket/")] = MP4_BYTES
    assert harness.collect_to_end(job) == TO_FINISH
    assert failure(harness, job).startswith("bad_output: the output must be in s3://bucket/")


def test_collect_waits_for_an_object_that_is_not_there_yet(harness: Harness) -> None:
    job = in_bucket(harness, f"s3://bucket/provider/{ACCOUNT}/{{job}}/output.mp4")
    assert harness.collect(job)["status"] == "pending"


def test_collect_retries_while_the_key_is_rejected(harness: Harness) -> None:
    """The result is billed: a service account under rotation must not lose it."""
    refused = UpstreamRefused("invalid_grant", code="upstream_unauthorized", key_rejected=True)
    job = harness.generated(refused)
    assert harness.collect(job)["status"] == "pending"
    harness.http_client.files[CONTENT] = MP4_BYTES
    assert harness.collect(job) == TO_FINISH
    assert harness.now(job).artifacts
