"""A death at every single call of every port, before it is done and after: nothing is lost."""

from collections import Counter

import pytest

from tests.simulation.fault_schedule import Plan
from tests.simulation.scheduler import DEATHS
from tests.simulation.scripts import SCRIPTS, Run

UNKNOWN = "upstream_outcome_unknown"
MOMENTS = 8
"""From the claim's write to the note of the operation: four calls, before and after each."""


def end_of(run: Run) -> str:
    job = run.job
    return job.error.code if job.error else job.status.value


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_death_at_any_call_costs_time_and_nothing_else(name: str) -> None:
    """Only where a provider can neither be called again nor asked may a death cost the job: while
    the one create call is on its way; and then the job says so.
    """
    calm = Run(SCRIPTS[name], Plan())
    assert calm() == []
    ends: Counter[str] = Counter()
    for when in DEATHS:
        for number in range(1, calm.plan.calls + 1):
            run = Run(SCRIPTS[name], Plan(number, when))
            assert run() == [], f"{when} call {number}"
            ends[end_of(run)] += 1
    unknown = ends.pop(UNKNOWN, 0)
    assert unknown <= (MOMENTS if SCRIPTS[name].model.startswith("plain") else 0)
    assert set(ends) == {end_of(calm)}
