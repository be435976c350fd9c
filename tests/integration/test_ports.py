"""The same cases on the fakes and on the real adapters: what holds for one holds for the other."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import botocore.httpsession
import pytest
from botocore.exceptions import ReadTimeoutError

from rushes.blobs import Bucket
from rushes.errors import (
    BadInputFile,
    NotFound,
    OutputInterrupted,
    StoreUnavailable,
    WriteConflict,
)
from rushes.executions import StateMachine
from rushes.job import Job, JobError, JobStatus, Verdict
from rushes.ports import ApiKey, Blobs, Download, Executions, JobQuery, Jobs, Keys, Timing, Timings
from rushes.request import GenerationRequest, StoredFile, Upload
from rushes.registers import GateTable, KeyTable, TimingTable
from rushes.store import SHARDS, JobTable
from tests.fakes import FakeBlobs, FakeExecutions, FakeJobs, FakeKeys, FakeTimings

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
            "id": f"job_{number:012x}",
            "account": account,
            "dialect": "openai",
            "provider": "studio",
            "upstream_model": "studio-1",
            "request": GenerationRequest(model="sora-2", prompt="Ein Füchslein 🦊", seconds=4),
            "created_at": NOW + number,
            "updated_at": NOW + number,
            "deadline_at": NOW + 3600,
            **facts,
        }
    )


def failed(job: Job) -> Job:
    verdict = Verdict(status=JobStatus.FAILED, error=JobError(code="no", message="no"))
    return job.finished(NOW, verdict, job.id, 60)


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
    return [f"job_{number:012x}" for number in numbers]


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
            provider = "rare" if number in (2, 11) else "studio"
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
        found = [job.id for job in jobs.due(epoch + 30.5, 99) if job.account == account]
        assert found == ids(2, 3)

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
        self, jobs: JobTable, account: str, dynamodb: Any, table: str
    ):
        jobs.add(job_of(account))
        dynamodb.update_item(
            TableName=table,
            Key={"pk": {"S": f"JOB#{account}#{ids(1)[0]}"}, "sk": {"S": "job"}},
            UpdateExpression="SET #status = :cancelled",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":cancelled": {"S": "cancelled"}},
        )
        with pytest.raises(WriteConflict):
            jobs.change(account, ids(1)[0], lambda job: job.submitted(NOW, {"id": "1"}, ()))

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

    def test_what_dynamodb_will_not_do_is_our_trouble_by_name(self, dynamodb: Any, account: str):
        nowhere = JobTable(dynamodb, "no-such-table")
        with pytest.raises(StoreUnavailable, match="GetItem answered ResourceNotFoundException"):
            nowhere.get(account, "job_1")
        with pytest.raises(StoreUnavailable, match="PutItem answered"):
            nowhere.add(job_of(account))
        with pytest.raises(StoreUnavailable, match="Query answered"):
            nowhere.page(account, JobQuery())


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
        kind = f"studio/{secrets.token_hex(4)}/4s/1280x720"
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
        with pytest.raises(BadInputFile):
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
        with pytest.raises(OutputInterrupted, match="ended after 5 of 10"):
            blobs.put_stream(f"{prefix}0.mp4", Download(10, None, iter([b"01234"])), "video/mp4")
        with pytest.raises(BadInputFile):
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
            with pytest.raises(BadInputFile):
                blobs.read(key)
        assert [blobs.read(key) for key in keys[2:]] == [b"1", b"1"]
