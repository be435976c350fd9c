"""Whether what was promised was kept, job by job."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from rushes.catalog.models import Catalog
from rushes.jobs.job import Job
from rushes.jobs.status import JobStatus
from tests.chaos.records import Files, Records

UNKNOWN = "upstream_outcome_unknown"


@dataclass
class Report:
    completed: int = 0
    outcome_unknown: int = 0
    """Failed and labelled: the create call was cut, and its provider cannot be asked again."""
    repeated_by_key: int = 0
    """Create calls that were repeated, and gave the job that was there."""
    event_repetitions: int = 0
    took: list[float] = field(default_factory=list)
    """Seconds from a job's acceptance to its end."""
    broken: Counter[str] = field(default_factory=Counter)
    """Promises, and how often each was not kept."""
    examples: list[str] = field(default_factory=list)

    def breaks(self, promise: str, example: str) -> None:
        self.broken[promise] += 1
        self.examples.append(f"{promise}: {example}")


def judge(
    accepted: Mapping[str, str],
    records: Records,
    told: Mapping[str, Counter[str]],
    files: Files,
    catalog: Catalog,
) -> Report:
    report = Report()
    for prompt, model in accepted.items():
        jobs = records.jobs.get(prompt, [])
        if not jobs:
            report.breaks("lost", prompt)
        if len(jobs) > 1:
            report.breaks("accepted twice", f"{prompt}: {[it.id for it in jobs]}")
        for job in jobs:
            askable = catalog.providers[model.partition("/")[0]].idempotency != "none"
            _judge_ending(report, job, files, askable=askable)
            _judge_events(report, job, told.get(job.id, Counter()))
    for prompt, creates in records.creates.items():
        report.repeated_by_key += sum(create["replays"] for create in creates)
        if len(creates) > 1:
            report.breaks("made twice", f"{prompt}: {[it['id'] for it in creates]}")
    return report


def _judge_ending(report: Report, job: Job, files: Files, *, askable: bool) -> None:
    if job.finished_at:
        report.took.append(job.finished_at - job.created_at)
    if job.status is JobStatus.COMPLETED:
        report.completed += 1
        for fault in files.faults(job):
            report.breaks("file not as its row says", f"{job.id}: {fault}")
    elif job.status is JobStatus.FAILED and job.error and job.error.code == UNKNOWN and not askable:
        report.outcome_unknown += 1
    elif job.is_finished:
        report.breaks("failed for another reason", f"{job.id} of {job.model}: {job.error}")
    else:
        report.breaks("not ended", f"{job.id} of {job.model}: {job.status} {job.stage}")


def _judge_events(report: Report, job: Job, told: Counter[str]) -> None:
    report.event_repetitions += told.total() - len(told)
    if job.is_finished and len(told) != 1:
        report.breaks("not one event id per ending", f"{job.id}: {dict(told)}")
