"""Reads of jobs: one by its key, and those that an index has found."""

import random
import time
from collections.abc import Iterable, Iterator

from rushes.aws.dynamodb.batches import ItemBatches, batches
from rushes.aws.dynamodb.items import Item, report_corrupt
from rushes.aws.dynamodb.job_items import (
    REQUEST,
    STATE,
    MismatchedRequest,
    account_and_id,
    job_key,
    read_job,
)
from rushes.aws.errors import translate_aws_errors
from rushes.errors import CorruptRecord
from rushes.jobs.job import Job

MAX_READS = 4
MAX_PAUSE = 0.05
"""Seconds before another read."""


class JobReader(ItemBatches):
    def get(self, account: str, job_id: str) -> Job | None:
        """Read both items; again if a transaction was writing them meanwhile.

        Raises
        ------
        CorruptRecord
            If an item is invalid, or the request is still not the state's at the last read.
        """
        for remaining in reversed(range(MAX_READS)):
            items = self._items_of(job_key(account, job_id))
            if STATE not in items:
                return None
            try:
                return read_job(items[STATE], items.get(REQUEST))
            except MismatchedRequest:
                if not remaining:
                    raise
            time.sleep(random.uniform(0, MAX_PAUSE))  # noqa: S311 - jitter
        return None

    def read(self, keys: Iterable[Item]) -> Iterator[Job]:
        """Read jobs in the order of their keys, while the caller iterates.

        Absent ones are skipped; corrupt ones are logged and skipped.
        """
        for batch in batches(keys):
            found = self.find(
                [{"pk": each["pk"], "sk": {"S": sk}} for each in batch for sk in (STATE, REQUEST)]
            )
            for each in batch:
                state = found.get((each["pk"]["S"], STATE))
                if state is None:
                    continue
                try:
                    job = self._read(state, found.get((each["pk"]["S"], REQUEST)))
                except CorruptRecord as error:
                    report_corrupt(state, error.message)
                    continue
                if job:
                    yield job

    def _read(self, state: Item, request: Item | None) -> Job | None:
        try:
            return read_job(state, request)
        except MismatchedRequest:
            return self.get(*account_and_id(state))

    def _items_of(self, item_key: Item) -> dict[str, Item]:
        """Return state and request by sort key, and not the summary, which follows them."""
        with translate_aws_errors():
            reply = self._client.query(
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND sk BETWEEN :state AND :request",
                ExpressionAttributeValues={
                    ":pk": item_key["pk"],
                    ":state": {"S": STATE},
                    ":request": {"S": REQUEST},
                },
                ConsistentRead=True,
            )
        return {item["sk"]["S"]: item for item in reply["Items"]}
