"""Quiescence: run without faults, with regular sweeps, until no work is left."""

from tests.simulation.harness import Harness

SWEPT_EACH_MINUTE = 7000.0
"""Seconds: more than any deadline, retry window or late-write grace."""
QUIET_SECONDS = 27 * 3600.0
"""Longer than dead letters are fetched again; after `SWEPT_EACH_MINUTE` with rarer sweeps."""
RARE_SWEEPS = 1800.0
MAX_STEPS = 20_000


def run_until_quiet(harness: Harness) -> None:
    """Run until no work is left or an invariant is violated."""
    scheduler, clock, invariants = harness.scheduler, harness.clock, harness.invariants
    begun, steps = clock.now, 0
    while clock.now < begun + QUIET_SECONDS and not invariants.violations:
        interval = 60.0 if clock.now < begun + SWEPT_EACH_MINUTE else RARE_SWEEPS
        scheduler.after(interval, harness.sweep)
        next_sweep = clock.now + interval
        while clock.now < next_sweep or scheduler.ready:
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
