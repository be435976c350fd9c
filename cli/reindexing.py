"""Rewrite jobs that an older release stored without a summary, by which lists find them now."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from cli.target import Target
from rushes.aws.dynamodb.items import BY_OWNER
from rushes.aws.dynamodb.job_items import account_and_id
from rushes.aws.dynamodb.key_index import KeyIndex
from rushes.errors import RushesError

PAGE = 100


@dataclass
class Reindexed:
    rewritten: int = 0
    failures: list[str] = field(default_factory=list)


def reindex(target: Target, accounts: Iterable[str]) -> Reindexed:
    """Write the jobs of these accounts once. A written job leaves the index of older releases."""
    done, jobs = Reindexed(), target.jobs
    for account in accounts:
        for job_id in list(_of_older_releases(target, account)):
            try:
                jobs.change(
                    account, job_id, lambda job: job.model_copy(update={"version": job.version + 1})
                )
            except RushesError as error:
                done.failures.append(f"{job_id}: {error}")
            else:
                done.rewritten += 1
    return done


def _of_older_releases(target: Target, account: str) -> Iterator[str]:
    index = KeyIndex(target.client("dynamodb"), target.table, BY_OWNER, "list_pk")
    for page in index.pages(account, PAGE, None, newest_first=False):
        yield from (account_and_id(entry)[1] for entry in page)
