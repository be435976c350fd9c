import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def write_nothing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Disable the log and the metrics: thousands of runs write thousands of lines."""
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "true")
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)
