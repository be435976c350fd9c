"""Number of jobs at providers of an account and of an API key."""

import pytest

from rushes.catalog.limits import AccountLimit, Limit, Limits
from rushes.errors import AwsUnavailable, TooManyJobs, UpstreamThrottled, UpstreamUnreachable
from rushes.jobs.idempotency import IdempotencyInfo
from rushes.jobs.job import Job
from rushes.jobs.request import CreateRequest, GenerationRequest
from rushes.jobs.status import JobStatus
from rushes.ports.limits import Usage
from tests.harness import ACCOUNT, CREATE, Harness, video

KEY_ID = "0123456789abcdef"
COUNTER = f"{ACCOUNT}#at_provider"
OF_KEY = f"{ACCOUNT}#{KEY_ID}#at_provider"


@pytest.fixture
def harness() -> Harness:
    harness = Harness()
    limit(harness, Limits(concurrent_jobs=2))
    harness.answer(CREATE, video("queued"))
    return harness


def limit(harness: Harness, limits: Limits) -> None:
    harness.catalog = harness.catalog.model_copy(update={"limits": limits})


def create(harness: Harness, account: str = ACCOUNT, key_id: str = "") -> Job:
    request = CreateRequest(GenerationRequest(model="sandbox/one", prompt="a red ball"))
    call = IdempotencyInfo("openai create", key_id=key_id)
    return harness.service.create(account, "openai", request, call).job


def jobs_at_provider(harness: Harness, name: str = COUNTER) -> float:
    return harness.jobs.limits.find(name).total


def submitted(harness: Harness, *jobs: Job) -> list[bool]:
    return [harness.submit(job)["status"] == "submitted" for job in jobs]


def test_jobs_above_the_limit_wait_and_are_not_refused(harness: Harness) -> None:
    jobs = [create(harness) for _ in range(4)]
    assert submitted(harness, *jobs) == [True, True, False, False]
    assert (len(harness.creates()), jobs_at_provider(harness)) == (2, 2)
    waiting = harness.now(jobs[2])
    assert waiting.status is JobStatus.QUEUED
    assert waiting.waiting
    assert waiting.waiting.error.code == "too_many_jobs"
    assert "too many concurrent jobs: 2 of 2" in waiting.waiting.error.message


def test_waiting_job_is_submitted_when_another_has_ended(harness: Harness) -> None:
    jobs = [create(harness) for _ in range(3)]
    submitted(harness, *jobs)
    harness.end(jobs[0])
    assert jobs_at_provider(harness) == 1
    assert submitted(harness, jobs[2]) == [True]
    assert harness.now(jobs[2]).waiting is None


def test_job_that_waits_for_room_takes_no_turn_of_its_provider(harness: Harness) -> None:
    """Its turn would be lost, and delay the jobs of others."""
    providers = harness.catalog.providers
    paced = providers["sandbox"].model_copy(update={"creates_per_minute": 60.0})
    changes = {"providers": {**providers, "sandbox": paced}}
    harness.catalog = harness.catalog.model_copy(update=changes)
    jobs = [create(harness) for _ in range(3)]
    for job in jobs[:2]:
        harness.submit(job)
        harness.clock.advance(2)
    before = harness.rate_limits.rows["sandbox"].pace
    assert submitted(harness, jobs[2]) == [False]
    assert harness.rate_limits.rows["sandbox"].pace == before


def test_waiting_job_is_cancelled_without_a_create_call(harness: Harness) -> None:
    jobs = [create(harness) for _ in range(3)]
    submitted(harness, *jobs)
    harness.service.cancel(ACCOUNT, jobs[2].id)
    harness.submit(jobs[2])
    harness.finish(jobs[2])
    assert harness.now(jobs[2]).status is JobStatus.CANCELLED
    assert (len(harness.creates()), jobs_at_provider(harness)) == (2, 2)


def test_repeated_reason_is_written_once(harness: Harness) -> None:
    jobs = [create(harness) for _ in range(3)]
    submitted(harness, *jobs)
    version = harness.now(jobs[2]).version
    submitted(harness, *[jobs[2]] * 5)
    assert harness.now(jobs[2]).version == version


@pytest.mark.parametrize("error", [UpstreamThrottled("slow down"), UpstreamUnreachable("no route")])
def test_create_call_that_created_nothing_releases_its_place(
    harness: Harness, error: Exception
) -> None:
    harness.answer(CREATE, error)
    job = create(harness)
    assert submitted(harness, job) == [False]
    assert jobs_at_provider(harness) == 0


def test_crash_after_the_lease_keeps_the_place_until_the_job_has_ended(harness: Harness) -> None:
    job = create(harness)
    harness.change(job, lambda job, now: job.submitting(now, 150.0))
    assert jobs_at_provider(harness) == 1
    harness.clock.advance(1000)
    harness.submit(job)  # the outcome of the create call is unknown
    harness.finish(job)
    assert (harness.now(job).is_finished, jobs_at_provider(harness)) == (True, 0)


def test_place_taken_in_between_is_found_by_the_lease(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [create(harness) for _ in range(3)]
    submitted(harness, *jobs[:2])
    monkeypatch.setattr(harness.jobs.limits, "find", lambda _: Usage())
    with pytest.raises(TooManyJobs):
        harness.jobs.change(
            ACCOUNT, jobs[2].id, lambda job: job.submitting(1.0, 150.0), {COUNTER: 0.0}
        )


def test_key_has_a_limit_of_its_own(harness: Harness) -> None:
    limit(harness, Limits(concurrent_jobs=3, keys={KEY_ID: Limit(concurrent_jobs=1)}))
    with_key = [create(harness, key_id=KEY_ID) for _ in range(2)]
    without = [create(harness) for _ in range(3)]
    assert submitted(harness, *with_key, *without) == [True, False, True, True, False]
    assert (jobs_at_provider(harness), jobs_at_provider(harness, OF_KEY)) == (3, 1)


def test_other_accounts_do_not_wait(harness: Harness) -> None:
    jobs = [create(harness) for _ in range(3)]
    others = [create(harness, "other") for _ in range(2)]
    assert submitted(harness, *jobs, *others) == [True, True, False, True, True]


def test_new_limit_applies_to_waiting_jobs(harness: Harness) -> None:
    jobs = [create(harness) for _ in range(3)]
    submitted(harness, *jobs)
    limit(harness, Limits(concurrent_jobs=2, accounts={ACCOUNT: AccountLimit(concurrent_jobs=3)}))
    assert submitted(harness, jobs[2]) == [True]


def test_removed_limit_holds_no_job(harness: Harness) -> None:
    jobs = [create(harness) for _ in range(3)]
    submitted(harness, *jobs)
    limit(harness, Limits())
    assert submitted(harness, jobs[2]) == [True]
    for job in jobs:
        harness.end(job)
    assert jobs_at_provider(harness) == 0


def test_jobs_without_a_limit_are_not_counted(harness: Harness) -> None:
    limit(harness, Limits())
    jobs = [create(harness) for _ in range(5)]
    assert submitted(harness, *jobs) == [True] * 5
    assert harness.jobs.limits.rows == {}


def test_unreadable_counter_delays_the_job(
    harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(_: str) -> Usage:
        raise AwsUnavailable("throttled")

    job = create(harness)
    monkeypatch.setattr(harness.jobs.limits, "find", unavailable)
    assert harness.submit(job)["status"] == "pending"
    assert harness.creates() == []
