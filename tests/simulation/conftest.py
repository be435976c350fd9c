import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def disable_logging() -> Iterator[None]:
    """Disable logging: thousands of runs write thousands of warnings."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)
