"""Copying outputs into the bucket before their links die."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from typing_extensions import override

from rushes.errors import BadOutput, OutputInterrupted, StoreUnavailable, UpstreamSilent
from rushes.jobs.job import Job
from rushes.jobs.result import Output, Verdict
from rushes.jobs.status import JobStatus, UpstreamCancelled
from rushes.ports import Download, Upstream
from rushes.workflow.collect import PATIENCE_SECONDS, TRIES
from rushes.workflow.task import ENDING, STORE_TROUBLE_WAIT
from tests.fakes import FakeEgress
from tests.harness import ACCOUNT, CONTENT, FILM, PICTURE, SOUND, World


@pytest.fixture
def world() -> World:
    return World()


def failure(world: World, job: Job) -> str:
    verdict = world.now(job).verdict
    assert verdict is not None
    assert verdict.error is not None
    return f"{verdict.error.code}: {verdict.error.message}"


class Drips(FakeEgress):
    """Hands out outputs byte by byte, and does not say how many there will be."""

    @override
    @contextmanager
    def download(self, upstream: Upstream, output: Output) -> Iterator[Download]:
        with super().download(upstream, output) as whole:
            content = b"".join(whole.chunks)
            yield Download(None, None, (content[n : n + 1] for n in range(len(content))))


class Stops(FakeEgress):
    """Announces one byte more than it hands out."""

    @override
    @contextmanager
    def download(self, upstream: Upstream, output: Output) -> Iterator[Download]:
        with super().download(upstream, output) as whole:
            yield Download((whole.length or 0) + 1, whole.content_type, whole.chunks)


def test_an_output_becomes_an_artifact_and_the_job_is_decided(world: World) -> None:
    job = world.generated()
    assert world.collect(job) == ENDING
    (artifact,) = world.now(job).artifacts
    assert artifact.key == f"outputs/{ACCOUNT}/{job.id}/0.mp4"
    assert (artifact.content_type, artifact.size) == ("video/mp4", len(FILM))
    assert artifact.sha256 == hashlib.sha256(FILM).hexdigest()
    assert world.blobs.objects[artifact.key] == FILM
    assert world.finish(job)["status"] == "completed"


def test_every_output_is_copied_under_its_number_and_its_real_type(world: World) -> None:
    job = world.generated()
    outputs = (Output(url="/a"), Output(url="/b", content_type="video/mp4"))
    world.jobs.change(ACCOUNT, job.id, lambda it: it.generated(world.clock(), outputs, None))
    world.egress.files = {"/a": FILM, "/b": PICTURE}
    world.collect(job)
    names = [artifact.key.rpartition("/")[2] for artifact in world.now(job).artifacts]
    assert names == ["0.mp4", "1.png"]


@pytest.mark.parametrize("content", [FILM, FILM[:12], FILM[:64], FILM[:65]])
def test_looking_at_the_first_bytes_loses_none_of_them(world: World, content: bytes) -> None:
    world.egress = Drips()
    job = world.generated()
    world.egress.files[CONTENT] = content
    world.collect(job)
    assert list(world.blobs.objects.values()) == [content]


@pytest.mark.parametrize("trouble", [OutputInterrupted("410"), UpstreamSilent("no answer")])
def test_an_interrupted_copy_is_tried_again_by_way_of_a_poll(
    world: World, trouble: Exception
) -> None:
    job = world.generated()
    world.egress.files[CONTENT] = trouble
    assert world.collect(job) == {"status": "pending", "wait_seconds": 2}
    assert world.collect(job) == {"status": "pending", "wait_seconds": 4}
    world.poll(job)
    world.egress.files[CONTENT] = FILM
    assert world.collect(job) == ENDING
    assert world.now(job).artifacts


def test_a_copy_that_ends_too_early_leaves_nothing(world: World) -> None:
    world.egress = Stops()
    job = world.generated()
    assert world.collect(job)["status"] == "pending"
    assert world.blobs.objects == {}


def test_copying_is_given_up_in_the_end(world: World) -> None:
    job = world.generated()
    world.egress.files[CONTENT] = OutputInterrupted("the output's address answered 403")
    outcomes = [world.collect(job)["status"] for _ in range(TRIES)]
    assert outcomes == ["pending"] * TRIES
    world.clock.advance(PATIENCE_SECONDS)
    assert world.collect(job)["status"] == "pending"
    world.clock.advance(1)
    assert world.collect(job) == ENDING
    assert failure(world, job) == "output_interrupted: the output's address answered 403"


def test_copying_is_not_given_up_for_its_age_alone(world: World) -> None:
    job = world.generated()
    world.egress.files[CONTENT] = OutputInterrupted("the output's address answered 403")
    world.clock.advance(PATIENCE_SECONDS + 1)
    outcomes = [world.collect(job)["status"] for _ in range(TRIES)]
    assert outcomes == ["pending"] * (TRIES - 1) + ["ending"]


@pytest.mark.parametrize("content", [b"", b"<html>expired</html>", b'{"error": "gone"}'])
def test_what_is_no_media_file_is_not_stored(world: World, content: bytes) -> None:
    job = world.generated()
    world.egress.files[CONTENT] = content
    assert world.collect(job) == ENDING
    assert failure(world, job) == (
        "bad_output: the output is no media file that we know (no content type)"
    )
    assert world.blobs.objects == {}


def test_a_refused_output_ends_the_job_at_once(world: World) -> None:
    job = world.generated()
    world.egress.files[CONTENT] = BadOutput("the output has more than 9 bytes")
    assert world.collect(job) == ENDING
    assert failure(world, job).startswith("bad_output")


def test_a_success_without_an_output_is_none(world: World) -> None:
    job = world.running()
    world.jobs.change(ACCOUNT, job.id, lambda it: it.generated(world.clock(), (), None))
    assert world.collect(job) == ENDING
    assert failure(world, job) == "bad_output: the provider finished without an output"


def test_a_job_that_is_another_candidates_by_now_is_left_to_a_poll(world: World) -> None:
    """Another execution moved it on: that it has no outputs yet is no fault of its provider."""
    job = world.running()
    assert world.collect(job) == {"status": "pending", "wait_seconds": 1}
    assert world.now(job) == job


def test_a_result_that_is_only_a_document_is_one(world: World) -> None:
    job = world.running()
    told = {"text": "hello", "segments": [{"start": 0.5, "words": []}]}
    world.jobs.change(ACCOUNT, job.id, lambda it: it.generated(world.clock(), (), 0.1, told))
    assert world.collect(job) == ENDING
    collected = world.now(job)
    assert (collected.verdict, collected.artifacts) == (Verdict(status=JobStatus.COMPLETED), ())
    assert world.blobs.objects == {}
    assert len(world.egress.calls) == 1
    assert world.finish(job)["status"] == "completed"
    assert (world.now(job).document, world.now(job).progress) == (told, 100)


def test_an_empty_document_is_a_result_as_well(world: World) -> None:
    job = world.running()
    world.jobs.change(ACCOUNT, job.id, lambda it: it.generated(world.clock(), (), None, {}))
    world.collect(job)
    assert world.finish(job)["status"] == "completed"


def test_beside_a_document_the_outputs_are_copied_all_the_same(world: World) -> None:
    job = world.generated()
    outputs = (Output(url="/a"), Output(url="/b"))
    world.jobs.change(
        ACCOUNT, job.id, lambda it: it.generated(world.clock(), outputs, None, {"seed": 7})
    )
    world.egress.files = {"/a": SOUND, "/b": BadOutput("no")}
    assert world.collect(job) == ENDING
    assert failure(world, job) == "bad_output: no"


def test_sound_is_stored_under_its_real_type(world: World) -> None:
    job = world.generated()
    world.egress.files[CONTENT] = SOUND
    world.collect(job)
    (artifact,) = world.now(job).artifacts
    assert artifact.key == f"outputs/{ACCOUNT}/{job.id}/0.mp3"
    assert artifact.content_type == "audio/mpeg"


def test_a_store_that_cannot_be_written_to_costs_time_only(world: World) -> None:
    job = world.generated()
    world.egress.files[CONTENT] = StoreUnavailable("throttled")
    for _ in range(TRIES + 1):
        assert world.collect(job) == {"status": "pending", "wait_seconds": STORE_TROUBLE_WAIT}


def test_a_decided_job_is_not_copied(world: World) -> None:
    job = world.completed()
    assert world.collect(job) == ENDING
    assert world.now(job) == job


def test_a_job_that_ended_meanwhile_stays_as_it_ended(world: World) -> None:
    job = world.generated()
    world.jobs.before_write = lambda: _end(world, job)
    assert world.collect(job) == ENDING
    ended = world.now(job)
    assert (ended.status, ended.collections, ended.artifacts) == (JobStatus.CANCELLED, 0, ())


def _end(world: World, job: Job) -> None:
    world.jobs.change(
        job.account, job.id, lambda it: it.called_off(world.clock(), UpstreamCancelled.YES)
    )
    world.finish(job)
