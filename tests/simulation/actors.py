"""Who takes turns: a piece of work in a greenlet, which gives way at each call of a port."""

from collections.abc import Callable
from typing import Any

from greenlet import getcurrent, greenlet


class DiedError(BaseException):
    """The process ended in the middle of its work. No code of ours may catch it."""


class Actor:
    """Work that gives way at each of its calls; it is done in a greenlet that was done with other.

    `ended` is told of the result, or of the exception.
    """

    def __init__(self, name: str, work: Callable[[], Any], ended: Callable[[Any], None]) -> None:
        self.name = name
        self.work = work
        self.ended = ended
        self.greenlet: greenlet | None = None
        self.result: Any = None
        self.is_dead = False
        self.is_over = False

    def run(self) -> None:
        try:
            self.result = self.work()
        except (Exception, DiedError) as error:  # noqa: BLE001 - judged by whoever started it
            self.result = error
        self.is_over = True


IDLE: list[greenlet] = []
"""Greenlets without work: a new one costs more than most of the work."""


def do_works(actor: Actor) -> None:
    me = getcurrent()
    while True:
        actor.run()
        IDLE.append(me)
        actor = me.parent.switch()
