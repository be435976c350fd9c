"""One seed in words: every call of a port, every write, and what went wrong."""

from collections.abc import Callable, Sequence
from typing import Any

from rushes.jobs.job import Job
from tests.simulation.harness import Harness

WIDTH = 300
QUIET = frozenset({"updated_at", "version", "request"})
"""Fields whose changes tell nothing."""


def tell(harness: Harness) -> None:
    """From now on, print what happens in it."""
    began = harness.clock.now
    harness.turns.note = lambda who, what, trouble: _say(harness, began, who, what, trouble)
    _overhear(harness, began)
    written = harness.jobs.written

    def write(before: Job | None, after: Job) -> None:
        _say(harness, began, "", f"→ {after.id} {changes(before, after)}", "")
        written(before, after)

    harness.jobs.written = write


def changes(before: Job | None, after: Job) -> str:
    if before is None:
        return f"new, for {after.model}"
    new = after.model_dump(mode="json", exclude_defaults=True)
    old = before.model_dump(mode="json", exclude_defaults=True)
    names = [name for name in {**old, **new} if new.get(name) != old.get(name)]
    return str({name: new.get(name) for name in names if name not in QUIET})


def _say(harness: Harness, began: float, who: str, what: str, trouble: str) -> None:
    line = f"{harness.clock.now - began:8.1f}  {who:40.40}  {what}"
    print(line[:WIDTH] + (f"  ✗ {trouble}" if trouble else ""))


def _overhear(harness: Harness, began: float) -> None:
    trouble: Callable[[str, Sequence[str]], str] = harness.fate.trouble

    def overheard(what: str, kinds: Sequence[str]) -> str:
        name = trouble(what, kinds)
        if name:
            _say(harness, began, "", what, name)
        return name

    fate: Any = harness.fate
    fate.trouble = overheard
