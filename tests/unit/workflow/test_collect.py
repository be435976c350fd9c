"""Copying outputs into the bucket before their links die."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from typing_extensions import override

from rushes.errors import AwsUnavailable, DownloadInterrupted, InvalidOutput, UpstreamNoResponse
from rushes.jobs.job import Job
from rushes.jobs.result import JobOutcome, Output
from rushes.jobs.status import JobStatus, UpstreamCancelled
from rushes.ports import Download, Upstream
from rushes.workflow.collect import PATIENCE_SECONDS, TRIES
from rushes.workflow.task import ENDING, STORE_TROUBLE_WAIT
from tests.fakes import FakeHttpClient
from tests.harness import ACCOUNT, CONTENT, FILM, PICTURE, SOUND, Harness


@pytest.fixture
def harness() -> Harness:
    return Harness()


def failure(harness: Harness, job: Job) -> str:
    outcome = harness.now(job).outcome
    assert outcome is not None
    assert outcome.error is not None
    return f"{outcome.error.code}: {outcome.error.message}"


class Drips(FakeHttpClient):
    """Hands out outputs byte by byte, and does not say how many there will be."""

    @override
    @contextmanager
    def download(self, upstream: Upstream, output: Output) -> Iterator[Download]:
        with super().download(upstream, output) as whole:
            content = b"".join(whole.chunks)
            yield Download(None, None, (content[n : n + 1] for n in range(len(content))))


class Stops(FakeHttpClient):
    """Announces one byte more than it hands out."""

    @override
    @contextmanager
    def download(self, upstream: Upstream, output: Output) -> Iterator[Download]:
        with super().download(upstream, output) as whole:
            yield Download((whole.length or 0) + 1, whole.content_type, whole.chunks)


def test_an_output_becomes_an_artifact_and_the_job_is_decided(harness: Harness) -> None:
    job = harness.generated()
    assert harness.collect(job) == ENDING
    (artifact,) = harness.now(job).artifacts
    assert artifact.key == f"outputs/{ACCOUNT}/{job.id}/0.mp4"
    assert (artifact.content_type, artifact.size) == ("video/mp4", len(FILM))
    assert artifact.sha256 == hashlib.sha256(FILM).hexdigest()
    assert harness.blobs.objects[artifact.key] == FILM
    assert harness.finish(job)["status"] == "completed"


def test_every_output_is_copied_under_its_number_and_its_real_type(harness: Harness) -> None:
    job = harness.generated()
    outputs = (Output(url="/a"), Output(url="/b", content_type="video/mp4"))
    harness.jobs.change(ACCOUNT, job.id, lambda it: it.generated(harness.clock(), outputs, None))
    harness.http_client.files = {"/a": FILM, "/b": PICTURE}
    harness.collect(job)
    names = [artifact.key.rpartition("/")[2] for artifact in harness.now(job).artifacts]
    assert names == ["0.mp4", "1.png"]


@pytest.mark.parametrize("content", [FILM, FILM[:12], FILM[:64], FILM[:65]])
def test_looking_at_the_first_bytes_loses_none_of_them(harness: Harness, content: bytes) -> None:
    harness.http_client = Drips()
    job = harness.generated()
    harness.http_client.files[CONTENT] = content
    harness.collect(job)
    assert list(harness.blobs.objects.values()) == [content]


@pytest.mark.parametrize("trouble", [DownloadInterrupted("410"), UpstreamNoResponse("no answer")])
def test_an_interrupted_copy_is_tried_again_by_way_of_a_poll(
    harness: Harness, trouble: Exception
) -> None:
    job = harness.generated()
    harness.http_client.files[CONTENT] = trouble
    assert harness.collect(job) == {"status": "pending", "wait_seconds": 2}
    assert harness.collect(job) == {"status": "pending", "wait_seconds": 4}
    harness.poll(job)
    harness.http_client.files[CONTENT] = FILM
    assert harness.collect(job) == ENDING
    assert harness.now(job).artifacts


def test_a_copy_that_ends_too_early_leaves_nothing(harness: Harness) -> None:
    harness.http_client = Stops()
    job = harness.generated()
    assert harness.collect(job)["status"] == "pending"
    assert harness.blobs.objects == {}


def test_copying_is_given_up_in_the_end(harness: Harness) -> None:
    job = harness.generated()
    harness.http_client.files[CONTENT] = DownloadInterrupted("the output's address answered 403")
    outcomes = [harness.collect(job)["status"] for _ in range(TRIES)]
    assert outcomes == ["pending"] * TRIES
    harness.clock.advance(PATIENCE_SECONDS)
    assert harness.collect(job)["status"] == "pending"
    harness.clock.advance(1)
    assert harness.collect(job) == ENDING
    assert failure(harness, job) == "output_interrupted: the output's address answered 403"


def test_copying_is_not_given_up_for_its_age_alone(harness: Harness) -> None:
    job = harness.generated()
    harness.http_client.files[CONTENT] = DownloadInterrupted("the output's address answered 403")
    harness.clock.advance(PATIENCE_SECONDS + 1)
    outcomes = [harness.collect(job)["status"] for _ in range(TRIES)]
    assert outcomes == ["pending"] * (TRIES - 1) + ["ending"]


@pytest.mark.parametrize("content", [b"", b"<html>expired</html>", b'{"error": "gone"}'])
def test_what_is_no_media_file_is_not_stored(harness: Harness, content: bytes) -> None:
    job = harness.generated()
    harness.http_client.files[CONTENT] = content
    assert harness.collect(job) == ENDING
    assert failure(harness, job) == (
        "bad_output: the output is no media file that we know (no content type)"
    )
    assert harness.blobs.objects == {}


def test_a_refused_output_ends_the_job_at_once(harness: Harness) -> None:
    job = harness.generated()
    harness.http_client.files[CONTENT] = InvalidOutput("the output has more than 9 bytes")
    assert harness.collect(job) == ENDING
    assert failure(harness, job).startswith("bad_output")


def test_a_success_without_an_output_is_none(harness: Harness) -> None:
    job = harness.running()
    harness.jobs.change(ACCOUNT, job.id, lambda it: it.generated(harness.clock(), (), None))
    assert harness.collect(job) == ENDING
    assert failure(harness, job) == "bad_output: the provider finished without an output"


def test_a_job_that_is_another_candidates_by_now_is_left_to_a_poll(harness: Harness) -> None:
    """Another execution moved it on: that it has no outputs yet is no fault of its provider."""
    job = harness.running()
    assert harness.collect(job) == {"status": "pending", "wait_seconds": 1}
    assert harness.now(job) == job


def test_a_result_that_is_only_a_document_is_one(harness: Harness) -> None:
    job = harness.running()
    told = {"text": "hello", "segments": [{"start": 0.5, "words": []}]}
    harness.jobs.change(ACCOUNT, job.id, lambda it: it.generated(harness.clock(), (), 0.1, told))
    assert harness.collect(job) == ENDING
    collected = harness.now(job)
    assert (collected.outcome, collected.artifacts) == (JobOutcome(status=JobStatus.COMPLETED), ())
    assert harness.blobs.objects == {}
    assert len(harness.http_client.calls) == 1
    assert harness.finish(job)["status"] == "completed"
    assert (harness.now(job).document, harness.now(job).progress) == (told, 100)


def test_an_empty_document_is_a_result_as_well(harness: Harness) -> None:
    job = harness.running()
    harness.jobs.change(ACCOUNT, job.id, lambda it: it.generated(harness.clock(), (), None, {}))
    harness.collect(job)
    assert harness.finish(job)["status"] == "completed"


def test_beside_a_document_the_outputs_are_copied_all_the_same(harness: Harness) -> None:
    job = harness.generated()
    outputs = (Output(url="/a"), Output(url="/b"))
    harness.jobs.change(
        ACCOUNT, job.id, lambda it: it.generated(harness.clock(), outputs, None, {"seed": 7})
    )
    harness.http_client.files = {"/a": SOUND, "/b": InvalidOutput("no")}
    assert harness.collect(job) == ENDING
    assert failure(harness, job) == "bad_output: no"


def test_sound_is_stored_under_its_real_type(harness: Harness) -> None:
    job = harness.generated()
    harness.http_client.files[CONTENT] = SOUND
    harness.collect(job)
    (artifact,) = harness.now(job).artifacts
    assert artifact.key == f"outputs/{ACCOUNT}/{job.id}/0.mp3"
    assert artifact.content_type == "audio/mpeg"


def test_a_store_that_cannot_be_written_to_costs_time_only(harness: Harness) -> None:
    job = harness.generated()
    harness.http_client.files[CONTENT] = AwsUnavailable("throttled")
    for _ in range(TRIES + 1):
        assert harness.collect(job) == {"status": "pending", "wait_seconds": STORE_TROUBLE_WAIT}


def test_a_decided_job_is_not_copied(harness: Harness) -> None:
    job = harness.completed()
    assert harness.collect(job) == ENDING
    assert harness.now(job) == job


def test_a_job_that_ended_meanwhile_stays_as_it_ended(harness: Harness) -> None:
    job = harness.generated()
    harness.jobs.before_write = lambda: _end(harness, job)
    assert harness.collect(job) == ENDING
    ended = harness.now(job)
    assert (ended.status, ended.collections, ended.artifacts) == (JobStatus.CANCELLED, 0, ())


def _end(harness: Harness, job: Job) -> None:
    harness.jobs.change(
        job.account,
        job.id,
        lambda it: it.cancelled_by_client(harness.clock(), UpstreamCancelled.YES),
    )
    harness.finish(job)
