"""Verification of API keys."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.api import auth
from rushes.api.auth import CACHE_TTL, Authenticator, Identity
from rushes.api.key_hashing import create_api_key
from rushes.api.request_limits import MAX_FAILED_KEYS, FailedKeyLimiter
from rushes.dialects.api_key import read_key
from rushes.dialects.base import HttpRequest
from rushes.errors import InvalidApiKey, TooManyFailedKeys
from rushes.ports.api_keys import ApiKey
from rushes.redaction import REDACTOR
from tests.fakes import FakeClock, FakeCounters, FakeKeys


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
            return self.authenticator.authenticate(key).account == "demo"
        except InvalidApiKey as error:
            return error.message != "the API key is not valid"


@pytest.fixture
def setup(monkeypatch: pytest.MonkeyPatch) -> Setup:
    setup = Setup()
    monkeypatch.setattr(auth, "time", setup)
    return setup


def test_authenticate_returns_account_and_id_of_created_key(setup: Setup) -> None:
    identity = setup.authenticator.authenticate(setup.key)
    key_id = setup.record.key_id
    assert identity == Identity("demo", key_id, limits_id=key_id)


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


def test_cached_key_is_refused_within_five_seconds_of_revocation(setup: Setup) -> None:
    assert setup.accepts(setup.key)
    setup.keys.add(replace(setup.record, revoked=True))
    setup.clock.advance(auth.CACHE_TTL - 1)
    assert setup.accepts(setup.key)
    setup.clock.advance(1)
    assert not setup.accepts(setup.key)


def test_cached_key_is_refused_within_five_seconds_of_deletion(setup: Setup) -> None:
    assert setup.accepts(setup.key)
    setup.keys.rows.clear()
    setup.clock.advance(auth.CACHE_TTL)
    assert not setup.accepts(setup.key)


def test_new_key_is_accepted_at_once_after_earlier_miss(setup: Setup) -> None:
    setup.keys.rows.clear()
    assert not setup.accepts(setup.key)
    setup.keys.add(setup.record)
    assert setup.accepts(setup.key)


class Guesser:
    """An authenticator with a limit on failed keys; `lookups` counts the reads of keys."""

    def __init__(self, setup: Setup) -> None:
        self.counters, self.setup = FakeCounters(), setup
        self.lookups = 0
        limiter = FailedKeyLimiter(self.counters, FakeClock())
        self.authenticator = Authenticator(self, limiter)

    def add(self, key: ApiKey) -> None:
        raise NotImplementedError

    def get(self, key_id: str) -> ApiKey | None:
        self.lookups += 1
        return self.setup.keys.get(key_id)

    def record_use(self, key_id: str, now: float, interval: float) -> None:
        self.setup.keys.record_use(key_id, now, interval)

    def guess(self, count: int, source_ip: str = "192.0.2.1") -> list[type[Exception]]:
        errors: list[type[Exception]] = []
        for _ in range(count):
            wrong, _ = create_api_key("demo", 100.0)
            with pytest.raises((InvalidApiKey, TooManyFailedKeys)) as raised:
                self.authenticator.authenticate(wrong, source_ip)
            errors.append(raised.type)
        return errors


@pytest.fixture
def guesser(setup: Setup) -> Guesser:
    return Guesser(setup)


def test_guessing_is_refused_without_a_lookup_after_twenty_keys(guesser: Guesser):
    errors = guesser.guess(500)
    assert errors.count(InvalidApiKey) == MAX_FAILED_KEYS
    assert errors[MAX_FAILED_KEYS:] == [TooManyFailedKeys] * (500 - MAX_FAILED_KEYS)
    assert (guesser.lookups, guesser.counters.writes) == (MAX_FAILED_KEYS, MAX_FAILED_KEYS)


@pytest.mark.parametrize("key", ["", "sk-other", "rk_x", "rk_0123456789abcdef_short"])
def test_malformed_keys_count_too(guesser: Guesser, key: str):
    for _ in range(MAX_FAILED_KEYS):
        with pytest.raises(InvalidApiKey):
            guesser.authenticator.authenticate(key, "192.0.2.1")
    with pytest.raises(TooManyFailedKeys):
        guesser.authenticator.authenticate(key, "192.0.2.1")


def test_wrong_secret_of_a_known_key_counts_too(guesser: Guesser, setup: Setup):
    guesser.authenticator.authenticate(setup.key, "192.0.2.1")
    wrong = setup.key[:20] + "A" * 43
    for error in [InvalidApiKey] * MAX_FAILED_KEYS + [TooManyFailedKeys]:
        with pytest.raises(error):
            guesser.authenticator.authenticate(wrong, "192.0.2.1")


def test_key_that_the_function_knows_passes_from_a_refused_address(guesser: Guesser, setup: Setup):
    """A guesser behind the same address must not lock out a client at work."""
    guesser.authenticator.authenticate(setup.key, "192.0.2.1")
    guesser.guess(30)
    assert guesser.authenticator.authenticate(setup.key, "192.0.2.1").account == "demo"


def test_key_that_was_valid_passes_after_its_time_in_the_cache(guesser: Guesser, setup: Setup):
    guesser.authenticator.authenticate(setup.key, "192.0.2.1")
    guesser.guess(30)
    setup.clock.advance(CACHE_TTL + 1)
    assert guesser.authenticator.authenticate(setup.key, "192.0.2.1").account == "demo"
    with pytest.raises(TooManyFailedKeys):
        guesser.authenticator.authenticate(
            setup.key[:-1] + ("0" if setup.key[-1] != "0" else "1"), "192.0.2.1"
        )


@pytest.mark.parametrize("text", ["completed", "https://", "X-Amz-Signature"])
def test_text_that_is_no_key_is_not_redacted_in_responses(setup: Setup, text: str):
    """Anyone could spoil the responses to others with it."""
    request = HttpRequest("GET", "/", {}, {}, {"authorization": f"Bearer {text}"}, b"")
    with pytest.raises(InvalidApiKey):
        setup.authenticator.identify(request, read_key)
    assert REDACTOR.redact(f'{{"status": "{text}"}}') == f'{{"status": "{text}"}}'


def test_other_addresses_are_not_refused(guesser: Guesser, setup: Setup):
    guesser.guess(30)
    assert guesser.authenticator.authenticate(setup.key, "192.0.2.2").account == "demo"


def test_addresses_of_one_ipv6_network_count_together(guesser: Guesser):
    errors = [guesser.guess(1, f"2001:db8:1:2::{n:x}")[0] for n in range(1, 30)]
    assert errors.count(InvalidApiKey) == MAX_FAILED_KEYS


def test_valid_requests_write_nothing(guesser: Guesser, setup: Setup):
    for _ in range(100):
        guesser.authenticator.authenticate(setup.key, "192.0.2.1")
    assert (guesser.counters.writes, guesser.lookups) == (0, 1)
