"""Jobs in the table.

    pk                  sk      item                                         also indexed by
    JOB#account#job id  job     a job, as JSON in `document`                 list_*, provider_pk,
                                                                             open_*
    ONCE#digest         once    idempotency record of an `Idempotency-Key`
    CALL#digest         job id  idempotency record of a body, for SDK retries
    SPENT#account#day   spent   dollars charged to an account's daily budget

A job's partition key starts with its account, so that no other account can address it. `list_pk`
spreads an account's jobs over `SHARDS` partitions of index `by_owner`, which would otherwise limit
its create rate. `provider_pk` (index `by_provider`) changes at a failover only. `open_*` (index
`due`) exist while a job has a next check. A deleted job has neither `list_*` nor `provider_pk`.
"""

import heapq
import zlib
from collections.abc import Iterator

from pydantic import ValidationError

from rushes.aws.dynamodb import budgets
from rushes.aws.dynamodb.due_index import DueIndex, due_attributes, partitions_of
from rushes.aws.dynamodb.idempotency import RecordTable
from rushes.aws.dynamodb.items import (
    ABSENT,
    BY_OWNER,
    MAX_TRIES,
    Item,
    key,
    put,
    query_items,
    read_valid,
)
from rushes.aws.dynamodb.provider_index import ProviderIndex, jobs_in_order, provider_partition
from rushes.aws.dynamodb.transaction import CreateTransaction, put_and_settle
from rushes.errors import CorruptRecord, NotFound, WriteConflict
from rushes.jobs.cost import settlement
from rushes.jobs.job import Job, JobPage, allowed_before, first_page
from rushes.ports.jobs import BudgetCharge, Change, IdempotencyRecord, JobQuery

SHARDS = 4
RETENTION_SECONDS = 90 * 24 * 3600
"""After a job's last change."""
URGENT, OPEN = "urgent", "open"
"""Kinds of work in index `due`: jobs that need an immediate check come first. Each is a partition,
too, to which version 0.1.0 wrote."""


class JobTable(RecordTable):
    def add(
        self,
        job: Job,
        record: IdempotencyRecord | None = None,
        charge: BudgetCharge | None = None,
    ) -> None:
        if record or charge:
            item = _item(job)
            CreateTransaction(self._table, item, record, charge, job.created_at).commit(
                self._client
            )
            return
        if not put(self._client, self._table, _item(job), ABSENT):
            raise WriteConflict(f"a job with id {job.id} exists")

    def get(self, account: str, job_id: str) -> Job | None:
        item = self._find(_job_key(account, job_id), consistent=True)
        return _read(item) if item else None

    def change(self, account: str, job_id: str, change: Change) -> Job:
        for _ in range(MAX_TRIES):
            before = self.get(account, job_id)
            if before is None:
                raise NotFound(f"job {job_id} not found")
            after = change(before)
            if after is before or self._replace(before, after):
                return after
        raise WriteConflict(f"job {job_id} is being changed by other requests")

    def _replace(self, before: Job, after: Job) -> bool:
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
        dollars = settlement(before, after)
        if not dollars or after.reservation is None:
            return put(self._client, self._table, _item(after), condition)
        update = budgets.settle_request(
            self._table, after.account, after.reservation, dollars, after.created_at
        )
        return put_and_settle(self._client, self._table, _item(after), condition, update)

    def page(self, account: str, query: JobQuery) -> JobPage:
        if query.provider:
            index = ProviderIndex(self._client, self._table, _read)
            return index.page(account, query.provider, query)
        shards = [self._shard(account, shard, query) for shard in range(SHARDS)]
        merged = heapq.merge(*shards, key=lambda job: job.id, reverse=query.newest_first)
        return first_page(merged, query.limit)

    def _shard(self, account: str, shard: int, query: JobQuery) -> Iterator[Job]:
        search = jobs_in_order("list_pk", f"{account}#{shard}", query)
        return self._query({**search, "IndexName": BY_OWNER, "Limit": query.limit + 1})

    def due(self, now: float, limit: int) -> Iterator[Job]:
        """Return jobs that need an immediate check first, in each round of the search.

        Of either kind at most `limit` of each account.
        """
        kinds = [[kind, *partitions_of(kind)] for kind in (URGENT, OPEN)]
        index = DueIndex(self._client, self._table)
        return read_valid(index.items(kinds, now, limit), _read)

    def _query(self, search: Item) -> Iterator[Job]:
        return query_items(self._client, self._table, search, _read)


def _job_key(account: str, job_id: str) -> Item:
    return key("JOB", f"{account}#{job_id}")


def _item(job: Job) -> Item:
    item = {
        **_job_key(job.account, job.id),
        "document": {"S": job.model_dump_json()},
        "status": {"S": job.status.value},
        "version": {"N": str(job.version)},
        "provider": {"S": job.provider},
        "expires": {"N": str(int(job.updated_at + RETENTION_SECONDS))},
    }
    if not job.deleted_at:
        shard = zlib.crc32(job.id.encode()) % SHARDS
        item |= {
            "list_pk": {"S": f"{job.account}#{shard}"},
            "list_sk": {"S": job.id},
            "provider_pk": {"S": provider_partition(job.account, job.provider)},
        }
    if (next_check_at := job.next_check_at) is not None:
        kind = URGENT if job.needs_immediate_check else OPEN
        item |= due_attributes(kind, item, next_check_at)
    return item


def _read(item: Item) -> Job:
    """Parse a job's item.

    Raises
    ------
    CorruptRecord
        If the item is invalid, or its attributes contradict its document. Such a job is neither
        acted on nor overwritten.
    """
    try:
        job = Job.model_validate_json(item["document"]["S"])
        attributes = (item["status"]["S"], int(item["version"]["N"]), item["pk"], item["sk"])
    except (ValidationError, KeyError, TypeError, ValueError) as error:
        raise CorruptRecord(f"the record cannot be read ({type(error).__name__})") from None
    expected = _job_key(job.account, job.id)
    if attributes != (job.status.value, job.version, expected["pk"], expected["sk"]):
        raise CorruptRecord(f"the attributes of record {job.id} contradict its document")
    return job
