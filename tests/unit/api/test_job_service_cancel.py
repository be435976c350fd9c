"""Cancel and delete requests wait for the outcome at the provider and report it in a header."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from rushes.api.job_service import JobService
from rushes.jobs.job import Job
from rushes.jobs.status import JobStatus, Stage, UpstreamCancelled
from tests.harness import CANCEL_CALL, Harness, reply, video
from tests.unit.dialects.api_client import OPENAI, Caller, Reply

HEADER = "rushes-upstream-cancelled"
FAL, PIPELET = "/fal/sandbox/video", "/pipelet/queue/sandbox/video"
REFUSED = [(FAL, 400), (PIPELET, 409)]
OUTCOMES = [*UpstreamCancelled, None]


def during_wait(caller: Caller, action: Callable[[], object], after: int = 1) -> None:
    """Run `action` in the `after`-th sleep of the api function."""
    sleeps = 0

    def sleep(seconds: float) -> None:
        nonlocal sleeps
        sleeps += 1
        caller.clock.advance(seconds)
        if sleeps == after:
            action()

    service = replace(caller.jobs_api.service, sleep=sleep)
    caller.jobs_api = replace(caller.jobs_api, service=service)


def create(caller: Caller, *, submitted: bool) -> Job:
    job = caller.job(caller.create())
    return caller.submitted(job.id) if submitted else job


def finish_cancel(caller: Caller, job: Job, outcome: UpstreamCancelled) -> None:
    caller.change(job.id, lambda job: job.cancelled_by_client(caller.clock(), outcome))


def cancel(caller: Caller, job: Job, base: str = FAL) -> Reply:
    return caller.call("PUT", f"{base}/requests/{job.id}/cancel")


@pytest.mark.parametrize("outcome", OUTCOMES)
@pytest.mark.parametrize(("base", "status"), [(FAL, 202), (PIPELET, 204)])
def test_cancel_reports_outcome_at_provider(
    caller: Caller, base: str, status: int, outcome: UpstreamCancelled | None
):
    job = create(caller, submitted=False)
    if outcome:
        during_wait(caller, lambda: finish_cancel(caller, job, outcome))
    response = cancel(caller, job, base)
    assert (response.status, response.headers[HEADER]) == (status, outcome or "pending")


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_delete_reports_outcome_at_provider(caller: Caller, outcome: UpstreamCancelled | None):
    job = create(caller, submitted=True)
    if outcome:
        during_wait(caller, lambda: finish_cancel(caller, job, outcome))
    response = caller.call("DELETE", f"{OPENAI}/{job.id}")
    assert (response.status, response.headers[HEADER]) == (200, outcome or "pending")
    assert caller.call("GET", f"{OPENAI}/{job.id}").status == 404


@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED])
def test_finished_job_has_no_cancel_header(caller: Caller, status: JobStatus):
    one, other = caller.finished_job(status), caller.finished_job(status)
    assert HEADER not in caller.call("DELETE", f"{OPENAI}/{one}").headers
    for base, refused in REFUSED:
        response = caller.call("PUT", f"{base}/requests/{other}/cancel")
        assert (response.status, HEADER in response.headers) == (refused, False)


@pytest.mark.parametrize(("base", "refused"), REFUSED)
def test_cancel_is_refused_if_job_completes_during_wait(caller: Caller, base: str, refused: int):
    job = create(caller, submitted=False)
    during_wait(caller, lambda: caller.change(job.id, lambda job: job.stored(caller.clock(), ())))
    response = cancel(caller, job, base)
    assert (response.status, HEADER in response.headers) == (refused, False)


def test_cancel_waits_three_seconds_at_most(caller: Caller):
    job, begun = create(caller, submitted=True), caller.clock()
    cancel(caller, job)
    assert 3.0 <= caller.clock() - begun < 3.3


def test_cancel_responds_as_soon_as_outcome_is_known(caller: Caller):
    job, begun = create(caller, submitted=True), caller.clock()
    during_wait(caller, lambda: finish_cancel(caller, job, UpstreamCancelled.NO), after=3)
    assert cancel(caller, job).headers[HEADER] == "no"
    assert caller.clock() - begun < 1


def test_second_cancel_reports_current_outcome(caller: Caller):
    job = create(caller, submitted=True)
    assert cancel(caller, job).headers[HEADER] == "pending"
    during_wait(caller, lambda: finish_cancel(caller, job, UpstreamCancelled.YES))
    assert cancel(caller, job).headers[HEADER] == "yes"
    assert set(caller.executions.running) == {job.id, f"{job.id}-r2"}


@pytest.mark.parametrize(("answer", "expected"), [(reply(200), "yes"), (reply(409), "no")])
def test_wait_until_final_returns_result_of_cancelling_execution(answer: object, expected: str):
    harness = Harness()
    after = video("cancelled" if expected == "yes" else "in_progress")
    job = harness.running(video("in_progress"), after)
    harness.answer(CANCEL_CALL, answer)  # type: ignore[arg-type]

    def sleep(_seconds: float) -> None:
        assert harness.executions.running[f"{job.id}-r2"]
        assert harness.submit(job)["status"] == "submitted"
        harness.poll(job)
        harness.finish(job, f"{job.id}-r2")

    service: JobService = replace(harness.service, sleep=sleep)
    final = service.wait_until_final(service.cancel(job.account, job.id))
    assert (final.status, final.stage) == (JobStatus.CANCELLED, Stage.FINISHED)
    assert (final.upstream_cancelled or "") == expected


def test_wait_until_final_returns_last_known_job_if_item_disappears():
    harness = Harness()
    job = harness.service.cancel("demo", harness.running().id)
    harness.jobs.rows.clear()
    assert harness.service.wait_until_final(job) == job
