"""A state machine's definition, walked in memory: its states one after the other, nothing else.

It knows of JSONata what our definitions say in it, and refuses everything that it does not know.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Payload = dict[str, Any]
Function = Callable[[Payload], Payload]
MOST_STATES = 400

IS = re.compile(r"\{% \$states\.input\.(\w+) = '(\w+)' %\}")
IS_ONE_OF = re.compile(r"\{% \$states\.input\.(\w+) in \[([^]]*)\] %\}")
IS_THERE = re.compile(r"\{% \$exists\(\$states\.input\.(\w+)\) %\}")


class Endless(Exception):
    """More states were entered than a job has any use for."""


@dataclass
class Machine:
    """`functions` are by the names of the definition's placeholders, such as SubmitFunctionArn."""

    definition: Mapping[str, Any]
    functions: Mapping[str, Function]
    wait: Callable[[float], object]
    events: list[Payload] = field(default_factory=list)
    """What was put on the bus by the machine itself."""

    def run(self, execution: str, payload: Payload, state: str | None = None) -> Payload:
        """Go on from `state`, or from the start; gives what the execution ends with."""
        name: str | None = state or self.definition["StartAt"]
        for _ in range(MOST_STATES):
            if name is None:
                return payload
            here = self.definition["States"][name]
            match here["Type"]:
                case "Task":
                    payload = self._do(here, payload, execution)
                case "Wait":
                    self.wait(payload["wait_seconds"])
                case "Choice":
                    name = _chosen(here, payload)
                    continue
                case _:  # Pass, Succeed
                    pass
            name = here.get("Next")
        raise Endless(execution)

    def _do(self, state: Mapping[str, Any], payload: Payload, execution: str) -> Payload:
        if state["Resource"].endswith(":events:putEvents"):
            self.events.append(payload["event"])
            return {"status": payload["status"]}
        name = state["Arguments"]["FunctionName"].strip("${}")
        given = dict(payload)
        if "Execution.Name" in state["Arguments"]["Payload"]:
            given["execution"] = execution
        return self.functions[name](given)


def _chosen(state: Mapping[str, Any], payload: Payload) -> str:
    for choice in state["Choices"]:
        if _holds(choice["Condition"], payload):
            return str(choice["Next"])
    return str(state["Default"])


def _holds(condition: str, payload: Payload) -> bool:
    if found := IS.fullmatch(condition):
        return bool(payload.get(found[1]) == found[2])
    if found := IS_ONE_OF.fullmatch(condition):
        return payload.get(found[1]) in re.findall(r"'(\w+)'", found[2])
    if found := IS_THERE.fullmatch(condition):
        return found[1] in payload
    raise NotImplementedError(condition)
