"""Jobs as this API shows them: everything at the top and once more under ``response``."""

import json
from datetime import UTC, datetime

from sandbox.fault_directives import UNKNOWN_STATUS
from sandbox.job import Job, JobStatus

STATUSES = {
    JobStatus.QUEUED: "pending",
    JobStatus.IN_PROGRESS: "processing",
    JobStatus.COMPLETED: "success",
    JobStatus.FAILED: "failed",
}


def view_job(job: Job, poll_address: str, output_address: str) -> dict[str, object]:
    failure = job.failure and {"code": job.failure.code, "message": job.failure.message}
    inner = {
        "id": job.id,
        "model": job.brief.model,
        "status": UNKNOWN_STATUS if "unknown-status" in job.directives else STATUSES[job.status],
        "acceptedAt": _moment(job.created_at),
        "startedAt": _moment(job.started_at),
        "completedAt": _moment(job.ended_at),
        "result": _result(job, output_address) if job.status is JobStatus.COMPLETED else None,
        "error": failure,
        "urls": {"GET": poll_address},
    }
    return {**inner, "response": inner}


def _result(job: Job, output_address: str) -> dict[str, object]:
    if job.brief.kind != "transcription":
        return {"outputs": [{"url": output_address}]}
    transcript: dict[str, object] = json.loads(job.media.read_text())
    return transcript


def _moment(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
