"""Why a job waits or failed, and what an operator can do."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from cli.error_codes import UNKNOWN, Remedy, error_codes
from rushes.errors import (
    ProviderPaused,
    UpstreamNoResponse,
    UpstreamThrottled,
    UpstreamUnreachable,
)
from rushes.jobs.job import Job
from rushes.jobs.status import JobStatus, Stage
from rushes.ports.providers import RateLimit
from rushes.workflow import circuit

OVERDUE_SECONDS = 120.0
"""The sweeper runs every minute: a job that is due for longer needs an operator."""
UNAUTHORIZED = "upstream_unauthorized"


@dataclass(frozen=True)
class Facts:
    """What is known of a job besides its item."""

    now: float
    is_running: bool | None = None
    """Whether the newest execution runs; None if it was never started."""
    last_poll: float | None = None
    limit: RateLimit = field(default_factory=RateLimit)
    """State of the job's provider: circuits, throttling and pause."""


@dataclass(frozen=True)
class Diagnosis:
    state: str
    """`ended`, `waits`, `paused`, `runs` or `overdue`."""
    reason: str
    """An error code, or a name of cli/error_codes.toml."""
    cause: str
    remedy: str
    next_steps: tuple[str, ...]
    """Commands, as they are typed."""


def diagnose(job: Job, facts: Facts, target: Sequence[str] = ()) -> Diagnosis:
    """Return the reason of a job's state; `target` are the options of the deployment."""
    state, reason, remedy = _reason(job, facts)
    names = {
        "job": job.id,
        "account": job.account,
        "provider": job.provider,
        "model": job.model or job.request.model,
    }
    commands = tuple(remedy.commands_for(names, target))
    return Diagnosis(state, reason, remedy.cause, remedy.operator, commands)


def _reason(job: Job, facts: Facts) -> tuple[str, str, Remedy]:
    if job.is_finished:
        return "ended", *_of_end(job)
    if held := _of_pause(job, facts):
        return "paused", *held
    if _is_overdue(job, facts):
        return "overdue", "overdue", error_codes().waits["overdue"]
    if job.operation or job.has_outcome:
        name = _at_provider(job)
        return ("waits" if name == "queued" else "runs"), name, error_codes().waits[name]
    return "waits", *_before_provider(job, facts)


def _of_pause(job: Job, facts: Facts) -> tuple[str, Remedy] | None:
    """Return why the job gets no execution; None if it gets one."""
    known = error_codes().pauses
    if job.unknown_values:
        return "newer_release", known["newer_release"]
    if job.pause and not job.pause.is_over(facts.now):
        reason = job.pause.reason.value
        return reason, known.get(reason, UNKNOWN)
    return None


def _of_end(job: Job) -> tuple[str, Remedy]:
    if job.is_dead_letter:
        return "dead_letter", error_codes().waits["dead_letter"]
    if job.error:
        return job.error.code, error_codes().codes.get(job.error.code, UNKNOWN)
    ended = "The client cancelled it." if job.status is JobStatus.CANCELLED else "It completed."
    return job.status.value, Remedy(cause=ended, operator="None.", commands=())


def _is_overdue(job: Job, facts: Facts) -> bool:
    due = job.next_check_at
    is_late = due is not None and due <= facts.now - OVERDUE_SECONDS
    return is_late and not facts.is_running


def _at_provider(job: Job) -> str:
    if job.has_outcome:
        return "finishing"
    if job.generated_at or job.stage is Stage.STORING:
        return "storing"
    if job.failing_since:
        return "failing_polls"
    return "running" if job.has_begun else "queued"


def _before_provider(job: Job, facts: Facts) -> tuple[str, Remedy]:
    """Return why no provider has accepted the job yet: the provider's present state comes first."""
    code = _of_limit(job, facts) or (job.waiting.error.code if job.waiting else None)
    if code:
        return code, error_codes().codes.get(code, UNKNOWN)
    if job.submission_unconfirmed_since:
        return UpstreamNoResponse.code, error_codes().waits["unconfirmed"]
    name = "starting" if facts.is_running is None else "turn"
    return name, error_codes().waits[name]


def _of_limit(job: Job, facts: Facts) -> str | None:
    if facts.limit.pause_at(facts.now):
        return ProviderPaused.code
    if hold := circuit.hold(facts.limit.circuits, job, facts.now):
        return UpstreamUnreachable.code if hold.key == circuit.ANY_MODEL else UNAUTHORIZED
    return UpstreamThrottled.code if facts.limit.not_before > facts.now else None
