"""The simulation detects each deliberate defect of the core within some hundred runs."""

from collections.abc import Iterator

import pytest

from tests.simulation.defects import DEFECTS
from tests.simulation.fault_schedule import CrashPlan
from tests.simulation.scenario import Scenario
from tests.simulation.scheduler import CRASHES_AFTER
from tests.simulation.scripts import SCRIPTS, ScriptRun

SEEDS = 250
"""Ten seeds detect most defects; scripts with a crash at each call detect the others."""


@pytest.mark.parametrize("defect", DEFECTS)
def test_simulation_detects_defect(defect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for patch in DEFECTS[defect]:
        monkeypatch.setattr(*patch)
    assert any(runs())


def runs() -> Iterator[list[str]]:
    """Yield the violations of each run."""
    for seed in range(SEEDS):
        yield Scenario(seed).run()
    for script in SCRIPTS.values():
        baseline = ScriptRun(script, CrashPlan())
        yield baseline()
        for number in range(1, baseline.plan.calls + 1):
            yield ScriptRun(script, CrashPlan(number, CRASHES_AFTER))()
