"""A job whose provider does not make it goes to the next candidate, and never to two at once."""

import pytest

from rushes.errors import InvalidRequest, UnknownModel, UpstreamSilent, UpstreamUnreachable
from rushes.jobs.job import Job
from rushes.jobs.request import Creation, GenerationRequest
from rushes.jobs.status import JobStatus, Stage
from rushes.ports import HttpCall, HttpReply, Upstream
from rushes.workflow.task import ENDING
from tests.harness import ACCOUNT, ASK, CATALOG, CREATE, STOP, World, reply, video

RESUBMIT = {"status": "resubmit", "wait_seconds": 1}
REFUSAL = reply(400, error={"message": "not today", "code": "too_busy_really"})


@pytest.fixture
def world() -> World:
    return World()


def sure(world: World) -> Job:
    return world.accepted(model="sure")


def running(world: World) -> Job:
    return world.running(model="sure")


def test_a_refused_job_goes_to_the_next_candidate_and_is_made_there(world: World):
    job = sure(world)
    world.answer(CREATE, REFUSAL, video("queued"))
    assert world.submit(job) == RESUBMIT
    moved = world.now(job)
    assert (moved.provider, moved.model, moved.stage) == ("spare", "spare/one", Stage.WAITING)
    assert world.submit(job)["status"] == "submitted"
    assert len(world.creates()) == 2


def test_the_ledger_keeps_what_was_tried(world: World):
    job = running(world)
    world.clock.advance(30)
    world.answer(ASK, video("failed", error={"code": "oops", "message": "it broke"}))
    assert world.poll(job) == RESUBMIT
    (attempt,) = world.now(job).attempts
    assert (attempt.provider, attempt.model) == ("studio", "studio/one")
    assert attempt.operation == {"id": "up-1"}
    assert attempt.ended_at - attempt.started_at == 30
    assert (attempt.error.code, attempt.error.upstream_code) == ("upstream_failed", "oops")


def test_a_job_without_further_candidates_fails(world: World):
    job = sure(world)
    world.answer(CREATE, REFUSAL, REFUSAL)
    assert [world.submit(job), world.submit(job)] == [RESUBMIT, ENDING]
    world.finish(job)
    assert world.now(job).status is JobStatus.FAILED
    assert len(world.now(job).attempts) == 1


def test_an_unknown_outcome_is_no_reason_to_ask_another(world: World):
    """The first provider may be making the film: another one would be paid for the same."""
    job = sure(world)
    world.answer(CREATE, UpstreamSilent("no answer"))
    assert world.submit(job) == ENDING
    assert world.now(job).provider == "studio"


def test_what_a_content_filter_refused_is_not_carried_elsewhere(world: World):
    job = sure(world)
    world.answer(CREATE, reply(400, error={"message": "no", "code": "content_filter"}))
    assert world.submit(job) == ENDING


def test_a_job_that_its_provider_puts_off_too_long_goes_on(world: World):
    job = sure(world)
    world.answer(CREATE, reply(429))
    assert world.submit(job)["status"] == "pending"
    world.clock.advance(61)
    assert world.submit(job) == RESUBMIT
    assert world.now(job).provider == "spare"


def test_a_job_that_stays_queued_is_called_back_first(world: World):
    job = running(world)
    world.answer(ASK, video("queued"))
    world.clock.advance(61)
    world.answer(STOP, reply(200))
    assert world.poll(job) == RESUBMIT
    assert [call.method for call in world.egress.calls[-2:]] == ["GET", "DELETE"]


def test_a_job_that_cannot_be_called_back_stays(world: World):
    job = running(world)
    world.answer(ASK, video("queued"))
    world.clock.advance(61)
    world.answer(STOP, reply(409))
    assert world.poll(job)["status"] == "pending"
    assert world.now(job).provider == "studio"


def test_a_cancelled_job_goes_nowhere(world: World, monkeypatch: pytest.MonkeyPatch):
    job = sure(world)
    send = world.egress.send

    def send_and_cancel(upstream: Upstream, call: HttpCall) -> HttpReply:
        world.service.cancel(ACCOUNT, job.id)
        return send(upstream, call)

    world.answer(CREATE, REFUSAL)
    monkeypatch.setattr(world.egress, "send", send_and_cancel)
    world.submit(job)
    assert world.now(job).provider == "studio"


def test_fallbacks_of_a_request_come_after_those_of_its_model(world: World):
    request = GenerationRequest(model="short", prompt="x", fallbacks=("spare/one",))
    job = world.service.create(ACCOUNT, "bifrost", Creation(request)).job
    assert (job.model, job.candidates) == ("studio/one", ("spare/one",))


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"fallbacks": ("nobody/none",)}, UnknownModel),
        ({"fallbacks": ("spare/one",), "seconds": 8}, InvalidRequest),
        ({"fallbacks": ("spare/one",), "provider_options": {"fps": 24}}, InvalidRequest),
    ],
)
def test_a_fallback_that_could_not_do_it_is_refused_at_once(
    world: World, fields: dict[str, object], refusal: type[Exception]
):
    request = GenerationRequest.model_validate({"model": "short", "prompt": "x", **fields})
    with pytest.raises(refusal):
        world.service.create(ACCOUNT, "bifrost", Creation(request))
    assert not world.jobs.rows


@pytest.mark.parametrize("answer", [reply(401), reply(400), reply(404)])
def test_a_running_job_whose_provider_no_longer_answers_is_not_made_elsewhere_too(
    world: World, answer: HttpReply
):
    """It may still be running there, and be paid for."""
    job = running(world)
    world.answer(ASK, answer)
    world.poll(job)
    world.clock.advance(301)
    assert world.poll(job) == ENDING
    assert (world.now(job).provider, len(world.creates())) == ("studio", 1)


def test_the_estimate_is_that_of_who_makes_it(world: World):
    job = sure(world)
    assert job.cost == 0.4
    world.answer(CREATE, REFUSAL)
    world.submit(job)
    assert world.now(job).cost == 0


def test_a_model_that_left_the_catalog_is_waited_for(world: World):
    job = sure(world)
    world.catalog = CATALOG.model_copy(update={"models": CATALOG.models[1:]})
    world.clock.advance(61)
    world.answer(CREATE, reply(429))
    assert world.submit(job)["status"] == "pending"


def test_a_candidate_that_left_the_catalog_is_none(world: World):
    job = sure(world)
    left = tuple(model for model in CATALOG.models if model.name != "spare/one")
    world.catalog = CATALOG.model_copy(update={"models": left})
    world.answer(CREATE, REFUSAL)
    assert world.submit(job) == ENDING


def test_a_job_whose_provider_cannot_be_told_stays(world: World):
    job = running(world)
    world.answer(ASK, video("queued"))
    world.clock.advance(61)
    world.answer(STOP, UpstreamUnreachable("nobody there"))
    assert world.poll(job)["status"] == "pending"
    assert world.now(job).provider == "studio"
