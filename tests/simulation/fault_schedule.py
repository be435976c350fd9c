"""Fault schedules: random faults by a seed, or one crash at a numbered call."""

from collections import Counter
from collections.abc import Sequence
from random import Random

from tests.simulation.actors import Actor
from tests.simulation.provider_faults import UPSTREAM_OPERATIONS
from tests.simulation.scheduler import CRASHES_AFTER, CRASHES_BEFORE

RATES = (0.0, 0.02, 0.05, 0.05, 0.05, 0.15)
"""Probabilities of a fault at each port call; one is drawn per seed."""
UPSTREAM_RATES = (0.0, 0.05, 0.1, 0.2, 0.4)
"""The same for each provider operation."""
SLOWNESS = (0.0, 0.02, 0.02, 0.1, 0.3)
"""Probabilities, at each step, that all ready actors are slower than the next timer."""


class RandomFaults:
    """Repeatable random faults. Each seed enables a random subset of the fault kinds."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - repeatable, not secret
        self.rate = self.random.choice(RATES)
        self.share = self.random.choice((0.3, 1.0, 1.0))
        self.upstream_rate = self.random.choice(UPSTREAM_RATES)
        self.slowness = self.random.choice(SLOWNESS)
        self.enabled: dict[tuple[str, str], bool] = {}
        self.is_quiet = False
        self.injected: Counter[str] = Counter()

    def choose(self, ready: Sequence[Actor]) -> Actor | None:
        if not self.is_quiet and self.random.random() < self.slowness:
            return None
        return ready[0] if len(ready) == 1 else ready[int(self.random.random() * len(ready))]

    def fault(self, operation: str, kinds: Sequence[str]) -> str:
        rate = self.upstream_rate if operation in UPSTREAM_OPERATIONS else self.rate
        if not kinds or self.is_quiet or self.random.random() >= rate:
            return ""
        kind = kinds[int(self.random.random() * len(kinds))]
        enabled = self.enabled.get((operation, kind))
        if enabled is None:
            enabled = self.enabled[operation, kind] = self.random.random() < self.share
        if not enabled:
            return ""
        self.injected[kind] += 1
        return kind

    def number(self, operation: str, low: int, high: int) -> int:  # noqa: ARG002
        return low if low >= high else low + int(self.random.random() * (high - low + 1))


class CrashPlan:
    """No faults, except that the caller of one call, by its number, crashes."""

    def __init__(self, number: int = -1, when: str = CRASHES_BEFORE) -> None:
        self.calls = 0
        self.number_of_call = number
        self.when = when
        self.is_quiet = False

    def choose(self, ready: Sequence[Actor]) -> Actor | None:
        return ready[0]

    def fault(self, operation: str, kinds: Sequence[str]) -> str:  # noqa: ARG002
        if CRASHES_BEFORE not in kinds or CRASHES_AFTER not in kinds:
            return ""
        self.calls += 1
        return self.when if self.calls == self.number_of_call else ""

    def number(self, operation: str, low: int, high: int) -> int:  # noqa: ARG002
        return (low + high) // 2
