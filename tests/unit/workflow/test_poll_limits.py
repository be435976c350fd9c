"""Poll: the last poll before a cancel, and the time limit of a result that cannot be stored."""

import pytest

from rushes.catalog.models import read_catalog
from rushes.errors import DownloadInterrupted, UpstreamNoResponse, UpstreamUnreachable
from rushes.jobs.cost import may_be_billed
from rushes.jobs.result import CollectedOutput
from rushes.jobs.status import UpstreamCancelled
from rushes.ports.http import HttpReply
from rushes.ports.providers import Slots
from rushes.workflow.poll import CANCEL_RETRY_SECONDS, CANCEL_WINDOW
from rushes.workflow.slots import OUTPUT_DOWNLOADS
from rushes.workflow.task import (
    SECONDS_PER_STORED_OUTPUT,
    STORING_SECONDS,
    TO_COLLECT,
    TO_FINISH,
)
from tests.harness import (
    ACCOUNT,
    CANCEL_CALL,
    CATALOG_TEXT,
    CONTENT,
    MP4_BYTES,
    POLL_CALL,
    Harness,
    reply,
    video,
)

NO_RESULT = [
    reply(503),
    reply(429),
    video("in_progress"),
    video("queued"),
    video("levitating"),
    UpstreamNoResponse("no answer"),
]
UNKNOWN_STATES = [reply(503), reply(401), video("levitating"), UpstreamNoResponse("no answer")]


@pytest.mark.parametrize("answer", NO_RESULT)
def test_result_that_cannot_be_polled_again_fails_in_the_end(
    harness: Harness, answer: HttpReply | Exception
) -> None:
    job = harness.generated(DownloadInterrupted("403"))
    harness.answer(POLL_CALL, answer)
    harness.clock.now = job.deadline_at + STORING_SECONDS
    assert harness.poll(job)["status"] == "pending"
    harness.clock.advance(1)
    assert harness.poll(job) == TO_FINISH
    assert harness.error_code(job) == "output_interrupted"
    harness.finish(job)
    assert may_be_billed(harness.now(job))


def test_each_stored_output_extends_the_time_limit(harness: Harness) -> None:
    job = harness.stored()
    file = CollectedOutput(**job.artifacts[0].model_dump())
    job = harness.generated(DownloadInterrupted("403"))
    harness.change(job, lambda job, now: job.collected(now, (file,)))
    harness.answer(POLL_CALL, reply(503))
    harness.clock.now = job.deadline_at + STORING_SECONDS + SECONDS_PER_STORED_OUTPUT
    assert harness.poll(job)["status"] == "pending"
    harness.clock.advance(1)
    assert harness.poll(job) == TO_FINISH


def test_wait_for_a_download_slot_ends(harness: Harness) -> None:
    job = harness.generated()
    holders = {f"job_{number}": job.deadline_at * 2 for number in range(OUTPUT_DOWNLOADS.slots)}
    harness.account_slots.rows[ACCOUNT, OUTPUT_DOWNLOADS.name] = Slots(holders=holders)
    harness.clock.now = job.deadline_at + STORING_SECONDS
    assert harness.collect(job)["status"] == "pending"
    harness.clock.advance(1)
    assert harness.collect(job) == TO_FINISH
    assert harness.error_code(job) == "output_interrupted"


def test_result_of_the_last_poll_at_the_deadline_is_stored(harness: Harness) -> None:
    job = harness.running(video("completed"))
    harness.http_client.files[CONTENT] = MP4_BYTES
    harness.clock.now = job.deadline_at + 1
    assert harness.poll(job) == TO_COLLECT
    assert harness.collect(job) == TO_FINISH
    assert harness.finish(job)["status"] == "completed"


@pytest.mark.parametrize("after", [video("in_progress"), video("cancelled"), reply(404)])
def test_job_that_is_cancelled_at_the_deadline_stays_charged(
    harness: Harness, after: HttpReply
) -> None:
    job = harness.running(video("in_progress"), after)
    harness.answer(CANCEL_CALL, reply(200))
    harness.clock.now = job.deadline_at + 1
    assert harness.poll(job) == TO_FINISH
    assert harness.calls()[-3:] == [POLL_CALL, CANCEL_CALL, POLL_CALL]
    harness.finish(job)
    ended = harness.now(job)
    assert harness.error_code(job) == "upstream_timeout"
    assert (may_be_billed(ended), ended.is_dead_letter) == (True, after == video("in_progress"))


@pytest.mark.parametrize("answer", UNKNOWN_STATES)
def test_job_of_unknown_state_is_not_deleted_at_the_deadline(
    harness: Harness, answer: HttpReply | Exception
) -> None:
    """It may have finished: a delete would destroy its result."""
    job = harness.running(answer)
    harness.clock.now = job.deadline_at + 1
    assert harness.poll(job) == {"status": "pending", "wait_seconds": CANCEL_RETRY_SECONDS}
    harness.clock.now = job.deadline_at + CANCEL_WINDOW
    assert harness.poll(job) == TO_FINISH
    assert CANCEL_CALL not in harness.calls()
    harness.finish(job)
    assert may_be_billed(harness.now(job))
    assert harness.now(job).is_dead_letter


@pytest.mark.parametrize("was_polled", [False, True])
def test_result_generated_before_a_cancel_is_not_deleted_but_archived(
    harness: Harness, *, was_polled: bool
) -> None:
    job = harness.running(video("completed"))
    harness.http_client.files[CONTENT] = MP4_BYTES
    harness.answer(CANCEL_CALL, reply(200))
    if was_polled:
        harness.poll(job)
    harness.service.cancel(ACCOUNT, job.id)
    assert harness.poll(job) == TO_FINISH
    harness.finish(job)
    ended = harness.now(job)
    assert ended.upstream_cancelled is UpstreamCancelled.NO
    assert (ended.is_tracked, may_be_billed(ended)) == (True, True)
    assert CANCEL_CALL not in harness.calls()
    harness.collect(job)
    assert harness.now(job).archived_artifacts


def test_result_of_a_deleted_job_is_deleted_at_the_provider_and_charged(harness: Harness) -> None:
    job = harness.running(video("completed"))
    harness.answer(CANCEL_CALL, reply(200))
    harness.service.delete(ACCOUNT, job.id)
    assert harness.poll(job) == TO_FINISH
    harness.finish(job)
    assert CANCEL_CALL in harness.calls()
    assert may_be_billed(harness.now(job))


@pytest.mark.parametrize("error", [*UNKNOWN_STATES, UpstreamUnreachable("refused"), reply(404)])
def test_cancel_waits_for_the_state_of_a_job_that_it_could_delete(
    harness: Harness, error: HttpReply | Exception
) -> None:
    job = harness.running(error)
    harness.answer(CANCEL_CALL, reply(200))
    harness.service.cancel(ACCOUNT, job.id)
    assert harness.poll(job)["status"] == "pending"
    harness.answer(POLL_CALL, video("in_progress"), reply(404))
    assert harness.poll(job) == TO_FINISH
    harness.finish(job)
    assert harness.now(job).upstream_cancelled is UpstreamCancelled.YES
    assert may_be_billed(harness.now(job))


@pytest.mark.parametrize("error", [*UNKNOWN_STATES, reply(404)])
def test_cancel_is_not_sent_if_the_state_stays_unknown(
    harness: Harness, error: HttpReply | Exception
) -> None:
    job = harness.running(error)
    harness.service.cancel(ACCOUNT, job.id)
    harness.clock.advance(CANCEL_WINDOW)
    assert harness.poll(job) == TO_FINISH
    harness.finish(job)
    ended = harness.now(job)
    assert (ended.upstream_cancelled, ended.is_tracked) == (UpstreamCancelled.NO, True)
    assert CANCEL_CALL not in harness.calls()


@pytest.mark.parametrize(
    "change",
    [
        ('seconds = [4]\n    sizes = ["1280x720"]\n    options = ["seed"]', "seconds = [8]"),
        ('name = "spare/one"', 'name = "spare/one"\n    price_per_job = 0.9'),
        ('name = "spare/one"', 'name = "spare/two"'),
    ],
)
def test_queued_job_is_not_cancelled_for_a_fallback_that_it_may_not_use(
    change: tuple[str, str],
) -> None:
    harness = Harness(daily_dollars=5.0)
    job = harness.waiting(video("queued"), model="sure", seconds=4)
    text = CATALOG_TEXT.replace('sure = ["sandbox/one", "spare/one"]', "").replace(*change)
    harness.catalog = read_catalog(text)
    harness.clock.advance(100)
    harness.answer(CANCEL_CALL, reply(200))
    assert harness.poll(job)["status"] == "pending"
    assert CANCEL_CALL not in harness.calls()
