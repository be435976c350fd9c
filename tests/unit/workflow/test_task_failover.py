"""JobContext: failover to the next model, never with two providers at once."""

import pytest

from rushes.errors import InvalidRequest, UnknownModel, UpstreamNoResponse, UpstreamUnreachable
from rushes.jobs.request import CreateRequest, GenerationRequest
from rushes.jobs.status import JobStatus, Stage
from rushes.ports.http import HttpCall, HttpReply, Upstream
from rushes.workflow.task import TO_FINISH
from tests.harness import ACCOUNT, CANCEL_CALL, CATALOG, CREATE, POLL_CALL, Harness, reply, video

RESUBMIT = {"status": "resubmit", "wait_seconds": 1}
REFUSAL = reply(400, error={"message": "not today", "code": "too_busy_really"})


def test_refused_job_fails_over_and_is_submitted(harness: Harness):
    job = harness.accepted(REFUSAL, video("queued"), model="sure")
    assert harness.submit(job) == RESUBMIT
    failed_over = harness.now(job)
    assert (failed_over.provider, failed_over.model) == ("spare", "spare/one")
    assert failed_over.stage is Stage.WAITING
    assert harness.submit(job)["status"] == "submitted"
    assert len(harness.creates()) == 2


def test_failover_records_attempt(harness: Harness):
    job = harness.running(model="sure")
    harness.clock.advance(30)
    harness.answer(POLL_CALL, video("failed", error={"code": "oops", "message": "it broke"}))
    assert harness.poll(job) == RESUBMIT
    (attempt,) = harness.now(job).attempts
    assert (attempt.provider, attempt.model) == ("sandbox", "sandbox/one")
    assert attempt.operation == {"id": "up-1"}
    assert attempt.ended_at - attempt.started_at == 30
    assert (attempt.error.code, attempt.error.upstream_code) == ("upstream_failed", "oops")


def test_job_without_fallback_fails(harness: Harness):
    job = harness.accepted(REFUSAL, REFUSAL, model="sure")
    assert [harness.submit(job), harness.submit(job)] == [RESUBMIT, TO_FINISH]
    harness.finish(job)
    assert harness.now(job).status is JobStatus.FAILED
    assert len(harness.now(job).attempts) == 1


@pytest.mark.parametrize("answer", [UpstreamNoResponse("no answer"), reply(200), reply(503)])
def test_unknown_outcome_does_not_fail_over(harness: Harness, answer: HttpReply | Exception):
    """The first provider may generate the video: a second one would be billed, too."""
    job = harness.accepted(answer, model="sure")
    assert harness.submit(job) == TO_FINISH
    assert harness.now(job).provider == "sandbox"


def test_throttled_job_fails_over_after_queue_limit(harness: Harness):
    job = harness.accepted(reply(429), model="sure")
    assert harness.submit(job)["status"] == "pending"
    harness.clock.advance(61)
    assert harness.submit(job) == RESUBMIT
    assert harness.now(job).provider == "spare"


def test_queued_job_is_cancelled_before_failover(harness: Harness):
    job = harness.waiting(video("queued"), reply(404), model="sure")
    harness.clock.advance(61)
    harness.answer(CANCEL_CALL, reply(200))
    assert harness.poll(job) == RESUBMIT
    assert [call.method for call in harness.http_client.calls[-3:]] == ["GET", "DELETE", "GET"]


@pytest.mark.parametrize("answer", [reply(409), UpstreamUnreachable("refused")])
def test_queued_job_stays_if_cancel_fails(harness: Harness, answer: HttpReply | Exception):
    job = harness.waiting(video("queued"), model="sure")
    harness.clock.advance(61)
    harness.answer(CANCEL_CALL, answer)
    assert harness.poll(job)["status"] == "pending"
    assert harness.now(job).provider == "sandbox"


def test_cancelled_job_does_not_fail_over(harness: Harness, monkeypatch: pytest.MonkeyPatch):
    job = harness.accepted(model="sure")
    send = harness.http_client.send

    def send_and_cancel(upstream: Upstream, call: HttpCall) -> HttpReply:
        harness.service.cancel(ACCOUNT, job.id)
        return send(upstream, call)

    harness.answer(CREATE, REFUSAL)
    monkeypatch.setattr(harness.http_client, "send", send_and_cancel)
    harness.submit(job)
    assert harness.now(job).provider == "sandbox"


def test_fallbacks_of_request_follow_those_of_model(harness: Harness):
    request = GenerationRequest(model="short", prompt="x", fallbacks=("spare/one",))
    job = harness.service.create(ACCOUNT, "bifrost", CreateRequest(request)).job
    assert (job.model, job.fallbacks) == ("sandbox/one", ("spare/one",))


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"fallbacks": ("unknown/none",)}, UnknownModel),
        ({"fallbacks": ("spare/one",), "seconds": 8}, InvalidRequest),
        ({"fallbacks": ("spare/one",), "provider_options": {"fps": 24}}, InvalidRequest),
    ],
)
def test_create_refuses_fallback_that_does_not_support_request(
    harness: Harness, fields: dict[str, object], refusal: type[Exception]
):
    request = GenerationRequest.model_validate({"model": "short", "prompt": "x", **fields})
    with pytest.raises(refusal):
        harness.service.create(ACCOUNT, "bifrost", CreateRequest(request))
    assert not harness.jobs.rows


@pytest.mark.parametrize("answer", [reply(401), reply(400), reply(404)])
def test_running_job_does_not_fail_over_after_poll_errors(harness: Harness, answer: HttpReply):
    """The generation may still run there and be billed."""
    job = harness.running(answer, model="sure")
    harness.poll(job)
    harness.clock.advance(301)
    assert harness.poll(job) == TO_FINISH
    assert (harness.now(job).provider, len(harness.creates())) == ("sandbox", 1)


def test_failover_replaces_cost_estimate(harness: Harness):
    job = harness.accepted(model="sure")
    assert job.cost == 0.4
    harness.answer(CREATE, REFUSAL)
    harness.submit(job)
    assert harness.now(job).cost == 0


def test_job_of_removed_model_has_no_queue_limit(harness: Harness):
    job = harness.of_older_release(harness.accepted(model="sure"))
    harness.catalog = CATALOG.model_copy(update={"models": CATALOG.models[1:]})
    harness.clock.advance(61)
    harness.answer(CREATE, reply(429))
    assert harness.submit(job)["status"] == "pending"


def test_removed_fallback_is_skipped(harness: Harness):
    job = harness.accepted(model="sure")
    remaining = tuple(model for model in CATALOG.models if model.name != "spare/one")
    harness.catalog = CATALOG.model_copy(update={"models": remaining})
    harness.answer(CREATE, REFUSAL)
    assert harness.submit(job) == TO_FINISH
