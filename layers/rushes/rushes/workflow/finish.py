"""The single way out: one terminal write, then one event."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict

from rushes import pace
from rushes.errors import StoreUnavailable
from rushes.events import ending
from rushes.job import Job, JobError, JobStatus, Verdict
from rushes.ports import Blobs, Clock, Jobs, Timings


class Ending(TypedDict):
    """`event` is absent where another execution has ended the job and announces it."""

    status: str
    event: NotRequired[dict[str, Any]]


@dataclass(frozen=True)
class Finish:
    """`bucket` is where the artifacts are, `keep_seconds` for how long."""

    jobs: Jobs
    blobs: Blobs
    timings: Timings
    clock: Clock
    bucket: str
    keep_seconds: float

    def __call__(
        self, account: str, job_id: str, execution: str, cause: str | None = None
    ) -> Ending:
        """`cause` is the name of the error that brought the machine here, where one did."""

        def end(job: Job) -> Job:
            if job.is_finished:
                return job
            verdict = job.verdict or _broken(job, cause)
            return job.finished(self.clock(), verdict, execution, self.keep_seconds)

        job = self.jobs.change(account, job_id, end)
        if job.deleted_at:
            self.blobs.delete(f"outputs/{account}/{job_id}/")
            self.blobs.delete(f"inputs/{account}/{job_id}/")
        if job.finished_by != execution:
            return {"status": job.status.value}
        with suppress(StoreUnavailable):  # the next job teaches the same; the event is said once
            self._learn(job)
        event = ending(job, self.bucket).model_dump(mode="json")
        return {"status": job.status.value, "event": event}

    def _learn(self, job: Job) -> None:
        if job.status is JobStatus.COMPLETED and job.submitted_at and job.generated_at:
            kind = pace.kind_of(job)
            seconds = job.generated_at - job.submitted_at
            self.timings.put(kind, pace.learned(self.timings.get(kind), seconds))


def _broken(job: Job, cause: str | None) -> Verdict:
    message = f"the workflow broke off ({cause})" if cause else "the workflow broke off"
    unknown = job.lease_until is not None and job.operation is None
    code = "upstream_outcome_unknown" if unknown else "internal_error"
    error = JobError(code=code, message=message)
    return Verdict(status=JobStatus.FAILED, error=error)
