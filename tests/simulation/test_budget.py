"""No sequence of calls, crashes and provider faults spends more than the daily budgets."""

import pytest

from tests.simulation.report import run_seeds
from tests.simulation.scenario import BudgetScenario

SEEDS, PART = 2000, 500


@pytest.mark.parametrize("first", range(0, SEEDS, PART))
def test_accounts_spend_at_most_their_budgets(first: int) -> None:
    tally = run_seeds(first, PART, BudgetScenario)
    assert tally.violations == {}
    assert min(tally.budgets[name] for name in ("accepted", "refused", "refunds")) > PART / 2
