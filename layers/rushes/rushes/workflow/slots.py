"""Share of an account in slow work: its jobs hold a limited number of slots at a time.

A slot ends by itself after the time limit of the function that holds it, so that a crash blocks it
for minutes at most; the same job takes its own slot again at once.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from rushes.errors import AwsUnavailable, WriteConflict
from rushes.jobs.job import Job
from rushes.ports import Clock
from rushes.ports.providers import AccountSlots, Slots


@dataclass(frozen=True)
class Pool:
    """`slots` per account, each for `seconds` at most."""

    name: str
    slots: int
    seconds: float


INPUT_FETCHES = Pool("inputs", slots=4, seconds=300.0)
"""Input URLs are the client's: they may be as slow as it likes."""
OUTPUT_DOWNLOADS = Pool("outputs", slots=16, seconds=920.0)


@dataclass(frozen=True)
class JobSlots:
    account_slots: AccountSlots
    clock: Clock

    @contextmanager
    def held(self, pool: Pool, job: Job) -> Iterator[bool]:
        """Hold a slot during the block; yield False if the account's slots are taken."""
        now = self.clock()
        if not self.account_slots.decide(
            job.account, pool.name, lambda slots: acquire(slots, job.id, pool, now)
        ):
            yield False
            return
        try:
            yield True
        finally:
            with suppress(AwsUnavailable, WriteConflict):  # the slot ends by itself
                self.account_slots.decide(
                    job.account, pool.name, lambda slots: release(slots, job.id)
                )


def acquire(slots: Slots, holder: str, pool: Pool, now: float) -> tuple[Slots, bool]:
    others = {
        name: until for name, until in slots.holders.items() if until > now and name != holder
    }
    if len(others) >= pool.slots:
        return slots, False
    held = {**others, holder: now + pool.seconds}
    return slots.model_copy(update={"holders": held}), True


def release(slots: Slots, holder: str) -> tuple[Slots, None]:
    remaining = {name: until for name, until in slots.holders.items() if name != holder}
    return slots.model_copy(update={"holders": remaining}), None
