"""Verification of API keys."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.api import auth
from rushes.api.auth import Authenticator
from rushes.api.key_hashing import create_api_key
from rushes.errors import InvalidApiKey
from tests.fakes import FakeClock, FakeKeys


class Setup:
    """An authenticator with one stored key and a controlled `time.monotonic`."""

    def __init__(self) -> None:
        self.keys = FakeKeys()
        self.clock = FakeClock(0.0)
        self.key, self.record = create_api_key("demo", 100.0)
        self.keys.add(self.record)
        self.authenticator = Authenticator(self.keys)

    def monotonic(self) -> float:
        return self.clock()

    def accepts(self, key: str) -> bool:
        try:
            return self.authenticator.account(key) == "demo"
        except InvalidApiKey as error:
            return error.message != "the API key is not valid"


@pytest.fixture
def setup(monkeypatch: pytest.MonkeyPatch) -> Setup:
    setup = Setup()
    monkeypatch.setattr(auth, "time", setup)
    return setup


def test_account_returns_account_of_created_key(setup: Setup) -> None:
    assert setup.authenticator.account(setup.key) == "demo"


def test_invalid_keys_are_refused_with_one_message(setup: Setup) -> None:
    other_account, _ = create_api_key("demo", 100.0)
    other_secret = setup.key[:-1] + ("A" if setup.key[-1] != "A" else "B")
    for key in ("", setup.key[:-1], f"{setup.key}x", f" {setup.key}", other_account, other_secret):
        assert not setup.accepts(key)
    assert not setup.accepts(other_account[:20] + setup.key[20:])


@given(st.text(max_size=80))
def test_arbitrary_text_is_refused(text: str) -> None:
    assert not Setup().accepts(text)


def test_revoked_key_is_refused(setup: Setup) -> None:
    setup.keys.add(replace(setup.record, revoked=True))
    assert not setup.accepts(setup.key)


def test_cached_key_is_refused_within_a_minute_of_revocation(setup: Setup) -> None:
    assert setup.accepts(setup.key)
    setup.keys.add(replace(setup.record, revoked=True))
    setup.clock.advance(auth.CACHE_TTL - 1)
    assert setup.accepts(setup.key)
    setup.clock.advance(1)
    assert not setup.accepts(setup.key)


def test_cached_key_is_refused_within_a_minute_of_deletion(setup: Setup) -> None:
    assert setup.accepts(setup.key)
    setup.keys.rows.clear()
    setup.clock.advance(auth.CACHE_TTL)
    assert not setup.accepts(setup.key)


def test_new_key_is_accepted_at_once_after_earlier_miss(setup: Setup) -> None:
    setup.keys.rows.clear()
    assert not setup.accepts(setup.key)
    setup.keys.add(setup.record)
    assert setup.accepts(setup.key)
