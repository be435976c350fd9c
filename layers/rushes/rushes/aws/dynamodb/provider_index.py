"""Jobs of an account at one provider: keys from the index `by_provider`, jobs from the table.

The index is `KEYS_ONLY`: DynamoDB writes it when a job is created, fails over or is deleted, not at
every step of the job. It lags behind the table, so that each job read is checked again.
"""

import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rushes.aws.dynamodb.items import BY_PROVIDER, Item, read_valid
from rushes.aws.errors import translate_aws_errors
from rushes.errors import AwsUnavailable
from rushes.jobs.job import Job, JobPage, first_page
from rushes.ports.jobs import JobQuery

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SPARE_KEYS = 20
"""Keys read beyond the limit: they replace jobs that have left the provider or were deleted."""
MAX_BATCH = 100
"""Keys of one BatchGetItem call, by DynamoDB."""
MAX_READS = 2
"""BatchGetItem calls per page: the second one reads what the first one left out (16 MB per call,
throttling), or spare keys."""
MAX_PAUSE = 0.1
"""Seconds before the second call."""


@dataclass(frozen=True)
class ProviderIndex:
    client: "DynamoDBClient"
    table: str
    read: Callable[[Item], Job]

    def page(self, account: str, provider: str, query: JobQuery) -> JobPage:
        """Read one page with one Query and at most `MAX_READS` BatchGetItem calls.

        A page may have fewer jobs than the limit although more follow.

        Raises
        ------
        AwsUnavailable
            If more jobs follow and none could be read: a client cannot continue from an empty page.
        """
        keys, more = self._keys(account, provider, query)
        read = self._read(keys, query.limit, lambda job: _is_listed(job, provider))
        jobs = (job for key in _until_unread(keys, read) if (job := read[key]))
        page = first_page(jobs, query.limit)
        if not page.has_more and (more or len(read) < len(keys)):
            page = page.model_copy(update={"has_more": True})
        if page.has_more and not page.jobs:
            raise AwsUnavailable("BatchGetItem returned no job of the page")
        return page

    def _keys(self, account: str, provider: str, query: JobQuery) -> tuple[list[str], bool]:
        """Return partition keys of jobs in order, and whether more follow."""
        search = jobs_in_order("provider_pk", provider_partition(account, provider), query)
        limit = query.limit + 1 + SPARE_KEYS
        with translate_aws_errors():
            reply = self.client.query(
                TableName=self.table, IndexName=BY_PROVIDER, Limit=limit, **search
            )
        return [item["pk"]["S"] for item in reply["Items"]], "LastEvaluatedKey" in reply

    def _read(
        self, keys: Sequence[str], limit: int, is_wanted: Callable[[Job], bool]
    ) -> Mapping[str, Job | None]:
        """Return the jobs of the first keys, None for a key whose job is not wanted any more."""
        read: dict[str, Job | None] = {}
        for attempt in range(MAX_READS):
            missing = limit - sum(job is not None for job in read.values())
            unread = [key for key in keys if key not in read]
            if not missing or not unread:
                break
            if attempt:
                missing += SPARE_KEYS
                time.sleep(random.uniform(0, MAX_PAUSE))  # noqa: S311 - jitter
            batch = unread[: min(missing, MAX_BATCH)]
            read |= self._get(batch, is_wanted)
        return read

    def _get(
        self, keys: Sequence[str], is_wanted: Callable[[Job], bool]
    ) -> Mapping[str, Job | None]:
        """Read a batch consistently; keys that DynamoDB did not process are absent."""
        wanted = [{"pk": {"S": key}, "sk": {"S": "job"}} for key in keys]
        with translate_aws_errors():
            reply = self.client.batch_get_item(
                RequestItems={self.table: {"Keys": wanted, "ConsistentRead": True}}
            )
        unread = reply.get("UnprocessedKeys", {}).get(self.table, {"Keys": []})["Keys"]
        processed = set(keys) - {key["pk"]["S"] for key in unread}
        jobs: dict[str, Job | None] = dict.fromkeys(processed)
        for item in reply["Responses"].get(self.table, []):
            job = next(read_valid([item], self.read), None)
            jobs[item["pk"]["S"]] = job if job and is_wanted(job) else None
        return jobs


def provider_partition(account: str, provider: str) -> str:
    return f"{account}#{provider}"


def _is_listed(job: Job, provider: str) -> bool:
    return job.provider == provider and not job.deleted_at


def jobs_in_order(partition_key: str, partition: str, query: JobQuery) -> Item:
    """Return the parameters of a Query for one partition of jobs, after the cursor."""
    condition, values = f"{partition_key} = :pk", {":pk": {"S": partition}}
    if query.after:
        condition += " AND list_sk {} :after".format("<" if query.newest_first else ">")
        values[":after"] = {"S": query.after}
    return {
        "KeyConditionExpression": condition,
        "ExpressionAttributeValues": values,
        "ScanIndexForward": not query.newest_first,
    }


def _until_unread(keys: Sequence[str], read: Mapping[str, Job | None]) -> Iterator[str]:
    for key in keys:
        if key not in read:
            return
        yield key
