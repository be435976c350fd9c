from collections.abc import Iterator

import pytest

from tests.raw_http import RawServer, serving


@pytest.fixture
def server() -> Iterator[RawServer]:
    with serving() as server:
        yield server


@pytest.fixture
def other_server() -> Iterator[RawServer]:
    with serving() as server:
        yield server
