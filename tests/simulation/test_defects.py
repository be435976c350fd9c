"""The simulation detects each deliberate defect of the core within some hundred runs."""

from collections.abc import Iterator

import pytest

from tests.simulation.defects import DEFECTS
from tests.simulation.fault_schedule import CrashPlan
from tests.simulation.scenario import BudgetScenario, Scenario
from tests.simulation.scheduler import CRASHES_AFTER
from tests.simulation.scripts import SCRIPTS, ScriptRun

FEW_SEEDS, SEEDS = 50, 1000


@pytest.mark.parametrize("defect", DEFECTS)
def test_simulation_detects_defect(defect: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for patch in DEFECTS[defect]:
        monkeypatch.setattr(*patch)
    assert any(runs())


def runs() -> Iterator[list[str]]:
    """Yield the violations of each run: most defects are found by the first seeds."""
    yield from seeds(range(FEW_SEEDS), Scenario, BudgetScenario)
    for script in SCRIPTS.values():
        baseline = ScriptRun(script, CrashPlan())
        yield baseline()
        for number in range(1, baseline.plan.calls + 1):
            yield ScriptRun(script, CrashPlan(number, CRASHES_AFTER))()
    yield from seeds(range(FEW_SEEDS, SEEDS), Scenario)
    yield from seeds(range(FEW_SEEDS, SEEDS), BudgetScenario)


def seeds(numbers: range, *scenarios: type[Scenario] | type[BudgetScenario]) -> Iterator[list[str]]:
    for seed in numbers:
        for scenario in scenarios:
            yield scenario(seed).run()
