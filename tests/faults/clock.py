"""Virtual time: runs scheduled actions in order, without waiting."""

import heapq
from collections.abc import Callable
from itertools import count

START = 1_790_000_000.0


class Clock:
    """Replaces the module `time` in the wiring of the functions."""

    def __init__(self) -> None:
        self.now = START
        self._queue: list[tuple[float, int, Callable[[], object]]] = []
        self._number = count()

    def time(self) -> float:
        return self.now

    monotonic = time

    def later(self, seconds: float, action: Callable[[], object]) -> None:
        heapq.heappush(self._queue, (self.now + seconds, next(self._number), action))

    def sleep(self, seconds: float) -> None:
        """Run the actions that are due while the caller sleeps."""
        end = self.now + seconds
        while self._queue and self._queue[0][0] <= end:
            self._step()
        self.now = max(self.now, end)

    def run(self, max_seconds: float) -> None:
        """Run all actions, up to `max_seconds` of virtual time."""
        end = START + max_seconds
        while self._queue and self._queue[0][0] <= end:
            self._step()

    def _step(self) -> None:
        moment, _, action = heapq.heappop(self._queue)
        self.now = max(self.now, moment)
        action()
