"""A small part of what `make faults` does."""

import pytest

from tests.faults.batch import run_batch
from tests.faults.report import OUTCOMES

JOBS = 75


@pytest.mark.parametrize("seed", ["check:1", "check:2"])
def test_whatever_goes_wrong_nothing_is_lost_and_nothing_is_paid_for_twice(seed: str):
    report = run_batch(seed, JOBS)
    assert report.broken == {}, report.table()
    assert report.jobs == JOBS
    reached = {name for name in OUTCOMES if any(row[name] for row in report.kinds.values())}
    assert reached >= {"completed", "failed", "unknown", "cancelled"}
