"""Interpreter of a state machine definition, as the Amazon States Language specifies it.

It supports Task, Choice, Wait, Succeed and Fail with JSONata, `Retry`, `Catch` and
`TimeoutSeconds`. Subclasses call the functions; the time may be virtual.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from itertools import count
from typing import Any

import jsonata
from typing_extensions import override

from local.packaging import ROOT

DEFINITION: Mapping[str, Any] = json.loads((ROOT / "statemachine/media_job.asl.json").read_text())
INVOKE = ":states:::lambda:invoke"
FUNCTION = re.compile(r"\$\{(\w+)FunctionArn\}")
PATH = re.compile(r"\$states((?:\.\w+)+)")
MAX_STATES = 400

Data = Any
Action = Callable[[], None]


class TaskFailedError(Exception):
    """A failed task, with the error name that `Retry` and `Catch` match."""

    def __init__(self, name: str, *, exhausts_retries: bool = False) -> None:
        super().__init__(name)
        self.name = name
        self.exhausts_retries = exhausts_retries


@dataclass
class Execution:
    name: str
    input: Data
    since: float
    """Time of the start or, after the end, of the end."""
    status: str = "RUNNING"
    state: Mapping[str, Any] = field(default_factory=dict)
    data: Data = None
    """Input of the current state."""
    tries: Counter[int] = field(default_factory=Counter)
    """Uses of each `Retry` of the current state."""
    visit: int = 0
    """Number of the current attempt of a state; its first answer counts."""

    @property
    def is_running(self) -> bool:
        return self.status == "RUNNING"


class Interpreter:
    def __init__(
        self,
        definition: Mapping[str, Any],
        now: Callable[[], float],
        later: Callable[[float, Action], None],
    ) -> None:
        self.definition, self.now, self.later = definition, now, later
        self.executions: dict[str, Execution] = {}

    def call(
        self, run: Execution, function: str, payload: Data, answer: Callable[[Data], None]
    ) -> None:
        """Call a function; pass its result or a TaskFailedError to `answer`, now or later."""
        raise NotImplementedError

    def jitter(self, max_wait: float) -> float:
        """Choose the pause before a retry."""
        raise NotImplementedError

    def transit(self, action: Action) -> None:
        """Enter the next state."""
        action()

    def on_end(self, run: Execution) -> None:
        """Handle the end of an execution."""

    def begin(self, name: str, state_input: Data, state: str | None = None) -> None:
        """Begin an execution, unless one has this name."""
        if name not in self.executions:
            run = self.executions[name] = Execution(name, state_input, self.now())
            self._enter(run, state or self.definition["StartAt"], state_input)

    def stop(self, name: str) -> None:
        """Stop the execution as an operator does; its running function continues unobserved."""
        if name in self.executions and self.executions[name].is_running:
            self._end(self.executions[name], "ABORTED")

    @property
    def running(self) -> list[Execution]:
        return [run for run in self.executions.values() if run.is_running]

    def _end(self, run: Execution, status: str) -> None:
        run.status, run.since = status, self.now()
        self.on_end(run)

    def _enter(self, run: Execution, name: str, data: Data) -> None:
        run.state, run.data = self.definition["States"][name], data
        run.tries.clear()
        self.transit(self._unless_left(run, lambda: self._run_state(run)))

    @staticmethod
    def _unless_left(run: Execution, action: Callable[..., None]) -> Callable[..., None]:
        """Return the action; it does nothing after the execution has left the current visit."""
        run.visit += 1
        visit = run.visit

        def act(*arguments: Data) -> None:
            if run.is_running and run.visit == visit:
                action(*arguments)

        return act

    def _run_state(self, run: Execution) -> None:
        state = run.state
        if self.now() - run.since > self.definition["TimeoutSeconds"]:
            self._end(run, "TIMED_OUT")
            return
        match state["Type"]:
            case "Task":
                self._task(run)
            case "Choice":
                self._enter(run, self._choose(run), run.data)
            case "Wait":
                following = self._unless_left(
                    run, lambda: self._enter(run, state["Next"], run.data)
                )
                self.later(float(evaluate(state["Seconds"], run)), following)
            case "Succeed" | "Fail" as kind:
                self._end(run, "SUCCEEDED" if kind == "Succeed" else "FAILED")
            case other:
                raise NotImplementedError(other)

    def _task(self, run: Execution) -> None:
        assert run.state["Resource"].endswith(INVOKE), run.state["Resource"]
        arguments = evaluate(run.state["Arguments"], run)
        function = FUNCTION.fullmatch(arguments["FunctionName"])
        assert function, arguments["FunctionName"]
        answer = self._unless_left(run, lambda result: self._return(run, result))
        self.call(run, function[1], as_json(arguments["Payload"]), answer)

    def _return(self, run: Execution, result: Data) -> None:
        if isinstance(result, TaskFailedError):
            self._fail(run, result)
        else:
            result = {"Payload": as_json(result), "StatusCode": 200}
            self._leave(run, run.state, result=result)

    def _leave(self, run: Execution, transition: Mapping[str, Any], **members: Data) -> None:
        data = evaluate(transition.get("Output", "{% $states.result %}"), run, **members)
        if transition.get("End"):
            self._end(run, "SUCCEEDED")
        else:
            self._enter(run, transition["Next"], data)

    def _fail(self, run: Execution, error: TaskFailedError) -> None:
        retries = enumerate(run.state.get("Retry", ()))
        number, retry = next((entry for entry in retries if matches(entry[1], error)), (0, None))
        if retry and not error.exhausts_retries and run.tries[number] < retry["MaxAttempts"]:
            again = self._unless_left(run, lambda: self._run_state(run))
            self.later(self._pause(retry, run.tries[number]), again)
            run.tries[number] += 1
            return
        for catch in run.state.get("Catch", ()):
            if matches(catch, error):
                self._leave(run, catch, errorOutput={"Error": error.name, "Cause": ""})
                return
        self._end(run, "FAILED")

    def _pause(self, retry: Mapping[str, Any], used: int) -> float:
        max_wait = retry["IntervalSeconds"] * retry["BackoffRate"] ** used
        max_wait = min(max_wait, retry.get("MaxDelaySeconds", max_wait))
        return self.jitter(max_wait) if retry.get("JitterStrategy") == "FULL" else float(max_wait)

    @staticmethod
    def _choose(run: Execution) -> str:
        for choice in run.state["Choices"]:
            if evaluate(choice["Condition"], run):
                return str(choice["Next"])
        return str(run.state["Default"])


class TooManyStatesError(Exception):
    """The execution entered more states than any job needs."""


class Machine(Interpreter):
    """Runs executions to their end. `functions`: by placeholders, such as SubmitFunctionArn."""

    def __init__(
        self,
        definition: Mapping[str, Any],
        functions: Mapping[str, Callable[[Data], Data]],
        wait: Callable[[float], object],
    ) -> None:
        super().__init__(definition, lambda: 0.0, lambda *step: self._steps.append(step))
        self.functions, self.wait = functions, wait
        self.events: list[dict[str, Any]] = []
        """Events put on the bus by the state machine itself."""
        self._steps: list[tuple[float, Action]] = []

    def run(self, execution: str, payload: Data, state: str | None = None) -> None:
        """Run from `state`, or from the start, to the end."""
        self.begin(execution, payload, state)
        for _ in range(MAX_STATES):
            if not self._steps:
                return
            seconds, action = self._steps.pop()
            self.wait(seconds)
            action()
        raise TooManyStatesError(execution)

    @override
    def transit(self, action: Action) -> None:
        self.later(0.0, action)

    @override
    def call(
        self, run: Execution, function: str, payload: Data, answer: Callable[[Data], None]
    ) -> None:
        answer(self.functions[f"{function}FunctionArn"](payload))

    @override
    def _task(self, run: Execution) -> None:
        if run.state["Resource"].endswith(":events:putEvents"):
            entries = evaluate(run.state["Arguments"], run)["Entries"]
            self.events += [entry["Detail"] for entry in entries]
            self._leave(run, run.state)
        else:
            super()._task(run)


def matches(rule: Mapping[str, Any], error: TaskFailedError) -> bool:
    names = rule["ErrorEquals"]
    if "States.TaskFailed" in names and error.name != "States.Timeout":
        return True
    return "States.ALL" in names or error.name in names


def evaluate(template: Data, run: Execution, **members: Data) -> Data:
    """Evaluate every JSONata expression of a template; `members` are further fields of $states."""
    if isinstance(template, dict):
        return {key: evaluate(value, run, **members) for key, value in template.items()}
    if isinstance(template, list):
        return [evaluate(value, run, **members) for value in template]
    if not isinstance(template, str) or not template.startswith("{%"):
        return template
    context = {"Execution": {"Name": run.name, "Input": run.input}}
    states = {"input": run.data, "context": context, **members}
    text = template[2:-2].strip()
    values = [look_up(path, states) for path in PATH.findall(text)]
    return values[0] if PATH.fullmatch(text) else compute(text, json.dumps(values))


def look_up(path: str, states: Data) -> Data:
    for name in path.split(".")[1:]:
        states = states.get(name)
    return states


@lru_cache(maxsize=1000)
def compute(text: str, values: str) -> Data:
    """Evaluate an expression from the values of its paths. JSONata is slow, hence the cache."""
    expression = compiled(text)
    frame = expression.create_frame()
    for number, value in enumerate(json.loads(values)):
        frame.bind(f"value{number}", value)
    return expression.evaluate(None, frame)


@cache
def compiled(text: str) -> Any:
    numbers = count()
    return jsonata.Jsonata(PATH.sub(lambda _: f"$value{next(numbers)}", text))


def as_json(value: Data) -> Data:
    return json.loads(json.dumps(value))
