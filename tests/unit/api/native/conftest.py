"""Fixtures of the tests of the native API."""

import pytest

from tests.unit.api.native.native_caller import NativeCaller


@pytest.fixture
def native(monkeypatch: pytest.MonkeyPatch) -> NativeCaller:
    return NativeCaller(monkeypatch)
