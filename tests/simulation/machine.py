"""The state machine's definition, taken at its word, and its executions.

Only what the definition uses is understood; anything else is refused when it is read.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rushes.errors import RushesError
from rushes.jobs.job import Job
from tests.simulation.actors import DiedError
from tests.simulation.ports import SimulatedExecutions
from tests.simulation.scheduler import Turns

DEFINITION = Path(__file__).parents[2] / "statemachine" / "media_job.asl.json"
LIMITS = {"Submit": 120.0, "Poll": 120.0, "Collect": 900.0, "Finish": 60.0}
"""Seconds that each function may run, as in template.yaml."""
IS_ONE_OF = re.compile(r"\{% \$states\.input\.status (?:=|in) (.*) %\}")
WORDS = re.compile(r"'(\w+)'")
TWICE, FOR_LONG = "invoked twice", "fails for long"
REFUSALS = {
    "throttled": "Lambda.TooManyRequestsException",
    "not invoked": "Lambda.SdkClientException",
    FOR_LONG: "Lambda.Unknown",
}
INVOCATION_TROUBLES = (*REFUSALS, TWICE)
MOST_RETRIES = 90
LONG_SECONDS = 600.0
"""Within which all retries of a state are used up."""

Input = dict[str, Any]
Function = Callable[[Input], Any]


@dataclass(frozen=True)
class Choice:
    statuses: frozenset[str]
    next: str


def read_definition(path: Path = DEFINITION) -> dict[str, Any]:
    definition: dict[str, Any] = json.loads(path.read_text())
    for state in definition["States"].values():
        if state["Type"] == "Choice":
            state["Choices"] = [_choice(it) for it in state["Choices"]]
        if state["Type"] == "Task":
            name = state["Arguments"]["FunctionName"]
            state["Function"] = name.removeprefix("${").removesuffix("FunctionArn}")
    return definition


def _choice(rule: dict[str, str]) -> Choice:
    condition = IS_ONE_OF.fullmatch(rule["Condition"])
    if condition is None:
        raise ValueError(f"a condition of a kind that is not known: {rule['Condition']}")
    return Choice(frozenset(WORDS.findall(condition[1])), rule["Next"])


class StateMachine:
    def __init__(self, turns: Turns, functions: dict[str, Function]) -> None:
        self.turns = turns
        self.functions = functions
        self.definition = DEFINED
        self.executions = SimulatedExecutions(turns, self._begin)
        self.unexpected: list[str] = []
        """What functions raised that is no error of ours."""
        self.broke_off: Callable[[Input], None] = lambda _: None
        """Told of executions that ended otherwise than in their last state."""
        self.disturbed_until = 0.0
        """When the last of the failures that go on for long is over."""
        self._inputs: dict[str, Input] = {}

    def stop(self, name: str) -> None:
        """By an operator: the function that runs at the moment runs on, and nobody listens."""
        if self.executions.states.get(name):
            self.executions.change(name, runs=False)
            self.broke_off(self._inputs[name])

    def _begin(self, job: Job, name: str) -> None:
        start = {"version": 1, "account": job.account, "job_id": job.id}
        self._inputs[name] = start
        Execution(self, name).enter(self.definition["StartAt"], start)


class Execution:
    def __init__(self, machine: StateMachine, name: str) -> None:
        self.machine = machine
        self.turns = machine.turns
        self.name = name
        self.retries = 0
        self.visit = 0
        """Counts the states: of a function that is run twice, the first answer counts."""

    def enter(self, name: str, given: Input) -> None:
        self.visit += 1
        state = self.machine.definition["States"][name]
        match state["Type"]:
            case "Task":
                self.retries = 0
                self._invoke(state, given)
            case "Choice":
                status = given.get("status")
                following = (it.next for it in state["Choices"] if status in it.statuses)
                self.enter(next(following, state["Default"]), given)
            case "Wait":
                self._later(float(given["wait_seconds"]), lambda: self.enter(state["Next"], given))
            case _:
                self._end()

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        visit = self.visit

        def go_on() -> None:
            if self._runs() and self.visit == visit:
                action()

        self.turns.after(seconds, go_on)

    def _runs(self) -> bool:
        return bool(self.machine.executions.states[self.name])

    def _invoke(self, state: dict[str, Any], given: Input) -> None:
        name, visit = state["Function"], self.visit
        trouble = self.turns.fate.trouble(f"invoke {name}", INVOCATION_TROUBLES)
        payload = {**given, "execution": self.name} if name == "Finish" else given

        def ended(result: object) -> None:
            if isinstance(result, Exception) and not isinstance(result, RushesError):
                self.machine.unexpected.append(f"{name}: {result!r}")
            if self._runs() and self.visit == visit:
                self._returned(state, given, result)

        if error := REFUSALS.get(trouble):
            self._refused(state, given, error, for_long=trouble == FOR_LONG)
            return
        for _ in range(2 if trouble == TWICE else 1):
            self.turns.start(
                f"{name} of {self.name[-14:]}",
                lambda: self.machine.functions[name](payload),
                limit=LIMITS[name],
                ended=ended,
            )

    def _refused(self, state: dict[str, Any], given: Input, error: str, *, for_long: bool) -> None:
        wait = 0.0
        if for_long:
            wait, self.retries = LONG_SECONDS, MOST_RETRIES
            self.machine.disturbed_until = self.turns.clock.now + wait
        self._later(wait, lambda: self._failed(state, given, error))

    def _returned(self, state: dict[str, Any], given: Input, result: object) -> None:
        if isinstance(result, DiedError):
            self._failed(state, given, "Lambda.Unknown")
        elif isinstance(result, Exception):
            self._failed(state, given, type(result).__name__)
        elif state.get("End"):
            self._end()
        else:
            self.enter(state["Next"], dict(result))  # type: ignore[call-overload]

    def _failed(self, state: dict[str, Any], given: Input, error: str) -> None:
        for rule in state["Retry"]:
            if _covers(rule, error):
                break
        else:
            rule = {"MaxAttempts": 0}
        if self.retries < rule["MaxAttempts"]:
            longest = rule["IntervalSeconds"] * rule["BackoffRate"] ** self.retries
            longest = int(min(longest, rule["MaxDelaySeconds"]))
            self.retries += 1
            self.visit += 1
            wait = self.turns.fate.number("jitter", 0, longest)
            self._later(wait, lambda: self._invoke(state, given))
        elif catch := state.get("Catch"):
            self.enter(catch[0]["Next"], {**given, "cause": error})
        else:
            self.machine.stop(self.name)

    def _end(self) -> None:
        if self._runs():
            self.machine.executions.change(self.name, runs=False)


def _covers(rule: dict[str, Any], error: str) -> bool:
    return bool({error, "States.ALL"} & set(rule["ErrorEquals"]))


DEFINED = read_definition()
