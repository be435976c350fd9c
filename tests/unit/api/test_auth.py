"""API keys: what is minted is taken, and nothing else is."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.api import auth
from rushes.api.auth import Authenticator, create_api_key
from rushes.errors import InvalidApiKey
from tests.fakes import FakeClock, FakeKeys


class Door:
    """An authenticator, what it reads from, and the clock that it goes by."""

    def __init__(self) -> None:
        self.keys = FakeKeys()
        self.clock = FakeClock(0.0)
        self.key, self.record = create_api_key("demo", 100.0)
        self.keys.add(self.record)
        self.authenticator = Authenticator(self.keys)

    def monotonic(self) -> float:
        return self.clock()

    def is_open(self, key: str) -> bool:
        try:
            return self.authenticator.account(key) == "demo"
        except InvalidApiKey as error:
            return error.message != "the API key is not valid"


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Door:
    door = Door()
    monkeypatch.setattr(auth, "time", door)
    return door


def test_a_minted_key_opens_its_account(door: Door) -> None:
    assert door.authenticator.account(door.key) == "demo"


def test_what_is_kept_of_a_key_does_not_give_it_away() -> None:
    key, record = create_api_key("demo", 100.0)
    secret = key.rpartition(record.key_id)[2][1:]
    assert auth.KEY.fullmatch(key)
    assert secret not in repr(record)
    assert re.fullmatch("[0-9a-f]{64}", record.digest)
    assert (record.account, record.created_at, record.revoked) == ("demo", 100.0, False)


def test_no_two_keys_are_alike() -> None:
    assert len({create_api_key("demo", 100.0)[0] for _ in range(50)}) == 50


@pytest.mark.parametrize("account", ["", "Demo", "-a", "a b", "a#b", "a/b", "ä", "a" * 64, "a\n"])
def test_an_account_that_could_be_mistaken_for_something_else_gets_no_key(account: str) -> None:
    with pytest.raises(ValueError, match="an account is"):
        create_api_key(account, 100.0)


def test_every_spoilt_key_is_refused_with_the_same_words(door: Door) -> None:
    other_account, _ = create_api_key("demo", 100.0)
    other_secret = door.key[:-1] + ("A" if door.key[-1] != "A" else "B")
    for key in ("", door.key[:-1], f"{door.key}x", f" {door.key}", other_account, other_secret):
        assert not door.is_open(key)
    assert not door.is_open(other_account[:20] + door.key[20:])


@given(st.text(max_size=80))
def test_any_text_may_be_tried_as_a_key(text: str) -> None:
    assert not Door().is_open(text)


def test_a_revoked_key_is_refused(door: Door) -> None:
    door.keys.add(replace(door.record, revoked=True))
    assert not door.is_open(door.key)


def test_a_key_revoked_while_in_use_is_refused_within_a_minute(door: Door) -> None:
    assert door.is_open(door.key)
    door.keys.add(replace(door.record, revoked=True))
    door.clock.advance(auth.CACHE_TTL - 1)
    assert door.is_open(door.key)
    door.clock.advance(1)
    assert not door.is_open(door.key)


def test_a_key_whose_row_is_gone_is_refused_within_a_minute(door: Door) -> None:
    assert door.is_open(door.key)
    door.keys.rows.clear()
    door.clock.advance(auth.CACHE_TTL)
    assert not door.is_open(door.key)


def test_a_new_key_is_taken_at_once_though_it_was_tried_before_it_was_there(door: Door) -> None:
    door.keys.rows.clear()
    assert not door.is_open(door.key)
    door.keys.add(door.record)
    assert door.is_open(door.key)
