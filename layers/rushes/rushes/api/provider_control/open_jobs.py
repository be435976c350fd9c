"""Count the open jobs of providers."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import islice

from rushes.api.provider_control.views import JobsView
from rushes.jobs.job import Job
from rushes.ports.jobs import Jobs

MAX_JOBS = 2000
"""Read for one answer, in a few seconds; a deployment with more gets lower bounds."""
FAR_FUTURE = 10 * 365 * 24 * 3600.0


def count_open_jobs(jobs: Jobs, now: float) -> tuple[dict[str, JobsView], bool]:
    """Return the counts by provider, and whether all open jobs were read."""
    found = list(islice(jobs.due(now + FAR_FUTURE, MAX_JOBS), MAX_JOBS))
    of_provider: defaultdict[str, list[Job]] = defaultdict(list)
    for job in found:
        if job.needs_execution:
            of_provider[job.provider].append(job)
    views = {name: _view(members, now) for name, members in of_provider.items()}
    return views, len(found) < MAX_JOBS


def _view(jobs: Iterable[Job], now: float) -> JobsView:
    counts: Counter[str] = Counter()
    oldest: float | None = None
    for job in jobs:
        kind = _kind(job, now)
        counts[kind] += 1
        if kind == "waiting":
            counts["unconfirmed"] += job.is_submission_unconfirmed
            since = job.attempt_at or job.created_at
            oldest = since if oldest is None else min(oldest, since)
    waited = None if oldest is None else max(int(now - oldest), 0)
    return JobsView(**counts, oldest_waiting_seconds=waited)


def _kind(job: Job, now: float) -> str:
    if job.is_tracked:
        return "fetched_again"
    if job.operation is not None:
        return "running"
    return "creating" if job.lease_until is not None and job.lease_until > now else "waiting"
