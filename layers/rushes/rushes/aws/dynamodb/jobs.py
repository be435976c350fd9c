"""Jobs in the table.

    pk                  sk       item                                        also indexed by
    JOB#account#job id  job      state of a job (`job_items.py`)             provider_pk, open_*
    JOB#account#job id  request  what the job was asked for
    JOB#account#job id  summary  summary of a job (`summary_items.py`)       summary_pk
    ONCE#digest         once     idempotency record of an `Idempotency-Key`
    CALL#digest         job id   idempotency record of a body, for SDK retries
    SPENT#name          spent    what jobs charge to a limit, by its name (`jobs/charges.py`)

A job's partition key starts with its account, so that no other account can address it. `summary_pk`
(index `by_owner_list`) and `provider_pk` (index `by_provider`) list an account's jobs, all of them
and those at one provider: the latter changes at a failover only, and a deleted job has none.
`open_*` (index `due_keys`) exist while a job has a next check.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING

from rushes.aws.dynamodb.due_index import DueIndex, due_attributes, partitions_of
from rushes.aws.dynamodb.idempotency import RecordTable
from rushes.aws.dynamodb.items import BY_PROVIDER, MAX_TRIES, Item, put
from rushes.aws.dynamodb.job_items import (
    REQUEST,
    account_and_id,
    request_item,
    revised,
    state_item,
    writes_request,
)
from rushes.aws.dynamodb.job_reader import JobReader
from rushes.aws.dynamodb.key_index import KeyIndex, shard_of
from rushes.aws.dynamodb.owner_list import OwnerList
from rushes.aws.dynamodb.summary_items import SUMMARY, summary_item, writes_summary
from rushes.aws.dynamodb.transaction import CreateTransaction, put_and_settle
from rushes.errors import NotFound, WriteConflict
from rushes.jobs.charges import Charge, settlements
from rushes.jobs.job import Job, allowed_before
from rushes.jobs.job_page import JobPage, first_page
from rushes.ports.jobs import Change, IdempotencyRecord, JobQuery

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

URGENT, OPEN = "urgent", "open"
"""Kinds of work in index `due_keys`: jobs that need an immediate check come first. Each is a
partition, too, to which version 0.1.0 wrote."""


class JobTable(RecordTable):
    def __init__(self, client: "DynamoDBClient", name: str) -> None:
        super().__init__(client, name)
        self._reader = JobReader(client, name)
        self._owner_list = OwnerList(client, name)

    def add(
        self,
        job: Job,
        record: IdempotencyRecord | None = None,
        charges: Sequence[Charge] = (),
    ) -> None:
        state, now = indexed_item(job), job.created_at
        others = {REQUEST: request_item(job), SUMMARY: summary_item(job)}
        CreateTransaction(self._table, state, others, record, charges, now).commit(self._client)

    def get(self, account: str, job_id: str) -> Job | None:
        return self._reader.get(account, job_id)

    def change(
        self,
        account: str,
        job_id: str,
        change: Change,
        maxima: Mapping[str, float] | None = None,
    ) -> Job:
        for _ in range(MAX_TRIES):
            before = self.get(account, job_id)
            if before is None:
                raise NotFound(f"job {job_id} not found")
            after = change(before)
            if after is before:
                return after
            if writes_request(before, after):
                after = revised(after)
            after = after.model_copy(update={"has_summary": True})
            if self._replace(before, after, maxima):
                return after
        raise WriteConflict(f"job {job_id} is being changed by other requests")

    def _replace(self, before: Job, after: Job, maxima: Mapping[str, float] | None = None) -> bool:
        """Write `after` if the version is still the one read; False after a conflict.

        The condition includes the status: even an item edited by hand keeps a terminal status.
        """
        origins = {f":from_{status.value}": status for status in allowed_before(before, after)}
        same_version = "version = :version"
        may_change = f"#status IN ({', '.join(sorted(origins))})"
        condition = {
            "ConditionExpression": f"{same_version} AND {may_change}",
            "ExpressionAttributeNames": {"#status": "status"},
            "ExpressionAttributeValues": {
                ":version": {"N": str(before.version)},
                **{name: {"S": status.value} for name, status in origins.items()},
            },
        }
        state, charges = indexed_item(after), settlements(before, after, maxima)
        others = {REQUEST: request_item(after)} if writes_request(before, after) else {}
        if writes_summary(before, after):
            others[SUMMARY] = summary_item(after)
        if not others and not charges:
            return put(self._client, self._table, state, condition)
        table, now = self._table, after.updated_at
        return put_and_settle(self._client, table, state, condition, charges, now, others=others)

    def page(self, account: str, query: JobQuery) -> JobPage:
        return first_page(self._listed(account, query), query.limit)

    def _listed(self, account: str, query: JobQuery) -> Iterator[Job]:
        """Read the jobs of a list. Its index lags behind the table: each job is checked again."""
        pages_of = partial(self._owner_list.pages, account)
        if query.provider:
            index = KeyIndex(self._client, self._table, BY_PROVIDER, "provider_pk")
            pages_of = partial(index.pages, f"{account}#{query.provider}")
        pages = pages_of(query.limit + 1, query.after, newest_first=query.newest_first)
        for job in chain.from_iterable(map(self._reader.read, pages)):
            if not job.deleted_at and query.provider in (None, job.provider):
                yield job

    def due_ids(self, now: float, limit: int) -> Iterator[tuple[str, str]]:
        """Yield jobs that need an immediate check first, in each round of the search.

        Of either kind at most `limit` of each account.
        """
        return (account_and_id(item) for item in self._due(now, limit))

    def due(self, now: float, limit: int) -> Iterator[Job]:
        for job in self._reader.read(self._due(now, limit)):
            if job.next_check_at is not None and job.next_check_at <= now:
                yield job

    def _due(self, now: float, limit: int) -> Iterator[Item]:
        kinds = [[kind, *partitions_of(kind)] for kind in (URGENT, OPEN)]
        return DueIndex(self._client, self._table).items(kinds, now, limit)


def indexed_item(job: Job) -> Item:
    """Return the state with the keys of indexes."""
    item = state_item(job)
    if not job.deleted_at:
        item |= {
            "list_sk": {"S": job.id},
            "provider_pk": {"S": shard_of(f"{job.account}#{job.provider}", job.id)},
        }
    if (next_check_at := job.next_check_at) is not None:
        kind = URGENT if job.needs_immediate_check else OPEN
        item |= due_attributes(kind, item, next_check_at)
    return item
