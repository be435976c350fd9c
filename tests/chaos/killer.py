"""Processes of the functions, killed at random for as long as it lasts."""

import contextlib
import os
import random
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

from local.stack import Stack

LIFE_SECONDS = 2.0
"""Of processor time, what a process has on average; its cold start takes one of these."""
WAITING_LIFE_SECONDS = 60.0
"""Of time, for those that only wait."""
LOOK_SECONDS = 1.0
TICKS = os.sysconf("SC_CLK_TCK")
DEAD = "Z"
"""A process that the engine has not taken leave of yet; to kill it again is nothing."""


class Killer:
    """Within its `with` block, processes of the stack's functions get SIGKILL, busy ones sooner."""

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
                chance = since / LIFE_SECONDS + LOOK_SECONDS / WAITING_LIFE_SECONDS
                if self._chance.random() < chance:
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
    table = _from_proc() if Path("/proc/self/stat").exists() else _from_ps()
    return {process: worked for process, of, worked in table if of == parent}


def _from_proc() -> Iterator[tuple[int, int, float]]:
    """Process, parent, seconds; `ps` would round these here."""
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The name, in brackets, may hold anything.
            facts = file.read_text().rpartition(")")[2].split()
            if facts[0] != DEAD:
                yield int(file.parent.name), int(facts[1]), sum(map(int, facts[11:13])) / TICKS


def _from_ps() -> Iterator[tuple[int, int, float]]:
    command = ["ps", "-A", "-o", "pid=,ppid=,time=,stat="]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for process, parent, time, state in map(str.split, listed.splitlines()):
        minutes, _, seconds = time.rpartition(":")
        if not state.startswith(DEAD):
            yield int(process), int(parent), 60 * int(minutes.rpartition(":")[2]) + float(seconds)
