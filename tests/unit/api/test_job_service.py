"""Operations on jobs: get, list, content, uploads, cancel and delete."""

import re
from collections.abc import Callable
from functools import partial

import pytest

from rushes.errors import (
    AlreadyFinished,
    ContentNotReady,
    NotFound,
    UnknownCursor,
    VariantNotAvailable,
)
from rushes.jobs.job import Job
from rushes.jobs.request import UploadUrlRequest
from rushes.jobs.status import JobStatus, UpstreamCancelled
from rushes.ports.jobs import JobQuery
from tests.harness import ACCOUNT, PNG_BYTES, Harness

State = Callable[[Harness], Job]


def test_upload_url_is_unique_and_belongs_to_account(harness: Harness) -> None:
    request = UploadUrlRequest("png")
    keys = {harness.blobs.key_of(harness.service.upload_url(ACCOUNT, request)) for _ in range(20)}
    assert len(keys) == 20
    for key in keys:
        assert re.fullmatch(rf"uploads/{ACCOUNT}/[0-9a-f]{{32}}\.png", key or "")


def test_upload_url_is_bound_to_the_declared_type_and_length(harness: Harness) -> None:
    url = harness.service.upload_url(ACCOUNT, UploadUrlRequest("png", "image/png", 108))
    assert url.endswith(".png?upload&content-type=image/png&content-length=108")


def test_get_has_one_message_for_absent_deleted_and_other_accounts_jobs(harness: Harness) -> None:
    deleted, foreign = harness.completed(), harness.accepted()
    harness.service.delete(ACCOUNT, deleted.id)
    for account, job_id in ((ACCOUNT, "none"), (ACCOUNT, deleted.id), ("another", foreign.id)):
        with pytest.raises(NotFound) as refused:
            harness.service.get(account, job_id)
        assert refused.value.message == f"job {job_id} not found"


def test_list_accepts_deleted_job_as_cursor(harness: Harness) -> None:
    first, second = harness.completed(), harness.completed()
    newest_first = sorted((first.id, second.id), reverse=True)
    harness.service.delete(ACCOUNT, newest_first[0])
    page = harness.service.list(ACCOUNT, JobQuery(after=newest_first[0]))
    assert [job.id for job in page.jobs] == newest_first[1:]


def test_list_refuses_cursor_of_another_account(harness: Harness) -> None:
    job = harness.accepted()
    with pytest.raises(UnknownCursor):
        harness.service.list("another", JobQuery(after=job.id))


def test_list_with_limit_zero_is_empty(harness: Harness) -> None:
    harness.accepted()
    assert harness.service.list(ACCOUNT, JobQuery(limit=0)).jobs == ()


def test_link_of_the_video_has_its_filename(harness: Harness) -> None:
    job = harness.completed()
    link = harness.service.link(job, harness.service.file(job, "video"))
    assert link == f"https://bucket.example/{job.artifacts[0].key}?filename={job.id}.mp4"


def test_file_refuses_unfinished_job(harness: Harness) -> None:
    with pytest.raises(ContentNotReady, match="is in_progress"):
        harness.service.file(harness.stored(), "video")


def test_file_refuses_other_variants(harness: Harness) -> None:
    with pytest.raises(VariantNotAvailable):
        harness.service.file(harness.completed(), "thumbnail")


def test_file_refuses_expired_job(harness: Harness) -> None:
    job = harness.completed()
    harness.clock.now = (job.expires_at or 0) + 1
    with pytest.raises(ContentNotReady, match="expired"):
        harness.service.file(job, "video")


@pytest.mark.parametrize("state", [Harness.accepted, Harness.running, Harness.generated])
def test_cancel_starts_another_execution(harness: Harness, state: State) -> None:
    job = harness.service.cancel(ACCOUNT, state(harness).id)
    assert job.cancel_requested_at == harness.clock()
    assert harness.executions.running[f"{job.id}-r2"]


def test_cancel_is_idempotent(harness: Harness) -> None:
    job = harness.accepted()
    first = harness.service.cancel(ACCOUNT, job.id)
    harness.clock.advance(5)
    assert harness.service.cancel(ACCOUNT, job.id) == first
    assert set(harness.executions.running) == {job.id, f"{job.id}-r2"}


@pytest.mark.parametrize("state", [Harness.stored, Harness.completed])
def test_cancel_refuses_job_with_outcome(harness: Harness, state: State) -> None:
    job = state(harness)
    with pytest.raises(AlreadyFinished):
        harness.service.cancel(ACCOUNT, job.id)
    assert harness.now(job) == job


def test_delete_keeps_item_and_deletes_files(harness: Harness) -> None:
    job = harness.completed()
    harness.blobs.objects[f"inputs/{ACCOUNT}/{job.id}/image"] = PNG_BYTES
    harness.service.delete(ACCOUNT, job.id)
    assert harness.blobs.objects == {}
    assert harness.now(job).deleted_at == harness.clock()
    assert harness.now(job).status is JobStatus.COMPLETED


def test_delete_cancels_open_job(harness: Harness) -> None:
    job = harness.running()
    harness.service.delete(ACCOUNT, job.id)
    stored = harness.now(job)
    assert stored.cancel_requested_at
    assert stored.deleted_at
    assert harness.executions.running[f"{job.id}-r2"]


def test_delete_of_job_that_finishes_concurrently(harness: Harness) -> None:
    job = harness.running()

    def finish() -> None:
        now, outcome = harness.clock(), UpstreamCancelled.YES
        harness.jobs.change(ACCOUNT, job.id, lambda job: job.cancelled_by_client(now, outcome))
        harness.finish(job)

    harness.jobs.before_write = finish
    harness.service.delete(ACCOUNT, job.id)
    assert harness.now(job).deleted_at
    assert not harness.now(job).cancel_requested_at


def test_concurrent_deletes_write_once(harness: Harness) -> None:
    job = harness.completed()
    harness.jobs.before_write = lambda: harness.service.delete(ACCOUNT, job.id)
    harness.service.delete(ACCOUNT, job.id)
    assert harness.now(job).version == job.version + 1


def test_list_limits_bytes_of_page(harness: Harness) -> None:
    for number in range(45):
        job = harness.accepted()
        harness.clock.advance(1)
        long = job.request.model_copy(update={"prompt": f"{number}" + "x" * 100_000})
        changes = {"request": long, "version": job.version + 1}
        harness.jobs.change(ACCOUNT, job.id, partial(Job.model_copy, update=changes))
    first = harness.service.list(ACCOUNT, JobQuery(limit=100))
    assert 10 < len(first.jobs) < 45
    assert first.has_more
    rest = harness.service.list(ACCOUNT, JobQuery(limit=100, after=first.jobs[-1].id))
    assert (len(first.jobs) + len(rest.jobs), rest.has_more) == (45, False)
