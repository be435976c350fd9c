"""The summary item of a job: which write writes it, and items without one or with an old one."""

from collections.abc import Callable
from typing import Any

import pytest

from rushes.aws.dynamodb.jobs import JobTable
from rushes.aws.dynamodb.summary_items import RETENTION_SECONDS, read_summary
from rushes.jobs.job import Job
from rushes.jobs.labels import Labels
from rushes.jobs.result import JobError, JobOutcome
from rushes.jobs.status import JobStatus
from rushes.jobs.summary import summary_of
from tests.unit.aws.dynamodb.listed_jobs import NOW, job_id, job_of, stored_item
from tests.unit.aws.dynamodb.moto_table import TABLE, CountedTable

PK = f"JOB#demo#{job_id(1)}"
FAILURE = JobError(code="upstream_failed", message="no")


@pytest.fixture
def jobs(table: CountedTable) -> JobTable:
    return JobTable(table.client, table.name)


def new_job() -> Job:
    labels = Labels(tags={"team": "ads"}, user="u1")
    return job_of(1, prompt="x" * 500).model_copy(update={"labels": labels, "cost": 0.5})


def finish(job: Job, status: JobStatus, error: JobError | None = None) -> Job:
    return job.finished(NOW, JobOutcome(status=status, error=error), "execution", 60)


def change(jobs: JobTable, *steps: Callable[[Job], Job]) -> Job:
    job = new_job()
    for step in steps:
        job = jobs.change("demo", job_id(1), step)
    return job


def test_summary_is_stored_with_the_new_job(table: CountedTable, jobs: JobTable):
    jobs.add(new_job())
    assert table.calls == {"TransactWriteItems": 1}
    item = table.item(PK, "summary")
    assert read_summary(item) == summary_of(new_job())
    assert (item["summary_pk"], item["list_sk"]) == ({"S": "demo"}, {"S": job_id(1)})
    assert float(item["expires"]["N"]) == NOW + 1 + RETENTION_SECONDS
    assert "status" not in item


STEPS: dict[str, Callable[[Job], Job]] = {
    "lease": lambda job: job.submitting(NOW, 60),
    "progress": lambda job: job.progressed(NOW, 50),
    "result": lambda job: job.generated(NOW, (), 0.5),
    "failover": lambda job: job.failed_over(
        NOW, FAILURE, model="b", provider="spare", upstream_model="b", cost=2.0
    ),
}


@pytest.mark.parametrize("step", STEPS)
def test_steps_of_an_open_job_leave_its_summary(table: CountedTable, jobs: JobTable, step: str):
    jobs.add(new_job())
    before = table.item(PK, "summary")
    change(jobs, STEPS[step])
    assert table.item(PK, "summary") == before


ENDS: dict[str, tuple[Callable[[Job], Job], ...]] = {
    "completed": (STEPS["result"], lambda job: finish(job, JobStatus.COMPLETED)),
    "failed": (lambda job: finish(job, JobStatus.FAILED, FAILURE),),
    "cancelled": (lambda job: finish(job, JobStatus.CANCELLED),),
    "archived": (
        lambda job: finish(job, JobStatus.CANCELLED),
        lambda job: job.archived(NOW, (), 0.25),
    ),
    "deleted open": (lambda job: job.deleted(NOW),),
    "deleted": (
        STEPS["result"],
        lambda job: finish(job, JobStatus.COMPLETED),
        lambda job: job.deleted(NOW),
    ),
}


@pytest.mark.parametrize("end", ENDS)
def test_final_write_and_later_changes_write_the_summary_together(
    table: CountedTable, jobs: JobTable, end: str
):
    jobs.add(new_job())
    *before, last = ENDS[end]
    change(jobs, *before)
    table.calls.clear()
    job = change(jobs, last)
    assert table.calls == {"Query": 1, "TransactWriteItems": 1}
    assert read_summary(table.item(PK, "summary")) == summary_of(job)


def test_write_that_changes_nothing_of_the_summary_leaves_it(table: CountedTable, jobs: JobTable):
    jobs.add(new_job())
    change(jobs, STEPS["result"], lambda job: finish(job, JobStatus.COMPLETED))
    table.calls.clear()
    change(jobs, lambda job: job.published(NOW, ()))
    assert table.calls == {"Query": 1, "PutItem": 1}


@pytest.mark.parametrize("step", [STEPS["progress"], ENDS["failed"][0]])
def test_job_of_an_older_release_gets_its_summary_with_its_next_write(
    table: CountedTable, jobs: JobTable, step: Callable[[Job], Job]
):
    table.fill(iter([stored_item(new_job())]))
    stored = jobs.get("demo", job_id(1))
    assert stored
    assert not stored.has_summary
    job = change(jobs, step)
    assert job.has_summary
    assert read_summary(table.item(PK, "summary")) == summary_of(job)
    assert "list_pk" not in table.item(PK)
    assert jobs.get("demo", job_id(1)) == job


def test_job_that_an_older_release_has_written_meanwhile_gets_a_new_summary(
    table: CountedTable, jobs: JobTable
):
    """A rollback: the older release ends a job without its summary."""
    jobs.add(new_job())
    ended = finish(new_job(), JobStatus.COMPLETED)
    table.fill(iter([stored_item(ended)]))
    assert read_summary(table.item(PK, "summary")).status is None
    job = change(jobs, lambda job: job.published(NOW, ()))
    assert read_summary(table.item(PK, "summary")) == summary_of(job)
    assert summary_of(job).status is JobStatus.COMPLETED


def test_read_of_a_job_does_not_read_its_summary(table: CountedTable, jobs: JobTable):
    jobs.add(new_job())
    read: list[str] = []

    def record(parsed: dict[str, Any], **_: Any) -> None:
        read.extend(item["sk"]["S"] for item in parsed["Items"])

    table.client.meta.events.register("after-call.dynamodb.Query", record)
    assert jobs.get("demo", job_id(1)) == new_job()
    table.client.meta.events.unregister("after-call.dynamodb.Query", record)
    assert read == ["job", "request"]


def test_summary_without_its_job_is_no_job(table: CountedTable, jobs: JobTable):
    jobs.add(new_job())
    for sk in ("job", "request"):
        table.client.delete_item(TableName=TABLE, Key={"pk": {"S": PK}, "sk": {"S": sk}})
    assert jobs.get("demo", job_id(1)) is None
