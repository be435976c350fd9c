"""`rushes job list`: find jobs by their status, model, account, key, tags, prompt and cost."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from heapq import merge
from itertools import islice
from typing import Annotated, Any

import typer

from cli.account_names import account_names, check_account
from cli.api import Api
from cli.deployment_options import NO_OPTIONS, DeploymentOptions, with_deployment
from cli.errors import CommandError
from cli.options import AccountOption, JsonOption, read_pairs
from cli.output import dollars, print_json, print_table
from cli.target import Target
from cli.times import PAST, past_time
from rushes.aws.dynamodb.job_search import JobSearchTable
from rushes.jobs.status import JobStatus
from rushes.jobs.summary import JobSummary
from rushes.jobs.times import utc_text
from rushes.ports.search import MAX_PAGE, JobFilter

COLUMNS = ("job", "account", "created", "status", "model", "provider", "key", "cost", "tags")
Json = dict[str, Any]


@with_deployment
def list_jobs(
    account: AccountOption = None,
    statuses: Annotated[
        list[JobStatus] | None, typer.Option("--status", help="Present status. Repeatable.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="The requested model, or the one that made it.")
    ] = None,
    provider: Annotated[str | None, typer.Option(help="Present provider.")] = None,
    key: Annotated[str | None, typer.Option(help="Id of the API key that created it.")] = None,
    user: Annotated[str | None, typer.Option(help="End user, as the client named it.")] = None,
    tags: Annotated[
        list[str] | None, typer.Option("--tag", metavar="NAME=VALUE", help="Repeatable.")
    ] = None,
    text: Annotated[str | None, typer.Option(help="Part of the prompt's beginning.")] = None,
    since: Annotated[str | None, typer.Option(help=f"Created since then: {PAST}.")] = None,
    until: Annotated[str | None, typer.Option(help="Created before then.")] = None,
    min_cost: Annotated[float | None, typer.Option(min=0, help="US dollars.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Number of jobs.")] = 20,
    deployment: DeploymentOptions = NO_OPTIONS,
    json: JsonOption = False,
) -> None:
    """List jobs, the newest first, of one account or of all.

    With a client's profile it lists the jobs of the key's account.
    """
    filters = JobFilter(
        statuses=frozenset(statuses or ()),
        model=model,
        provider=provider,
        key_id=key,
        user=user,
        tags=read_pairs(tags, "--tag", needs_value=True),
        text=text,
        since=past_time(since, "--since").timestamp() if since is not None else None,
        until=past_time(until, "--until").timestamp() if until is not None else None,
        min_cost=min_cost,
    )
    if api := deployment.client_api():
        if account:
            raise CommandError("--account is for operators; a key lists its own account's jobs")
        _print(list(islice(_of_api(api, filters), limit)), json=json)
        return
    target = deployment.target()
    accounts = [account] if account else account_names(target)
    jobs = _newest(target, accounts, filters, limit)
    if account and not jobs:
        check_account(target, account)
    _print([_as_json(job) for job in jobs], json=json)


def _newest(
    target: Target, accounts: Sequence[str], filters: JobFilter, limit: int
) -> list[JobSummary]:
    search = JobSearchTable(target.client("dynamodb"), target.table)
    found = [_of_account(search, account, filters, limit) for account in accounts]
    return list(islice(merge(*found, key=lambda job: job.id, reverse=True), limit))


def _of_account(
    search: JobSearchTable, account: str, filters: JobFilter, limit: int
) -> Iterator[JobSummary]:
    cursor: str | None = None
    while True:
        page = search.page(account, filters, min(limit, MAX_PAGE), cursor)
        yield from page.jobs
        cursor = page.next_cursor
        if cursor is None:
            return


def _of_api(api: Api, filters: JobFilter) -> Iterator[Json]:
    given = {
        "model": filters.model,
        "provider": filters.provider,
        "key": filters.key_id,
        "user": filters.user,
        "text": filters.text,
        "created_after": filters.since and datetime.fromtimestamp(filters.since, UTC).isoformat(),
        "created_before": filters.until and datetime.fromtimestamp(filters.until, UTC).isoformat(),
        "min_cost": filters.min_cost,
    }
    query = [(name, str(value)) for name, value in given.items() if value is not None]
    query += [("status", status.value) for status in sorted(filters.statuses)]
    query += [("tag", f"{name}:{value}") for name, value in filters.tags.items()]
    cursor: list[tuple[str, str]] = []
    while True:
        page = api.call("GET", "/jobs", params=[*query, *cursor])
        yield from page["data"]
        if page["next_cursor"] is None:
            return
        cursor = [("cursor", page["next_cursor"])]


def _as_json(job: JobSummary) -> Json:
    """Return the job as the native API lists it, with its account."""
    return {
        "id": job.id,
        "account": job.account,
        "status": job.status and job.status.value,
        "modality": job.modality,
        "model": job.model,
        "made_by": job.made_by,
        "provider": job.provider,
        "key_id": job.key_id,
        "prompt": job.prompt,
        "tags": job.tags,
        "user": job.user,
        "created_at": utc_text(job.created_at),
        "finished_at": job.finished_at and utc_text(job.finished_at),
        "cost": {
            "estimated": job.estimated,
            "settled": job.settled,
            "refunded": job.refunded,
            "currency": "USD",
        },
    }


def _print(jobs: list[Json], *, json: bool) -> None:
    if json:
        print_json(jobs)
    elif jobs:
        print_table(COLUMNS, map(_row, jobs))
    else:
        typer.echo("no job matches")


def _row(job: Json) -> tuple[str, ...]:
    cost = job["cost"]
    amount = cost["estimated"] if cost["settled"] is None else cost["settled"]
    tags = " ".join(f"{name}={value}" for name, value in job["tags"].items())
    return (
        *(job["id"], job.get("account", ""), job["created_at"], job["status"] or ""),
        *(job["made_by"], job["provider"], job["key_id"] or "", dollars(amount), tags),
    )
