"""Asking a provider how a job stands."""

import json

import pytest
from typing_extensions import override

from rushes.dialects.base import JobView
from rushes.errors import StoreUnavailable, UpstreamSilent, UpstreamUnreachable
from rushes.jobs.job import Job
from rushes.jobs.result import JobError, Output
from rushes.jobs.status import JobStatus, Stage, UpstreamCancelled
from rushes.ports import HttpCall, HttpReply
from rushes.providers.base import (
    AskAlso,
    Failed,
    Pending,
    PollResult,
    Profile,
    Submitted,
    Succeeded,
)
from rushes.providers.replies import check_answered
from rushes.workflow.poll import PATIENCE_SECONDS
from rushes.workflow.task import ENDING, STORE_TROUBLE_WAIT
from tests.harness import ACCOUNT, ASK, CONTENT, STOP, World, reply, video

SUCCEEDED = {"status": "succeeded", "wait_seconds": 0}


@pytest.fixture
def world() -> World:
    return World()


class Slow:
    """A provider that bears few polls, says when to ask again, and cannot be told to stop."""

    profile = Profile(shortest_wait=7.0)
    asked: float | None = None

    def submit(self, _job: Job) -> HttpCall:
        return HttpCall("POST", "/videos")

    def submitted(self, _reply: HttpReply) -> Submitted:
        return Submitted({"id": "up-1"})

    def poll(self, _operation: dict[str, object]) -> HttpCall:
        return HttpCall("GET", "/videos/up-1")

    def polled(self, _operation: dict[str, object], _reply: HttpReply) -> PollResult | AskAlso:
        return Pending(wait_seconds=self.asked)


class TellsApart(Slow):
    """A provider whose status and result are two calls."""

    found: PollResult = Succeeded((Output(url="/a"),), cost=1.5)

    @override
    def polled(self, _operation: dict[str, object], _reply: HttpReply) -> PollResult | AskAlso:
        return AskAlso(HttpCall("GET", "/results/up-1"))

    def resulted(self, operation: dict[str, object], reply: HttpReply) -> PollResult:
        assert operation == {"id": "up-1"}
        check_answered(reply)
        assert json.loads(reply.body) == {"of": "the result"}
        return self.found


def error_of(world: World, job: Job) -> JobError:
    verdict = world.now(job).verdict
    assert verdict is not None
    assert verdict.error is not None
    return verdict.error


@pytest.mark.parametrize(("age", "wait"), [(0, 1), (60, 8), (600, 30)])
def test_a_job_that_is_not_done_is_asked_after_later_the_older_it_is(
    world: World, age: float, wait: int
) -> None:
    job = world.running()
    world.answer(ASK, video("in_progress"))
    world.clock.advance(age)
    assert world.poll(job) == {"status": "pending", "wait_seconds": wait}


@pytest.mark.parametrize(("asked", "wait"), [(None, 7), (90.0, 90)])
def test_a_provider_may_say_when_to_ask_again(world: World, asked: float | None, wait: int) -> None:
    slow = Slow()
    slow.asked = asked
    world.adapter = lambda _kind: slow
    job = world.running()
    world.answer(ASK, reply(200))
    assert world.poll(job)["wait_seconds"] == wait


RESULT = "GET /results/up-1"
THE_RESULT = reply(200, of="the result")


@pytest.fixture
def told(world: World) -> TellsApart:
    """The provider, which has `world`'s job done."""
    provider = TellsApart()
    world.adapter = lambda _kind: provider
    world.answer(ASK, reply(200, of="the status"))
    world.answer(RESULT, THE_RESULT)
    return provider


def test_what_came_of_it_is_asked_for_by_another_call(world: World, told: TellsApart) -> None:
    told.found = Succeeded((Output(url="/a"),), cost=1.5, document={"text": "hello"})
    job = world.running()
    assert world.poll(job) == SUCCEEDED
    done = world.now(job)
    assert (done.outputs, done.cost) == ((Output(url="/a"),), 1.5)
    assert (done.document, done.stage) == ({"text": "hello"}, Stage.STORING)
    assert [f"{it.method} {it.path}" for it in world.egress.calls[1:]] == [ASK, RESULT]
    assert {it.base_url for it in world.egress.upstreams} == {"https://studio.example/v1"}


def test_what_came_of_it_may_be_a_failure_or_nothing_yet(world: World, told: TellsApart) -> None:
    job = world.running()
    told.found = Pending(progress=70)
    assert world.poll(job)["status"] == "pending"
    assert world.now(job).progress == 70
    told.found = Failed(JobError(code="upstream_failed", message="it burns"))
    assert world.poll(job) == ENDING
    assert error_of(world, job).message == "it burns"


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (reply(429, {"retry-after": "45"}), 45),
        (reply(503), 8),
        (UpstreamSilent("no answer"), 8),
        (UpstreamUnreachable("refused"), 8),
    ],
)
@pytest.mark.usefixtures("told")
def test_bad_moments_are_sat_out_in_the_second_call_as_well(
    world: World, answer: HttpReply | Exception, wait: int
) -> None:
    job = world.running()
    world.clock.advance(60)
    world.answer(RESULT, answer, THE_RESULT)
    assert world.poll(job) == {"status": "pending", "wait_seconds": wait}
    assert world.now(job) == job
    assert world.poll(job) == SUCCEEDED
    calls = [f"{it.method} {it.path}" for it in world.egress.calls[1:]]
    assert calls == [ASK, RESULT, ASK, RESULT]


@pytest.mark.usefixtures("told")
def test_a_result_that_is_not_there_is_borne_for_five_minutes(world: World) -> None:
    job = world.running()
    world.answer(RESULT, reply(404))
    assert world.poll(job)["status"] == "pending"
    world.clock.advance(PATIENCE_SECONDS)
    assert world.poll(job)["status"] == "pending"
    world.clock.advance(1)
    assert world.poll(job) == ENDING
    assert error_of(world, job).code == "upstream_job_not_found"


def test_progress_is_kept_and_never_runs_backwards(world: World) -> None:
    job = world.running()
    seen = []
    for progress in (10, 40, 30, -5, 250, 60):
        world.answer(ASK, video("in_progress", progress=progress))
        world.poll(job)
        seen.append(world.now(job).progress)
    assert seen == [10, 40, 40, 40, 99, 99]


def test_a_look_that_learns_nothing_writes_nothing(world: World) -> None:
    job = world.running()
    for answer in (video("queued"), video("in_progress", progress=0)):
        world.answer(ASK, answer)
        world.poll(job)
    assert world.now(job) == job


def test_a_film_that_is_done_is_noted_with_where_to_fetch_it(world: World) -> None:
    job = world.running()
    world.answer(ASK, video("completed"))
    assert world.poll(job) == SUCCEEDED
    assert world.now(job).outputs == (Output(url=CONTENT, needs_key=True),)
    assert world.now(job).stage is Stage.STORING


def test_a_film_that_failed_ends_the_job_in_the_providers_words(world: World) -> None:
    job = world.running()
    world.answer(ASK, video("failed", error={"code": "gpu_on_fire", "message": "it burns"}))
    assert world.poll(job) == ENDING
    assert error_of(world, job) == JobError(
        code="upstream_failed", message="it burns", upstream_code="gpu_on_fire"
    )


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (reply(429, {"retry-after": "45"}), 45),
        (reply(503), 8),
        (UpstreamSilent("no answer"), 8),
        (UpstreamUnreachable("refused"), 8),
    ],
)
def test_bad_moments_are_sat_out(world: World, answer: HttpReply | Exception, wait: int) -> None:
    job = world.running()
    world.clock.advance(60)
    world.answer(ASK, answer)
    assert world.poll(job) == {"status": "pending", "wait_seconds": wait}
    assert world.now(job) == job


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (HttpReply(200, {}, b"<html>"), "upstream_bad_response"),
        (HttpReply(200, {}, b""), "upstream_bad_response"),
        (reply(404), "upstream_job_not_found"),
    ],
)
def test_nonsense_is_borne_for_five_minutes_and_noted_once(
    world: World, answer: HttpReply, code: str
) -> None:
    job = world.running()
    world.answer(ASK, answer)
    for _ in range(3):
        assert world.poll(job)["status"] == "pending"
        world.clock.advance(PATIENCE_SECONDS / 3)
    assert world.poll(job)["status"] == "pending"
    world.clock.advance(1)
    assert world.poll(job) == ENDING
    assert error_of(world, job).code == code
    assert world.now(job).warnings == (error_of(world, job).message,)


def test_a_status_that_we_do_not_know_is_borne_until_the_deadline(world: World) -> None:
    """It may be a new word for a stage on the way, and the film is paid for."""
    job = world.running()
    world.answer(ASK, video("dreaming"))
    world.answer(STOP, reply(200))
    while world.clock() <= job.deadline_at:
        assert world.poll(job)["status"] == "pending"
        world.clock.advance(PATIENCE_SECONDS)
    assert world.poll(job) == ENDING
    assert error_of(world, job).code == "upstream_timeout"
    assert any("'dreaming'" in warning for warning in world.now(job).warnings)


def test_an_unknown_status_is_named(world: World) -> None:
    job = world.running()
    world.answer(ASK, video("dreaming"))
    world.poll(job)
    assert "'dreaming'" in world.now(job).warnings[0]


def test_one_sensible_answer_starts_the_patience_anew(world: World) -> None:
    job = world.running()
    for _ in range(4):
        world.answer(ASK, video("dreaming"))
        assert world.poll(job)["status"] == "pending"
        world.clock.advance(PATIENCE_SECONDS - 1)
        world.answer(ASK, video("in_progress"))
        assert world.poll(job)["status"] == "pending"
        assert world.now(job).troubled_since is None


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_borne_for_five_minutes(world: World, status: int) -> None:
    """It may be one that is just being exchanged."""
    job = world.running()
    world.answer(ASK, reply(status, error={"message": "who are you?"}))
    assert world.poll(job)["status"] == "pending"
    world.clock.advance(PATIENCE_SECONDS)
    assert world.poll(job)["status"] == "pending"
    world.clock.advance(1)
    assert world.poll(job) == ENDING
    assert error_of(world, job).code == "upstream_unauthorized"


def test_a_secret_that_cannot_be_read_costs_time_only(world: World) -> None:
    job = world.running()
    world.upstreams.trouble = StoreUnavailable("throttled")
    assert world.poll(job) == {"status": "pending", "wait_seconds": STORE_TROUBLE_WAIT}
    assert world.now(job) == job


@pytest.mark.parametrize(
    ("answer", "note"),
    [
        (reply(200), "the provider was told to stop"),
        (reply(404), "the provider was told to stop and answered 404"),
        (UpstreamSilent("no answer"), "the provider could not be told to stop: no answer"),
    ],
)
def test_a_cancel_is_passed_on_and_what_came_of_it_is_noted(
    world: World, answer: HttpReply | Exception, note: str
) -> None:
    job = world.running()
    world.service.cancel(ACCOUNT, job.id)
    world.answer(STOP, answer)
    assert world.poll(job) == ENDING
    assert world.now(job).warnings == (note,)
    assert world.finish(job)["status"] == "cancelled"


def test_a_provider_that_cannot_be_told_to_stop_is_not(world: World) -> None:
    world.adapter = lambda _kind: Slow()
    job = world.running()
    world.service.cancel(ACCOUNT, job.id)
    assert world.poll(job) == ENDING
    assert world.now(job).warnings == ("the provider cannot be told to stop",)
    assert len(world.egress.calls) == 1


def test_a_job_that_is_late_is_stopped_and_fails(world: World) -> None:
    job = world.running()
    world.answer(ASK, video("in_progress"))
    world.clock.advance(1800)
    assert world.poll(job)["status"] == "pending"
    world.clock.advance(0.1)
    world.answer(STOP, reply(200))
    assert world.poll(job) == ENDING
    assert error_of(world, job) == JobError(
        code="upstream_timeout", message="the provider did not finish within 1800 s"
    )
    assert world.now(job).warnings == ("the provider was told to stop",)


def test_a_decided_job_is_not_asked_after(world: World) -> None:
    job = world.stored()
    calls = len(world.egress.calls)
    assert world.poll(job) == ENDING
    assert len(world.egress.calls) == calls


@pytest.mark.parametrize(
    "answer",
    [video("completed"), video("in_progress", progress=70), video("dreaming"), reply(401)],
)
def test_a_job_that_ended_while_its_provider_was_asked_stays_as_it_ended(
    world: World, answer: HttpReply
) -> None:
    job = world.running()
    world.answer(ASK, answer)
    world.jobs.before_write = lambda: _end(world, job)
    world.poll(job)
    ended = world.now(job)
    assert (ended.status, ended.stage) == (JobStatus.CANCELLED, Stage.FINISHED)
    assert (ended.progress, ended.outputs, ended.warnings) == (0, (), ())


@pytest.mark.parametrize("answer", [video("failed"), reply(401)])
def test_of_two_verdicts_the_first_one_stands(world: World, answer: HttpReply) -> None:
    job = world.running()
    world.answer(ASK, video("dreaming"))
    world.poll(job)
    world.clock.advance(PATIENCE_SECONDS + 1)
    world.answer(ASK, answer)
    world.jobs.before_write = lambda: _call_off(world, job)
    assert world.poll(job) == ENDING
    assert world.finish(job)["status"] == "cancelled"


def _call_off(world: World, job: Job) -> None:
    world.jobs.change(
        job.account, job.id, lambda it: it.called_off(world.clock(), UpstreamCancelled.YES)
    )


def _end(world: World, job: Job) -> None:
    _call_off(world, job)
    world.finish(job)


def test_a_job_whose_provider_left_the_catalog_fails_by_that_name(world: World) -> None:
    job = world.running()
    world.jobs.change(ACCOUNT, job.id, lambda it: it.model_copy(update={"provider": "gone"}))
    assert world.poll(job)["status"] == "pending"
    world.clock.advance(PATIENCE_SECONDS + 1)
    assert world.poll(job) == ENDING
    assert error_of(world, job).code == "provider_not_configured"


@pytest.mark.parametrize("words", [10, 60_000])
def test_a_long_document_is_kept_beside_the_row(words: int) -> None:
    """A row of the table holds 400 KB; an hour of speech may be more."""
    told = {"text": "word " * words}

    class Scribe(Slow):
        @override
        def polled(self, _operation: dict[str, object], _reply: HttpReply) -> PollResult:
            return Succeeded(document=told)

    world = World(adapter=lambda *_: Scribe())
    job = world.running()
    world.answer(ASK, reply(200))
    assert world.poll(job) == SUCCEEDED
    done = world.now(job)
    assert (done.document is None) is (words > 10)
    assert len(done.model_dump_json()) < 200_000
    view = JobView(done, lambda _: "", lambda file: world.blobs.read(file.key), "")
    assert view.document == told
