"""Fixtures of all tests."""

from collections.abc import Iterator

import pytest

from tests.raw_http import RawServer, serving


@pytest.fixture
def server() -> Iterator[RawServer]:
    """Run an HTTP server that writes given bytes."""
    with serving() as running:
        yield running
