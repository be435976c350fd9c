"""`python -m tests.chaos`: many jobs, while their functions and the engine are killed under them.

It prints a table of figures, and ends with status 1 when a promise was not kept.
"""

import argparse
import signal
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

from local.stack import Stack
from rushes.catalog.models import catalog
from tests.chaos.event_listener import Listener
from tests.chaos.job_clients import HandingIn
from tests.chaos.killer import Killer
from tests.chaos.outcome_checks import judge
from tests.chaos.records import Files, read, rows

RATE = 4.0
"""Jobs that are handed in in a second."""
WAIT_SCALE = "0.5"
RESTARTS = (signal.SIGTERM, signal.SIGKILL, signal.SIGTERM)
PATIENCE_SECONDS = 600.0
QUIET_SECONDS = 5.0
"""After the last ending, for events that are still on their way."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--jobs", type=int, default=500)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 2**32)
    asked = parser.parse_args()
    begun = time.monotonic()
    with (
        tempfile.TemporaryDirectory() as folder,
        Stack(Path(folder) / "state", keep=True, wait_scale=WAIT_SCALE) as stack,
        Listener(stack) as listener,
    ):
        handing_in = HandingIn(stack)
        with Killer(stack, asked.seed) as killer:
            downtimes = trouble(stack, handing_in, asked.jobs)
            still_open = wait_until_all_ended(stack)
        time.sleep(QUIET_SECONDS)
        records, files = read(stack), Files(stack)
        report = judge(handing_in.accepted, records, listener.told, files, catalog())
    if len(handing_in.accepted) != asked.jobs:
        report.breaks("not accepted", str(dict(handing_in.given_up)))
    figures = {
        "jobs accepted": len(handing_in.accepted),
        "create calls of clients that had to be repeated": handing_in.repetitions,
        "function processes killed (SIGKILL)": killer.kills,
        "engine restarts, seconds each": ", ".join(downtimes),
        "executions started, beyond the first of a job": records.executions - len(records.jobs),
        "completed, file and row agree": report.completed,
        "failed as upstream_outcome_unknown": report.outcome_unknown,
        "create calls repeated under their key": report.repeated_by_key,
        "still open": still_open,
        "events delivered more than once": report.event_repetitions,
        "seconds of a job, median and longest": _median_and_longest(report.took),
        "bytes of files compared": files.bytes_read,
        "seconds in all": round(time.monotonic() - begun),
        "seed": asked.seed,
        **{
            promise: report.broken[promise]
            for promise in ("lost", "accepted twice", "made twice", "not one event id per ending")
        },
    }
    for name, value in (figures | report.broken).items():
        print(f"{name:<50} {value}")
    print(*report.examples[:20], sep="\n")
    sys.exit(1 if report.broken else 0)


def _median_and_longest(took: list[float]) -> str:
    return f"{statistics.median(took):.0f}, {max(took):.0f}" if took else ""


def trouble(stack: Stack, handing_in: HandingIn, jobs: int) -> list[str]:
    """Hand the jobs in; at each quarter of them the engine ends, in order or not, and starts."""
    clients = threading.Thread(target=handing_in.hand_in, args=(jobs, RATE))
    clients.start()
    downtimes = []
    try:
        for quarter, number in enumerate(RESTARTS, start=1):
            while clients.is_alive() and len(handing_in.accepted) < jobs * quarter // 4:
                time.sleep(0.1)
            begun = time.monotonic()
            stack.restart_engine(number)
            downtimes.append(f"{number.name} {time.monotonic() - begun:.1f}")
        clients.join()
    finally:
        handing_in.stop()
    return downtimes


def wait_until_all_ended(stack: Stack) -> int:
    """How many had not when patience was over."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while still_open := sum(not job.is_finished for job in rows(stack)):
        if time.monotonic() > deadline:
            break
        time.sleep(5)
    return still_open


if __name__ == "__main__":
    main()
