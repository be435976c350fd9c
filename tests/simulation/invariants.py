"""Invariants of a job that are checked at each write."""

from collections.abc import Mapping
from typing import Any

from rushes.errors import RushesError
from rushes.jobs.job import Job
from rushes.jobs.status import JobStatus

ORDER = {JobStatus.QUEUED: 0, JobStatus.IN_PROGRESS: 1}
"""Rank of the open statuses; all others are terminal."""
NEVER_UNDONE = ("cancel_requested_at", "deleted_at", "purged_at", "finished_at")
FINAL_FIELDS = (
    *("status", "outcome", "error", "artifacts"),
    *("finished_at", "finished_by", "expires_at"),
)
"""Fields that do not change after the terminal write."""


class Invariants:
    """Collects violated invariants as sentences."""

    def __init__(self) -> None:
        self.violations: list[str] = []
        self.written_events: dict[str, Mapping[str, Any]] = {}
        """Every event that was written to an outbox, by event id."""
        self.interrupted: set[str] = set()
        """Jobs that finish failed without an outcome, because their execution had failed."""
        self.on_the_bus: list[Mapping[str, Any]] = []

    def check(self, is_kept: object, sentence: str) -> None:
        if not is_kept and sentence not in self.violations:
            self.violations.append(sentence)

    def check_error(self, actor: str, result: object) -> None:
        """Check that the core raises RushesError only."""
        is_known = not isinstance(result, Exception) or isinstance(result, RushesError)
        self.check(is_known, f"{actor} raised {result!r}")

    def on_write(self, before: Job | None, after: Job) -> None:
        for event in after.outbox:
            first = self.written_events.setdefault(event["id"], event)
            self.check(first == event, f"{event['id']} has two bodies")
        if before is None:
            self.check(after.status is JobStatus.QUEUED, "a new job is not queued")
            return
        name = after.id
        self.check(after.version > before.version, f"{name}: the version did not increase")
        self.check(after.executions >= before.executions, f"{name}: executions decreased")
        is_forward = _rank(after) >= _rank(before)
        self.check(is_forward, f"{name}: {after.status.value} came after {before.status.value}")
        for field in NEVER_UNDONE:
            kept = getattr(before, field) is None or getattr(after, field) is not None
            self.check(kept, f"{name}: {field} was undone")
        if len(before.attempts) == len(after.attempts):
            self.check(after.progress >= before.progress, f"{name}: progress decreased")
        if before.outcome:
            self.check(before.outcome == after.outcome, f"{name}: its outcome changed")
        self._check_outbox(before, after)
        if before.is_finished:
            self._check_final(before, after)
        elif after.is_finished:
            self._check_terminal_write(before, after)

    def _check_terminal_write(self, before: Job, after: Job) -> None:
        if before.outcome is None:
            self.interrupted.add(after.id)
        terminal = f"evt_{after.id}_{after.status.value}"
        has_event = any(event["id"] == terminal for event in after.outbox)
        self.check(has_event, f"{after.id}: the terminal write has no event")

    def _check_outbox(self, before: Job, after: Job) -> None:
        for event in before.outbox:
            kept = event in after.outbox or event in self.on_the_bus
            self.check(kept, f"{event['id']} left the outbox before it was published")

    def _check_final(self, before: Job, after: Job) -> None:
        for field in FINAL_FIELDS:
            same = getattr(before, field) == getattr(after, field)
            self.check(same, f"{after.id}: {field} changed after the terminal write")


def _rank(job: Job) -> int:
    return ORDER.get(job.status, 2)
