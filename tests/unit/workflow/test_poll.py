"""Asking a provider how a job stands."""

import json

import pytest
from typing_extensions import override

from rushes.dialects.base import JobView
from rushes.errors import AwsUnavailable, UpstreamNoResponse, UpstreamUnreachable
from rushes.jobs.job import Job
from rushes.jobs.result import JobError, Output
from rushes.jobs.status import JobStatus, Stage, UpstreamCancelled
from rushes.ports import HttpCall, HttpReply
from rushes.providers.base import (
    Failed,
    FetchResult,
    Pending,
    PollResult,
    Profile,
    Submitted,
    Succeeded,
)
from rushes.providers.replies import check_answered
from rushes.workflow.poll import PATIENCE_SECONDS
from rushes.workflow.task import ENDING, STORE_TROUBLE_WAIT
from tests.harness import ACCOUNT, ASK, CONTENT, STOP, Harness, reply, video

SUCCEEDED = {"status": "succeeded", "wait_seconds": 0}


@pytest.fixture
def harness() -> Harness:
    return Harness()


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

    def polled(self, _operation: dict[str, object], _reply: HttpReply) -> PollResult | FetchResult:
        return Pending(wait_seconds=self.asked)


class TellsApart(Slow):
    """A provider whose status and result are two calls."""

    found: PollResult = Succeeded((Output(url="/a"),), cost=1.5)

    @override
    def polled(self, _operation: dict[str, object], _reply: HttpReply) -> PollResult | FetchResult:
        return FetchResult(HttpCall("GET", "/results/up-1"))

    def parse_result(self, operation: dict[str, object], reply: HttpReply) -> PollResult:
        assert operation == {"id": "up-1"}
        check_answered(reply)
        assert json.loads(reply.body) == {"of": "the result"}
        return self.found


def error_of(harness: Harness, job: Job) -> JobError:
    outcome = harness.now(job).outcome
    assert outcome is not None
    assert outcome.error is not None
    return outcome.error


@pytest.mark.parametrize(("age", "wait"), [(0, 1), (60, 8), (600, 30)])
def test_a_job_that_is_not_done_is_asked_after_later_the_older_it_is(
    harness: Harness, age: float, wait: int
) -> None:
    job = harness.running()
    harness.answer(ASK, video("in_progress"))
    harness.clock.advance(age)
    assert harness.poll(job) == {"status": "pending", "wait_seconds": wait}


@pytest.mark.parametrize(("asked", "wait"), [(None, 7), (90.0, 90)])
def test_a_provider_may_say_when_to_ask_again(
    harness: Harness, asked: float | None, wait: int
) -> None:
    slow = Slow()
    slow.asked = asked
    harness.adapter = lambda _kind: slow
    job = harness.running()
    harness.answer(ASK, reply(200))
    assert harness.poll(job)["wait_seconds"] == wait


RESULT = "GET /results/up-1"
THE_RESULT = reply(200, of="the result")


@pytest.fixture
def told(harness: Harness) -> TellsApart:
    """The provider, which has `harness`'s job done."""
    provider = TellsApart()
    harness.adapter = lambda _kind: provider
    harness.answer(ASK, reply(200, of="the status"))
    harness.answer(RESULT, THE_RESULT)
    return provider


def test_what_came_of_it_is_asked_for_by_another_call(harness: Harness, told: TellsApart) -> None:
    told.found = Succeeded((Output(url="/a"),), cost=1.5, document={"text": "hello"})
    job = harness.running()
    assert harness.poll(job) == SUCCEEDED
    done = harness.now(job)
    assert (done.outputs, done.cost) == ((Output(url="/a"),), 1.5)
    assert (done.document, done.stage) == ({"text": "hello"}, Stage.STORING)
    assert [f"{it.method} {it.path}" for it in harness.http_client.calls[1:]] == [ASK, RESULT]
    assert {it.base_url for it in harness.http_client.upstreams} == {"https://sandbox.example/v1"}


def test_what_came_of_it_may_be_a_failure_or_nothing_yet(
    harness: Harness, told: TellsApart
) -> None:
    job = harness.running()
    told.found = Pending(progress=70)
    assert harness.poll(job)["status"] == "pending"
    assert harness.now(job).progress == 70
    told.found = Failed(JobError(code="upstream_failed", message="it burns"))
    assert harness.poll(job) == ENDING
    assert error_of(harness, job).message == "it burns"


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (reply(429, {"retry-after": "45"}), 45),
        (reply(503), 8),
        (UpstreamNoResponse("no answer"), 8),
        (UpstreamUnreachable("refused"), 8),
    ],
)
@pytest.mark.usefixtures("told")
def test_bad_moments_are_sat_out_in_the_second_call_as_well(
    harness: Harness, answer: HttpReply | Exception, wait: int
) -> None:
    job = harness.running()
    harness.clock.advance(60)
    harness.answer(RESULT, answer, THE_RESULT)
    assert harness.poll(job) == {"status": "pending", "wait_seconds": wait}
    assert harness.now(job) == job
    assert harness.poll(job) == SUCCEEDED
    calls = [f"{it.method} {it.path}" for it in harness.http_client.calls[1:]]
    assert calls == [ASK, RESULT, ASK, RESULT]


@pytest.mark.usefixtures("told")
def test_a_result_that_is_not_there_is_borne_for_five_minutes(harness: Harness) -> None:
    job = harness.running()
    harness.answer(RESULT, reply(404))
    assert harness.poll(job)["status"] == "pending"
    harness.clock.advance(PATIENCE_SECONDS)
    assert harness.poll(job)["status"] == "pending"
    harness.clock.advance(1)
    assert harness.poll(job) == ENDING
    assert error_of(harness, job).code == "upstream_job_not_found"


def test_progress_is_kept_and_never_runs_backwards(harness: Harness) -> None:
    job = harness.running()
    seen = []
    for progress in (10, 40, 30, -5, 250, 60):
        harness.answer(ASK, video("in_progress", progress=progress))
        harness.poll(job)
        seen.append(harness.now(job).progress)
    assert seen == [10, 40, 40, 40, 99, 99]


def test_a_look_that_learns_nothing_writes_nothing(harness: Harness) -> None:
    job = harness.running()
    for answer in (video("queued"), video("in_progress", progress=0)):
        harness.answer(ASK, answer)
        harness.poll(job)
    assert harness.now(job) == job


def test_a_film_that_is_done_is_noted_with_where_to_fetch_it(harness: Harness) -> None:
    job = harness.running()
    harness.answer(ASK, video("completed"))
    assert harness.poll(job) == SUCCEEDED
    assert harness.now(job).outputs == (Output(url=CONTENT, needs_key=True),)
    assert harness.now(job).stage is Stage.STORING


def test_a_film_that_failed_ends_the_job_in_the_providers_words(harness: Harness) -> None:
    job = harness.running()
    harness.answer(ASK, video("failed", error={"code": "gpu_on_fire", "message": "it burns"}))
    assert harness.poll(job) == ENDING
    assert error_of(harness, job) == JobError(
        code="upstream_failed", message="it burns", upstream_code="gpu_on_fire"
    )


@pytest.mark.parametrize(
    ("answer", "wait"),
    [
        (reply(429, {"retry-after": "45"}), 45),
        (reply(503), 8),
        (UpstreamNoResponse("no answer"), 8),
        (UpstreamUnreachable("refused"), 8),
    ],
)
def test_bad_moments_are_sat_out(
    harness: Harness, answer: HttpReply | Exception, wait: int
) -> None:
    job = harness.running()
    harness.clock.advance(60)
    harness.answer(ASK, answer)
    assert harness.poll(job) == {"status": "pending", "wait_seconds": wait}
    assert harness.now(job) == job


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (HttpReply(200, {}, b"<html>"), "upstream_bad_response"),
        (HttpReply(200, {}, b""), "upstream_bad_response"),
        (reply(404), "upstream_job_not_found"),
    ],
)
def test_nonsense_is_borne_for_five_minutes_and_noted_once(
    harness: Harness, answer: HttpReply, code: str
) -> None:
    job = harness.running()
    harness.answer(ASK, answer)
    for _ in range(3):
        assert harness.poll(job)["status"] == "pending"
        harness.clock.advance(PATIENCE_SECONDS / 3)
    assert harness.poll(job)["status"] == "pending"
    harness.clock.advance(1)
    assert harness.poll(job) == ENDING
    assert error_of(harness, job).code == code
    assert harness.now(job).warnings == (error_of(harness, job).message,)


def test_a_status_that_we_do_not_know_is_borne_until_the_deadline(harness: Harness) -> None:
    """It may be a new word for a stage on the way, and the film is paid for."""
    job = harness.running()
    harness.answer(ASK, video("dreaming"))
    harness.answer(STOP, reply(200))
    while harness.clock() <= job.deadline_at:
        assert harness.poll(job)["status"] == "pending"
        harness.clock.advance(PATIENCE_SECONDS)
    assert harness.poll(job) == ENDING
    assert error_of(harness, job).code == "upstream_timeout"
    assert any("'dreaming'" in warning for warning in harness.now(job).warnings)


def test_an_unknown_status_is_named(harness: Harness) -> None:
    job = harness.running()
    harness.answer(ASK, video("dreaming"))
    harness.poll(job)
    assert "'dreaming'" in harness.now(job).warnings[0]


def test_one_sensible_answer_starts_the_patience_anew(harness: Harness) -> None:
    job = harness.running()
    for _ in range(4):
        harness.answer(ASK, video("dreaming"))
        assert harness.poll(job)["status"] == "pending"
        harness.clock.advance(PATIENCE_SECONDS - 1)
        harness.answer(ASK, video("in_progress"))
        assert harness.poll(job)["status"] == "pending"
        assert harness.now(job).failing_since is None


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_borne_for_five_minutes(harness: Harness, status: int) -> None:
    """It may be one that is just being exchanged."""
    job = harness.running()
    harness.answer(ASK, reply(status, error={"message": "who are you?"}))
    assert harness.poll(job)["status"] == "pending"
    harness.clock.advance(PATIENCE_SECONDS)
    assert harness.poll(job)["status"] == "pending"
    harness.clock.advance(1)
    assert harness.poll(job) == ENDING
    assert error_of(harness, job).code == "upstream_unauthorized"


def test_a_secret_that_cannot_be_read_costs_time_only(harness: Harness) -> None:
    job = harness.running()
    harness.upstreams.trouble = AwsUnavailable("throttled")
    assert harness.poll(job) == {"status": "pending", "wait_seconds": STORE_TROUBLE_WAIT}
    assert harness.now(job) == job


@pytest.mark.parametrize(
    ("answer", "note"),
    [
        (reply(200), "the provider was told to stop"),
        (reply(404), "the provider was told to stop and answered 404"),
        (UpstreamNoResponse("no answer"), "the provider could not be told to stop: no answer"),
    ],
)
def test_a_cancel_is_passed_on_and_what_came_of_it_is_noted(
    harness: Harness, answer: HttpReply | Exception, note: str
) -> None:
    job = harness.running()
    harness.service.cancel(ACCOUNT, job.id)
    harness.answer(STOP, answer)
    assert harness.poll(job) == ENDING
    assert harness.now(job).warnings == (note,)
    assert harness.finish(job)["status"] == "cancelled"


def test_a_provider_that_cannot_be_told_to_stop_is_not(harness: Harness) -> None:
    harness.adapter = lambda _kind: Slow()
    job = harness.running()
    harness.service.cancel(ACCOUNT, job.id)
    assert harness.poll(job) == ENDING
    assert harness.now(job).warnings == ("the provider cannot be told to stop",)
    assert len(harness.http_client.calls) == 1


def test_a_job_that_is_late_is_stopped_and_fails(harness: Harness) -> None:
    job = harness.running()
    harness.answer(ASK, video("in_progress"))
    harness.clock.advance(1800)
    assert harness.poll(job)["status"] == "pending"
    harness.clock.advance(0.1)
    harness.answer(STOP, reply(200))
    assert harness.poll(job) == ENDING
    assert error_of(harness, job) == JobError(
        code="upstream_timeout", message="the provider did not finish within 1800 s"
    )
    assert harness.now(job).warnings == ("the provider was told to stop",)


def test_a_decided_job_is_not_asked_after(harness: Harness) -> None:
    job = harness.stored()
    calls = len(harness.http_client.calls)
    assert harness.poll(job) == ENDING
    assert len(harness.http_client.calls) == calls


@pytest.mark.parametrize(
    "answer",
    [video("completed"), video("in_progress", progress=70), video("dreaming"), reply(401)],
)
def test_a_job_that_ended_while_its_provider_was_asked_stays_as_it_ended(
    harness: Harness, answer: HttpReply
) -> None:
    job = harness.running()
    harness.answer(ASK, answer)
    harness.jobs.before_write = lambda: _end(harness, job)
    harness.poll(job)
    ended = harness.now(job)
    assert (ended.status, ended.stage) == (JobStatus.CANCELLED, Stage.FINISHED)
    assert (ended.progress, ended.outputs, ended.warnings) == (0, (), ())


@pytest.mark.parametrize("answer", [video("failed"), reply(401)])
def test_of_two_verdicts_the_first_one_stands(harness: Harness, answer: HttpReply) -> None:
    job = harness.running()
    harness.answer(ASK, video("dreaming"))
    harness.poll(job)
    harness.clock.advance(PATIENCE_SECONDS + 1)
    harness.answer(ASK, answer)
    harness.jobs.before_write = lambda: _call_off(harness, job)
    assert harness.poll(job) == ENDING
    assert harness.finish(job)["status"] == "cancelled"


def _call_off(harness: Harness, job: Job) -> None:
    harness.jobs.change(
        job.account,
        job.id,
        lambda it: it.cancelled_by_client(harness.clock(), UpstreamCancelled.YES),
    )


def _end(harness: Harness, job: Job) -> None:
    _call_off(harness, job)
    harness.finish(job)


def test_a_job_whose_provider_left_the_catalog_fails_by_that_name(harness: Harness) -> None:
    job = harness.running()
    harness.jobs.change(ACCOUNT, job.id, lambda it: it.model_copy(update={"provider": "gone"}))
    assert harness.poll(job)["status"] == "pending"
    harness.clock.advance(PATIENCE_SECONDS + 1)
    assert harness.poll(job) == ENDING
    assert error_of(harness, job).code == "provider_not_configured"


@pytest.mark.parametrize("words", [10, 60_000])
def test_a_long_document_is_kept_beside_the_row(words: int) -> None:
    """A row of the table holds 400 KB; an hour of speech may be more."""
    told = {"text": "word " * words}

    class Scribe(Slow):
        @override
        def polled(self, _operation: dict[str, object], _reply: HttpReply) -> PollResult:
            return Succeeded(document=told)

    harness = Harness(adapter=lambda *_: Scribe())
    job = harness.running()
    harness.answer(ASK, reply(200))
    assert harness.poll(job) == SUCCEEDED
    done = harness.now(job)
    assert (done.document is None) is (words > 10)
    assert len(done.model_dump_json()) < 200_000
    view = JobView(done, lambda _: "", lambda file: harness.blobs.read(file.key), "")
    assert view.document == told
