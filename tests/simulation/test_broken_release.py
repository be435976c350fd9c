"""A release with a function that always fails, on virtual time; then a release that mends it."""

from collections import Counter

import pytest

from rushes.jobs.idempotency import IdempotencyInfo
from rushes.jobs.request import CreateRequest, GenerationRequest
from rushes.jobs.status import JobStatus
from rushes.workflow.pauses import DAY, MAX_RESTARTS
from tests.simulation.fault_schedule import CrashPlan
from tests.simulation.harness import Harness
from tests.simulation.machine import Input

ACCOUNT = "demo"
MODELS = ("plain/one", "keyed/one", "listed/one")
MINUTE, HOUR = 60.0, 3600.0


class Release:
    """Replaces functions of a harness by ones that fail, until it is mended."""

    def __init__(self, *broken: str) -> None:
        self.harness = Harness(CrashPlan())
        self.working = dict(self.harness.machine.functions)
        self.harness.machine.on_abort = self._reconcile
        for name in broken:
            self.harness.machine.functions = {
                **self.harness.machine.functions,
                name: self._fail,
            }

    def _fail(self, state_input: Input) -> object:
        raise ImportError(f"no module named rushes.tomorrow: {state_input['job_id']}")

    def _reconcile(self, state_input: Input) -> None:
        key = state_input["account"], state_input["job_id"]
        self.harness.scheduler.start("reconcile", lambda: self.harness.sweeper.reconcile_job(*key))

    def mend(self) -> None:
        self.harness.machine.functions = self.working

    def create(self, number: int) -> None:
        request = GenerationRequest(model=MODELS[number % 3], prompt=f"video {number}")
        self.harness.scheduler.start(
            "create",
            lambda: self.harness.service.create(
                ACCOUNT, "openai", CreateRequest(request), IdempotencyInfo("create")
            ),
        )

    def run(self, seconds: float) -> None:
        scheduler, clock = self.harness.scheduler, self.harness.clock
        end = clock.now + seconds
        while clock.now < end:
            scheduler.after(MINUTE, self.harness.sweep)
            until = clock.now + MINUTE
            while clock.now < until or scheduler.ready:
                scheduler.step()

    def statuses(self) -> Counter[JobStatus]:
        return Counter(job.status for job in self.harness.jobs.rows.values())


@pytest.mark.parametrize("seconds", [30 * MINUTE, 2 * HOUR, 5 * HOUR])
def test_no_queued_job_fails_while_submit_fails(seconds: float) -> None:
    release = Release("Submit")
    for number in range(12):
        release.create(number)
    release.run(seconds)
    assert release.statuses() == {JobStatus.QUEUED: 12}
    assert release.harness.videos() == []
    release.mend()
    release.run(3 * HOUR)
    assert release.statuses() == {JobStatus.COMPLETED: 12}
    assert len(release.harness.videos()) == 12


@pytest.mark.parametrize("broken", ["Poll", "Collect", "Finish"])
@pytest.mark.parametrize("seconds", [30 * MINUTE, 4 * HOUR])
def test_no_running_job_is_lost_while_a_function_fails(broken: str, seconds: float) -> None:
    release = Release(broken)
    for number in range(6):
        release.create(number)
    release.run(seconds)
    assert JobStatus.FAILED not in release.statuses()
    release.mend()
    release.run(3 * HOUR)
    assert release.statuses() == {JobStatus.COMPLETED: 6}
    assert len(release.harness.videos()) == 6


def test_executions_of_a_broken_finish_are_bounded_for_days() -> None:
    release = Release("Finish")
    release.create(0)
    release.run(DAY)
    first = len(release.harness.machine.executions)
    release.run(2 * DAY)
    assert first <= MAX_RESTARTS + 1
    assert len(release.harness.machine.executions) - first <= 2
    release.mend()
    release.run(DAY + HOUR)
    assert release.statuses() == {JobStatus.COMPLETED: 1}
    assert len(release.harness.videos()) == 1


def test_every_function_fails_at_once() -> None:
    release = Release("Submit", "Poll", "Collect", "Finish")
    for number in range(6):
        release.create(number)
    release.run(HOUR)
    release.mend()
    release.run(3 * HOUR)
    assert release.statuses() == {JobStatus.COMPLETED: 6}
