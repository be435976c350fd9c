"""Limits on calls in fixed windows of time: create calls, and invalid keys of a network.

A counted call costs one write. A full window is remembered in the function's memory, so that the
calls above the limit cost nothing. Each other warm function learns of it at its next counted call.
"""

import ipaddress
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from rushes.errors import AwsUnavailable, RateLimited, TooManyFailedKeys
from rushes.jobs.quota import Quota, policy_name, rate_limit_headers
from rushes.ports import Clock
from rushes.ports.counters import Counters

CREATE_SECONDS = 10
FAILED_KEY_SECONDS = 60
MAX_FAILED_KEYS = 20
"""Invalid API keys of one network in `FAILED_KEY_SECONDS`."""
MAX_REMEMBERED = 10_000
"""Windows in the function's memory."""
IPV6_PREFIX = 64
"""Bits that identify a network: a client may use any address in it."""


@dataclass(frozen=True)
class Window:
    """The calls of one name in the current window."""

    used: int
    limit: int
    seconds: int
    seconds_left: int

    @property
    def is_full(self) -> bool:
        return self.used >= self.limit


@dataclass
class WindowCounter:
    """Counts the calls of each name in windows of `seconds`; `family` begins their names."""

    counters: Counters
    clock: Clock
    family: str
    seconds: int
    _used: dict[tuple[str, int], int] = field(default_factory=dict)

    def window(self, name: str, limit: int) -> Window:
        """Return the window as this function knows it; other functions may have counted more."""
        return self._window(self._used.get((name, self._number()), 0), limit)

    def add(self, name: str, limit: int) -> Window:
        """Count a call, also one above the limit."""
        number = self._number()
        expires_at = (number + 2) * self.seconds
        used = self.counters.add(f"{self.family}#{name}#{number}", expires_at)
        if len(self._used) >= MAX_REMEMBERED:
            self._used.clear()
        self._used[name, number] = used
        return self._window(used, limit)

    def _number(self) -> int:
        return int(self.clock() // self.seconds)

    def _window(self, used: int, limit: int) -> Window:
        left = self.seconds - int(self.clock() % self.seconds)
        return Window(used, limit, self.seconds, max(left, 1))


@dataclass(frozen=True)
class CreateRate:
    """Create calls of an account, or of one of its API keys (`key_id`), in a minute."""

    name: str
    per_minute: int
    key_id: str | None = None

    @property
    def limit(self) -> int:
        return -(-self.per_minute * CREATE_SECONDS // 60)

    @property
    def policy(self) -> str:
        return policy_name("creates", self.key_id)

    @property
    def owner(self) -> str:
        return "API key" if self.key_id else "account"


class CreateLimiter:
    """At most `per_minute / 6` create calls of a name, rounded up, in windows of 10 seconds."""

    def __init__(self, counters: Counters, clock: Clock) -> None:
        self._windows = WindowCounter(counters, clock, "CREATES", CREATE_SECONDS)

    def admit(self, rates: Iterable[CreateRate]) -> None:
        """Count a create call of each name.

        Raises
        ------
        RateLimited
            If a window is full; the windows before it have counted the call.
        """
        for rate in rates:
            window = self._windows.window(rate.name, rate.limit)
            if not window.is_full:
                window = self._windows.add(rate.name, rate.limit)
                if window.used <= window.limit:
                    continue
            raise RateLimited(
                f"the {rate.owner} may create {window.limit} jobs in {window.seconds} s;"
                f" retry in {window.seconds_left} s",
                retry_after=window.seconds_left,
                headers=self.headers([rate]),
            )

    def headers(self, rates: Iterable[CreateRate]) -> dict[str, str]:
        """Return the limits and the calls left."""
        windows = [(rate, self._windows.window(rate.name, rate.limit)) for rate in rates]
        return rate_limit_headers(
            *(
                Quota(
                    policy=rate.policy,
                    limit=window.limit,
                    left=max(window.limit - window.used, 0),
                    window=window.seconds,
                    reset=window.seconds_left,
                )
                for rate, window in windows
            )
        )


class FailedKeyLimiter:
    """At most 20 invalid API keys of a network per minute; then none is looked up."""

    def __init__(self, counters: Counters, clock: Clock) -> None:
        self._windows = WindowCounter(counters, clock, "FAILED_KEYS", FAILED_KEY_SECONDS)

    def check(self, source_ip: str) -> None:
        """Raise TooManyFailedKeys if the network has sent too many invalid keys."""
        window = self._windows.window(network_of(source_ip), MAX_FAILED_KEYS)
        if window.is_full:
            raise TooManyFailedKeys(
                f"too many invalid API keys; retry in {window.seconds_left} s",
                retry_after=window.seconds_left,
            )

    def count(self, source_ip: str) -> None:
        """Count an invalid key; one that cannot be counted is refused all the same."""
        with suppress(AwsUnavailable):
            self._windows.add(network_of(source_ip), MAX_FAILED_KEYS)


def network_of(source_ip: str) -> str:
    """Return an IPv4 address, or the /64 network of an IPv6 address."""
    try:
        address: Any = ipaddress.ip_address(source_ip)
    except ValueError:
        return "unknown"
    address = getattr(address, "ipv4_mapped", None) or address
    if address.version == 4:
        return str(address)
    return str(ipaddress.IPv6Network((int(address), IPV6_PREFIX), strict=False))
