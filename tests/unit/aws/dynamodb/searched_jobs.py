"""Jobs for tests of searches, and a client that reads a search to its end."""

from collections.abc import Callable
from typing import Any

from rushes.jobs.job import Job
from rushes.jobs.labels import Labels
from rushes.jobs.request import GenerationRequest
from rushes.jobs.result import JobError, JobOutcome
from rushes.jobs.status import JobStatus
from rushes.jobs.summary import JobSummary, summary_of
from rushes.ports.search import JobFilter, JobSearch
from tests.unit.aws.dynamodb.listed_jobs import NOW, job_id

FAILURE = JobError(code="upstream_failed", message="no")


def new_job(number: int, account: str = "demo", **changes: Any) -> Job:
    given = {"prompt": "a ball", "model": "alias", "tags": {}, "user": None, **changes}
    labels = Labels(tags=given.pop("tags"), user=given.pop("user"))
    request = GenerationRequest(model=given.pop("model"), prompt=given.pop("prompt"))
    fields = {
        "id": job_id(number),
        "account": account,
        "dialect": "native",
        "provider": "fal",
        "upstream_model": "one",
        "model": "fal/one",
        "request": request,
        "labels": labels,
        "created_at": NOW + number,
        "updated_at": NOW + number,
        "deadline_at": NOW + 9_000_000,
        "cost": 0.5,
        "estimate": 0.5,
    }
    return Job(**{**fields, **given})


def finish(job: Job, status: JobStatus, error: JobError | None = None) -> Job:
    return job.finished(NOW, JobOutcome(status=status, error=error), "execution", 60)


def move(job: Job) -> Job:
    return job.failed_over(
        NOW, FAILURE, model="kling/two", provider="kling", upstream_model="two", cost=2.0
    )


STEPS: dict[str, Callable[[Job], Job]] = {
    "begin": lambda job: job.submitted(NOW, {"id": "1"}, ()).progressed(NOW, 5),
    "move": move,
    "bill": lambda job: job.generated(NOW, (), 0.75),
    "complete": lambda job: finish(job, JobStatus.COMPLETED),
    "fail": lambda job: finish(job, JobStatus.FAILED, FAILURE),
    "cancel": lambda job: finish(job, JobStatus.CANCELLED),
    "delete": lambda job: job.deleted(NOW),
}
LIVES = (
    (),
    ("begin",),
    ("move",),
    ("begin", "complete"),
    ("begin", "bill", "complete"),
    ("move", "begin", "complete"),
    ("fail",),
    ("cancel",),
    ("begin", "bill"),
    ("delete",),
    ("begin", "complete", "delete"),
)


def lived(job: Job, life: tuple[str, ...]) -> Job:
    for step in life:
        job = STEPS[step](job)
    return job


def present(job: Job) -> JobSummary:
    return summary_of(job).model_copy(update={"status": job.status})


def walk(
    found: JobSearch,
    jobs: JobFilter,
    limit: int = 3,
    account: str = "demo",
    *,
    newest_first: bool = True,
) -> list[JobSummary]:
    after: str | None = None
    result: list[JobSummary] = []
    for _ in range(200):
        page = found.page(account, jobs, limit, after, newest_first=newest_first)
        assert len(page.jobs) <= limit
        assert page.pages_read <= 3
        result += page.jobs
        if page.next_cursor is None:
            return result
        after = page.next_cursor
    raise AssertionError("the list has no end")
