"""A core with a defect breaks a promise within some hundred runs; the sound one never."""

from collections.abc import Iterator

import pytest

from tests.simulation.defects import DEFECTS, Defect
from tests.simulation.fault_schedule import Plan
from tests.simulation.scenario import Story
from tests.simulation.scheduler import DIES_AFTER
from tests.simulation.scripts import SCRIPTS, Run

SEEDS = 250
"""Most defects are found within ten of them; for the others, scripts are killed at each call."""


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda it: it.__name__)
def test_a_defect_is_found(defect: Defect, monkeypatch: pytest.MonkeyPatch) -> None:
    defect(monkeypatch)
    assert any(runs())


def runs() -> Iterator[list[str]]:
    """What each of them broke."""
    for seed in range(SEEDS):
        yield Story(seed).run()
    for script in SCRIPTS.values():
        calm = Run(script, Plan())
        yield calm()
        for number in range(1, calm.plan.calls + 1):
            yield Run(script, Plan(number, DIES_AFTER))()
