"""Pauses of providers in any order with calls, crashes and faults: nothing is lost or repeated."""

from collections import Counter

import pytest

from tests.simulation.pauses import PauseScenario

SEEDS, PART = 600, 300


@pytest.mark.parametrize("first", range(0, SEEDS, PART))
def test_paused_providers_get_no_create_call_and_no_job_is_lost(first: int) -> None:
    counts: Counter[str] = Counter()
    violations = {}
    for seed in range(first, first + PART):
        scenario = PauseScenario(seed)
        if found := scenario.run():
            violations[seed] = found
        counts += scenario.counts
    assert violations == {}
    assert counts["pauses"] > PART
    assert min(counts[name] for name in ("creates", "failovers", "timeouts")) > PART / 40
