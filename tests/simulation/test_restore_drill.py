"""Restore drill: 100 jobs in all states, the table rolled back by up to ten minutes."""

from collections import Counter, defaultdict
from functools import partial

import pytest

from rushes.jobs.epoch import Epoch
from rushes.jobs.idempotency import IdempotencyInfo
from rushes.jobs.job import Job
from rushes.jobs.pause import PauseReason
from rushes.jobs.request import CreateRequest, GenerationRequest
from rushes.jobs.status import JobStatus, Stage
from tests.simulation.fault_schedule import CrashPlan
from tests.simulation.harness import Harness
from tests.simulation.table import RowKey

ACCOUNT = "demo"
MODELS = ("plain/one", "keyed/one", "listed/one", "plain_first", "keyed_first", "listed_first")
JOBS, LOST_JOBS = 100, 10
MINUTE, HOUR = 60.0, 3600.0
CREATE_FAULTS = ("busy with Retry-After", "done, silent", "silent", "refused", "unreachable", "")


class Drill:
    """Creates jobs, records each version of each item, and restores a mixture of versions."""

    def __init__(self) -> None:
        self.harness = Harness(CrashPlan())
        self.versions: defaultdict[RowKey, list[tuple[float, Job]]] = defaultdict(list)
        on_write = self.harness.jobs.on_write

        def record(before: Job | None, after: Job) -> None:
            on_write(before, after)
            key = after.account, after.id
            self.versions[key].append((self.harness.clock.now, after))

        self.harness.jobs.on_write = record
        self.harness.jobs.after_write = lambda _: None  # the budgets of lost jobs are lost, too
        for number, provider in enumerate(self.harness.providers.values()):
            provider.on_video = lambda: None
            provider.create_faults = [*CREATE_FAULTS[number:], *CREATE_FAULTS[:number]]

    def create(self, number: int) -> None:
        request = GenerationRequest(model=MODELS[number % 6], prompt=f"video {number}")
        service, scheduler = self.harness.service, self.harness.scheduler

        def act(result: object) -> None:
            assert not isinstance(result, BaseException), result
            job_id: str = result.job.id  # type: ignore[attr-defined]
            verbs = {1: service.cancel, 2: service.delete}
            if verb := verbs.get(number % 12):
                scheduler.after(
                    40.0, lambda: scheduler.start("verb", lambda: verb(ACCOUNT, job_id))
                )

        scheduler.start(
            "create",
            lambda: service.create(
                ACCOUNT, "openai", CreateRequest(request), IdempotencyInfo("create", str(number))
            ),
            on_end=act,
        )

    def run(self, seconds: float) -> None:
        scheduler, clock = self.harness.scheduler, self.harness.clock
        end = clock.now + seconds
        while clock.now < end:
            scheduler.after(MINUTE, self.harness.sweep)
            until = clock.now + MINUTE
            while clock.now < until or scheduler.ready:
                scheduler.step()

    def restore(self, epoch: Epoch) -> None:
        """Return each job to a version of the last ten minutes; drop the youngest ones."""
        since = self.harness.clock.now - 10 * MINUTE
        kept = sorted(self.versions)[: JOBS - LOST_JOBS]
        rows = {}
        for number, key in enumerate(kept):
            recent = [job for at, job in self.versions[key] if at >= since]
            rows[key] = recent[number % len(recent)] if recent else self.versions[key][-1][1]
        self.harness.jobs.rows = rows
        self.harness.epoch = epoch
        self.harness._build()

    def made(self) -> Counter[str]:
        return Counter(video.prompt for video in self.harness.videos())

    def jobs(self) -> list[Job]:
        return list(self.harness.jobs.rows.values())


@pytest.fixture(scope="module")
def drill() -> Drill:
    """The drill at the moment of the restore."""
    drill = Drill()
    for number in range(JOBS):
        drill.harness.scheduler.after(4.0 * number, partial(drill.create, number))
    drill.run(9 * MINUTE)
    drill.restore(Epoch("jobs-restored"))
    return drill


def test_no_job_is_sent_twice_and_every_job_is_accounted_for(drill: Drill) -> None:
    before, events = drill.made(), len(drill.harness.bus.events)
    assert {job.stage for job in drill.jobs()} == set(Stage)
    drill.run(3 * HOUR)
    assert drill.made() == before
    open_jobs = [job for job in drill.jobs() if not job.is_finished]
    assert len(drill.jobs()) == JOBS - LOST_JOBS
    assert open_jobs
    for job in open_jobs:
        assert job.pause is not None
        assert (job.pause.reason, job.pause.until) == (PauseReason.RESTORED, None)
    assert drill.harness.machine.running == []
    published = drill.harness.bus.events[events:]
    ids = {job.id for job in drill.jobs()}
    assert all(event["data"]["is_restored"] for event in published if event["data"]["id"] in ids)

    # The operator looks at the providers' consoles.
    for job in open_jobs:
        decide = Job.given_up if before[job.request.prompt] else Job.resumed
        change = partial(decide, now=drill.harness.clock.now)
        drill.harness.jobs.change(job.account, job.id, change)
    drill.run(6 * HOUR)
    assert [job.id for job in drill.jobs() if not job.is_finished] == []
    live = Counter(
        video.prompt
        for video in drill.harness.videos()
        if video.cancelled_at is None and video.fault != "fails"
    )
    assert max(live.values()) == 1
    sent = drill.made() - before
    assert set(sent) <= {job.request.prompt for job in open_jobs}
    assert not set(sent) & set(before)
    completed = [job for job in drill.jobs() if job.status is JobStatus.COMPLETED]
    assert len(completed) > JOBS / 2


def test_ids_of_lost_jobs_name_their_files_only(drill: Drill) -> None:
    lost = {job_id for _, job_id in drill.versions} - {job.id for job in drill.jobs()}
    assert len(lost) == LOST_JOBS
    folders = {key.split("/")[2] for key in drill.harness.blobs.objects}
    assert folders & lost
