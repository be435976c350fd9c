"""Executions of the state machine, asked for their state at a limited rate.

`DescribeExecution` has a quota of 10 calls a second in most regions, for the whole AWS account.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from rushes.jobs.job import Job
from rushes.ports.jobs import Executions


@dataclass
class PacedExecutions:
    """Waits before a call; several threads may share it."""

    executions: Executions
    per_second: float
    monotonic: Callable[[], float]
    sleep: Callable[[float], object]
    _next_at: float = 0.0
    _lock: Lock = field(default_factory=Lock)

    def start(self, job: Job) -> None:
        self.executions.start(job)

    def is_running(self, job: Job) -> bool | None:
        self.sleep(self._wait())
        return self.executions.is_running(job)

    def _wait(self) -> float:
        """Return the seconds until the call's turn."""
        with self._lock:
            now = self.monotonic()
            at = max(now, self._next_at)
            self._next_at = at + 1 / self.per_second
        return at - now
