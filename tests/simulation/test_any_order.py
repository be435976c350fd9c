"""One job, in any order that Hypothesis can think of, with the shortest story of what breaks."""

from collections.abc import Callable, Sequence

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from typing_extensions import override

from rushes.jobs.idempotency import IdempotencyInfo
from rushes.jobs.request import CreateRequest, GenerationRequest
from tests.simulation.actors import Actor
from tests.simulation.assert_invariants import judge
from tests.simulation.harness import Harness
from tests.simulation.ports import BUS_TROUBLES
from tests.simulation.provider_faults import (
    CREATE_TROUBLES,
    FATES_OF_FILMS,
    FILE_TROUBLES,
    LOOK_TROUBLES,
)
from tests.simulation.quiescence import settle
from tests.simulation.scenario import API_LIMIT
from tests.simulation.scheduler import STORE_TROUBLES

ACCOUNT = "demo"
MODELS = ("plain/one", "keyed/one", "listed/one", "plain_first", "keyed_first", "listed_first")
KINDS = (STORE_TROUBLES, BUS_TROUBLES, CREATE_TROUBLES, LOOK_TROUBLES, FILE_TROUBLES)
TROUBLES = tuple(dict.fromkeys(["", *(name for kind in KINDS for name in kind)]))
STOPS = ("stops", "refuses", "goes on")


class ToldFate:
    """Whoever runs it says whose turn it is, and what goes wrong next where it can."""

    def __init__(self) -> None:
        self.next_trouble = ""

    def turn(self, ready: Sequence[Actor]) -> None:
        """Each call hands back: the next rule says who goes on."""

    def trouble(self, what: str, kinds: Sequence[str]) -> str:  # noqa: ARG002
        if self.next_trouble not in kinds:
            return ""
        trouble, self.next_trouble = self.next_trouble, ""
        return trouble

    def number(self, what: str, low: int, high: int) -> int:  # noqa: ARG002
        return (low + high) // 2


class InOrder(ToldFate):
    """In the end nothing goes wrong any more."""

    @override
    def turn(self, ready: Sequence[Actor]) -> Actor:  # type: ignore[override]
        return ready[0]


class AnyOrder(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.fate = ToldFate()
        self.harness = Harness(self.fate)
        self.service = self.harness.service
        self.creates = 0
        self.model = ""

    @property
    def job_id(self) -> str:
        return next((job_id for _, job_id in self.harness.jobs.rows), "")

    def act(self, name: str, work: Callable[[], object]) -> None:
        self.harness.turns.start(
            name,
            work,
            limit=API_LIMIT,
            ended=lambda result: self.harness.promises.expected(name, result),
        )

    @precondition(lambda self: self.creates < 3)
    @rule(model=st.sampled_from(MODELS))
    def a_client_creates(self, model: str) -> None:
        """The same call each time, whatever it says: the first one counts."""
        self.creates += 1
        self.model = self.model or model
        creation = CreateRequest(GenerationRequest(model=self.model, prompt="a red ball"))
        call = IdempotencyInfo("create", "one and the same")
        self.act("create", lambda: self.service.create(ACCOUNT, "openai", creation, call))

    @precondition(lambda self: self.job_id)
    @rule(verb=st.sampled_from(("cancel", "delete", "get")))
    def a_client_calls(self, verb: str) -> None:
        job_id = self.job_id
        self.act(verb, lambda: getattr(self.service, verb)(ACCOUNT, job_id))

    @precondition(lambda self: self.harness.turns.ready)
    @rule(number=st.integers(0, 3), calls=st.integers(1, 12), trouble=st.sampled_from(TROUBLES))
    def somebody_goes_on(self, number: int, calls: int, trouble: str) -> None:
        """A few calls further, or to the end."""
        turns = self.harness.turns
        actor = turns.ready[number % len(turns.ready)]
        self.fate.next_trouble = trouble
        for _ in range(calls):
            if actor in turns.ready:
                turns.resume(actor)

    @precondition(lambda self: self.harness.turns.timers)
    @rule(times=st.integers(1, 4))
    def time_passes(self, times: int) -> None:
        for _ in range(times):
            if self.harness.turns.timers:
                self.harness.turns.pass_time()

    @rule()
    def the_sweeper_comes_by(self) -> None:
        self.harness.sweep()

    @rule(stops=st.sampled_from(STOPS), film=st.sampled_from(FATES_OF_FILMS))
    def providers_have_their_ways(self, stops: str, film: str) -> None:
        self.fate.next_trouble = film
        for provider in self.harness.providers.values():
            provider.stops = stops

    @precondition(lambda self: any(self.harness.machine.executions.states.values()))
    @rule()
    def an_operator_stops_an_execution(self) -> None:
        states = self.harness.machine.executions.states
        self.harness.machine.stop(next(name for name, runs in states.items() if runs))

    @invariant()
    def one_call_makes_one_job(self) -> None:
        assert len(self.harness.jobs.rows) <= 1

    @invariant()
    def no_promise_is_broken(self) -> None:
        assert self.harness.promises.broken == []

    @override
    def teardown(self) -> None:
        """With everything in order again, all that was begun comes to its end."""
        self.fate.next_trouble = ""
        self.harness.turns.fate = InOrder()
        began = self.harness.clock.now
        settle(self.harness)
        assert judge(self.harness, began) == []


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=300, stateful_step_count=40, deadline=None)
