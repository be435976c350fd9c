"""Pages of an account's jobs."""

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, Field

from rushes.jobs.job import Job

MAX_PAGE_BYTES = 3 * 1024 * 1024
"""Of the jobs of one page: half of the 6 MB that a Lambda function may return."""


class JobPage(BaseModel):
    """One page of an account's jobs."""

    model_config = ConfigDict(frozen=True)

    jobs: tuple[Job, ...] = Field(default=())
    has_more: bool = False


def first_page(jobs: Iterable[Job], limit: int) -> JobPage:
    """Take the first jobs: at most `limit` and `MAX_PAGE_BYTES`, but at least one.

    The iterator may read from storage: at most one job beyond the page is taken from it.
    """
    page: list[Job] = []
    length = 0
    for job in jobs:
        length += len(job.model_dump_json().encode())
        if len(page) == limit or (page and length > MAX_PAGE_BYTES):
            return JobPage(jobs=tuple(page), has_more=True)
        page.append(job)
    return JobPage(jobs=tuple(page))
