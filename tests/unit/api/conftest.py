"""Fixtures of the API tests."""

import pytest

from tests.harness import Harness
from tests.unit.dialects.api_client import Caller


@pytest.fixture
def harness() -> Harness:
    return Harness()


@pytest.fixture
def caller(monkeypatch: pytest.MonkeyPatch) -> Caller:
    return Caller(monkeypatch)
