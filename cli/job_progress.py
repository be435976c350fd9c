"""Progress of a job: a bar on a terminal, else one line for each change."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from cli.errors import CommandError

OPEN = frozenset({"queued", "in_progress"})
PAUSE_SECONDS = 2.0


@dataclass(frozen=True)
class JobState:
    """`note` is the stage, or the reason for which the job waits."""

    status: str
    progress: int
    note: str = ""


class ProgressView:
    """Writes to standard error, so that the command's result can be piped."""

    def __init__(self, *, quiet: bool = False) -> None:
        console = Console(stderr=True, highlight=False, markup=False)
        self._bar: Progress | None = None
        self._last = ""
        self._quiet = quiet
        if console.is_terminal and not quiet:
            columns = (TextColumn("{task.fields[status]:<11}"), BarColumn(40))
            texts = (TextColumn("{task.percentage:3.0f} %"), TextColumn("{task.fields[note]}"))
            self._bar = Progress(*columns, *texts, TimeElapsedColumn(), console=console)

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
            self._task = self._bar.add_task("job", total=100, status="queued", note="")
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        if self._bar:
            self._bar.stop()

    def show(self, state: JobState) -> None:
        if self._bar:
            self._bar.update(
                self._task, completed=state.progress, status=state.status, note=state.note
            )
            return
        line = f"{state.status} {state.progress} % {state.note}".rstrip()
        if line != self._last and not self._quiet:
            typer.echo(line, err=True)
        self._last = line


def watch(read: Callable[[], JobState], timeout: float, *, quiet: bool) -> JobState:
    """Show a job until it ends, and return its last state.

    Raises
    ------
    CommandError
        If it has not ended in time; it goes on.
    """
    deadline = time.monotonic() + timeout
    with ProgressView(quiet=quiet) as view:
        while True:
            state = read()
            view.show(state)
            if state.status not in OPEN:
                return state
            if time.monotonic() > deadline:
                raise CommandError(f"the job has not ended in {timeout:.0f} s; it goes on")
            try:
                time.sleep(PAUSE_SECONDS)
            except KeyboardInterrupt:
                typer.echo("interrupted: the job goes on", err=True)
                raise
