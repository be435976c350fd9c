"""Invariants of the final state, checked when no work is left."""

import hashlib
from typing import TYPE_CHECKING

from rushes.jobs.job import Job
from rushes.jobs.status import JobStatus, UpstreamCancelled
from rushes.workflow.task import DEAD_LETTER_SECONDS
from tests.simulation.provider_faults import FAILS, UNREADABLE
from tests.simulation.upstream import UNREADABLE_SECONDS

if TYPE_CHECKING:
    from tests.simulation.harness import Harness

UNKNOWN = ("upstream_outcome_unknown", "upstream_bad_response")
"""Error codes that leave open whether the provider made a video."""
RARE_SECONDS = 4000.0
"""The same for a failed job, whose result is fetched again at growing intervals."""
SLACK_SECONDS = 200.0
"""Time in which the core archives a result after a cancel, without faults."""


def find_violations(harness: "Harness", quiet_since: float) -> list[str]:
    """Return all violations, including those found at single writes."""
    for job in harness.jobs.rows.values():
        _check_end(harness, job)
        _check_events(harness, job)
        _check_files(harness, job)
        _check_archive(harness, job, quiet_since)
    _check_single_create(harness)
    _check_deletes(harness)
    _check_single_live_video(harness)
    _check_complete_files(harness)
    _check_no_work_left(harness)
    harness.budget.check_sums()
    harness.invariants.violations += harness.machine.unexpected
    return harness.invariants.violations


def _check_end(harness: "Harness", job: Job) -> None:
    check = harness.invariants.check
    check(job.is_finished, f"{job.id} did not end: {job.stage.value}")
    if job.status is not JobStatus.FAILED or job.operation or job.error is None:
        return
    videos = harness.providers[job.provider].videos.values()
    if any(video.prompt == job.request.prompt for video in videos):
        code, in_time = job.error.code, (job.finished_at or 0.0) < job.deadline_at
        check(code in UNKNOWN, f"{job.id} failed with {code}, but the provider made its video")
        is_interrupted = job.id in harness.invariants.interrupted
        could_confirm = job.provider != "plain" and in_time and not is_interrupted
        message = f"{job.id}: {job.provider} supports a lookup or a repeated create call"
        check(not could_confirm, message)


def _check_events(harness: "Harness", job: Job) -> None:
    check = harness.invariants.check
    events = [event for event in harness.bus.events if event["data"]["id"] == job.id]
    terminal = f"evt_{job.id}_{job.status.value}"
    check(terminal in [event["id"] for event in events], f"{terminal} was not published")
    for event in events:
        is_known = harness.invariants.written_events.get(event["id"]) == event
        check(is_known, f"{event['id']} was published with another body than it was written with")
        is_expected = event["id"] in (terminal, f"evt_{job.id}_started")
        check(is_expected, f"{event['id']} reports a transition that did not happen")


def _check_files(harness: "Harness", job: Job) -> None:
    check = harness.invariants.check
    if job.deleted_at:
        left = [key for key in harness.blobs.objects if f"/{job.account}/{job.id}/" in key]
        check(not left, f"{job.id} was deleted, but {left} are stored")
        return
    if job.status is JobStatus.COMPLETED:
        check(job.artifacts, f"{job.id} is completed without an artifact")
    for artifact in (*job.artifacts, *job.archived_artifacts):
        content = harness.blobs.objects.get(artifact.key)
        is_intact = content is not None and hashlib.sha256(content).hexdigest() == artifact.sha256
        check(is_intact, f"{artifact.key} does not match the record of {job.id}")
        videos = harness.providers[job.provider].videos.values()
        own = any(v.content == content and v.prompt == job.request.prompt for v in videos)
        check(own, f"{artifact.key} is not a video of {job.id}")


def _check_archive(harness: "Harness", job: Job, quiet_since: float) -> None:
    """Check that a video of a job without artifacts is archived: it was made all the same."""
    ended = job.status in (JobStatus.CANCELLED, JobStatus.FAILED)
    if not ended or job.deleted_at or not job.operation:
        return
    video = harness.providers[job.provider].videos.get(job.operation["id"])
    if video is None or video.fault not in ("", UNREADABLE):
        return
    if video.cancelled_at is not None or video.is_removed:
        return
    readable_at = video.done_at + (UNREADABLE_SECONDS if video.fault else 0.0)
    is_failed = job.status is JobStatus.FAILED
    until = (job.finished_at or 0.0) + DEAD_LETTER_SECONDS if is_failed else job.deadline_at
    slack = RARE_SECONDS if is_failed else SLACK_SECONDS
    if max(readable_at, quiet_since) < until - slack:
        harness.invariants.check(
            job.archived_artifacts, f"{job.id}: {video.id} was made and not archived"
        )


def _check_single_create(harness: "Harness") -> None:
    check = harness.invariants.check
    for provider in harness.providers.values():
        prompts = [video.prompt for video in provider.videos.values()]
        for prompt in set(prompts):
            once = prompts.count(prompt) == 1
            check(once, f"{provider.name} made {prompt!r} {prompts.count(prompt)} times")
        if provider.capability == "none":
            message = f"{provider.name} got a second create call after an unknown outcome"
            check(not provider.repeated, f"{message}: {provider.repeated}")


def _check_deletes(harness: "Harness") -> None:
    """Check that no cancel deleted a finished video, unless the client deleted the job."""
    deleted = {job.request.prompt for job in harness.jobs.rows.values() if job.deleted_at}
    for provider in harness.providers.values():
        lost = provider.wrongly_deleted - deleted
        harness.invariants.check(not lost, f"{provider.name} deleted the finished {lost}")


def _check_single_live_video(harness: "Harness") -> None:
    """Check that at most one provider renders a job, and none renders a cancelled one."""
    videos = [video for video in harness.videos() if video.fault != FAILS]
    live = [video.prompt for video in videos if video.cancelled_at is None]
    for job in harness.jobs.rows.values():
        if job.upstream_cancelled is UpstreamCancelled.YES:
            stopped = job.request.prompt not in live
            message = f"{job.id} is reported as cancelled upstream, but still rendered"
            harness.invariants.check(stopped, message)
    for prompt in set(live):
        harness.invariants.check(live.count(prompt) == 1, f"several providers render {prompt!r}")


def _check_complete_files(harness: "Harness") -> None:
    """Check that each stored output is a complete video."""
    videos = {video.content for video in harness.videos()}
    for key, content in harness.blobs.objects.items():
        if not key.startswith("inputs/"):
            harness.invariants.check(content in videos, f"{key} is not a complete video")


def _check_no_work_left(harness: "Harness") -> None:
    check = harness.invariants.check
    running = [run.name for run in harness.machine.running]
    check(not running, f"still running: {running}")
    for job in harness.jobs.rows.values():
        check(not job.outbox, f"{job.id} has unpublished events")
        check(job.next_check_at is None, f"{job.id} is due for another check")
