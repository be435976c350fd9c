"""Create calls without a response, by idempotency support: none, key and lookup."""

import pytest
from typing_extensions import override

from rushes.catalog.models import read_catalog
from rushes.errors import UpstreamNoResponse, UpstreamUnreachable
from rushes.jobs.job import Job
from rushes.jobs.result import JobError
from rushes.jobs.status import JobStatus, Stage, UpstreamCancelled
from rushes.ports.http import HttpCall, HttpReply, Upstream
from rushes.workflow.finish import INTERRUPTION_GRACE
from rushes.workflow.lease import LEASE_SECONDS
from rushes.workflow.reconcile import LOOKUP_SECONDS, MAX_PAGES
from rushes.workflow.task import TO_FINISH
from tests.fakes import FakeHttpClient
from tests.harness import ACCOUNT, CANCEL_CALL, CREATE, POLL_CALL, Harness, reply, video

CATALOG = read_catalog(
    """
    default_model = "none/one"
    [providers.none]
    protocol = "openai_compatible"
    [providers.key]
    protocol = "openai_compatible"
    idempotency = "key"
    [providers.lookup]
    protocol = "openai_with_lookup"
    idempotency = "lookup"
    [providers.blind]
    protocol = "openai_compatible"
    idempotency = "lookup"
    [aliases]
    key-or-none = ["key/one", "none/one"]
    lookup-or-none = ["lookup/one", "none/one"]
    [[models]]
    name = "none/one"
    [[models]]
    name = "key/one"
    queue_seconds = 60
    deadline_seconds = 1800
    [[models]]
    name = "lookup/one"
    queue_seconds = 60
    deadline_seconds = 1800
    [[models]]
    name = "blind/one"
    """
)
LOOKUP_CALL = "GET /videos?limit=100&order=desc"
UNKNOWN_OUTCOMES: list[HttpReply | Exception] = [
    UpstreamNoResponse("no answer"),
    *map(reply, (408, 500, 502, 503, 504, 529)),
    *(HttpReply(200, {}, body) for body in (b"<html>", b"", b'{"status": "queued"}')),
]
"""Responses after which the provider may have accepted the job."""
ERROR = JobError(code="upstream_refused", message="no")


@pytest.fixture
def harness() -> Harness:
    return Harness(catalog=CATALOG)


def entry(job: Job, **fields: object) -> dict[str, object]:
    defaults = {"id": "up-1", "created_at": job.created_at, "user": job.create_key}
    return {**defaults, **fields}


def page(*entries: dict[str, object], has_more: bool = False) -> HttpReply:
    return reply(200, data=list(entries), has_more=has_more)


def unconfirmed(
    harness: Harness, model: str, answer: HttpReply | Exception = UNKNOWN_OUTCOMES[0]
) -> Job:
    """A job whose create call had no response."""
    job = harness.accepted(answer, model=model)
    harness.submit(job)
    return harness.now(job)


def crashed(harness: Harness, model: str) -> Job:
    """A job whose function crashed after acquiring the lease, which has expired."""
    job = harness.leased(model=model)
    harness.clock.advance(LEASE_SECONDS)
    return harness.now(job)


def keys(harness: Harness) -> list[str | None]:
    return [call.headers.get("idempotency-key") for call in harness.creates()]


# --- key


@pytest.mark.parametrize("answer", UNKNOWN_OUTCOMES)
def test_submit_repeats_call_with_same_idempotency_key(
    harness: Harness, answer: HttpReply | Exception
) -> None:
    job = harness.accepted(answer, answer, video("queued"), model="key/one")
    steps = []
    for _ in range(3):
        steps.append(harness.submit(job))
        harness.clock.advance(steps[-1]["wait_seconds"])
    assert [step["status"] for step in steps] == ["pending", "pending", "submitted"]
    assert [step["wait_seconds"] for step in steps[:2]] == [2, 4]
    assert keys(harness) == [f"{job.id}-1"] * 3
    assert [call.form for call in harness.creates()] == [harness.creates()[0].form] * 3
    running = harness.now(job)
    assert (running.stage, running.submission_unconfirmed_since) == (Stage.RUNNING, None)


def test_submit_sends_idempotency_key_only_to_supporting_provider(harness: Harness) -> None:
    job = harness.accepted(video("queued"), model="key/one")
    harness.submit(job)
    harness.submit(harness.accepted(model="none/one"))
    assert keys(harness) == [f"{job.id}-1", None]


def test_submit_repeats_call_with_key_after_expired_lease(harness: Harness) -> None:
    job = crashed(harness, "key/one")
    harness.answer(CREATE, video("queued"))
    assert harness.submit(job)["status"] == "submitted"
    assert keys(harness) == [f"{job.id}-1"]


def test_submit_retries_call_in_progress_with_same_key(harness: Harness) -> None:
    job = unconfirmed(harness, "key/one")
    harness.clock.advance(10)
    harness.answer(CREATE, reply(409), video("queued"))
    outcome = harness.submit(job)
    assert outcome["status"] == "pending"
    harness.clock.advance(outcome["wait_seconds"])
    assert harness.submit(job)["status"] == "submitted"


@pytest.mark.parametrize(
    "answer", [reply(400, error={"message": "no", "code": "rude"}), reply(404)]
)
def test_refusal_after_unconfirmed_call_proves_nothing(harness: Harness, answer: HttpReply) -> None:
    """The provider may generate the video: the job neither fails as refused nor fails over."""
    job = unconfirmed(harness, "key-or-none")
    harness.clock.advance(10)
    harness.answer(CREATE, answer)
    assert harness.submit(job) == TO_FINISH
    assert (harness.error_code(job), harness.now(job).provider) == (
        "upstream_outcome_unknown",
        "key",
    )


@pytest.mark.parametrize("model", ["key-or-none", "lookup-or-none"])
def test_unconfirmed_job_does_not_fail_over_by_queue_limit(harness: Harness, model: str) -> None:
    job = unconfirmed(harness, model)
    harness.answer(LOOKUP_CALL, page())
    harness.answer(CREATE, reply(429))
    harness.clock.advance(100)
    assert harness.submit(job)["status"] == "pending"
    assert harness.now(job).provider == model[: model.index("-")]


def test_unsent_second_call_keeps_first_one_unconfirmed(harness: Harness) -> None:
    """The first call's function crashed, the second was not sent: the first may have succeeded."""
    job = crashed(harness, "key-or-none")
    harness.answer(CREATE, UpstreamUnreachable("refused"))
    harness.submit(job)
    harness.clock.advance(300)
    harness.answer(CREATE, reply(400, error={"message": "no", "code": "rude"}))
    harness.submit(job)
    harness.submit(job)
    assert {call.headers.get("idempotency-key") for call in harness.creates()} == {f"{job.id}-1"}
    assert harness.now(job).provider == "key"


def test_unconfirmed_job_waits_for_new_api_key(harness: Harness) -> None:
    job = unconfirmed(harness, "key/one")
    harness.clock.advance(10)
    harness.answer(CREATE, reply(401), video("queued"))
    assert harness.submit(job)["status"] == "pending"
    assert (len(harness.creates()), harness.now(job).outcome) == (2, None)
    assert harness.submit(job)["status"] == "submitted"


def test_unconfirmed_job_is_held_by_an_open_circuit_until_its_deadline(harness: Harness) -> None:
    job = unconfirmed(harness, "key/one")
    harness.answer(CREATE, reply(401))
    while (step := harness.submit(job))["status"] == "pending":
        harness.clock.advance(step["wait_seconds"])
    assert harness.error_code(job) == "upstream_outcome_unknown"
    assert harness.clock() > job.deadline_at
    assert len(harness.creates()) < 20


def test_unconfirmed_job_fails_at_deadline_with_unknown_outcome(harness: Harness) -> None:
    job = unconfirmed(harness, "key/one")
    harness.clock.advance(1800.1)
    assert harness.submit(job) == TO_FINISH
    assert harness.error_code(job) == "upstream_outcome_unknown"
    assert len(harness.creates()) == 1


def test_each_provider_attempt_has_its_own_key(harness: Harness) -> None:
    job = harness.accepted(model="key-or-none")
    failed_over = job.failed_over(1.0, ERROR, model="m", provider="p", upstream_model="u", cost=0)
    assert (job.create_key, failed_over.create_key) == (f"{job.id}-1", f"{job.id}-2")


# --- lookup


@pytest.mark.parametrize("answer", UNKNOWN_OUTCOMES)
def test_lookup_adopts_unconfirmed_job(harness: Harness, answer: HttpReply | Exception) -> None:
    job = unconfirmed(harness, "lookup/one", answer)
    assert (job.stage, job.submission_unconfirmed_since) == (Stage.WAITING, harness.clock())
    harness.answer(LOOKUP_CALL, page(entry(job, id="other", user="x"), entry(job, id="up-7")))
    assert harness.submit(job)["status"] == "submitted"
    running = harness.now(job)
    assert (running.operation, running.submission_unconfirmed_since) == ({"id": "up-7"}, None)
    assert len(harness.creates()) == 1
    assert (running.status, harness.event_types()) == (JobStatus.QUEUED, [])


def test_lookup_adopts_job_after_expired_lease(harness: Harness) -> None:
    job = crashed(harness, "lookup/one")
    harness.answer(LOOKUP_CALL, page(entry(job)))
    assert harness.submit(job)["status"] == "submitted"
    assert not harness.creates()


def test_call_is_repeated_after_15_minutes_of_absence(harness: Harness) -> None:
    """The list may lag behind."""
    job = unconfirmed(harness, "lookup/one")
    harness.answer(LOOKUP_CALL, page())
    harness.answer(CREATE, video("queued"))
    while harness.clock() - (job.submission_unconfirmed_since or 0) <= LOOKUP_SECONDS:
        outcome = harness.submit(job)
        assert (outcome["status"], len(harness.creates())) == ("pending", 1)
        harness.clock.advance(outcome["wait_seconds"])
    assert harness.submit(job)["status"] == "pending"  # now confirmed absent
    assert harness.now(job).submission_unconfirmed_since is None
    assert harness.submit(job)["status"] == "submitted"
    assert len(harness.creates()) == 2


@pytest.mark.parametrize(
    "answer",
    [UpstreamNoResponse("no answer"), *map(reply, (503, 404, 401)), HttpReply(200, {}, b"<html>")],
)
def test_failed_lookup_proves_nothing(harness: Harness, answer: HttpReply | Exception) -> None:
    job = unconfirmed(harness, "lookup/one")
    harness.answer(LOOKUP_CALL, answer)
    harness.clock.advance(LOOKUP_SECONDS + 1)
    assert harness.submit(job)["status"] == "pending"
    assert harness.now(job).submission_unconfirmed_since
    assert len(harness.creates()) == 1


def test_provider_without_lookup_is_not_called_again(harness: Harness) -> None:
    job = unconfirmed(harness, "blind/one")
    assert harness.submit(job) == TO_FINISH
    assert harness.error_code(job) == "upstream_outcome_unknown"
    assert len(harness.creates()) == 1


# --- cancel of an unconfirmed submission


def test_cancel_waits_for_lookup_and_cancels_found_job(harness: Harness) -> None:
    job = unconfirmed(harness, "lookup/one")
    harness.service.cancel(ACCOUNT, job.id)
    harness.answer(LOOKUP_CALL, page())
    assert harness.submit(job)["status"] == "pending"
    assert harness.now(job).outcome is None
    harness.answer(LOOKUP_CALL, page(entry(job)))
    assert harness.submit(job)["status"] == "submitted"
    harness.answer(POLL_CALL, video("in_progress"), video("cancelled"))
    harness.answer(CANCEL_CALL, reply(200))
    assert harness.poll(job) == TO_FINISH
    assert harness.now(job).upstream_cancelled is UpstreamCancelled.YES


def test_cancel_of_absent_job_makes_no_call(harness: Harness) -> None:
    job = unconfirmed(harness, "lookup/one")
    harness.service.cancel(ACCOUNT, job.id)
    harness.answer(LOOKUP_CALL, page())
    harness.clock.advance(LOOKUP_SECONDS + 1)
    harness.submit(job)
    assert harness.submit(job) == TO_FINISH
    assert harness.now(job).upstream_cancelled is UpstreamCancelled.YES
    assert len(harness.creates()) == 1


def test_cancel_repeats_unconfirmed_call_with_key_first(harness: Harness) -> None:
    job = unconfirmed(harness, "key/one")
    harness.service.cancel(ACCOUNT, job.id)
    harness.answer(CREATE, video("queued"))
    harness.clock.advance(10)
    assert harness.submit(job)["status"] == "submitted"
    harness.answer(POLL_CALL, video("queued"))
    harness.answer(CANCEL_CALL, reply(200))
    assert harness.poll(job) == TO_FINISH
    assert keys(harness) == [f"{job.id}-1"] * 2


@pytest.mark.parametrize("model", ["none/one", "key/one", "lookup/one"])
def test_finish_of_unconfirmed_job_reports_unknown_outcome(harness: Harness, model: str) -> None:
    job = crashed(harness, model) if model == "none/one" else unconfirmed(harness, model)
    harness.clock.now = job.deadline_at + INTERRUPTION_GRACE
    harness.finish(job, cause="Lambda.Unknown")
    assert harness.error_code(job) == "upstream_outcome_unknown"


def test_lookup_reads_all_pages(harness: Harness) -> None:
    """Newer jobs precede the job in the list."""
    job = unconfirmed(harness, "lookup/one")
    harness.answer(LOOKUP_CALL, page(newer(harness), has_more=True))
    harness.answer(f"{LOOKUP_CALL}&after=other", page(entry(job)))
    harness.clock.advance(LEASE_SECONDS + 1)
    assert harness.submit(job)["status"] == "submitted"
    assert harness.now(job).operation == {"id": "up-1"}


def test_lookup_of_unbounded_list_proves_nothing(harness: Harness) -> None:
    job = unconfirmed(harness, "lookup/one")
    harness.answer(LOOKUP_CALL, page(newer(harness), has_more=True))
    harness.answer(f"{LOOKUP_CALL}&after=other", page(newer(harness), has_more=True))
    harness.clock.advance(LOOKUP_SECONDS + 1)
    assert harness.submit(job)["status"] == "pending"
    assert harness.now(job).submission_unconfirmed_since is not None


@pytest.mark.parametrize(("seconds", "pages"), [(20.0, 8), (85.0, 2), (0.1, MAX_PAGES)])
def test_slow_lookup_ends_before_the_time_limit_of_its_function(
    harness: Harness, seconds: float, pages: int
) -> None:
    class SlowClient(FakeHttpClient):
        @override
        def send(self, upstream: Upstream, call: HttpCall) -> HttpReply:
            harness.clock.advance(seconds)
            return super().send(upstream, call)

    job = unconfirmed(harness, "lookup/one")
    harness.clock.advance(LOOKUP_SECONDS + 1)
    harness.http_client = SlowClient()
    harness.answer(LOOKUP_CALL, page(newer(harness), has_more=True))
    harness.answer(f"{LOOKUP_CALL}&after=other", page(newer(harness), has_more=True))
    began = harness.clock()
    assert harness.submit(job)["status"] == "pending"
    assert harness.clock() - began < 280
    assert len(harness.calls()) == pages
    assert harness.now(job).submission_unconfirmed_since is not None


def newer(harness: Harness) -> dict[str, object]:
    return {"id": "other", "created_at": harness.clock(), "user": "job_other-1"}
