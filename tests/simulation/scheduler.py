"""One process, many actors: each goes on until it calls a port, then somebody else may.

An actor is a greenlet. What is decided (whose turn it is, whether time passes meanwhile, what goes
wrong at a call) is asked of a `Fate`, so that the same answers give the same run again.
"""

import heapq
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, Protocol, TypeVar

from greenlet import getcurrent, greenlet

from rushes.errors import AwsUnavailable
from tests.fakes import FakeClock
from tests.simulation.actors import IDLE, Actor, DiedError, do_works

Result = TypeVar("Result")

DIES_BEFORE, DIES_AFTER = "dies before", "dies after"
FAILS_BEFORE, FAILS_AFTER = "fails before", "fails after"
DEATHS = (DIES_BEFORE, DIES_AFTER)
STORE_TROUBLES = (*DEATHS, FAILS_BEFORE, FAILS_AFTER)
READ_TROUBLES = (*DEATHS, FAILS_BEFORE)
"""What can happen to a call of AWS: done or not done, and the caller learns nothing of it."""


class Fate(Protocol):
    def turn(self, ready: Sequence[Actor]) -> Actor | None:
        """Whose turn it is of those that are ready; None for time to pass until the next timer."""
        ...

    def trouble(self, what: str, kinds: Sequence[str]) -> str:
        """What goes wrong here, or nothing."""
        ...

    def number(self, what: str, low: int, high: int) -> int:
        """How many seconds something takes, for example."""
        ...


class Turns:
    """`note` is told of every call, where somebody wants to read along."""

    def __init__(self, fate: Fate, clock: FakeClock) -> None:
        self.fate = fate
        self.clock = clock
        self.ready: list[Actor] = []
        self.asleep: set[Actor] = set()
        self.timers: list[tuple[float, int, Callable[[], None]]] = []
        self.calls = 0
        self.deaths: set[tuple[str, str]] = set()
        """Where in our code an actor died, and whether before or after the call was done."""
        self.note: Callable[[str, str, str], None] | None = None
        self._main = getcurrent()
        self._current: Actor | None = None
        self._next: Actor | None = None
        self._count = 0

    def start(
        self,
        name: str,
        work: Callable[[], Any],
        *,
        limit: float | None = None,
        ended: Callable[[Any], None] = lambda _: None,
    ) -> None:
        """Begin work that is over, one way or the other, after `limit` seconds."""
        actor = Actor(name, work, ended)
        self.ready.append(actor)
        if limit is not None:
            self.after(limit, lambda: self.kill(actor))

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self.timers, (self.clock.now + seconds, self._count, action))

    def step(self) -> bool:
        """Let one actor go on to its next call, or time to its next timer; False at the end."""
        if self._next is None and self.ready:
            self._next = self.fate.turn(self.ready)
        if actor := self._next:
            self._next = None
            self.resume(actor)
        elif self.timers:
            self.pass_time()
        return bool(self.ready or self.timers)

    def pass_time(self) -> None:
        moment, _, action = heapq.heappop(self.timers)
        self.clock.now = max(self.clock.now, moment)
        action()

    def kill(self, actor: Actor) -> None:
        """Its process is gone; what it was about to hear it never hears."""
        self._wake(actor)
        if actor not in self.ready:
            return
        actor.is_dead = True
        if actor.greenlet is not None:
            self.resume(actor)
        else:
            self.ready.remove(actor)
            actor.ended(DiedError())

    def call(self, what: str, work: Callable[[], Result], troubles: Sequence[str]) -> Result:
        """A call of a port: others may act before it is done, and before its answer is seen."""
        if self._current is None:  # somebody outside looks on
            return work()
        if self._current.is_dead:
            raise DiedError
        trouble = self.fate.trouble(what, troubles)
        self.calls += 1
        if self.note:
            self.note(self._current.name, what, trouble)
        self.give_way()
        if trouble == DIES_BEFORE:
            raise self._death(trouble)
        if trouble == FAILS_BEFORE:
            raise AwsUnavailable(f"{what}: throttled")
        result = work()
        if trouble == DIES_AFTER:
            raise self._death(trouble)
        self.give_way()
        if trouble == FAILS_AFTER:
            raise AwsUnavailable(f"{what}: the answer was lost")
        return result

    def give_way(self) -> None:
        actor = self._current
        chosen = self.fate.turn(self.ready)
        if actor is None or chosen is actor:
            return
        self._next = chosen
        self._main.switch()
        if actor.is_dead:
            raise DiedError

    def sleep(self, seconds: float) -> None:
        """The running actor waits; others go on."""
        actor = self._current
        if actor is None:
            self.clock.advance(seconds)
            return
        self.ready.remove(actor)
        self.asleep.add(actor)
        self.after(seconds, lambda: self._wake(actor))
        self._main.switch()
        if actor.is_dead:
            raise DiedError

    def _wake(self, actor: Actor) -> None:
        if actor in self.asleep:
            self.asleep.remove(actor)
            self.ready.append(actor)

    def resume(self, actor: Actor) -> None:
        """Let it go on until it gives way or is over."""
        self._current = actor
        if actor.greenlet is None:
            actor.greenlet = IDLE.pop() if IDLE else greenlet(do_works, parent=self._main)
            actor.greenlet.switch(actor)
        else:
            actor.greenlet.switch()
        self._current = None
        if actor.is_over:
            self.ready.remove(actor)
            actor.ended(actor.result)

    def _death(self, when: str) -> DiedError:
        self.deaths.add((place(), when))
        if self._current:
            self._current.is_dead = True
        return DiedError()


def place() -> str:
    """Where in our code the running call was made from, and by whom that was called."""
    lines: list[str] = []
    frame: FrameType | None = sys._getframe(1)
    while frame and len(lines) < 2:
        if frame.f_globals.get("__name__", "").startswith("rushes."):
            lines.append(f"{frame.f_globals['__name__']}:{frame.f_lineno}")
        frame = frame.f_back
    return " in ".join(lines)
