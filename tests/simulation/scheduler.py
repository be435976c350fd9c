"""Scheduler: many actors in one process, each a greenlet that runs until its next port call.

A `FaultSchedule` decides which actor continues, when time passes, and which calls fail, so that
the same decisions repeat the same run.
"""

import heapq
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, Protocol, TypeVar

from greenlet import getcurrent, greenlet

from rushes.errors import AwsUnavailable
from tests.fakes import FakeClock
from tests.simulation.actors import IDLE_GREENLETS, Actor, CrashError, run_actors

Result = TypeVar("Result")

CRASHES_BEFORE, CRASHES_AFTER = "crashes before", "crashes after"
FAILS_BEFORE, FAILS_AFTER = "fails before", "fails after"
CRASHES = (CRASHES_BEFORE, CRASHES_AFTER)
STORE_FAULTS = (*CRASHES, FAILS_BEFORE, FAILS_AFTER)
READ_FAULTS = (*CRASHES, FAILS_BEFORE)
"""Faults of an AWS call. "After" means that the call was executed and its answer lost."""


class FaultSchedule(Protocol):
    def choose(self, ready: Sequence[Actor]) -> Actor | None:
        """Choose the actor that continues; None advances time to the next timer."""
        ...

    def fault(self, operation: str, kinds: Sequence[str]) -> str:
        """Choose the fault of this call; empty means none."""
        ...

    def number(self, operation: str, low: int, high: int) -> int:
        """Choose a number from low to high, for example a duration."""
        ...


class Scheduler:
    """Runs actors and timers. `on_call`, if set, receives every port call, for a trace."""

    def __init__(self, schedule: FaultSchedule, clock: FakeClock) -> None:
        self.schedule = schedule
        self.clock = clock
        self.ready: list[Actor] = []
        self.asleep: set[Actor] = set()
        self.timers: list[tuple[float, int, Callable[[], None]]] = []
        self.calls = 0
        self.crashes: set[tuple[str, str]] = set()
        """Source positions of crashes in the core, and whether before or after the call."""
        self.on_call: Callable[[str, str, str], None] | None = None
        self._main = getcurrent()
        self._current: Actor | None = None
        self._next: Actor | None = None
        self._count = 0

    @property
    def current(self) -> Actor | None:
        """The actor that runs now."""
        return self._current

    def start(
        self,
        name: str,
        work: Callable[[], Any],
        *,
        limit: float | None = None,
        on_end: Callable[[Any], None] = lambda _: None,
    ) -> None:
        """Start an actor; it is killed after `limit` seconds."""
        actor = Actor(name, work, on_end)
        self.ready.append(actor)
        if limit is not None:
            self.after(limit, lambda: self.kill(actor))

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self.timers, (self.clock.now + seconds, self._count, action))

    def step(self) -> bool:
        """Run one actor to its next call or advance to the next timer; return False at the end."""
        if self._next is None and self.ready:
            self._next = self.schedule.choose(self.ready)
        if actor := self._next:
            self._next = None
            self.resume(actor)
        elif self.timers:
            self.advance_time()
        return bool(self.ready or self.timers)

    def advance_time(self) -> None:
        moment, _, action = heapq.heappop(self.timers)
        self.clock.now = max(self.clock.now, moment)
        action()

    def kill(self, actor: Actor) -> None:
        """Kill the actor's process: it receives no answer any more."""
        self._wake(actor)
        if actor not in self.ready:
            return
        actor.is_killed = True
        if actor.greenlet is not None:
            self.resume(actor)
        else:
            self.ready.remove(actor)
            actor.on_end(CrashError())

    def call(self, operation: str, work: Callable[[], Result], faults: Sequence[str]) -> Result:
        """Make a port call. Other actors may run before it and before its answer arrives."""
        if self._current is None:  # called by a check, outside of the simulation
            return work()
        if self._current.is_killed:
            raise CrashError
        fault = self.schedule.fault(operation, faults)
        self.calls += 1
        if self.on_call:
            self.on_call(self._current.name, operation, fault)
        self.yield_control()
        if fault == CRASHES_BEFORE:
            raise self._crash(fault)
        if fault == FAILS_BEFORE:
            raise AwsUnavailable(f"{operation}: throttled")
        result = work()
        if fault == CRASHES_AFTER:
            raise self._crash(fault)
        self.yield_control()
        if fault == FAILS_AFTER:
            raise AwsUnavailable(f"{operation}: answer lost")
        return result

    def yield_control(self) -> None:
        actor = self._current
        chosen = self.schedule.choose(self.ready)
        if actor is None or chosen is actor:
            return
        self._next = chosen
        self._main.switch()
        if actor.is_killed:
            raise CrashError

    def sleep(self, seconds: float) -> None:
        """Suspend the running actor; others continue."""
        actor = self._current
        if actor is None:
            self.clock.advance(seconds)
            return
        self.ready.remove(actor)
        self.asleep.add(actor)
        self.after(seconds, lambda: self._wake(actor))
        self._main.switch()
        if actor.is_killed:
            raise CrashError

    def _wake(self, actor: Actor) -> None:
        if actor in self.asleep:
            self.asleep.remove(actor)
            self.ready.append(actor)

    def resume(self, actor: Actor) -> None:
        """Continue the actor until it yields or ends."""
        self._current = actor
        if actor.greenlet is None:
            actor.greenlet = (
                IDLE_GREENLETS.pop() if IDLE_GREENLETS else greenlet(run_actors, parent=self._main)
            )
            actor.greenlet.switch(actor)
        else:
            actor.greenlet.switch()
        self._current = None
        if actor.has_ended:
            self.ready.remove(actor)
            actor.on_end(actor.result)

    def _crash(self, when: str) -> CrashError:
        self.crashes.add((call_site(), when))
        if self._current:
            self._current.is_killed = True
        return CrashError()


def call_site() -> str:
    """Return the line of the core that made the running call, and the line that called it."""
    lines: list[str] = []
    frame: FrameType | None = sys._getframe(1)
    while frame and len(lines) < 2:
        if frame.f_globals.get("__name__", "").startswith("rushes."):
            lines.append(f"{frame.f_globals['__name__']}:{frame.f_lineno}")
        frame = frame.f_back
    return " in ".join(lines)
