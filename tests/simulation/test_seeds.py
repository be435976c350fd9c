"""Some thousand small worlds; `make simulate` runs many more."""

import pytest

from tests.simulation.report import run_seeds

SEEDS, PART = 2000, 500


@pytest.mark.parametrize("first", range(0, SEEDS, PART))
def test_every_promise_is_kept_in_any_order_of_things(first: int) -> None:
    """What breaks is told again by `python -m tests.simulation --seed`."""
    assert run_seeds(first, PART).broken == {}


def test_the_same_seed_is_the_same_story_again() -> None:
    told, again = run_seeds(0, 20), run_seeds(0, 20)
    assert (told.calls, told.endings, told.troubles) == (again.calls, again.endings, again.troubles)
