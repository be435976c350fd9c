"""The table: jobs, API keys and timings. The only user of the DynamoDB client.

    pk                    sk      what                            also indexed by
    JOB#account#job id    job     a job; `document` is all of it  list_pk, list_sk; open_pk, open_sk
    KEY#key id            key     an API key, hashed
    TIMING#kind of job    timing  how long such jobs take

A job's partition starts with its account: another account's job cannot be addressed by mistake.
`list_pk` spreads an account's jobs over `SHARDS` partitions, so that its list does not limit how
fast it may create; `open_pk` is there while a job is open, and only then.
"""

import heapq
import secrets
import zlib
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from rushes.boundary import store_errors
from rushes.errors import NotFound, WriteConflict
from rushes.job import Job, JobPage, allowed_before
from rushes.ports import ApiKey, Change, JobQuery, Timing

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SHARDS = 4
RECORD_SECONDS = 90 * 24 * 3600
"""How long a job's record outlives its last change."""
TRIES = 8


class JobTable:
    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def add(self, job: Job) -> None:
        """Store a new job. An id that is taken is a WriteConflict."""
        if not self._put(job, {"ConditionExpression": "attribute_not_exists(pk)"}):
            raise WriteConflict(f"there is a job {job.id} already")

    def get(self, account: str, job_id: str) -> Job | None:
        with store_errors():
            reply = self._client.get_item(
                TableName=self._table, Key=_job_key(account, job_id), ConsistentRead=True
            )
        item = reply.get("Item")
        return Job.model_validate_json(item["document"]["S"]) if item else None

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
        return self._put(after, condition)

    def _put(self, job: Job, condition: dict[str, Any]) -> bool:
        """False where the condition does not hold.

        A write that succeeded and whose answer was lost is repeated by boto3 and then refused;
        the mark of the writer tells that it was ours.
        """
        written_by = secrets.token_hex(8)
        try:
            with store_errors():
                self._client.put_item(
                    TableName=self._table,
                    Item={**_row(job), "written_by": {"S": written_by}},
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    **condition,
                )
        except self._client.exceptions.ConditionalCheckFailedException as refused:
            stored: dict[str, Any] = dict(refused.response).get("Item", {})  # type: ignore[assignment]
            return bool(stored.get("written_by", {}).get("S") == written_by)
        return True

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

    def untouched_since(self, moment: float, limit: int) -> tuple[Job, ...]:
        search = {
            "IndexName": "open_jobs",
            "KeyConditionExpression": "open_pk = :open AND open_sk < :moment",
            "ExpressionAttributeValues": {":open": {"S": "open"}, ":moment": {"N": str(moment)}},
            "Limit": limit,
        }
        return tuple(islice(self._query(search), limit))

    def _query(self, search: dict[str, Any]) -> Iterator[Job]:
        while True:
            with store_errors():
                reply = self._client.query(TableName=self._table, **search)
            for item in reply["Items"]:
                yield Job.model_validate_json(item["document"]["S"])
            if "LastEvaluatedKey" not in reply:
                return
            search = {**search, "ExclusiveStartKey": reply["LastEvaluatedKey"]}


class KeyTable:
    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def add(self, key: ApiKey) -> None:
        with store_errors():
            self._client.put_item(
                TableName=self._table,
                Item={
                    **_key("KEY", key.key_id),
                    "account": {"S": key.account},
                    "digest": {"S": key.digest},
                    "created_at": {"N": str(key.created_at)},
                    "revoked": {"BOOL": key.revoked},
                },
            )

    def get(self, key_id: str) -> ApiKey | None:
        with store_errors():
            reply = self._client.get_item(TableName=self._table, Key=_key("KEY", key_id))
        item = reply.get("Item")
        if item is None:
            return None
        return ApiKey(
            key_id=key_id,
            account=item["account"]["S"],
            digest=item["digest"]["S"],
            created_at=float(item["created_at"]["N"]),
            revoked=item["revoked"]["BOOL"],
        )


class TimingTable:
    """Lost updates do no harm here: the next job of the kind teaches the same."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def get(self, kind: str) -> Timing:
        with store_errors():
            reply = self._client.get_item(TableName=self._table, Key=_key("TIMING", kind))
        item = reply.get("Item")
        if item is None:
            return Timing()
        return Timing(
            count=int(item["count"]["N"]),
            mean=float(item["mean"]["N"]),
            variance=float(item["variance"]["N"]),
        )

    def put(self, kind: str, timing: Timing) -> None:
        facts = {name: {"N": str(value)} for name, value in vars(timing).items()}
        with store_errors():
            self._client.put_item(TableName=self._table, Item={**_key("TIMING", kind), **facts})


def _key(family: str, name: str) -> dict[str, Any]:
    return {"pk": {"S": f"{family}#{name}"}, "sk": {"S": family.lower()}}


def _job_key(account: str, job_id: str) -> dict[str, Any]:
    return _key("JOB", f"{account}#{job_id}")


def _row(job: Job) -> dict[str, Any]:
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
    if not job.is_finished:
        row |= {"open_pk": {"S": "open"}, "open_sk": {"N": str(job.updated_at)}}
    return row
