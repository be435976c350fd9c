"""`tests.chaos.outcome_checks` detects each violation."""

from collections import Counter
from typing import Any

import pytest

from rushes.catalog.models import Catalog, read_catalog
from rushes.jobs.job import Job
from rushes.jobs.result import JobError
from rushes.jobs.status import JobStatus
from tests.chaos.outcome_checks import Report, check_outcomes
from tests.chaos.records import Records
from tests.harness import Harness

CATALOG: Catalog = read_catalog("""
default_model = "plain/video"
[providers.plain]
protocol = "openai_compatible"
[providers.keyed]
protocol = "openai_compatible"
idempotency = "key"
[[models]]
name = "plain/video"
[[models]]
name = "keyed/video"
""")
PROMPT = "a fox"
DELIVERED = Counter({"evt_1": 1})


class OneFile:
    """A bucket that reports this problem for every job."""

    def __init__(self, problem: str = "") -> None:
        self._problem = problem

    def problems(self, _: Job) -> list[str]:
        return [self._problem] if self._problem else []


def ended(status: JobStatus = JobStatus.COMPLETED, code: str = "", **fields: Any) -> Job:
    job = Harness().accepted(prompt=PROMPT)
    error = JobError(code=code, message="no") if code else None
    return job.model_copy(
        update={"status": status, "error": error, "finished_at": job.created_at + 5, **fields}
    )


EVENT_IDS = "not one event id per terminal write"
UNKNOWN_OUTCOME = ended(JobStatus.FAILED, "upstream_outcome_unknown")


def create(job_id: str = "video_1", replays: int = 0) -> dict[str, Any]:
    return {"id": job_id, "replays": replays}


def checked(
    *jobs: Job,
    creates: tuple[dict[str, Any], ...] = (create(),),
    delivered: Counter[str] = DELIVERED,
    problem: str = "",
    model: str = "plain/video",
) -> Report:
    records = Records({PROMPT: list(jobs)}, {PROMPT: list(creates)}, len(jobs))
    events = {job.id: delivered for job in jobs}
    files: Any = OneFile(problem)
    return check_outcomes({PROMPT: model}, records, events, files, CATALOG)


def test_check_outcomes_accepts_job_with_one_create_and_one_event():
    report = checked(ended(), creates=(create(replays=2),), delivered=Counter({"evt_1": 3}))
    assert not report.violations
    assert (report.completed, report.repeated_by_key, report.event_repetitions) == (1, 2, 2)
    assert report.took == [5]


def test_check_outcomes_counts_unknown_outcome_without_lookup():
    report = checked(UNKNOWN_OUTCOME, creates=())
    assert (report.outcome_unknown, dict(report.violations)) == (1, {})


@pytest.mark.parametrize(
    ("report", "invariant"),
    [
        (checked(), "lost"),
        (checked(ended(), ended()), "accepted twice"),
        (checked(ended(), creates=(create(), create("video_2"))), "made twice"),
        (checked(ended(), problem="too short"), "file does not match its record"),
        (checked(ended(JobStatus.IN_PROGRESS, finished_at=None)), "not ended"),
        (checked(ended(JobStatus.FAILED, "internal_error")), "failed for another reason"),
        (checked(UNKNOWN_OUTCOME, model="keyed/video"), "failed for another reason"),
        (checked(ended(), delivered=Counter()), EVENT_IDS),
        (checked(ended(), delivered=Counter({"evt_1": 1, "evt_2": 1})), EVENT_IDS),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_check_outcomes_names_each_violation(report: Report, invariant: str):
    assert dict(report.violations) == {invariant: 1}
    assert len(report.examples) == 1
