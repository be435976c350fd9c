"""A small run of `make faults`."""

import pytest

from tests.faults.batch import run_batch
from tests.faults.report import OUTCOMES

JOBS = 75


@pytest.mark.parametrize("seed", ["check:1", "check:2"])
def test_injected_faults_lose_no_job_and_create_none_twice(seed: str):
    report = run_batch(seed, JOBS)
    assert report.violations == {}, report.table()
    assert report.jobs == JOBS
    reached = {name for name in OUTCOMES if any(row[name] for row in report.kinds.values())}
    assert reached >= {"completed", "failed", "unknown", "cancelled"}
