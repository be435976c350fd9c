"""One batch of jobs, from their clients' first calls until nothing is left to be done."""

import base64
import json
from collections import Counter
from contextlib import suppress
from random import Random
from typing import Any

import pytest

from rushes import wiring
from rushes.api.auth import create_api_key
from rushes.aws.dynamodb.lookup_tables import KeyTable
from tests.faults.client import Client
from tests.faults.clock import Clock
from tests.faults.fault_injector import Line
from tests.faults.fault_kinds import Place
from tests.faults.functions import Functions, catalog_for
from tests.faults.machine import Execution, Machine, TaskFailedError
from tests.faults.moto_stack import ENVIRONMENT, Double
from tests.faults.plans import Plan, Running, draw, draw_sweep
from tests.faults.upstream import Upstream

ARRIVALS = 120.0
"""Seconds within which all clients make their first call."""
SWEEPS = 60.0
HEARD = 0.5
"""The part of broken executions that the sweeper is told of; of the others it must not need it."""
LONGEST = 6 * 3600.0
"""What is not over by then is lost."""


class Harness:
    def __init__(self, double: Double, patch: pytest.MonkeyPatch, seed: str, jobs: int) -> None:
        self.seed = seed
        self.rng = Random(seed)  # noqa: S311 - to be drawn again
        self.clock = Clock()
        self.double = double
        double.fresh()
        self.plans = {tag: draw(tag, self.rng) for tag in (f"job-{n}" for n in range(jobs))}
        self.upstream = Upstream(self.clock, self.plans, self.rng)
        catalog = catalog_for(self.upstream.port)
        patch.setattr(wiring, "catalog", lambda: catalog)
        self.line = Line(self._here, self._meanwhile, self._executed, self.rng)
        self.functions = Functions(patch, double, self.line, self.clock)
        self.machine = Machine(self.clock, self.rng, self._step, self._ended)
        self.key, record = create_api_key("demo", self.clock.now)
        KeyTable(double.client("dynamodb"), ENVIRONMENT["TABLE_NAME"]).add(record)
        self.clients = {tag: Client(self, plan, self.rng) for tag, plan in self.plans.items()}
        self.tags: dict[str, str] = {}
        """Of each job's id."""
        self.bus: list[dict[str, Any]] = []
        self.sweeps: Counter[str] = Counter()

    def run(self) -> None:
        for client in self.clients.values():
            self.clock.later(self.rng.uniform(0, ARRIVALS), client.post)
        self.clock.later(SWEEPS, self._every_minute)
        try:
            self.clock.run(LONGEST)
        finally:
            self.upstream.stop()

    def ask(
        self,
        plan: Plan,
        method: str,
        path: str,
        body: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        """A client's call; a function that dies is a 500 of the gateway in front of it."""
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
        self.sweeps += plan.struck

    def _every_minute(self) -> None:
        self.sweep()
        if not self._is_quiet():
            self.clock.later(SWEEPS, self._every_minute)

    def _is_quiet(self) -> bool:
        at_work = self.machine.running or not all(client.done for client in self.clients.values())
        return not at_work and not self.double.is_waiting()

    def plan_of(self, job_id: str) -> Plan:
        if job_id not in self.tags:
            for document in self.double.documents().values():
                if job_id in document:
                    self.tags[job_id] = json.loads(document)["request"]["prompt"].split()[0]
        return self.plans[self.tags[job_id]]

    def _step(self, name: str, event: dict[str, Any]) -> Any:
        """One task of the state machine; Lambda itself has its moments, too."""
        plan = self.plan_of(event["job_id"])
        if plan.take("Lambda throttled"):
            raise TaskFailedError("Lambda.TooManyRequestsException")
        self.functions.be_patient(name, plan)
        refused = self._refusing(name, plan)
        if refused:
            self.upstream.close()
        try:
            answer = self.functions.run(name, event, plan)
        finally:
            plan.created = False
            if refused:
                self.upstream.open()
        if plan.take("Lambda's answer lost"):
            raise TaskFailedError("Lambda.SdkClientException")
        return answer

    @staticmethod
    def _refusing(name: str, plan: Plan) -> bool:
        place: Place = "create" if name == "submit" else "poll"
        mood = plan.next_mood(place)
        if name not in ("submit", "poll") or mood is None or mood.spoils != "refused":
            return False
        plan.mood(place)
        return True

    def _here(self) -> Running:
        return self.functions.here()

    def _meanwhile(self, action: str, running: Running) -> None:
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
                client.post_at_once()
            case "cancel" if client:
                client.cancel()
            case "delete" if client:
                client.delete()

    def _executed(self, operation: str, request: Any, response: Any) -> None:
        """What AWS does further with what it was asked."""
        if operation == "StartExecution":
            asked = json.loads(request.body)
            given = json.loads(asked["input"])
            self.machine.start(asked["name"], given)
            if self.plan_of(given["job_id"]).take("execution stopped between steps"):
                stop = self.rng.uniform(0, 60)
                self.clock.later(stop, lambda: self.machine.stop(asked["name"]))
        elif operation == "PutEvents":
            assert response.status_code == 200
            entries = json.loads(request.body)["Entries"]
            self.bus += [json.loads(entry["Detail"]) for entry in entries]

    def _ended(self, execution: Execution) -> None:
        self.double.execution_is(execution.name, execution.status)
        if execution.status != "SUCCEEDED" and self.rng.random() < HEARD:
            self.clock.later(self.rng.uniform(0.5, 5), lambda: self._tell_of(execution))

    def _tell_of(self, execution: Execution) -> None:
        """The rule that watches for executions which broke off."""
        detail = {"status": execution.status, "input": json.dumps(execution.input)}
        self.sweep({"detail-type": "Step Functions Execution Status Change", "detail": detail})
