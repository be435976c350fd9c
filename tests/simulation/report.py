"""Totals over many seeds."""

import logging
from collections import Counter
from dataclasses import dataclass, field

from tests.simulation.scenario import Scenario

SHOWN = 10
"""Maximum number of violated seeds to print."""


@dataclass
class Tally:
    seeds: int = 0
    calls: int = 0
    videos: int = 0
    endings: Counter[str] = field(default_factory=Counter)
    """Jobs by final status; failures by error code."""
    faults: Counter[str] = field(default_factory=Counter)
    crashes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Source positions at which a process crashed, before or after the call."""
    budgets: Counter[str] = field(default_factory=Counter)
    violations: dict[int, list[str]] = field(default_factory=dict)

    def add(self, other: "Tally") -> None:
        self.seeds += other.seeds
        self.calls += other.calls
        self.videos += other.videos
        self.endings += other.endings
        self.faults += other.faults
        self.crashes += other.crashes
        self.budgets += other.budgets
        self.violations |= other.violations

    def lines(self, seconds: float) -> list[str]:
        jobs = sum(self.endings.values())
        places = {row_key for row_key, _ in self.crashes}
        rate = self.seeds / seconds
        points = (
            f"{len(places)} positions of the core ({len(self.crashes)} before and after a call)"
        )
        endings = ", ".join(f"{count:,} {end}" for end, count in self.endings.most_common())
        faults = ", ".join(f"{count:,} {name}" for name, count in self.faults.most_common())
        budgets = ", ".join(f"{count:,} {name}" for name, count in self.budgets.most_common())
        found = [
            f"  seed {seed}: {sentence}"
            for seed, sentences in sorted(self.violations.items())[:SHOWN]
            for sentence in sentences
        ]
        return [
            f"seeds          {self.seeds:,} in {seconds:,.0f} s: {rate:,.0f} a second",
            f"port calls     {self.calls:,}, {self.calls / self.seeds:.0f} a seed",
            f"jobs           {jobs:,}, videos started {self.videos:,}",
            f"endings        {endings}",
            f"faults         {sum(self.faults.values()):,}: {faults}",
            f"crashes        {sum(self.crashes.values()):,} at {points}",
            f"budgets        {budgets}",
            f"violations     {len(self.violations)}",
            *found,
        ]


def run_seeds(first: int, count: int, scenario_type: type[Scenario] = Scenario) -> Tally:
    logging.disable(logging.CRITICAL)  # for worker processes
    tally = Tally()
    for seed in range(first, first + count):
        scenario = scenario_type(seed)
        if violations := scenario.run():
            tally.violations[seed] = violations
        _count(tally, scenario)
    return tally


def _count(tally: Tally, scenario: Scenario) -> None:
    harness = scenario.harness
    tally.seeds += 1
    tally.calls += harness.scheduler.calls
    tally.videos += len(harness.videos())
    tally.faults += scenario.random_faults.injected
    tally.crashes.update(harness.scheduler.crashes)
    tally.budgets += harness.budget.seen
    for job in harness.jobs.rows.values():
        code = job.error.code if job.error else ""
        tally.endings[f"{job.status.value} {code}".strip()] += 1
