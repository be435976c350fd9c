"""Kill processes of the functions at random."""

import contextlib
import os
import random
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

from local.stack import Stack
from tests.chaos.background_thread import BackgroundThread

LIFE_SECONDS = 2.0
"""Average lifetime of a process in CPU seconds; its cold start takes one of them."""
WAITING_LIFE_SECONDS = 60.0
"""Average lifetime of an idle process in seconds."""
INTERVAL_SECONDS = 1.0
TICKS = os.sysconf("SC_CLK_TCK")
DEAD = "Z"
"""State of a zombie process, which is not killed again."""


class ProcessKiller(BackgroundThread):
    """Kills processes of the stack's functions in its `with` block, busy ones earlier."""

    def __init__(self, stack: Stack, seed: int) -> None:
        super().__init__(self._run)
        self.kills = 0
        self._stack = stack
        self._chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self._cpu_seconds: dict[int, float] = {}

    def _run(self) -> None:
        while not self.stopped.wait(INTERVAL_SECONDS):
            cpu_seconds = cpu_seconds_of_children(self._stack.engine_process_id)
            for process, seconds in cpu_seconds.items():
                since = seconds - self._cpu_seconds.get(process, 0.0)
                chance = since / LIFE_SECONDS + INTERVAL_SECONDS / WAITING_LIFE_SECONDS
                if self._chance.random() < chance:
                    delay = self._chance.uniform(0, INTERVAL_SECONDS)
                    threading.Timer(delay, self._kill, (process,)).start()
            self._cpu_seconds = cpu_seconds

    def _kill(self, process: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
            self.kills += 1


def cpu_seconds_of_children(parent: int) -> dict[int, float]:
    """Return CPU seconds by process id. All children of the engine are function processes."""
    table = _from_proc() if Path("/proc/self/stat").exists() else _from_ps()
    return {
        process: cpu_seconds for process, parent_id, cpu_seconds in table if parent_id == parent
    }


def _from_proc() -> Iterator[tuple[int, int, float]]:
    """Yield process, parent and CPU seconds, which `ps` would round."""
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # The name is in brackets and may contain spaces.
            fields = file.read_text().rpartition(")")[2].split()
            if fields[0] != DEAD:
                yield int(file.parent.name), int(fields[1]), sum(map(int, fields[11:13])) / TICKS


def _from_ps() -> Iterator[tuple[int, int, float]]:
    command = ["ps", "-A", "-o", "pid=,ppid=,time=,stat="]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    for process, parent, time, state in map(str.split, listed.splitlines()):
        minutes, _, seconds = time.rpartition(":")
        if not state.startswith(DEAD):
            yield int(process), int(parent), 60 * int(minutes.rpartition(":")[2]) + float(seconds)
