"""Rows that somebody edited by hand: left as they are, said to be damaged, and in nobody's way."""

import json
import logging
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rushes.api.auth import Authenticator, create_api_key
from rushes.api.jobs import Endpoints
from rushes.aws.dynamodb.jobs import JobTable
from rushes.dialects import DIALECTS
from rushes.dialects.base import Dialect, HttpRequest
from rushes.errors import CorruptRecord
from rushes.jobs.job import Job
from rushes.jobs.request import CreateRequest, GenerationRequest
from rushes.ports import JobQuery
from tests.fakes import FakeKeys
from tests.harness import Harness
from tests.integration.edited_items import EDITS, Edit, Item, document


class Deck:
    """A world whose jobs are in the real table, and a hand that edits rows there."""

    def __init__(self, dynamodb: Any, table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self.harness = Harness()
        self.jobs = JobTable(dynamodb, table)
        in_table: Any = self.jobs
        self.harness.jobs = in_table
        self.account = f"hand-{secrets.token_hex(4)}"
        self._accepted: list[Job] = []

    def accepted(self) -> Job:
        request = GenerationRequest(model="sandbox/one", prompt="a red ball")
        self.harness.clock.advance(1)  # ids sort by time
        job = self.harness.service.create(self.account, "openai", CreateRequest(request)).job
        self._accepted.append(job)
        return job

    def clear(self) -> None:
        """Another test's sweeper would look after them."""
        for job in self._accepted:
            self._dynamodb.delete_item(TableName=self._table, Key=self._key(job))

    def _key(self, job: Job) -> Item:
        return {"pk": {"S": f"JOB#{self.account}#{job.id}"}, "sk": {"S": "job"}}

    def row(self, job: Job) -> Item:
        found: Item = self._dynamodb.get_item(TableName=self._table, Key=self._key(job))["Item"]
        return found

    def edit(self, job: Job, edit: Edit) -> Item:
        row = self.row(job)
        edit(row)
        self._dynamodb.put_item(TableName=self._table, Item=row)
        return row


@pytest.fixture
def deck(as_wired: Callable[[str], Any], table: str) -> Iterator[Deck]:
    made = Deck(as_wired("dynamodb"), table)
    yield made
    made.clear()


@pytest.fixture(params=EDITS)
def edit(request: pytest.FixtureRequest) -> Edit:
    return EDITS[request.param]


def damages(records: list[logging.LogRecord], job: Job) -> int:
    """How often it was logged that a job's row is damaged."""
    rows = [getattr(it, "row", None) for it in records if it.getMessage() == "damaged"]
    return sum(job.id in str(row) for row in rows)


def test_it_is_not_read_and_stays_as_it_is(deck: Deck, edit: Edit):
    job = deck.accepted()
    edited = deck.edit(job, edit)
    with pytest.raises(CorruptRecord):
        deck.jobs.get(deck.account, job.id)
    assert deck.row(job) == edited


def test_nothing_is_decided_on_it_and_nothing_written_over_it(deck: Deck, edit: Edit):
    job = deck.accepted()
    edited = deck.edit(job, edit)
    seen: list[Job] = []

    def change(current: Job) -> Job:
        seen.append(current)
        return current.warned(current.updated_at, "touched")

    with pytest.raises(CorruptRecord):
        deck.jobs.change(deck.account, job.id, change)
    assert (deck.row(job), seen) == (edited, [])


def test_no_step_is_taken_and_no_provider_called(deck: Deck, edit: Edit):
    job = deck.accepted()
    edited = deck.edit(job, edit)
    for step in (deck.harness.submit, deck.harness.poll, deck.harness.collect):
        with pytest.raises(CorruptRecord):
            step(job)
    with pytest.raises(CorruptRecord):
        deck.harness.finish(job)
    assert (deck.row(job), deck.harness.http_client.calls, deck.harness.bus.events) == (
        edited,
        [],
        [],
    )


def test_a_list_goes_on_without_it_and_says_so(
    deck: Deck, edit: Edit, caplog: pytest.LogCaptureFixture
):
    jobs = [deck.accepted() for _ in range(5)]
    edited = deck.edit(jobs[2], edit)
    page = deck.jobs.page(deck.account, JobQuery(limit=2))
    assert ([job.id for job in page.jobs], page.has_more) == ([jobs[4].id, jobs[3].id], True)
    rest = deck.jobs.page(deck.account, JobQuery(limit=2, after=jobs[3].id))
    assert ([job.id for job in rest.jobs], rest.has_more) == ([jobs[1].id, jobs[0].id], False)
    assert damages(caplog.records, jobs[2]) >= 1
    assert deck.row(jobs[2]) == edited


def test_the_sweeper_looks_after_the_others(
    deck: Deck, edit: Edit, caplog: pytest.LogCaptureFixture
):
    first, damaged, last = (deck.accepted() for _ in range(3))
    edited = deck.edit(damaged, edit)
    deck.harness.executions.running.clear()  # none of them was ever started
    deck.harness.clock.advance(120)
    deck.harness.sweeper.sweep()
    started = deck.harness.executions.running
    assert {first.id, last.id} <= set(started)
    assert damaged.id not in started
    assert damages(caplog.records, damaged) == 1
    assert deck.row(damaged) == edited


def test_a_job_that_is_mended_goes_on(deck: Deck, edit: Edit):
    """Its execution has broken off meanwhile; the sweeper gives it another."""
    job = deck.accepted()
    whole = deck.row(job)
    deck.edit(job, edit)
    deck.harness.executions.running[job.execution_name] = False
    deck.edit(job, lambda row: row.update(whole))
    deck.harness.clock.advance(120)
    deck.harness.sweeper.sweep()
    assert deck.harness.executions.running[f"{job.id}-r2"]


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda it: it.name)
def test_a_client_hears_of_it_in_its_own_words(deck: Deck, dialect: Dialect):
    job = deck.accepted()
    edited = deck.edit(job, EDITS["a document of another shape"])
    answer = ask(deck, dialect, job)
    assert answer.status == 500
    assert json.loads(answer.body)
    told = answer.body + json.dumps(dict(answer.headers))
    if dialect.name != "pipelet":  # whose errors are a sentence and nothing else
        assert "damaged_record" in told
    assert "ValidationError" not in told
    assert "a red ball" not in told
    assert deck.row(job) == edited


def ask(deck: Deck, dialect: Dialect, job: Job) -> Any:
    """The dialect's way to ask how a job stands."""
    key, record = create_api_key(deck.account, deck.harness.clock.now)
    keys = FakeKeys()
    keys.add(record)
    endpoints = Endpoints(deck.harness.service, Authenticator(keys), "https://rushes.example")
    route = next(it for it in dialect.routes if it.verb in ("retrieve", "status"))
    written = f"{job.id}:sandbox" if dialect.name == "bifrost" else job.id
    variables = {"job_id": written, "owner": "sandbox", "name": "one"}
    headers = {"authorization": f"Bearer {key}"}
    path = route.path.replace("<job_id>", written)
    request = HttpRequest(route.method, path, variables, {}, headers, b"")
    return endpoints.answer(dialect, route.verb, request)


@pytest.mark.parametrize("changes", [{"created_at": "1800000000.5"}, {"progress": "7"}])
def test_a_number_that_is_text_is_a_number(deck: Deck, changes: dict[str, str]):
    """It can be told what was meant, and it is put right with the next write."""
    job = deck.accepted()
    deck.edit(job, document(**changes))
    ((name, value),) = changes.items()
    changed = deck.jobs.change(deck.account, job.id, lambda it: it.warned(it.updated_at, "so"))
    assert getattr(changed, name) == float(value)
    assert json.loads(deck.row(job)["document"]["S"])[name] == float(value)
