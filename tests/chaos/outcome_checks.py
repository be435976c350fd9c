"""Check the invariants of a chaos run, job by job."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from rushes.catalog.models import Catalog
from rushes.jobs.job import Job
from rushes.jobs.status import JobStatus
from tests.chaos.records import Files, Records
from tests.chaos.violations import Violations

UNKNOWN = "upstream_outcome_unknown"


@dataclass
class Report(Violations):
    completed: int = 0
    outcome_unknown: int = 0
    """Jobs whose create call was interrupted at a provider without keys and lookup."""
    repeated_by_key: int = 0
    """Repeated create calls that returned the existing job."""
    event_repetitions: int = 0
    took: list[float] = field(default_factory=list)
    """Seconds from the creation of each job to its end."""


def check_outcomes(
    accepted: Mapping[str, str],
    records: Records,
    delivered: Mapping[str, Counter[str]],
    files: Files,
    catalog: Catalog,
) -> Report:
    report = Report()
    for prompt, model in accepted.items():
        jobs = records.jobs.get(prompt, [])
        if not jobs:
            report.violation("lost", prompt)
        if len(jobs) > 1:
            report.violation("accepted twice", f"{prompt}: {[job.id for job in jobs]}")
        for job in jobs:
            confirmable = catalog.providers[model.partition("/")[0]].idempotency != "none"
            _check_end(report, job, files, confirmable=confirmable)
            _check_events(report, job, delivered.get(job.id, Counter()))
    for prompt, creates in records.creates.items():
        report.repeated_by_key += sum(create["replays"] for create in creates)
        if len(creates) > 1:
            report.violation("made twice", f"{prompt}: {[create['id'] for create in creates]}")
    return report


def _check_end(report: Report, job: Job, files: Files, *, confirmable: bool) -> None:
    is_unknown = job.error is not None and job.error.code == UNKNOWN
    if job.finished_at:
        report.took.append(job.finished_at - job.created_at)
    if job.status is JobStatus.COMPLETED:
        report.completed += 1
        for problem in files.problems(job):
            report.violation("file does not match its record", f"{job.id}: {problem}")
    elif job.status is JobStatus.FAILED and is_unknown and not confirmable:
        report.outcome_unknown += 1
    elif job.is_finished:
        report.violation("failed for another reason", f"{job.id} of {job.model}: {job.error}")
    else:
        report.violation("not ended", f"{job.id} of {job.model}: {job.status} {job.stage}")


def _check_events(report: Report, job: Job, delivered: Counter[str]) -> None:
    report.event_repetitions += delivered.total() - len(delivered)
    if job.is_finished and len(delivered) != 1:
        report.violation("not one event id per terminal write", f"{job.id}: {dict(delivered)}")
