import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    """Thousands of runs would write thousands of warnings, and each takes its time."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)
