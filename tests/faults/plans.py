"""What will go wrong with one job, drawn beforehand; what has struck is struck out."""

from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.faults.fault_kinds import AwsFault, Kind, Mood, Place
from tests.faults.scenarios import KINDS, SWEEP

FEW = 12
"""Calls among which `meanwhile` chooses its moment."""


@dataclass
class Call:
    """A call to AWS that a function makes."""

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
    moods: dict[Place, list[Mood]] = field(default_factory=dict)
    faults: list[Pending] = field(default_factory=list)
    others: dict[str, Kind] = field(default_factory=dict)
    struck: Counter[str] = field(default_factory=Counter)
    created: bool = False
    """Whether the upstream has been asked to create and the answer was not noted since."""

    def mood(self, place: Place) -> Mood | None:
        """What comes over the upstream at this call; its times are counted down."""
        waiting = self.moods.get(place)
        if not waiting:
            return None
        mood = waiting.pop(0)
        self.struck[mood.name] += 1
        return mood

    def next_mood(self, place: Place) -> Mood | None:
        waiting = self.moods.get(place)
        return waiting[0] if waiting else None

    def strike(self, call: Call, phase: str) -> AwsFault | None:
        """The fault whose moment this is. Others wait for a later call."""
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
        self.struck[chosen.fault.name] += 1
        return chosen.fault

    def take(self, name: str) -> bool:
        """Whether this was planned; it happens now."""
        if self.others.pop(name, None) is None:
            return False
        self.struck[name] += 1
        return True


def draw(tag: str, rng: Random, intensity: float = 1.0) -> Plan:
    plan = Plan(tag)
    for kind in KINDS.values():
        if rng.random() >= kind.share * intensity:
            continue
        match kind:
            case Mood():
                plan.moods.setdefault(kind.place, []).extend([kind] * kind.times)
            case AwsFault():
                most = FEW if kind.effect == "meanwhile" else kind.most
                plan.faults.append(Pending(kind, rng.randint(1, most)))
            case _:
                plan.others[kind.name] = kind
    for place, moods in plan.moods.items():
        rng.shuffle(moods)
        if place == "poll":  # a failure is the last that is heard
            moods.sort(key=lambda mood: mood.spoils == "failed")
    rng.shuffle(plan.faults)
    return plan


def draw_sweep(rng: Random, *, alone: bool) -> Plan:
    """What goes wrong with one run of the sweeper; in one that overlaps, nobody else comes by."""
    plan = Plan("sweep")
    for fault in SWEEP:
        if rng.random() < fault.share and (alone or not fault.action):
            plan.faults.append(Pending(fault, rng.randint(1, fault.most)))
    return plan


@dataclass(frozen=True)
class Running:
    """A function at work, and the plan that its faults come from."""

    function: str
    event: dict[str, Any]
    plan: Plan
