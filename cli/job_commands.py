"""`rushes jobs`: jobs that wait for an operator, and what a restore has lost."""

import time
from datetime import UTC, datetime
from typing import Annotated

import typer

from cli.errors import CommandError
from cli.options import EnvFileOption, JsonOption, LocalOption, StackOption
from cli.orphans import find_orphans
from cli.output import moment, print_json, print_table
from cli.paused_jobs import detail_of, find_paused, give_up, paused_jobs, reason_of, resume
from cli.target import find_target
from rushes.jobs.pause import PauseReason

JobArgument = Annotated[str, typer.Argument(help="The job's id.")]

app = typer.Typer(help="Jobs that wait for an operator.", no_args_is_help=True)


@app.command("paused")
def list_paused(
    stack: StackOption = None,
    local: LocalOption = False,
    env_file: EnvFileOption = None,
    json: JsonOption = False,
) -> None:
    """List the jobs that wait for an operator."""
    jobs = find_target(stack, local=local, env_file=env_file).jobs
    rows = [
        {
            "job": job.id,
            "account": job.account,
            "provider": job.provider,
            "reason": reason_of(job),
            "since": job.pause.since if job.pause else job.updated_at,
            "next_try": job.pause.until if job.pause else None,
            "detail": detail_of(job),
        }
        for job in paused_jobs(jobs)
    ]
    if json:
        print_json(rows)
        return
    print_table(
        ("job", "account", "provider", "reason", "since", "next try", "detail"),
        (
            (
                *(str(row[name]) for name in ("job", "account", "provider", "reason")),
                moment(float(str(row["since"]))),
                moment(float(str(row["next_try"]))) if row["next_try"] else "",
                str(row["detail"]),
            )
            for row in rows
        ),
    )


@app.command("resume")
def resume_jobs(
    job_id: Annotated[str | None, typer.Argument(help="The job's id.")] = None,
    stack: StackOption = None,
    local: LocalOption = False,
    env_file: EnvFileOption = None,
    reason: Annotated[
        PauseReason | None, typer.Option(help="All jobs that wait for this reason.")
    ] = None,
) -> None:
    """Let a job run again. A restored one is then sent to its provider, which may bill it again."""
    if (job_id is None) == (reason is None):
        raise CommandError("give either a job's id or --reason")
    jobs = find_target(stack, local=local, env_file=env_file).jobs
    if job_id is not None:
        chosen = [find_paused(jobs, job_id)]
    else:
        chosen = [job for job in paused_jobs(jobs) if job.pause and job.pause.reason is reason]
    for job in chosen:
        resume(jobs, job)
        typer.echo(f"resumed {job.id}; it runs within two minutes")
    if not chosen:
        typer.echo("no job waits for that reason")


@app.command("fail")
def fail_job(
    job_id: JobArgument,
    stack: StackOption = None,
    local: LocalOption = False,
    env_file: EnvFileOption = None,
) -> None:
    """Fail a job that waits for an operator; its client is notified within two minutes."""
    jobs = find_target(stack, local=local, env_file=env_file).jobs
    give_up(jobs, find_paused(jobs, job_id))
    typer.echo(f"{job_id} fails within two minutes")


@app.command("orphans")
def list_orphans(
    since: Annotated[
        datetime, typer.Option(help="The restore point (UTC).", formats=["%Y-%m-%dT%H:%M:%SZ"])
    ],
    stack: StackOption = None,
    local: LocalOption = False,
    env_file: EnvFileOption = None,
    json: JsonOption = False,
) -> None:
    """List files and executions, newer than the restore point, whose job the table lacks."""
    target = find_target(stack, local=local, env_file=env_file)
    moment_since = since.replace(tzinfo=UTC).timestamp()
    if moment_since > time.time():
        raise CommandError(f"--since must be in the past (got {since:%Y-%m-%dT%H:%M:%SZ})")
    found = find_orphans(target, moment_since)
    if json:
        print_json([vars(orphan) for orphan in found])
        return
    print_table(
        ("job", "account", "folders", "executions"),
        (
            (one.job_id, one.account, " ".join(one.folders), " ".join(one.executions))
            for one in found
        ),
    )
