"""The judge of `make kill` sees each way in which a promise can be broken."""

from collections import Counter
from typing import Any

import pytest

from rushes.catalog.models import Catalog, read_catalog
from rushes.jobs.job import Job
from rushes.jobs.result import JobError
from rushes.jobs.status import JobStatus
from tests.chaos.outcome_checks import Report, judge
from tests.chaos.records import Records
from tests.harness import Harness

CATALOG: Catalog = read_catalog("""
default_model = "mute/film"
[providers.mute]
protocol = "openai_compatible"
[providers.keyed]
protocol = "openai_compatible"
idempotency = "key"
[[models]]
name = "mute/film"
[[models]]
name = "keyed/film"
""")
PROMPT = "a fox"
TOLD = Counter({"evt_1": 1})


class OneFile:
    """A bucket that finds this fault in every file."""

    def __init__(self, fault: str = "") -> None:
        self._fault = fault

    def faults(self, _: Job) -> list[str]:
        return [self._fault] if self._fault else []


def ended(status: JobStatus = JobStatus.COMPLETED, code: str = "", **fields: Any) -> Job:
    job = Harness().accepted(prompt=PROMPT)
    error = JobError(code=code, message="no") if code else None
    return job.model_copy(
        update={"status": status, "error": error, "finished_at": job.created_at + 5, **fields}
    )


def create(job_id: str = "video_1", replays: int = 0) -> dict[str, Any]:
    return {"id": job_id, "replays": replays}


def judged(
    *jobs: Job,
    creates: tuple[dict[str, Any], ...] = (create(),),
    told: Counter[str] = TOLD,
    fault: str = "",
    model: str = "mute/film",
) -> Report:
    records = Records({PROMPT: list(jobs)}, {PROMPT: list(creates)}, len(jobs))
    events = {job.id: told for job in jobs}
    files: Any = OneFile(fault)
    return judge({PROMPT: model}, records, events, files, CATALOG)


def test_a_job_that_was_made_once_and_told_of_once_breaks_nothing():
    report = judged(ended(), creates=(create(replays=2),), told=Counter({"evt_1": 3}))
    assert not report.broken
    assert (report.completed, report.repeated_by_key, report.event_repetitions) == (1, 2, 2)
    assert report.took == [5]


def test_an_unknown_outcome_is_counted_where_the_provider_cannot_be_asked():
    report = judged(ended(JobStatus.FAILED, "upstream_outcome_unknown"), creates=())
    assert (report.outcome_unknown, dict(report.broken)) == (1, {})


@pytest.mark.parametrize(
    ("report", "promise"),
    [
        (judged(), "lost"),
        (judged(ended(), ended()), "accepted twice"),
        (judged(ended(), creates=(create(), create("video_2"))), "made twice"),
        (judged(ended(), fault="too short"), "file not as its row says"),
        (judged(ended(JobStatus.IN_PROGRESS, finished_at=None)), "not ended"),
        (judged(ended(JobStatus.FAILED, "internal_error")), "failed for another reason"),
        (
            judged(ended(JobStatus.FAILED, "upstream_outcome_unknown"), model="keyed/film"),
            "failed for another reason",
        ),
        (judged(ended(), told=Counter()), "not one event id per ending"),
        (judged(ended(), told=Counter({"evt_1": 1, "evt_2": 1})), "not one event id per ending"),
    ],
    ids=lambda it: it if isinstance(it, str) else "",
)
def test_each_broken_promise_has_its_name(report: Report, promise: str):
    assert dict(report.broken) == {promise: 1}
    assert len(report.examples) == 1
