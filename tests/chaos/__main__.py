"""Run jobs while their functions and the engine are killed: `python -m tests.chaos`.

It prints figures; the exit status is 1 if an invariant was violated.
"""

import argparse
import signal
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path

from local.stack import CONFIG_FILE, Stack
from rushes.catalog.compile import compile_config
from tests.chaos.event_listener import EventListener
from tests.chaos.job_clients import JobClients
from tests.chaos.killer import ProcessKiller
from tests.chaos.outcome_checks import check_outcomes
from tests.chaos.records import Files, read, rows, wait_until_all_finished
from tests.chaos.repeating_clients import show

RATE = 4.0
"""Create calls per second."""
WAIT_SCALE = "0.5"
RESTARTS = (signal.SIGTERM, signal.SIGKILL, signal.SIGTERM)
FEW_JOBS = 50
"""A run with fewer jobs restarts the engine once by each signal."""
TIMEOUT_SECONDS = 600.0
EVENT_SECONDS = 120.0
"""Limit for the delivery of the last terminal event."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--jobs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 2**32)
    args = parser.parse_args()
    started = time.monotonic()
    with (
        tempfile.TemporaryDirectory() as folder,
        Stack(Path(folder) / "state", keep=True, wait_scale=WAIT_SCALE) as stack,
        EventListener(stack) as listener,
    ):
        job_clients = JobClients(stack)
        downtimes: list[str] = []

        def restart(number: signal.Signals) -> None:
            downtimes.append(restart_engine(stack, number))

        with ProcessKiller(stack, args.seed) as killer:
            restarts = RESTARTS[: 2 if args.jobs < FEW_JOBS else None]
            job_clients.run(args.jobs, RATE, [partial(restart, number) for number in restarts])
            jobs = wait_until_all_finished(stack, TIMEOUT_SECONDS)
        wait_for_events(stack, listener)
        records, files = read(stack), Files(stack)
        catalog = compile_config(CONFIG_FILE.read_text("utf-8"))
        report = check_outcomes(job_clients.accepted, records, listener.delivered, files, catalog)
    if len(job_clients.accepted) != args.jobs:
        report.violation("not accepted", str(dict(job_clients.abandoned)))
    figures = {
        "jobs accepted": len(job_clients.accepted),
        "create calls repeated by clients": job_clients.repeated_calls,
        "function processes killed (SIGKILL)": killer.kills,
        "engine restarts, seconds each": ", ".join(downtimes),
        "additional executions of jobs": records.executions - len(records.jobs),
        "completed, file and row agree": report.completed,
        "failed as upstream_outcome_unknown": report.outcome_unknown,
        "create calls repeated under their key": report.repeated_by_key,
        "still open": sum(not job.is_finished for job in jobs),
        "repeated events": report.event_repetitions,
        "seconds of a job, median and maximum": _median_and_max(report.took),
        "bytes of files compared": files.bytes_read,
        "total seconds": round(time.monotonic() - started),
        "seed": args.seed,
    }
    invariants = "lost", "accepted twice", "made twice", "not one event id per terminal write"
    report.print_and_exit(figures, *invariants)


def _median_and_max(took: list[float]) -> str:
    return f"{statistics.median(took):.0f}, {max(took):.0f}" if took else ""


def restart_engine(stack: Stack, number: signal.Signals) -> str:
    """Stop or kill the engine and start it again; return the signal and the seconds."""
    show(f"{number.name} to the engine")
    started = time.monotonic()
    stack.restart_engine(number)
    return f"{number.name} {time.monotonic() - started:.1f}"


def wait_for_events(stack: Stack, listener: EventListener) -> None:
    """Wait until the listener has an event of each finished job, or the time limit is over."""
    deadline = time.monotonic() + EVENT_SECONDS
    finished = {job.id for job in rows(stack) if job.is_finished}
    while not finished <= listener.delivered.keys() and time.monotonic() < deadline:
        time.sleep(0.5)


if __name__ == "__main__":
    main()
