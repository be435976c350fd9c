"""Jobs for tests of lists, and a client that reads a list to its end."""

from typing import Any

from rushes.aws.dynamodb.jobs import JobTable
from rushes.jobs.job import Job
from rushes.jobs.job_id import new_id
from rushes.jobs.request import GenerationRequest
from rushes.ports.jobs import JobQuery
from tests.unit.aws.dynamodb.moto_table import CountedTable

NOW = 1_800_000_000.0


def job_id(number: int) -> str:
    return new_id(NOW + number, "0")


def job_of(number: int, provider: str = "rare", prompt: str = "a ball") -> Job:
    return Job(
        id=job_id(number),
        account="demo",
        dialect="bifrost",
        provider=provider,
        upstream_model="one",
        request=GenerationRequest(model="one", prompt=prompt),
        created_at=NOW + number,
        updated_at=NOW + number,
        deadline_at=NOW + 9_000_000,
    )


def stored_item(job: Job) -> dict[str, Any]:
    """Return the item of a job as release 0.2.0 stored it."""
    return {
        "pk": {"S": f"JOB#{job.account}#{job.id}"},
        "sk": {"S": "job"},
        "document": {"S": job.model_dump_json(exclude={"request_revision", "check_at"})},
        "status": {"S": job.status.value},
        "version": {"N": str(job.version)},
        "provider": {"S": job.provider},
        "list_pk": {"S": f"{job.account}#0"},
        "list_sk": {"S": job.id},
        "provider_pk": {"S": f"{job.account}#{job.provider}"},
    }


def walk(
    table: CountedTable, limit: int, *, newest_first: bool = True, provider: str | None = "rare"
) -> list[list[str]]:
    """Return the ids on each page; each page takes at most `table.max_calls` calls."""
    jobs, after, pages = JobTable(table.client, table.name), None, []
    while True:
        table.calls.clear()
        query = JobQuery(limit=limit, after=after, newest_first=newest_first, provider=provider)
        page = jobs.page("demo", query)
        pages.append([job.id for job in page.jobs])
        if not page.has_more:
            return pages
        after = pages[-1][-1]
