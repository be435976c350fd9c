"""What the dialects' tests start from."""

import pytest

from tests.unit.dialects.api_client import BASES, Caller


@pytest.fixture
def caller(monkeypatch: pytest.MonkeyPatch) -> Caller:
    return Caller(monkeypatch)


@pytest.fixture(params=BASES)
def base(request: pytest.FixtureRequest) -> str:
    """Each path that jobs are created at: the tests that ask for it hold in every dialect."""
    path: str = request.param
    return path
