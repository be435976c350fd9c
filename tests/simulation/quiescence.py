"""Quiescence: run without faults, with a sweep per minute, until no work is left."""

from tests.simulation.harness import Harness

QUIET_SECONDS = 7000.0
"""More than any deadline, retry window or late-write grace."""
MAX_STEPS = 20_000


def run_until_quiet(harness: Harness) -> None:
    """Run until no work is left or an invariant is violated."""
    scheduler, clock, invariants = harness.scheduler, harness.clock, harness.invariants
    until, steps = clock.now + QUIET_SECONDS, 0
    while clock.now < until and not invariants.violations:
        scheduler.after(60.0, harness.sweep)
        minute = clock.now + 60.0
        while clock.now < minute or scheduler.ready:
            scheduler.step()
            steps += 1
            if steps > MAX_STEPS:
                invariants.violations.append("the system does not become quiet")
                return
        if not is_busy(harness):
            return


def is_busy(harness: Harness) -> bool:
    return bool(harness.machine.running) or any(
        job.next_check_at is not None for job in harness.jobs.rows.values()
    )
