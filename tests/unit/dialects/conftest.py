"""Fixtures of the dialect tests."""

import pytest

from tests.unit.dialects.api_client import BASES, Caller


@pytest.fixture
def caller(monkeypatch: pytest.MonkeyPatch) -> Caller:
    return Caller(monkeypatch)


@pytest.fixture(params=BASES)
def base(request: pytest.FixtureRequest) -> str:
    """Each base path of the OpenAI and the Bifrost dialect."""
    return str(request.param)
