"""A client that cancels is told what came of it at the provider, if that is known soon."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from rushes.api.job_service import CANCEL_SECONDS, Service
from rushes.jobs.job import Job
from rushes.jobs.status import JobStatus, Stage, UpstreamCancelled
from tests.harness import STOP, Harness, reply
from tests.unit.dialects.api_client import ACCOUNT, OPENAI, Caller, Reply

HEADER = "rushes-upstream-cancelled"
FAL, PIPELET = "/fal/sandbox/film", "/pipelet/queue/sandbox/film"
ANSWERS = [*UpstreamCancelled, None]


@pytest.fixture
def caller(monkeypatch: pytest.MonkeyPatch) -> Caller:
    return Caller(monkeypatch)


def meanwhile(caller: Caller, happens: Callable[[], object], after: int = 1) -> None:
    """Something that happens while the api function waits for the `after`-th time."""
    pauses = 0

    def pause(seconds: float) -> None:
        nonlocal pauses
        pauses += 1
        caller.clock.advance(seconds)
        if pauses == after:
            happens()

    service = replace(caller.endpoints.service, pause=pause)
    caller.endpoints = replace(caller.endpoints, service=service)


def created(caller: Caller, *, runs: bool) -> Job:
    job = caller.job(caller.create())
    if not runs:
        return job
    return caller.jobs.change(
        ACCOUNT, job.id, lambda it: it.submitted(caller.clock(), {"id": "up-1"}, ())
    )


def call_off(caller: Caller, job: Job, upstream: UpstreamCancelled) -> None:
    caller.jobs.change(ACCOUNT, job.id, lambda it: it.cancelled_by_client(caller.clock(), upstream))


def cancel(caller: Caller, job: Job, base: str = FAL) -> Reply:
    return caller.call("PUT", f"{base}/requests/{job.id}/cancel")


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize(("base", "status"), [(FAL, 202), (PIPELET, 204)])
def test_a_cancel_says_what_came_of_it(
    caller: Caller, base: str, status: int, answer: UpstreamCancelled | None
):
    job = created(caller, runs=False)
    if answer:
        meanwhile(caller, lambda: call_off(caller, job, answer))
    told = cancel(caller, job, base)
    assert (told.status, told.headers[HEADER]) == (status, answer.value if answer else "pending")


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_delete_of_a_running_job_says_so_as_well(
    caller: Caller, answer: UpstreamCancelled | None
):
    job = created(caller, runs=True)
    if answer:
        meanwhile(caller, lambda: call_off(caller, job, answer))
    told = caller.call("DELETE", f"{OPENAI}/{job.id}")
    assert (told.status, told.headers[HEADER]) == (200, answer.value if answer else "pending")
    assert caller.call("GET", f"{OPENAI}/{job.id}").status == 404


@pytest.mark.parametrize("status", [JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED])
def test_where_nothing_was_stopped_nothing_is_said(caller: Caller, status: JobStatus):
    one, other = caller.ended(status), caller.ended(status)
    assert HEADER not in caller.call("DELETE", f"{OPENAI}/{one}").headers
    for base, refused in ((FAL, 400), (PIPELET, 409)):
        told = caller.call("PUT", f"{base}/requests/{other}/cancel")
        assert told.status == refused
        assert HEADER not in told.headers


@pytest.mark.parametrize(("base", "refused"), [(FAL, 400), (PIPELET, 409)])
def test_a_job_that_ends_while_it_is_waited_for_was_not_cancelled(
    caller: Caller, base: str, refused: int
):
    """204 and 202 are said only of what is really cancelled."""
    job = created(caller, runs=False)

    def complete() -> None:
        caller.jobs.change(ACCOUNT, job.id, lambda it: it.stored(caller.clock(), ()))

    meanwhile(caller, complete)
    told = cancel(caller, job, base)
    assert told.status == refused
    assert HEADER not in told.headers


def test_a_client_is_made_to_wait_three_seconds_at_most(caller: Caller):
    job, begun = created(caller, runs=True), caller.clock()
    cancel(caller, job)
    assert CANCEL_SECONDS <= caller.clock() - begun < CANCEL_SECONDS + 0.3


def test_what_is_known_sooner_is_said_sooner(caller: Caller):
    job, begun = created(caller, runs=True), caller.clock()
    meanwhile(caller, lambda: call_off(caller, job, UpstreamCancelled.NO), after=3)
    assert cancel(caller, job).headers[HEADER] == "no"
    assert caller.clock() - begun < 1


def test_cancelling_twice_says_the_same(caller: Caller):
    job = created(caller, runs=True)
    assert cancel(caller, job).headers[HEADER] == "pending"
    meanwhile(caller, lambda: call_off(caller, job, UpstreamCancelled.YES))
    assert cancel(caller, job).headers[HEADER] == "yes"
    assert set(caller.executions.running) == {job.id, f"{job.id}-r2"}


@pytest.mark.parametrize(("answer", "told"), [(reply(200), "yes"), (reply(409), "no")])
def test_the_whole_way_of_a_cancel(answer: object, told: str):
    """The further execution that a cancel starts does its work while the client waits."""
    harness = Harness()
    job = harness.running()
    harness.answer(STOP, answer)  # type: ignore[arg-type]

    def pause(_seconds: float) -> None:
        assert harness.executions.running[f"{job.id}-r2"]
        assert harness.submit(job)["status"] == "submitted"
        harness.poll(job)
        harness.finish(job, f"{job.id}-r2")

    service: Service = replace(harness.service, pause=pause)
    settled = service.settled(service.cancel(job.account, job.id))
    assert (settled.status, settled.stage) == (JobStatus.CANCELLED, Stage.FINISHED)
    assert (settled.upstream_cancelled or "") == told


def test_a_job_that_is_gone_meanwhile_is_as_it_was():
    harness = Harness()
    job = harness.service.cancel("demo", harness.running().id)
    harness.jobs.rows.clear()
    assert harness.service.settled(job) == job
