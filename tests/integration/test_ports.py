"""The ports' contract, on the fakes and on the real adapters alike."""

import json
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import botocore.httpsession
import pytest
from botocore.exceptions import ReadTimeoutError
from botocore.stub import Stubber

from local.stack import Stack
from rushes.aws.dynamodb import budgets, items, transaction
from rushes.aws.dynamodb.account_slots import AccountSlotTable
from rushes.aws.dynamodb.api_keys import KeyTable
from rushes.aws.dynamodb.durations import TimingTable
from rushes.aws.dynamodb.jobs import JobTable
from rushes.aws.dynamodb.key_index import SHARDS
from rushes.aws.dynamodb.provider_limits import RateLimitTable
from rushes.aws.dynamodb.transaction import CreateTransaction
from rushes.aws.eventbridge import EventBus
from rushes.aws.s3 import Bucket
from rushes.aws.step_functions import StateMachine
from rushes.errors import (
    AlreadyAccepted,
    AwsUnavailable,
    BudgetExceeded,
    CorruptRecord,
    DownloadInterrupted,
    IdempotencyKeyInUse,
    InvalidInputFile,
    InvalidOutput,
    NotFound,
    RushesError,
    WriteConflict,
)
from rushes.jobs.charges import Charge, resets_at
from rushes.jobs.job import Job
from rushes.jobs.job_id import new_id
from rushes.jobs.request import GenerationRequest, StoredFile, Upload
from rushes.jobs.reservation import Reservation
from rushes.jobs.result import JobError, JobOutcome
from rushes.jobs.status import JobStatus
from rushes.ports.api_keys import ApiKey, ApiKeys
from rushes.ports.jobs import Executions, IdempotencyRecord, JobQuery, Jobs
from rushes.ports.providers import (
    AccountSlots,
    Circuit,
    Pace,
    RateLimit,
    RateLimits,
    Slots,
    Timing,
    Timings,
    Turn,
)
from rushes.ports.storage import Blobs, Download
from rushes.workflow.slots import Pool, acquire
from rushes.workflow.turns import take_turn
from tests.fakes import (
    FakeAccountSlots,
    FakeBlobs,
    FakeExecutions,
    FakeJobs,
    FakeKeys,
    FakeRateLimits,
    FakeTimings,
)
from tests.media_boxes import SOUND
from tests.stack import Events

BOTH = ["fake", "real"]
NOW = 4_000_000_000.0  # far ahead: no sweeper of another test finds these jobs overdue
DAY = "2096-10-02"
Clients: TypeAlias = Callable[[str], Any]


@dataclass
class Store:
    """Jobs, and a hook between the read and the write of a change."""

    jobs: Jobs
    interfere: Callable[[Callable[[], object]], None]


def adapter_of(request: pytest.FixtureRequest) -> Any:
    """Make the parameter, a fake or an adapter of the table; a fake needs no stack."""
    if request.param.__module__ == FakeJobs.__module__:
        return request.param()
    return request.param(request.getfixturevalue("dynamodb"), request.getfixturevalue("table"))


@pytest.fixture
def dynamodb(as_wired: Clients) -> Any:
    return as_wired("dynamodb")


@pytest.fixture(params=[FakeJobs, JobTable], ids=BOTH)
def store(request: pytest.FixtureRequest) -> Store:
    jobs = adapter_of(request)
    hooks = ("before-call.dynamodb.PutItem", "before-call.dynamodb.TransactWriteItems")

    def interfere(action: Callable[[], object]) -> None:
        if isinstance(jobs, FakeJobs):
            jobs.before_write = action
            return
        events = request.getfixturevalue("dynamodb").meta.events

        def once(**_: object) -> None:
            for hook in hooks:
                events.unregister(hook, once)
            action()

        for hook in hooks:
            events.register(hook, once)

    return Store(jobs, interfere)


@pytest.fixture
def jobs(store: Store) -> Jobs:
    return store.jobs


@pytest.fixture
def account() -> str:
    return f"demo-{secrets.token_hex(4)}"


def job_of(account: str, number: int = 1, **fields: Any) -> Job:
    return Job(
        **{
            "id": ids(number)[0],
            "account": account,
            "dialect": "openai",
            "provider": "sandbox",
            "upstream_model": "sandbox-1",
            "request": GenerationRequest(model="sora-2", prompt="Ein Füchslein 🦊", seconds=4),
            "created_at": NOW + number,
            "updated_at": NOW + number,
            "deadline_at": NOW + 3600,
            **fields,
        }
    )


def stored_job(jobs: Jobs, account: str, job_id: str) -> Job:
    job = jobs.get(account, job_id)
    assert job
    return job


def failed(job: Job) -> Job:
    outcome = JobOutcome(status=JobStatus.FAILED, error=JobError(code="no", message="no"))
    return job.finished(NOW, outcome, job.id, 60)


class TestJobs:
    def test_get_returns_the_added_job(self, jobs: Jobs, account: str):
        job = job_of(account).submitted(NOW + 0.25, {"id": "a/b", "deep": [1.5, None]}, ("so",))
        jobs.add(job)
        assert jobs.get(account, job.id) == job

    def test_get_and_change_refuse_another_account(self, jobs: Jobs, account: str):
        jobs.add(job_of(account))
        assert jobs.get("other", job_of(account).id) is None
        assert jobs.get(account, "job_absent") is None
        with pytest.raises(NotFound):
            jobs.change("other", job_of(account).id, failed)

    def test_add_refuses_an_existing_id(self, jobs: Jobs, account: str):
        jobs.add(job_of(account))
        with pytest.raises(WriteConflict):
            jobs.add(job_of(account, provider="another"))
        assert jobs.get(account, job_of(account).id) == job_of(account)

    def test_change_stores_and_returns_the_job(self, jobs: Jobs, account: str):
        jobs.add(job_of(account))
        changed = jobs.change(account, job_of(account).id, lambda job: job.warned(NOW, "mind"))
        assert changed.warnings == ("mind",)
        assert jobs.get(account, changed.id) == changed

    def test_change_that_returns_the_same_job_writes_nothing(self, store: Store, account: str):
        store.jobs.add(job_of(account))
        written: list[str] = []
        store.interfere(lambda: written.append("something"))
        assert store.jobs.change(account, job_of(account).id, lambda job: job) == job_of(account)
        assert not written

    def test_change_that_raises_writes_nothing(self, jobs: Jobs, account: str):
        jobs.add(job_of(account))

        def refuse(_: Job) -> Job:
            raise ValueError("not now")

        with pytest.raises(ValueError, match="not now"):
            jobs.change(account, job_of(account).id, refuse)
        assert jobs.get(account, job_of(account).id) == job_of(account)

    def test_change_is_repeated_with_the_new_state_after_a_conflict(
        self, store: Store, account: str
    ):
        store.jobs.add(job_of(account))
        job_id = job_of(account).id
        seen: list[tuple[str, ...]] = []

        def change(job: Job) -> Job:
            seen.append(job.warnings)
            return job.warned(NOW, "second")

        store.interfere(
            lambda: store.jobs.change(account, job_id, lambda job: job.warned(NOW, "first"))
        )
        changed = store.jobs.change(account, job_id, change)
        assert seen == [(), ("first",)]
        assert (changed.warnings, changed.version) == (("first", "second"), 2)

    def test_change_keeps_a_job_finished_meanwhile(self, store: Store, account: str):
        store.jobs.add(job_of(account))
        job_id = job_of(account).id
        store.interfere(lambda: store.jobs.change(account, job_id, failed))
        changed = store.jobs.change(
            account, job_id, lambda job: job if job.is_finished else job.warned(NOW, "late")
        )
        assert (changed.status, changed.warnings) == (JobStatus.FAILED, ())

    def test_change_gives_up_after_repeated_conflicts(self, store: Store, account: str):
        store.jobs.add(job_of(account))
        job_id = job_of(account).id

        def change(job: Job) -> Job:
            store.interfere(
                lambda: store.jobs.change(
                    account, job_id, lambda current: current.warned(NOW, "faster")
                )
            )
            return job.warned(NOW, "slower")

        with pytest.raises(WriteConflict):
            store.jobs.change(account, job_id, change)
        stored = stored_job(store.jobs, account, job_id)
        assert set(stored.warnings) == {"faster"}

    def test_change_never_leaves_a_terminal_status(self, jobs: Jobs, account: str):
        jobs.add(job_of(account))
        jobs.change(account, job_of(account).id, failed)

        def revive(job: Job) -> Job:
            revived = job.submitted(NOW, {"id": "1"}, ())
            return revived.model_copy(update={"status": JobStatus.IN_PROGRESS})

        with pytest.raises(WriteConflict):
            jobs.change(account, job_of(account).id, revive)
        stored = stored_job(jobs, account, job_of(account).id)
        assert stored.status is JobStatus.FAILED


def ids(*numbers: int) -> list[str]:
    return [new_id(NOW + number, "0") for number in numbers]


def listed(jobs: Jobs, account: str, **query: Any) -> tuple[list[str], bool]:
    page = jobs.page(account, JobQuery(**query))
    return [job.id for job in page.jobs], page.has_more


class TestList:
    def test_page_orders_by_newest_or_oldest(self, jobs: Jobs, account: str):
        for number in (3, 1, 5, 2, 4):
            jobs.add(job_of(account, number))
        assert listed(jobs, account) == (ids(5, 4, 3, 2, 1), False)
        assert listed(jobs, account, newest_first=False) == (ids(1, 2, 3, 4, 5), False)

    def test_page_tells_whether_there_is_more(self, jobs: Jobs, account: str):
        for number in (1, 2, 3):
            jobs.add(job_of(account, number))
        assert listed(jobs, account, limit=2) == (ids(3, 2), True)
        assert listed(jobs, account, limit=3) == (ids(3, 2, 1), False)
        assert listed(jobs, "another") == ([], False)

    @pytest.mark.parametrize("newest_first", [True, False])
    def test_pages_contain_each_job_once(self, jobs: Jobs, account: str, *, newest_first: bool):
        """Every shard has jobs, and the last page is full."""
        for number in range(20):
            jobs.add(job_of(account, number))
        pages: list[list[str]] = []
        after, more = None, True
        while more:
            page, more = listed(jobs, account, limit=5, after=after, newest_first=newest_first)
            pages.append(page)
            after = page[-1]
        assert [len(page) for page in pages] == [5, 5, 5, 5]
        assert list(chain(*pages)) == sorted(ids(*range(20)), reverse=newest_first)

    def test_page_filters_by_provider(self, jobs: Jobs, account: str):
        for number in range(20):
            provider = "rare" if number in (2, 11) else "sandbox"
            jobs.add(job_of(account, number, provider=provider))
        assert listed(jobs, account, provider="rare") == (ids(11, 2), False)
        assert listed(jobs, account, provider="rare", limit=1) == (ids(11), True)
        assert listed(jobs, account, provider="rare", after=ids(11)[0]) == (ids(2), False)
        assert listed(jobs, account, provider="none") == ([], False)

    def test_page_hides_a_deleted_job_but_accepts_it_as_cursor(self, jobs: Jobs, account: str):
        for number in (1, 2, 3):
            jobs.add(job_of(account, number))
        jobs.change(account, ids(2)[0], lambda job: job.deleted(NOW))
        assert listed(jobs, account) == (ids(3, 1), False)
        assert listed(jobs, account, after=ids(2)[0]) == (ids(1), False)
        assert jobs.get(account, ids(2)[0])

    def test_page_contains_finished_jobs(self, jobs: Jobs, account: str):
        jobs.add(job_of(account))
        jobs.change(account, ids(1)[0], failed)
        page = jobs.page(account, JobQuery())
        assert [job.status for job in page.jobs] == [JobStatus.FAILED]


class TestDueJobs:
    """Times far back, so that no other test's jobs are due before."""

    @pytest.fixture
    def epoch(self) -> float:
        return float(secrets.randbelow(1_000_000) * 1000)

    def test_due_returns_the_longest_overdue_first(self, jobs: Jobs, account: str, epoch: float):
        for number, touched in ((1, 30.5), (2, 10.25), (3, 20.0)):
            jobs.add(job_of(account, number, updated_at=epoch + touched))
        found = [job.id for job in jobs.due(epoch + 30.25, 99) if job.account == account]
        assert found == ids(2, 3)
        found = [job.id for job in jobs.due(epoch + 30.5, 99) if job.account == account]
        assert found == ids(2, 3, 1)

    def test_due_omits_finished_jobs_and_keeps_deleted_ones(
        self, jobs: Jobs, account: str, epoch: float
    ):
        for number in (1, 2, 3):
            jobs.add(job_of(account, number, updated_at=epoch))
        jobs.change(account, ids(1)[0], failed)
        jobs.change(account, ids(2)[0], lambda job: job.deleted(epoch + 1))
        found = jobs.due(epoch + 2, 99)
        assert sorted(job.id for job in found if job.account == account) == ids(2, 3)

    def test_due_returns_at_most_the_limit(self, jobs: Jobs, account: str, epoch: float):
        for number in range(5):
            jobs.add(job_of(account, number, updated_at=epoch))
        found = [job.account for job in jobs.due(epoch + 1, 3)]
        assert found.count(account) == 3

    def test_due_returns_jobs_to_publish_track_or_purge(
        self, jobs: Jobs, account: str, epoch: float
    ):
        for number in range(1, 6):
            jobs.add(job_of(account, number, updated_at=epoch))
        unpublished, awaited, deleted, running, done = ids(1, 2, 3, 4, 5)

        def at(change: Callable[[Job], Job]) -> Callable[[Job], Job]:
            return lambda job: change(job).model_copy(
                update={"updated_at": epoch, "check_at": epoch + 60}
            )

        jobs.change(account, unpublished, at(lambda job: failed(job).with_event({"id": "evt_1"})))
        tracked = {"track_until": epoch + 9}
        jobs.change(account, awaited, at(lambda job: failed(job).model_copy(update=tracked)))
        jobs.change(account, deleted, at(lambda job: failed(job).deleted(epoch)))
        jobs.change(account, running, at(lambda job: job.submitted(epoch, {}, ())))
        jobs.change(account, done, at(failed))

        def due(moment: float) -> list[str]:
            return sorted(job.id for job in jobs.due(moment, 99) if job.account == account)

        assert due(epoch - 1) == []
        assert due(epoch) == [unpublished]
        assert due(epoch + 59.5) == [unpublished]
        assert due(epoch + 60) == [unpublished, awaited, running]
        assert due(epoch + 960) == [unpublished, awaited, deleted, running]
        # Other tests sweep the same table and could not publish this incomplete event.
        jobs.change(account, unpublished, lambda job: job.published(epoch, job.outbox))


def record_of(job: Job, name: str, **fields: Any) -> IdempotencyRecord:
    plain = {"digest": name, "fingerprint": "f" * 64, "job_id": job.id}
    return IdempotencyRecord(**{**plain, "expires_at": job.created_at + 60, **fields})


class TestIdempotencyRecords:
    @pytest.fixture
    def name(self) -> str:
        return secrets.token_hex(32)

    def test_find_record_returns_the_added_record(self, jobs: Jobs, account: str, name: str):
        job = job_of(account)
        assert jobs.find_record(name) is None
        jobs.add(job, record_of(job, name))
        assert jobs.find_record(name) == record_of(job, name)
        assert jobs.get(account, job.id) == job

    def test_add_refuses_a_second_job_of_one_record(self, jobs: Jobs, account: str, name: str):
        first, second = job_of(account, 1), job_of(account, 2)
        jobs.add(first, record_of(first, name))
        with pytest.raises(AlreadyAccepted):
            jobs.add(second, record_of(second, name))
        assert jobs.get(account, second.id) is None
        assert jobs.find_record(name) == record_of(first, name)

    def test_add_replaces_an_expired_record(self, jobs: Jobs, account: str, name: str):
        """TTL deletes items up to two days late."""
        first, second = job_of(account, 1), job_of(account, 1000)
        jobs.add(first, record_of(first, name))
        jobs.add(second, record_of(second, name, fingerprint="e" * 64))
        known = jobs.find_record(name)
        assert known
        assert (known.job_id, known.fingerprint) == (second.id, "e" * 64)

    def test_add_refuses_a_record_that_expires_now(self, jobs: Jobs, account: str, name: str):
        first, second = job_of(account, 1), job_of(account, 61)
        jobs.add(first, record_of(first, name))
        with pytest.raises(AlreadyAccepted):
            jobs.add(second, record_of(second, name))

    def test_add_of_existing_id_is_a_conflict_not_a_replay(
        self, jobs: Jobs, account: str, name: str
    ):
        job = job_of(account)
        jobs.add(job)
        with pytest.raises(WriteConflict) as refused:
            jobs.add(job, record_of(job, name))
        assert not isinstance(refused.value, AlreadyAccepted)
        assert jobs.find_record(name) is None

    def test_adopt_retry_assigns_each_job_once_per_number(
        self, jobs: Jobs, account: str, name: str
    ):
        for number in (2, 1):
            job = job_of(account, number)
            jobs.add(job, record_of(job, name, retry=0))
        assert jobs.find_record(name) is None
        given = [jobs.adopt_retry(name, 1, NOW) for _ in range(3)]
        assert given == [*ids(1, 2), None]
        assert [jobs.adopt_retry(name, 2, NOW) for _ in range(3)] == [*ids(1, 2), None]
        assert jobs.adopt_retry(name, 1, NOW) is None

    def test_adopt_retry_ignores_jobs_of_the_same_or_a_later_number(
        self, jobs: Jobs, account: str, name: str
    ):
        job = job_of(account)
        jobs.add(job, record_of(job, name, retry=2))
        assert [jobs.adopt_retry(name, retry, NOW) for retry in (1, 2, 3)] == [None, None, job.id]

    def test_adopt_retry_ignores_expired_records(self, jobs: Jobs, account: str, name: str):
        job = job_of(account)
        jobs.add(job, record_of(job, name, retry=0))
        assert jobs.adopt_retry(name, 1, job.created_at + 60) is None
        assert jobs.adopt_retry(name, 1, job.created_at + 59) == job.id

    def test_adopt_retry_of_unknown_body_returns_none(self, jobs: Jobs, name: str):
        assert jobs.adopt_retry(name, 1, NOW) is None


class TestBudget:
    def charge(self, account: str, cost: float = 0.4, day: str = DAY) -> list[Charge]:
        return [Charge(f"{account}#{day}", cost, maximum=1.0)]

    def test_charge_is_accepted_up_to_the_limit(self, jobs: Jobs, account: str):
        for number in (1, 2):
            jobs.add(job_of(account, number), None, self.charge(account))
        with pytest.raises(BudgetExceeded):
            jobs.add(job_of(account, 3), None, self.charge(account))
        assert jobs.get(account, ids(3)[0]) is None
        jobs.add(job_of(account, 4), None, self.charge(account, 0.2))
        with pytest.raises(BudgetExceeded):
            jobs.add(job_of(account, 5), None, self.charge(account, 0.01))

    def test_charges_of_days_and_accounts_are_separate(self, jobs: Jobs, account: str):
        for number, day in ((1, DAY), (2, "2096-10-03")):
            jobs.add(job_of(account, number), None, self.charge(account, 0.9, day))
        jobs.add(job_of(f"{account}x"), None, self.charge(f"{account}x", 0.9))

    def test_free_job_is_accepted_at_the_limit(self, jobs: Jobs, account: str):
        jobs.add(job_of(account, 1), None, self.charge(account, 1.0))
        jobs.add(job_of(account, 2), None, self.charge(account, 0.0))

    def test_refused_job_leaves_no_record_and_no_charge(self, jobs: Jobs, account: str):
        first, second, third = (job_of(account, number) for number in (1, 2, 3))
        one, two = secrets.token_hex(32), secrets.token_hex(32)
        jobs.add(first, record_of(first, one), self.charge(account, 0.7))
        with pytest.raises(BudgetExceeded):
            jobs.add(second, record_of(second, two), self.charge(account, 0.7))
        assert jobs.find_record(two) is None
        with pytest.raises(AlreadyAccepted):
            jobs.add(third, record_of(third, one), self.charge(account, 0.1))
        jobs.add(job_of(account, 4), None, self.charge(account, 0.3))

    def reserved(self, jobs: Jobs, account: str, number: int, dollars: float) -> Job:
        """Store a job with this reservation."""
        reservation = Reservation(day=DAY, dollars=dollars)
        job = job_of(account, number, cost=dollars, reservation=reservation)
        jobs.add(job, None, self.charge(account, dollars))
        return job

    def test_refund_is_part_of_the_terminal_write(self, jobs: Jobs, account: str):
        job = self.reserved(jobs, account, 1, 0.9)
        with pytest.raises(BudgetExceeded):
            self.reserved(jobs, account, 2, 0.9)
        jobs.change(account, job.id, lambda job: job.warned(NOW, "still open"))
        with pytest.raises(BudgetExceeded):
            self.reserved(jobs, account, 2, 0.9)
        for _ in range(2):
            jobs.change(account, job.id, lambda job: job if job.is_finished else failed(job))
        self.reserved(jobs, account, 2, 0.9)
        with pytest.raises(BudgetExceeded):
            self.reserved(jobs, account, 3, 0.2)

    def test_refund_is_settled_once_after_a_conflict(self, store: Store, jobs: Jobs, account: str):
        job = self.reserved(jobs, account, 1, 0.9)
        store.interfere(lambda: jobs.change(account, job.id, lambda job: job.warned(NOW, "first")))
        done = jobs.change(account, job.id, failed)
        assert (done.version, done.warnings) == (2, ("first",))
        self.reserved(jobs, account, 2, 1.0)
        with pytest.raises(BudgetExceeded):
            self.reserved(jobs, account, 3, 0.01)

    def test_reported_cost_above_the_reservation_is_added_beyond_the_limit(
        self, jobs: Jobs, account: str
    ):
        job = self.reserved(jobs, account, 1, 0.9)
        jobs.change(account, job.id, lambda job: job.generated(NOW, (), 1.5))
        with pytest.raises(BudgetExceeded):
            self.reserved(jobs, account, 2, 0.0)

    def test_job_without_reservation_is_not_settled(self, jobs: Jobs, account: str):
        job = job_of(account, 1, cost=0.9)
        jobs.add(job, None, self.charge(account, 0.9))
        jobs.change(account, job.id, failed)
        with pytest.raises(BudgetExceeded):
            self.reserved(jobs, account, 2, 0.2)


class TestRealTable:
    @pytest.fixture
    def jobs(self, dynamodb: Any, table: str) -> JobTable:
        return JobTable(dynamodb, table)

    @pytest.fixture
    def row(self, dynamodb: Any, table: str, account: str) -> Callable[[], dict[str, Any]]:
        key = {"pk": {"S": f"JOB#{account}#{ids(1)[0]}"}, "sk": {"S": "job"}}
        return lambda: dict(dynamodb.get_item(TableName=table, Key=key)["Item"])

    def test_item_has_index_attributes_only_while_needed(
        self, jobs: JobTable, account: str, row: Callable[[], dict[str, Any]]
    ):
        jobs.add(job_of(account))
        assert {"provider_pk", "list_sk", "open_pk", "open_sk"} < set(row())
        assert float(row()["expires"]["N"]) > NOW + 89 * 24 * 3600
        jobs.change(account, ids(1)[0], failed)
        assert {"open_pk", "open_sk"}.isdisjoint(row())
        jobs.change(account, ids(1)[0], lambda job: job.deleted(NOW))
        assert {"provider_pk", "list_sk"}.isdisjoint(row())

    def test_jobs_at_a_provider_are_spread_over_all_shards(
        self, jobs: JobTable, account: str, dynamodb: Any, table: str
    ):
        for number in range(200):
            jobs.add(job_of(account, number))
        counts = [
            dynamodb.query(
                TableName=table,
                IndexName="by_provider",
                KeyConditionExpression="provider_pk = :pk",
                ExpressionAttributeValues={":pk": {"S": f"{account}#sandbox#{shard}"}},
            )["Count"]
            for shard in range(SHARDS)
        ]
        assert sum(counts) == 200
        assert all(counts)

    def test_change_does_not_overwrite_an_edited_status(
        self,
        jobs: JobTable,
        account: str,
        dynamodb: Any,
        table: str,
        row: Callable[[], dict[str, Any]],
    ):
        jobs.add(job_of(account))
        dynamodb.update_item(
            TableName=table,
            Key={"pk": {"S": f"JOB#{account}#{ids(1)[0]}"}, "sk": {"S": "job"}},
            UpdateExpression="SET #status = :cancelled",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":cancelled": {"S": "cancelled"}},
        )
        edited = row()
        with pytest.raises(CorruptRecord):
            jobs.change(account, ids(1)[0], lambda job: job.submitted(NOW, {"id": "1"}, ()))
        assert row() == edited

    @pytest.fixture(params=["TransactWriteItems"])
    def lost_answers(self, request: pytest.FixtureRequest, dynamodb: Any) -> Iterator[list[int]]:
        """Carry out the first call of that operation but lose its response."""
        wire = botocore.httpsession.URLLib3Session()
        answers: list[int] = []

        def send(request: Any, **_: object) -> None:
            if not answers:
                answers.append(wire.send(request).status_code)
                raise ReadTimeoutError(endpoint_url=request.url)

        hook = f"before-send.dynamodb.{request.param}"
        dynamodb.meta.events.register(hook, send)
        yield answers
        dynamodb.meta.events.unregister(hook, send)
        wire.close()

    @pytest.mark.parametrize("lost_answers", ["PutItem"], indirect=True)
    def test_put_recognizes_its_own_write_after_a_lost_response(
        self, jobs: JobTable, account: str, lost_answers: list[int]
    ):
        """boto3 repeats the write and the condition fails on our own item."""
        jobs.add(job_of(account))
        assert lost_answers == []
        decided: list[int] = []

        def change(job: Job) -> Job:
            decided.append(job.version)
            return job.warned(NOW, "once")

        assert jobs.change(account, ids(1)[0], change).warnings == ("once",)
        assert (lost_answers, decided) == ([200], [0])
        stored = stored_job(jobs, account, ids(1)[0])
        assert (stored.version, stored.warnings) == (1, ("once",))

    @pytest.mark.parametrize("lost_answers", ["UpdateItem"], indirect=True)
    def test_adopt_retry_recognizes_its_own_write_after_a_lost_response(
        self, jobs: JobTable, account: str, lost_answers: list[int]
    ):
        job, name = job_of(account), secrets.token_hex(32)
        jobs.add(job, record_of(job, name, retry=0))
        assert jobs.adopt_retry(name, 1, NOW) == job.id
        assert lost_answers == [200]
        assert jobs.adopt_retry(name, 1, NOW) is None

    def test_add_after_a_lost_response_stores_and_charges_once(
        self,
        jobs: JobTable,
        account: str,
        dynamodb: Any,
        table: str,
        lost_answers: list[int],
    ):
        # the engine compares repeated requests only with numbers in its own format
        job, name = job_of(account, updated_at=NOW + 0.25), secrets.token_hex(32)
        jobs.add(job, record_of(job, name), [Charge(f"{account}#{DAY}", 0.7, maximum=1.0)])
        assert lost_answers == [200]
        assert jobs.get(account, job.id) == job
        assert jobs.find_record(name) == record_of(job, name)
        assert spent(dynamodb, table, account) == (0.7, 1)

    def test_settlement_after_a_lost_response_is_applied_once(
        self, jobs: JobTable, account: str, dynamodb: Any, table: str, lost_answers: list[int]
    ):
        # the engine compares repeated requests only with numbers in its own format
        reservation = Reservation(day=DAY, dollars=0.7)
        job = job_of(account, updated_at=NOW + 0.25, reservation=reservation)
        jobs.add(job, None, [Charge(f"{account}#{DAY}", 0.7, maximum=1.0)])
        lost_answers.clear()
        done = jobs.change(account, job.id, failed)
        assert lost_answers == [200]
        assert jobs.get(account, job.id) == done
        assert spent(dynamodb, table, account) == (0.0, 1)

    def test_concurrent_settlements_leave_exactly_nothing(
        self, jobs: JobTable, account: str, dynamodb: Any, table: str
    ):
        dollars = [0.1, 0.2, 0.7, 0.000001, 0.3] * 6

        def run(number: int) -> None:
            amount = dollars[number]
            job = job_of(account, number, reservation=Reservation(day=DAY, dollars=amount))
            jobs.add(job, None, [Charge(f"{account}#{DAY}", amount, maximum=9.0)])
            jobs.change(account, job.id, failed)

        with ThreadPoolExecutor(10) as pool:
            list(pool.map(run, range(len(dollars))))
        key = {"pk": {"S": f"SPENT#{account}#{DAY}"}, "sk": {"S": "spent"}}
        row = dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]
        assert (float(row["dollars"]["N"]), row["jobs"]["N"]) == (0.0, str(len(dollars)))

    def test_twenty_concurrent_calls_with_one_key_make_one_job(
        self, jobs: JobTable, account: str, dynamodb: Any, table: str
    ):
        name = secrets.token_hex(32)

        def add(number: int) -> str:
            job = job_of(account, number)
            try:
                charge = Charge(f"{account}#{DAY}", 0.01, maximum=9.0)
                jobs.add(job, record_of(job, name), [charge])
            except (AlreadyAccepted, IdempotencyKeyInUse) as error:
                return type(error).__name__
            return job.id

        with ThreadPoolExecutor(20) as pool:
            made = [name for name in pool.map(add, range(20)) if name.startswith("job_")]
        known = jobs.find_record(name)
        assert known
        assert made == [known.job_id]
        assert spent(dynamodb, table, account) == (0.01, 1)
        assert [job.id for job in jobs.page(account, JobQuery(limit=99)).jobs] == made

    def test_fifty_concurrent_jobs_never_exceed_the_budget(
        self, jobs: JobTable, account: str, dynamodb: Any, table: str
    ):
        """Calls refused for conflicts are repeated; the last place is assigned once."""

        def add(number: int) -> str | None:
            for _ in range(50):
                try:
                    charge = Charge(f"{account}#{DAY}", 0.1, maximum=4.9)
                    jobs.add(job_of(account, number), None, [charge])
                except IdempotencyKeyInUse:
                    continue
                except BudgetExceeded:
                    return None
                return job_of(account, number).id
            raise AssertionError("only conflicts")

        with ThreadPoolExecutor(50) as pool:
            made = [job_id for job_id in pool.map(add, range(50)) if job_id]
        assert len(made) == 49
        assert spent(dynamodb, table, account) == (4.9, 49)
        listed_ids = [job.id for job in jobs.page(account, JobQuery(limit=99)).jobs]
        assert sorted(listed_ids) == sorted(made)

    def test_concurrent_retries_adopt_different_jobs(self, jobs: JobTable, account: str):
        name = secrets.token_hex(32)
        for number in range(3):
            job = job_of(account, number)
            jobs.add(job, record_of(job, name, retry=0))
        with ThreadPoolExecutor(10) as pool:
            given = list(pool.map(lambda _: jobs.adopt_retry(name, 1, NOW), range(10)))
        assert sorted(job_id for job_id in given if job_id) == ids(0, 1, 2)

    def test_change_keeps_unknown_fields(
        self, jobs: JobTable, account: str, row: Callable[[], dict[str, Any]]
    ):
        newer = job_of(account).model_dump() | {"mood": "blue"}
        jobs.add(Job.model_validate(newer))
        jobs.change(account, ids(1)[0], lambda job: job.warned(NOW, "mind"))
        assert json.loads(row()["document"]["S"])["mood"] == "blue"

    def test_record_and_budget_expire(
        self, jobs: JobTable, account: str, dynamodb: Any, table: str
    ):
        job, name = job_of(account), secrets.token_hex(32)
        jobs.add(job, record_of(job, name), [Charge(f"{account}#{DAY}", 0.7, maximum=1.0)])
        end_of_day = int(resets_at(DAY)) - int(job.created_at)
        for pk, sk, seconds in (
            (f"ONCE#{name}", "once", 60),
            (f"SPENT#{account}#{DAY}", "spent", end_of_day + budgets.RETENTION_SECONDS),
        ):
            key = {"pk": {"S": pk}, "sk": {"S": sk}}
            row = dynamodb.get_item(TableName=table, Key=key)["Item"]
            assert int(row["expires"]["N"]) == int(job.created_at) + seconds

    def test_dynamodb_errors_become_aws_unavailable(self, dynamodb: Any, account: str):
        missing = JobTable(dynamodb, "no-such-table")
        job, reason = job_of(account), "returned ResourceNotFoundException"
        calls: list[tuple[str, Callable[[], object]]] = [
            ("Query", lambda: missing.get(account, "job_1")),
            ("TransactWriteItems", lambda: missing.add(job)),
            ("Query", lambda: missing.page(account, JobQuery())),
            ("TransactWriteItems", lambda: missing.add(job, record_of(job, "x"))),
            ("Query", lambda: missing.adopt_retry("x", 1, NOW)),
        ]
        for operation, call in calls:
            with pytest.raises(AwsUnavailable, match=f"{operation} {reason}"):
                call()


def spent(dynamodb: Any, table: str, account: str) -> tuple[float, int]:
    """Return the dollars and jobs charged to the account's day."""
    key = {"pk": {"S": f"SPENT#{account}#{DAY}"}, "sk": {"S": "spent"}}
    row = dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]
    return round(float(row["dollars"]["N"]), 6), int(row["jobs"]["N"])


PROVISIONED = "ProvisionedThroughputExceeded"
THEIRS = {"written_by": {"S": "them"}}


class TestCommit:
    """Responses that the local engine never gives, from the service's model."""

    @pytest.fixture
    def commit(self, dynamodb: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
        monkeypatch.setattr("secrets.token_hex", lambda _: "us")
        record = IdempotencyRecord("x", "f" * 64, "1", NOW + 60)
        charges = [Charge(f"a#{DAY}", 1, maximum=2)]
        state = {"pk": {"S": "JOB#a#1"}}
        creation = CreateTransaction("t", state, {"request": {}}, record, charges, NOW)
        return lambda: creation.commit(dynamodb)

    @pytest.fixture
    def stubber(self, dynamodb: Any) -> Iterator[Stubber]:
        with Stubber(dynamodb) as stubber:
            yield stubber

    def refuse(self, stubber: Stubber, *codes: str, item: dict[str, Any] | None = None) -> None:
        reasons: list[dict[str, Any]] = [{"Code": code} for code in (*codes, "None")]
        if item:  # the last one is of the job's request
            reasons[0]["Item"] = item
        stubber.add_client_error(
            "transact_write_items",
            "TransactionCanceledException",
            http_status_code=400,
            modeled_fields={"CancellationReasons": reasons},
        )

    @pytest.mark.parametrize("conflicts", [1, 4])
    def test_commit_repeats_after_conflicts(
        self, stubber: Stubber, commit: Callable[[], None], conflicts: int
    ):
        for _ in range(conflicts):
            self.refuse(stubber, "None", "TransactionConflict", "None")
        stubber.add_response("transact_write_items", {})
        commit()
        stubber.assert_no_pending_responses()

    def test_commit_reports_key_in_use_after_too_many_conflicts(
        self, stubber: Stubber, commit: Callable[[], None]
    ):
        for _ in range(transaction.MAX_TRIES):
            self.refuse(stubber, "None", "TransactionConflict", "None")
        with pytest.raises(IdempotencyKeyInUse):
            commit()

    @pytest.mark.parametrize(
        ("codes", "item", "refusal"),
        [
            (("ConditionalCheckFailed", "None", "None"), None, WriteConflict),
            (("ConditionalCheckFailed", "None", "None"), {"pk": {"S": "x"}}, WriteConflict),
            (("ConditionalCheckFailed", "None", "None"), THEIRS, WriteConflict),
            (("None", "ConditionalCheckFailed", "None"), None, AlreadyAccepted),
            (("None", "None", "ConditionalCheckFailed"), None, BudgetExceeded),
            (("None", "ConditionalCheckFailed", "ConditionalCheckFailed"), None, AlreadyAccepted),
            (("None", "TransactionConflict", "ConditionalCheckFailed"), None, BudgetExceeded),
            (("None", "None", "ThrottlingError"), None, AwsUnavailable),
            (("None", PROVISIONED, "TransactionConflict"), None, AwsUnavailable),
            (("ValidationError", "None", "None"), None, AwsUnavailable),
        ],
    )
    def test_commit_maps_each_cancellation_reason(
        self,
        stubber: Stubber,
        commit: Callable[[], None],
        codes: tuple[str, ...],
        item: dict[str, Any] | None,
        refusal: type[RushesError],
    ):
        self.refuse(stubber, *codes, item=item)
        with pytest.raises(refusal) as refused:
            commit()
        assert type(refused.value) is refusal

    def test_commit_recognizes_its_own_item(self, stubber: Stubber, commit: Callable[[], None]):
        """boto3's token expires after ten minutes; a later repetition meets its own item."""
        codes = ("ConditionalCheckFailed",) * 3
        self.refuse(stubber, *codes, item={"written_by": {"S": "us"}})
        commit()

    def test_commit_reports_throttling_as_unavailable(
        self, stubber: Stubber, commit: Callable[[], None]
    ):
        stubber.add_client_error("transact_write_items", "ThrottlingException")
        with pytest.raises(AwsUnavailable, match="ThrottlingException"):
            commit()


def later(limit: RateLimit, seconds: float) -> tuple[RateLimit, str]:
    return limit.model_copy(update={"not_before": NOW + seconds}), "changed"


class TestRateLimits:
    @pytest.fixture(params=[FakeRateLimits, RateLimitTable], ids=BOTH)
    def rate_limits(self, request: pytest.FixtureRequest) -> RateLimits:
        rate_limits: RateLimits = adapter_of(request)
        return rate_limits

    @pytest.fixture
    def provider(self) -> str:
        return f"provider-{secrets.token_hex(4)}"

    def test_rate_limit_is_empty_until_it_is_changed(self, rate_limits: RateLimits, provider: str):
        assert rate_limits.get(provider) == RateLimit()
        assert rate_limits.decide(provider, lambda limit: later(limit, 5.25)) == "changed"
        assert rate_limits.get(provider) == RateLimit(not_before=NOW + 5.25)
        assert rate_limits.get(f"{provider}-other") == RateLimit()

    def test_all_fields_are_stored(self, rate_limits: RateLimits, provider: str):
        turn = Turn(account="a", job_id="job_1", at=NOW + 10.125)
        circuit = Circuit(
            rejections=3,
            accounts=("a", "b"),
            open_until=NOW + 60,
            pause=60.0,
            reason="Füchslein 🦊",
        )
        pace = Pace(next_at=NOW + 0.1, turns=(turn,))
        limit = RateLimit(not_before=NOW, pace=pace, circuits={"vendor/model:1": circuit})
        rate_limits.decide(provider, lambda _: (limit, None))
        assert rate_limits.get(provider) == limit

    def test_unchanged_state_is_not_written(self, rate_limits: RateLimits, provider: str):
        assert rate_limits.decide(provider, lambda limit: (limit, limit.not_before)) == 0.0
        rate_limits.decide(provider, lambda limit: later(limit, 1))
        assert rate_limits.decide(provider, lambda limit: (limit, "read")) == "read"
        assert rate_limits.get(provider) == RateLimit(not_before=NOW + 1)

    @pytest.mark.parametrize(
        ("attributes", "not_before"),
        [
            ({"not_before": {"N": "40"}}, 40.0),
            ({"not_before": {"N": "40"}, "circuit_open_until": {"N": "90.5"}}, 90.5),
            ({"closed_until": {"N": "60"}, "reason": {"S": "who are you?"}}, 60.0),
        ],
    )
    def test_items_of_earlier_releases_are_read_and_changed(
        self,
        as_wired: Clients,
        table: str,
        provider: str,
        attributes: dict[str, Any],
        not_before: float,
    ):
        dynamodb, item_key = as_wired("dynamodb"), items.key("PROVIDER", provider)
        dynamodb.put_item(TableName=table, Item={**item_key, **attributes})
        rate_limits = RateLimitTable(dynamodb, table)
        assert rate_limits.get(provider) == RateLimit(not_before=not_before)
        rate_limits.decide(provider, lambda limit: later(limit, 7))
        assert rate_limits.get(provider).not_before == NOW + 7
        item = dynamodb.get_item(TableName=table, Key=item_key)["Item"]
        assert float(item["not_before"]["N"]) == NOW + 7  # an earlier release reads it

    @pytest.mark.parametrize("version", [None, {"N": "3"}, {"S": "three"}, {"N": "1.5"}])
    def test_item_that_cannot_be_read_is_replaced(
        self, as_wired: Clients, table: str, provider: str, version: dict[str, Any] | None
    ):
        dynamodb, item_key = as_wired("dynamodb"), items.key("PROVIDER", provider)
        edited = {**item_key, "document": {"S": "{"}} | ({"version": version} if version else {})
        dynamodb.put_item(TableName=table, Item=edited)
        rate_limits = RateLimitTable(dynamodb, table)
        assert rate_limits.get(provider) == RateLimit()
        assert rate_limits.decide(provider, lambda limit: later(limit, 7)) == "changed"
        assert rate_limits.get(provider) == RateLimit(not_before=NOW + 7)

    def test_turn_is_taken_once_by_twenty_concurrent_jobs(
        self, as_wired: Clients, table: str, provider: str
    ):
        rate_limits = RateLimitTable(as_wired("dynamodb"), table)

        def decide(number: int) -> float | None:
            turn = Turn(account="a", job_id=f"job_{number}", at=NOW)

            def take(limit: RateLimit) -> tuple[RateLimit, float]:
                pace, wait = take_turn(limit.pace, turn, NOW, 10.0)
                unchanged = pace is limit.pace
                return limit if unchanged else limit.model_copy(update={"pace": pace}), wait

            try:
                return rate_limits.decide(provider, take)
            except WriteConflict:
                return None

        with ThreadPoolExecutor(20) as pool:
            waits = list(pool.map(decide, range(20)))
        assert waits.count(0.0) == 1
        assert len(rate_limits.get(provider).pace.turns) == 1


class TestAccountSlots:
    @pytest.fixture(params=[FakeAccountSlots, AccountSlotTable], ids=BOTH)
    def account_slots(self, request: pytest.FixtureRequest) -> AccountSlots:
        account_slots: AccountSlots = adapter_of(request)
        return account_slots

    def test_slots_are_separate_for_each_account_and_pool(
        self, account_slots: AccountSlots, account: str
    ):
        slots = Slots(holders={"job_1": NOW + 0.5})
        account_slots.decide(account, "inputs", lambda _: (slots, None))

        def holders(account: str, pool: str) -> dict[str, float]:
            return account_slots.decide(account, pool, lambda slots: (slots, slots.holders))

        assert holders(account, "inputs") == {"job_1": NOW + 0.5}
        assert holders(account, "outputs") == holders(f"{account}-2", "inputs") == {}

    def test_slots_are_not_exceeded_by_concurrent_jobs(
        self, as_wired: Clients, table: str, account: str
    ):
        account_slots = AccountSlotTable(as_wired("dynamodb"), table)
        pool = Pool("inputs", slots=3, seconds=60.0)

        def take(number: int) -> bool:
            try:
                return account_slots.decide(
                    account, pool.name, lambda slots: acquire(slots, f"job_{number}", pool, NOW)
                )
            except WriteConflict:
                return False

        with ThreadPoolExecutor(12) as threads:
            taken = list(threads.map(take, range(12)))
        assert 1 <= sum(taken) <= pool.slots
        held = account_slots.decide(account, pool.name, lambda slots: (slots, slots.holders))
        assert len(held) == sum(taken)


class TestBus:
    @pytest.fixture
    def client(self, as_wired: Clients) -> Any:
        return as_wired("events")

    def event(self, name: str) -> dict[str, Any]:
        text = "Füchslein 🦊"
        return {"id": f"evt_{name}", "type": "job.failed", "data": {"id": name, "text": text}}

    def test_put_delivers_events_unchanged(self, client: Any, stack: Stack, events: Events):
        """More events than one request may have."""
        sent = [self.event(f"job_{secrets.token_hex(8)}") for _ in range(23)]
        assert EventBus(client, stack.outputs["BusName"]).put(sent) == []
        for event in sent:
            assert events.of(event["data"]["id"]) == [event]

    def test_put_returns_indexes_of_rejected_events(self, client: Any):
        """Indexes count across all requests."""
        bus, sent = EventBus(client, "bus"), [self.event(str(number)) for number in range(23)]
        taken, refused = {"EventId": "1"}, {"ErrorCode": "InternalFailure", "ErrorMessage": "no"}
        with Stubber(client) as stubber:
            for count, failing in ((10, {0, 9}), (10, set()), (3, {2})):
                entries = [refused if place in failing else taken for place in range(count)]
                reply = {"FailedEntryCount": len(failing), "Entries": entries}
                stubber.add_response("put_events", reply)
            assert bus.put(sent) == [0, 9, 22]
            stubber.assert_no_pending_responses()

    def test_put_sets_source_and_detail_type(self, client: Any):
        event = self.event("1")
        entry = {
            "EventBusName": "bus",
            "Source": "rushes",
            "DetailType": "job.failed",
            "Detail": json.dumps(event, ensure_ascii=False),
        }
        with Stubber(client) as stubber:
            reply = {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}
            stubber.add_response("put_events", reply, {"Entries": [entry]})
            assert EventBus(client, "bus").put([event]) == []

    def test_put_of_nothing_makes_no_call(self, client: Any):
        with Stubber(client):
            assert EventBus(client, "bus").put([]) == []

    def test_put_reports_eventbridge_errors(self, client: Any):
        with Stubber(client) as stubber:
            stubber.add_client_error("put_events", "InternalException")
            with pytest.raises(AwsUnavailable, match="PutEvents returned InternalException"):
                EventBus(client, "bus").put([self.event("1")])


class TestKeys:
    @pytest.fixture(params=[FakeKeys, KeyTable], ids=BOTH)
    def keys(self, request: pytest.FixtureRequest) -> ApiKeys:
        keys: ApiKeys = adapter_of(request)
        return keys

    def test_api_key_is_stored_and_revoked(self, keys: ApiKeys):
        key = ApiKey(secrets.token_hex(8), "demo", "0" * 64, NOW + 0.5)
        assert keys.get(key.key_id) is None
        keys.add(key)
        assert keys.get(key.key_id) == key
        keys.add(replace(key, revoked=True))
        assert keys.get(key.key_id) == replace(key, revoked=True)


class TestTimings:
    @pytest.fixture(params=[FakeTimings, TimingTable], ids=BOTH)
    def timings(self, request: pytest.FixtureRequest) -> Timings:
        timings: Timings = adapter_of(request)
        return timings

    def test_timing_is_stored(self, timings: Timings):
        timing_key = f"sandbox/{secrets.token_hex(4)}/4s/1280x720"
        assert timings.get(timing_key) == Timing()
        for timing in (Timing(3, 4.123456789012345, 1e-7), Timing(4, -2.3, 0.0)):
            timings.put(timing_key, timing)
            assert timings.get(timing_key) == timing


class TestExecutions:
    @dataclass
    class Machine:
        executions: Executions
        stop: Callable[[Job], object]

    @pytest.fixture(params=BOTH)
    def machine(self, request: pytest.FixtureRequest) -> Machine:
        if request.param == "fake":
            fake = FakeExecutions()
            return self.Machine(fake, lambda job: fake.running.update({job.execution_name: False}))
        make: Clients = request.getfixturevalue("as_wired")
        states = make("stepfunctions")
        arn = request.getfixturevalue("idle_machine")

        def stop(job: Job) -> None:
            name = arn.replace(":stateMachine:", ":execution:")
            states.stop_execution(executionArn=f"{name}:{job.execution_name}")

        return self.Machine(StateMachine(states, arn), stop)

    @pytest.fixture
    def job(self, account: str) -> Job:
        return job_of(account, id=f"job_{secrets.token_hex(8)}")

    def test_start_is_idempotent_and_is_running_follows(self, machine: Machine, job: Job):
        assert machine.executions.is_running(job) is None
        machine.executions.start(job)
        machine.executions.start(job)
        assert machine.executions.is_running(job) is True
        machine.stop(job)
        assert machine.executions.is_running(job) is False

    def test_restart_is_another_execution(self, machine: Machine, job: Job):
        machine.executions.start(job)
        again = job.restarted(NOW)
        assert machine.executions.is_running(again) is None
        machine.executions.start(again)
        assert machine.executions.is_running(again) is True
        machine.stop(job)
        machine.stop(again)


class TestBlobs:
    @pytest.fixture(params=BOTH)
    def blobs(self, request: pytest.FixtureRequest) -> Blobs:
        if request.param == "fake":
            return FakeBlobs()
        bucket: Bucket = request.getfixturevalue("bucket")
        return bucket

    @pytest.fixture
    def prefix(self, account: str) -> str:
        return f"outputs/{account}/"

    def test_read_returns_the_stored_file(self, blobs: Blobs, prefix: str):
        file = blobs.put(f"{prefix}image", Upload("image", "image/png", b"\x89PNG"))
        assert (file.key, file.content_type, file.size) == (f"{prefix}image", "image/png", 4)
        assert blobs.read(file.key) == b"\x89PNG"

    def test_missing_file_is_an_invalid_input_file(self, blobs: Blobs, prefix: str):
        with pytest.raises(InvalidInputFile):
            blobs.read(f"{prefix}absent")

    @pytest.mark.parametrize("length", [10, None])
    def test_put_stream_returns_size_and_hash(self, blobs: Blobs, prefix: str, length: int | None):
        download = Download(length, None, iter([b"01234", b"", b"56789"]))
        artifact = blobs.put_stream(f"{prefix}0.mp4", download, "video/mp4")
        assert (artifact.size, artifact.content_type) == (10, "video/mp4")
        digest = "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882"
        assert artifact.sha256 == digest
        assert blobs.read(artifact.key) == b"0123456789"

    def test_put_stream_refuses_a_short_download(self, blobs: Blobs, prefix: str):
        with pytest.raises(DownloadInterrupted, match="ended after 5 of 10"):
            blobs.put_stream(f"{prefix}0.mp4", Download(10, None, iter([b"01234"])), "video/mp4")
        with pytest.raises(InvalidInputFile):
            blobs.read(f"{prefix}0.mp4")

    @pytest.mark.parametrize(
        ("content", "content_type"),
        [
            (b"\x89PNG\r\n\x1a\n" + bytes(200), "image/png"),
            (b"ID3", "audio/mpeg"),
            (b"<html>" * 50, "application/octet-stream"),
            (b"x", "application/octet-stream"),
            (b"", "application/octet-stream"),
        ],
        ids=["longer than looked at", "shorter", "no media file", "a byte", "nothing"],
    )
    def test_find_sniffs_the_content_type(
        self, blobs: Blobs, prefix: str, content: bytes, content_type: str
    ):
        key = f"{prefix}upload"
        blobs.put(key, Upload("file", "video/mp4", content))
        found = blobs.find(key)
        assert found is not None
        assert found.etag
        unmarked = found.model_copy(update={"etag": None})
        assert unmarked == StoredFile(key=key, content_type=content_type, size=len(content))

    def test_find_reads_tracks_at_the_end(self, blobs: Blobs, prefix: str):
        blobs.put(f"{prefix}upload", Upload("file", "video/mp4", SOUND))
        found = blobs.find(f"{prefix}upload")
        assert found is not None
        assert (found.content_type, found.size) == ("audio/mp4", len(SOUND))

    def test_read_range_ends_with_the_file(self, blobs: Blobs, prefix: str):
        key = f"{prefix}file"
        blobs.put(key, Upload("file", "video/mp4", b"0123456789"))
        ranges = [(0, 3), (8, 100), (10, 1)]
        assert [blobs.read_range(key, *given) for given in ranges] == [b"012", b"89", b""]
        assert blobs.read_range(f"{prefix}absent", 0, 3) == b""

    def test_move_changes_key_and_type(self, blobs: Blobs, prefix: str):
        key, moved_to = f"{prefix}0.mp4", f"{prefix}0.m4a"
        artifact = blobs.put_stream(key, Download(len(SOUND), None, iter([SOUND])), "video/mp4")
        moved = blobs.move(artifact, moved_to, "audio/mp4")
        changes = {"key": moved_to, "content_type": "audio/mp4"}
        assert moved == artifact.model_copy(update=changes)
        assert blobs.read(moved_to) == SOUND
        assert blobs.find(key) is None

    def test_tagged_file_is_unchanged(self, blobs: Blobs, prefix: str):
        file = blobs.put(f"{prefix}0.mp4", Upload("file", "video/mp4", b"video"))
        blobs.tag(file.key, {"team": "ads", "campaign": "spring sale, 50%"})
        blobs.tag(file.key, {"team": "München"})
        assert blobs.read(file.key) == b"video"

    def test_copy_requires_the_same_etag(self, blobs: Blobs, prefix: str):
        blobs.put(f"{prefix}upload", Upload("file", "video/mp4", b"first"))
        found = blobs.find(f"{prefix}upload")
        assert found is not None
        copy = blobs.copy(found, f"{prefix}copy")
        assert copy == found.model_copy(update={"key": f"{prefix}copy"})
        blobs.put(f"{prefix}upload", Upload("file", "video/mp4", b"second"))
        assert blobs.read(f"{prefix}copy") == b"first"
        assert blobs.copy(found, f"{prefix}other") is None
        blobs.delete(f"{prefix}upload")
        assert blobs.copy(found, f"{prefix}other") is None
        assert blobs.find(f"{prefix}other") is None

    def test_open_streams_a_file_of_the_folder_by_its_uri(self, blobs: Blobs, prefix: str):
        key = f"{prefix}folder/output.mp4"
        blobs.put(key, Upload("video", "video/mp4", b"video"))
        with blobs.open(blobs.uri(key), f"{prefix}folder/") as download:
            assert (download.length, b"".join(download.chunks)) == (5, b"video")

    def test_open_refuses_a_file_of_another_folder(self, blobs: Blobs, prefix: str):
        key = f"{prefix}other/output.mp4"
        blobs.put(key, Upload("video", "video/mp4", b"video"))
        with (
            pytest.raises(InvalidOutput, match="the output must be in s3://"),
            blobs.open(blobs.uri(key), f"{prefix}folder/"),
        ):
            pass

    def test_open_of_a_missing_file_is_tried_again(self, blobs: Blobs, prefix: str):
        with (
            pytest.raises(DownloadInterrupted, match="cannot be read"),
            blobs.open(blobs.uri(f"{prefix}missing"), prefix),
        ):
            pass

    def test_find_returns_none_for_a_missing_value(self, blobs: Blobs, prefix: str):
        blobs.put(f"{prefix}upload-1", Upload("file", "video/mp4", b"1"))
        for key in (f"{prefix}upload", f"{prefix}upload-1/", prefix):
            assert blobs.find(key) is None

    @pytest.mark.parametrize("name", ["a.png", "a b+c%20.png", "ä/ö?x=1&y#z.png"])
    def test_key_of_returns_the_key_of_own_urls(self, blobs: Blobs, prefix: str, name: str):
        key = f"{prefix}{name}"
        file = StoredFile(key=key, content_type="image/png", size=1)
        for address in (blobs.upload_link(key), blobs.link(file, "a.png")):
            assert blobs.key_of(address) == key
            assert blobs.key_of(address.partition("?")[0]) == key

    def test_key_of_returns_none_for_other_urls(self, blobs: Blobs, prefix: str):
        ours = urlsplit(blobs.upload_link(f"{prefix}a.png"))
        for address in (
            *("", f"{prefix}a.png", "https://a.example/", "http://[", "data:,x", ours.path),
            ours._replace(netloc=f"{ours.netloc}.example").geturl(),
            ours._replace(netloc=f"user@{ours.netloc}").geturl(),
            ours._replace(scheme="ftp").geturl(),
        ):
            assert blobs.key_of(address) is None

    def test_delete_removes_the_prefix_only(self, blobs: Blobs, prefix: str):
        keys = [f"{prefix}1/a", f"{prefix}1/b", f"{prefix}11/a", f"{prefix}2/a"]
        for key in keys:
            blobs.put(key, Upload("image", "image/png", b"1"))
        blobs.delete(f"{prefix}1/")
        blobs.delete(f"{prefix}1/")
        for key in keys[:2]:
            with pytest.raises(InvalidInputFile):
                blobs.read(key)
        assert [blobs.read(key) for key in keys[2:]] == [b"1", b"1"]
