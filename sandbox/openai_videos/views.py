"""Jobs as this API shows them, and calls as the ledger does."""

from sandbox.forms import Body
from sandbox.job import Job, JobStatus
from sandbox.request_log import Create, Source

EXPIRES_AFTER = 24 * 3600


def view_job(job: Job) -> dict[str, object]:
    """All thirteen published fields; what does not apply is null, never left out.

    Where the server keeps a reference of the client's, that comes on top.
    """
    completed = job.status is JobStatus.COMPLETED and job.ended_at is not None
    completed_at = int(job.ended_at) if completed and job.ended_at else None
    return {
        "id": job.id,
        "object": "video",
        "model": job.brief.model,
        "status": job.status.value,
        "progress": job.progress,
        "created_at": int(job.created_at),
        "completed_at": completed_at,
        "expires_at": completed_at and completed_at + EXPIRES_AFTER,
        "prompt": job.brief.prompt,
        "size": job.brief.size,
        "seconds": str(job.brief.seconds),
        "remixed_from_video_id": job.brief.clip_id,
        "error": job.failure and {"code": job.failure.code, "message": job.failure.message},
        **(job.brief.reference or {}),
    }


def view_list(jobs: list[Job], limit: int) -> dict[str, object]:
    page = jobs[:limit]
    return {
        "object": "list",
        "data": [view_job(job) for job in page],
        "first_id": page[0].id if page else None,
        "last_id": page[-1].id if page else None,
        "has_more": len(jobs) > len(page),
    }


def refused_create(source: Source, body: Body, idempotency_key: str | None) -> Create:
    """A call whose fields did not pass: as much of it as is of the right type."""
    texts = {
        name: value
        for name, value in body.fields.items()
        if isinstance(value, str) and name in ("prompt", "model", "size", "seconds")
    }
    seed = body.fields.get("seed")
    return Create(
        source=source,
        prompt=texts.get("prompt"),
        model=texts.get("model"),
        size=texts.get("size"),
        seconds=texts.get("seconds"),
        seed=seed if isinstance(seed, int) else None,
        idempotency_key=idempotency_key,
        has_input_reference="input_reference" in body.fields,
    )
