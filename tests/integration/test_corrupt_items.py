"""Items edited by hand: left unchanged, reported as corrupt, and skipped by queries."""

import json
import logging
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rushes.api.auth import Authenticator
from rushes.api.jobs import JobsApi
from rushes.api.key_hashing import create_api_key
from rushes.aws.dynamodb.jobs import JobTable
from rushes.dialects import DIALECTS
from rushes.dialects.base import Dialect, HttpRequest
from rushes.errors import CorruptRecord
from rushes.jobs.job import Job
from rushes.jobs.request import CreateRequest, GenerationRequest
from rushes.metrics import CORRUPT_RECORD
from rushes.ports.jobs import JobQuery
from tests.fakes import FakeKeys
from tests.harness import Harness
from tests.integration.edited_items import EDITS, Edit, Item, document


class ItemEditor:
    """A harness whose jobs are in the real table, and edits of their items."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self.harness = Harness()
        self.jobs = JobTable(dynamodb, table)
        in_table: Any = self.jobs
        self.harness.jobs = in_table
        self.account = f"edited-{secrets.token_hex(4)}"
        self._accepted: list[Job] = []

    def accepted(self) -> Job:
        request = GenerationRequest(model="sandbox/one", prompt="a red ball")
        self.harness.clock.advance(1)  # ids sort by time
        job = self.harness.service.create(self.account, "openai", CreateRequest(request)).job
        self._accepted.append(job)
        return job

    def clear(self) -> None:
        """Keep the sweepers of other tests from these jobs."""
        for job in self._accepted:
            self._dynamodb.delete_item(TableName=self._table, Key=self._key(job))

    def _key(self, job: Job) -> Item:
        return {"pk": {"S": f"JOB#{self.account}#{job.id}"}, "sk": {"S": "job"}}

    def item(self, job: Job) -> Item:
        found: Item = self._dynamodb.get_item(TableName=self._table, Key=self._key(job))["Item"]
        return found

    def edit(self, job: Job, edit: Edit) -> Item:
        row = self.item(job)
        edit(row)
        self._dynamodb.put_item(TableName=self._table, Item=row)
        return row


@pytest.fixture
def editor(as_wired: Callable[[str], Any], table: str) -> Iterator[ItemEditor]:
    made = ItemEditor(as_wired("dynamodb"), table)
    yield made
    made.clear()


@pytest.fixture(params=EDITS)
def edit(request: pytest.FixtureRequest) -> Edit:
    return EDITS[request.param]


def corrupt_item_logs(records: list[logging.LogRecord], job: Job) -> int:
    """Count the log records of a job's corrupt item."""
    items = [getattr(line, "item", None) for line in records if line.getMessage() == CORRUPT_RECORD]
    return sum(job.id in str(item) for item in items)


def test_get_refuses_an_edited_item(editor: ItemEditor, edit: Edit):
    job = editor.accepted()
    edited = editor.edit(job, edit)
    with pytest.raises(CorruptRecord):
        editor.jobs.get(editor.account, job.id)
    assert editor.item(job) == edited


def test_change_refuses_an_edited_item(editor: ItemEditor, edit: Edit):
    job = editor.accepted()
    edited = editor.edit(job, edit)
    seen: list[Job] = []

    def change(current: Job) -> Job:
        seen.append(current)
        return current.warned(current.updated_at, "touched")

    with pytest.raises(CorruptRecord):
        editor.jobs.change(editor.account, job.id, change)
    assert (editor.item(job), seen) == (edited, [])


def test_tasks_refuse_an_edited_item(editor: ItemEditor, edit: Edit):
    job = editor.accepted()
    edited = editor.edit(job, edit)
    harness = editor.harness
    for step in (harness.submit, harness.poll, harness.collect, harness.finish):
        with pytest.raises(CorruptRecord):
            step(job)
    assert editor.item(job) == edited
    assert (harness.http_client.calls, harness.bus.events) == ([], [])


def test_page_skips_and_logs_an_edited_item(
    editor: ItemEditor, edit: Edit, caplog: pytest.LogCaptureFixture
):
    jobs = [editor.accepted() for _ in range(5)]
    edited = editor.edit(jobs[2], edit)
    page = editor.jobs.page(editor.account, JobQuery(limit=2))
    assert ([job.id for job in page.jobs], page.has_more) == ([jobs[4].id, jobs[3].id], True)
    rest = editor.jobs.page(editor.account, JobQuery(limit=2, after=jobs[3].id))
    assert ([job.id for job in rest.jobs], rest.has_more) == ([jobs[1].id, jobs[0].id], False)
    assert corrupt_item_logs(caplog.records, jobs[2]) >= 1
    assert editor.item(jobs[2]) == edited


def test_sweeper_skips_and_logs_an_edited_item(
    editor: ItemEditor, edit: Edit, caplog: pytest.LogCaptureFixture
):
    first, corrupt, last = (editor.accepted() for _ in range(3))
    edited = editor.edit(corrupt, edit)
    editor.harness.executions.running.clear()  # none of them was started
    editor.harness.clock.advance(120)
    editor.harness.sweeper.sweep()
    started = editor.harness.executions.running
    assert {first.id, last.id} <= set(started)
    assert corrupt.id not in started
    assert corrupt_item_logs(caplog.records, corrupt) == 1
    assert editor.item(corrupt) == edited


def test_repaired_item_is_processed_again(editor: ItemEditor, edit: Edit):
    """Its execution failed meanwhile; the sweeper starts another one."""
    job = editor.accepted()
    whole = editor.item(job)
    editor.edit(job, edit)
    editor.harness.executions.running[job.execution_name] = False
    editor.edit(job, lambda row: row.update(whole))
    editor.harness.clock.advance(120)
    editor.harness.sweeper.sweep()
    assert editor.harness.executions.running[f"{job.id}-r2"]


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_client_gets_the_error_in_its_dialect(editor: ItemEditor, dialect: Dialect):
    job = editor.accepted()
    edited = editor.edit(job, EDITS["a document of another shape"])
    response = call(editor, dialect, job)
    assert response.status == 500
    assert json.loads(response.body)
    text = response.body + json.dumps(dict(response.headers))
    if dialect.name != "pipelet":  # whose errors have no code
        assert "damaged_record" in text
    assert "ValidationError" not in text
    assert "a red ball" not in text
    assert editor.item(job) == edited


def call(editor: ItemEditor, dialect: Dialect, job: Job) -> Any:
    """Retrieve the job in the dialect."""
    key, record = create_api_key(editor.account, editor.harness.clock.now)
    keys = FakeKeys()
    keys.add(record)
    api = JobsApi(editor.harness.service, Authenticator(keys), "https://rushes.example")
    route = next(route for route in dialect.routes if route.verb in ("retrieve", "status"))
    path_id = f"{job.id}:sandbox" if dialect.name == "bifrost" else job.id
    variables = {"job_id": path_id, "owner": "sandbox", "name": "one"}
    headers = {"authorization": f"Bearer {key}"}
    path = route.path.replace("<job_id>", path_id)
    request = HttpRequest(route.method, path, variables, {}, headers, b"")
    return api.answer(dialect, route.verb, request)


@pytest.mark.parametrize("changes", [{"created_at": "1800000000.5"}, {"progress": "7"}])
def test_number_stored_as_text_is_accepted(editor: ItemEditor, changes: dict[str, str]):
    """The next write stores a number."""
    job = editor.accepted()
    editor.edit(job, document(**changes))
    ((name, value),) = changes.items()
    changed = editor.jobs.change(
        editor.account, job.id, lambda job: job.warned(job.updated_at, "so")
    )
    assert getattr(changed, name) == float(value)
    assert json.loads(editor.item(job)["document"]["S"])[name] == float(value)
