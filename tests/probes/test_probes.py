"""The engine answers as written down beside AWS's answers, and no otherwise.

A probe that fails after the engine was exchanged tells which difference is new, or gone: its row
is put right, and what covers it is looked at again.
"""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.probes.aws_setup import Ground
from tests.probes.probe import Probe
from tests.probes.table import probes

AT_ONCE = 16


@pytest.fixture(scope="module")
def answers(ground: Ground) -> Iterator[dict[str, Future[str]]]:
    """All are asked at the same time: most of them only wait."""
    assert ground.role
    assert ground.bucket
    assert ground.table
    with ThreadPoolExecutor(AT_ONCE) as threads:
        yield {probe.name: threads.submit(probe.ask, ground) for probe in probes()}


@pytest.mark.parametrize("probe", probes(), ids=lambda probe: probe.name)
def test_the_engine_answers_as_written(probe: Probe, answers: dict[str, Future[str]]):
    assert answers[probe.name].result() == probe.expected
