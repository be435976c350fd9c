"""Scenario in which an operator pauses providers and resumes them, or lets the pauses end."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime

from typing_extensions import override

from rushes.api.provider_control.service import ProviderControl
from rushes.catalog.limits import Limits
from rushes.ports.http import HttpCall, HttpReply
from tests.fakes import FakeAudit, FakeProviderCalls, FixedCatalogs
from tests.simulation.actors import Actor
from tests.simulation.scenario import Scenario
from tests.simulation.upstream import SimulatedProvider

OPERATOR = "key:00000000000000ff"
LENGTHS = (20.0, 300.0, 1500.0, 5000.0)
"""Seconds of a pause; the last one is longer than the deadline of a job."""


class PauseScenario(Scenario):
    """A paused provider gets no create call, unless an invocation had begun before the pause."""

    limits: tuple[Limits, ...] = (Limits(), Limits(monthly_dollars=1.0, concurrent_jobs=1))

    def __init__(self, seed: int) -> None:
        self.counts: Counter[str] = Counter()
        self.begun_before: dict[str, set[Actor]] = {}
        super().__init__(seed)
        harness = self.harness
        self.control = ProviderControl(
            harness.rate_limits,
            FakeProviderCalls(),
            harness.jobs,
            FixedCatalogs(harness.catalog),
            FakeAudit(),
            harness.clock,
        )
        for provider in harness.providers.values():
            self._watch(provider)
        names = sorted(harness.providers)
        draw = self.random_faults.random
        for name in draw.sample(names, draw.randint(1, len(names))):
            self.later(self.length / 3, lambda name=name: self._pause(name))  # type: ignore[misc]

    def _pause(self, name: str) -> None:
        draw, clock = self.random_faults.random, self.harness.clock
        seconds = draw.choice(LENGTHS)
        ends_itself = draw.random() < 0.5
        until = datetime.fromtimestamp(clock.now + seconds, UTC) if ends_itself else None
        self.control.pause(name, "maintenance", until, OPERATOR)
        self.begun_before[name] = set(self._actors())
        self.counts["pauses"] += 1
        if not ends_itself:
            self.scheduler.after(seconds, lambda: self._resume(name))

    def _resume(self, name: str) -> None:
        self.control.resume(name, OPERATOR)

    def _actors(self) -> Iterable[Actor]:
        return (*self.scheduler.ready, *self.scheduler.asleep)

    def _watch(self, provider: SimulatedProvider) -> None:
        answer = provider.answer

        def watched(call: HttpCall) -> HttpReply:
            if call.method == "POST":
                self._check(provider.name)
            return answer(call)

        provider.answer = watched  # type: ignore[method-assign]

    def _check(self, name: str) -> None:
        now = self.harness.clock.now
        if self.harness.rate_limits.get(name).pause_at(now) is None:
            self.counts["creates"] += 1
            return
        running = self.scheduler.current
        has_begun = running in self.begun_before[name]
        self.counts["creates that had begun"] += has_begun
        self.harness.invariants.check(has_begun, f"{name} is paused and got a create call")

    @override
    def run(self) -> list[str]:
        violations = super().run()
        for job in self.harness.jobs.rows.values():
            codes = [attempt.error.code for attempt in job.attempts]
            self.counts["failovers"] += "provider_paused" in codes
            error = job.error
            if error and error.code == "upstream_timeout" and "paused" in error.message:
                self.counts["timeouts"] += 1
        return violations
