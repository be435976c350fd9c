"""The same cases on the fakes and on the real adapters: what holds for one holds for the other."""

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
from rushes.aws.dynamodb import idempotency
from rushes.aws.dynamodb.jobs import SHARDS, JobTable
from rushes.aws.dynamodb.lookup_tables import KeyTable, RateLimitTable, TimingTable
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
    NotFound,
    RushesError,
    WriteConflict,
)
from rushes.jobs.job import Job, new_id
from rushes.jobs.request import GenerationRequest, StoredFile, Upload
from rushes.jobs.result import JobError, JobOutcome
from rushes.jobs.status import JobStatus
from rushes.ports import (
    ApiKey,
    Blobs,
    BudgetCharge,
    Download,
    Executions,
    IdempotencyRecord,
    JobQuery,
    Jobs,
    Keys,
    RateLimit,
    RateLimits,
    Timing,
    Timings,
)
from tests.fakes import FakeBlobs, FakeExecutions, FakeJobs, FakeKeys, FakeRateLimits, FakeTimings
from tests.stack import Events

BOTH = ["fake", "real"]
NOW = 4_000_000_000.0  # far ahead: no sweeper of another test finds these jobs forgotten
Clients: TypeAlias = Callable[[str], Any]


@dataclass
class Store:
    """The jobs, and a way to get in between a change's reading and its writing."""

    jobs: Jobs
    interfere: Callable[[Callable[[], object]], None]


def fake_store() -> Store:
    jobs = FakeJobs()

    def interfere(action: Callable[[], object]) -> None:
        def before_write() -> None:
            action()

        jobs.before_write = before_write

    return Store(jobs, interfere)


def real_store(dynamodb: Any, table: str) -> Store:
    def interfere(action: Callable[[], object]) -> None:
        hook = "before-call.dynamodb.PutItem"

        def once(**_: object) -> None:
            dynamodb.meta.events.unregister(hook, once)
            action()

        dynamodb.meta.events.register(hook, once)

    return Store(JobTable(dynamodb, table), interfere)


@pytest.fixture(params=BOTH)
def store(request: pytest.FixtureRequest) -> Store:
    if request.param == "fake":
        return fake_store()
    make: Clients = request.getfixturevalue("as_wired")
    return real_store(make("dynamodb"), request.getfixturevalue("table"))


@pytest.fixture
def jobs(store: Store) -> Jobs:
    return store.jobs


@pytest.fixture
def account() -> str:
    return f"demo-{secrets.token_hex(4)}"


def job_of(account: str, number: int = 1, **facts: Any) -> Job:
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
            **facts,
        }
    )


def failed(job: Job) -> Job:
    outcome = JobOutcome(status=JobStatus.FAILED, error=JobError(code="no", message="no"))
    return job.finished(NOW, outcome, job.id, 60)


class TestJobs:
    def test_a_stored_job_comes_back_as_it_was(self, jobs: Jobs, account: str):
        job = job_of(account).submitted(NOW + 0.25, {"id": "a/b", "deep": [1.5, None]}, ("so",))
        jobs.add(job)
        assert jobs.get(account, job.id) == job

    def test_a_job_is_nobody_elses(self, jobs: Jobs, account: str):
        jobs.add(job_of(account))
        assert jobs.get("other", job_of(account).id) is None
        assert jobs.get(account, "job_absent") is None
        with pytest.raises(NotFound):
            jobs.change("other", job_of(account).id, failed)

    def test_an_id_is_taken_once(self, jobs: Jobs, account: str):
        jobs.add(job_of(account))
        with pytest.raises(WriteConflict):
            jobs.add(job_of(account, provider="another"))
        assert jobs.get(account, job_of(account).id) == job_of(account)

    def test_a_change_is_written_and_given_back(self, jobs: Jobs, account: str):
        jobs.add(job_of(account))
        changed = jobs.change(account, job_of(account).id, lambda job: job.warned(NOW, "mind"))
        assert changed.warnings == ("mind",)
        assert jobs.get(account, changed.id) == changed

    def test_a_change_to_the_same_writes_nothing(self, store: Store, account: str):
        store.jobs.add(job_of(account))
        written: list[str] = []
        store.interfere(lambda: written.append("something"))
        assert store.jobs.change(account, job_of(account).id, lambda job: job) == job_of(account)
        assert not written

    def test_a_change_that_raises_writes_nothing(self, jobs: Jobs, account: str):
        jobs.add(job_of(account))

        def refuse(_: Job) -> Job:
            raise ValueError("not now")

        with pytest.raises(ValueError, match="not now"):
            jobs.change(account, job_of(account).id, refuse)
        assert jobs.get(account, job_of(account).id) == job_of(account)

    def test_who_was_beaten_decides_again_on_what_is_there_now(self, store: Store, account: str):
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

    def test_a_job_that_ended_in_between_stays_ended(self, store: Store, account: str):
        store.jobs.add(job_of(account))
        job_id = job_of(account).id
        store.interfere(lambda: store.jobs.change(account, job_id, failed))
        changed = store.jobs.change(
            account, job_id, lambda job: job if job.is_finished else job.warned(NOW, "late")
        )
        assert (changed.status, changed.warnings) == (JobStatus.FAILED, ())

    def test_who_is_beaten_every_time_gives_up(self, store: Store, account: str):
        store.jobs.add(job_of(account))
        job_id = job_of(account).id

        def change(job: Job) -> Job:
            store.interfere(
                lambda: store.jobs.change(account, job_id, lambda it: it.warned(NOW, "faster"))
            )
            return job.warned(NOW, "slower")

        with pytest.raises(WriteConflict):
            store.jobs.change(account, job_id, change)
        stored = store.jobs.get(account, job_id)
        assert stored
        assert set(stored.warnings) == {"faster"}

    def test_a_finished_job_never_moves_again(self, jobs: Jobs, account: str):
        jobs.add(job_of(account))
        jobs.change(account, job_of(account).id, failed)

        def revive(job: Job) -> Job:
            return job.submitted(NOW, {"id": "1"}, ())

        with pytest.raises(WriteConflict):
            jobs.change(account, job_of(account).id, revive)
        stored = jobs.get(account, job_of(account).id)
        assert stored
        assert stored.status is JobStatus.FAILED


def ids(*numbers: int) -> list[str]:
    return [new_id(NOW + number, "0") for number in numbers]


def listed(jobs: Jobs, account: str, **query: Any) -> tuple[list[str], bool]:
    page = jobs.page(account, JobQuery(**query))
    return [job.id for job in page.jobs], page.has_more


class TestList:
    def test_the_newest_come_first_or_the_oldest(self, jobs: Jobs, account: str):
        for number in (3, 1, 5, 2, 4):
            jobs.add(job_of(account, number))
        assert listed(jobs, account) == (ids(5, 4, 3, 2, 1), False)
        assert listed(jobs, account, newest_first=False) == (ids(1, 2, 3, 4, 5), False)

    def test_there_is_more_only_if_there_is(self, jobs: Jobs, account: str):
        for number in (1, 2, 3):
            jobs.add(job_of(account, number))
        assert listed(jobs, account, limit=2) == (ids(3, 2), True)
        assert listed(jobs, account, limit=3) == (ids(3, 2, 1), False)
        assert listed(jobs, "nobody") == ([], False)

    @pytest.mark.parametrize("newest_first", [True, False])
    def test_page_after_page_shows_each_job_once(
        self, jobs: Jobs, account: str, *, newest_first: bool
    ):
        """Enough jobs for each shard to have some, and an end that falls on a page's end."""
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

    def test_one_providers_jobs_are_found_among_many(self, jobs: Jobs, account: str):
        for number in range(20):
            provider = "rare" if number in (2, 11) else "sandbox"
            jobs.add(job_of(account, number, provider=provider))
        assert listed(jobs, account, provider="rare") == (ids(11, 2), False)
        assert listed(jobs, account, provider="rare", limit=1) == (ids(11), True)
        assert listed(jobs, account, provider="rare", after=ids(11)[0]) == (ids(2), False)
        assert listed(jobs, account, provider="none") == ([], False)

    def test_a_deleted_job_is_hidden_and_still_a_place_to_go_on_from(
        self, jobs: Jobs, account: str
    ):
        for number in (1, 2, 3):
            jobs.add(job_of(account, number))
        jobs.change(account, ids(2)[0], lambda job: job.deleted(NOW))
        assert listed(jobs, account) == (ids(3, 1), False)
        assert listed(jobs, account, after=ids(2)[0]) == (ids(1), False)
        assert jobs.get(account, ids(2)[0])

    def test_a_finished_job_stays_in_the_list(self, jobs: Jobs, account: str):
        jobs.add(job_of(account))
        jobs.change(account, ids(1)[0], failed)
        page = jobs.page(account, JobQuery())
        assert [job.status for job in page.jobs] == [JobStatus.FAILED]


class TestOpenJobs:
    """Times far back, so that no other test's jobs come before."""

    @pytest.fixture
    def epoch(self) -> float:
        return float(secrets.randbelow(1_000_000) * 1000)

    def test_the_longest_forgotten_come_first(self, jobs: Jobs, account: str, epoch: float):
        for number, touched in ((1, 30.5), (2, 10.25), (3, 20.0)):
            jobs.add(job_of(account, number, updated_at=epoch + touched))
        found = [job.id for job in jobs.due(epoch + 30.25, 99) if job.account == account]
        assert found == ids(2, 3)
        found = [job.id for job in jobs.due(epoch + 30.5, 99) if job.account == account]
        assert found == ids(2, 3, 1)

    def test_a_finished_job_is_not_open_and_a_deleted_one_may_be(
        self, jobs: Jobs, account: str, epoch: float
    ):
        for number in (1, 2, 3):
            jobs.add(job_of(account, number, updated_at=epoch))
        jobs.change(account, ids(1)[0], failed)
        jobs.change(account, ids(2)[0], lambda job: job.deleted(epoch + 1))
        found = jobs.due(epoch + 2, 99)
        assert sorted(job.id for job in found if job.account == account) == ids(2, 3)

    def test_no_more_are_given_than_asked_for(self, jobs: Jobs, account: str, epoch: float):
        for number in range(5):
            jobs.add(job_of(account, number, updated_at=epoch))
        assert len(jobs.due(epoch + 1, 3)) == 3

    def test_a_job_is_due_as_long_as_something_is_to_be_told_or_awaited_or_purged(
        self, jobs: Jobs, account: str, epoch: float
    ):
        for number in range(1, 6):
            jobs.add(job_of(account, number, updated_at=epoch))
        told, awaited, deleted, running, done = ids(1, 2, 3, 4, 5)

        def at(change: Callable[[Job], Job]) -> Callable[[Job], Job]:
            return lambda job: change(job).model_copy(update={"updated_at": epoch})

        jobs.change(account, told, at(lambda job: failed(job).with_event({"id": "evt_1"})))
        late = {"late_until": epoch + 9}
        jobs.change(account, awaited, at(lambda job: failed(job).model_copy(update=late)))
        jobs.change(account, deleted, at(lambda job: failed(job).deleted(epoch)))
        jobs.change(account, running, at(lambda job: job.submitted(epoch, {}, ())))
        jobs.change(account, done, at(failed))

        def due(moment: float) -> list[str]:
            return sorted(job.id for job in jobs.due(moment, 99) if job.account == account)

        assert due(epoch - 1) == []
        assert due(epoch) == [told]
        assert due(epoch + 59.5) == [told]
        assert due(epoch + 60) == [told, awaited, running]
        assert due(epoch + 960) == [told, awaited, deleted, running]


def receipt_of(job: Job, name: str, **facts: Any) -> IdempotencyRecord:
    plain = {"digest": name, "fingerprint": "f" * 64, "job_id": job.id}
    return IdempotencyRecord(**{**plain, "expires_at": job.created_at + 60, **facts})


class TestReceipts:
    @pytest.fixture
    def name(self) -> str:
        return secrets.token_hex(32)

    def test_a_receipt_comes_back_as_it_was(self, jobs: Jobs, account: str, name: str):
        job = job_of(account)
        assert jobs.receipt(name) is None
        jobs.add(job, receipt_of(job, name))
        assert jobs.receipt(name) == receipt_of(job, name)
        assert jobs.get(account, job.id) == job

    def test_of_two_jobs_with_one_receipt_only_the_first_is_stored(
        self, jobs: Jobs, account: str, name: str
    ):
        first, second = job_of(account, 1), job_of(account, 2)
        jobs.add(first, receipt_of(first, name))
        with pytest.raises(AlreadyAccepted):
            jobs.add(second, receipt_of(second, name))
        assert jobs.get(account, second.id) is None
        assert jobs.receipt(name) == receipt_of(first, name)

    def test_a_receipt_whose_time_is_over_is_none(self, jobs: Jobs, account: str, name: str):
        """The table removes rows up to two days after they have expired."""
        first, second = job_of(account, 1), job_of(account, 1000)
        jobs.add(first, receipt_of(first, name))
        jobs.add(second, receipt_of(second, name, fingerprint="e" * 64))
        known = jobs.receipt(name)
        assert known
        assert (known.job_id, known.fingerprint) == (second.id, "e" * 64)

    def test_a_receipt_holds_until_its_very_end(self, jobs: Jobs, account: str, name: str):
        first, second = job_of(account, 1), job_of(account, 61)
        jobs.add(first, receipt_of(first, name))
        with pytest.raises(AlreadyAccepted):
            jobs.add(second, receipt_of(second, name))

    def test_a_job_that_is_there_is_no_accepted_call(self, jobs: Jobs, account: str, name: str):
        job = job_of(account)
        jobs.add(job)
        with pytest.raises(WriteConflict) as refused:
            jobs.add(job, receipt_of(job, name))
        assert not isinstance(refused.value, AlreadyAccepted)
        assert jobs.receipt(name) is None

    def test_each_job_is_given_to_one_retry_of_each_number(
        self, jobs: Jobs, account: str, name: str
    ):
        for number in (2, 1):
            job = job_of(account, number)
            jobs.add(job, receipt_of(job, name, retry=0))
        assert jobs.receipt(name) is None
        given = [jobs.claim(name, 1, NOW) for _ in range(3)]
        assert given == [*ids(1, 2), None]
        assert [jobs.claim(name, 2, NOW) for _ in range(3)] == [*ids(1, 2), None]
        assert jobs.claim(name, 1, NOW) is None

    def test_a_retry_finds_no_job_of_its_own_number_or_a_later_one(
        self, jobs: Jobs, account: str, name: str
    ):
        job = job_of(account)
        jobs.add(job, receipt_of(job, name, retry=2))
        assert [jobs.claim(name, retry, NOW) for retry in (1, 2, 3)] == [None, None, job.id]

    def test_what_is_over_is_not_given_to_anybody(self, jobs: Jobs, account: str, name: str):
        job = job_of(account)
        jobs.add(job, receipt_of(job, name, retry=0))
        assert jobs.claim(name, 1, job.created_at + 60) is None
        assert jobs.claim(name, 1, job.created_at + 59) == job.id

    def test_nobodys_body_is_no_call(self, jobs: Jobs, name: str):
        assert jobs.claim(name, 1, NOW) is None


class TestAllowance:
    def allow(self, account: str, cost: float = 0.4, day: str = "2096-10-02") -> BudgetCharge:
        return BudgetCharge(account, day, cost, limit=1.0)

    def test_what_has_room_is_taken_and_nothing_else(self, jobs: Jobs, account: str):
        for number in (1, 2):
            jobs.add(job_of(account, number), None, self.allow(account))
        with pytest.raises(BudgetExceeded):
            jobs.add(job_of(account, 3), None, self.allow(account))
        assert jobs.get(account, ids(3)[0]) is None
        jobs.add(job_of(account, 4), None, self.allow(account, 0.2))
        with pytest.raises(BudgetExceeded):
            jobs.add(job_of(account, 5), None, self.allow(account, 0.01))

    def test_days_and_accounts_are_kept_apart(self, jobs: Jobs, account: str):
        for number, day in ((1, "2096-10-02"), (2, "2096-10-03")):
            jobs.add(job_of(account, number), None, self.allow(account, 0.9, day))
        jobs.add(job_of(f"{account}x"), None, self.allow(f"{account}x", 0.9))

    def test_a_job_that_costs_nothing_is_taken_when_all_is_spent(self, jobs: Jobs, account: str):
        jobs.add(job_of(account, 1), None, self.allow(account, 1.0))
        jobs.add(job_of(account, 2), None, self.allow(account, 0.0))

    def test_what_is_refused_leaves_no_receipt_and_what_was_accepted_no_bill(
        self, jobs: Jobs, account: str
    ):
        first, second, third = (job_of(account, number) for number in (1, 2, 3))
        one, two = secrets.token_hex(32), secrets.token_hex(32)
        jobs.add(first, receipt_of(first, one), self.allow(account, 0.7))
        with pytest.raises(BudgetExceeded):
            jobs.add(second, receipt_of(second, two), self.allow(account, 0.7))
        assert jobs.receipt(two) is None
        with pytest.raises(AlreadyAccepted):
            jobs.add(third, receipt_of(third, one), self.allow(account, 0.1))
        jobs.add(job_of(account, 4), None, self.allow(account, 0.3))


class TestRealTable:
    @pytest.fixture
    def dynamodb(self, as_wired: Clients) -> Any:
        return as_wired("dynamodb")

    @pytest.fixture
    def jobs(self, dynamodb: Any, table: str) -> JobTable:
        return JobTable(dynamodb, table)

    @pytest.fixture
    def row(self, dynamodb: Any, table: str, account: str) -> Callable[[], dict[str, Any]]:
        key = {"pk": {"S": f"JOB#{account}#{ids(1)[0]}"}, "sk": {"S": "job"}}
        return lambda: dict(dynamodb.get_item(TableName=table, Key=key)["Item"])

    def test_a_row_is_indexed_only_where_it_is_to_be_found(
        self, jobs: JobTable, account: str, row: Callable[[], dict[str, Any]]
    ):
        jobs.add(job_of(account))
        assert {"list_pk", "list_sk", "open_pk", "open_sk"} < set(row())
        assert float(row()["expires"]["N"]) > NOW + 89 * 24 * 3600
        jobs.change(account, ids(1)[0], failed)
        assert {"open_pk", "open_sk"}.isdisjoint(row())
        jobs.change(account, ids(1)[0], lambda job: job.deleted(NOW))
        assert {"list_pk", "list_sk"}.isdisjoint(row())

    def test_an_accounts_jobs_are_spread_over_all_shards(
        self, jobs: JobTable, account: str, dynamodb: Any, table: str
    ):
        for number in range(30):
            jobs.add(job_of(account, number))
        counts = [
            dynamodb.query(
                TableName=table,
                IndexName="jobs_by_account",
                KeyConditionExpression="list_pk = :pk",
                ExpressionAttributeValues={":pk": {"S": f"{account}#{shard}"}},
            )["Count"]
            for shard in range(SHARDS)
        ]
        assert sum(counts) == 30
        assert all(counts)

    def test_a_status_set_by_hand_is_not_written_over(
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

    @pytest.fixture
    def lose_an_answer(self, dynamodb: Any) -> Iterator[Callable[[], list[int]]]:
        """The next write is carried out and its answer lost; gives the answers so far."""
        wire = botocore.httpsession.URLLib3Session()
        answers: list[int] = []

        def send(request: Any, **_: object) -> None:
            if not answers:
                answers.append(wire.send(request).status_code)
                raise ReadTimeoutError(endpoint_url=request.url)

        def lose() -> list[int]:
            dynamodb.meta.events.register("before-send.dynamodb.PutItem", send)
            return answers

        yield lose
        dynamodb.meta.events.unregister("before-send.dynamodb.PutItem", send)
        wire.close()

    def test_a_write_whose_answer_was_lost_is_known_to_be_ours(
        self, jobs: JobTable, account: str, lose_an_answer: Callable[[], list[int]]
    ):
        """boto3 repeats it, the condition refuses it, and the row bears our mark."""
        answers = lose_an_answer()
        jobs.add(job_of(account))
        assert answers == [200]
        answers.clear()
        decided: list[int] = []

        def change(job: Job) -> Job:
            decided.append(job.version)
            return job.warned(NOW, "once")

        assert jobs.change(account, ids(1)[0], change).warnings == ("once",)
        assert (answers, decided) == ([200], [0])
        stored = jobs.get(account, ids(1)[0])
        assert stored
        assert (stored.version, stored.warnings) == (1, ("once",))

    @pytest.fixture(params=["TransactWriteItems"])
    def lost_answers(self, request: pytest.FixtureRequest, dynamodb: Any) -> Iterator[list[int]]:
        """The first call of that name is carried out, and its answer lost."""
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

    @pytest.mark.parametrize("lost_answers", ["UpdateItem"], indirect=True)
    def test_a_claim_that_was_not_answered_is_known_to_be_ours(
        self, jobs: JobTable, account: str, lost_answers: list[int]
    ):
        job, name = job_of(account), secrets.token_hex(32)
        jobs.add(job, receipt_of(job, name, retry=0))
        assert jobs.claim(name, 1, NOW) == job.id
        assert lost_answers == [200]
        assert jobs.claim(name, 1, NOW) is None

    def test_a_job_whose_transaction_was_not_answered_is_stored_and_paid_for_once(
        self,
        jobs: JobTable,
        account: str,
        dynamodb: Any,
        table: str,
        lost_answers: list[int],
    ):
        # with numbers as the engine writes them itself: else it knows no repetition for one
        job, name = job_of(account, updated_at=NOW + 0.25), secrets.token_hex(32)
        jobs.add(job, receipt_of(job, name), BudgetCharge(account, "2096-10-02", 0.7, 1.0))
        assert lost_answers == [200]
        assert jobs.get(account, job.id) == job
        assert jobs.receipt(name) == receipt_of(job, name)
        assert spent(dynamodb, table, account) == (0.7, 1)

    def test_twenty_calls_at_once_with_one_key_make_one_job(
        self, jobs: JobTable, account: str, dynamodb: Any, table: str
    ):
        name = secrets.token_hex(32)

        def add(number: int) -> str:
            job = job_of(account, number)
            try:
                jobs.add(job, receipt_of(job, name), BudgetCharge(account, "2096-10-02", 0.01, 9.0))
            except (AlreadyAccepted, IdempotencyKeyInUse) as error:
                return type(error).__name__
            return job.id

        with ThreadPoolExecutor(20) as pool:
            made = [it for it in pool.map(add, range(20)) if it.startswith("job_")]
        known = jobs.receipt(name)
        assert known
        assert made == [known.job_id]
        assert spent(dynamodb, table, account) == (0.01, 1)
        assert [job.id for job in jobs.page(account, JobQuery(limit=99)).jobs] == made

    def test_fifty_at_once_never_spend_more_than_the_limit(
        self, jobs: JobTable, account: str, dynamodb: Any, table: str
    ):
        """Whoever is refused for the crowd only may come again; the last place is given once."""

        def add(number: int) -> str | None:
            for _ in range(50):
                try:
                    jobs.add(
                        job_of(account, number), None, BudgetCharge(account, "2096-10-02", 0.1, 4.9)
                    )
                except IdempotencyKeyInUse:
                    continue
                except BudgetExceeded:
                    return None
                return job_of(account, number).id
            raise AssertionError("never its turn")

        with ThreadPoolExecutor(50) as pool:
            made = [it for it in pool.map(add, range(50)) if it]
        assert len(made) == 49
        assert spent(dynamodb, table, account) == (4.9, 49)
        listed_ids = [job.id for job in jobs.page(account, JobQuery(limit=99)).jobs]
        assert sorted(listed_ids) == sorted(made)

    def test_a_retry_is_given_to_one_of_those_that_ask_at_once(self, jobs: JobTable, account: str):
        name = secrets.token_hex(32)
        for number in range(3):
            job = job_of(account, number)
            jobs.add(job, receipt_of(job, name, retry=0))
        with ThreadPoolExecutor(10) as pool:
            given = list(pool.map(lambda _: jobs.claim(name, 1, NOW), range(10)))
        assert sorted(it for it in given if it) == ids(0, 1, 2)

    def test_what_a_later_version_wrote_is_kept(
        self, jobs: JobTable, account: str, row: Callable[[], dict[str, Any]]
    ):
        newer = job_of(account).model_dump() | {"mood": "blue"}
        jobs.add(Job.model_validate(newer))
        jobs.change(account, ids(1)[0], lambda job: job.warned(NOW, "mind"))
        assert json.loads(row()["document"]["S"])["mood"] == "blue"

    def test_a_receipt_and_a_bill_are_removed_by_their_age(
        self, jobs: JobTable, account: str, dynamodb: Any, table: str
    ):
        job, name = job_of(account), secrets.token_hex(32)
        jobs.add(job, receipt_of(job, name), BudgetCharge(account, "2096-10-02", 0.7, 1.0))
        for pk, sk, seconds in (
            (f"ONCE#{name}", "once", 60),
            (f"SPENT#{account}#2096-10-02", "spent", idempotency.SPENT_SECONDS),
        ):
            key = {"pk": {"S": pk}, "sk": {"S": sk}}
            row = dynamodb.get_item(TableName=table, Key=key)["Item"]
            assert int(row["expires"]["N"]) == int(job.created_at) + seconds

    def test_what_dynamodb_will_not_do_is_our_trouble_by_name(self, dynamodb: Any, account: str):
        nowhere = JobTable(dynamodb, "no-such-table")
        with pytest.raises(AwsUnavailable, match="GetItem answered ResourceNotFoundException"):
            nowhere.get(account, "job_1")
        with pytest.raises(AwsUnavailable, match="PutItem answered"):
            nowhere.add(job_of(account))
        with pytest.raises(AwsUnavailable, match="Query answered"):
            nowhere.page(account, JobQuery())
        with pytest.raises(AwsUnavailable, match="TransactWriteItems answered"):
            nowhere.add(job_of(account), receipt_of(job_of(account), "x"))
        with pytest.raises(AwsUnavailable, match="Query answered"):
            nowhere.claim("x", 1, NOW)


def spent(dynamodb: Any, table: str, account: str) -> tuple[float, int]:
    """Dollars and jobs on the account's bill of the day."""
    key = {"pk": {"S": f"SPENT#{account}#2096-10-02"}, "sk": {"S": "spent"}}
    row = dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]
    return round(float(row["dollars"]["N"]), 6), int(row["jobs"]["N"])


class TestCommit:
    """Answers that the local engine never gives, in the words of the service's own model."""

    PARTS: tuple[dict[str, Any], ...] = (
        {"Put": {"TableName": "t", "Item": {"pk": {"S": "JOB#a#1"}, "written_by": {"S": "us"}}}},
        {"Put": {"TableName": "t", "Item": {"pk": {"S": "ONCE#x"}, "sk": {"S": "once"}}}},
        {"Update": {"TableName": "t", "Key": {"pk": {"S": "SPENT#a"}}, "UpdateExpression": "x"}},
    )

    @pytest.fixture
    def dynamodb(self, as_wired: Clients) -> Any:
        return as_wired("dynamodb")

    @pytest.fixture
    def stubber(self, dynamodb: Any) -> Iterator[Stubber]:
        with Stubber(dynamodb) as stubber:
            yield stubber

    def refuse(self, stubber: Stubber, *codes: str, item: dict[str, Any] | None = None) -> None:
        reasons: list[dict[str, Any]] = [{"Code": code} for code in codes]
        if item:
            reasons[0]["Item"] = item
        stubber.add_client_error(
            "transact_write_items",
            "TransactionCanceledException",
            http_status_code=400,
            modeled_fields={"CancellationReasons": reasons},
        )

    @pytest.mark.parametrize("conflicts", [1, 4])
    def test_conflicts_pass(self, dynamodb: Any, stubber: Stubber, conflicts: int):
        for _ in range(conflicts):
            self.refuse(stubber, "None", "TransactionConflict", "None")
        stubber.add_response("transact_write_items", {})
        idempotency.commit(dynamodb, self.PARTS)
        stubber.assert_no_pending_responses()

    def test_a_conflict_that_does_not_pass_is_a_key_in_use(self, dynamodb: Any, stubber: Stubber):
        for _ in range(idempotency.TRIES):
            self.refuse(stubber, "None", "TransactionConflict", "None")
        with pytest.raises(IdempotencyKeyInUse):
            idempotency.commit(dynamodb, self.PARTS)

    @pytest.mark.parametrize(
        ("codes", "refusal"),
        [
            (("ConditionalCheckFailed", "None", "None"), WriteConflict),
            (("None", "ConditionalCheckFailed", "None"), AlreadyAccepted),
            (("None", "None", "ConditionalCheckFailed"), BudgetExceeded),
            (("None", "ConditionalCheckFailed", "ConditionalCheckFailed"), AlreadyAccepted),
            (("None", "TransactionConflict", "ConditionalCheckFailed"), BudgetExceeded),
            (("None", "None", "ThrottlingError"), AwsUnavailable),
            (("None", "ProvisionedThroughputExceeded", "TransactionConflict"), AwsUnavailable),
            (("ValidationError", "None", "None"), AwsUnavailable),
        ],
    )
    def test_each_reason_has_its_name(
        self,
        dynamodb: Any,
        stubber: Stubber,
        codes: tuple[str, ...],
        refusal: type[RushesError],
    ):
        self.refuse(stubber, *codes)
        with pytest.raises(refusal) as refused:
            idempotency.commit(dynamodb, self.PARTS)
        assert type(refused.value) is refusal

    def test_what_is_in_the_way_and_is_ours_is_done(self, dynamodb: Any, stubber: Stubber):
        """boto3's token is good for ten minutes; what comes later finds its own row."""
        codes = ("ConditionalCheckFailed",) * 3
        self.refuse(stubber, *codes, item={"written_by": {"S": "us"}})
        idempotency.commit(dynamodb, self.PARTS)

    @pytest.mark.parametrize("writer", [{"written_by": {"S": "them"}}, {"pk": {"S": "x"}}, None])
    def test_what_is_in_the_way_and_is_not_ours_is_a_conflict(
        self, dynamodb: Any, stubber: Stubber, writer: dict[str, Any] | None
    ):
        self.refuse(stubber, "ConditionalCheckFailed", "None", "None", item=writer)
        with pytest.raises(WriteConflict):
            idempotency.commit(dynamodb, self.PARTS)

    def test_what_is_throttled_as_a_whole_is_our_trouble(self, dynamodb: Any, stubber: Stubber):
        stubber.add_client_error("transact_write_items", "ThrottlingException")
        with pytest.raises(AwsUnavailable, match="ThrottlingException"):
            idempotency.commit(dynamodb, self.PARTS)


class TestRateLimits:
    @pytest.fixture(params=BOTH)
    def rate_limits(self, request: pytest.FixtureRequest) -> RateLimits:
        if request.param == "fake":
            return FakeRateLimits()
        make: Clients = request.getfixturevalue("as_wired")
        return RateLimitTable(make("dynamodb"), request.getfixturevalue("table"))

    @pytest.fixture
    def provider(self) -> str:
        return f"provider-{secrets.token_hex(4)}"

    def test_a_gate_is_open_until_it_is_held_or_closed(
        self, rate_limits: RateLimits, provider: str
    ):
        assert rate_limits.get(provider) == RateLimit()
        rate_limits.hold(provider, NOW + 5.25)
        assert rate_limits.get(provider) == RateLimit(not_before=NOW + 5.25)
        rate_limits.close(provider, NOW + 60, "who are you?")
        assert rate_limits.get(provider) == RateLimit(NOW + 5.25, NOW + 60, "who are you?")
        assert rate_limits.get(f"{provider}-other") == RateLimit()

    def test_an_earlier_hold_does_not_shorten_a_later_one(
        self, rate_limits: RateLimits, provider: str
    ):
        for until in (NOW + 30, NOW + 10, NOW + 40):
            rate_limits.hold(provider, until)
        assert rate_limits.get(provider).not_before == NOW + 40
        rate_limits.hold(provider, NOW)
        assert rate_limits.get(provider).not_before == NOW + 40

    def test_there_is_one_place_in_each_interval(self, rate_limits: RateLimits, provider: str):
        admitted = [
            rate_limits.admit(provider, NOW + moment, 10) for moment in (0, 1, 9.5, 10, 11, 25)
        ]
        assert admitted == [True, False, False, True, False, True]
        assert rate_limits.get(provider).not_before == NOW + 35

    def test_nobody_is_admitted_where_patience_was_asked_for(
        self, rate_limits: RateLimits, provider: str
    ):
        rate_limits.hold(provider, NOW + 30)
        assert not rate_limits.admit(provider, NOW + 29, 10)
        assert rate_limits.admit(provider, NOW + 30, 10)

    def test_a_gate_that_is_closed_anew_says_the_newest(
        self, rate_limits: RateLimits, provider: str
    ):
        rate_limits.close(provider, NOW + 60, "first")
        rate_limits.close(provider, NOW + 30, "second")
        assert rate_limits.get(provider) == RateLimit(0.0, NOW + 30, "second")

    def test_of_many_at_once_one_is_admitted(self, as_wired: Clients, table: str, provider: str):
        rate_limits = RateLimitTable(as_wired("dynamodb"), table)
        with ThreadPoolExecutor(20) as pool:
            admitted = list(pool.map(lambda _: rate_limits.admit(provider, NOW, 10), range(20)))
        assert sum(admitted) == 1


class TestBus:
    @pytest.fixture
    def client(self, as_wired: Clients) -> Any:
        return as_wired("events")

    def event(self, name: str) -> dict[str, Any]:
        text = "Füchslein 🦊"
        return {"id": f"evt_{name}", "type": "job.failed", "data": {"id": name, "text": text}}

    def test_what_is_put_arrives_as_it_was(self, client: Any, stack: Stack, events: Events):
        """More than one call may take."""
        told = [self.event(f"job_{secrets.token_hex(8)}") for _ in range(23)]
        assert EventBus(client, stack.outputs["BusName"]).put(told) == []
        for event in told:
            assert events.of(event["data"]["id"], 10) == [event]

    def test_what_is_refused_is_named_by_its_place(self, client: Any):
        """Among all that was to be put, whichever call it went with."""
        bus, told = EventBus(client, "bus"), [self.event(str(number)) for number in range(23)]
        taken, refused = {"EventId": "1"}, {"ErrorCode": "InternalFailure", "ErrorMessage": "no"}
        with Stubber(client) as stubber:
            for count, failing in ((10, {0, 9}), (10, set()), (3, {2})):
                entries = [refused if place in failing else taken for place in range(count)]
                reply = {"FailedEntryCount": len(failing), "Entries": entries}
                stubber.add_response("put_events", reply)
            assert bus.put(told) == [0, 9, 22]
            stubber.assert_no_pending_responses()

    def test_each_entry_says_what_it_is(self, client: Any):
        event = self.event("1")
        entry = {
            "EventBusName": "bus",
            "Source": "rushes",
            "DetailType": "job.failed",
            "Detail": json.dumps(event),
        }
        with Stubber(client) as stubber:
            reply = {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}
            stubber.add_response("put_events", reply, {"Entries": [entry]})
            assert EventBus(client, "bus").put([event]) == []

    def test_nothing_is_no_call(self, client: Any):
        with Stubber(client):
            assert EventBus(client, "bus").put([]) == []

    def test_a_bus_that_is_down_is_our_trouble_by_name(self, client: Any):
        with Stubber(client) as stubber:
            stubber.add_client_error("put_events", "InternalException")
            with pytest.raises(AwsUnavailable, match="PutEvents answered InternalException"):
                EventBus(client, "bus").put([self.event("1")])


class TestKeys:
    @pytest.fixture(params=BOTH)
    def keys(self, request: pytest.FixtureRequest) -> Keys:
        if request.param == "fake":
            return FakeKeys()
        make: Clients = request.getfixturevalue("as_wired")
        return KeyTable(make("dynamodb"), request.getfixturevalue("table"))

    def test_a_key_comes_back_as_it_was_until_it_is_revoked(self, keys: Keys):
        key = ApiKey(secrets.token_hex(8), "demo", "0" * 64, NOW + 0.5)
        assert keys.get(key.key_id) is None
        keys.add(key)
        assert keys.get(key.key_id) == key
        keys.add(replace(key, revoked=True))
        assert keys.get(key.key_id) == replace(key, revoked=True)


class TestTimings:
    @pytest.fixture(params=BOTH)
    def timings(self, request: pytest.FixtureRequest) -> Timings:
        if request.param == "fake":
            return FakeTimings()
        make: Clients = request.getfixturevalue("as_wired")
        return TimingTable(make("dynamodb"), request.getfixturevalue("table"))

    def test_a_timing_comes_back_as_it_was(self, timings: Timings):
        kind = f"sandbox/{secrets.token_hex(4)}/4s/1280x720"
        assert timings.get(kind) == Timing()
        for timing in (Timing(3, 4.123456789012345, 1e-7), Timing(4, -2.3, 0.0)):
            timings.put(kind, timing)
            assert timings.get(kind) == timing


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

    def test_an_execution_is_started_once_and_runs_until_it_stops(self, machine: Machine, job: Job):
        assert machine.executions.is_running(job) is None
        machine.executions.start(job)
        machine.executions.start(job)
        assert machine.executions.is_running(job) is True
        machine.stop(job)
        assert machine.executions.is_running(job) is False

    def test_each_restart_is_an_execution_of_its_own(self, machine: Machine, job: Job):
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

    def test_a_file_comes_back_as_it_was(self, blobs: Blobs, prefix: str):
        file = blobs.put(f"{prefix}image", Upload("image", "image/png", b"\x89PNG"))
        assert (file.key, file.content_type, file.size) == (f"{prefix}image", "image/png", 4)
        assert blobs.read(file.key) == b"\x89PNG"

    def test_a_file_that_is_gone_is_a_fault_of_the_job(self, blobs: Blobs, prefix: str):
        with pytest.raises(InvalidInputFile):
            blobs.read(f"{prefix}absent")

    @pytest.mark.parametrize("length", [10, None])
    def test_a_stream_is_stored_and_measured(self, blobs: Blobs, prefix: str, length: int | None):
        download = Download(length, None, iter([b"01234", b"", b"56789"]))
        artifact = blobs.put_stream(f"{prefix}0.mp4", download, "video/mp4")
        assert (artifact.size, artifact.content_type) == (10, "video/mp4")
        digest = "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882"
        assert artifact.sha256 == digest
        assert blobs.read(artifact.key) == b"0123456789"

    def test_a_stream_shorter_than_announced_is_not_stored(self, blobs: Blobs, prefix: str):
        with pytest.raises(DownloadInterrupted, match="ended after 5 of 10"):
            blobs.put_stream(f"{prefix}0.mp4", Download(10, None, iter([b"01234"])), "video/mp4")
        with pytest.raises(InvalidInputFile):
            blobs.read(f"{prefix}0.mp4")

    @pytest.mark.parametrize(
        ("content", "kind"),
        [
            (b"\x89PNG\r\n\x1a\n" + bytes(200), "image/png"),
            (b"ID3", "audio/mpeg"),
            (b"<html>" * 50, "application/octet-stream"),
            (b"x", "application/octet-stream"),
            (b"", "application/octet-stream"),
        ],
        ids=["longer than looked at", "shorter", "no media file", "a byte", "nothing"],
    )
    def test_what_is_found_is_of_the_kind_that_its_bytes_tell(
        self, blobs: Blobs, prefix: str, content: bytes, kind: str
    ):
        key = f"{prefix}upload"
        blobs.put(key, Upload("file", "video/mp4", content))
        found = blobs.find(key)
        assert found is not None
        assert found.etag
        unmarked = found.model_copy(update={"etag": None})
        assert unmarked == StoredFile(key=key, content_type=kind, size=len(content))

    def test_what_was_found_is_copied_as_long_as_it_is_the_same(self, blobs: Blobs, prefix: str):
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

    def test_where_nothing_is_nothing_is_found(self, blobs: Blobs, prefix: str):
        blobs.put(f"{prefix}upload-1", Upload("file", "video/mp4", b"1"))
        for key in (f"{prefix}upload", f"{prefix}upload-1/", prefix):
            assert blobs.find(key) is None

    @pytest.mark.parametrize("name", ["a.png", "a b+c%20.png", "ä/ö?x=1&y#z.png"])
    def test_an_address_of_ours_tells_its_object(self, blobs: Blobs, prefix: str, name: str):
        key = f"{prefix}{name}"
        file = StoredFile(key=key, content_type="image/png", size=1)
        for address in (blobs.upload_link(key), blobs.link(file, "a.png")):
            assert blobs.key_of(address) == key
            assert blobs.key_of(address.partition("?")[0]) == key

    def test_anybody_elses_address_tells_nothing(self, blobs: Blobs, prefix: str):
        ours = urlsplit(blobs.upload_link(f"{prefix}a.png"))
        for address in (
            *("", f"{prefix}a.png", "https://a.example/", "http://[", "data:,x", ours.path),
            ours._replace(netloc=f"{ours.netloc}.example").geturl(),
            ours._replace(netloc=f"user@{ours.netloc}").geturl(),
            ours._replace(scheme="ftp").geturl(),
        ):
            assert blobs.key_of(address) is None

    def test_what_begins_alike_is_deleted_and_nothing_else(self, blobs: Blobs, prefix: str):
        keys = [f"{prefix}1/a", f"{prefix}1/b", f"{prefix}11/a", f"{prefix}2/a"]
        for key in keys:
            blobs.put(key, Upload("image", "image/png", b"1"))
        blobs.delete(f"{prefix}1/")
        blobs.delete(f"{prefix}1/")
        for key in keys[:2]:
            with pytest.raises(InvalidInputFile):
                blobs.read(key)
        assert [blobs.read(key) for key in keys[2:]] == [b"1", b"1"]
