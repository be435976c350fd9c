"""Create calls of disabled accounts."""

import pytest

from rushes.api.account_states import CACHE_TTL, AccountStates
from rushes.errors import AccountDisabled
from rushes.ports.accounts import Account
from tests.fakes import FakeAccounts, FakeClock


@pytest.fixture
def accounts() -> FakeAccounts:
    return FakeAccounts()


def test_account_without_a_record_is_enabled(accounts: FakeAccounts):
    AccountStates(accounts).require_enabled("team")


def test_disabled_account_is_refused_within_five_seconds(accounts: FakeAccounts):
    clock = FakeClock(0.0)
    states = AccountStates(accounts, clock)
    accounts.rows["team"] = Account("team", 0.0)
    states.require_enabled("team")
    accounts.rows["team"] = Account("team", 0.0, disabled_at=1.0)
    clock.advance(CACHE_TTL - 0.001)
    states.require_enabled("team")
    clock.advance(0.001)
    with pytest.raises(AccountDisabled, match="account team is disabled"):
        states.require_enabled("team")
    states.require_enabled("other")
    accounts.rows["team"] = Account("team", 0.0)
    clock.advance(CACHE_TTL)
    states.require_enabled("team")


def test_account_is_read_once_in_five_seconds(accounts: FakeAccounts):
    clock = FakeClock(0.0)
    states = AccountStates(accounts, clock)
    for _ in range(100):
        states.require_enabled("team")
        clock.advance(0.1)
    assert accounts.reads == 2
