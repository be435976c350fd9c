"""Actors: work in greenlets that yield control at each port call."""

from collections.abc import Callable
from typing import Any

from greenlet import getcurrent, greenlet


class CrashError(BaseException):
    """Ends a killed process. It is a BaseException so that the core does not catch it."""


class Actor:
    """Work in a reused greenlet; `on_end` receives its result or its exception."""

    def __init__(self, name: str, work: Callable[[], Any], on_end: Callable[[Any], None]) -> None:
        self.name = name
        self.work = work
        self.on_end = on_end
        self.greenlet: greenlet | None = None
        self.result: Any = None
        self.is_killed = False
        self.has_ended = False

    def run(self) -> None:
        try:
            self.result = self.work()
        except (Exception, CrashError) as error:  # noqa: BLE001 - on_end checks it
            self.result = error
        self.has_ended = True


IDLE_GREENLETS: list[greenlet] = []
"""Greenlets to reuse: a new one costs more than most of the work."""


def run_actors(actor: Actor) -> None:
    me = getcurrent()
    while True:
        actor.run()
        IDLE_GREENLETS.append(me)
        actor = me.parent.switch()
