"""The jobs in the table, and the receipts of the calls that made them.

    pk                    sk      what                            also indexed by
    JOB#account#job id    job     a job; `document` is all of it  list_pk, list_sk; open_pk, open_sk
    ONCE#digest           once    receipt of a call with a key
    CALL#digest           job id  receipt of a call without one, by its body
    SPENT#account#day     spent   what an account has spent in a day

A job's partition starts with its account: another account's job cannot be addressed by mistake.
`list_pk` spreads an account's jobs over `SHARDS` partitions, so that its list does not limit how
fast it may create; `open_pk` is there while something is left to be done for a job.
"""

import heapq
import zlib
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger
from pydantic import ValidationError

from rushes.aws.dynamodb import idempotency
from rushes.aws.dynamodb.items import Item, key, marked, put
from rushes.aws.errors import translate_aws_errors
from rushes.errors import CorruptRecord, NotFound, WriteConflict
from rushes.jobs.job import Job, JobPage, allowed_before
from rushes.ports import BudgetCharge, Change, IdempotencyRecord, JobQuery

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SHARDS = 4
RECORD_SECONDS = 90 * 24 * 3600
"""How long a job's record outlives its last change."""
TRIES = 8
URGENT, OPEN = "urgent", "open"
"""The two lines in which jobs wait for the sweeper."""
NEW = {"ConditionExpression": "attribute_not_exists(pk)"}

logger = Logger(service="rushes", child=True)


class JobTable:
    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def add(
        self,
        job: Job,
        receipt: IdempotencyRecord | None = None,
        allowance: BudgetCharge | None = None,
    ) -> None:
        if receipt is None and allowance is None:
            if not put(self._client, self._table, _row(job), NEW):
                raise WriteConflict(f"there is a job {job.id} already")
            return
        row = marked(_row(job))
        told = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        first = {"Put": {"TableName": self._table, "Item": row, **NEW, **told}}
        others = idempotency.writes(self._table, receipt, allowance, job.created_at)
        idempotency.commit(self._client, [first, *others])

    def receipt(self, digest: str) -> IdempotencyRecord | None:
        return idempotency.find(self._client, self._table, digest)

    def claim(self, digest: str, retry: int, now: float) -> str | None:
        return idempotency.claim(self._client, self._table, digest, retry, now)

    def get(self, account: str, job_id: str) -> Job | None:
        with translate_aws_errors():
            reply = self._client.get_item(
                TableName=self._table, Key=_job_key(account, job_id), ConsistentRead=True
            )
        item = reply.get("Item")
        return _read(item) if item else None

    def change(self, account: str, job_id: str, change: Change) -> Job:
        for _ in range(TRIES):
            before = self.get(account, job_id)
            if before is None:
                raise NotFound(f"there is no job {job_id}")
            after = change(before)
            if after is before or self._replace(before, after):
                return after
        raise WriteConflict(f"job {job_id} is being written to by others")

    def _replace(self, before: Job, after: Job) -> bool:
        """Write `after` where the row is still as it was read.

             read v7 ──decide──► write v8 if v7    (another's v8 in between: no, read again)

        The status is compared as well: even a row edited by hand leaves no terminal status.
        """
        origins = {f":from_{status.value}": status for status in allowed_before(before, after)}
        unchanged_since_read = "version = :version"
        may_come_from_there = f"#status IN ({', '.join(sorted(origins))})"
        condition = {
            "ConditionExpression": f"{unchanged_since_read} AND {may_come_from_there}",
            "ExpressionAttributeNames": {"#status": "status"},
            "ExpressionAttributeValues": {
                ":version": {"N": str(before.version)},
                **{name: {"S": status.value} for name, status in origins.items()},
            },
        }
        return put(self._client, self._table, _row(after), condition)

    def page(self, account: str, query: JobQuery) -> JobPage:
        shards = [self._shard(account, shard, query) for shard in range(SHARDS)]
        merged = heapq.merge(*shards, key=lambda job: job.id, reverse=query.newest_first)
        found = tuple(islice(merged, query.limit + 1))
        return JobPage(jobs=found[: query.limit], has_more=len(found) > query.limit)

    def _shard(self, account: str, shard: int, query: JobQuery) -> Iterator[Job]:
        condition = "list_pk = :pk"
        values: dict[str, Any] = {":pk": {"S": f"{account}#{shard}"}}
        if query.after:
            condition += " AND list_sk {} :after".format("<" if query.newest_first else ">")
            values[":after"] = {"S": query.after}
        search: dict[str, Any] = {
            "IndexName": "jobs_by_account",
            "KeyConditionExpression": condition,
            "ScanIndexForward": not query.newest_first,
            "Limit": query.limit + 1,
        }
        if query.provider:
            search["FilterExpression"] = "provider = :provider"
            values[":provider"] = {"S": query.provider}
        yield from self._query({**search, "ExpressionAttributeValues": values})

    def due(self, now: float, limit: int) -> tuple[Job, ...]:
        """Those that wait for the sweeper alone come first, however many there are to be seen."""
        lines = (self._due(line, now, limit) for line in (URGENT, OPEN))
        return tuple(job for line in lines for job in line)

    def _due(self, line: str, now: float, limit: int) -> Iterator[Job]:
        search = {
            "IndexName": "open_jobs",
            "KeyConditionExpression": "open_pk = :line AND open_sk <= :now",
            "ExpressionAttributeValues": {":line": {"S": line}, ":now": {"N": str(now)}},
            "Limit": limit,
        }
        return islice(self._query(search), limit)

    def _query(self, search: dict[str, Any]) -> Iterator[Job]:
        """Damaged rows are passed over, and said to be."""
        while True:
            with translate_aws_errors():
                reply = self._client.query(TableName=self._table, **search)
            for item in reply["Items"]:
                try:
                    yield _read(item)
                except CorruptRecord as error:
                    logger.error("damaged", row=item.get("pk"), reason=error.message)  # noqa: TRY400
            if "LastEvaluatedKey" not in reply:
                return
            search = {**search, "ExclusiveStartKey": reply["LastEvaluatedKey"]}


def _job_key(account: str, job_id: str) -> Item:
    return key("JOB", f"{account}#{job_id}")


def _row(job: Job) -> Item:
    row = {
        **_job_key(job.account, job.id),
        "document": {"S": job.model_dump_json()},
        "status": {"S": job.status.value},
        "version": {"N": str(job.version)},
        "provider": {"S": job.provider},
        "expires": {"N": str(int(job.updated_at + RECORD_SECONDS))},
    }
    if not job.deleted_at:
        shard = zlib.crc32(job.id.encode()) % SHARDS
        row |= {"list_pk": {"S": f"{job.account}#{shard}"}, "list_sk": {"S": job.id}}
    if (next_check_at := job.next_check_at) is not None:
        line = URGENT if job.needs_immediate_check else OPEN
        row |= {"open_pk": {"S": line}, "open_sk": {"N": str(next_check_at)}}
    return row


def _read(row: Item) -> Job:
    """The job of a row.

    Raises
    ------
    DamagedRecord
        If it is none of ours, or its attributes and its document say different things: nothing
        may be decided on it, and nothing is written over it.
    """
    try:
        job = Job.model_validate_json(row["document"]["S"])
        stated = (row["status"]["S"], int(row["version"]["N"]), row["pk"], row["sk"])
    except (ValidationError, KeyError, TypeError, ValueError) as error:
        raise CorruptRecord(f"the record cannot be read ({type(error).__name__})") from None
    here = _job_key(job.account, job.id)
    if stated != (job.status.value, job.version, here["pk"], here["sk"]):
        raise CorruptRecord(f"the record of {job.id} says one thing and its document another")
    return job
