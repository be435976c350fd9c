"""Fixtures of the Together dialect's tests."""

import pytest

from tests.unit.dialects.together.together_client import CATALOG, PATHS, TogetherCaller


@pytest.fixture
def caller(monkeypatch: pytest.MonkeyPatch) -> TogetherCaller:
    return TogetherCaller(monkeypatch, CATALOG)


@pytest.fixture(params=PATHS)
def base(request: pytest.FixtureRequest) -> str:
    return str(request.param)
