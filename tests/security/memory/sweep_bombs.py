"""Due items of the largest size for the real sweep function; DynamoDB's pages are generated."""

import json
from collections.abc import Sequence
from dataclasses import replace
from threading import Lock
from types import SimpleNamespace
from typing import Any, cast

from functions.sweep import app
from functions.sweep.app import DELIVERIES, lambda_handler
from rushes.aws.dynamodb import webhooks as webhook_table
from rushes.aws.dynamodb.job_items import request_item
from rushes.aws.dynamodb.jobs import JobTable, indexed_item
from rushes.aws.dynamodb.webhooks import DeliveryTable
from rushes.aws.threads import in_threads
from rushes.dialects.validation import MAX_REQUEST_BYTES
from rushes.jobs.job import Job
from rushes.providers.limits import MAX_OUTPUTS
from rushes.webhooks.attempt import DeliveryAttempt
from rushes.webhooks.delivery import Delivery
from rushes.webhooks.requeue import DeliverySweeper
from rushes.wiring import sweep
from rushes.wiring.aws import client, s3_config
from tests.harness import ACCOUNT, Harness
from tests.lambda_context import InvocationContext
from tests.security.memory.meter import KILOBYTE, Bomb, Bombs, Run
from tests.unit.webhooks.fakes import FakeDeliveries, FakeEndpoints, FakeQueue
from tests.unit.webhooks.harness import endpoint, event

MAX_ITEM = 390 * KILOBYTE
"""DynamoDB's items have at most 400 KB."""
ATTEMPTS = 30
"""Of one delivery, each with an excerpt of 1 KB."""
JOB_PAGES, SLOW_JOB_PAGES, DELIVERY_PAGES = 125, 3, 500
ACCOUNTS = 500
CONTEXT: Any = InvocationContext("sweep")
IDLE = SimpleNamespace(sweep=lambda *_: 0)
KEYS = ("pk", "sk", "open_pk", "open_sk", "open_owner")
"""Of an entry of the index of due work."""


class _Pages:
    """DynamoDB client with the items of one partition for each account, each with new strings.

    Its indexes have keys of them, as many a page as documents of that size have in 1 MB.
    `account` occurs in the items, and is another one of 500 each time.
    """

    def __init__(self, items: Sequence[dict[str, Any]], account: str, pages: int) -> None:
        self._pages = pages
        self._texts = [json.dumps(item) for item in items]
        self._keys = json.dumps({name: items[0][name] for name in KEYS})
        self._account = account
        self._count = 0
        self._per_page = max(1024 * KILOBYTE // sum(map(len, self._texts)), 1)
        self._lock = Lock()

    def query(self, **search: Any) -> dict[str, Any]:
        if "IndexName" not in search:
            return {"Items": self._items(search["ExpressionAttributeValues"][":pk"])}
        page = int(search.get("ExclusiveStartKey", 0))
        found = {"Items": [self._next_key() for _ in range(self._per_page)]}
        return {**found, "LastEvaluatedKey": page + 1} if page < self._pages else found

    def batch_get_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803 - AWS
        ((table, wanted),) = RequestItems.items()
        found = [item for key in wanted["Keys"] for item in self._items(key["pk"])]
        return {"Responses": {table: found}}

    def _next_key(self) -> Any:
        with self._lock:
            self._count += 1
            return self._of_account(self._keys, f"account-{self._count % ACCOUNTS}")

    def _items(self, partition: dict[str, str]) -> list[Any]:
        account = partition["S"].split("#")[1]
        return [self._of_account(text, account) for text in self._texts]

    def _of_account(self, text: str, account: str) -> Any:
        return json.loads(text.replace(self._account, account))


def sweep_bombs(_url: str) -> Bombs:
    clients = [client(name) for name in ("dynamodb", "sqs", "events", "stepfunctions")]
    clients.append(client("s3", s3_config(local_mode=True)))
    return {
        "large jobs": Bomb(lambda: _jobs(_large_job("x" * MAX_ITEM), JOB_PAGES), "repaired"),
        "jobs of many values": Bomb(
            lambda: _jobs(_large_job([[]] * (MAX_REQUEST_BYTES // 3)), SLOW_JOB_PAGES), "repaired"
        ),
        "large deliveries": Bomb(_deliveries, "queued"),
    }


def _large_job(option: object) -> Job:
    job = Harness().running()
    request = job.request.model_copy(update={"provider_options": {"extras": option}})
    return job.model_copy(update={"request": request})


def _jobs(job: Job, pages: int) -> Run:
    """Due jobs are the real table's, read in threads; their changes are not kept."""
    harness = Harness()
    items = indexed_item(job), request_item(job)
    table = JobTable(cast("Any", _Pages(items, ACCOUNT, pages)), "table")
    harness.jobs.due_ids = table.due_ids  # type: ignore[method-assign,assignment]
    harness.jobs.get = table.get  # type: ignore[method-assign]
    app.SWEEP_SECONDS = 10.0  # the threads reach their peak with the first jobs
    harness.jobs._put = lambda job: None  # type: ignore[method-assign]  # noqa: ARG005
    harness.clock.now = 1e10  # all are due
    sweeper = replace(harness.sweeper, for_each=in_threads)
    sweep.job_sweeper = lambda: sweeper  # type: ignore[assignment]
    sweep.delivery_sweeper = lambda: IDLE  # type: ignore[assignment]
    return lambda: json.dumps(lambda_handler({}, CONTEXT))


def _deliveries() -> Run:
    receiver = endpoint(account=ACCOUNT)
    attempt = DeliveryAttempt(at=1.0, status_code=500, response_excerpt="x" * 1024)
    due = {"attempts": (attempt,) * ATTEMPTS, "next_attempt_at": 1.0}
    delivery = Delivery.for_endpoint(receiver, _largest_event(), 1.0).model_copy(update=due)
    document = {"document": {"S": delivery.model_dump_json()}}
    item = {**webhook_table._delivery_attributes(delivery), **document}
    pages = _Pages([item], ACCOUNT, DELIVERY_PAGES)
    deliveries, endpoints, queue = FakeDeliveries(), FakeEndpoints(), FakeQueue()
    deliveries.due = DeliveryTable(cast("Any", pages), "table").due  # type: ignore[method-assign]
    for number in range(ACCOUNTS):
        endpoints.add(receiver.model_copy(update={"account": f"account-{number}"}))
    sweeper = DeliverySweeper(deliveries, endpoints, queue, lambda: 1e10)
    sweep.job_sweeper = lambda: IDLE  # type: ignore[assignment]
    sweep.delivery_sweeper = lambda: sweeper  # type: ignore[assignment]
    return lambda: f"{lambda_handler(DELIVERIES, CONTEXT)} queued {len(queue.now)}"


def _largest_event() -> Any:
    artifact = {
        "bucket": "b" * 63,
        "key": f"outputs/{'a' * 64}/job_{'0' * 28}/63.mp4",
        "content_type": "video/quicktime",
        "size": 2**40,
        "sha256": "0" * 64,
    }
    happened = event()
    return {**happened, "data": {**happened["data"], "artifacts": [artifact] * MAX_OUTPUTS}}
