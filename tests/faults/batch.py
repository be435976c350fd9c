"""Run one batch in this process, with its own moto stack, upstream and functions."""

import pytest

from tests.faults.harness import Harness
from tests.faults.moto_stack import ENVIRONMENT, MotoStack
from tests.faults.outcome_checks import OutcomeChecks
from tests.faults.report import Report


def run_batch(seed: str, jobs: int) -> Report:
    """Run a batch; the same seed injects the same faults."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRONMENT.items():
            patch.setenv(name, value)
        moto_stack = MotoStack()
        try:
            harness = Harness(moto_stack, patch, seed, jobs)
            harness.run()
            return OutcomeChecks(harness).run()
        finally:
            moto_stack.stop()
