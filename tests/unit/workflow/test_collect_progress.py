"""Collect keeps each stored output: a crash or a time-out does not start again at the first."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from typing_extensions import override

from rushes.errors import DownloadInterrupted, InvalidOutput
from rushes.jobs.job import Job
from rushes.jobs.result import JobError, Output
from rushes.jobs.status import UpstreamCancelled
from rushes.ports.http import Upstream
from rushes.ports.providers import Slots
from rushes.ports.storage import Download
from rushes.providers.base import Succeeded
from rushes.workflow.collect import DOWNLOADS_SECONDS, MIN_TRIES, RETRY_WINDOW
from rushes.workflow.slots import OUTPUT_DOWNLOADS
from rushes.workflow.task import TO_FINISH
from tests.fakes import FakeHttpClient
from tests.harness import ACCOUNT, MP4_BYTES, POLL_CALL, Harness, video

OUTPUT_SECONDS, FUNCTION_SECONDS = 840.0, 900.0
FILES = 6


class CrashError(BaseException):
    """The function is killed."""


class SlowClient(FakeHttpClient):
    """Takes `seconds` per download; `before` runs before each one."""

    def __init__(self, advance: Callable[[float], None]) -> None:
        super().__init__()
        self.advance = advance
        self.seconds = OUTPUT_SECONDS
        self.downloads: list[str] = []
        self.before: Callable[[], None] = lambda: None

    @override
    @contextmanager
    def download(self, upstream: Upstream, output: Output) -> Iterator[Download]:
        self.before()
        self.advance(self.seconds)
        self.downloads.append(output.url)
        with super().download(upstream, output) as download:
            yield download


@pytest.fixture
def client(harness: Harness) -> SlowClient:
    harness.http_client = client = SlowClient(harness.clock.advance)
    return client


def outputs(files: int = FILES) -> tuple[Output, ...]:
    return tuple(Output(url=f"/{number}") for number in range(files))


@pytest.fixture
def job(harness: Harness, client: SlowClient) -> Job:
    """A job whose provider has generated six files."""
    client.answers = {"POST /videos": video("queued")}
    job = harness.running()
    client.files = {output.url: MP4_BYTES + output.url.encode() for output in outputs()}
    return harness.change(job, lambda job, now: job.generated(now, outputs(), None))


def names(job: Job) -> list[str]:
    return [artifact.key.rpartition("/")[2] for artifact in job.artifacts]


def test_slow_outputs_are_stored_once_each_within_the_time_limit(
    harness: Harness, client: SlowClient, job: Job
) -> None:
    lasted = []
    for _ in range(FILES):
        began = harness.clock()
        step = harness.collect(job)
        lasted.append(harness.clock() - began)
        assert step == (
            TO_FINISH if len(lasted) == FILES else {"status": "pending", "wait_seconds": 1}
        )
        harness.change(job, lambda job, now: job.generated(now, outputs(), None))  # polled again
    assert client.downloads == [output.url for output in outputs()]
    assert max(lasted) <= DOWNLOADS_SECONDS + OUTPUT_SECONDS < FUNCTION_SECONDS
    stored = harness.now(job)
    assert names(stored) == [f"{number}.mp4" for number in range(FILES)]
    assert [harness.blobs.objects[file.key] for file in stored.artifacts] == [
        client.files[output.url] for output in outputs()
    ]
    assert stored.collected_outputs == ()


def test_fast_outputs_are_stored_in_one_invocation(
    harness: Harness, client: SlowClient, job: Job
) -> None:
    client.seconds = 1.0
    assert harness.collect(job) == TO_FINISH


@pytest.mark.parametrize("crash_at", [1, 3, 5])
def test_crash_does_not_start_again_at_the_first_output(
    harness: Harness, client: SlowClient, job: Job, crash_at: int
) -> None:
    def crash() -> None:
        if len(client.downloads) == crash_at:
            client.before = lambda: None
            raise CrashError

    client.seconds, client.before = 1.0, crash
    with pytest.raises(CrashError):
        harness.collect(job)
    assert harness.collect(job) == TO_FINISH
    assert len(client.downloads) == FILES


def test_each_output_has_all_its_tries(harness: Harness, client: SlowClient, job: Job) -> None:
    """The time for the first outputs does not count against the last one."""
    last = outputs()[-1].url
    content, client.files[last] = client.files[last], DownloadInterrupted("503")
    for _ in range(FILES - 1 + MIN_TRIES - 1):
        assert harness.collect(job)["status"] == "pending"
    assert harness.clock() - (job.generated_at or 0) > RETRY_WINDOW
    client.files[last] = content
    assert harness.collect(job) == TO_FINISH
    assert len(harness.now(job).artifacts) == FILES


def test_output_that_cannot_be_downloaded_still_fails_the_job(
    harness: Harness, client: SlowClient, job: Job
) -> None:
    client.files[outputs()[3].url] = DownloadInterrupted("503")
    steps = [harness.collect(job)["status"] for _ in range(3 + MIN_TRIES)]
    assert "ending" in steps
    assert harness.error_code(job) == "output_interrupted"


def test_invalid_output_fails_the_job_in_the_end(
    harness: Harness, client: SlowClient, job: Job
) -> None:
    client.files[outputs()[0].url] = InvalidOutput("no")
    assert harness.collect_to_end(job) == TO_FINISH
    assert harness.error_code(job) == "bad_output"


def test_result_with_fewer_outputs_is_stored(
    harness: Harness, client: SlowClient, job: Job
) -> None:
    harness.collect(job)
    harness.collect(job)
    harness.change(job, lambda job, now: job.generated(now, outputs(1), None))
    assert harness.collect(job) == TO_FINISH
    assert names(harness.now(job)) == ["0.mp4"]
    assert len(client.downloads) == 2


def test_failover_forgets_the_outputs_of_the_first_provider(harness: Harness, job: Job) -> None:
    harness.collect(job)
    error = JobError(code="upstream_failed", message="no")
    moved = harness.now(job).failed_over(
        1.0, error, model="m", provider="p", upstream_model="u", cost=0
    )
    assert (len(harness.now(job).collected_outputs), moved.collected_outputs) == (1, ())


def test_archive_after_cancel_continues_with_the_next_output(
    harness: Harness, client: SlowClient, job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.collect(job)  # one output, in the folder of results
    harness.change(job, lambda job, now: job.cancelled_by_client(now, UpstreamCancelled.NO))
    harness.finish(job)
    monkeypatch.setattr(
        "rushes.workflow.provider_client.ProviderClient.poll", lambda *_: Succeeded(outputs())
    )
    harness.answer(POLL_CALL, video("completed"))
    client.downloads.clear()
    for _ in range(FILES - 1):
        assert harness.collect(job) == {"status": "pending", "wait_seconds": 1}
    assert harness.collect(job) == TO_FINISH
    archived = harness.now(job).archived_artifacts
    assert client.downloads == [output.url for output in outputs()]
    assert [file.key for file in archived] == [
        f"archive/{ACCOUNT}/{job.id}/{number}.mp4" for number in range(FILES)
    ]


def fill(harness: Harness, account: str) -> None:
    until = harness.clock() + OUTPUT_DOWNLOADS.seconds
    holders = {f"job_{number}": until for number in range(OUTPUT_DOWNLOADS.slots)}
    harness.account_slots.rows[account, OUTPUT_DOWNLOADS.name] = Slots(holders=holders)


def test_account_without_a_free_slot_waits_and_others_do_not(harness: Harness, job: Job) -> None:
    fill(harness, "other")
    assert harness.collect(job)["status"] == "pending"
    assert len(harness.blobs.objects) == 1
    fill(harness, ACCOUNT)
    before = harness.now(job)
    step = harness.collect(job)
    assert step["status"] == "pending"
    assert step["wait_seconds"] > 1
    assert harness.now(job) == before
    harness.clock.advance(OUTPUT_DOWNLOADS.seconds)
    harness.collect(job)
    assert len(harness.blobs.objects) == 2


def test_result_without_files_takes_no_slot(harness: Harness) -> None:
    job = harness.running()
    harness.change(job, lambda job, now: job.generated(now, (), None, {"text": "hello"}))
    fill(harness, ACCOUNT)
    assert harness.collect_to_end(job) == TO_FINISH
    assert harness.account_slots.writes == 0
