"""The quiet after a story: nothing goes wrong any more, and the sweeper comes by every minute."""

from tests.simulation.harness import Harness

QUIET_SECONDS = 7000.0
"""More than any deadline, patience or straggler takes."""
MOST_STEPS = 20_000


def settle(harness: Harness) -> None:
    """Until nothing is left to be done, or a promise is broken."""
    turns, clock, promises = harness.turns, harness.clock, harness.promises
    until, steps = clock.now + QUIET_SECONDS, 0
    while clock.now < until and not promises.broken:
        turns.after(60.0, harness.sweep)
        minute = clock.now + 60.0
        while clock.now < minute or turns.ready:
            turns.step()
            steps += 1
            if steps > MOST_STEPS:
                promises.broken.append("it never comes to rest")
                return
        if not is_busy(harness):
            return


def is_busy(harness: Harness) -> bool:
    running = harness.machine.executions.states.values()
    return any(running) or any(job.next_check_at is not None for job in harness.jobs.rows.values())
