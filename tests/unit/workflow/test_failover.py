"""A job whose provider does not make it goes to the next candidate, and never to two at once."""

import pytest

from rushes.errors import InvalidRequest, UnknownModel, UpstreamNoResponse, UpstreamUnreachable
from rushes.jobs.job import Job
from rushes.jobs.request import CreateRequest, GenerationRequest
from rushes.jobs.status import JobStatus, Stage
from rushes.ports import HttpCall, HttpReply, Upstream
from rushes.workflow.task import ENDING
from tests.harness import ACCOUNT, ASK, CATALOG, CREATE, STOP, Harness, reply, video

RESUBMIT = {"status": "resubmit", "wait_seconds": 1}
REFUSAL = reply(400, error={"message": "not today", "code": "too_busy_really"})


@pytest.fixture
def harness() -> Harness:
    return Harness()


def sure(harness: Harness) -> Job:
    return harness.accepted(model="sure")


def running(harness: Harness) -> Job:
    return harness.running(model="sure")


def test_a_refused_job_goes_to_the_next_candidate_and_is_made_there(harness: Harness):
    job = sure(harness)
    harness.answer(CREATE, REFUSAL, video("queued"))
    assert harness.submit(job) == RESUBMIT
    failed_over = harness.now(job)
    assert (failed_over.provider, failed_over.model, failed_over.stage) == (
        "spare",
        "spare/one",
        Stage.WAITING,
    )
    assert harness.submit(job)["status"] == "submitted"
    assert len(harness.creates()) == 2


def test_the_ledger_keeps_what_was_tried(harness: Harness):
    job = running(harness)
    harness.clock.advance(30)
    harness.answer(ASK, video("failed", error={"code": "oops", "message": "it broke"}))
    assert harness.poll(job) == RESUBMIT
    (attempt,) = harness.now(job).attempts
    assert (attempt.provider, attempt.model) == ("sandbox", "sandbox/one")
    assert attempt.operation == {"id": "up-1"}
    assert attempt.ended_at - attempt.started_at == 30
    assert (attempt.error.code, attempt.error.upstream_code) == ("upstream_failed", "oops")


def test_a_job_without_further_candidates_fails(harness: Harness):
    job = sure(harness)
    harness.answer(CREATE, REFUSAL, REFUSAL)
    assert [harness.submit(job), harness.submit(job)] == [RESUBMIT, ENDING]
    harness.finish(job)
    assert harness.now(job).status is JobStatus.FAILED
    assert len(harness.now(job).attempts) == 1


def test_an_unknown_outcome_is_no_reason_to_ask_another(harness: Harness):
    """The first provider may be making the film: another one would be paid for the same."""
    job = sure(harness)
    harness.answer(CREATE, UpstreamNoResponse("no answer"))
    assert harness.submit(job) == ENDING
    assert harness.now(job).provider == "sandbox"


def test_what_a_content_filter_refused_is_not_carried_elsewhere(harness: Harness):
    job = sure(harness)
    harness.answer(CREATE, reply(400, error={"message": "no", "code": "content_filter"}))
    assert harness.submit(job) == ENDING


def test_a_job_that_its_provider_puts_off_too_long_goes_on(harness: Harness):
    job = sure(harness)
    harness.answer(CREATE, reply(429))
    assert harness.submit(job)["status"] == "pending"
    harness.clock.advance(61)
    assert harness.submit(job) == RESUBMIT
    assert harness.now(job).provider == "spare"


def test_a_job_that_stays_queued_is_called_back_first(harness: Harness):
    job = running(harness)
    harness.answer(ASK, video("queued"))
    harness.clock.advance(61)
    harness.answer(STOP, reply(200))
    assert harness.poll(job) == RESUBMIT
    assert [call.method for call in harness.http_client.calls[-2:]] == ["GET", "DELETE"]


def test_a_job_that_cannot_be_called_back_stays(harness: Harness):
    job = running(harness)
    harness.answer(ASK, video("queued"))
    harness.clock.advance(61)
    harness.answer(STOP, reply(409))
    assert harness.poll(job)["status"] == "pending"
    assert harness.now(job).provider == "sandbox"


def test_a_cancelled_job_goes_nowhere(harness: Harness, monkeypatch: pytest.MonkeyPatch):
    job = sure(harness)
    send = harness.http_client.send

    def send_and_cancel(upstream: Upstream, call: HttpCall) -> HttpReply:
        harness.service.cancel(ACCOUNT, job.id)
        return send(upstream, call)

    harness.answer(CREATE, REFUSAL)
    monkeypatch.setattr(harness.http_client, "send", send_and_cancel)
    harness.submit(job)
    assert harness.now(job).provider == "sandbox"


def test_fallbacks_of_a_request_come_after_those_of_its_model(harness: Harness):
    request = GenerationRequest(model="short", prompt="x", fallbacks=("spare/one",))
    job = harness.service.create(ACCOUNT, "bifrost", CreateRequest(request)).job
    assert (job.model, job.fallbacks) == ("sandbox/one", ("spare/one",))


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"fallbacks": ("nobody/none",)}, UnknownModel),
        ({"fallbacks": ("spare/one",), "seconds": 8}, InvalidRequest),
        ({"fallbacks": ("spare/one",), "provider_options": {"fps": 24}}, InvalidRequest),
    ],
)
def test_a_fallback_that_could_not_do_it_is_refused_at_once(
    harness: Harness, fields: dict[str, object], refusal: type[Exception]
):
    request = GenerationRequest.model_validate({"model": "short", "prompt": "x", **fields})
    with pytest.raises(refusal):
        harness.service.create(ACCOUNT, "bifrost", CreateRequest(request))
    assert not harness.jobs.rows


@pytest.mark.parametrize("answer", [reply(401), reply(400), reply(404)])
def test_a_running_job_whose_provider_no_longer_answers_is_not_made_elsewhere_too(
    harness: Harness, answer: HttpReply
):
    """It may still be running there, and be paid for."""
    job = running(harness)
    harness.answer(ASK, answer)
    harness.poll(job)
    harness.clock.advance(301)
    assert harness.poll(job) == ENDING
    assert (harness.now(job).provider, len(harness.creates())) == ("sandbox", 1)


def test_the_estimate_is_that_of_who_makes_it(harness: Harness):
    job = sure(harness)
    assert job.cost == 0.4
    harness.answer(CREATE, REFUSAL)
    harness.submit(job)
    assert harness.now(job).cost == 0


def test_a_model_that_left_the_catalog_is_waited_for(harness: Harness):
    job = sure(harness)
    harness.catalog = CATALOG.model_copy(update={"models": CATALOG.models[1:]})
    harness.clock.advance(61)
    harness.answer(CREATE, reply(429))
    assert harness.submit(job)["status"] == "pending"


def test_a_candidate_that_left_the_catalog_is_none(harness: Harness):
    job = sure(harness)
    left = tuple(model for model in CATALOG.models if model.name != "spare/one")
    harness.catalog = CATALOG.model_copy(update={"models": left})
    harness.answer(CREATE, REFUSAL)
    assert harness.submit(job) == ENDING


def test_a_job_whose_provider_cannot_be_told_stays(harness: Harness):
    job = running(harness)
    harness.answer(ASK, video("queued"))
    harness.clock.advance(61)
    harness.answer(STOP, UpstreamUnreachable("nobody there"))
    assert harness.poll(job)["status"] == "pending"
    assert harness.now(job).provider == "sandbox"
