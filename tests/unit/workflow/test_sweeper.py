"""Sweeper: restarts, publishing and purge."""

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from typing_extensions import override

from rushes.aws.eventbridge import EventBus
from rushes.errors import AwsUnavailable, CorruptRecord
from rushes.jobs.job import Job
from rushes.jobs.job_state import LATE_WRITE_GRACE, STALE_AFTER
from rushes.jobs.status import Stage
from rushes.workflow.event_publisher import EventPublisher
from rushes.workflow.log_events import JOBS_NOT_CHECKED
from rushes.workflow.sweeper import BATCH, Sweeper
from tests.fakes import FakeExecutions, FakeJobs
from tests.harness import ACCOUNT, MP4_BYTES, Harness


def never_started(harness: Harness) -> Job:
    """An accepted job whose execution could not be started."""
    harness.executions.error = AwsUnavailable("throttled")
    job = harness.accepted()
    harness.executions.error = None
    return job


def abandoned(harness: Harness) -> Job:
    """A running job whose execution has ended."""
    job = harness.running()
    harness.executions.running[job.id] = False
    harness.clock.advance(STALE_AFTER + 1)
    return job


@pytest.mark.parametrize("delay", [0, STALE_AFTER + 1])
def test_next_sweep_starts_job_after_failed_start(harness: Harness, delay: float) -> None:
    job = never_started(harness)
    harness.clock.advance(delay)
    assert harness.sweeper.sweep() == 1
    assert harness.executions.running == {job.id: True}
    assert harness.now(job) == job


def test_sweep_skips_job_just_started(harness: Harness) -> None:
    job = harness.accepted()
    assert harness.sweeper.sweep() == 0
    assert harness.executions.running == {job.id: True}
    assert harness.now(job).executions == 1


def test_sweep_restarts_job_of_ended_execution(harness: Harness) -> None:
    job = abandoned(harness)
    assert harness.sweeper.sweep() == 1
    assert harness.executions.running == {job.id: False, f"{job.id}-r2": True}
    assert harness.now(job).executions == 2


def test_sweep_postpones_check_of_running_execution(harness: Harness) -> None:
    """Otherwise running jobs would hide jobs that need a repair."""
    job = harness.running()
    harness.clock.advance(3600)
    assert harness.sweeper.sweep() == 0
    marked, now = harness.now(job), harness.clock()
    assert marked == job.model_copy(
        update={"updated_at": now, "version": job.version + 1, "check_at": now + STALE_AFTER}
    )
    assert harness.sweeper.sweep() == 0
    assert harness.now(job) == marked


def test_sweep_skips_job_written_within_a_minute(harness: Harness) -> None:
    job = abandoned(harness)
    harness.change(job, lambda job, now: job.warned(now, "written"))
    harness.clock.advance(STALE_AFTER - 1)
    assert harness.sweeper.sweep() == 0


def test_sweep_skips_finished_job(harness: Harness) -> None:
    job = harness.completed()
    harness.executions.running[job.id] = False
    harness.clock.advance(3600)
    assert harness.sweeper.sweep() == 0


def test_concurrent_sweeps_start_one_execution(harness: Harness) -> None:
    job = abandoned(harness)
    harness.jobs.before_write = harness.sweeper.sweep
    harness.sweeper.sweep()
    assert harness.executions.running == {job.id: False, f"{job.id}-r2": True}


def test_cancel_during_sweep_starts_one_execution(harness: Harness) -> None:
    job = abandoned(harness)
    harness.jobs.before_write = lambda: harness.service.cancel(ACCOUNT, job.id)
    harness.sweeper.sweep()
    assert harness.now(job).executions == 2
    assert set(harness.executions.running) == {job.id, f"{job.id}-r2"}


def test_sweep_skips_job_finished_since_listing(harness: Harness) -> None:
    """The index is eventually consistent."""
    job = abandoned(harness)
    harness.jobs.before_write = lambda: harness.end(job)
    assert harness.sweeper.sweep() == 0
    assert harness.executions.running == {job.id: False}


def test_next_sweep_repeats_failed_restart(harness: Harness) -> None:
    job = abandoned(harness)
    harness.executions.error = AwsUnavailable("throttled")
    assert harness.sweeper.sweep() == 0
    harness.executions.error = None
    harness.clock.advance(STALE_AFTER + 1)
    assert harness.sweeper.sweep() == 1
    assert harness.executions.running == {job.id: False, f"{job.id}-r2": True}


# --- unpublished events


SHARE = 25
"""Jobs of one account that a sweep repairs while others take their turns."""


def unpublished(harness: Harness) -> Job:
    job = harness.stored()
    harness.bus.rejections = [AwsUnavailable("throttled")]
    harness.finish(job)
    return harness.now(job)


def test_sweep_publishes_terminal_event(harness: Harness) -> None:
    job = unpublished(harness)
    (event,) = job.outbox
    assert harness.sweeper.sweep() == 1
    assert harness.bus.events[-1] == event
    assert (harness.now(job).outbox, harness.now(job).next_check_at) == ((), None)
    assert harness.sweeper.sweep() == 0


def test_sweep_retries_while_bus_is_unavailable(harness: Harness) -> None:
    job = unpublished(harness)
    for _ in range(3):
        harness.bus.rejections = [AwsUnavailable("throttled")]
        assert harness.sweeper.sweep() == 0
        harness.clock.advance(60)
    assert harness.sweeper.sweep() == 1
    assert harness.now(job).outbox == ()


def test_sweep_publishes_started_event_of_running_job(harness: Harness) -> None:
    harness.bus.rejections = [AwsUnavailable("throttled")]
    job = harness.running()
    assert harness.sweeper.sweep() == 1
    assert harness.event_types() == ["job.started"]
    assert harness.executions.running == {job.id: True}


def test_sweep_publishes_and_restarts(harness: Harness) -> None:
    harness.bus.rejections = [AwsUnavailable("throttled")]
    job = abandoned(harness)
    assert harness.sweeper.sweep() == 1
    assert (len(harness.bus.events), harness.now(job).executions) == (1, 2)


# --- files of deleted jobs


def test_sweep_purges_files_stored_after_delete(harness: Harness) -> None:
    job = harness.completed()
    harness.service.delete(ACCOUNT, job.id)
    late = [f"{kind}/{ACCOUNT}/{job.id}/0.mp4" for kind in ("outputs", "inputs", "archive")]
    harness.blobs.objects = dict.fromkeys([*late, f"outputs/{ACCOUNT}/{job.id}0/0.mp4"], MP4_BYTES)
    harness.clock.advance(LATE_WRITE_GRACE - 1)
    assert harness.sweeper.sweep() == 0
    assert len(harness.blobs.objects) == 4
    harness.clock.advance(1)
    assert harness.sweeper.sweep() == 1
    assert list(harness.blobs.objects) == [f"outputs/{ACCOUNT}/{job.id}0/0.mp4"]
    assert (harness.now(job).purged_at, harness.now(job).next_check_at) == (harness.clock(), None)
    assert harness.sweeper.sweep() == 0


# --- a failed execution


def test_reconcile_job_restarts_failed_execution(harness: Harness) -> None:
    job = harness.running()
    harness.executions.running[job.id] = False
    assert harness.sweeper.reconcile_job(ACCOUNT, job.id) == 1
    assert harness.executions.running == {job.id: False, f"{job.id}-r2": True}


@pytest.mark.parametrize("state", [Harness.running, Harness.completed])
def test_reconcile_job_skips_healthy_job(harness: Harness, state: object) -> None:
    job = state(harness)  # type: ignore[operator]
    assert harness.sweeper.reconcile_job(ACCOUNT, job.id) == 0
    assert harness.now(job).executions == 1


def test_reconcile_job_skips_unknown_job(harness: Harness) -> None:
    assert harness.sweeper.reconcile_job(ACCOUNT, "job_absent") == 0


def test_reconcile_job_skips_corrupt_record(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = abandoned(harness)

    def corrupt(_account: str, _job_id: str) -> Job:
        raise CorruptRecord("attributes and document differ")

    monkeypatch.setattr(harness.jobs, "get", corrupt)
    assert harness.sweeper.reconcile_job(ACCOUNT, job.id) == 0
    assert harness.executions.running == {job.id: False}


class LockedJobs(FakeJobs):
    """Conditional writes between threads, as in DynamoDB."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    @override
    def _put(self, job: Job) -> None:
        with self._lock:
            stored = self.get(job.account, job.id)
            if stored and stored.version != job.version - 1:
                raise AwsUnavailable("throttled")
            super()._put(job)


def test_eight_concurrent_sweepers_match_one(harness: Harness) -> None:
    harness.jobs = LockedJobs()
    jobs = [abandoned(harness) for _ in range(10)]
    finished = [unpublished(harness) for _ in range(10)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: harness.sweeper.sweep(), range(8)))
    for job in jobs:
        assert harness.now(job).executions == 2
        assert harness.now(job).stage is Stage.RUNNING
        assert harness.executions.running[f"{job.id}-r2"] is True
    assert len(harness.executions.running) == 10 * 2 + 10
    assert all(harness.now(job).outbox == () for job in finished)
    published = {event["id"] for event in harness.bus.events if event["type"] == "job.completed"}
    assert published == {f"evt_{job.id}_completed" for job in finished}


class OneFailing(FakeExecutions):
    """`is_running` fails for one job."""

    def __init__(self, bad: str) -> None:
        super().__init__()
        self.bad = bad

    @override
    def is_running(self, job: Job) -> bool | None:
        if job.id == self.bad:
            raise AwsUnavailable("throttled")
        return super().is_running(job)


@pytest.mark.parametrize("bad", [0, 1, 2])
def test_sweep_continues_after_error_of_one_job(harness: Harness, bad: int) -> None:
    jobs = [never_started(harness) for _ in range(3)]
    executions = OneFailing(jobs[bad].id)
    sweeper = Sweeper(
        harness.jobs, harness.blobs, executions, harness.event_publisher, harness.clock
    )
    assert sweeper.sweep() == 2
    assert set(executions.running) == {job.id for job in jobs} - {jobs[bad].id}


def test_sweep_leaves_a_job_alone_that_was_written_since_it_was_listed(harness: Harness) -> None:
    """The index is eventually consistent."""
    job = abandoned(harness)
    harness.jobs.due_ids = lambda *_: [(job.account, job.id)]  # type: ignore[method-assign]
    harness.change(job, lambda job, now: job.warned(now, "written"))
    assert harness.sweeper.sweep() == 0
    assert harness.executions.running == {job.id: False}


# --- shares of accounts


def due_of(harness: Harness, account: str, count: int) -> list[Job]:
    """Return jobs of the account that were never started; later ones are due later."""
    jobs = []
    for _ in range(count):
        harness.clock.advance(0.001)
        job = never_started(harness)
        del harness.jobs.rows[job.account, job.id]
        moved = job.model_copy(update={"account": account})
        harness.jobs.add(moved)
        jobs.append(moved)
    return jobs


def started(harness: Harness, jobs: list[Job]) -> int:
    return sum(job.id in harness.executions.running for job in jobs)


@pytest.mark.parametrize("count", [SHARE + 30, BATCH + 30])
def test_sweep_lets_accounts_take_turns(harness: Harness, count: int) -> None:
    """The jobs of the others are due last; the time suffices for sixty repairs."""
    many = due_of(harness, "many", count)
    others = [due_of(harness, f"other{number}", 1) for number in range(5)]
    harness.clock.advance(STALE_AFTER)
    harness.sweeper.sweep(lambda: len(harness.executions.running) < 60)
    assert [started(harness, jobs) for jobs in others] == [1] * 5
    assert started(harness, many) >= SHARE


def test_sweeps_repair_all_jobs_of_an_account_with_many(harness: Harness) -> None:
    """Nothing is left out: a sweep reads the next ones."""
    many, other = due_of(harness, "many", BATCH + 30), due_of(harness, "other", SHARE + 5)
    harness.clock.advance(STALE_AFTER)
    for job in (*many, *other):
        harness.jobs.change(job.account, job.id, lambda one: one)
    assert harness.sweeper.sweep() == BATCH + SHARE + 5
    assert started(harness, many) == BATCH
    assert started(harness, other) == SHARE + 5


def test_sweep_stops_and_logs_when_there_is_no_time_left(
    harness: Harness, caplog: pytest.LogCaptureFixture
) -> None:
    jobs = due_of(harness, "many", SHARE + 10)
    harness.clock.advance(STALE_AFTER)
    assert harness.sweeper.sweep(lambda: started(harness, jobs) < 3) == 3
    (line,) = [line for line in caplog.records if line.getMessage() == JOBS_NOT_CHECKED]
    assert (line.__dict__["left"], line.__dict__["checked"]) == (SHARE + 7, 3)
    assert harness.sweeper.sweep(lambda: started(harness, jobs) < SHARE + 5) >= 1
    assert started(harness, jobs) == SHARE + 5
    harness.sweeper.sweep()
    assert started(harness, jobs) == SHARE + 10


def corrupted(emitted: str) -> int:
    return emitted.count('"CorruptRecord":[1.0]')


@pytest.mark.parametrize(
    "error", [KeyError("type"), TypeError("no str"), OverflowError("date"), RecursionError()]
)
def test_sweep_continues_after_an_unexpected_error_and_counts_it(
    harness: Harness, error: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    """For example of an item that was edited by hand."""
    bad, good = (never_started(harness) for _ in range(2))
    is_running = harness.executions.is_running

    def fail(job: Job) -> bool | None:
        if job.id == bad.id:
            raise error
        return is_running(job)

    harness.executions.is_running = fail  # type: ignore[method-assign]
    assert harness.sweeper.sweep() == 1
    assert harness.executions.running == {good.id: True}
    assert corrupted(capsys.readouterr().out) == 1


def test_error_of_aws_is_not_counted_as_a_corrupt_record(
    harness: Harness, capsys: pytest.CaptureFixture[str]
) -> None:
    never_started(harness)
    harness.executions.error = AwsUnavailable("throttled")
    assert harness.sweeper.sweep() == 0
    assert corrupted(capsys.readouterr().out) == 0


def test_sweep_continues_after_an_error_of_a_job_beyond_the_share(harness: Harness) -> None:
    jobs = due_of(harness, "many", SHARE + 3)
    harness.clock.advance(STALE_AFTER)
    get = harness.jobs.get

    def fail(account: str, job_id: str) -> Job | None:
        if job_id == jobs[SHARE].id:
            raise AwsUnavailable("throttled")
        return get(account, job_id)

    harness.jobs.get = fail  # type: ignore[method-assign]
    assert harness.sweeper.sweep() == SHARE + 2


def test_event_without_type_stays_in_the_outbox_and_the_others_are_published(
    harness: Harness, capsys: pytest.CaptureFixture[str]
) -> None:
    job = unpublished(harness)
    (event,) = job.outbox
    malformed = {"id": "evt_by_hand"}
    harness.change(
        job,
        lambda one, now: one.model_copy(
            update={"outbox": (malformed, event), "version": one.version + 1, "updated_at": now}
        ),
    )
    published: list[dict[str, Any]] = []

    class Client:
        def put_events(self, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803
            published.extend(Entries)
            return {"Entries": [{} for _ in Entries]}

    client: Any = Client()
    publisher = EventPublisher(harness.jobs, EventBus(client, "bus"), harness.clock)
    other = never_started(harness)
    sweeper = Sweeper(harness.jobs, harness.blobs, harness.executions, publisher, harness.clock)
    assert sweeper.sweep() == 1
    assert [entry["DetailType"] for entry in published] == ["job.completed"]
    assert harness.now(job).outbox == (malformed,)
    assert other.id in harness.executions.running
    assert corrupted(capsys.readouterr().out) == 1
