"""Collect: stored files have media facts, and the tags of their job."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from rushes.errors import AwsUnavailable
from rushes.jobs.content_type import HEAD_BYTES
from rushes.jobs.events import terminal_event
from rushes.jobs.job import Job
from rushes.jobs.labels import Labels
from rushes.jobs.result import Output
from rushes.ports.storage import Download
from rushes.workflow.task import TO_FINISH
from tests.fakes import unavailable
from tests.harness import CONTENT, MP4_BYTES, Harness
from tests.media_boxes import FTYP, MDAT, SOUND, box, track
from tests.media_files import content_of

TIMES = bytes(12) + struct.pack(">II", 1000, 2500) + bytes(80)
AUDIO_INDEX_WITH_GAP = box(
    b"moov", box(b"mvhd", TIMES), box(b"free", bytes(100_000)), track(b"soun")
)
TAGS = {"team": "ads", "ort": "München"}


def labelled(harness: Harness, job: Job) -> Job:
    changes = {"labels": Labels(tags=TAGS), "version": job.version + 1}
    return harness.change(job, lambda job, _: job.model_copy(update=changes))


@pytest.mark.parametrize("name", ["mp4", "long mp4 with its tracks at the end", "webm"])
def test_artifact_and_event_have_media_facts(harness: Harness, name: str) -> None:
    job = harness.generated(content_of(name))
    assert harness.collect(job) == TO_FINISH
    harness.finish(job)
    (artifact,) = terminal_event(harness.now(job), "media").data.artifacts
    long = name.startswith("long")
    facts = (artifact.width, artifact.height, artifact.duration)
    assert facts == ((128, 96, 2.0) if long else (64, 48, 0.6))


def test_file_without_facts_is_stored(harness: Harness) -> None:
    job = harness.generated(MP4_BYTES)
    assert harness.collect(job) == TO_FINISH
    (artifact,) = harness.now(job).artifacts
    assert (artifact.width, artifact.height, artifact.duration) == (None, None, None)


def test_bucket_that_fails_while_facts_are_read_loses_nothing(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = harness.generated(content_of("mp4"))
    monkeypatch.setattr("rushes.workflow.collect.facts_of", lambda *_: unavailable())
    assert harness.collect(job) == TO_FINISH
    (artifact,) = harness.now(job).artifacts
    assert artifact.width is None


def test_objects_have_the_tags_of_their_job(harness: Harness) -> None:
    job = labelled(harness, harness.generated(MP4_BYTES))
    assert harness.collect(job) == TO_FINISH
    (artifact,) = harness.now(job).artifacts
    assert harness.blobs.tags == {artifact.key: TAGS}


def test_renamed_object_has_the_tags(harness: Harness) -> None:
    job = labelled(harness, harness.running())
    changes = {"modality": "audio", "version": job.version + 1}
    harness.change(job, lambda job, _: job.model_copy(update=changes))
    job = harness.change(job, lambda job, now: job.generated(now, (Output(url=CONTENT),), None))
    harness.http_client.files[CONTENT] = SOUND
    assert harness.collect(job) == TO_FINISH
    (artifact,) = harness.now(job).artifacts
    assert artifact.key.endswith("0.m4a")
    assert harness.blobs.tags == {artifact.key: TAGS}


def test_facts_of_a_renamed_object_are_read_from_its_new_place(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its index is longer than the part of the file that is in memory."""
    file = FTYP + MDAT + AUDIO_INDEX_WITH_GAP

    @contextmanager
    def download(*_: object) -> Iterator[Download]:
        chunks = (file[start : start + HEAD_BYTES] for start in range(0, len(file), HEAD_BYTES))
        yield Download(len(file), "video/mp4", chunks)

    monkeypatch.setattr(harness.http_client, "download", download)
    job = harness.running()
    changes = {"modality": "audio", "version": job.version + 1}
    harness.change(job, lambda job, _: job.model_copy(update=changes))
    job = harness.change(job, lambda job, now: job.generated(now, (Output(url=CONTENT),), None))
    assert harness.collect(job) == TO_FINISH
    (artifact,) = harness.now(job).artifacts
    assert (artifact.content_type, artifact.duration) == ("audio/mp4", 2.5)


def test_job_without_tags_sends_no_request(harness: Harness, monkeypatch: Any) -> None:
    monkeypatch.delattr(type(harness.blobs), "tag")
    assert harness.collect(harness.generated(MP4_BYTES)) == TO_FINISH


def test_object_that_cannot_be_tagged_is_kept(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise AwsUnavailable("PutObjectTagging returned AccessDenied")

    monkeypatch.setattr(harness.blobs, "tag", refuse)
    job = labelled(harness, harness.generated(MP4_BYTES))
    assert harness.collect(job) == TO_FINISH
    assert harness.now(job).artifacts
    assert "object_not_tagged" in caplog.messages
