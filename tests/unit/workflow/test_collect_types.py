"""Collect: an output is stored under the type of its content, wherever that is described."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from typing_extensions import override

from rushes.jobs.job import Job
from rushes.jobs.result import Output
from rushes.ports.http import Upstream
from rushes.ports.storage import Download
from rushes.workflow.task import AWS_RETRY_SECONDS, TO_FINISH
from tests.fakes import FakeHttpClient, unavailable
from tests.harness import ACCOUNT, CONTENT, MP4_BYTES, PNG_BYTES, Harness
from tests.media_boxes import FTYP, MDAT, SOUND, box, track

VIDEO = FTYP + MDAT + box(b"moov", track(b"soun"), track(b"vide"))
SAMPLES = b"".join(n.to_bytes(2, "little", signed=True) for n in range(-300, 300))
FAST_START = FTYP + box(b"moov", track(b"soun"), track(b"vide")) + MDAT
PIECE_BYTES = 30_000
PSD_BYTES = b"8BPS\x00\x01" + bytes(100)


class PiecewiseClient(FakeHttpClient):
    """Downloads in pieces, as from a socket."""

    @override
    @contextmanager
    def download(self, upstream: Upstream, output: Output) -> Iterator[Download]:
        with super().download(upstream, output) as whole:
            content = b"".join(whole.chunks)
            starts = range(0, len(content), PIECE_BYTES)
            pieces = (content[start : start + PIECE_BYTES] for start in starts)
            yield Download(whole.length, whole.content_type, pieces)


@pytest.fixture
def harness() -> Harness:
    return Harness(http_client=PiecewiseClient())


def generated(harness: Harness, *outputs: Output, modality: str = "audio") -> Job:
    """Return a job of this modality whose provider returned these outputs."""
    job = harness.running()
    changes = {"modality": modality, "version": job.version + 1}
    harness.change(job, lambda job, _: job.model_copy(update=changes))
    return harness.change(job, lambda job, now: job.generated(now, outputs, None))


def stored(harness: Harness, job: Job) -> list[tuple[str, str]]:
    """Return names and types of the stored outputs, which are the only ones in the folder."""
    artifacts = harness.now(job).artifacts
    folder = f"outputs/{ACCOUNT}/{job.id}/"
    names = {key.removeprefix(folder) for key in harness.blobs.objects if key.startswith(folder)}
    assert names == {artifact.key.removeprefix(folder) for artifact in artifacts}
    return [(file.key.removeprefix(folder), file.content_type) for file in artifacts]


def test_audio_with_the_brand_of_video_gets_its_own_name(harness: Harness):
    job = generated(harness, Output(url=CONTENT, content_type="video/mp4"))
    harness.http_client.files[CONTENT] = SOUND
    assert harness.collect(job) == TO_FINISH
    assert stored(harness, job) == [("0.m4a", "audio/mp4")]
    (artifact,) = harness.now(job).artifacts
    assert artifact.sha256 == hashlib.sha256(SOUND).hexdigest()
    assert harness.blobs.objects[artifact.key] == SOUND


def test_video_with_tracks_at_the_end_stays_where_it_is(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
):
    job = generated(harness, Output(url=CONTENT), modality="video")
    harness.http_client.files[CONTENT] = VIDEO
    monkeypatch.delattr(type(harness.blobs), "move")
    assert harness.collect(job) == TO_FINISH
    assert stored(harness, job) == [("0.mp4", "video/mp4")]


@pytest.mark.parametrize("content", [MP4_BYTES, PNG_BYTES, FAST_START])
def test_stored_file_is_not_read_if_its_beginning_shows_the_type(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, content: bytes
):
    job = generated(harness, Output(url=CONTENT), modality="image")
    harness.http_client.files[CONTENT] = content
    reads: list[object] = []
    monkeypatch.setattr(harness.blobs, "read_range", lambda *range_: reads.append(range_))
    harness.collect(job)
    assert len(harness.blobs.objects) == 1
    assert reads == []


@pytest.mark.parametrize("method", ["read_range", "move"])
def test_bucket_that_fails_before_the_name_is_right_is_tried_again(
    harness: Harness, monkeypatch: pytest.MonkeyPatch, method: str
):
    job = generated(harness, Output(url=CONTENT))
    harness.http_client.files[CONTENT] = SOUND

    with monkeypatch.context() as patched:
        patched.setattr(harness.blobs, method, lambda *_: unavailable())
        assert harness.collect(job) == {"status": "pending", "wait_seconds": AWS_RETRY_SECONDS}
        assert harness.now(job).artifacts == ()
    assert harness.collect(job) == TO_FINISH
    assert stored(harness, job) == [("0.m4a", "audio/mp4")]


def test_each_of_several_outputs_has_its_own_type(harness: Harness):
    job = generated(harness, Output(url="/a"), Output(url="/b"), Output(url="/c"))
    harness.http_client.files = {"/a": SOUND, "/b": PNG_BYTES, "/c": VIDEO}
    assert harness.collect(job) == TO_FINISH
    names = [("0.m4a", "audio/mp4"), ("1.png", "image/png"), ("2.mp4", "video/mp4")]
    assert stored(harness, job) == names


def test_output_that_the_provider_put_into_the_bucket_has_its_own_type(harness: Harness):
    job = harness.running()
    uri = f"s3://bucket/provider/{ACCOUNT}/{job.id}/abc/output.mp4"
    harness.blobs.objects[uri.removeprefix("s3://bucket/")] = SOUND
    changes = {"modality": "audio", "version": job.version + 1}
    harness.change(job, lambda job, _: job.model_copy(update=changes))
    harness.change(job, lambda job, now: job.generated(now, (Output(url=uri),), None))
    assert harness.collect(job) == TO_FINISH
    assert stored(harness, job) == [("0.m4a", "audio/mp4")]


@pytest.mark.parametrize(
    ("content", "declared", "name", "content_type"),
    [
        (SAMPLES, "audio/L16; rate=24000", "0.pcm", "audio/L16;rate=24000"),
        (SAMPLES, "audio/pcm", "0.pcm", "audio/pcm"),
        (PSD_BYTES, "application/octet-stream", "0.bin", "image/vnd.adobe.photoshop"),
        (b".snd\x00\x00\x00\x18" + bytes(100), None, "0.au", "audio/x-au"),
    ],
)
def test_output_without_a_signature_of_ours_is_stored(
    harness: Harness, content: bytes, declared: str | None, name: str, content_type: str
):
    modality = content_type.partition("/")[0]
    job = generated(harness, Output(url=CONTENT, content_type=declared), modality=modality)
    harness.http_client.files[CONTENT] = content
    assert harness.collect(job) == TO_FINISH
    assert stored(harness, job) == [(name, content_type)]


@pytest.mark.parametrize(
    ("content", "declared"),
    [
        (b"<html>the plan has ended</html>", "audio/L16;rate=24000"),
        (SAMPLES, "audio/wav"),
        (SAMPLES, "text/html"),
        (b"The free plan has ended", "video/quicktime"),
        ('{"error": "gone"}'.encode("utf-16"), "audio/pcm"),
    ],
)
def test_output_of_unknown_type_is_not_stored(harness: Harness, content: bytes, declared: str):
    job = generated(harness, Output(url=CONTENT, content_type=declared))
    harness.http_client.files[CONTENT] = content
    for _ in range(50):
        if harness.collect(job) == TO_FINISH:
            break
        harness.clock.advance(60)
    assert f"not a known media type (declared: {declared})" in harness.error(job).message
    assert harness.blobs.objects == {}
