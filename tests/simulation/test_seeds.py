"""Some thousand seeds; `make simulate` runs many more."""

import pytest

from tests.simulation.report import run_seeds

SEEDS, PART = 2000, 500


@pytest.mark.parametrize("first", range(0, SEEDS, PART))
def test_invariants_hold_in_every_seed(first: int) -> None:
    """`python -m tests.simulation --seed N` prints a failing seed call by call."""
    assert run_seeds(first, PART).violations == {}


def test_seed_repeats_the_same_run() -> None:
    first, again = run_seeds(0, 20), run_seeds(0, 20)
    assert (first.calls, first.endings, first.faults) == (again.calls, again.endings, again.faults)
