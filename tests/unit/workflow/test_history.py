"""How long an execution's history becomes: Step Functions ends one that has 25,000 events."""

from collections.abc import Callable

import pytest
from typing_extensions import override

from rushes.catalog.models import read_catalog
from rushes.errors import OutputInterrupted, UpstreamUnreachable
from rushes.jobs.job import Job
from rushes.jobs.status import UpstreamCancelled
from rushes.ports import Gate, HttpReply
from rushes.workflow.task import Outcome
from tests.fakes import FakeGates
from tests.harness import ACCOUNT, ASK, CONTENT, CREATE, World, reply, video

HOUR, DAY = 3600.0, 86_400.0
AN_HOURS, ANY = 1_500, 24_000
"""The most events that a job of an hour may have, and any job at all: some way from the limit."""
TASK, WAIT, CHOICE, AROUND = 5, 2, 2, 4
"""Events of each kind of state: a task is entered, scheduled, started, done and left."""

CATALOG = """
default_model = "studio/one"
[providers.studio]
kind = "KIND"
idempotency = "IDEMPOTENCY"
creates_per_minute = 60
[[models]]
name = "studio/one"
deadline_seconds = DEADLINE
"""
SEARCH = "GET /videos?limit=100&order=desc"


def world_of(deadline: float, idempotency: str = "none") -> World:
    kind = "openai_searchable" if idempotency == "find" else "openai_compatible"
    text = CATALOG.replace("KIND", kind).replace("IDEMPOTENCY", idempotency)
    world = World(catalog=read_catalog(text.replace("DEADLINE", str(int(deadline)))))
    world.answer(CREATE, video("queued"))
    world.answer(ASK, video("in_progress"))
    return world


def history_of(world: World, job: Job, step: Callable[[World, Job], Outcome] = World.submit) -> int:
    """The number of events of an execution that goes all the way."""
    events, steps = AROUND + TASK, {"submitted": World.poll, "succeeded": World.collect}
    while True:
        outcome = step(world, job)
        events += TASK + CHOICE
        if outcome["status"] == "ending":
            world.finish(job)
            return events
        if outcome["wait_seconds"]:
            events += WAIT
            world.clock.advance(outcome["wait_seconds"])
        if outcome["status"] == "pending":
            step = World.poll if step is World.collect else step
        else:
            step = steps[outcome["status"]]
        assert events < 100_000


def limit_of(deadline: float) -> int:
    return AN_HOURS if deadline == HOUR else ANY


@pytest.mark.parametrize("deadline", [HOUR, DAY])
@pytest.mark.parametrize(
    "answer",
    [
        video("in_progress"),
        reply(503),
        reply(429, {"retry-after": "1"}),
        reply(503, {"retry-after": "0"}),
        UpstreamUnreachable("refused"),
    ],
)
def test_a_job_that_its_provider_never_finishes(
    deadline: float, answer: HttpReply | Exception
) -> None:
    world = world_of(deadline)
    world.answer(ASK, answer)
    world.answer("DELETE /videos/up-1", reply(200))
    assert history_of(world, world.accepted()) <= limit_of(deadline)


class Crowded(FakeGates):
    """Each place goes to somebody else."""

    @override
    def admit(self, provider: str, now: float, interval: float) -> bool:
        return False


class Held(FakeGates):
    """Others are told again and again to have a little patience."""

    now: Callable[[], float]

    @override
    def get(self, provider: str) -> Gate:
        return Gate(not_before=self.now() + 2)


@pytest.mark.parametrize("deadline", [HOUR, DAY])
@pytest.mark.parametrize("gates", [Crowded, Held])
def test_a_job_that_never_gets_its_turn(deadline: float, gates: type[FakeGates]) -> None:
    world = world_of(deadline)
    world.gates = gates()
    if isinstance(world.gates, Held):
        world.gates.now = world.clock
    assert history_of(world, world.accepted()) <= limit_of(deadline)
    assert not world.creates()


@pytest.mark.parametrize("deadline", [HOUR, DAY])
@pytest.mark.parametrize(
    "answer", [reply(429), reply(429, {"retry-after": "1"}), UpstreamUnreachable("refused")]
)
def test_a_job_that_nobody_takes(deadline: float, answer: HttpReply | Exception) -> None:
    world = world_of(deadline)
    world.answer(CREATE, answer)
    assert history_of(world, world.accepted()) <= limit_of(deadline)


@pytest.mark.parametrize("deadline", [HOUR, DAY])
@pytest.mark.parametrize("capability", ["key", "find"])
def test_a_create_call_of_which_nothing_is_ever_heard(deadline: float, capability: str) -> None:
    world = world_of(deadline, capability)
    world.answer(CREATE, reply(503))
    world.answer(SEARCH, reply(503))
    assert history_of(world, world.accepted()) <= limit_of(deadline)


@pytest.mark.parametrize("deadline", [HOUR, DAY])
def test_a_film_that_cannot_be_fetched(deadline: float) -> None:
    world = world_of(deadline)
    world.answer(ASK, video("completed"))
    world.egress.files[CONTENT] = OutputInterrupted("the output's address answered 403")
    assert history_of(world, world.accepted()) <= AN_HOURS


@pytest.mark.parametrize("deadline", [HOUR, DAY])
@pytest.mark.parametrize("answer", [video("in_progress"), reply(503, {"retry-after": "1"})])
def test_a_result_that_is_waited_for_after_a_cancel(deadline: float, answer: HttpReply) -> None:
    world = world_of(deadline)
    job = world.running()
    world.jobs.change(
        ACCOUNT, job.id, lambda it: it.called_off(world.clock(), UpstreamCancelled.NO)
    )
    world.finish(job)
    world.answer(ASK, answer)
    assert history_of(world, job) <= limit_of(deadline)


@pytest.mark.parametrize("deadline", [HOUR, DAY])
def test_a_film_that_comes_late_and_cannot_be_fetched(deadline: float) -> None:
    world = world_of(deadline)
    job = world.running()
    world.jobs.change(
        ACCOUNT, job.id, lambda it: it.called_off(world.clock(), UpstreamCancelled.NO)
    )
    world.finish(job)
    world.answer(ASK, video("completed"))
    world.egress.files[CONTENT] = OutputInterrupted("the output's address answered 403")
    assert history_of(world, job) <= limit_of(deadline)
