"""Transitions of a job whose executions are watched, replaced, paused or restored."""

from typing import Any, Self

from rushes.jobs.job_state import MIN_CHECK_DELAY, STALE_AFTER
from rushes.jobs.job_submission import SubmittedJob
from rushes.jobs.pause import Pause
from rushes.jobs.result import JobError
from rushes.jobs.status import Stage

RESTORED_WARNING = "restored from a backup: it is looked up at its provider and not sent again"


class RestartableJob(SubmittedJob):
    """A job with the transitions of the sweeper and of operators."""

    def cancel_requested(self, now: float) -> Self:
        """Record a cancel request and count the execution that will stop the job."""
        return self._with(
            now,
            cancel_requested_at=now,
            executions=self.executions + 1,
            check_at=now + STALE_AFTER,
        )

    def mark_running(self, now: float) -> Self:
        """Postpone the next check: the execution is running."""
        return self._with(now, pause=None, stage=self._begun_stage, check_at=now + STALE_AFTER)

    def planned(self, now: float, wait_seconds: float) -> Self:
        """Postpone the next check behind a wait of the execution, if it would come earlier."""
        is_begun = self.stage is not Stage.ACCEPTED
        if not self.needs_execution or (is_begun and self.with_wait(now, wait_seconds) is self):
            return self
        return self._with(now, stage=self._begun_stage).with_wait(now, wait_seconds)

    def with_wait(self, now: float, wait_seconds: float) -> Self:
        """Do the same as `planned`, to be written with another transition."""
        if self._stale_at >= now + wait_seconds + MIN_CHECK_DELAY:
            return self
        return self.model_copy(update={"check_at": now + wait_seconds + STALE_AFTER})

    def restarted(self, now: float) -> Self:
        """Count another execution, which replaces one that ended."""
        return self._with(
            now,
            executions=self.executions + 1,
            restarts=self.restarts_in_a_row + 1,
            restart_mark=self._mark,
            interrupted_at=None if self.operation or self.has_outcome else now,
            pause=None,
            check_at=now + STALE_AFTER,
        )

    @property
    def restarts_in_a_row(self) -> int:
        """Restarts since the job made progress."""
        return self.restarts if self.restart_mark == self._mark else 0

    @property
    def _mark(self) -> str:
        """Progress of the job: a later execution does not make it again."""
        counts = (len(self.attempts), self.submissions, len(self.collected_outputs))
        done = (bool(self.operation), bool(self.generated_at), self.has_outcome, self.is_finished)
        return f"{counts} {done}"

    def paused(self, now: float, pause: Pause) -> Self:
        return self._with(now, pause=pause)

    def resumed(self, now: float) -> Self:
        """End a pause by an operator's word: also a job of a backup may be sent to its provider."""
        released = {"lease_until": None, "submission_unconfirmed_since": None}
        return self._with(
            now,
            pause=None,
            restarts=0,
            epoch=self.restored_to or self.epoch,
            check_at=now + STALE_AFTER,
            deadline_at=self._renewed_deadline(now),
            **(released if self.is_quarantined else {}),
        )

    def interrupted(self, now: float, cause: str) -> Self:
        """Keep a job open whose execution failed before a provider had accepted it."""
        error = JobError(code="internal_error", message="the workflow failed")
        return self._with(now, interrupted_at=now, waiting=self._waiting(now, error, cause))

    def left_alone(self, now: float, wait_seconds: float) -> Self:
        """Postpone the next check of a job with unknown values; its create call has time, too."""
        waiting = {} if self.operation else {"interrupted_at": now}
        return self._with(now, **waiting).with_wait(now, wait_seconds)

    def restored(self, now: float, epoch: str) -> Self:
        """Mark an open job of a backup: its later create calls and results are not known."""
        return self._with(
            now,
            restored_to=epoch,
            deadline_at=self._renewed_deadline(now),
            attempt_at=now,
            failing_since=None,
            invalid_since=None,
            pause=None,
            warnings=self._warnings_with(RESTORED_WARNING),
            **self._possibly_sent(now),
        )

    def withheld(self, now: float) -> Self:
        """Mark the next create call of a job of a backup, after a failover, as possibly sent."""
        return self._with(now, **self._possibly_sent(now))

    def _possibly_sent(self, now: float) -> dict[str, Any]:
        """Return the changes after which also an older release sends no create call."""
        if self.operation or self.has_outcome:
            return {}
        return {
            "stage": Stage.WAITING,
            "lease_until": now,
            "submission_unconfirmed_since": self.submission_unconfirmed_since or now,
        }
