"""The two items of a job: which write changes which, and reads while they are being written."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from rushes.aws.dynamodb import job_reader
from rushes.aws.dynamodb.job_items import RETENTION_SECONDS, SETTLED_SECONDS
from rushes.aws.dynamodb.jobs import JobTable
from rushes.errors import CorruptRecord
from rushes.jobs.job import Job
from rushes.jobs.request import Input, Role, StoredFile, WebhookTarget
from rushes.jobs.result import JobError, Output
from rushes.ports.jobs import JobQuery
from tests.unit.aws.dynamodb.listed_jobs import NOW, job_id, job_of, stored_item
from tests.unit.aws.dynamodb.moto_table import TABLE, CountedTable

PK = f"JOB#demo#{job_id(1)}"
PROMPT = "x" * 32_000
IMAGE = StoredFile(key="inputs/demo/1/0.png", content_type="image/png", size=9)


@pytest.fixture
def jobs(table: CountedTable, monkeypatch: pytest.MonkeyPatch) -> JobTable:
    monkeypatch.setattr(job_reader, "MAX_PAUSE", 0.0)
    return JobTable(table.client, table.name)


def new_job() -> Job:
    return job_of(1, prompt=PROMPT).model_copy(
        update={"webhook": WebhookTarget(url="https://a.example/hook"), "preferences": {"a": "b"}}
    )


STEPS: dict[str, Callable[[Job], Job]] = {
    "lease": lambda job: job.submitting(NOW, 60),
    "create call": lambda job: job.submitted(NOW, {"id": "1"}, ("so",)),
    "progress": lambda job: job.progressed(NOW, 50),
    "result": lambda job: job.generated(NOW, (Output(url="https://a.example/1"),), 0.5),
    "warning": lambda job: job.warned(NOW, "late"),
    "restart": lambda job: job.restarted(NOW),
}


@pytest.mark.parametrize("step", STEPS)
def test_step_writes_the_small_state_only(table: CountedTable, jobs: JobTable, step: str):
    jobs.add(new_job())
    request = table.item(PK, "request")
    table.calls.clear()
    changed = jobs.change("demo", job_id(1), STEPS[step])
    assert table.calls == {"Query": 1, "PutItem": 1}
    assert jobs.get("demo", job_id(1)) == changed
    assert table.item(PK, "request") == request
    assert len(json.dumps(table.item(PK))) < 1500


ERROR = JobError(code="no", message="no")
REQUEST_STEPS: dict[str, Callable[[Job], Job]] = {
    "fetched inputs": lambda job: job.fetched(NOW, (Input(role=Role.IMAGE, file=IMAGE),)),
    "failover": lambda job: job.model_copy(
        update={"request": job.request.model_copy(update={"seconds": 8})}
    ).failed_over(NOW, ERROR, model="b", provider="spare", upstream_model="b", cost=0.0),
}


@pytest.mark.parametrize("step", REQUEST_STEPS)
def test_change_of_the_request_writes_both_items_together(
    table: CountedTable, jobs: JobTable, step: str
):
    jobs.add(new_job())
    table.calls.clear()
    changed = jobs.change("demo", job_id(1), REQUEST_STEPS[step])
    assert table.calls == {"Query": 1, "TransactWriteItems": 1}
    assert changed.request != new_job().request
    assert changed.request_revision == changed.version == 1
    assert jobs.get("demo", job_id(1)) == changed
    again = jobs.change("demo", job_id(1), lambda job: job.warned(NOW, "late"))
    assert (again.version, again.request_revision) == (2, 1)
    assert jobs.get("demo", job_id(1)) == again


class Between:
    """A client whose first queries return a job as a transaction leaves it half visible."""

    def __init__(self, client: Any, stale: list[dict[str, Any]], times: int) -> None:
        self._client, self._stale, self.times = client, stale, times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def query(self, **search: Any) -> Any:
        if self.times:
            self.times -= 1
            return {"Items": self._stale}
        return self._client.query(**search)


@pytest.mark.parametrize("parts", ["new state, old request", "no request"])
@pytest.mark.parametrize("times", [1, 2, 4])
def test_read_during_a_transaction_is_repeated(
    table: CountedTable, jobs: JobTable, parts: str, times: int
):
    jobs.add(new_job())
    old_request = table.item(PK, "request")
    changed = jobs.change("demo", job_id(1), REQUEST_STEPS["failover"])
    stale = [table.item(PK)] + ([old_request] if parts.startswith("new") else [])
    client: Any = Between(table.client, stale, times)
    if times < job_reader.MAX_READS:
        assert JobTable(client, TABLE).get("demo", job_id(1)) == changed
    else:
        with pytest.raises(CorruptRecord):
            JobTable(client, TABLE).get("demo", job_id(1))


def test_field_that_a_newer_release_adds_to_the_request_survives_a_rollback(
    table: CountedTable, jobs: JobTable
):
    """That release finds it in the state, which a write of the request here does not omit."""
    jobs.add(new_job())
    document = json.loads(table.item(PK, "request")["document"]["S"])
    newer = {**document, "tomorrow": {"deep": [1]}, "progress": 99}
    edited(table, "request", document={"S": json.dumps(newer)})
    changed = jobs.change("demo", job_id(1), REQUEST_STEPS["failover"])
    assert changed.progress == 0
    assert json.loads(table.item(PK)["document"]["S"])["tomorrow"] == {"deep": [1]}
    assert jobs.get("demo", job_id(1)) == changed


def edited(table: CountedTable, sk: str, **attributes: Any) -> None:
    item = {**table.item(PK, sk), **attributes}
    present = {name: value for name, value in item.items() if value is not None}
    table.client.put_item(TableName=TABLE, Item=present)


EDITS: dict[str, Callable[[CountedTable], object]] = {
    "no request": lambda table: table.client.delete_item(
        TableName=TABLE, Key={"pk": {"S": PK}, "sk": {"S": "request"}}
    ),
    "another revision": lambda table: edited(table, "request", revision={"N": "5"}),
    "no revision": lambda table: edited(table, "request", revision=None),
    "a revision that is text": lambda table: edited(table, "request", revision={"S": "0"}),
    "no document": lambda table: edited(table, "request", document=None),
    "no JSON": lambda table: edited(table, "request", document={"S": "{"}),
    "a list": lambda table: edited(table, "request", document={"S": "[]"}),
    "no prompt object": lambda table: edited(table, "request", document={"S": '{"request": 5}'}),
    "an empty object": lambda table: edited(table, "request", document={"S": "{}"}),
}


@pytest.mark.parametrize("edit", EDITS)
def test_job_without_a_valid_request_is_neither_read_nor_written(
    table: CountedTable, jobs: JobTable, edit: str
):
    jobs.add(new_job())
    EDITS[edit](table)
    state = table.item(PK)
    with pytest.raises(CorruptRecord):
        jobs.get("demo", job_id(1))
    with pytest.raises(CorruptRecord):
        jobs.change("demo", job_id(1), lambda job: job.warned(NOW, "late"))
    assert table.item(PK) == state
    assert jobs.page("demo", JobQuery()).jobs == ()
    assert list(jobs.due(NOW + 99, 9)) == []


def test_request_does_not_override_fields_of_the_state(table: CountedTable, jobs: JobTable):
    jobs.add(new_job())
    document = json.loads(table.item(PK, "request")["document"]["S"]) | {"progress": 99}
    edited(table, "request", document={"S": json.dumps(document)})
    assert jobs.get("demo", job_id(1)) == new_job()


def test_item_of_older_release_becomes_two_at_its_next_write(table: CountedTable, jobs: JobTable):
    table.fill(iter([stored_item(new_job())]))
    stored = jobs.get("demo", job_id(1))
    older = {"request_revision": None, "has_summary": False}
    assert stored == new_job().model_copy(update=older)
    changed = jobs.change("demo", job_id(1), lambda job: job.warned(NOW, "late"))
    assert jobs.get("demo", job_id(1)) == changed
    assert changed.request == new_job().request
    assert PROMPT not in table.item(PK)["document"]["S"]
    assert PROMPT in table.item(PK, "request")["document"]["S"]


def expiry(table: CountedTable, sk: str) -> float:
    return float(table.item(PK, sk)["expires"]["N"])


@pytest.mark.parametrize("days", [0, 1, 6.9, 7.1, 30, 89])
def test_request_outlives_the_state(table: CountedTable, jobs: JobTable, days: float):
    """Clients delete jobs at any time, which prolongs the state's life."""
    jobs.add(new_job())
    later = NOW + days * 24 * 3600
    jobs.change("demo", job_id(1), lambda job: job.deleted(later))
    assert expiry(table, "job") == later + RETENTION_SECONDS
    assert expiry(table, "request") >= expiry(table, "job") + 6 * 24 * 3600
    assert expiry(table, "request") <= max(later, NOW + SETTLED_SECONDS) + 98 * 24 * 3600
