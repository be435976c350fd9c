"""Cap on restarts: executions that fail again and again follow each other at growing intervals."""

from itertools import pairwise

import pytest

from rushes.jobs.job import Job
from rushes.jobs.pause import PauseReason
from rushes.jobs.status import JobStatus
from rushes.workflow.finish import INTERRUPTION_GRACE
from rushes.workflow.pauses import DAY, MAX_RESTARTS, restart_delay
from tests.harness import ACCOUNT, Harness, video


def fail_execution(harness: Harness, job: Job) -> None:
    harness.executions.running[harness.now(job).execution_name] = False


def run_with_failing_executions(harness: Harness, job: Job, seconds: float, *others: Job) -> None:
    """Each execution fails at once, and Step Functions reports that."""
    end = harness.clock() + seconds
    while harness.clock() < end:
        for one in (job, *others):
            fail_execution(harness, one)
            harness.sweeper.reconcile_job(ACCOUNT, one.id)
        harness.sweeper.sweep()
        harness.clock.advance(60)


def test_first_restart_follows_at_once_and_the_next_ones_wait(harness: Harness) -> None:
    job = harness.stored()
    starts = []
    for _ in range(40):
        before = harness.now(job).executions
        fail_execution(harness, job)
        harness.sweeper.reconcile_job(ACCOUNT, job.id)
        if harness.now(job).executions > before:
            starts.append(harness.clock())
        harness.clock.advance(60)
    waits = [later - earlier for earlier, later in pairwise(starts)]
    ran = 60  # seconds of each execution
    assert [wait - ran for wait in waits] == [60, 120, 240, 480, 960]


def test_restarts_of_three_days_are_bounded_and_reported(
    harness: Harness, capsys: pytest.CaptureFixture[str]
) -> None:
    job = harness.stored()
    run_with_failing_executions(harness, job, DAY)
    assert harness.now(job).executions <= MAX_RESTARTS + 1
    paused = harness.now(job).pause
    assert paused is not None
    assert (paused.reason, paused.needs_operator) == (PauseReason.RESTARTS, True)
    assert "JobPaused" in capsys.readouterr().out
    run_with_failing_executions(harness, job, 2 * DAY)
    assert harness.now(job).executions <= MAX_RESTARTS + 3
    assert harness.now(job).artifacts == job.artifacts


def test_job_completes_by_itself_within_a_day_after_a_mend(harness: Harness) -> None:
    job = harness.stored()
    run_with_failing_executions(harness, job, DAY)
    harness.clock.advance(DAY)
    assert harness.sweeper.sweep() == 1
    assert harness.finish(harness.now(job)) == {"status": "completed"}
    assert harness.now(job).pause is None


def test_operator_resumes_the_job_at_once(harness: Harness) -> None:
    job = harness.stored()
    run_with_failing_executions(harness, job, DAY)
    harness.change(job, Job.resumed)
    harness.clock.advance(61)
    assert harness.sweeper.sweep() == 1
    assert harness.finish(harness.now(job)) == {"status": "completed"}


def test_progress_begins_the_count_again(harness: Harness) -> None:
    job = harness.running()
    run_with_failing_executions(harness, job, 1200)
    failed = harness.now(job)
    assert restart_delay(failed) > 60
    generated = harness.change(job, lambda job, now: job.generated(now, (), None))
    assert restart_delay(generated) == 0


def test_many_paused_jobs_do_not_hide_the_others(harness: Harness) -> None:
    paused = [harness.stored() for _ in range(3)]
    run_with_failing_executions(harness, paused[0], DAY, *paused[1:])
    assert list(harness.jobs.due(harness.clock(), 10)) == []


def test_cancel_of_a_paused_job_starts_an_execution(harness: Harness) -> None:
    job = harness.running()
    run_with_failing_executions(harness, job, 1200)
    harness.service.cancel(ACCOUNT, job.id)
    assert harness.executions.running[harness.now(job).execution_name] is True


# --- a release whose functions fail


@pytest.mark.parametrize("state", [Harness.accepted, Harness.leased, Harness.running])
@pytest.mark.parametrize("cause", ["Lambda.Unknown", "ImportError", "States.Timeout"])
def test_failed_execution_leaves_the_job_open(harness: Harness, state: object, cause: str) -> None:
    job = state(harness)  # type: ignore[operator]
    assert harness.finish(job, cause=cause) == {"status": "left"}
    assert harness.now(job).status is job.status


def test_waiting_job_names_the_cause_for_the_operator(harness: Harness) -> None:
    job = harness.accepted()
    harness.finish(job, cause="ImportError")
    waiting = harness.now(job).waiting
    assert waiting is not None
    assert (waiting.error.code, waiting.detail) == ("internal_error", "ImportError")


def test_mended_release_sends_the_job_after_its_deadline(harness: Harness) -> None:
    job = harness.accepted(video("queued"))
    harness.clock.now = job.deadline_at + 3600
    harness.finish(job, cause="ImportError")
    harness.clock.advance(600)
    harness.submit(job)
    running = harness.now(job)
    assert running.operation == {"id": "up-1"}
    assert running.deadline_at == harness.clock() + 1800


def test_job_that_no_release_mends_fails_after_the_grace(harness: Harness) -> None:
    job = harness.accepted()
    harness.clock.now = job.deadline_at + INTERRUPTION_GRACE
    assert harness.finish(job, cause="ImportError") == {"status": "failed"}
    assert harness.now(job).status is JobStatus.FAILED
