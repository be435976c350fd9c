"""Print every port call, write and fault of one seed."""

from collections.abc import Callable, Sequence
from typing import Any

from rushes.jobs.job import Job
from tests.simulation.harness import Harness

WIDTH = 300
QUIET = frozenset({"updated_at", "version", "request"})
"""Fields that are not printed."""


def print_trace(harness: Harness) -> None:
    """Print all further calls, writes and faults."""
    began = harness.clock.now
    harness.scheduler.on_call = lambda actor, operation, fault: _print_call(
        harness, began, actor, operation, fault
    )
    _trace_faults(harness, began)
    on_write = harness.jobs.on_write

    def write(before: Job | None, after: Job) -> None:
        _print_call(harness, began, "", f"→ {after.id} {changes(before, after)}", "")
        on_write(before, after)

    harness.jobs.on_write = write


def changes(before: Job | None, after: Job) -> str:
    if before is None:
        return f"new, for {after.model}"
    new = after.model_dump(mode="json", exclude_defaults=True)
    old = before.model_dump(mode="json", exclude_defaults=True)
    names = [name for name in {**old, **new} if new.get(name) != old.get(name)]
    return str({name: new.get(name) for name in names if name not in QUIET})


def _print_call(harness: Harness, began: float, actor: str, operation: str, fault: str) -> None:
    line = f"{harness.clock.now - began:8.1f}  {actor:40.40}  {operation}"
    print(line[:WIDTH] + (f"  ✗ {fault}" if fault else ""))


def _trace_faults(harness: Harness, began: float) -> None:
    fault: Callable[[str, Sequence[str]], str] = harness.schedule.fault

    def traced(operation: str, kinds: Sequence[str]) -> str:
        name = fault(operation, kinds)
        if name:
            _print_call(harness, began, "", operation, name)
        return name

    schedule: Any = harness.schedule
    schedule.fault = traced
