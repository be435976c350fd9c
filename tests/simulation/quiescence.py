"""The quiet after a story: nothing goes wrong any more, and the sweeper comes by every minute."""

from tests.simulation.harness import World

QUIET_SECONDS = 7000.0
"""More than any deadline, patience or straggler takes."""
MOST_STEPS = 20_000


def settle(world: World) -> None:
    """Until nothing is left to be done, or a promise is broken."""
    turns, clock, promises = world.turns, world.clock, world.promises
    until, steps = clock.now + QUIET_SECONDS, 0
    while clock.now < until and not promises.broken:
        turns.after(60.0, world.sweep)
        minute = clock.now + 60.0
        while clock.now < minute or turns.ready:
            turns.step()
            steps += 1
            if steps > MOST_STEPS:
                promises.broken.append("it never comes to rest")
                return
        if not is_busy(world):
            return


def is_busy(world: World) -> bool:
    running = world.machine.executions.states.values()
    return any(running) or any(job.care_at is not None for job in world.jobs.rows.values())
