"""Poll: one call to the provider per invocation."""

import json

import pytest
from typing_extensions import override

from rushes.catalog.model_entry import ModelEntry
from rushes.dialects.base import JobView
from rushes.errors import AwsUnavailable, UpstreamNoResponse, UpstreamUnreachable
from rushes.jobs.job import Job
from rushes.jobs.result import JobError, Output
from rushes.jobs.status import JobStatus, Stage, UpstreamCancelled
from rushes.ports.http import HttpCall, HttpReply
from rushes.providers.base import (
    Failed,
    FetchResult,
    Pending,
    PollResult,
    Profile,
    Submitted,
    Succeeded,
)
from rushes.providers.replies import raise_for_status
from rushes.workflow.poll import CANCEL_WINDOW, RETRY_WINDOW
from rushes.workflow.task import AWS_RETRY_SECONDS, DEAD_LETTER, TO_FINISH
from tests.harness import (
    ACCOUNT,
    CANCEL_CALL,
    CONTENT,
    CREATE,
    POLL_CALL,
    Harness,
    facts,
    reply,
    video,
)

Operation = dict[str, object]
SUCCEEDED = {"status": "succeeded", "wait_seconds": 0}
TRANSIENT_ERRORS = [
    (reply(429, {"retry-after": "45"}), 45),
    (reply(503), 8),
    (UpstreamNoResponse("no answer"), 8),
    (UpstreamUnreachable("refused"), 8),
]
"""Responses to a poll after 60 seconds, and the delay until the next one."""
STILL_RUNS = "the provider confirmed the cancel, but may continue"
REJECTED_KEY = {"message": "invalid API key"}


class SlowProvider:
    """A provider with a minimum poll interval and requested delays, without queue and cancel."""

    profile = Profile(min_poll_seconds=7.0, has_queue=False)
    requested_delay: float | None = None

    def submit_request(self, _job: Job, _model: ModelEntry | None = None) -> HttpCall:
        return HttpCall("POST", "/videos")

    def parse_submit(self, _reply: HttpReply) -> Submitted:
        return Submitted({"id": "up-1"})

    def poll_request(self, _operation: Operation) -> HttpCall:
        return HttpCall("GET", "/videos/up-1")

    def parse_poll(self, _operation: Operation, _reply: HttpReply) -> PollResult | FetchResult:
        return Pending(wait_seconds=self.requested_delay)


class ResultCallProvider(SlowProvider):
    """A provider with separate calls for status and result."""

    result: PollResult = Succeeded((Output(url="/a"),), cost=1.5)

    @override
    def parse_poll(self, _operation: Operation, _reply: HttpReply) -> PollResult | FetchResult:
        return FetchResult(HttpCall("GET", "/results/up-1"))

    def parse_result(self, operation: dict[str, object], reply: HttpReply) -> PollResult:
        assert operation["id"] == "up-1"
        raise_for_status(reply)
        assert json.loads(reply.body) == {"of": "the result"}
        return self.result


@pytest.mark.parametrize(("age", "wait"), [(0, 1), (60, 8), (600, 30)])
def test_poll_delay_grows_with_job_age(harness: Harness, age: float, wait: int) -> None:
    job = harness.running(video("in_progress"))
    harness.clock.advance(age)
    assert harness.poll(job) == {"status": "pending", "wait_seconds": wait}


@pytest.mark.parametrize(("requested", "wait"), [(None, 7), (90.0, 90)])
def test_poll_uses_delay_requested_by_provider(
    harness: Harness, requested: float | None, wait: int
) -> None:
    slow = SlowProvider()
    slow.requested_delay = requested
    harness.adapter = lambda _entry: slow
    job = harness.running(reply(200))
    assert harness.poll(job)["wait_seconds"] == wait


RESULT_CALL = "GET /results/up-1"
RESULT_REPLY = reply(200, of="the result")


@pytest.fixture
def provider(harness: Harness) -> ResultCallProvider:
    """A provider that has completed the job."""
    provider = ResultCallProvider()
    harness.adapter = lambda _entry: provider
    harness.answer(POLL_CALL, reply(200, of="the status"))
    harness.answer(RESULT_CALL, RESULT_REPLY)
    return provider


def test_poll_fetches_result_with_second_call(
    harness: Harness, provider: ResultCallProvider
) -> None:
    provider.result = Succeeded((Output(url="/a"),), cost=1.5, document={"text": "hello"})
    job = harness.running()
    assert harness.poll(job) == SUCCEEDED
    done = harness.now(job)
    assert (done.outputs, done.cost) == ((Output(url="/a"),), 1.5)
    assert (done.document, done.stage) == ({"text": "hello"}, Stage.STORING)
    assert harness.calls()[1:] == [POLL_CALL, RESULT_CALL]
    assert {upstream.base_url for upstream in harness.http_client.upstreams} == {
        "https://sandbox.example/v1"
    }


def test_poll_accepts_failure_or_pending_as_result(
    harness: Harness, provider: ResultCallProvider
) -> None:
    job = harness.running()
    provider.result = Pending(progress=70)
    assert harness.poll(job)["status"] == "pending"
    assert harness.now(job).progress == 70
    provider.result = Failed(JobError(code="upstream_failed", message="it burns"))
    assert harness.poll(job) == TO_FINISH
    assert harness.error(job).message == "it burns"


@pytest.mark.parametrize(("answer", "wait"), TRANSIENT_ERRORS)
@pytest.mark.usefixtures("provider")
def test_poll_retries_transient_errors_of_result_call(
    harness: Harness, answer: HttpReply | Exception, wait: int
) -> None:
    job = harness.running()
    harness.clock.advance(60)
    harness.answer(RESULT_CALL, answer, RESULT_REPLY)
    assert harness.poll(job) == {"status": "pending", "wait_seconds": wait}
    assert without_failing_since(harness.now(job)) == facts(job)
    assert harness.poll(job) == SUCCEEDED
    assert harness.calls()[1:] == [POLL_CALL, RESULT_CALL, POLL_CALL, RESULT_CALL]


@pytest.mark.usefixtures("provider")
def test_poll_fails_after_five_minutes_without_result(harness: Harness) -> None:
    job = harness.running()
    harness.answer(RESULT_CALL, reply(404))
    assert harness.poll(job)["status"] == "pending"
    harness.clock.advance(RETRY_WINDOW)
    assert harness.poll(job)["status"] == "pending"
    harness.clock.advance(1)
    assert harness.poll(job) == TO_FINISH
    assert harness.error_code(job) == "upstream_job_not_found"


def test_poll_never_lowers_progress(harness: Harness) -> None:
    job = harness.running()
    seen = []
    for progress in (10, 40, 30, -5, 250, 60):
        harness.answer(POLL_CALL, video("in_progress", progress=progress))
        harness.poll(job)
        seen.append(harness.now(job).progress)
    assert seen == [10, 40, 40, 40, 99, 99]


def test_poll_with_unchanged_status_writes_nothing(harness: Harness) -> None:
    job = harness.running()
    for answer in (video("queued"), video("in_progress", progress=0)):
        harness.answer(POLL_CALL, answer)
        harness.poll(job)
    assert harness.now(job) == job


def test_poll_records_outputs_of_completed_video(harness: Harness) -> None:
    job = harness.running(video("completed"))
    assert harness.poll(job) == SUCCEEDED
    assert harness.now(job).outputs == (Output(url=CONTENT, needs_key=True),)
    assert harness.now(job).stage is Stage.STORING


def test_poll_fails_job_with_provider_error(harness: Harness) -> None:
    job = harness.running(video("failed", error={"code": "gpu_on_fire", "message": "it burns"}))
    assert harness.poll(job) == TO_FINISH
    assert harness.error(job) == JobError(
        code="upstream_failed", message="it burns", upstream_code="gpu_on_fire"
    )


@pytest.mark.parametrize(("answer", "wait"), TRANSIENT_ERRORS)
def test_poll_retries_transient_errors(
    harness: Harness, answer: HttpReply | Exception, wait: int
) -> None:
    job = harness.running(answer)
    harness.clock.advance(60)
    assert harness.poll(job) == {"status": "pending", "wait_seconds": wait}
    assert without_failing_since(harness.now(job)) == facts(job)


def without_failing_since(job: Job) -> Job:
    """The job without the record of a transient error."""
    assert job.failing_since is not None
    return facts(job.model_copy(update={"failing_since": None}))


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (HttpReply(200, {}, b"<html>"), "upstream_bad_response"),
        (HttpReply(200, {}, b""), "upstream_bad_response"),
        (reply(404), "upstream_job_not_found"),
        (reply(401, error=REJECTED_KEY), "upstream_unauthorized"),
        (reply(403, error=REJECTED_KEY), "upstream_unauthorized"),
    ],
)
def test_poll_fails_after_five_minutes_of_invalid_responses(
    harness: Harness, answer: HttpReply, code: str
) -> None:
    """The generation is billed, and a rejected API key may be under rotation."""
    job = harness.running(answer)
    for _ in range(3):
        assert harness.poll(job)["status"] == "pending"
        harness.clock.advance(RETRY_WINDOW / 3)
    assert harness.poll(job)["status"] == "pending"
    harness.clock.advance(1)
    assert harness.poll(job) == TO_FINISH
    assert harness.error_code(job) == code
    assert harness.error(job).message == harness.now(job).warnings[0] + DEAD_LETTER


def test_poll_tolerates_unknown_status_until_deadline(harness: Harness) -> None:
    """The status may name a new intermediate stage, and the generation is billed."""
    job = harness.running(video("levitating"))
    harness.answer(CANCEL_CALL, reply(200))
    while harness.clock() <= job.deadline_at + CANCEL_WINDOW:
        assert harness.poll(job)["status"] == "pending"
        harness.clock.advance(RETRY_WINDOW)
    assert harness.poll(job) == TO_FINISH
    assert harness.error_code(job) == "upstream_timeout"
    assert "'levitating'" in harness.now(job).warnings[0]


def test_poll_restarts_retry_window_after_valid_response(harness: Harness) -> None:
    job = harness.running()
    for _ in range(4):
        harness.answer(POLL_CALL, video("levitating"))
        assert harness.poll(job)["status"] == "pending"
        harness.clock.advance(RETRY_WINDOW - 1)
        harness.answer(POLL_CALL, video("in_progress"))
        assert harness.poll(job)["status"] == "pending"
        assert harness.now(job).failing_since is None


def test_poll_retries_when_secret_is_unavailable(harness: Harness) -> None:
    job = harness.running()
    harness.upstreams.error = AwsUnavailable("throttled")
    assert harness.poll(job) == {"status": "pending", "wait_seconds": AWS_RETRY_SECONDS}
    assert harness.now(job) == job


@pytest.mark.parametrize(
    ("answer", "after", "warning"),
    [
        (reply(200), video("cancelled"), "the provider cancelled the job"),
        (reply(200), reply(404), "the provider cancelled the job"),
        (reply(200), video("in_progress"), STILL_RUNS),
        (reply(404), reply(404), "cancel request failed: sandbox does not know the job"),
        (
            UpstreamUnreachable("refused"),
            reply(503),
            "cancel request failed: sandbox cannot be reached",
        ),
    ],
)
def test_poll_cancels_at_provider_and_records_the_response(
    harness: Harness, answer: HttpReply | Exception, after: HttpReply, warning: str
) -> None:
    job = harness.running(video("in_progress"), after)
    harness.service.cancel(ACCOUNT, job.id)
    harness.answer(CANCEL_CALL, answer)
    assert harness.poll(job) == TO_FINISH
    assert harness.now(job).warnings == (warning,)
    assert harness.finish(job)["status"] == "cancelled"


def test_poll_sends_no_cancel_to_provider_without_cancel(harness: Harness) -> None:
    harness.adapter = lambda _entry: SlowProvider()
    job = harness.running(reply(200))
    harness.service.cancel(ACCOUNT, job.id)
    assert harness.poll(job) == TO_FINISH
    assert harness.now(job).warnings == ("the provider does not support cancel",)
    assert harness.calls() == [CREATE, POLL_CALL]


def test_poll_cancels_and_fails_job_after_deadline(harness: Harness) -> None:
    job = harness.running(*[video("in_progress")] * 2, video("cancelled"))
    harness.clock.advance(1800)
    assert harness.poll(job)["status"] == "pending"
    harness.clock.advance(0.1)
    harness.answer(CANCEL_CALL, reply(200))
    assert harness.poll(job) == TO_FINISH
    assert harness.error(job) == JobError(
        code="upstream_timeout", message="the provider did not finish within 1800 s"
    )
    assert harness.now(job).warnings == ("the provider cancelled the job",)


def test_poll_skips_job_with_outcome(harness: Harness) -> None:
    job = harness.stored()
    calls = len(harness.http_client.calls)
    assert harness.poll(job) == TO_FINISH
    assert len(harness.http_client.calls) == calls


@pytest.mark.parametrize(
    "answer",
    [video("completed"), video("in_progress", progress=70), video("levitating"), reply(401)],
)
def test_poll_does_not_change_job_finished_during_the_call(
    harness: Harness, answer: HttpReply
) -> None:
    job = harness.running(answer)
    harness.jobs.before_write = lambda: harness.end(job)
    harness.poll(job)
    ended = harness.now(job)
    assert (ended.status, ended.stage) == (JobStatus.CANCELLED, Stage.FINISHED)
    assert (ended.progress, ended.outputs, ended.warnings) == (0, (), ())


@pytest.mark.parametrize("answer", [video("failed"), reply(401)])
def test_poll_keeps_the_first_outcome(harness: Harness, answer: HttpReply) -> None:
    job = harness.running(reply(404))
    harness.poll(job)
    harness.clock.advance(RETRY_WINDOW + 1)
    harness.answer(POLL_CALL, answer)
    harness.jobs.before_write = lambda: harness.change(
        job, lambda job, now: job.cancelled_by_client(now, UpstreamCancelled.YES)
    )
    assert harness.poll(job) == TO_FINISH
    assert harness.finish(job)["status"] == "cancelled"


def test_poll_fails_job_of_removed_provider(harness: Harness) -> None:
    job = harness.running()
    harness.jobs.change(ACCOUNT, job.id, lambda job: job.model_copy(update={"provider": "gone"}))
    assert harness.poll(job)["status"] == "pending"
    harness.clock.advance(RETRY_WINDOW + 1)
    assert harness.poll(job) == TO_FINISH
    assert harness.error_code(job) == "provider_not_configured"


@pytest.mark.parametrize("word_count", [10, 60_000])
def test_poll_stores_long_document_in_bucket(word_count: int) -> None:
    """An item is limited to 400 KB; an hour of speech may need more."""
    document = {"text": "word " * word_count}

    class TranscriptProvider(SlowProvider):
        @override
        def parse_poll(self, _operation: Operation, _reply: HttpReply) -> PollResult:
            return Succeeded(document=document)

    harness = Harness(adapter=lambda *_: TranscriptProvider())
    job = harness.running(reply(200))
    assert harness.poll(job) == SUCCEEDED
    done = harness.now(job)
    assert (done.document is None) is (word_count > 10)
    assert len(done.model_dump_json()) < 200_000
    view = JobView(done, lambda _: "", lambda file: harness.blobs.read(file.key), "")
    assert view.document == document
