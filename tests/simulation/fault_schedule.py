"""Who decides: chance by a seed, or a plan that kills one call and lets all else be well."""

from collections import Counter
from collections.abc import Sequence
from random import Random

from tests.simulation.actors import Actor
from tests.simulation.provider_faults import UPSTREAM
from tests.simulation.scheduler import DIES_AFTER, DIES_BEFORE

RATES = (0.0, 0.02, 0.05, 0.05, 0.05, 0.15)
"""How likely a trouble is at each call of a port; drawn once for each seed."""
UPSTREAM_RATES = (0.0, 0.05, 0.1, 0.2, 0.4)
"""The same, for what a provider does and says."""
SLOWNESS = (0.0, 0.02, 0.02, 0.1, 0.3)
"""How likely it is, at each turn, that those who are ready are slower than the next timer."""


class Chance:
    """The same seed gives the same run. Some seeds know some kinds of trouble only."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - to be repeated, not to be secret
        self.rate = self.random.choice(RATES)
        self.share = self.random.choice((0.3, 1.0, 1.0))
        self.upstream_rate = self.random.choice(UPSTREAM_RATES)
        self.slowness = self.random.choice(SLOWNESS)
        self.known: dict[tuple[str, str], bool] = {}
        self.is_quiet = False
        self.happened: Counter[str] = Counter()

    def turn(self, ready: Sequence[Actor]) -> Actor | None:
        if not self.is_quiet and self.random.random() < self.slowness:
            return None
        return ready[0] if len(ready) == 1 else ready[int(self.random.random() * len(ready))]

    def trouble(self, what: str, kinds: Sequence[str]) -> str:
        rate = self.upstream_rate if what in UPSTREAM else self.rate
        if not kinds or self.is_quiet or self.random.random() >= rate:
            return ""
        kind = kinds[int(self.random.random() * len(kinds))]
        known = self.known.get((what, kind))
        if known is None:
            known = self.known[what, kind] = self.random.random() < self.share
        if not known:
            return ""
        self.happened[kind] += 1
        return kind

    def number(self, what: str, low: int, high: int) -> int:  # noqa: ARG002
        return low if low >= high else low + int(self.random.random() * (high - low + 1))


class Plan:
    """All goes well and in order, but the call of that number kills its caller."""

    def __init__(self, number: int = -1, when: str = DIES_BEFORE) -> None:
        self.calls = 0
        self.number_of_call = number
        self.when = when
        self.is_quiet = False

    def turn(self, ready: Sequence[Actor]) -> Actor | None:
        return ready[0]

    def trouble(self, what: str, kinds: Sequence[str]) -> str:  # noqa: ARG002
        if DIES_BEFORE not in kinds or DIES_AFTER not in kinds:
            return ""
        self.calls += 1
        return self.when if self.calls == self.number_of_call else ""

    def number(self, what: str, low: int, high: int) -> int:  # noqa: ARG002
        return (low + high) // 2
