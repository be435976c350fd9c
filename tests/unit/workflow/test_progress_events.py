"""The optional event `job.progress`."""

from typing import Any

import pytest

from rushes.catalog.compile import compile_config
from rushes.catalog.event_options import EventOptions
from rushes.errors import AwsUnavailable
from rushes.jobs.job import Job
from rushes.jobs.progress_events import MIN_POINTS, MIN_SECONDS, marked
from rushes.jobs.result import JobError
from tests.harness import CATALOG, POLL_CALL, Harness, video

CONFIG = """
default_model = "sandbox/a"
[providers.sandbox]
protocol = "openai_compatible"
[[models]]
name = "sandbox/a"
"""
WITH_PROGRESS = CATALOG.model_copy(update={"events": EventOptions(progress=True)})


@pytest.fixture
def harness() -> Harness:
    return Harness(catalog=WITH_PROGRESS)


def poll_at(harness: Harness, job: Job, *seen: tuple[float, int]) -> list[int]:
    """Poll after waits, with replies of these percentages; return those that were published."""
    for seconds, progress in seen:
        harness.clock.advance(seconds)
        harness.answer(POLL_CALL, video("in_progress", progress=progress))
        harness.poll(job)
    return published(harness)


def published(harness: Harness) -> list[int]:
    events = [event for event in harness.bus.events if event["type"] == "job.progress"]
    assert len({event["id"] for event in events}) == len(events)
    return [event["data"]["progress"] for event in events]


def test_progress_is_published_when_it_rises(harness: Harness) -> None:
    job = harness.running()
    assert poll_at(harness, job, (20, 10), (20, 30), (20, 60)) == [10, 30, 60]


def test_small_and_frequent_steps_are_not_published(harness: Harness) -> None:
    job = harness.running()
    steps = [(MIN_SECONDS, MIN_POINTS), (MIN_SECONDS, MIN_POINTS * 2 - 1), (1, 50), (1, 60)]
    assert poll_at(harness, job, *steps) == [5, 50]
    assert poll_at(harness, job, (MIN_SECONDS - 2, 80)) == [5, 50]
    assert poll_at(harness, job, (1, 81)) == [5, 50, 81]


def test_progress_that_falls_or_stays_is_not_published(harness: Harness) -> None:
    job = harness.running()
    assert poll_at(harness, job, (20, 40), (20, 40), (20, 10)) == [40]


def test_deployment_without_the_option_publishes_none() -> None:
    harness = Harness()
    job = harness.running()
    assert poll_at(harness, job, (20, 40), (20, 80)) == []
    assert harness.now(job).progress_reported_at is None


def test_queued_or_finished_job_is_not_marked(harness: Harness) -> None:
    waiting = harness.waiting().model_copy(update={"progress": 50})
    assert marked(waiting, harness.clock()) is waiting
    completed = Harness().completed()
    assert marked(completed, harness.clock() + 100) is completed


def test_next_provider_begins_again(harness: Harness) -> None:
    job = harness.running()
    poll_at(harness, job, (20, 60))
    error = JobError(code="upstream_failed", message="no")
    next_model: dict[str, Any] = {"model": "b/b", "provider": "b", "upstream_model": "b"}
    over = harness.now(job).failed_over(harness.clock(), error, **next_model, cost=0.1)
    assert (over.progress, over.reported_progress) == (0, 0)


@pytest.mark.parametrize("answer", [AwsUnavailable("no"), [0]])
def test_lost_event_does_not_stop_the_job(harness: Harness, answer: Any) -> None:
    job = harness.running()
    harness.bus.rejections.append(answer)
    assert poll_at(harness, job, (20, 40)) == []
    assert harness.now(job).outbox == ()
    assert poll_at(harness, job, (20, 70)) == [70]


def test_poll_without_news_writes_nothing(harness: Harness) -> None:
    job = harness.running()
    poll_at(harness, job, (20, 40))
    version = harness.now(job).version
    poll_at(harness, job, (1, 40))
    assert harness.now(job).version == version


def test_configuration_has_the_option() -> None:
    assert compile_config(CONFIG).events.progress is False
    assert compile_config(f"{CONFIG}[events]\nprogress = true\n").events.progress is True
