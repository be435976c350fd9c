"""A create call that was sent and not answered, at providers of each capability."""

import pytest

from rushes.catalog.models import read_catalog
from rushes.errors import UpstreamSilent, UpstreamUnreachable
from rushes.jobs.job import Job
from rushes.jobs.result import JobError
from rushes.jobs.status import JobStatus, Stage, UpstreamCancelled
from rushes.ports import HttpReply
from rushes.workflow.submit import LEASE_SECONDS, SEARCH_SECONDS
from rushes.workflow.task import ENDING
from tests.harness import ACCOUNT, CREATE, STOP, World, reply, video

CATALOG = read_catalog(
    """
    default_model = "none/one"
    [providers.none]
    kind = "openai_compatible"
    [providers.key]
    kind = "openai_compatible"
    idempotency = "key"
    [providers.find]
    kind = "openai_searchable"
    idempotency = "find"
    [providers.blind]
    kind = "openai_compatible"
    idempotency = "find"
    [aliases]
    key-or-none = ["key/one", "none/one"]
    find-or-none = ["find/one", "none/one"]
    [[models]]
    name = "none/one"
    [[models]]
    name = "key/one"
    queue_seconds = 60
    deadline_seconds = 1800
    [[models]]
    name = "find/one"
    queue_seconds = 60
    deadline_seconds = 1800
    [[models]]
    name = "blind/one"
    """
)
SEARCH = "GET /videos?limit=100&order=desc"
UNKNOWN: list[HttpReply | Exception] = [
    UpstreamSilent("no answer"),
    *(reply(status) for status in (408, 500, 502, 503, 504, 529)),
    HttpReply(200, {}, b"<html>"),
    HttpReply(200, {}, b""),
    HttpReply(200, {}, b'{"status": "queued"}'),
]
"""After each of these the film may be being made."""
ERROR = JobError(code="upstream_refused", message="no")


@pytest.fixture
def world() -> World:
    return World(catalog=CATALOG)


def entry(job: Job, **fields: object) -> dict[str, object]:
    facts = {"id": "up-1", "created_at": job.created_at, "user": job.create_key}
    return {**facts, **fields}


def page(*entries: dict[str, object], has_more: bool = False) -> HttpReply:
    return reply(200, data=list(entries), has_more=has_more)


def lost(world: World, model: str, answer: HttpReply | Exception = UNKNOWN[0]) -> Job:
    """A job whose create call was sent and not answered."""
    job = world.accepted(model=model)
    world.answer(CREATE, answer)
    world.submit(job)
    return world.now(job)


def dead(world: World, model: str) -> Job:
    """A job whose function died after the claim; its lease is over."""
    job = world.accepted(model=model)
    world.jobs.change(ACCOUNT, job.id, lambda it: it.submitting(world.clock(), LEASE_SECONDS))
    world.clock.advance(LEASE_SECONDS)
    return world.now(job)


def keys(world: World) -> list[str | None]:
    return [call.headers.get("idempotency-key") for call in world.creates()]


def failure(world: World, job: Job) -> str | None:
    verdict = world.now(job).verdict
    return verdict.error.code if verdict and verdict.error else None


# --- key


@pytest.mark.parametrize("answer", UNKNOWN)
def test_with_a_key_the_call_is_made_again_and_is_the_same_call(
    world: World, answer: HttpReply | Exception
) -> None:
    job = world.accepted(model="key/one")
    world.answer(CREATE, answer, answer, video("queued"))
    outcomes = []
    for _ in range(3):
        outcomes.append(world.submit(job))
        world.clock.advance(outcomes[-1]["wait_seconds"])
    assert [it["status"] for it in outcomes] == ["pending", "pending", "submitted"]
    assert [it["wait_seconds"] for it in outcomes[:2]] == [2, 4]
    assert keys(world) == [f"{job.id}-1"] * 3
    assert [call.form for call in world.creates()] == [world.creates()[0].form] * 3
    running = world.now(job)
    assert (running.status, running.unsure_since) == (JobStatus.IN_PROGRESS, None)


def test_a_key_is_sent_the_first_time_already_and_to_nobody_else(world: World) -> None:
    world.answer(CREATE, video("queued"))
    job = world.accepted(model="key/one")
    world.submit(job)
    world.submit(world.accepted(model="none/one"))
    assert keys(world) == [f"{job.id}-1", None]


def test_with_a_key_a_call_that_died_is_made_again_when_its_lease_is_over(world: World) -> None:
    job = dead(world, "key/one")
    world.answer(CREATE, video("queued"))
    assert world.submit(job)["status"] == "submitted"
    assert keys(world) == [f"{job.id}-1"]


def test_a_key_that_is_being_answered_elsewhere_is_waited_for(world: World) -> None:
    job = lost(world, "key/one")
    world.clock.advance(10)
    world.answer(CREATE, reply(409), video("queued"))
    outcome = world.submit(job)
    assert outcome["status"] == "pending"
    world.clock.advance(outcome["wait_seconds"])
    assert world.submit(job)["status"] == "submitted"


@pytest.mark.parametrize(
    "answer", [reply(400, error={"message": "no", "code": "rude"}), reply(404)]
)
def test_after_a_lost_call_a_refusal_proves_nothing(world: World, answer: HttpReply) -> None:
    """The film may be being made: the job is neither refused nor carried elsewhere."""
    job = lost(world, "key-or-none")
    world.clock.advance(10)
    world.answer(CREATE, answer)
    assert world.submit(job) == ENDING
    assert (failure(world, job), world.now(job).provider) == ("upstream_outcome_unknown", "key")


@pytest.mark.parametrize("model", ["key-or-none", "find-or-none"])
def test_a_job_that_may_be_made_already_is_not_queued_too_long(world: World, model: str) -> None:
    job = lost(world, model)
    world.answer(SEARCH, page())
    world.answer(CREATE, reply(429))
    world.clock.advance(100)
    assert world.submit(job)["status"] == "pending"
    assert world.now(job).provider == model[: model.index("-")]


def test_a_second_call_that_was_not_sent_does_not_make_the_first_one_undone(world: World) -> None:
    """The first one's function died; the second could not be sent. The first may be obeyed."""
    job = dead(world, "key-or-none")
    world.answer(CREATE, UpstreamUnreachable("refused"))
    world.submit(job)
    world.clock.advance(300)
    world.answer(CREATE, reply(400, error={"message": "no", "code": "rude"}))
    world.submit(job)
    world.submit(job)
    assert {call.headers.get("idempotency-key") for call in world.creates()} == {f"{job.id}-1"}
    assert world.now(job).provider == "key"


def test_a_refused_key_is_waited_for_while_a_film_may_be_being_made(world: World) -> None:
    job = lost(world, "key/one")
    world.clock.advance(10)
    world.answer(CREATE, reply(401), video("queued"))
    assert world.submit(job)["status"] == "pending"
    assert world.submit(job)["status"] == "pending"
    assert (len(world.creates()), world.now(job).verdict) == (2, None)
    world.clock.advance(LEASE_SECONDS)
    assert world.submit(job)["status"] == "submitted"


def test_at_the_deadline_what_became_of_it_is_still_not_known(world: World) -> None:
    job = lost(world, "key/one")
    world.clock.advance(1800.1)
    assert world.submit(job) == ENDING
    assert failure(world, job) == "upstream_outcome_unknown"
    assert len(world.creates()) == 1


def test_each_candidate_has_a_key_of_its_own(world: World) -> None:
    job = world.accepted(model="key-or-none")
    moved = job.moved(1.0, ERROR, model="m", provider="p", upstream_model="u", cost=0)
    assert (job.create_key, moved.create_key) == (f"{job.id}-1", f"{job.id}-2")


# --- find


@pytest.mark.parametrize("answer", UNKNOWN)
def test_what_can_be_found_is_looked_for_and_taken(
    world: World, answer: HttpReply | Exception
) -> None:
    job = lost(world, "find/one", answer)
    assert (job.stage, job.unsure_since) == (Stage.WAITING, world.clock())
    world.answer(SEARCH, page(entry(job, id="other", user="x"), entry(job, id="up-7")))
    assert world.submit(job)["status"] == "submitted"
    running = world.now(job)
    assert (running.operation, running.unsure_since) == ({"id": "up-7"}, None)
    assert len(world.creates()) == 1
    assert [event["type"] for event in world.bus.events] == ["job.started"]


def test_a_create_call_that_died_is_looked_for_too(world: World) -> None:
    job = dead(world, "find/one")
    world.answer(SEARCH, page(entry(job)))
    assert world.submit(job)["status"] == "submitted"
    assert not world.creates()


def test_only_what_stays_absent_for_long_was_surely_not_made(world: World) -> None:
    """A list may lag behind; then the call is made anew, and only then."""
    job = lost(world, "find/one")
    world.answer(SEARCH, page())
    world.answer(CREATE, video("queued"))
    while world.clock() - (job.unsure_since or 0) <= SEARCH_SECONDS:
        outcome = world.submit(job)
        assert (outcome["status"], len(world.creates())) == ("pending", 1)
        world.clock.advance(outcome["wait_seconds"])
    assert world.submit(job)["status"] == "pending"  # it is known to be absent now
    assert world.now(job).unsure_since is None
    assert world.submit(job)["status"] == "submitted"
    assert len(world.creates()) == 2


@pytest.mark.parametrize(
    "answer",
    [
        UpstreamSilent("no answer"),
        reply(503),
        reply(404),
        reply(401),
        HttpReply(200, {}, b"<html>"),
    ],
)
def test_a_search_that_tells_nothing_proves_nothing(
    world: World, answer: HttpReply | Exception
) -> None:
    job = lost(world, "find/one")
    world.answer(SEARCH, answer)
    world.clock.advance(SEARCH_SECONDS + 1)
    assert world.submit(job)["status"] == "pending"
    assert world.now(job).unsure_since
    assert len(world.creates()) == 1


def test_who_cannot_be_searched_in_spite_of_its_entry_is_not_called_again(world: World) -> None:
    job = lost(world, "blind/one")
    assert world.submit(job) == ENDING
    assert failure(world, job) == "upstream_outcome_unknown"
    assert len(world.creates()) == 1


# --- cancelled while nobody knows


def test_a_cancel_waits_until_what_was_lost_is_found_and_stops_it(world: World) -> None:
    job = lost(world, "find/one")
    world.service.cancel(ACCOUNT, job.id)
    world.answer(SEARCH, page())
    assert world.submit(job)["status"] == "pending"
    assert world.now(job).verdict is None
    world.answer(SEARCH, page(entry(job)))
    assert world.submit(job)["status"] == "submitted"
    world.answer(STOP, reply(200))
    assert world.poll(job) == ENDING
    assert world.now(job).upstream_cancelled is UpstreamCancelled.YES


def test_a_cancel_of_what_was_surely_not_made_needs_nobody(world: World) -> None:
    job = lost(world, "find/one")
    world.service.cancel(ACCOUNT, job.id)
    world.answer(SEARCH, page())
    world.clock.advance(SEARCH_SECONDS + 1)
    world.submit(job)
    assert world.submit(job) == ENDING
    assert world.now(job).upstream_cancelled is UpstreamCancelled.YES
    assert len(world.creates()) == 1


def test_a_cancel_has_the_lost_call_made_known_by_its_key(world: World) -> None:
    job = lost(world, "key/one")
    world.service.cancel(ACCOUNT, job.id)
    world.answer(CREATE, video("queued"))
    world.clock.advance(10)
    assert world.submit(job)["status"] == "submitted"
    world.answer(STOP, reply(200))
    assert world.poll(job) == ENDING
    assert keys(world) == [f"{job.id}-1"] * 2


@pytest.mark.parametrize("model", ["none/one", "key/one", "find/one"])
def test_a_machine_that_breaks_off_meanwhile_says_what_is_not_known(
    world: World, model: str
) -> None:
    job = dead(world, model) if model == "none/one" else lost(world, model)
    world.clock.now = job.deadline_at
    world.finish(job, cause="Lambda.Unknown")
    error = world.now(job).error
    assert error is not None
    assert error.code == "upstream_outcome_unknown"


def test_a_list_of_many_pages_is_looked_through(world: World) -> None:
    """The film stands behind a hundred newer ones."""
    job = lost(world, "find/one")
    world.answer(SEARCH, reply(200, data=[newer(world)], has_more=True))
    world.answer(f"{SEARCH}&after=other", page(entry(job)))
    world.clock.advance(LEASE_SECONDS + 1)
    assert world.submit(job)["status"] == "submitted"
    assert world.now(job).operation == {"id": "up-1"}


def test_a_list_without_end_proves_nothing(world: World) -> None:
    job = lost(world, "find/one")
    world.answer(SEARCH, reply(200, data=[newer(world)], has_more=True))
    world.answer(f"{SEARCH}&after=other", reply(200, data=[newer(world)], has_more=True))
    world.clock.advance(SEARCH_SECONDS + 1)
    assert world.submit(job)["status"] == "pending"
    assert world.now(job).unsure_since is not None


def newer(world: World) -> dict[str, object]:
    return {"id": "other", "created_at": world.clock(), "user": "job_other-1"}
