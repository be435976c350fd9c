"""What an account may spend in a day."""

from dataclasses import replace

import pytest

from rushes.errors import InvalidRequest, OverBudget
from rushes.jobs.idempotency import CreateCall
from rushes.jobs.job import Job
from rushes.jobs.request import Creation, GenerationRequest, Role, Upload
from tests.harness import ACCOUNT, PICTURE, World

DAY = 24 * 3600.0
COST = 0.4
"""Dollars: four seconds of `studio/one`."""


@pytest.fixture
def world() -> World:
    return World(daily_dollars=1.0)


def create(world: World, account: str = ACCOUNT, key: str | None = None, seconds: int = 4) -> Job:
    request = GenerationRequest(model="studio/one", prompt="a red ball", seconds=seconds)
    call = CreateCall("openai create", key)
    return world.service.create(account, "openai", Creation(request), call).job


def test_what_fits_is_taken_and_what_does_not_is_refused(world: World) -> None:
    made = [create(world), create(world)]
    with pytest.raises(OverBudget) as refused:
        create(world)
    assert (refused.value.http_status, refused.value.retry_after) == (429, 3600)
    assert [job_id for _, job_id in world.jobs.rows] == [job.id for job in made]
    assert set(world.executions.running) == {job.id for job in made}
    assert list(world.jobs.spent.values()) == [COST * 2]


def test_the_last_cent_may_be_spent(world: World) -> None:
    world.daily_dollars = COST * 2
    create(world)
    create(world)
    with pytest.raises(OverBudget):
        create(world)


def test_a_job_that_alone_costs_too_much_is_never_taken(world: World) -> None:
    world.daily_dollars = 0.7
    with pytest.raises(OverBudget, match=r"costs 0\.8 dollars"):
        create(world, seconds=8)
    assert (world.jobs.rows, world.jobs.spent) == ({}, {})


def test_each_account_has_its_own_limit(world: World) -> None:
    for account in ("one", "another"):
        create(world, account)
        create(world, account)
    assert len(world.jobs.rows) == 4


def test_the_next_day_is_a_new_one(world: World) -> None:
    world.clock.now = DAY * 20_000 + DAY - 1  # a second before midnight
    create(world)
    create(world)
    with pytest.raises(OverBudget):
        create(world)
    world.clock.advance(1)
    create(world)


def test_a_call_that_comes_twice_is_paid_for_once(world: World) -> None:
    for _ in range(5):
        create(world, key="order-1")
    assert list(world.jobs.spent.values()) == [COST]


def test_what_is_refused_costs_nothing(world: World) -> None:
    for _ in range(5):
        with pytest.raises(InvalidRequest):
            create(world, seconds=5)
    assert world.jobs.spent == {}


def test_a_refused_jobs_files_and_key_are_forgotten(world: World) -> None:
    create(world)
    create(world)
    request = GenerationRequest(model="studio/one", prompt="a red ball")
    upload = Upload("picture", "image/png", PICTURE)
    asked = Creation(request, uploads=((Role.IMAGE, upload),))
    call = CreateCall("openai create", "order-2")
    with pytest.raises(OverBudget):
        world.service.create(ACCOUNT, "openai", asked, call)
    assert world.blobs.objects == {}
    world.clock.advance(DAY)
    made = world.service.create(ACCOUNT, "openai", replace(asked, uploads=()), call)
    assert not made.replayed


def test_without_a_limit_nothing_is_counted(world: World) -> None:
    world.daily_dollars = None
    for _ in range(10):
        create(world)
    assert world.jobs.spent == {}
