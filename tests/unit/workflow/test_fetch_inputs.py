"""Input URLs are fetched one by one: progress is kept, and an account has a share of the work."""

from collections.abc import Callable

import pytest
from typing_extensions import override

from rushes.errors import AwsUnavailable, InvalidInputFile
from rushes.jobs.job import Job
from rushes.jobs.request import Input, Role, Upload
from rushes.ports.providers import Result, Slots
from rushes.workflow.fetch_inputs import FETCHES_SECONDS
from rushes.workflow.slots import INPUT_FETCHES
from rushes.workflow.task import AWS_RETRY_SECONDS, TO_FINISH
from tests.fakes import FakeAccountSlots, FakeHttpClient
from tests.harness import ACCOUNT, CREATE, PNG_BYTES, Harness, video
from tests.unit.workflow.test_rate_limiter import OTHER

FETCH_SECONDS = 23.0
FUNCTION_SECONDS = 280.0


class CrashError(BaseException):
    """The function is killed."""


class SlowClient(FakeHttpClient):
    """Takes 23 seconds per fetch; `before` runs before each one."""

    def __init__(self, advance: Callable[[float], None]) -> None:
        super().__init__()
        self.advance = advance
        self.fetched: list[str] = []
        self.before: Callable[[], None] = lambda: None

    @override
    def fetch(self, url: str, limit: int) -> Upload:
        self.before()
        self.advance(FETCH_SECONDS)
        self.fetched.append(url)
        return super().fetch(url, limit)


@pytest.fixture
def harness(harness: Harness) -> Harness:
    harness.http_client = client = SlowClient(harness.clock.advance)
    harness.catalog = harness.catalog.model_copy(
        update={
            "models": tuple(
                model.model_copy(update={"inputs": ("reference", "image")})
                for model in harness.catalog.models
            )
        }
    )
    client.files = dict.fromkeys(map(url_of, range(16)), PNG_BYTES)
    return harness


def url_of(number: int) -> str:
    return f"https://images.example/{number}.png"


def accepted(harness: Harness, urls: int = 16, account: str = ACCOUNT) -> Job:
    """A job with reference images; the api function accepts fewer."""
    job = harness.accepted(account=account)
    inputs = tuple(Input(role=Role.REFERENCE, url=url_of(number)) for number in range(urls))
    return harness.change(job, lambda job, now: job.fetched(now, inputs))


def client_of(harness: Harness) -> SlowClient:
    assert isinstance(harness.http_client, SlowClient)
    return harness.http_client


def left(harness: Harness, job: Job) -> int:
    return sum(entry.url is not None for entry in harness.now(job).request.inputs)


def test_sixteen_slow_inputs_are_fetched_once_each_within_the_time_limit(harness: Harness) -> None:
    job = accepted(harness)
    lasted = []
    for _ in range(6):
        began = harness.clock()
        assert harness.submit(job) == {"status": "pending", "wait_seconds": 1}
        lasted.append(harness.clock() - began)
    assert left(harness, job) == 0
    assert client_of(harness).fetched == [url_of(number) for number in range(16)]
    assert max(lasted) <= FETCHES_SECONDS + FETCH_SECONDS + 5 < FUNCTION_SECONDS
    assert len(harness.blobs.objects) == 16


@pytest.mark.parametrize("crash_at", [1, 2, 3])
def test_retry_after_a_crash_continues_with_the_next_input(harness: Harness, crash_at: int) -> None:
    job = accepted(harness)
    client = client_of(harness)
    client.advance = lambda _: None

    def crash() -> None:
        if len(client.fetched) == crash_at:
            client.before = lambda: None
            raise CrashError

    client.before = crash
    with pytest.raises(CrashError):
        harness.submit(job)
    assert left(harness, job) == 16 - crash_at
    harness.submit(job)
    assert client.fetched[crash_at] == url_of(crash_at)
    assert len(client.fetched) == len(set(client.fetched))


def test_fast_inputs_are_fetched_in_one_invocation(harness: Harness) -> None:
    job = accepted(harness)
    client_of(harness).advance = lambda _: None
    harness.submit(job)
    assert left(harness, job) == 0


@pytest.mark.parametrize("number", [0, 2, 15])
def test_input_that_cannot_be_fetched_fails_the_job_with_its_error(
    harness: Harness, number: int
) -> None:
    job = accepted(harness)
    client_of(harness).files[url_of(number)] = InvalidInputFile("input_reference returned 404")
    assert "ending" in [harness.submit(job)["status"] for _ in range(6)]
    assert harness.error_code(job) == "invalid_input_reference"
    assert len(client_of(harness).fetched) == number + 1


def test_second_invocation_keeps_the_inputs_that_the_first_fetched(harness: Harness) -> None:
    """Step Functions may invoke a function twice."""
    job = accepted(harness, urls=3)
    client = client_of(harness)

    def run_again() -> None:
        client.before = lambda: None
        harness.submit(job)

    client.before = run_again
    harness.submit(job)
    stored = harness.now(job).request.inputs
    folder = f"inputs/{ACCOUNT}/{job.id}/"
    assert [entry.file.key for entry in stored if entry.file] == [f"{folder}{n}" for n in range(3)]


def test_cancel_stops_the_fetches(harness: Harness) -> None:
    job = accepted(harness)
    client = client_of(harness)

    def cancel() -> None:
        if client.fetched:
            harness.service.cancel(ACCOUNT, job.id)

    client.before = cancel
    harness.submit(job)
    assert len(client.fetched) == 2
    assert harness.submit(job) == TO_FINISH


def test_account_fetches_for_a_few_jobs_at_a_time(harness: Harness) -> None:
    """Another job starts during each fetch, and one of another account when no slot is left."""
    jobs = [accepted(harness, urls=1) for _ in range(INPUT_FETCHES.slots + 1)]
    other = accepted(harness, urls=1, account=OTHER)
    client, last = client_of(harness), jobs[0]

    def start_next() -> None:
        assert harness.submit(jobs.pop())["status"] == "pending"
        if not jobs and left(harness, other):
            client.before = lambda: None
            assert left(harness, last) == 1
            harness.submit(other)

    client.before = start_next
    harness.submit(jobs.pop())
    assert (left(harness, other), left(harness, last)) == (0, 1)
    assert len(client.fetched) == INPUT_FETCHES.slots + 1
    harness.submit(last)
    assert left(harness, last) == 0


def test_slot_of_a_crashed_function_ends(harness: Harness) -> None:
    client = client_of(harness)

    def crash() -> None:
        raise CrashError

    client.before = crash
    for _ in range(INPUT_FETCHES.slots):
        with pytest.raises(CrashError):
            harness.submit(accepted(harness, urls=1))
    held = dict.fromkeys(("a", "b", "c", "d"), harness.clock() + INPUT_FETCHES.seconds)
    harness.account_slots.rows[ACCOUNT, "inputs"] = harness.account_slots.rows[
        ACCOUNT, "inputs"
    ].model_copy(update={"holders": held})
    client.before = lambda: None
    job = accepted(harness, urls=1)
    assert harness.submit(job) == {"status": "pending", "wait_seconds": 2}
    assert left(harness, job) == 1
    harness.clock.advance(INPUT_FETCHES.seconds)
    harness.submit(job)
    assert left(harness, job) == 0


@pytest.mark.parametrize("urls", [0, 1])
def test_only_jobs_with_input_urls_write_slots(harness: Harness, urls: int) -> None:
    harness.answer(CREATE, video("queued"))
    harness.submit(accepted(harness, urls=urls))
    assert harness.account_slots.writes == 2 * urls


def test_unavailable_table_delays_the_fetch(harness: Harness) -> None:
    class Unavailable(FakeAccountSlots):
        @override
        def decide(
            self, account: str, pool: str, decide: Callable[[Slots], tuple[Slots, Result]]
        ) -> Result:
            raise AwsUnavailable("throttled")

    job, slots = accepted(harness, urls=1), harness.account_slots
    harness.account_slots = Unavailable()
    assert harness.submit(job) == {"status": "pending", "wait_seconds": AWS_RETRY_SECONDS}
    harness.account_slots = slots
    harness.submit(job)
    assert left(harness, job) == 0
