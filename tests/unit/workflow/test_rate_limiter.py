"""When create calls may go to a provider: what it asked for, what it bears, whether it knows us."""

import pytest
from typing_extensions import override

from rushes.catalog.models import read_catalog
from rushes.errors import AwsUnavailable
from rushes.jobs.job import Job
from rushes.ports import RateLimit
from rushes.workflow.rate_limiter import BREAKER_SECONDS, PATIENCE, SPREAD
from rushes.workflow.task import ENDING
from rushes.workflow.wait_times import LONGEST_ON_REQUEST
from tests.fakes import FakeRateLimits
from tests.harness import ASK, CREATE, Harness, reply, video

LIMITED = read_catalog(
    """
    default_model = "sandbox/one"
    [providers.sandbox]
    protocol = "openai_compatible"
    creates_per_minute = 6
    [[models]]
    name = "sandbox/one"
    deadline_seconds = 3600
    """
)
REFUSED = reply(401, error={"message": "who are you?"})


@pytest.fixture
def harness() -> Harness:
    harness = Harness()
    harness.answer(CREATE, video("queued"))
    return harness


def failure(harness: Harness, job: Job) -> str | None:
    outcome = harness.now(job).outcome
    return outcome.error.code if outcome and outcome.error else None


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [(reply(429), PATIENCE), (reply(429, {"retry-after": "45"}), 45.0)],
)
def test_patience_that_a_provider_asks_of_one_job_is_had_by_all(
    harness: Harness, answer: object, seconds: float
) -> None:
    asked, other = harness.accepted(), harness.accepted()
    harness.answer(CREATE, answer)  # type: ignore[arg-type]
    harness.submit(asked)
    harness.answer(CREATE, video("queued"))
    outcome = harness.submit(other)
    assert outcome["status"] == "pending"
    assert seconds <= outcome["wait_seconds"] <= seconds * (1 + SPREAD) + 1
    assert (len(harness.creates()), harness.now(other)) == (1, other)
    harness.clock.advance(seconds)
    assert harness.submit(other)["status"] == "submitted"


def test_other_providers_are_not_held_back(harness: Harness) -> None:
    asked, other = harness.accepted(), harness.accepted(model="spare/one")
    harness.answer(CREATE, reply(429), video("queued"))
    harness.submit(asked)
    assert harness.submit(other)["status"] == "submitted"


def test_jobs_that_were_held_back_do_not_come_back_all_at_once(harness: Harness) -> None:
    harness.rate_limits.hold("sandbox", harness.clock() + 200)
    waits = {harness.submit(harness.accepted())["wait_seconds"] for _ in range(50)}
    assert len(waits) > 20
    assert all(200 <= wait <= 250 for wait in waits)


def test_a_running_job_is_asked_after_whatever_creates_have_to_wait_for(harness: Harness) -> None:
    job = harness.running()
    harness.rate_limits.hold("sandbox", harness.clock() + 200)
    harness.rate_limits.close("sandbox", harness.clock() + 60, "no")
    harness.answer(ASK, video("completed"))
    assert harness.poll(job)["status"] == "succeeded"


def test_a_job_that_is_held_back_too_long_goes_to_the_next_candidate(harness: Harness) -> None:
    job = harness.accepted(model="sure")
    harness.rate_limits.hold("sandbox", harness.clock() + 300)
    assert harness.submit(job)["status"] == "pending"
    harness.clock.advance(61)
    assert harness.submit(job)["status"] == "resubmit"
    assert harness.now(job).provider == "spare"


def test_what_one_request_may_not_have_closes_the_provider_to_nobody(harness: Harness) -> None:
    """A 403 may be about what was asked for; its words are not for another account's eyes."""
    first, second = harness.accepted(), harness.accepted()
    harness.answer(CREATE, reply(403, error={"message": "not in your region"}), video("queued"))
    assert harness.submit(first) == ENDING
    assert harness.submit(second)["status"] == "submitted"


def test_however_long_a_provider_asks_for_patience_it_is_tried_again_in_time(
    harness: Harness,
) -> None:
    first, second = harness.accepted(), harness.accepted()
    harness.answer(CREATE, reply(429, {"retry-after": "86400"}), video("queued"))
    harness.submit(first)
    harness.clock.advance(LONGEST_ON_REQUEST)
    assert harness.submit(second)["status"] == "submitted"


def test_a_refused_key_fails_the_others_without_a_call(harness: Harness) -> None:
    first, second = harness.accepted(), harness.accepted()
    harness.answer(CREATE, reply(401, error={"message": "who are you?"}))
    assert harness.submit(first) == harness.submit(second) == ENDING
    assert [failure(harness, it) for it in (first, second)] == ["upstream_unauthorized"] * 2
    assert len(harness.creates()) == 1
    assert harness.now(second).submissions == 0


def test_after_a_minute_the_key_is_tried_again(harness: Harness) -> None:
    harness.answer(CREATE, REFUSED)
    harness.submit(harness.accepted())
    harness.answer(CREATE, video("queued"))
    harness.clock.advance(BREAKER_SECONDS)
    assert harness.submit(harness.accepted())["status"] == "submitted"


def test_where_a_key_is_refused_a_job_goes_to_its_next_candidate(harness: Harness) -> None:
    harness.answer(CREATE, REFUSED, video("queued"))
    harness.submit(harness.accepted())
    job = harness.accepted(model="sure")
    assert harness.submit(job)["status"] == "resubmit"
    assert harness.submit(job)["status"] == "submitted"
    assert harness.now(job).attempts[0].error.code == "upstream_unauthorized"


def test_a_provider_gets_as_many_creates_as_it_bears(harness: Harness) -> None:
    """Six a minute, however many jobs there are and however they come."""
    harness.catalog = LIMITED
    waiting = [harness.accepted() for _ in range(30)]
    due = dict.fromkeys((job.id for job in waiting), harness.clock())
    begun = harness.clock()
    made: list[float] = []
    while waiting:
        for job in [it for it in waiting if due[it.id] <= harness.clock()]:
            outcome = harness.submit(job)
            due[job.id] = harness.clock() + outcome["wait_seconds"]
            if outcome["status"] == "submitted":
                waiting.remove(job)
                made.append(harness.clock() - begun)
        harness.clock.advance(1)
    for moment in made:
        assert sum(moment <= other < moment + 60 for other in made) <= 6
    assert made[-1] < 15 * 60


def test_a_job_that_has_its_place_is_not_asked_to_wait_for_another(harness: Harness) -> None:
    harness.catalog = LIMITED
    assert harness.submit(harness.accepted())["status"] == "submitted"
    assert harness.submit(harness.accepted())["status"] == "pending"
    harness.clock.advance(10)
    assert harness.submit(harness.accepted())["status"] == "submitted"


class Unwritable(FakeRateLimits):
    @override
    def hold(self, provider: str, until: float) -> None:
        raise AwsUnavailable("throttled")

    @override
    def close(self, provider: str, until: float, reason: str) -> None:
        raise AwsUnavailable("throttled")


@pytest.mark.parametrize(("answer", "status"), [(reply(429), "pending"), (REFUSED, "ending")])
def test_what_cannot_be_noted_of_a_provider_changes_nothing_for_the_job(
    harness: Harness, answer: object, status: str
) -> None:
    harness.rate_limits = Unwritable()
    harness.answer(CREATE, answer)  # type: ignore[arg-type]
    job = harness.accepted()
    assert harness.submit(job)["status"] == status
    assert (harness.now(job).lease_until is None) is (status == "pending")


def test_a_gate_that_cannot_be_read_costs_time_only(harness: Harness) -> None:
    def fail(provider: str) -> RateLimit:
        raise AwsUnavailable(f"nothing of {provider}")

    job, get = harness.accepted(), harness.rate_limits.get
    harness.rate_limits.get = fail  # type: ignore[method-assign]
    assert harness.submit(job)["status"] == "pending"
    assert not harness.creates()
    harness.rate_limits.get = get  # type: ignore[method-assign]
    assert harness.submit(job)["status"] == "submitted"
