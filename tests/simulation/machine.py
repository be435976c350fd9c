"""State machine on the scheduler's virtual clock; its port starts executions by name."""

from collections.abc import Callable, Mapping
from typing import Any

from typing_extensions import override

from rushes.errors import RushesError
from rushes.jobs.job import Job
from tests.machine import DEFINITION, Data, Execution, Interpreter, TaskFailedError
from tests.simulation.actors import CrashError
from tests.simulation.scheduler import READ_FAULTS, STORE_FAULTS, Scheduler

LIMITS = {"Submit": 120.0, "Poll": 120.0, "Collect": 900.0, "Finish": 60.0}
"""Timeouts of the functions in seconds, as in template.yaml."""
TWICE, LONG_FAULT = "invoked twice", "fails for 10 minutes"
REFUSALS = {
    "throttled": "Lambda.TooManyRequestsException",
    "not invoked": "Lambda.SdkClientException",
    LONG_FAULT: "Lambda.Unknown",
}
INVOCATION_FAULTS = (*REFUSALS, TWICE)
LONG_SECONDS = 600.0
"""Duration of a fault that uses up all retries of a state."""
STATUS_LAG_SECONDS = 5.0
"""Time for which DescribeExecution may return a stale status."""
STALE_STATUS = "stale status"

Input = dict[str, Any]


class StateMachine(Interpreter):
    def __init__(
        self, scheduler: Scheduler, functions: Mapping[str, Callable[[Input], Any]]
    ) -> None:
        super().__init__(DEFINITION, scheduler.clock, scheduler.after)
        self.scheduler = scheduler
        self.functions = functions
        self.unexpected: list[str] = []
        """Exceptions of the functions other than RushesError."""
        self.on_abort: Callable[[Input], None] = lambda _: None
        """Called with the input of each execution that did not end in its last state."""
        self.faults_end_at = 0.0
        """End of the last long fault."""

    def start(self, job: Job) -> None:
        name = job.execution_name
        state_input = {"version": 1, "account": job.account, "job_id": job.id}
        self.scheduler.call("executions.start", lambda: self.begin(name, state_input), STORE_FAULTS)

    def is_running(self, job: Job) -> bool | None:
        return self.scheduler.call(
            "executions.is_running", lambda: self._reported(job.execution_name), READ_FAULTS
        )

    def _reported(self, name: str) -> bool | None:
        run = self.executions.get(name)
        if run is None:
            return None
        is_new = self.now() - run.since < STATUS_LAG_SECONDS
        if is_new and self.scheduler.schedule.fault("executions.status", (STALE_STATUS,)):
            return None if run.is_running else True
        return run.is_running

    @override
    def on_end(self, run: Execution) -> None:
        if run.status != "SUCCEEDED":
            self.on_abort(run.input)

    @override
    def jitter(self, max_wait: float) -> float:
        return self.scheduler.schedule.number("jitter", 0, int(max_wait))

    @override
    def call(
        self, run: Execution, function: str, payload: Data, answer: Callable[[Data], None]
    ) -> None:
        fault = self.scheduler.schedule.fault(f"invoke {function}", INVOCATION_FAULTS)
        if error := REFUSALS.get(fault):
            self._refuse(TaskFailedError(error, exhausts_retries=fault == LONG_FAULT), answer)
            return
        for _ in range(2 if fault == TWICE else 1):
            self.scheduler.start(
                f"{function} of {run.name[-14:]}",
                lambda: self.functions[function](payload),
                limit=LIMITS[function],
                on_end=lambda result: answer(self._checked(function, result)),
            )

    def _refuse(self, error: TaskFailedError, answer: Callable[[Data], None]) -> None:
        wait = LONG_SECONDS if error.exhausts_retries else 0.0
        if wait:
            self.faults_end_at = self.now() + wait
        self.later(wait, lambda: answer(error))

    def _checked(self, function: str, result: Data) -> Data:
        if isinstance(result, CrashError):
            return TaskFailedError("Lambda.Unknown")
        if not isinstance(result, Exception):
            return result
        if not isinstance(result, RushesError):
            self.unexpected.append(f"{function}: {result!r}")
        return TaskFailedError(type(result).__name__)
