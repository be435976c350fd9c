"""Processes of the functions, killed at random for as long as it lasts."""

import contextlib
import os
import random
import signal
import subprocess
import threading
from types import TracebackType
from typing import Self

from local.stack import Stack

LIFE_SECONDS = 3.0
"""Of processor time, what a process has on average; its cold start takes one of them."""
LOOK_SECONDS = 1.0


class Killer:
    """Within its `with` block, processes of the stack's functions get SIGKILL where they work."""

    def __init__(self, stack: Stack, seed: int) -> None:
        self.kills = 0
        self._stack = stack
        self._chance = random.Random(seed)  # noqa: S311 - it only has to be repeatable
        self._worked: dict[int, float] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            worked = work_of_children(self._stack.engine_process_id)
            for process, seconds in worked.items():
                since = seconds - self._worked.get(process, 0.0)
                if self._chance.random() < since / LIFE_SECONDS:
                    # At no particular moment of the second.
                    soon = self._chance.uniform(0, LOOK_SECONDS)
                    threading.Timer(soon, self._kill, (process,)).start()
            self._worked = worked

    def _kill(self, process: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
            self.kills += 1


def work_of_children(parent: int) -> dict[int, float]:
    """Seconds of processor time. The engine has no children but its functions' processes."""
    command = ["ps", "-A", "-o", "pid=,ppid=,stat=,time="]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rows = (line.split() for line in listed.splitlines())
    return {
        int(process): seconds(time)
        for process, of, state, time in rows
        if int(of) == parent and not state.startswith("Z")
    }


def seconds(written: str) -> float:
    """`1-02:03:04` and `02:03:04` on Linux, `2:03.04` on a Mac."""
    days, _, clock = written.rpartition("-")
    total = 0.0
    for part in clock.split(":"):
        total = total * 60 + float(part)
    return total + 86400 * int(days or 0)
