"""Run one batch of jobs, from the first client call until no work is left."""

import base64
import json
from collections import Counter
from contextlib import suppress
from random import Random
from typing import Any

import pytest

from rushes.api.key_hashing import create_api_key
from rushes.aws.dynamodb.api_keys import KeyTable
from rushes.wiring import aws
from tests.fakes import FixedCatalogs
from tests.faults.client import Client
from tests.faults.clock import Clock
from tests.faults.fault_injector import FaultInjector
from tests.faults.fault_kinds import Place
from tests.faults.functions import Functions, catalog_for
from tests.faults.machine import Machine
from tests.faults.moto_stack import ENVIRONMENT, MotoStack
from tests.faults.plans import Plan, Running, draw, draw_sweep
from tests.faults.upstream import Upstream
from tests.machine import Execution, TaskFailedError

ARRIVAL_SECONDS = 120.0
"""Seconds in which all clients make their first call."""
SWEEP_INTERVAL = 60.0
NOTIFIED_SHARE = 0.5
"""Share of aborted executions whose status-change event reaches the sweep function."""
MAX_SECONDS = 6 * 3600.0
"""Jobs that are open after this time are lost."""


class Harness:
    def __init__(
        self, moto_stack: MotoStack, patch: pytest.MonkeyPatch, seed: str, jobs: int
    ) -> None:
        self.seed = seed
        self.rng = Random(seed)  # noqa: S311 - repeatable, not secret
        self.clock = Clock()
        self.moto_stack = moto_stack
        moto_stack.reset()
        self.plans = {tag: draw(tag, self.rng) for tag in (f"job-{n}" for n in range(jobs))}
        self.upstream = Upstream(self.clock, self.plans, self.rng)
        catalogs = FixedCatalogs(catalog_for(self.upstream.port))
        patch.setattr(aws.Aws, "catalogs", catalogs)
        self.injector = FaultInjector(self._here, self._interleave, self._executed, self.rng)
        self.functions = Functions(patch, moto_stack, self.injector, self.clock)
        self.machine = Machine(self.clock, self.rng, self._run_task, self._on_end)
        self.key, record = create_api_key("demo", self.clock.now)
        KeyTable(moto_stack.client("dynamodb"), ENVIRONMENT["TABLE_NAME"]).add(record)
        self.clients = {tag: Client(self, plan, self.rng) for tag, plan in self.plans.items()}
        self.tags: dict[str, str] = {}
        """Tags by job id."""
        self.bus: list[dict[str, Any]] = []
        self.sweeps: Counter[str] = Counter()

    def run(self) -> None:
        for client in self.clients.values():
            self.clock.later(self.rng.uniform(0, ARRIVAL_SECONDS), client.post)
        self.clock.later(SWEEP_INTERVAL, self._every_minute)
        try:
            self.clock.run(MAX_SECONDS)
        finally:
            self.upstream.stop()

    def request(
        self,
        plan: Plan,
        method: str,
        path: str,
        body: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        """Call the api function; a crash becomes API Gateway's 500."""
        event = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": "",
            "headers": {
                "authorization": f"{'Key' if path.startswith('/fal') else 'Bearer'} {self.key}",
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
        try:
            answer: dict[str, Any] = self.functions.run("api", event, plan)
        except TaskFailedError:
            return {"statusCode": 500}
        return answer

    def sweep(self, event: dict[str, Any] | None = None, *, alone: bool = True) -> None:
        plan = draw_sweep(self.rng, alone=alone)
        with suppress(TaskFailedError):
            self.functions.run("sweep", event or {}, plan)
        self.sweeps += plan.injected

    def _every_minute(self) -> None:
        self.sweep()
        if not self._is_quiet():
            self.clock.later(SWEEP_INTERVAL, self._every_minute)

    def _is_quiet(self) -> bool:
        at_work = self.machine.running or not all(client.done for client in self.clients.values())
        return not at_work and not self.moto_stack.is_waiting()

    def plan_of(self, job_id: str) -> Plan:
        if job_id not in self.tags:
            for document in self.moto_stack.documents().values():
                if job_id in document:
                    self.tags[job_id] = json.loads(document)["request"]["prompt"].split()[0]
        return self.plans[self.tags[job_id]]

    def _run_task(self, name: str, event: dict[str, Any]) -> Any:
        """Run one task of the state machine, with the faults of Lambda itself."""
        plan = self.plan_of(event["job_id"])
        if plan.consume("Lambda throttled"):
            raise TaskFailedError("Lambda.TooManyRequestsException")
        self.functions.set_timeout(name, plan)
        refused = self._refuses_connections(name, plan)
        if refused:
            self.upstream.close()
        try:
            answer = self.functions.run(name, event, plan)
        finally:
            plan.created = False
            if refused:
                self.upstream.open()
        if plan.consume("Lambda's answer lost"):
            raise TaskFailedError("Lambda.SdkClientException")
        return answer

    @staticmethod
    def _refuses_connections(name: str, plan: Plan) -> bool:
        place: Place = "create" if name == "submit" else "poll"
        fault = plan.next_upstream_fault(place)
        if name not in ("submit", "poll") or fault is None or fault.corruption != "refused":
            return False
        plan.fault(place)
        return True

    def _here(self) -> Running:
        return self.functions.here()

    def _interleave(self, action: str, running: Running) -> None:
        client = self.clients.get(running.plan.tag)
        match action:
            case "sweep":
                self.sweep(alone=False)
            case "stop":
                self.machine.stop_one_of(running.event["job_id"])
            case "again":
                with suppress(TaskFailedError):
                    self.functions.run(running.function, running.event, running.plan)
            case "post" if client:
                client.post_concurrently()
            case "cancel" if client:
                client.cancel()
            case "delete" if client:
                client.delete()

    def _executed(self, operation: str, request: Any, response: Any) -> None:
        """Start executions and record events after the AWS call."""
        if operation == "StartExecution":
            args = json.loads(request.body)
            state_input = json.loads(args["input"])
            self.machine.begin(args["name"], state_input)
            if self.plan_of(state_input["job_id"]).consume("execution stopped between steps"):
                stop = self.rng.uniform(0, 60)
                self.clock.later(stop, lambda: self.machine.stop(args["name"]))
        elif operation == "PutEvents":
            assert response.status_code == 200
            entries = json.loads(request.body)["Entries"]
            self.bus += [json.loads(entry["Detail"]) for entry in entries]

    def _on_end(self, execution: Execution) -> None:
        self.moto_stack.set_execution_status(execution.name, execution.status)
        if execution.status != "SUCCEEDED" and self.rng.random() < NOTIFIED_SHARE:
            delay = self.rng.uniform(0.5, 5)
            self.clock.later(delay, lambda: self._publish_status_change(execution))

    def _publish_status_change(self, execution: Execution) -> None:
        """Invoke the sweep function as the rule for status changes does."""
        detail = {"status": execution.status, "input": json.dumps(execution.input)}
        self.sweep({"detail-type": "Step Functions Execution Status Change", "detail": detail})
