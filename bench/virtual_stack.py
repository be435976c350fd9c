"""Run complete jobs through the functions in virtual time, on moto, and meter their requests."""

import base64
import json
import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from random import Random
from typing import Any, cast
from urllib.parse import urlsplit

import pytest
from moto.backends import get_backend
from moto.core.models import botocore_stubber
from moto.dynamodb.models.dynamo_type import DynamoType
from typing_extensions import override

from bench.dynamodb_units import STORAGE_OVERHEAD, Item, indexes, size
from bench.job_kinds import JobKind, bench_catalog
from bench.local_provider import LocalProvider
from bench.unit_meter import Params, UnitMeter
from local.packaging import ROOT, read_template
from rushes.api.key_hashing import create_api_key
from rushes.aws.dynamodb.api_keys import KeyTable
from rushes.wiring import aws
from tests.fakes import FixedCatalogs
from tests.faults.clock import Clock
from tests.faults.direct_invoke import DirectInvoke
from tests.faults.functions import Functions
from tests.faults.machine import Machine
from tests.faults.moto_stack import ACCOUNT, ENVIRONMENT, REGION, MotoStack
from tests.faults.plans import Plan
from tests.machine import Action, Execution

RAMP_SECONDS = 1.0
"""All jobs of a run are created within this time."""
CLIENT_INTERVAL = 10.0
"""Seconds between two status requests of a client."""
SWEEP_INTERVAL = 60.0
MAX_SECONDS = 6 * 3600.0
NO_FAULTS = Plan("bench")
CREATES_PER_MINUTE = "1000000"
"""Create calls are counted, and the limit is not reached."""
FINAL = ("completed", "failed", "cancelled", "COMPLETED")


class CountingMachine(Machine):
    """Counts state transitions as Step Functions bills them: the start is one."""

    transitions = 0

    @override
    def begin(self, name: str, state_input: Any, state: str | None = None) -> None:
        self.transitions += name not in self.executions
        super().begin(name, state_input, state)

    @override
    def transit(self, action: Action) -> None:
        self.transitions += 1
        super().transit(action)


class VirtualStack:
    """Every job takes its provider `seconds`."""

    def __init__(self, moto_stack: MotoStack, patch: pytest.MonkeyPatch, seconds: float) -> None:
        patch.setitem(ENVIRONMENT, "CREATES_PER_MINUTE", CREATES_PER_MINUTE)
        moto_stack.reset()
        self.clock = Clock()
        self._moto_stack = moto_stack
        self._direct_invoke = DirectInvoke(ENVIRONMENT["AWS_REGION"])
        self._rng = Random(1)  # noqa: S311 - repeatable, not secret
        self._provider = LocalProvider(self.clock.time, seconds)
        catalogs = FixedCatalogs(bench_catalog(self._provider.port, seconds))
        patch.setattr(aws.Aws, "catalogs", catalogs)
        table = read_template(ROOT / "template.yaml")["Resources"]["Table"]["Properties"]
        self._plain = moto_stack.client("dynamodb")
        self._indexes = indexes(table)
        self.meter = UnitMeter(stored_item, self._indexes)
        self.meter.on_request = self._on_request
        self._functions = Functions(patch, moto_stack, cast("Any", self), self.clock)
        self.invocations: Counter[str] = Counter()
        self.machine = CountingMachine(self.clock, self._rng, self.invoke, self._on_end)
        self._keys: dict[str, str] = {}
        self.job_ids: set[str] = set()
        self._open = 0

    def attach(self, client: Any) -> Any:  # noqa: ANN401 - boto3
        """Meter a client of the functions, and let moto answer it without HTTP."""
        events = client.meta.events
        events.unregister("before-send", botocore_stubber)
        events.register("before-send", self._send)
        return self.meter.attach(client)

    def _send(self, request: Any, event_name: str, **_: Any) -> Any:  # noqa: ANN401 - botocore
        operation = event_name.rpartition(".")[2]
        return self._direct_invoke(operation, request) or botocore_stubber(event_name, request)

    def close(self) -> None:
        self._provider.shutdown()
        self._provider.server_close()

    def warm_up(self, kind: JobKind, jobs: int) -> None:
        """Run jobs one after another and forget the counts: their durations schedule polls."""
        for _ in range(jobs):
            self.run(kind, 1, 1, sweeps=False)
        self.meter.clear()
        self.invocations.clear()
        self.machine.transitions = 0

    def run(self, kind: JobKind, jobs: int, accounts: int, *, sweeps: bool = True) -> None:
        """Run jobs at once to their end, with clients that wait for them."""
        for number in range(jobs):
            account = f"account-{number % accounts}"
            create = partial(self._create, kind, number, account)
            self.clock.later(self._rng.uniform(0, RAMP_SECONDS), create)
        self._open += jobs
        if sweeps:
            self.clock.later(SWEEP_INTERVAL, self._sweep)
        self.clock.run(MAX_SECONDS)
        if self._open:
            raise SystemExit(f"{kind.name}: {self._open} of {jobs} jobs did not complete")

    def stored_bytes(self) -> int:
        """Return the billed size of all items and index entries."""
        pages = self._plain.get_paginator("scan").paginate(TableName=ENVIRONMENT["TABLE_NAME"])
        items = [item for page in pages for item in page["Items"]]
        entries = [index.image(item) for index in self._indexes for item in items]
        return sum(size(image) + STORAGE_OVERHEAD for image in (*items, *entries) if image)

    def invoke(self, name: str, event: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
        self.invocations[name] += 1
        self.meter.caller = name
        return self._functions.run(name, event, NO_FAULTS)

    def _sweep(self) -> None:
        self.invoke("sweep", {})
        if self._open or self.machine.running:
            self.clock.later(SWEEP_INTERVAL, self._sweep)

    def _create(self, kind: JobKind, number: int, account: str) -> None:
        headers = {"idempotency-key": f"bench-{self.clock.now}-{number}"}
        created = self._request(account, "POST", kind.path, kind.body(number), headers)
        self.job_ids.add(created["id"] if kind.has_file else created["request_id"])
        self._poll_later(account, kind, created)

    def _poll_later(self, account: str, kind: JobKind, created: Mapping[str, Any]) -> None:
        self.clock.later(CLIENT_INTERVAL, partial(self._poll, account, kind, created))

    def _poll(self, account: str, kind: JobKind, created: Mapping[str, Any]) -> None:
        if kind.has_file:
            status_path = f"{kind.path}/{created['id']}"
            result_path = f"{status_path}/content"
        else:
            status_path = urlsplit(created["status_url"]).path
            result_path = urlsplit(created["response_url"]).path
        status = self._request(account, "GET", status_path)["status"]
        if status not in FINAL:
            self._poll_later(account, kind, created)
            return
        self._request(account, "GET", result_path)
        self._open -= 1

    def _request(
        self,
        account: str,
        method: str,
        path: str,
        body: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:  # noqa: ANN401 - JSON
        scheme = "Key" if path.startswith("/fal") else "Bearer"
        event = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": "",
            "headers": {
                "authorization": f"{scheme} {self._key(account)}",
                "content-type": "application/json",
                **(headers or {}),
            },
            "requestContext": {
                "http": {"method": method, "path": path, "sourceIp": "127.0.0.1"},
                "requestId": "Jxk2cgfSoAMEVxw=",
                "stage": "$default",
            },
            "body": base64.b64encode(json.dumps(body).encode()).decode() if body else None,
            "isBase64Encoded": body is not None,
        }
        answer = self.invoke("api", event)
        if answer["statusCode"] >= 400:
            raise SystemExit(f"{method} {path} answered {answer['statusCode']}: {answer['body']}")
        return json.loads(answer.get("body") or "{}") if answer["statusCode"] < 300 else {}

    def _key(self, account: str) -> str:
        if account not in self._keys:
            self._keys[account], record = create_api_key(account, self.clock.now)
            KeyTable(self._plain, ENVIRONMENT["TABLE_NAME"]).add(record)
        return self._keys[account]

    def _on_request(self, operation: str, params: Params) -> None:
        if operation == "StartExecution":
            self.machine.begin(params["name"], json.loads(params["input"]))

    def _on_end(self, execution: Execution) -> None:
        if execution.status != "SUCCEEDED":
            raise SystemExit(f"execution {execution.name} ended as {execution.status}")
        self._moto_stack.set_execution_status(execution.name, execution.status)


def stored_item(key: Item) -> Item | None:
    """Read an item from moto's table, without a request."""
    table = get_backend("dynamodb")[ACCOUNT][REGION].tables[ENVIRONMENT["TABLE_NAME"]]
    row = table.get_item(DynamoType(dict(key["pk"])), DynamoType(dict(key["sk"])))
    return {name: value.to_json() for name, value in row.attrs.items()} if row else None


@contextmanager
def virtual_stack(seconds: float) -> Iterator[VirtualStack]:
    """Log lines and metrics are not printed."""
    logging.disable(logging.CRITICAL)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**ENVIRONMENT, "POWERTOOLS_METRICS_DISABLED": "true"}.items():
            patch.setenv(name, value)
        moto_stack = MotoStack()
        try:
            stack = VirtualStack(moto_stack, patch, seconds)
            yield stack
            stack.close()
        finally:
            moto_stack.stop()
            logging.disable(logging.NOTSET)
