"""Fixtures of all tests."""

from collections.abc import Iterator

import httpx
import pytest
from hypothesis import HealthCheck, settings

from local.packaging import ROOT
from rushes.redaction import REDACTOR
from tests.raw_http import RawServer, serving
from tests.waiting import MAX_WAIT_SECONDS

MEASURED = ("tests/unit", "tests/integration", "tests/contract/test_transcripts")
"""Tests whose coverage counts. It doubles the time of the others, which repeat the same code."""


# No test depends on the speed of the machine.
settings.register_profile("rushes", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("rushes")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if not item.path.relative_to(ROOT).as_posix().startswith(MEASURED):
            item.add_marker(pytest.mark.no_cover)


def pytest_runtest_setup() -> None:
    """Forget the secrets of the tests before: they are words such as `upstream-key`."""
    REDACTOR._secrets = {}


@pytest.fixture(scope="session", autouse=True)
def _patient_httpx() -> None:
    """Replace httpx's default of 5 seconds in the tests' own calls, which a busy machine exceeds.

    The functions name their time-outs themselves.
    """
    default = httpx._config.DEFAULT_TIMEOUT_CONFIG
    default.connect = default.read = default.write = default.pool = MAX_WAIT_SECONDS


@pytest.fixture
def server() -> Iterator[RawServer]:
    """Run an HTTP server that writes given bytes."""
    with serving() as running:
        yield running
