"""When create calls may go to a provider: what it asked for, what it bears, whether it knows us."""

import pytest
from typing_extensions import override

from rushes.catalog.models import read_catalog
from rushes.errors import StoreUnavailable
from rushes.jobs.job import Job
from rushes.ports import Gate
from rushes.workflow.rate_limiter import BREAKER_SECONDS, PATIENCE, SPREAD
from rushes.workflow.task import ENDING
from rushes.workflow.wait_times import LONGEST_ON_REQUEST
from tests.fakes import FakeGates
from tests.harness import ASK, CREATE, World, reply, video

LIMITED = read_catalog(
    """
    default_model = "studio/one"
    [providers.studio]
    kind = "openai_compatible"
    creates_per_minute = 6
    [[models]]
    name = "studio/one"
    deadline_seconds = 3600
    """
)
REFUSED = reply(401, error={"message": "who are you?"})


@pytest.fixture
def world() -> World:
    world = World()
    world.answer(CREATE, video("queued"))
    return world


def failure(world: World, job: Job) -> str | None:
    verdict = world.now(job).verdict
    return verdict.error.code if verdict and verdict.error else None


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [(reply(429), PATIENCE), (reply(429, {"retry-after": "45"}), 45.0)],
)
def test_patience_that_a_provider_asks_of_one_job_is_had_by_all(
    world: World, answer: object, seconds: float
) -> None:
    asked, other = world.accepted(), world.accepted()
    world.answer(CREATE, answer)  # type: ignore[arg-type]
    world.submit(asked)
    world.answer(CREATE, video("queued"))
    outcome = world.submit(other)
    assert outcome["status"] == "pending"
    assert seconds <= outcome["wait_seconds"] <= seconds * (1 + SPREAD) + 1
    assert (len(world.creates()), world.now(other)) == (1, other)
    world.clock.advance(seconds)
    assert world.submit(other)["status"] == "submitted"


def test_other_providers_are_not_held_back(world: World) -> None:
    asked, other = world.accepted(), world.accepted(model="spare/one")
    world.answer(CREATE, reply(429), video("queued"))
    world.submit(asked)
    assert world.submit(other)["status"] == "submitted"


def test_jobs_that_were_held_back_do_not_come_back_all_at_once(world: World) -> None:
    world.gates.hold("studio", world.clock() + 200)
    waits = {world.submit(world.accepted())["wait_seconds"] for _ in range(50)}
    assert len(waits) > 20
    assert all(200 <= wait <= 250 for wait in waits)


def test_a_running_job_is_asked_after_whatever_creates_have_to_wait_for(world: World) -> None:
    job = world.running()
    world.gates.hold("studio", world.clock() + 200)
    world.gates.close("studio", world.clock() + 60, "no")
    world.answer(ASK, video("completed"))
    assert world.poll(job)["status"] == "succeeded"


def test_a_job_that_is_held_back_too_long_goes_to_the_next_candidate(world: World) -> None:
    job = world.accepted(model="sure")
    world.gates.hold("studio", world.clock() + 300)
    assert world.submit(job)["status"] == "pending"
    world.clock.advance(61)
    assert world.submit(job)["status"] == "resubmit"
    assert world.now(job).provider == "spare"


def test_what_one_request_may_not_have_closes_the_provider_to_nobody(world: World) -> None:
    """A 403 may be about what was asked for; its words are not for another account's eyes."""
    first, second = world.accepted(), world.accepted()
    world.answer(CREATE, reply(403, error={"message": "not in your region"}), video("queued"))
    assert world.submit(first) == ENDING
    assert world.submit(second)["status"] == "submitted"


def test_however_long_a_provider_asks_for_patience_it_is_tried_again_in_time(world: World) -> None:
    first, second = world.accepted(), world.accepted()
    world.answer(CREATE, reply(429, {"retry-after": "86400"}), video("queued"))
    world.submit(first)
    world.clock.advance(LONGEST_ON_REQUEST)
    assert world.submit(second)["status"] == "submitted"


def test_a_refused_key_fails_the_others_without_a_call(world: World) -> None:
    first, second = world.accepted(), world.accepted()
    world.answer(CREATE, reply(401, error={"message": "who are you?"}))
    assert world.submit(first) == world.submit(second) == ENDING
    assert [failure(world, it) for it in (first, second)] == ["upstream_unauthorized"] * 2
    assert len(world.creates()) == 1
    assert world.now(second).submissions == 0


def test_after_a_minute_the_key_is_tried_again(world: World) -> None:
    world.answer(CREATE, REFUSED)
    world.submit(world.accepted())
    world.answer(CREATE, video("queued"))
    world.clock.advance(BREAKER_SECONDS)
    assert world.submit(world.accepted())["status"] == "submitted"


def test_where_a_key_is_refused_a_job_goes_to_its_next_candidate(world: World) -> None:
    world.answer(CREATE, REFUSED, video("queued"))
    world.submit(world.accepted())
    job = world.accepted(model="sure")
    assert world.submit(job)["status"] == "resubmit"
    assert world.submit(job)["status"] == "submitted"
    assert world.now(job).attempts[0].error.code == "upstream_unauthorized"


def test_a_provider_gets_as_many_creates_as_it_bears(world: World) -> None:
    """Six a minute, however many jobs there are and however they come."""
    world.catalog = LIMITED
    waiting = [world.accepted() for _ in range(30)]
    due = dict.fromkeys((job.id for job in waiting), world.clock())
    begun = world.clock()
    made: list[float] = []
    while waiting:
        for job in [it for it in waiting if due[it.id] <= world.clock()]:
            outcome = world.submit(job)
            due[job.id] = world.clock() + outcome["wait_seconds"]
            if outcome["status"] == "submitted":
                waiting.remove(job)
                made.append(world.clock() - begun)
        world.clock.advance(1)
    for moment in made:
        assert sum(moment <= other < moment + 60 for other in made) <= 6
    assert made[-1] < 15 * 60


def test_a_job_that_has_its_place_is_not_asked_to_wait_for_another(world: World) -> None:
    world.catalog = LIMITED
    assert world.submit(world.accepted())["status"] == "submitted"
    assert world.submit(world.accepted())["status"] == "pending"
    world.clock.advance(10)
    assert world.submit(world.accepted())["status"] == "submitted"


class Unwritable(FakeGates):
    @override
    def hold(self, provider: str, until: float) -> None:
        raise StoreUnavailable("throttled")

    @override
    def close(self, provider: str, until: float, reason: str) -> None:
        raise StoreUnavailable("throttled")


@pytest.mark.parametrize(("answer", "status"), [(reply(429), "pending"), (REFUSED, "ending")])
def test_what_cannot_be_noted_of_a_provider_changes_nothing_for_the_job(
    world: World, answer: object, status: str
) -> None:
    world.gates = Unwritable()
    world.answer(CREATE, answer)  # type: ignore[arg-type]
    job = world.accepted()
    assert world.submit(job)["status"] == status
    assert (world.now(job).lease_until is None) is (status == "pending")


def test_a_gate_that_cannot_be_read_costs_time_only(world: World) -> None:
    def fail(provider: str) -> Gate:
        raise StoreUnavailable(f"nothing of {provider}")

    job, get = world.accepted(), world.gates.get
    world.gates.get = fail  # type: ignore[method-assign]
    assert world.submit(job)["status"] == "pending"
    assert not world.creates()
    world.gates.get = get  # type: ignore[method-assign]
    assert world.submit(job)["status"] == "submitted"
