"""A core with a defect breaks a promise within some hundred seeds; the sound one never."""

import pytest

from tests.simulation.defects import DEFECTS, Defect
from tests.simulation.story import Story

ENOUGH = 1000
"""Seeds within which each is found; most are within ten."""


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda it: it.__name__)
def test_a_defect_is_found(defect: Defect, monkeypatch: pytest.MonkeyPatch) -> None:
    defect(monkeypatch)
    assert any(Story(seed).run() for seed in range(ENOUGH))
