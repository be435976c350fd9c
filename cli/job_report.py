"""All that is known of a job, for its operator: as JSON and as lines of text."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from cli.job_diagnosis import Diagnosis, Facts
from cli.output import dollars, moment
from rushes.jobs.job import Job
from rushes.jobs.result import JobError
from rushes.jobs.times import utc_text
from rushes.workflow.job_metrics import spend_of

EXECUTION = {True: "is running", False: "has ended", None: "was never started"}


def as_json(job: Job, facts: Facts, found: Diagnosis) -> dict[str, Any]:
    """Return the report; times are ISO 8601 in UTC, amounts US dollars."""
    return {
        "id": job.id,
        "account": job.account,
        "key_id": job.key_id,
        "status": job.status.value,
        "stage": job.stage.value,
        "dialect": job.dialect,
        "requested_model": job.request.model,
        "model": job.model or job.request.model,
        "provider": job.provider,
        "upstream_model": job.upstream_model,
        "upstream_job": job.operation,
        "candidates": list(job.fallbacks),
        "config_version": job.config_version,
        "request_id": job.request_id,
        **job.labels.model_dump(mode="json"),
        "cost": {
            "estimated": job.cost,
            "settled": spend_of(job) if job.is_finished else None,
        },
        "timeline": [{"at": utc_text(at), "step": step} for at, step in sorted(timeline(job))],
        "attempts": [
            {
                "model": attempt.model,
                "provider": attempt.provider,
                "started_at": _iso(attempt.started_at),
                "ended_at": _iso(attempt.ended_at),
                "error": attempt.error.model_dump(mode="json"),
                "detail": attempt.detail,
            }
            for attempt in job.attempts
        ],
        "progress": job.progress,
        "last_poll": _iso(facts.last_poll),
        "waiting": job.waiting
        and {**job.waiting.model_dump(mode="json"), "since": _iso(job.waiting.since)},
        "pause": job.pause
        and {
            **job.pause.model_dump(mode="json"),
            "since": _iso(job.pause.since),
            "until": _iso(job.pause.until),
            "check_at": _iso(job.pause.check_at),
        },
        "error": job.error and job.error.model_dump(mode="json"),
        "detail": job.outcome.detail if job.outcome else None,
        "warnings": list(job.warnings),
        "execution": {"name": job.execution_name, "state": EXECUTION[facts.is_running]},
        "diagnosis": asdict(found),
    }


def _iso(at: float | None) -> str | None:
    return None if at is None else utc_text(at)


def as_lines(job: Job, facts: Facts, found: Diagnosis) -> Iterator[str]:
    yield f"{job.id} of {job.account}: {job.status.value}, {job.stage.value}"
    yield f"  {found.state}, {found.reason}: {found.cause}"
    yield f"  to do: {found.remedy}"
    if job.config_version is not None:
        yield f"  version {job.config_version} of the configuration"
    yield f"  model {job.model or job.request.model}, price {dollars(job.cost)}"
    if job.fallbacks:
        yield f"  further candidates: {', '.join(job.fallbacks)}"
    if job.labels.tags:
        yield f"  tags: {', '.join(f'{name}={value}' for name, value in job.labels.tags.items())}"
    for at, step in sorted(timeline(job)):
        yield f"  {moment(at)}  {step}"
    yield from _waiting(job)
    yield from _at_provider(job, facts.last_poll)
    if job.upstream_cancelled:
        yield f"  cancelled at its provider: {job.upstream_cancelled.value}"
    yield from (f"  warning: {warning}" for warning in job.warnings)
    yield from _result(job)
    yield from (f"  not published yet: {event['id']}" for event in job.outbox)
    yield f"  execution {job.execution_name} {EXECUTION[facts.is_running]}"
    if found.next_steps:
        yield "Next steps"
        yield from (f"  {command}" for command in found.next_steps)


def timeline(job: Job) -> Iterator[tuple[float, str]]:
    yield job.created_at, f"created by the {job.dialect} API for {job.request.model}"
    for attempt in job.attempts:
        reason = reason_of(attempt.error, attempt.detail)
        yield attempt.ended_at, f"failed over from {attempt.provider}: {reason}"
    marks = {
        f"accepted by {job.provider}": job.submitted_at,
        "begun by the provider": job.started_at,
        "completed at the provider": job.generated_at,
        "cancel requested": job.cancel_requested_at,
        "submission unconfirmed": job.submission_unconfirmed_since,
        "deleted": job.deleted_at,
        f"ended: {_ending(job)}": job.finished_at,
    }
    yield from ((at, step) for step, at in marks.items() if at)


def reason_of(error: JobError, detail: str | None) -> str:
    """Return an error with the provider's own code and text, which clients do not read."""
    code = f"{error.code} ({error.upstream_code})" if error.upstream_code else error.code
    return f"{code}: {error.message}" + (f" [{detail}]" if detail else "")


def handle(job: Job) -> str:
    """Return the provider's names of the job."""
    return ", ".join(f"{name} {value}" for name, value in (job.operation or {}).items())


def _ending(job: Job) -> str:
    detail = job.outcome.detail if job.outcome else None
    return reason_of(job.error, detail) if job.error else job.status.value


def _waiting(job: Job) -> Iterator[str]:
    if job.waiting:
        since, tries = moment(job.waiting.since), job.waiting.tries
        reason = reason_of(job.waiting.error, job.waiting.detail)
        yield f"  waits for {job.provider} since {since}, {tries} tries: {reason}"
    if job.pause:
        end = moment(job.pause.until) if job.pause.until else "the operator"
        yield f"  paused ({job.pause.reason.value}) until {end}: {job.pause.detail}"


def _at_provider(job: Job, last_poll: float | None) -> Iterator[str]:
    """Print the provider's own names of the model and the job, and what is known of its state."""
    names = f", {handle(job)}" if job.operation else ""
    yield f"  at {job.provider}: model {job.upstream_model}{names}"
    if last_poll:
        yield f"  last poll {moment(last_poll)}, progress {job.progress} %"
    if job.failing_since and not job.is_finished:
        yield f"  polls fail since {moment(job.failing_since)}"
    if job.is_finished:
        yield f"  cost {dollars(spend_of(job))}"
    if job.request_id:
        yield f"  request id {job.request_id}"


def _result(job: Job) -> Iterator[str]:
    """Print where the result of a job without artifacts is."""
    yield from (f"  archived: {artifact.key}" for artifact in job.archived_artifacts)
    if job.is_dead_letter:
        yield f"  dead letter: the result is fetched again until {moment(job.track_until or 0)}"
    if job.error and job.operation:
        yield from (f"  output: {output.url}" for output in job.outputs)
