"""What many seeds came to, in figures."""

import logging
from collections import Counter
from dataclasses import dataclass, field

from tests.simulation.scenario import Story

SHOWN = 10
"""Seeds with violations that are named."""


@dataclass
class Tally:
    seeds: int = 0
    calls: int = 0
    films: int = 0
    endings: Counter[str] = field(default_factory=Counter)
    """How jobs ended: by status, failures by code."""
    troubles: Counter[str] = field(default_factory=Counter)
    deaths: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Places in our code at which a process died, before the call was done or after it."""
    broken: dict[int, list[str]] = field(default_factory=dict)

    def add(self, other: "Tally") -> None:
        self.seeds += other.seeds
        self.calls += other.calls
        self.films += other.films
        self.endings += other.endings
        self.troubles += other.troubles
        self.deaths += other.deaths
        self.broken |= other.broken

    def lines(self, seconds: float) -> list[str]:
        jobs = sum(self.endings.values())
        places = {place for place, _ in self.deaths}
        rate = self.seeds / seconds
        points = f"{len(places)} places of the core ({len(self.deaths)} before and after)"
        endings = ", ".join(f"{count:,} {end}" for end, count in self.endings.most_common())
        troubles = ", ".join(f"{count:,} {name}" for name, count in self.troubles.most_common())
        found = [
            f"  seed {seed}: {sentence}"
            for seed, sentences in sorted(self.broken.items())[:SHOWN]
            for sentence in sentences
        ]
        return [
            f"seeds          {self.seeds:,} in {seconds:,.0f} s: {rate:,.0f} a second",
            f"port calls     {self.calls:,}, {self.calls / self.seeds:.0f} a seed",
            f"jobs           {jobs:,}, films begun {self.films:,}",
            f"endings        {endings}",
            f"troubles       {sum(self.troubles.values()):,}: {troubles}",
            f"crashes        {sum(self.deaths.values()):,} at {points}",
            f"violations     {len(self.broken)}",
            *found,
        ]


def run_seeds(first: int, count: int) -> Tally:
    logging.disable(logging.CRITICAL)  # this may be a process of its own
    tally = Tally()
    for seed in range(first, first + count):
        story = Story(seed)
        if broken := story.run():
            tally.broken[seed] = broken
        _count(tally, story)
    return tally


def _count(tally: Tally, story: Story) -> None:
    harness = story.harness
    tally.seeds += 1
    tally.calls += harness.turns.calls
    tally.films += sum(len(provider.films) for provider in harness.providers.values())
    tally.troubles += story.chance.happened
    tally.deaths.update(harness.turns.deaths)
    for job in harness.jobs.rows.values():
        code = job.error.code if job.error else ""
        tally.endings[f"{job.status.value} {code}".strip()] += 1
