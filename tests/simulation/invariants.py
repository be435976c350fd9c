"""What is promised of every job, held against each write as it is made."""

from collections.abc import Mapping
from typing import Any

from rushes.errors import RushesError
from rushes.jobs.job import Job
from rushes.jobs.status import JobStatus

ORDER = {JobStatus.QUEUED: 0, JobStatus.IN_PROGRESS: 1}
"""All other statuses come last, and stay."""
NEVER_UNDONE = ("cancel_requested_at", "deleted_at", "purged_at", "finished_at")
SETTLED = ("status", "outcome", "error", "finished_at", "finished_by", "expires_at", "artifacts")
"""What stays as it is once a job has ended."""


class Promises:
    """`broken` says what was, in sentences; empty where all is well."""

    def __init__(self) -> None:
        self.broken: list[str] = []
        self.told: dict[str, Mapping[str, Any]] = {}
        """Every event that was written to a row, by its id."""
        self.on_the_bus: list[Mapping[str, Any]] = []

    def hold(self, is_kept: object, sentence: str) -> None:
        if not is_kept and sentence not in self.broken:
            self.broken.append(sentence)

    def expected(self, who: str, result: object) -> None:
        """That code of ours raises only errors of ours."""
        is_known = not isinstance(result, Exception) or isinstance(result, RushesError)
        self.hold(is_known, f"{who} raised {result!r}")

    def written(self, before: Job | None, after: Job) -> None:
        for event in after.outbox:
            said = self.told.setdefault(event["id"], event)
            self.hold(said == event, f"{event['id']} was told with two bodies")
        if before is None:
            self.hold(after.status is JobStatus.QUEUED, "a job began otherwise than queued")
            return
        name = after.id
        self.hold(after.version > before.version, f"{name}: the version did not grow")
        self.hold(after.executions >= before.executions, f"{name}: executions ran backwards")
        ran_on = _rank(after) >= _rank(before)
        self.hold(ran_on, f"{name}: {after.status.value} came after {before.status.value}")
        for field in NEVER_UNDONE:
            kept = getattr(before, field) is None or getattr(after, field) is not None
            self.hold(kept, f"{name}: {field} was undone")
        if len(before.attempts) == len(after.attempts):
            self.hold(after.progress >= before.progress, f"{name}: progress ran backwards")
        if before.outcome:
            self.hold(before.outcome == after.outcome, f"{name}: its verdict was changed")
        self._hold_outbox(before, after)
        if before.is_finished:
            self._hold_settled(before, after)
        elif after.is_finished:
            ids = [event["id"] for event in after.outbox]
            told = f"evt_{name}_{after.status.value}" in ids
            self.hold(told, f"{name}: its ending was written without its event")

    def _hold_outbox(self, before: Job, after: Job) -> None:
        for event in before.outbox:
            kept = event in after.outbox or event in self.on_the_bus
            self.hold(kept, f"{event['id']} left the outbox and was not on the bus")

    def _hold_settled(self, before: Job, after: Job) -> None:
        for field in SETTLED:
            same = getattr(before, field) == getattr(after, field)
            self.hold(same, f"{after.id}: {field} changed after its end")


def _rank(job: Job) -> int:
    return ORDER.get(job.status, 2)
