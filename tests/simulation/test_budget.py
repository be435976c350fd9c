"""No sequence of calls, crashes and provider faults exceeds a limit of an account or an API key."""

import pytest

from tests.simulation.report import run_seeds
from tests.simulation.scenario import BudgetScenario

SEEDS, PART = 2000, 500
JOBS = 5000
"""Accepted by all seeds together."""


@pytest.mark.parametrize("first", range(0, SEEDS, PART))
def test_accounts_spend_at_most_their_budgets(first: int) -> None:
    tally = run_seeds(first, PART, BudgetScenario)
    assert tally.violations == {}
    expected = ("accepted", "refused: budget_exceeded", "refused: too_many_jobs", "refunds")
    assert min(tally.budgets[name] for name in expected) > PART / 2
    assert tally.budgets["accepted"] > JOBS * PART / SEEDS
