"""Limits in fixed windows: which calls pass, what they write, and what a response says."""

import re

import pytest

from rushes.api import request_limits
from rushes.api.request_limits import (
    MAX_FAILED_KEYS,
    CreateLimiter,
    CreateRate,
    FailedKeyLimiter,
    network_of,
)
from rushes.errors import AwsUnavailable, RateLimited, TooManyFailedKeys
from tests.fakes import FakeClock, FakeCounters

START = 1_800_000_000.0
"""Beginning of a window of 10 and of 60 seconds."""


@pytest.fixture
def counters() -> FakeCounters:
    return FakeCounters()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(START)


def rate(name: str = "alice", per_minute: int = 60, key_id: str | None = None) -> CreateRate:
    return CreateRate(name, per_minute, key_id)


def admitted(limiter: CreateLimiter, calls: int, *rates: CreateRate) -> int:
    count = 0
    for _ in range(calls):
        try:
            limiter.admit(rates or [rate()])
        except RateLimited:
            continue
        count += 1
    return count


@pytest.mark.parametrize(("per_minute", "limit"), [(300, 50), (60, 10), (61, 11), (6, 1), (1, 1)])
def test_limit_is_a_sixth_of_a_minutes_calls(
    counters: FakeCounters, clock: FakeClock, per_minute: int, limit: int
):
    limiter = CreateLimiter(counters, clock)
    assert admitted(limiter, 200, rate(per_minute=per_minute)) == limit


def test_refused_calls_write_nothing(counters: FakeCounters, clock: FakeClock):
    assert admitted(CreateLimiter(counters, clock), 2000) == 10
    assert counters.writes == 10


def test_all_functions_share_one_limit(counters: FakeCounters, clock: FakeClock):
    functions = [CreateLimiter(counters, clock) for _ in range(4)]
    assert sum(admitted(limiter, 100) for limiter in functions) == 10
    assert counters.writes == 10 + 3  # each other function learns of the full window


def test_next_window_admits_calls_again(counters: FakeCounters, clock: FakeClock):
    limiter = CreateLimiter(counters, clock)
    clock.advance(7)
    assert admitted(limiter, 20) == 10
    with pytest.raises(RateLimited, match=r"10 jobs in 10 s; retry in 3 s") as refused:
        limiter.admit([rate()])
    assert refused.value.retry_after == 3
    clock.advance(3)
    assert admitted(limiter, 20) == 10


def test_accounts_have_separate_limits(counters: FakeCounters, clock: FakeClock):
    limiter = CreateLimiter(counters, clock)
    assert (admitted(limiter, 20), admitted(limiter, 20, rate("bob"))) == (10, 10)


def test_headers_have_limit_calls_left_and_seconds(counters: FakeCounters, clock: FakeClock):
    limiter = CreateLimiter(counters, clock)
    clock.advance(4)
    admitted(limiter, 3)
    assert limiter.headers([rate()]) == {
        "ratelimit-policy": '"creates";q=10;w=10',
        "ratelimit": '"creates";r=7;t=6',
    }
    admitted(limiter, 30)
    assert limiter.headers([rate()])["ratelimit"] == '"creates";r=0;t=6'


def test_no_rate_counts_nothing(counters: FakeCounters, clock: FakeClock):
    limiter = CreateLimiter(counters, clock)
    limiter.admit([])
    assert (counters.writes, limiter.headers([])) == (0, {})


def test_key_and_account_have_windows_of_their_own(counters: FakeCounters, clock: FakeClock):
    limiter = CreateLimiter(counters, clock)
    both = [rate("alice#k1", 12, key_id="k1"), rate("alice", 30)]
    assert admitted(limiter, 9, *both) == 2
    with pytest.raises(RateLimited, match="the API key may create 2 jobs in 10 s") as refused:
        limiter.admit(both)
    assert refused.value.headers == {
        "ratelimit-policy": '"key_creates";q=2;w=10',
        "ratelimit": '"key_creates";r=0;t=10',
    }
    assert admitted(limiter, 9, both[1]) == 3  # of 5: calls with the key count for the account
    assert limiter.headers(both)["ratelimit"] == '"key_creates";r=0;t=10, "creates";r=0;t=10'


def test_changed_limit_applies_to_the_current_window(counters: FakeCounters, clock: FakeClock):
    limiter = CreateLimiter(counters, clock)
    assert admitted(limiter, 20) == 10
    assert admitted(limiter, 20, rate(per_minute=90)) == 5
    assert admitted(limiter, 20, rate(per_minute=6)) == 0


def test_memory_is_bounded(
    counters: FakeCounters, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(request_limits, "MAX_REMEMBERED", 5)
    limiter = CreateLimiter(counters, clock)
    for number in range(50):
        limiter.admit([rate(f"account-{number}")])
        assert len(limiter._windows._used) <= 5


def test_failed_keys_of_a_network_are_refused_after_twenty(
    counters: FakeCounters, clock: FakeClock
):
    limiter = FailedKeyLimiter(counters, clock)
    for _ in range(MAX_FAILED_KEYS):
        limiter.check("192.0.2.1")
        limiter.count("192.0.2.1")
    with pytest.raises(TooManyFailedKeys, match="retry in 60 s"):
        limiter.check("192.0.2.1")
    limiter.check("192.0.2.2")
    clock.advance(60)
    limiter.check("192.0.2.1")


def test_failed_key_that_cannot_be_counted_is_no_other_error(
    counters: FakeCounters, clock: FakeClock
):
    counters.error = AwsUnavailable("throttled")
    FailedKeyLimiter(counters, clock).count("192.0.2.1")
    assert counters.writes == 1


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("", "unknown"),
        ("rk_x", "unknown"),
    ],
)
def test_network_is_an_ipv4_address_or_an_ipv6_network(address: str, network: str):
    assert network_of(address) == network
    assert re.fullmatch("[0-9a-z.:/]+", network)
