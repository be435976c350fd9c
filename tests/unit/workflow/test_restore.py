"""Jobs of a restored table: none is sent to a provider again without an operator's word."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from rushes.errors import UpstreamNoResponse, UpstreamUnavailable
from rushes.jobs.epoch import Epoch
from rushes.jobs.job import Job
from rushes.jobs.job_restarts import RESTORED_WARNING
from rushes.jobs.pause import PauseReason
from rushes.jobs.status import JobStatus, UpstreamCancelled
from rushes.workflow.reconcile import LOOKUP_SECONDS
from tests.harness import ACCOUNT, CREATE, Harness, reply, video
from tests.simulation.harness import CATALOG as LOOKUP_CATALOG
from tests.simulation.harness import adapter_of

RESTORED = Epoch("jobs-restored")
LISTED = "GET /videos?name={key}"


def restore(harness: Harness, epoch: Epoch = RESTORED) -> Harness:
    """The same table in another epoch; its executions have ended."""
    harness.executions.running = dict.fromkeys(harness.executions.running, False)
    harness.clock.advance(600)
    return replace(harness, epoch=epoch)


def lookup_harness(harness: Harness) -> Harness:
    return replace(harness, catalog=LOOKUP_CATALOG, adapter=adapter_of)


def leased(harness: Harness) -> Job:
    return harness.leased()


def accepted(harness: Harness) -> Job:
    return harness.accepted()


def throttled(harness: Harness) -> Job:
    job = harness.accepted(reply(429, {"retry-after": "20"}))
    harness.submit(job)
    return harness.now(job)


@pytest.mark.parametrize("state", [accepted, throttled, leased])
def test_unfinished_job_is_not_sent_and_waits_for_the_operator(
    harness: Harness, state: Callable[[Harness], Job]
) -> None:
    job = state(harness)
    sent = len(harness.creates())
    restored = restore(harness)
    restored.answer(CREATE, video("queued"))
    assert restored.submit(job) == {"status": "ending", "wait_seconds": 0}
    assert restored.finish(job) == {"status": "left"}
    paused = restored.now(job)
    assert len(restored.creates()) == sent
    assert paused.pause is not None
    assert (paused.pause.reason, paused.pause.until) == (PauseReason.RESTORED, None)
    assert (paused.status, paused.warnings[-1]) == (JobStatus.QUEUED, RESTORED_WARNING)
    for _ in range(48):
        restored.clock.advance(3600)
        restored.sweeper.sweep()
        restored.submit(job)
    assert len(restored.creates()) == sent
    assert restored.now(job).status is JobStatus.QUEUED


@pytest.mark.parametrize("epoch", [Epoch("jobs-2"), Epoch("", 1), Epoch("jobs-2", 7)])
def test_another_table_or_a_higher_number_of_restores_is_another_epoch(
    harness: Harness, epoch: Epoch
) -> None:
    job = harness.accepted()
    restored = restore(harness, epoch)
    restored.submit(job)
    assert (restored.creates(), restored.now(job).restored_to) == ([], str(epoch))


def test_job_of_the_same_epoch_is_sent(harness: Harness) -> None:
    job = harness.accepted(video("queued"))
    again = restore(harness, harness.epoch)
    again.submit(job)
    assert len(again.creates()) == 1


@pytest.mark.parametrize(("restores", "count"), [(0, 1), (1, 0)])
def test_job_of_an_older_release_belongs_to_the_first_epoch(
    harness: Harness, restores: int, count: int
) -> None:
    job = harness.accepted(video("queued"))
    harness.change(
        job,
        lambda job, _: job.model_copy(update={"epoch": None, "version": job.version + 1}),
    )
    restored = restore(harness, Epoch("jobs", restores))
    restored.submit(job)
    assert len(restored.creates()) == count


def test_operator_resumes_the_job_and_it_is_sent_once(harness: Harness) -> None:
    job = harness.accepted()
    restored = restore(harness)
    restored.submit(job)
    restored.clock.advance(24 * 3600)
    restored.change(job, Job.resumed)
    resumed = restored.now(job)
    assert (resumed.pause, resumed.epoch, resumed.lease_until) == (None, str(RESTORED), None)
    restored.answer(CREATE, video("queued"))
    restored.clock.advance(61)
    assert restored.sweeper.sweep() == 1
    restored.submit(job)
    assert len(restored.creates()) == 1
    assert restored.now(job).operation == {"id": "up-1"}


@pytest.mark.parametrize("state", [accepted, leased])
def test_operator_fails_the_job(harness: Harness, state: Callable[[Harness], Job]) -> None:
    job = state(harness)
    restored = restore(harness)
    restored.submit(job)
    restored.change(job, Job.given_up)
    restored.finish(job)
    failed = restored.now(job)
    assert failed.error is not None
    assert (failed.status, failed.error.code) == (JobStatus.FAILED, UpstreamNoResponse.code)
    assert failed.submission_unconfirmed_since is not None  # it may be billed
    (event,) = restored.bus.events
    assert event["data"]["is_restored"] is True


def test_stored_operation_is_polled_on_and_never_sent(harness: Harness) -> None:
    job = harness.running(video("completed"))
    restored = restore(harness)
    assert restored.submit(job)["status"] == "submitted"
    assert restored.poll(job)["status"] == "succeeded"
    assert len(restored.creates()) == 1
    assert restored.now(job).warnings == (RESTORED_WARNING,)


def test_windows_of_failures_and_deadline_begin_again(harness: Harness) -> None:
    job = harness.running(UpstreamUnavailable("down"))
    harness.poll(job)
    restored = restore(harness)
    restored.clock.advance(3 * 3600)
    assert restored.poll(job)["status"] == "pending"
    polled = restored.now(job)
    assert polled.failing_since == restored.clock()
    assert polled.deadline_at == restored.clock() + 1800


def test_failover_after_a_restore_sends_no_create_call(harness: Harness) -> None:
    """The lost executions may have failed over, too."""
    failed = video("failed", error={"code": "E7", "message": "no"})
    job = harness.running(failed, model="sure", seconds=4, size="1280x720")
    restored = restore(harness)
    assert restored.poll(job)["status"] == "resubmit"
    assert restored.now(job).provider == "spare"
    restored.submit(job)
    paused = restored.now(job)
    assert len(restored.creates()) == 1
    assert paused.pause is not None
    assert paused.pause.reason is PauseReason.RESTORED


def test_client_cancels_the_job_without_a_claim_about_its_provider(harness: Harness) -> None:
    job = harness.accepted()
    restored = restore(harness)
    restored.submit(job)
    restored.service.cancel(ACCOUNT, job.id)
    restored.submit(job)
    restored.finish(job)
    cancelled = restored.now(job)
    assert (cancelled.status, cancelled.upstream_cancelled) == (
        JobStatus.CANCELLED,
        UpstreamCancelled.NO,
    )
    assert not cancelled.is_tracked
    assert restored.creates() == []


def test_an_older_release_does_not_send_it_either(harness: Harness) -> None:
    """It sees a lease that has ended: a create call whose outcome is unknown."""
    job = harness.accepted()
    restored = restore(harness)
    restored.submit(job)
    paused = restored.now(job)
    restored.clock.advance(60)
    assert paused.lease_until is not None
    assert paused.lease_until < restored.clock()
    assert paused.is_submission_unconfirmed


def test_second_restore_marks_the_job_again(harness: Harness) -> None:
    job = harness.accepted()
    first = restore(harness)
    first.submit(job)
    first.change(job, Job.resumed)
    second = restore(first, Epoch("jobs-restored", 1))
    second.answer(CREATE, video("queued"))
    second.submit(job)
    assert (second.creates(), second.now(job).restored_to) == ([], "jobs-restored#1")


# --- lookup


def listed(harness: Harness) -> Job:
    return lookup_harness(harness).accepted(model="listed/one")


def test_provider_that_lists_the_job_continues_it(harness: Harness) -> None:
    job = listed(harness)
    restored = restore(lookup_harness(harness))
    found = reply(200, data=[{"id": "up-7", "status": "in_progress"}])
    restored.answer(LISTED.format(key=job.create_key), found)
    assert restored.submit(job)["status"] == "submitted"
    running = restored.now(job)
    assert (running.operation, running.pause) == ({"id": "up-7"}, None)
    assert restored.creates() == []


def test_job_that_is_not_listed_waits_for_the_operator(harness: Harness) -> None:
    job = listed(harness)
    restored = restore(lookup_harness(harness))
    restored.answer(LISTED.format(key=job.create_key), reply(200, data=[]))
    assert restored.submit(job)["status"] == "pending"
    restored.clock.advance(LOOKUP_SECONDS + 1)
    assert restored.submit(job)["status"] == "ending"
    paused = restored.now(job)
    assert paused.pause is not None
    assert paused.pause.detail == "provider listed does not list the job"
    assert restored.creates() == []


def test_lookup_is_repeated_while_the_provider_is_down(harness: Harness) -> None:
    job = listed(harness)
    restored = restore(lookup_harness(harness))
    restored.answer(LISTED.format(key=job.create_key), UpstreamUnavailable("down"))
    for _ in range(3):
        assert restored.submit(job)["status"] == "pending"
        restored.clock.advance(600)
    restored.clock.advance(24 * 3600)
    assert restored.submit(job)["status"] == "ending"
    assert restored.creates() == []


# --- finished jobs


def test_event_of_a_backup_says_so(harness: Harness) -> None:
    """It may have been published after the backup, before the restore."""
    job = harness.stored()
    harness.bus.rejections = [[0]]
    harness.finish(job)
    restored = restore(harness)
    assert restored.sweeper.sweep() == 1
    event = restored.bus.events[-1]
    assert (event["id"], event["data"]["is_restored"]) == (f"evt_{job.id}_completed", True)
    assert restored.now(job).outbox == ()


def test_job_with_an_outcome_finishes_and_its_event_says_so(harness: Harness) -> None:
    job = harness.stored()
    restored = restore(harness)
    assert restored.finish(job) == {"status": "completed"}
    assert restored.bus.events[-1]["data"]["is_restored"] is True


def test_finished_job_stays_unchanged(harness: Harness) -> None:
    job = harness.completed()
    restored = restore(harness)
    restored.clock.advance(3600)
    assert restored.sweeper.sweep() == 0
    assert restored.submit(job) == {"status": "ending", "wait_seconds": 0}
    assert restored.now(job) == job


def test_execution_of_a_lost_job_ends(harness: Harness) -> None:
    job = harness.accepted()
    harness.jobs.rows.clear()
    restored = restore(harness)
    for step in (restored.submit, restored.poll, restored.collect):
        assert step(job) == {"status": "ending", "wait_seconds": 0}
    assert restored.finish(job) == {"status": "unknown"}
    assert restored.creates() == []
