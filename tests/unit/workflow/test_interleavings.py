"""A client, several executions, the sweeper and a moody provider at one job, in any order."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from typing_extensions import override

from rushes.errors import (
    OutputInterrupted,
    RushesError,
    StoreUnavailable,
    UpstreamSilent,
    UpstreamUnreachable,
)
from rushes.job import Stage
from rushes.ports import HttpCall, HttpReply, Upstream
from tests.fakes import FakeBus, FakeEgress
from tests.world import ACCOUNT, ASK, CONTENT, CREATE, FILM, STOP, World, reply, video


class KilledError(Exception):
    """The function died in the middle of its work; the machine takes the state again."""


MADE_NOTHING = (reply(429), UpstreamUnreachable("refused"), StoreUnavailable("throttled"))
CREATIONS = st.sampled_from(
    [*[video("queued")] * 4, *MADE_NOTHING, UpstreamSilent("…"), reply(502), KilledError()]
)
LOOKS = st.sampled_from(
    [
        *(video("in_progress", progress=progress) for progress in (0, 30, 60, 1000)),
        *[video("completed")] * 4,
        *(video(status) for status in ("failed", "dreaming")),
        *(reply(status) for status in (401, 404, 503)),
        KilledError(),
    ]
)
STOPS = st.sampled_from([reply(200), reply(202), reply(409), UpstreamSilent("…")])
FILES = st.sampled_from([FILM, b"<html>", OutputInterrupted("410"), StoreUnavailable("throttled")])
OTHERS = st.sampled_from(
    [
        *["another_steps"] * 3,
        "client_cancels",
        "client_deletes",
        "sweeper_comes_by",
        "function_dies",
        "store_fails",
        "bus_fails",
    ]
)
HAPPENINGS = st.sampled_from(
    [*["client_looks"] * 4, "client_cancels", "client_deletes", "execution_is_stopped"]
)

NEXT = {
    ("submit", "submitted"): "poll",
    ("submit", "pending"): "submit",
    ("poll", "succeeded"): "collect",
    ("poll", "resubmit"): "submit",
    ("poll", "pending"): "poll",
    ("collect", "pending"): "poll",
}
"""The state machine's choices; what is not there leads to its last step."""


class Provider(FakeEgress):
    """Counts the create calls that may have made something; lets others act just before a call."""

    may_have_made = 0
    meanwhile: Callable[[], None] | None = None

    @override
    def send(self, upstream: Upstream, call: HttpCall) -> HttpReply:
        action, self.meanwhile = self.meanwhile, None
        if action:
            action()
        if call.method == "POST" and self.answers[CREATE] not in MADE_NOTHING:
            self.may_have_made += 1
        return super().send(upstream, call)


class Bus(FakeBus):
    """May take what it is given and let whoever gave it die of it."""

    deadly = False

    @override
    def put(self, events: Sequence[Mapping[str, Any]]) -> list[int]:
        refused = super().put(events)
        if self.deadly:
            self.deadly = False
            raise KilledError
        return refused


AFTERWARDS = {
    "outbox", "late_until", "late_artifacts", "upstream_cancelled", "deleted_at", "purged_at",
    "executions", "version", "updated_at",
}  # fmt: skip
"""All that may still change of a job that has ended."""


class AnyOrder(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.provider, self.bus = Provider(), Bus()
        self.world = World(egress=self.provider, bus=self.bus)
        self.job = self.last = self.world.accepted()
        self.at: dict[str, str] = {}
        self.provider_is(reply(429), video("queued"), FILM)
        self.world.answer(STOP, reply(200))

    def live(self) -> list[str]:
        return [name for name, runs in self.world.executions.running.items() if runs]

    def step(self, execution: str, *, answer_lost: bool = False) -> None:
        """Take the execution's next state; where the answer is lost it is taken again."""
        state = self.at.setdefault(execution, "submit")
        try:
            if state == "finish":
                outcome: Any = self.world.finish(self.job, execution)
            else:
                outcome = getattr(self.world, state)(self.job)
        except (KilledError, StoreUnavailable):
            return
        if not answer_lost and state == "finish":
            self.world.executions.running[execution] = False
        elif not answer_lost:
            self.at[execution] = NEXT.get((state, outcome["status"]), "finish")

    def step_any(self, number: int, *, answer_lost: bool = False) -> None:
        if live := self.live():
            self.step(live[number % len(live)], answer_lost=answer_lost)

    @rule(creation=CREATIONS, look=LOOKS, file=FILES)
    def an_execution_takes_its_next_step(
        self, creation: HttpReply | Exception, look: HttpReply | Exception, file: bytes | Exception
    ) -> None:
        self.provider_is(creation, look, file)
        self.step_any(0)

    @rule(creation=CREATIONS, look=LOOKS, other=OTHERS, number=st.integers(0, 2))
    def something_comes_between_reading_and_writing(
        self, creation: HttpReply | Exception, look: HttpReply | Exception, other: str, number: int
    ) -> None:
        self.provider_is(creation, look, FILM)
        self.world.jobs.before_write = getattr(self, other)
        self.step_any(number)
        self.world.jobs.before_write = None

    @rule(creation=CREATIONS, look=LOOKS, other=OTHERS, number=st.integers(0, 2))
    def something_comes_just_before_a_call(
        self, creation: HttpReply | Exception, look: HttpReply | Exception, other: str, number: int
    ) -> None:
        self.provider_is(creation, look, FILM)
        self.provider.meanwhile = getattr(self, other)
        self.step_any(number)
        self.provider.meanwhile = None

    @rule(number=st.integers(0, 2))
    def an_answer_is_lost(self, number: int) -> None:
        self.step_any(number, answer_lost=True)

    @rule(what=HAPPENINGS)
    def something_happens(self, what: str) -> None:
        getattr(self, what)()

    @rule(answer=STOPS)
    def the_provider_will_answer_a_cancel(self, answer: HttpReply | Exception) -> None:
        self.world.answer(STOP, answer)

    @rule(moods=st.lists(st.sampled_from([[], [0], StoreUnavailable("throttled")]), max_size=3))
    def the_bus_will_be_moody(self, moods: list[list[int] | Exception]) -> None:
        self.bus.refusals = moods

    @rule()
    def whoever_announces_next_dies(self) -> None:
        self.bus.deadly = True

    @rule(seconds=st.sampled_from([1, 20, 61, 151, 301, 2000]))
    def time_passes_and_the_sweeper_comes_by(self, seconds: float) -> None:
        self.world.clock.advance(seconds)
        self.sweeper_comes_by()

    def execution_is_stopped(self) -> None:
        """By an operator, or by a bug."""
        if live := self.live():
            self.world.executions.running[live[0]] = False

    def provider_is(
        self, creation: HttpReply | Exception, look: HttpReply | Exception, file: bytes | Exception
    ) -> None:
        self.world.answer(CREATE, creation)
        self.world.answer(ASK, look)
        self.provider.files[CONTENT] = file

    def client_cancels(self) -> None:
        self.client(self.world.service.cancel)

    def client_deletes(self) -> None:
        self.client(self.world.service.delete)

    def client_looks(self) -> None:
        self.client(self.world.service.get)

    def client(self, verb: Callable[[str, str], object]) -> None:
        """Does something; that it may be refused is no news."""
        try:
            verb(ACCOUNT, self.job.id)
        except RushesError:
            return

    def sweeper_comes_by(self) -> None:
        with suppress(KilledError):
            self.world.sweeper.sweep()

    def another_steps(self) -> None:
        """Another execution, or the same one's function run twice."""
        self.step_any(len(self.live()) - 1)

    def function_dies(self) -> None:
        raise KilledError

    def store_fails(self) -> None:
        raise StoreUnavailable("throttled")

    @invariant()
    def at_most_one_film_is_paid_for(self) -> None:
        assert self.provider.may_have_made <= 1

    @invariant()
    def nothing_runs_backwards(self) -> None:
        now, last = self.world.now(self.job), self.last
        assert now.progress >= last.progress
        assert now.version >= last.version
        assert now.executions >= last.executions
        assert bool(now.deleted_at) >= bool(last.deleted_at)
        if last.is_finished:
            assert now.model_dump(exclude=AFTERWARDS) == last.model_dump(exclude=AFTERWARDS)
        self.last = now

    @invariant()
    def what_is_told_is_true_and_said_in_the_same_words_each_time(self) -> None:
        job = self.world.now(self.job)
        assert job.is_finished is (job.stage is Stage.FINISHED) is bool(job.finished_by)
        true = {f"evt_{job.id}_started": bool(job.submitted_at)}
        true[f"evt_{job.id}_{job.status.value}"] = job.is_finished
        told = [*self.bus.events, *job.outbox]
        assert all(true[event["id"]] for event in told)
        assert all(one == other for one in told for other in told if one["id"] == other["id"])

    @invariant()
    def whatever_is_not_told_yet_waits_in_the_row(self) -> None:
        job = self.world.now(self.job)
        known = [event["id"] for event in (*self.bus.events, *job.outbox)]
        assert (f"evt_{job.id}_started" in known) is bool(job.submitted_at)
        assert (f"evt_{job.id}_{job.status.value}" in known) is job.is_finished

    def bus_fails(self) -> None:
        self.bus.refusals = [StoreUnavailable("throttled")]

    @override
    def teardown(self) -> None:
        """In the end, with everything in order again, the job has ended and nothing is untold."""
        self.bus.refusals, self.bus.deadly = [], False
        self.provider_is(video("queued"), video("completed"), FILM)
        for _ in range(100):
            for execution in self.live():
                self.step(execution)
            self.world.clock.advance(61)
            self.world.sweeper.sweep()
        job = self.world.now(self.job)
        assert (job.is_finished, job.outbox, job.is_awaited) == (True, (), False)
        assert self.live() == []
        assert job.care_at is None
        assert self.provider.may_have_made <= 1
        if job.deleted_at:
            assert self.world.blobs.objects == {}


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=400, stateful_step_count=25, deadline=None)
