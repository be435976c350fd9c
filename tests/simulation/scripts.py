"""Scripted runs without faults; their results must survive a crash at any call."""

from collections.abc import Callable
from dataclasses import dataclass

from rushes.catalog.limits import Limits
from rushes.errors import RushesError
from rushes.jobs.idempotency import IdempotencyInfo
from rushes.jobs.job import Job
from rushes.jobs.request import CreateRequest, GenerationRequest, Role, Upload
from tests.harness import PNG_BYTES
from tests.simulation.actors import CrashError
from tests.simulation.assert_invariants import find_violations
from tests.simulation.fault_schedule import CrashPlan
from tests.simulation.harness import Harness
from tests.simulation.quiescence import run_until_quiet

API_LIMIT = 30.0
ACCOUNT = "demo"
LIMITS = Limits(daily_dollars=0.7, monthly_dollars=0.7, open_jobs=1, concurrent_jobs=1)
"""The price of the dearest model: one job of it is accepted."""


@dataclass(frozen=True)
class Script:
    """`create_faults` are the faults of the first provider's create calls, in order.

    The client calls `verb` `seconds` after its create call was answered.
    """

    model: str
    verb: str = ""
    seconds: float = 0.0
    create_faults: tuple[str, ...] = ()
    on_cancel: str = "stops"


SCRIPTS = {
    "completed": Script("plain/one"),
    "completed with a key": Script("keyed/one"),
    "completed with lookup": Script("listed/one"),
    "unanswered with a key": Script("keyed/one", create_faults=("done, silent",)),
    "unanswered, unreachable, key rejected": Script(
        "keyed_first", create_faults=("done, silent", "unreachable", *["key refused"] * 3)
    ),
    "unanswered and found": Script("listed/one", create_faults=("done, silent",)),
    "lost and submitted again": Script("listed/one", create_faults=("silent",)),
    "rejected and failed over": Script("plain_first", create_faults=("refused",)),
    "cancelled at once": Script(
        "plain/one", "cancel", 0.0, create_faults=("busy with Retry-After",)
    ),
    "cancelled": Script("keyed/one", "cancel", 25.0),
    "cancel rejected": Script("listed/one", "cancel", 25.0, on_cancel="refuses"),
    "deleted": Script("plain/one", "delete", 25.0),
    "delete ignored upstream": Script("plain/one", "delete", 25.0, on_cancel="continues"),
    "deleted after completion": Script("keyed/one", "delete", 500.0),
}


class ScriptRun:
    """Runs a script with a crash plan. The client repeats a call that crashed."""

    def __init__(self, script: Script, plan: CrashPlan) -> None:
        self.harness = Harness(plan, LIMITS)
        self.plan = plan
        self.script = script
        provider = self.harness.providers[script.model.partition("/")[0].removesuffix("_first")]
        provider.create_faults = list(script.create_faults)
        provider.on_cancel = script.on_cancel
        for other in self.harness.providers.values():
            other.on_cancel = script.on_cancel

    def __call__(self) -> list[str]:
        """Run; return the violations."""
        self._do("create", self._create)
        began = self.harness.clock.now
        run_until_quiet(self.harness)
        if len(self.harness.jobs.rows) != 1:
            self.harness.invariants.violations.append(f"{len(self.harness.jobs.rows)} jobs")
        return find_violations(self.harness, began)

    @property
    def job(self) -> Job:
        (job,) = self.harness.jobs.rows.values()
        return job

    def _create(self) -> object:
        request = GenerationRequest(model=self.script.model, prompt="a red ball")
        image = (Role.IMAGE, Upload("input_reference", "image/png", PNG_BYTES))
        create_request = CreateRequest(request, uploads=(image,))
        call = IdempotencyInfo("create", "same key")
        return self.harness.service.create(ACCOUNT, "openai", create_request, call)

    def _verb(self) -> object:
        verbs: dict[str, Callable[[str, str], Job]] = {
            "cancel": self.harness.service.cancel,
            "delete": self.harness.service.delete,
        }
        return verbs[self.script.verb](ACCOUNT, self.job.id)

    def _later(self, verb: str) -> None:
        self.harness.scheduler.after(self.script.seconds, lambda: self._do(verb, self._verb))

    def _do(self, name: str, work: Callable[[], object]) -> None:
        def on_result(result: object) -> None:
            self.harness.invariants.check_error(name, result)
            refused = isinstance(result, RushesError) and result.http_status < 500
            if isinstance(result, CrashError | RushesError) and not refused:
                self.harness.scheduler.after(3.0, lambda: self._do(name, work))
            elif name == "create" and self.script.verb:
                self._later(self.script.verb)

        self.harness.scheduler.start(name, work, limit=API_LIMIT, on_end=on_result)
