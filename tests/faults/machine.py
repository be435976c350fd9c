"""State machine in virtual time, on the functions of this process."""

from collections.abc import Callable
from random import Random

from typing_extensions import override

from tests.faults.clock import Clock
from tests.machine import DEFINITION, Action, Data, Execution, Interpreter, TaskFailedError


class Machine(Interpreter):
    """`invoke` runs a function by name with a payload; it may raise TaskFailedError."""

    def __init__(
        self,
        clock: Clock,
        rng: Random,
        invoke: Callable[[str, Data], Data],
        ended: Callable[[Execution], None],
    ) -> None:
        super().__init__(DEFINITION, clock.time, clock.later)
        self.rng, self.invoke, self.ended = rng, invoke, ended

    def stop_one_of(self, job_id: str) -> None:
        """Stop the newest running execution of a job, as an operator does."""
        names = [run.name for run in self.running if run.input["job_id"] == job_id]
        for name in names[-1:]:
            self.stop(name)

    @override
    def call(
        self, run: Execution, function: str, payload: Data, answer: Callable[[Data], None]
    ) -> None:
        try:
            result = self.invoke(function.lower(), payload)
        except TaskFailedError as error:
            result = error
        answer(result)

    @override
    def jitter(self, max_wait: float) -> float:
        return self.rng.uniform(0, max_wait)

    @override
    def transit(self, action: Action) -> None:
        self.later(self.rng.uniform(0.02, 0.4), action)

    @override
    def on_end(self, run: Execution) -> None:
        self.ended(run)
