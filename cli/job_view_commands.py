"""`rushes job show|watch|cancel|retry|stuck`: one job, or the jobs that nothing repairs."""

import time
from typing import Annotated, Any

import typer

from cli import job_actions
from cli.client_jobs import client_lines, client_state
from cli.deployment_options import NO_OPTIONS, DeploymentOptions, with_deployment
from cli.errors import NO
from cli.find_job import find_job
from cli.job_diagnosis import diagnose
from cli.job_progress import JobState, watch
from cli.job_report import as_json, as_lines, reason_of
from cli.options import AccountOption, JobArgument, JsonOption
from cli.output import print_json, print_lines, print_result, print_table
from cli.stuck_jobs import stuck_jobs, why_stuck
from cli.target import Target
from rushes.jobs.job import Job
from rushes.jobs.status import JobStatus

COLUMNS = ("job", "account", "provider", "stage", "seconds old", "unchanged for", "why")


@with_deployment
def show_job(
    job_id: JobArgument,
    account: AccountOption = None,
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """Print all about a job: why it waits or failed, what happened, and what you can do.

    With AWS credentials it reads the table, with a client's profile the API.
    """
    if api := deployment.client_api():
        found = api.call("GET", f"/jobs/{job_id}")
        print_result(found, *client_lines(found, api), json=json)
        return
    target = deployment.target()
    job = find_job(target, job_id, account)
    facts = job_actions.facts_of(target, job)
    diagnosis = diagnose(job, facts, target.options)
    if json:
        print_json(as_json(job, facts, diagnosis))
    else:
        print_lines(as_lines(job, facts, diagnosis))


@with_deployment
def watch_job(
    job_id: JobArgument,
    account: AccountOption = None,
    timeout: Annotated[float, typer.Option(min=1, help="Longest time in seconds.")] = 3600.0,
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """Show the progress of a job until it ends. The exit code is 1 unless it completes.

    Ctrl-C ends the command only; the job goes on.
    """
    if api := deployment.client_api():
        state = watch(lambda: client_state(api.call("GET", f"/jobs/{job_id}")), timeout, quiet=json)
    else:
        target = deployment.target()
        job = find_job(target, job_id, account)
        state = watch(lambda: _state(target, job), timeout, quiet=json)
    print_result(
        {"id": job_id, "status": state.status, "note": state.note},
        f"{job_id}: {state.status} {state.note}".rstrip(),
        json=json,
    )
    if state.status != JobStatus.COMPLETED:
        raise typer.Exit(NO)


@with_deployment
def cancel_job(
    job_id: JobArgument,
    account: AccountOption = None,
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """Cancel a job, also at its provider if that can cancel."""
    if api := deployment.client_api():
        found = api.call("POST", f"/jobs/{job_id}/cancel")
        print_result(found, f"{job_id}: {found['status']}", json=json)
        return
    target = deployment.target()
    job = job_actions.cancel(target, find_job(target, job_id, account))
    print_result(
        {"id": job.id, "execution": job.execution_name},
        f"cancel requested; execution {job.execution_name} will stop the job",
        json=json,
    )


@with_deployment
def retry_job(
    job_id: JobArgument,
    account: AccountOption = None,
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """Create a failed job again, which its provider bills; restart an open one's execution."""
    if api := deployment.client_api():
        created = api.call("POST", f"/jobs/{job_id}/retry")["id"]
        execution = None
    else:
        target = deployment.target()
        job = job_actions.retry(target, find_job(target, job_id, account))
        created, execution = job.id, job.execution_name
    is_new = created != job_id
    line = f"created {created}; the provider bills it again" if is_new else f"started {execution}"
    print_result({"id": created, "is_new": is_new, "execution": execution}, line, json=json)


@with_deployment
def list_stuck(
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """List the jobs that the sweeper should have repaired by now, and the dead letters."""
    target, now = deployment.target(), time.time()
    rows: list[dict[str, Any]] = [
        {
            "job": job.id,
            "account": job.account,
            "provider": job.provider,
            "stage": job.stage.value,
            "seconds_old": round(now - job.created_at),
            "unchanged_for": round(now - job.updated_at),
            "why": why_stuck(job),
        }
        for job in stuck_jobs(target, now)
    ]
    if json:
        print_json(rows)
    elif rows:
        print_table(COLUMNS, [tuple(str(value) for value in row.values()) for row in rows])
    else:
        typer.echo("no job is stuck")


def _state(target: Target, job: Job) -> JobState:
    current = find_job(target, job.id, job.account)
    if current.error:
        note = reason_of(current.error, None)
    elif current.waiting:
        note = f"waits: {current.waiting.error.code}"
    else:
        note = current.stage.value
    return JobState(current.status.value, current.progress, note)
