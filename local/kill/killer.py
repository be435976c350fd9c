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

LIFE_SECONDS = 15.0
"""What a process has on average. A cold start takes two of them here."""
LOOK_SECONDS = 1.0


class Killer:
    """Within its `with` block, processes of the stack's functions get SIGKILL, busy or not."""

    def __init__(self, stack: Stack, seed: int) -> None:
        self.kills = 0
        self._stack = stack
        self._chance = random.Random(seed)  # noqa: S311 - it only has to be repeatable
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
            for process in children_of(self._stack.engine_process_id):
                if self._chance.random() < LOOK_SECONDS / LIFE_SECONDS:
                    self._kill_soon(process)

    def _kill_soon(self, process: int) -> None:
        """At no particular moment of the second."""
        threading.Timer(self._chance.uniform(0, LOOK_SECONDS), self._kill, (process,)).start()

    def _kill(self, process: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
            self.kills += 1


def children_of(parent: int) -> list[int]:
    """The engine's children are its functions' processes, and nothing else."""
    command = ["ps", "-A", "-o", "pid=,ppid="]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    pairs = (map(int, line.split()) for line in listed.splitlines())
    return [child for child, of in pairs if of == parent]
