"""`rushes job paused|resume|fail|orphans`: jobs that wait for an operator, and lost ones."""

import time
from typing import Annotated

import typer

from cli.deployment_options import NO_OPTIONS, DeploymentOptions, with_deployment
from cli.errors import CommandError
from cli.options import JobArgument, JsonOption
from cli.orphans import find_orphans
from cli.output import print_json, print_result, print_table
from cli.paused_jobs import detail_of, find_paused, give_up, paused_jobs, reason_of, resume
from cli.times import PAST, past_time
from rushes.jobs.pause import PauseReason
from rushes.jobs.times import utc_text

app = typer.Typer(help="Jobs: find, explain, watch, cancel and repair them.", no_args_is_help=True)


@app.command("paused")
@with_deployment
def list_paused(
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """List the jobs that wait for an operator."""
    jobs = deployment.target().jobs
    rows = [
        {
            "job": job.id,
            "account": job.account,
            "provider": job.provider,
            "reason": reason_of(job),
            "since": utc_text(job.pause.since if job.pause else job.updated_at),
            "next_try": utc_text(job.pause.until) if job.pause and job.pause.until else None,
            "detail": detail_of(job),
        }
        for job in paused_jobs(jobs)
    ]
    if json:
        print_json(rows)
        return
    if not rows:
        typer.echo("no job waits for an operator")
        return
    print_table(
        ("job", "account", "provider", "reason", "since", "next try", "detail"),
        (
            (
                *(str(row[name]) for name in ("job", "account", "provider", "reason")),
                str(row["since"]),
                str(row["next_try"] or ""),
                str(row["detail"]),
            )
            for row in rows
        ),
    )


@app.command("resume")
@with_deployment
def resume_jobs(
    job_id: Annotated[str | None, typer.Argument(metavar="[JOB]", help="The job's id.")] = None,
    deployment: DeploymentOptions = NO_OPTIONS,
    reason: Annotated[
        PauseReason | None, typer.Option(help="All jobs that wait for this reason.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Let a job run again. A restored one is then sent to its provider, which may bill it again."""
    if (job_id is None) == (reason is None):
        raise CommandError("give either a job's id or --reason")
    target = deployment.target()
    jobs = target.jobs
    if job_id is not None:
        chosen = [find_paused(jobs, job_id)]
    else:
        chosen = [job for job in paused_jobs(jobs) if job.pause and job.pause.reason is reason]
    for job in chosen:
        target.record("job.resume", f"job:{job.id}", account=job.account)
        resume(jobs, job)
    lines = [f"resumed {job.id}; it runs within two minutes" for job in chosen]
    lines = lines or ["no job waits for that reason"]
    print_result([{"id": job.id, "account": job.account} for job in chosen], *lines, json=json)


@app.command("fail")
@with_deployment
def fail_job(
    job_id: JobArgument,
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """Fail a job that waits for an operator; its client is notified within two minutes."""
    target = deployment.target()
    job = find_paused(target.jobs, job_id)
    target.record("job.fail", f"job:{job.id}", account=job.account)
    give_up(target.jobs, job)
    print_result({"id": job.id}, f"{job_id} fails within two minutes", json=json)


@app.command("orphans")
@with_deployment
def list_orphans(
    since: Annotated[str, typer.Option(help=f"The restore point: {PAST}.")],
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """List files and executions, newer than the restore point, whose job the table lacks."""
    target = deployment.target()
    restored = past_time(since, "--since").timestamp()
    if restored > time.time():
        raise CommandError(f"--since must be in the past (got {since[:40]!r})")
    found = find_orphans(target, restored)
    if json:
        print_json([vars(orphan) for orphan in found])
        return
    if not found:
        typer.echo("every file and execution since then has its job")
        return
    print_table(
        ("job", "account", "folders", "executions"),
        (
            (one.job_id, one.account, " ".join(one.folders), " ".join(one.executions))
            for one in found
        ),
    )
