"""One batch in this process, with a double, an upstream and functions of its own."""

import pytest

from tests.faults.harness import Harness
from tests.faults.moto_stack import ENVIRONMENT, Double
from tests.faults.outcome_checks import Judge
from tests.faults.report import Report


def run_batch(seed: str, jobs: int) -> Report:
    """The same seed draws the same faults again."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        double = Double()
        try:
            harness = Harness(double, patch, seed, jobs)
            harness.run()
            return Judge(harness)()
        finally:
            double.stop()
