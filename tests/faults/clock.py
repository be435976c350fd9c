"""Virtual time: nothing in here waits, and what is to happen happens in its order."""

import heapq
from collections.abc import Callable
from itertools import count

START = 1_790_000_000.0


class Clock:
    """Stands in for the module `time` where the functions are wired."""

    def __init__(self) -> None:
        self.now = START
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._number = count()

    def time(self) -> float:
        return self.now

    monotonic = time

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (self.now + seconds, next(self._number), action))

    def sleep(self, seconds: float) -> None:
        """Whoever sleeps lets everybody else go on."""
        end = self.now + seconds
        while self._queue and self._queue[0][0] <= end:
            self._step()
        self.now = max(self.now, end)

    def run(self, most_seconds: float) -> None:
        """Until nothing is left to happen, or so much time has passed."""
        end = START + most_seconds
        while self._queue and self._queue[0][0] <= end:
            self._step()

    def _step(self) -> None:
        moment, _, action = heapq.heappop(self._queue)
        self.now = max(self.now, moment)
        action()
