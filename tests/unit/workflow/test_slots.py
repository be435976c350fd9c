"""Slots of an account for slow work."""

from collections.abc import Callable

import pytest
from typing_extensions import override

from rushes.errors import WriteConflict
from rushes.ports.providers import Result, Slots
from rushes.workflow.slots import (
    INPUT_FETCHES,
    OUTPUT_DOWNLOADS,
    JobSlots,
    Pool,
    acquire,
    release,
)
from tests.fakes import FakeAccountSlots, FakeClock
from tests.harness import Harness

POOL = Pool("work", slots=2, seconds=100.0)
NOW = 1_000.0


def test_slots_are_limited_and_end_by_themselves() -> None:
    slots, taken = Slots(), []
    for holder in ("a", "b", "c"):
        slots, is_held = acquire(slots, holder, POOL, NOW)
        taken.append(is_held)
    assert taken == [True, True, False]
    assert acquire(slots, "c", POOL, NOW + 99)[1] is False
    slots, is_held = acquire(slots, "c", POOL, NOW + 100)
    assert (is_held, slots.holders) == (True, {"c": NOW + 200})


def test_holder_takes_its_own_slot_again_after_a_crash() -> None:
    slots = Slots(holders={"a": NOW + 50, "b": NOW + 60})
    slots, is_held = acquire(slots, "a", POOL, NOW)
    assert (is_held, slots.holders) == (True, {"b": NOW + 60, "a": NOW + 100})


def test_released_slot_is_free() -> None:
    slots, _ = release(Slots(holders={"a": NOW + 50, "b": NOW + 60}), "a")
    assert slots.holders == {"b": NOW + 60}


def test_slot_is_released_after_an_error(harness: Harness) -> None:
    job, slots = harness.accepted(), JobSlots(FakeAccountSlots(), FakeClock())
    with pytest.raises(ValueError, match="no"), slots.held(POOL, job):
        raise ValueError("no")
    assert slots.account_slots.decide(job.account, POOL.name, lambda s: (s, s.holders)) == {}


def test_failed_release_is_ignored(harness: Harness) -> None:
    class Conflicting(FakeAccountSlots):
        @override
        def decide(
            self, account: str, pool: str, decide: Callable[[Slots], tuple[Slots, Result]]
        ) -> Result:
            if self.writes:
                raise WriteConflict("others write")
            return super().decide(account, pool, decide)

    job, slots = harness.accepted(), JobSlots(Conflicting(), FakeClock())
    with slots.held(POOL, job) as has_slot:
        assert has_slot


def test_slots_of_accounts_and_pools_are_separate(harness: Harness) -> None:
    slots = JobSlots(FakeAccountSlots(), FakeClock())
    one = Pool("one", slots=1, seconds=10.0)
    other = Pool("other", slots=1, seconds=10.0)
    job = harness.accepted()
    with (
        slots.held(one, job) as first,
        slots.held(one, harness.accepted(account="another")) as of_another_account,
        slots.held(other, job) as of_another_pool,
        slots.held(one, harness.accepted()) as second,
    ):
        assert (first, of_another_account, of_another_pool, second) == (True, True, True, False)


@pytest.mark.parametrize(("pool", "timeout"), [(INPUT_FETCHES, 280), (OUTPUT_DOWNLOADS, 900)])
def test_slot_lasts_longer_than_its_function(pool: Pool, timeout: int) -> None:
    assert pool.seconds > timeout
