"""Files and executions of jobs that the table does not have, as after a restore."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, get_args

from cli.target import Target
from rushes.jobs.job_id import oldest_id
from rushes.jobs.job_state import Folder


@dataclass
class Orphan:
    account: str
    job_id: str
    folders: list[str] = field(default_factory=list)
    executions: list[str] = field(default_factory=list)
    """Names of those that run: they end by themselves."""


def find_orphans(target: Target, since: float) -> list[Orphan]:
    """Return what was created after `since`, oldest first."""
    found: dict[tuple[str, str], Orphan] = {}
    for account, job_id, folder in _folders(target, oldest_id(since)):
        found.setdefault((account, job_id), Orphan(account, job_id)).folders.append(folder)
    for account, job_id, name in _executions(target, oldest_id(since)):
        found.setdefault((account, job_id), Orphan(account, job_id)).executions.append(name)
    jobs = target.jobs
    unknown = (one for key, one in found.items() if jobs.get(*key) is None)
    return sorted(unknown, key=lambda one: one.job_id)


def _folders(target: Target, oldest: str) -> Iterator[tuple[str, str, str]]:
    """Yield account, job id and prefix of the jobs' folders in the bucket."""
    client = target.client("s3")
    for kind in get_args(Folder):
        for account_folder in _prefixes(client, target.bucket, f"{kind}/"):
            after = f"{account_folder}{oldest}"
            for folder in _prefixes(client, target.bucket, account_folder, after):
                _, account, job_id, _ = folder.split("/")
                yield account, job_id, folder


def _prefixes(client: Any, bucket: str, prefix: str, after: str = "") -> Iterator[str]:  # noqa: ANN401 - as Target.client
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=prefix, Delimiter="/", StartAfter=after
    )
    for page in pages:
        yield from (entry["Prefix"] for entry in page.get("CommonPrefixes", []))


def _executions(target: Target, oldest: str) -> Iterator[tuple[str, str, str]]:
    """Yield account, job id and name of the executions that run."""
    client = target.client("stepfunctions")
    pages = client.get_paginator("list_executions").paginate(
        stateMachineArn=target.state_machine, statusFilter="RUNNING"
    )
    for page in pages:
        for execution in page["executions"]:
            if execution["name"] >= oldest:
                described = client.describe_execution(executionArn=execution["executionArn"])
                start = json.loads(described["input"])
                yield start["account"], start["job_id"], execution["name"]
