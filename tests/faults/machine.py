"""A small interpreter of the state machine's own definition, in virtual time.

It knows Task, Choice, Wait, Succeed and Fail with JSONata, `Retry`, `Catch` and `TimeoutSeconds`,
as the Amazon States Language describes them; no transition is written down here.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any

import jsonata

from local.packaging import ROOT
from tests.faults.clock import Clock

DEFINITION = ROOT / "statemachine/media_job.asl.json"
INVOKE = "arn:aws:states:::lambda:invoke"

Data = Any


class TaskFailedError(Exception):
    """A task's failure, with the name by which `Retry` and `Catch` know it."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


@dataclass
class Execution:
    name: str
    input: Data
    began: float
    status: str = "RUNNING"
    steps: int = 0
    tries: dict[int, int] = field(default_factory=dict)
    """How often each `Retry` of the present state was used."""


class Machine:
    """`invoke` runs a function: its name, its payload → its answer, or TaskFailedError."""

    def __init__(
        self,
        clock: Clock,
        rng: Random,
        invoke: Callable[[str, Data], Data],
        ended: Callable[[Execution], None],
    ) -> None:
        self.clock, self.rng, self.invoke, self.ended = clock, rng, invoke, ended
        self.definition = json.loads(DEFINITION.read_text())
        self.executions: dict[str, Execution] = {}

    def start(self, name: str, given: Data) -> None:
        if name in self.executions:
            return
        run = self.executions[name] = Execution(name, given, self.clock.now)
        self._enter(run, self.definition["StartAt"], given)

    def stop(self, name: str, status: str = "ABORTED") -> None:
        run = self.executions[name]
        if run.status == "RUNNING":
            self._end(run, status)

    def stop_one_of(self, job_id: str) -> None:
        """An operator stops the newest of a job's executions that runs."""
        names = [run.name for run in self.running if run.input["job_id"] == job_id]
        for name in names[-1:]:
            self.stop(name)

    @property
    def running(self) -> list[Execution]:
        return [run for run in self.executions.values() if run.status == "RUNNING"]

    def _end(self, run: Execution, status: str) -> None:
        run.status = status
        self.ended(run)

    def _enter(self, run: Execution, name: str, data: Data) -> None:
        run.tries = {}
        run.steps += 1
        self._later(run, self.rng.uniform(0.02, 0.4), name, data)

    def _later(self, run: Execution, seconds: float, name: str, data: Data) -> None:
        self.clock.later(seconds, lambda: self._take(run, name, data))

    def _take(self, run: Execution, name: str, data: Data) -> None:
        if run.status != "RUNNING":
            return
        if self.clock.now - run.began > self.definition["TimeoutSeconds"]:
            self._end(run, "TIMED_OUT")
            return
        state = self.definition["States"][name]
        match state["Type"]:
            case "Task":
                self._task(run, name, data)
            case "Choice":
                self._enter(run, self._chosen(run, state, data), data)
            case "Wait":
                seconds = self._evaluated(run, state["Seconds"], {"input": data})
                self._later(run, seconds, state["Next"], data)
            case "Succeed" | "Fail" as kind:
                self._end(run, "SUCCEEDED" if kind == "Succeed" else "FAILED")
            case other:
                raise NotImplementedError(other)

    def _task(self, run: Execution, name: str, data: Data) -> None:
        state = self.definition["States"][name]
        assert state["Resource"] == INVOKE, state["Resource"]
        arguments = self._evaluated(run, state["Arguments"], {"input": data})
        function = re.fullmatch(r"\$\{(\w+)FunctionArn\}", arguments["FunctionName"])
        assert function, arguments["FunctionName"]
        try:
            answer = self.invoke(function[1].lower(), json.loads(json.dumps(arguments["Payload"])))
        except TaskFailedError as error:
            self._failed(run, name, data, error)
            return
        if run.status != "RUNNING":  # stopped while its function ran
            return
        result = {"Payload": json.loads(json.dumps(answer)), "StatusCode": 200}
        self._leave(run, state, {"input": data, "result": result})

    def _leave(self, run: Execution, way: dict[str, Any], states: dict[str, Data]) -> None:
        output = way.get("Output", "{% $states.result %}")
        data = self._evaluated(run, output, states)
        if way.get("End"):
            self._end(run, "SUCCEEDED")
        else:
            self._enter(run, way["Next"], data)

    def _failed(self, run: Execution, name: str, data: Data, error: TaskFailedError) -> None:
        state = self.definition["States"][name]
        if run.status != "RUNNING":
            return
        for number, retry in enumerate(state.get("Retry", ())):
            if not meant(retry["ErrorEquals"], error.name):
                continue
            used = run.tries.get(number, 0)
            if used < retry["MaxAttempts"]:
                run.tries[number] = used + 1
                self._later(run, self._pause(retry, used), name, data)
                return
            break
        for catch in state.get("Catch", ()):
            if meant(catch["ErrorEquals"], error.name):
                output = {"Error": error.name, "Cause": ""}
                self._leave(run, catch, {"input": data, "errorOutput": output})
                return
        self._end(run, "FAILED")

    def _pause(self, retry: dict[str, Any], used: int) -> float:
        longest = retry["IntervalSeconds"] * retry["BackoffRate"] ** used
        longest = min(longest, retry.get("MaxDelaySeconds", longest))
        full = retry.get("JitterStrategy") == "FULL"
        return self.rng.uniform(0, longest) if full else float(longest)

    def _chosen(self, run: Execution, state: dict[str, Any], data: Data) -> str:
        for choice in state["Choices"]:
            if self._evaluated(run, choice["Condition"], {"input": data}):
                return str(choice["Next"])
        return str(state["Default"])

    def _evaluated(self, run: Execution, template: Data, states: dict[str, Data]) -> Data:
        """The template with each JSONata expression in it evaluated."""
        if isinstance(template, dict):
            return {key: self._evaluated(run, it, states) for key, it in template.items()}
        if isinstance(template, list):
            return [self._evaluated(run, it, states) for it in template]
        if isinstance(template, str) and template.startswith("{%"):
            context = {"Execution": {"Name": run.name, "Input": run.input}}
            expression = compiled(template[2:-2].strip())
            frame = expression.create_frame()
            frame.bind("states", {**states, "context": context})
            return expression.evaluate(None, frame)
        return template


def meant(names: list[str], error: str) -> bool:
    if "States.TaskFailed" in names and error != "States.Timeout":
        return True
    return "States.ALL" in names or error in names


@cache
def compiled(text: str) -> Any:
    return jsonata.Jsonata(text)
