"""A create call that was sent and not answered, at providers of each capability."""

import pytest

from rushes.catalog.models import read_catalog
from rushes.errors import UpstreamNoResponse, UpstreamUnreachable
from rushes.jobs.job import Job
from rushes.jobs.result import JobError
from rushes.jobs.status import JobStatus, Stage, UpstreamCancelled
from rushes.ports import HttpReply
from rushes.workflow.submit import LEASE_SECONDS, SEARCH_SECONDS
from rushes.workflow.task import ENDING
from tests.harness import ACCOUNT, CREATE, STOP, Harness, reply, video

CATALOG = read_catalog(
    """
    default_model = "none/one"
    [providers.none]
    protocol = "openai_compatible"
    [providers.key]
    protocol = "openai_compatible"
    idempotency = "key"
    [providers.find]
    protocol = "openai_with_lookup"
    idempotency = "lookup"
    [providers.blind]
    protocol = "openai_compatible"
    idempotency = "lookup"
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
    UpstreamNoResponse("no answer"),
    *(reply(status) for status in (408, 500, 502, 503, 504, 529)),
    HttpReply(200, {}, b"<html>"),
    HttpReply(200, {}, b""),
    HttpReply(200, {}, b'{"status": "queued"}'),
]
"""After each of these the film may be being made."""
ERROR = JobError(code="upstream_refused", message="no")


@pytest.fixture
def harness() -> Harness:
    return Harness(catalog=CATALOG)


def entry(job: Job, **fields: object) -> dict[str, object]:
    facts = {"id": "up-1", "created_at": job.created_at, "user": job.create_key}
    return {**facts, **fields}


def page(*entries: dict[str, object], has_more: bool = False) -> HttpReply:
    return reply(200, data=list(entries), has_more=has_more)


def lost(harness: Harness, model: str, answer: HttpReply | Exception = UNKNOWN[0]) -> Job:
    """A job whose create call was sent and not answered."""
    job = harness.accepted(model=model)
    harness.answer(CREATE, answer)
    harness.submit(job)
    return harness.now(job)


def dead(harness: Harness, model: str) -> Job:
    """A job whose function died after the claim; its lease is over."""
    job = harness.accepted(model=model)
    harness.jobs.change(ACCOUNT, job.id, lambda it: it.submitting(harness.clock(), LEASE_SECONDS))
    harness.clock.advance(LEASE_SECONDS)
    return harness.now(job)


def keys(harness: Harness) -> list[str | None]:
    return [call.headers.get("idempotency-key") for call in harness.creates()]


def failure(harness: Harness, job: Job) -> str | None:
    outcome = harness.now(job).outcome
    return outcome.error.code if outcome and outcome.error else None


# --- key


@pytest.mark.parametrize("answer", UNKNOWN)
def test_with_a_key_the_call_is_made_again_and_is_the_same_call(
    harness: Harness, answer: HttpReply | Exception
) -> None:
    job = harness.accepted(model="key/one")
    harness.answer(CREATE, answer, answer, video("queued"))
    outcomes = []
    for _ in range(3):
        outcomes.append(harness.submit(job))
        harness.clock.advance(outcomes[-1]["wait_seconds"])
    assert [it["status"] for it in outcomes] == ["pending", "pending", "submitted"]
    assert [it["wait_seconds"] for it in outcomes[:2]] == [2, 4]
    assert keys(harness) == [f"{job.id}-1"] * 3
    assert [call.form for call in harness.creates()] == [harness.creates()[0].form] * 3
    running = harness.now(job)
    assert (running.status, running.submission_unconfirmed_since) == (JobStatus.IN_PROGRESS, None)


def test_a_key_is_sent_the_first_time_already_and_to_nobody_else(harness: Harness) -> None:
    harness.answer(CREATE, video("queued"))
    job = harness.accepted(model="key/one")
    harness.submit(job)
    harness.submit(harness.accepted(model="none/one"))
    assert keys(harness) == [f"{job.id}-1", None]


def test_with_a_key_a_call_that_died_is_made_again_when_its_lease_is_over(harness: Harness) -> None:
    job = dead(harness, "key/one")
    harness.answer(CREATE, video("queued"))
    assert harness.submit(job)["status"] == "submitted"
    assert keys(harness) == [f"{job.id}-1"]


def test_a_key_that_is_being_answered_elsewhere_is_waited_for(harness: Harness) -> None:
    job = lost(harness, "key/one")
    harness.clock.advance(10)
    harness.answer(CREATE, reply(409), video("queued"))
    outcome = harness.submit(job)
    assert outcome["status"] == "pending"
    harness.clock.advance(outcome["wait_seconds"])
    assert harness.submit(job)["status"] == "submitted"


@pytest.mark.parametrize(
    "answer", [reply(400, error={"message": "no", "code": "rude"}), reply(404)]
)
def test_after_a_lost_call_a_refusal_proves_nothing(harness: Harness, answer: HttpReply) -> None:
    """The film may be being made: the job is neither refused nor carried elsewhere."""
    job = lost(harness, "key-or-none")
    harness.clock.advance(10)
    harness.answer(CREATE, answer)
    assert harness.submit(job) == ENDING
    assert (failure(harness, job), harness.now(job).provider) == ("upstream_outcome_unknown", "key")


@pytest.mark.parametrize("model", ["key-or-none", "find-or-none"])
def test_a_job_that_may_be_made_already_is_not_queued_too_long(
    harness: Harness, model: str
) -> None:
    job = lost(harness, model)
    harness.answer(SEARCH, page())
    harness.answer(CREATE, reply(429))
    harness.clock.advance(100)
    assert harness.submit(job)["status"] == "pending"
    assert harness.now(job).provider == model[: model.index("-")]


def test_a_second_call_that_was_not_sent_does_not_make_the_first_one_undone(
    harness: Harness,
) -> None:
    """The first one's function died; the second could not be sent. The first may be obeyed."""
    job = dead(harness, "key-or-none")
    harness.answer(CREATE, UpstreamUnreachable("refused"))
    harness.submit(job)
    harness.clock.advance(300)
    harness.answer(CREATE, reply(400, error={"message": "no", "code": "rude"}))
    harness.submit(job)
    harness.submit(job)
    assert {call.headers.get("idempotency-key") for call in harness.creates()} == {f"{job.id}-1"}
    assert harness.now(job).provider == "key"


def test_a_refused_key_is_waited_for_while_a_film_may_be_being_made(harness: Harness) -> None:
    job = lost(harness, "key/one")
    harness.clock.advance(10)
    harness.answer(CREATE, reply(401), video("queued"))
    assert harness.submit(job)["status"] == "pending"
    assert harness.submit(job)["status"] == "pending"
    assert (len(harness.creates()), harness.now(job).outcome) == (2, None)
    harness.clock.advance(LEASE_SECONDS)
    assert harness.submit(job)["status"] == "submitted"


def test_at_the_deadline_what_became_of_it_is_still_not_known(harness: Harness) -> None:
    job = lost(harness, "key/one")
    harness.clock.advance(1800.1)
    assert harness.submit(job) == ENDING
    assert failure(harness, job) == "upstream_outcome_unknown"
    assert len(harness.creates()) == 1


def test_each_candidate_has_a_key_of_its_own(harness: Harness) -> None:
    job = harness.accepted(model="key-or-none")
    failed_over = job.failed_over(1.0, ERROR, model="m", provider="p", upstream_model="u", cost=0)
    assert (job.create_key, failed_over.create_key) == (f"{job.id}-1", f"{job.id}-2")


# --- find


@pytest.mark.parametrize("answer", UNKNOWN)
def test_what_can_be_found_is_looked_for_and_taken(
    harness: Harness, answer: HttpReply | Exception
) -> None:
    job = lost(harness, "find/one", answer)
    assert (job.stage, job.submission_unconfirmed_since) == (Stage.WAITING, harness.clock())
    harness.answer(SEARCH, page(entry(job, id="other", user="x"), entry(job, id="up-7")))
    assert harness.submit(job)["status"] == "submitted"
    running = harness.now(job)
    assert (running.operation, running.submission_unconfirmed_since) == ({"id": "up-7"}, None)
    assert len(harness.creates()) == 1
    assert [event["type"] for event in harness.bus.events] == ["job.started"]


def test_a_create_call_that_died_is_looked_for_too(harness: Harness) -> None:
    job = dead(harness, "find/one")
    harness.answer(SEARCH, page(entry(job)))
    assert harness.submit(job)["status"] == "submitted"
    assert not harness.creates()


def test_only_what_stays_absent_for_long_was_surely_not_made(harness: Harness) -> None:
    """A list may lag behind; then the call is made anew, and only then."""
    job = lost(harness, "find/one")
    harness.answer(SEARCH, page())
    harness.answer(CREATE, video("queued"))
    while harness.clock() - (job.submission_unconfirmed_since or 0) <= SEARCH_SECONDS:
        outcome = harness.submit(job)
        assert (outcome["status"], len(harness.creates())) == ("pending", 1)
        harness.clock.advance(outcome["wait_seconds"])
    assert harness.submit(job)["status"] == "pending"  # it is known to be absent now
    assert harness.now(job).submission_unconfirmed_since is None
    assert harness.submit(job)["status"] == "submitted"
    assert len(harness.creates()) == 2


@pytest.mark.parametrize(
    "answer",
    [
        UpstreamNoResponse("no answer"),
        reply(503),
        reply(404),
        reply(401),
        HttpReply(200, {}, b"<html>"),
    ],
)
def test_a_search_that_tells_nothing_proves_nothing(
    harness: Harness, answer: HttpReply | Exception
) -> None:
    job = lost(harness, "find/one")
    harness.answer(SEARCH, answer)
    harness.clock.advance(SEARCH_SECONDS + 1)
    assert harness.submit(job)["status"] == "pending"
    assert harness.now(job).submission_unconfirmed_since
    assert len(harness.creates()) == 1


def test_who_cannot_be_searched_in_spite_of_its_entry_is_not_called_again(harness: Harness) -> None:
    job = lost(harness, "blind/one")
    assert harness.submit(job) == ENDING
    assert failure(harness, job) == "upstream_outcome_unknown"
    assert len(harness.creates()) == 1


# --- cancelled while nobody knows


def test_a_cancel_waits_until_what_was_lost_is_found_and_stops_it(harness: Harness) -> None:
    job = lost(harness, "find/one")
    harness.service.cancel(ACCOUNT, job.id)
    harness.answer(SEARCH, page())
    assert harness.submit(job)["status"] == "pending"
    assert harness.now(job).outcome is None
    harness.answer(SEARCH, page(entry(job)))
    assert harness.submit(job)["status"] == "submitted"
    harness.answer(STOP, reply(200))
    assert harness.poll(job) == ENDING
    assert harness.now(job).upstream_cancelled is UpstreamCancelled.YES


def test_a_cancel_of_what_was_surely_not_made_needs_nobody(harness: Harness) -> None:
    job = lost(harness, "find/one")
    harness.service.cancel(ACCOUNT, job.id)
    harness.answer(SEARCH, page())
    harness.clock.advance(SEARCH_SECONDS + 1)
    harness.submit(job)
    assert harness.submit(job) == ENDING
    assert harness.now(job).upstream_cancelled is UpstreamCancelled.YES
    assert len(harness.creates()) == 1


def test_a_cancel_has_the_lost_call_made_known_by_its_key(harness: Harness) -> None:
    job = lost(harness, "key/one")
    harness.service.cancel(ACCOUNT, job.id)
    harness.answer(CREATE, video("queued"))
    harness.clock.advance(10)
    assert harness.submit(job)["status"] == "submitted"
    harness.answer(STOP, reply(200))
    assert harness.poll(job) == ENDING
    assert keys(harness) == [f"{job.id}-1"] * 2


@pytest.mark.parametrize("model", ["none/one", "key/one", "find/one"])
def test_a_machine_that_breaks_off_meanwhile_says_what_is_not_known(
    harness: Harness, model: str
) -> None:
    job = dead(harness, model) if model == "none/one" else lost(harness, model)
    harness.clock.now = job.deadline_at
    harness.finish(job, cause="Lambda.Unknown")
    error = harness.now(job).error
    assert error is not None
    assert error.code == "upstream_outcome_unknown"


def test_a_list_of_many_pages_is_looked_through(harness: Harness) -> None:
    """The film stands behind a hundred newer ones."""
    job = lost(harness, "find/one")
    harness.answer(SEARCH, reply(200, data=[newer(harness)], has_more=True))
    harness.answer(f"{SEARCH}&after=other", page(entry(job)))
    harness.clock.advance(LEASE_SECONDS + 1)
    assert harness.submit(job)["status"] == "submitted"
    assert harness.now(job).operation == {"id": "up-1"}


def test_a_list_without_end_proves_nothing(harness: Harness) -> None:
    job = lost(harness, "find/one")
    harness.answer(SEARCH, reply(200, data=[newer(harness)], has_more=True))
    harness.answer(f"{SEARCH}&after=other", reply(200, data=[newer(harness)], has_more=True))
    harness.clock.advance(SEARCH_SECONDS + 1)
    assert harness.submit(job)["status"] == "pending"
    assert harness.now(job).submission_unconfirmed_since is not None


def newer(harness: Harness) -> dict[str, object]:
    return {"id": "other", "created_at": harness.clock(), "user": "job_other-1"}
