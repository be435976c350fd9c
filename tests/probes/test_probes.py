"""The local engine answers each probe as recorded.

A probe that fails with a new engine version shows a new or a removed difference: update its
record, and review the code or test that covers it.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.probes.aws_setup import AwsSetup
from tests.probes.probe import Probe
from tests.probes.table import probes

AT_ONCE = 16


@pytest.fixture(scope="module")
def answers(aws_setup: AwsSetup) -> Iterator[dict[str, Future[str]]]:
    """Run all probes concurrently: most of them only wait."""
    assert all((aws_setup.role, aws_setup.bucket, aws_setup.table))
    with ThreadPoolExecutor(AT_ONCE) as threads:
        yield {probe.name: threads.submit(probe.run, aws_setup) for probe in probes()}


@pytest.mark.parametrize("probe", probes(), ids=lambda probe: probe.name)
def test_engine_answers_as_recorded(probe: Probe, answers: dict[str, Future[str]]):
    assert answers[probe.name].result() == probe.expected
