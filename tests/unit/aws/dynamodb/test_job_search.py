"""Search of an account's jobs: filters, pages, cursors, and what open and deleted jobs show."""

import base64
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rushes.aws.dynamodb import job_search
from rushes.aws.dynamodb.job_items import job_key, request_item, state_item
from rushes.aws.dynamodb.job_search import JobSearchTable
from rushes.aws.dynamodb.jobs import JobTable
from rushes.aws.dynamodb.summary_items import summary_item
from rushes.errors import UnknownCursor
from rushes.jobs.job import Job
from rushes.jobs.status import JobStatus
from rushes.jobs.summary import summary_of
from rushes.ports.search import JobFilter
from tests.fakes import FakeJobs, FakeJobSearch
from tests.unit.aws.dynamodb.listed_jobs import NOW, job_id
from tests.unit.aws.dynamodb.moto_table import TABLE, CountedTable
from tests.unit.aws.dynamodb.searched_jobs import LIVES, STEPS, lived, new_job, present, walk

ACCOUNTS = ("demo", "other")
PROMPTS = ("A Red fox", "Straße im Schnee", "Cafe\u0301 noir", "雪の上の狐", "x" * 300 + " fox", "")
TEXTS = ("fox", "RED", "STRASSE", "caf\u00e9", "狐", "x", " ", "absent")


def stored(created: Job, life: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return the items of a job after its life; an open one has the summary of its creation."""
    job = lived(created, life)
    is_final = job.is_finished or job.deleted_at is not None
    return [state_item(job), request_item(job), summary_item(job if is_final else created)]


class SmallPages:
    """A client whose queries read at most a few entries, as DynamoDB's read 1 MB."""

    def __init__(self, client: Any, limit: int) -> None:
        self._client, self._limit = client, limit

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def query(self, **request: Any) -> Any:
        limit = min(request.pop("Limit", self._limit), self._limit)
        return self._client.query(**request, Limit=limit)


jobs_given = st.builds(
    lambda account, life, changes: (account, life, changes),
    st.sampled_from(ACCOUNTS),
    st.sampled_from(LIVES),
    st.fixed_dictionaries(
        {
            "prompt": st.sampled_from(PROMPTS),
            "model": st.sampled_from(["alias", "fal/one", "kling/two"]),
            "tags": st.dictionaries(
                st.sampled_from(["team", "a.b", "#x", "größe"]), st.sampled_from(["ads", "x y"])
            ),
            "user": st.sampled_from([None, "u1", "Ünal"]),
            "key_id": st.sampled_from([None, "k1", "k2"]),
            "modality": st.sampled_from(["video", "image"]),
        }
    ),
)
moments = st.none() | st.integers(-2, 14).map(lambda number: NOW + number / 2)
amounts = st.none() | st.sampled_from([0.0, 0.5, 0.75, 1, 2.0, 1e300, 1e-200, -1.0])
filters = st.builds(
    JobFilter,
    statuses=st.frozensets(st.sampled_from(list(JobStatus)), max_size=3),
    model=st.sampled_from([None, None, "alias", "kling/two", "fal/one"]),
    provider=st.sampled_from([None, None, "fal", "kling", "fal' OR 1=1"]),
    key_id=st.sampled_from([None, None, "k1"]),
    user=st.sampled_from([None, None, "Ünal", ""]),
    modality=st.sampled_from([None, None, "image"]),
    since=moments,
    until=moments,
    tags=st.dictionaries(st.sampled_from(["team", "a.b", "#x"]), st.just("ads"), max_size=2),
    text=st.none() | st.sampled_from(TEXTS),
    min_cost=amounts,
    max_cost=amounts,
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    lives=st.lists(jobs_given, max_size=12),
    searched=st.lists(filters, min_size=1, max_size=4),
    limit=st.integers(1, 4),
    size=st.integers(2, 5),
    newest_first=st.booleans(),
)
def test_search_finds_what_a_filter_of_all_jobs_finds(
    table: CountedTable,
    lives: list[tuple[str, tuple[str, ...], dict[str, Any]]],
    searched: list[JobFilter],
    limit: int,
    size: int,
    *,
    newest_first: bool,
):
    rows = table.rows
    rows.clear()
    table.calls.clear()
    fake = FakeJobSearch(FakeJobs(), page_size=size)
    for number, (account, life, changes) in enumerate(lives):
        created = new_job(number, account, **changes)
        fake.jobs.rows[account, created.id] = lived(created, life).model_dump_json()
        table.fill(iter(stored(created, life)))
    client: Any = SmallPages(table.client, size)
    real = JobSearchTable(client, TABLE)
    for jobs in searched:
        expected = sorted(
            (
                summary
                for job in fake.jobs.of_account("demo")
                if jobs.matches(summary := present(job))
            ),
            key=lambda job: job.id,
            reverse=newest_first,
        )
        for found in (real, fake):
            assert walk(found, jobs, limit, newest_first=newest_first) == expected


@pytest.fixture
def found(table: CountedTable) -> JobSearchTable:
    return JobSearchTable(table.client, TABLE)


@pytest.fixture
def jobs(table: CountedTable) -> JobTable:
    return JobTable(table.client, TABLE)


def fill(table: CountedTable, *created: Job, life: tuple[str, ...] = ()) -> None:
    table.fill(item for job in created for item in stored(job, life))


@pytest.mark.parametrize(
    ("searched", "calls"),
    [
        (JobFilter(), {"Query": 1, "BatchGetItem": 1}),
        (JobFilter(statuses=frozenset({JobStatus.COMPLETED})), {"Query": 1}),
        (JobFilter(statuses=frozenset({JobStatus.QUEUED})), {"Query": 1, "BatchGetItem": 1}),
        (JobFilter(text="absent"), {"Query": 1}),
    ],
)
def test_states_are_read_of_open_jobs_only(
    table: CountedTable, found: JobSearchTable, searched: JobFilter, calls: dict[str, int]
):
    fill(table, *map(new_job, range(5)))
    fill(table, *map(new_job, range(5, 9)), life=("begin", "complete"))
    table.calls.clear()
    page = found.page("demo", searched, 20)
    assert table.calls == calls
    assert page.pages_read == sum(calls.values())


@pytest.mark.usefixtures("short_queries")
def test_page_reads_three_times_at_most_and_goes_on_by_its_cursor(
    table: CountedTable, found: JobSearchTable
):
    """250 open jobs in front of the one that is searched."""
    fill(table, new_job(0), life=("move",))
    fill(table, *map(new_job, range(1, 251)))
    pages, after = [], None
    while True:
        table.calls.clear()
        page = found.page("demo", JobFilter(provider="kling"), 1, after)
        assert table.calls.total() <= 3
        pages.append(len(page.jobs))
        if page.next_cursor is None:
            break
        after = page.next_cursor
    assert pages == [0, 0, 1]


@pytest.fixture
def short_queries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_search, "MIN_FIRST_QUERY", 2)


def cursor_of(found: JobSearchTable, searched: JobFilter, account: str = "demo") -> str:
    cursor = found.page(account, searched, 1).next_cursor
    assert cursor
    return cursor


@pytest.mark.parametrize(
    ("account", "searched", "newest_first"),
    [
        ("other", JobFilter(), True),
        ("demo", JobFilter(user="u"), True),
        ("demo", JobFilter(tags={"a": "b"}), True),
        ("demo", JobFilter(since=1.0), True),
        ("demo", JobFilter(), False),
    ],
)
def test_cursor_of_another_list_is_refused(
    table: CountedTable,
    found: JobSearchTable,
    account: str,
    searched: JobFilter,
    *,
    newest_first: bool,
):
    fill(table, new_job(1), new_job(2), new_job(3, "other"), new_job(4, "other"))
    cursor = cursor_of(found, JobFilter())
    assert found.page("demo", JobFilter(), 1, cursor).jobs
    table.calls.clear()
    with pytest.raises(UnknownCursor, match="cursor is of another list") as refused:
        found.page(account, searched, 1, cursor, newest_first=newest_first)
    assert refused.value.param == "cursor"
    assert not table.calls


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "job_1", "é", "a" * 500, "====", "AAAA", "\n", "../../etc", "e30", job_id(1)],
)
def test_garbage_is_no_cursor(found: JobSearchTable, cursor: str):
    with pytest.raises(UnknownCursor) as refused:
        found.page("demo", JobFilter(), 1, cursor)
    assert refused.value.param == "cursor"


@pytest.mark.parametrize("position", ["zzz", "!", job_id(1) + "#", "", "a" * 101])
def test_edited_cursor_finds_no_more_than_its_list(
    table: CountedTable, found: JobSearchTable, position: str
):
    fill(table, new_job(1), new_job(2), new_job(3, "other"))
    text = base64.urlsafe_b64decode(cursor_of(found, JobFilter()) + "==").decode()
    edited = base64.urlsafe_b64encode(f"{text[:16]}{position}".encode()).decode().rstrip("=")
    try:
        page = found.page("demo", JobFilter(), 9, edited)
    except UnknownCursor:
        return
    assert {job.account for job in page.jobs} <= {"demo"}


def test_cursor_shows_neither_account_nor_filters(table: CountedTable, found: JobSearchTable):
    fill(table, new_job(1, "secret-team", user="u1"), new_job(2, "secret-team", user="u1"))
    cursor = cursor_of(found, JobFilter(user="u1"), "secret-team")
    assert b"secret-team" not in base64.urlsafe_b64decode(cursor + "==")
    assert b"u1" not in base64.urlsafe_b64decode(cursor + "==")


def test_job_created_meanwhile_does_not_move_the_next_page(
    table: CountedTable, found: JobSearchTable
):
    fill(table, *map(new_job, range(4)))
    first = found.page("demo", JobFilter(), 2)
    fill(table, new_job(9))
    second = found.page("demo", JobFilter(), 2, first.next_cursor)
    assert [job.id for job in second.jobs] == [job_id(1), job_id(0)]


def test_deleted_jobs_are_hidden_and_their_money_stays(
    table: CountedTable, jobs: JobTable, found: JobSearchTable
):
    for number, life in enumerate([(), ("begin", "complete")]):
        jobs.add(new_job(number, prompt="secret", user="u1", tags={"team": "ads"}))
        for step in (*life, "delete"):
            jobs.change("demo", job_id(number), STEPS[step])
    assert walk(found, JobFilter()) == []
    assert walk(found, JobFilter(text="secret")) == []
    summaries = list(found.summaries("demo", NOW, NOW + 9))
    assert [(job.prompt, job.user, job.deleted) for job in summaries] == [("", None, True)] * 2
    assert [job.settled for job in summaries] == [None, 0.5]
    assert [job.tags for job in summaries] == [{"team": "ads"}] * 2
    item = table.item(f"JOB#demo#{job_id(0)}", "summary")
    assert "secret" not in str(item)


def test_summaries_contain_every_job_of_the_time_with_its_present_amounts(
    table: CountedTable, found: JobSearchTable, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(job_search, "MAX_STATES", 2)
    lives = list(LIVES)
    expected = []
    for number, life in enumerate(lives):
        created = new_job(number)
        fill(table, created, life=life)
        expected.append(summary_of(lived(created, life)))
    fill(table, new_job(20, "other"), new_job(21))
    assert list(found.summaries("demo", NOW, NOW + len(lives))) == expected
    assert list(found.summaries("demo", NOW + 1, NOW + 3)) == expected[1:3]
    assert list(found.summaries("demo", NOW + 3, NOW + 3)) == []
    assert list(found.summaries("demo", NOW + 3, NOW + 1)) == []


def test_job_that_has_expired_is_still_summarized(table: CountedTable, found: JobSearchTable):
    fill(table, new_job(1), life=("begin", "complete"))
    fill(table, new_job(2))
    for number in (1, 2):
        for sk in ("job", "request"):
            key = {**job_key("demo", job_id(number)), "sk": {"S": sk}}
            table.client.delete_item(TableName=TABLE, Key=key)
    assert [job.id for job in walk(found, JobFilter())] == [job_id(1)]
    assert [job.id for job in found.summaries("demo", NOW, NOW + 9)] == [job_id(1), job_id(2)]


EDITS: list[Callable[[dict[str, Any]], Any]] = [
    lambda item: item.update(created_at={"S": "x"}),
    lambda item: item.pop("model"),
    lambda item: item.update(tags={"M": {"a": {"N": "1"}}}),
]


@pytest.mark.parametrize("edit", EDITS)
def test_summary_that_cannot_be_read_hides_no_other(
    table: CountedTable, found: JobSearchTable, edit: Callable[[dict[str, Any]], Any]
):
    fill(table, *map(new_job, range(3)))
    item = table.item(f"JOB#demo#{job_id(1)}", "summary")
    edit(item)
    table.client.put_item(TableName=TABLE, Item=item)
    assert [job.id for job in walk(found, JobFilter())] == [job_id(2), job_id(0)]


def test_state_that_cannot_be_read_hides_no_other(table: CountedTable, found: JobSearchTable):
    fill(table, *map(new_job, range(3)))
    item = {**table.item(f"JOB#demo#{job_id(1)}"), "document": {"S": "{"}}
    table.client.put_item(TableName=TABLE, Item=item)
    assert [job.id for job in walk(found, JobFilter())] == [job_id(2), job_id(0)]
