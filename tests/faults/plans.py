"""Fault plan of one job: drawn in advance, each fault is injected once."""

from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.faults.fault_kinds import AwsFault, FaultKind, Place, UpstreamFault
from tests.faults.scenarios import FAULT_KINDS, SWEEP

MAX_INTERLEAVED_CALLS = 12
"""`interleave` faults are injected at a random call up to this number."""


@dataclass
class Call:
    """An AWS call of a function."""

    function: str
    operation: str


@dataclass
class Pending:
    fault: AwsFault
    countdown: int

    def meets(self, call: Call, phase: str, *, created: bool) -> bool:
        fault = self.fault
        return (
            fault.phase == phase
            and (not fault.operations or call.operation in fault.operations)
            and (not fault.functions or call.function in fault.functions)
            and (not fault.guard or created)
        )


@dataclass
class Plan:
    tag: str
    upstream_faults: dict[Place, list[UpstreamFault]] = field(default_factory=dict)
    faults: list[Pending] = field(default_factory=list)
    others: dict[str, FaultKind] = field(default_factory=dict)
    injected: Counter[str] = field(default_factory=Counter)
    created: bool = False
    """Whether the upstream got a create call whose answer is not recorded yet."""

    def fault(self, place: Place) -> UpstreamFault | None:
        """Take the next upstream fault planned for this place."""
        waiting = self.upstream_faults.get(place)
        if not waiting:
            return None
        fault = waiting.pop(0)
        self.injected[fault.name] += 1
        return fault

    def next_upstream_fault(self, place: Place) -> UpstreamFault | None:
        waiting = self.upstream_faults.get(place)
        return waiting[0] if waiting else None

    def inject(self, call: Call, phase: str) -> AwsFault | None:
        """Take the fault that is due at this call. Others wait for a later call."""
        chosen: Pending | None = None
        for pending in self.faults:
            if not pending.meets(call, phase, created=self.created):
                continue
            pending.countdown -= 1
            if pending.countdown <= 0 and chosen is None:
                chosen = pending
        if chosen is None:
            return None
        self.faults.remove(chosen)
        self.injected[chosen.fault.name] += 1
        return chosen.fault

    def consume(self, name: str) -> bool:
        """Take the named fault, if it is planned."""
        if self.others.pop(name, None) is None:
            return False
        self.injected[name] += 1
        return True


def draw(tag: str, rng: Random, intensity: float = 1.0) -> Plan:
    plan = Plan(tag)
    for kind in FAULT_KINDS.values():
        if rng.random() >= kind.share * intensity:
            continue
        match kind:
            case UpstreamFault():
                plan.upstream_faults.setdefault(kind.place, []).extend([kind] * kind.times)
            case AwsFault():
                max_call = MAX_INTERLEAVED_CALLS if kind.effect == "interleave" else kind.max_call
                plan.faults.append(Pending(kind, rng.randint(1, max_call)))
            case _:
                plan.others[kind.name] = kind
    for place, upstream_faults in plan.upstream_faults.items():
        rng.shuffle(upstream_faults)
        if place == "poll":  # a failure is the last answer
            upstream_faults.sort(key=lambda fault: fault.corruption == "failed")
    rng.shuffle(plan.faults)
    return plan


def draw_sweep(rng: Random, *, alone: bool) -> Plan:
    """Draw the faults of one sweep; an overlapping sweep interleaves no other."""
    plan = Plan("sweep")
    for fault in SWEEP:
        if rng.random() < fault.share and (alone or not fault.action):
            plan.faults.append(Pending(fault, rng.randint(1, fault.max_call)))
    return plan


@dataclass(frozen=True)
class Running:
    """A running function and its fault plan."""

    function: str
    event: dict[str, Any]
    plan: Plan
