"""A crash at every single port call, before and after it, loses nothing."""

from collections import Counter

import pytest

from tests.simulation.fault_schedule import CrashPlan
from tests.simulation.scheduler import CRASHES
from tests.simulation.scripts import SCRIPTS, ScriptRun

UNKNOWN = "upstream_outcome_unknown"
MAX_UNKNOWN = 8
"""Positions from the lease write to the recorded operation: four calls, before and after each."""


def end_of(run: ScriptRun) -> str:
    job = run.job
    return job.error.code if job.error else job.status.value


@pytest.mark.parametrize("name", SCRIPTS)
def test_crash_at_any_call_changes_no_result(name: str) -> None:
    """Without keys and lookup, a crash during the create call may end in an unknown outcome."""
    baseline = ScriptRun(SCRIPTS[name], CrashPlan())
    assert baseline() == []
    ends: Counter[str] = Counter()
    for when in CRASHES:
        for number in range(1, baseline.plan.calls + 1):
            run = ScriptRun(SCRIPTS[name], CrashPlan(number, when))
            assert run() == [], f"{when} call {number}"
            ends[end_of(run)] += 1
    unknown = ends.pop(UNKNOWN, 0)
    assert unknown <= (MAX_UNKNOWN if SCRIPTS[name].model.startswith("plain") else 0)
    assert set(ends) == {end_of(baseline)}
