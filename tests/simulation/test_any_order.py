"""One job in any order that Hypothesis generates, which it shrinks to the shortest failure."""

from collections.abc import Callable, Sequence

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from typing_extensions import override

from rushes.jobs.idempotency import IdempotencyInfo
from rushes.jobs.request import CreateRequest, GenerationRequest
from tests.simulation.actors import Actor
from tests.simulation.assert_invariants import find_violations
from tests.simulation.harness import Harness
from tests.simulation.ports import BUS_FAULTS
from tests.simulation.provider_faults import (
    CREATE_FAULTS,
    DOWNLOAD_FAULTS,
    POLL_FAULTS,
    VIDEO_FAULTS,
)
from tests.simulation.quiescence import run_until_quiet
from tests.simulation.scenario import API_LIMIT, MODELS
from tests.simulation.scheduler import STORE_FAULTS
from tests.simulation.scripts import LIMITS

ACCOUNT = "demo"
FAULTS_BY_PORT = (STORE_FAULTS, BUS_FAULTS, CREATE_FAULTS, POLL_FAULTS, DOWNLOAD_FAULTS)
FAULTS = tuple(dict.fromkeys(["", *(name for kind in FAULTS_BY_PORT for name in kind)]))
STOPS = ("stops", "refuses", "continues")


class ManualSchedule:
    """Injects the next fault that the test sets."""

    def __init__(self) -> None:
        self.next_fault = ""

    def choose(self, ready: Sequence[Actor]) -> None:
        """Choose no actor: the next rule chooses."""

    def fault(self, operation: str, kinds: Sequence[str]) -> str:  # noqa: ARG002
        if self.next_fault not in kinds:
            return ""
        fault, self.next_fault = self.next_fault, ""
        return fault

    def number(self, operation: str, low: int, high: int) -> int:  # noqa: ARG002
        return (low + high) // 2


class NoFaults(ManualSchedule):
    """Injects no faults, for the final phase."""

    @override
    def choose(self, ready: Sequence[Actor]) -> Actor:  # type: ignore[override]
        return ready[0]


class AnyOrder(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.schedule = ManualSchedule()
        self.harness = Harness(self.schedule, LIMITS)
        self.service = self.harness.service
        self.creates = 0
        self.model = ""

    @property
    def job_id(self) -> str:
        return next((job_id for _, job_id in self.harness.jobs.rows), "")

    def act(self, name: str, work: Callable[[], object]) -> None:
        self.harness.scheduler.start(
            name,
            work,
            limit=API_LIMIT,
            on_end=lambda result: self.harness.invariants.check_error(name, result),
        )

    @precondition(lambda self: self.creates < 3)
    @rule(model=st.sampled_from(MODELS))
    def a_client_creates(self, model: str) -> None:
        """Make the same create call each time; only the first creates a job."""
        self.creates += 1
        self.model = self.model or model
        create_request = CreateRequest(GenerationRequest(model=self.model, prompt="a red ball"))
        call = IdempotencyInfo("create", "same key")
        self.act("create", lambda: self.service.create(ACCOUNT, "openai", create_request, call))

    @precondition(lambda self: self.job_id)
    @rule(verb=st.sampled_from(("cancel", "delete", "get")))
    def a_client_calls(self, verb: str) -> None:
        job_id = self.job_id
        self.act(verb, lambda: getattr(self.service, verb)(ACCOUNT, job_id))

    @precondition(lambda self: self.harness.scheduler.ready)
    @rule(number=st.integers(0, 3), calls=st.integers(1, 12), fault=st.sampled_from(FAULTS))
    def an_actor_continues(self, number: int, calls: int, fault: str) -> None:
        """Continue an actor for some calls, or to its end."""
        scheduler = self.harness.scheduler
        actor = scheduler.ready[number % len(scheduler.ready)]
        self.schedule.next_fault = fault
        for _ in range(calls):
            if actor in scheduler.ready:
                scheduler.resume(actor)

    @precondition(lambda self: self.harness.scheduler.timers)
    @rule(times=st.integers(1, 4))
    def time_passes(self, times: int) -> None:
        for _ in range(times):
            if self.harness.scheduler.timers:
                self.harness.scheduler.advance_time()

    @rule()
    def the_sweeper_runs(self) -> None:
        self.harness.sweep()

    @rule(on_cancel=st.sampled_from(STOPS), video=st.sampled_from(VIDEO_FAULTS))
    def providers_behave_differently(self, on_cancel: str, video: str) -> None:
        self.schedule.next_fault = video
        for provider in self.harness.providers.values():
            provider.on_cancel = on_cancel

    @precondition(lambda self: self.harness.machine.running)
    @rule()
    def an_operator_stops_an_execution(self) -> None:
        self.harness.machine.stop(self.harness.machine.running[0].name)

    @invariant()
    def a_create_call_makes_one_job(self) -> None:
        assert len(self.harness.jobs.rows) <= 1

    @invariant()
    def no_invariant_is_violated(self) -> None:
        assert self.harness.invariants.violations == []

    @override
    def teardown(self) -> None:
        """Without further faults all work ends, and the invariants hold."""
        self.schedule.next_fault = ""
        self.harness.scheduler.schedule = NoFaults()
        began = self.harness.clock.now
        run_until_quiet(self.harness)
        assert find_violations(self.harness, began) == []


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
